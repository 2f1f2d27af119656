/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_CONV2D_PAIRS_S8_H
#define MICA_CONV2D_PAIRS_S8_H

#include <stdint.h>

#include "conv2d_pixels.h"
#include "expand3.h"
#include "pairs.h"

struct mica_conv2d_pairs_s8 {
    int16_t in_w, in_c, out_w, out_c;
    int16_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, pad_left;
    int16_t in_zero;
    int16_t relu;          /* 1: the output's zero point is -128 */
    const int32_t *stream; /* of mica_pairs() */
};

/* The windows of three pixels into the order of mica_pairs(), column by column: any of them may lie
 * in the padding. */
static inline void mica_conv2d_pairs_columns(const struct mica_conv2d_pairs_s8 *p,
                                             const struct mica_conv2d_pixels *at,
                                             const int8_t *padding, int16_t *to)
{
    for (int32_t ky = 0; ky < p->kernel_h; ky++)
        for (int32_t kx = 0; kx < p->kernel_w; kx++, to += 3 * p->in_c) {
            const int8_t *from[3];
            for (int k = 0; k < 3; k++) {
                const int8_t *row = at->of[k][ky * p->dilation_h];
                const int32_t x = at->left[k] + kx * p->dilation_w;
                from[k] = row && x >= 0 && x < p->in_w ? row + x * p->in_c : padding;
            }
            mica_expand3(from[0], from[1], from[2], to, p->in_c);
        }
}

/* The same where the three are neighbours inside the image, the first one's columns from x on: a
 * kernel row is one run. */
static inline void mica_conv2d_pairs_runs(const struct mica_conv2d_pairs_s8 *p,
                                          const int8_t *const *rows, int32_t x, int16_t *to)
{
    const int32_t run = p->kernel_w * p->in_c, step = p->stride_w * p->in_c;
    for (int32_t ky = p->kernel_h; ky > 0; ky--, rows += p->dilation_h, to += 3 * run) {
        const int8_t *from = *rows + x * p->in_c;
        mica_expand3(from, from + step, from + 2 * step, to, run);
    }
}

/* A strip of n output rows of a 2-D convolution, in_c a multiple of 4: the window of the strip's
 * row s is rows[s * stride_h + ky * dilation_h], each [in_w][in_c] or, above and below the image,
 * NULL -> out[n][out_w][out_c]. buffer: 3 * kernel_h * kernel_w * in_c numbers and in_c bytes,
 * aligned to words. The arithmetic is that of mica_conv2d_s8(). */
static inline void mica_conv2d_pairs_s8(const struct mica_conv2d_pairs_s8 *p,
                                        const int8_t *const *rows, int16_t *buffer, int8_t *out,
                                        int32_t n)
{
    const int32_t taps = (int32_t)p->kernel_h * p->kernel_w * p->in_c;
    const int32_t reach = (p->kernel_h - 1) * p->dilation_h;
    struct mica_pairs job = mica_pairs_of(buffer, taps, p->relu);
    struct mica_conv2d_pixels at = {.rows = rows,
                                    .out = out,
                                    .out_w = p->out_w,
                                    .out_c = p->out_c,
                                    .stride_h = p->stride_h,
                                    .stride_w = p->stride_w,
                                    .pad_left = p->pad_left};
    const int8_t *padding = (int8_t *)(buffer + 3 * taps);
    for (int i = 0; i < p->in_c; i += 2)
        buffer[3 * taps + i / 2] = (int16_t)((uint8_t)p->in_zero * 0x101);
    for (n *= p->out_w; n > 0; n -= 3) {
        const int32_t left = at.x * p->stride_w - p->pad_left;
        if (n >= 3 && at.x + 3 < p->out_w && left >= 0 &&
            left + 2 * p->stride_w + p->kernel_w <= p->in_w && p->dilation_w == 1 && at.rows[0] &&
            at.rows[reach]) {
            for (int k = 0; k < 3; k++, at.out += p->out_c)
                job.out[k] = at.out;
            mica_conv2d_pairs_runs(p, at.rows, left, buffer);
            at.x += 3;
        } else {
            mica_conv2d_next_pixels(&at, n);
            for (int k = 0; k < 3; k++)
                job.out[k] = at.to[k];
            mica_conv2d_pairs_columns(p, &at, padding, buffer);
        }
        mica_pairs_pixels(&job, p->stream, taps, p->out_c);
    }
}

#endif
