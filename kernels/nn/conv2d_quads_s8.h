/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_CONV2D_QUADS_S8_H
#define MICA_CONV2D_QUADS_S8_H

#include <stdint.h>

#include "quads.h"

struct mica_conv2d_quads_s8 {
    int16_t in_w, in_c, out_w, out_c;
    int16_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, pad_left;
    int16_t in_zero;
    int16_t taps;          /* kernel_h * kernel_w * in_c rounded up to a multiple of 4 */
    const int8_t *weights; /* of mica_quads_pixels(): [out_c][taps] */
    const int32_t *scales; /* [out_c][4] */
};

/* The windows of four pixels: their rows and their first columns. */
struct mica_conv2d_windows {
    const int8_t *const *rows[4];
    int32_t left[4];
};

/* All windows lie between the image's left and right: a kernel row is one run. */
static inline void mica_conv2d_quads_runs(const struct mica_conv2d_quads_s8 *p,
                                          const struct mica_conv2d_windows *at,
                                          const int8_t *padding, int32_t *to)
{
    const int32_t run = (int32_t)p->kernel_w * p->in_c;
    for (int32_t ky = 0; ky < p->kernel_h; ky++, to += 2 * run) {
        const int8_t *from[4];
        for (int k = 0; k < 4; k++) {
            const int8_t *row = at->rows[k][ky * p->dilation_h];
            from[k] = row ? row + at->left[k] * p->in_c : padding;
        }
        mica_expand4(from[0], from[1], from[2], from[3], to, run);
    }
}

static inline void mica_conv2d_quads_columns(const struct mica_conv2d_quads_s8 *p,
                                             const struct mica_conv2d_windows *at,
                                             const int8_t *padding, int32_t *to)
{
    for (int32_t ky = 0; ky < p->kernel_h; ky++)
        for (int32_t kx = 0; kx < p->kernel_w; kx++, to += 2 * p->in_c) {
            const int8_t *from[4];
            for (int k = 0; k < 4; k++) {
                const int8_t *row = at->rows[k][ky * p->dilation_h];
                const int32_t x = at->left[k] + kx * p->dilation_w;
                from[k] = row && x >= 0 && x < p->in_w ? row + x * p->in_c : padding;
            }
            mica_expand4(from[0], from[1], from[2], from[3], to, p->in_c);
        }
}

/* A strip of n output rows of a 2-D convolution: the window of the strip's row s is rows[s *
 * stride_h + ky * dilation_h], each [in_w][in_c] or, above and below the image, NULL ->
 * out[n][out_w][out_c]. buffer: 2 * taps words and kernel_w * in_c bytes, rounded up to words. The
 * arithmetic is that of mica_conv2d_s8(). */
static inline void mica_conv2d_quads_s8(const struct mica_conv2d_quads_s8 *p,
                                        const int8_t *const *rows, int32_t *buffer, int8_t *out,
                                        int32_t n)
{
    const int32_t run = (int32_t)p->kernel_w * p->in_c;
    int8_t *const padding = (int8_t *)(buffer + 2 * p->taps);
    struct mica_quads job = {{0, 0, 0, 0}, buffer,    buffer + 2 * p->taps,
                             p->weights,   p->scales, p->out_c};
    int32_t x = 0;
    for (int32_t i = 0; i < run; i++)
        padding[i] = (int8_t)p->in_zero;
    for (int32_t i = 2 * p->kernel_h * run; i < 2 * p->taps; i++)
        buffer[i] = 0;
    for (n *= p->out_w; n > 0; n -= 4) {
        struct mica_conv2d_windows at;
        int inside = p->dilation_w == 1;
        for (int k = 0; k < 4; k++) {
            const int copy = k >= n; /* of the first */
            at.rows[k] = copy ? at.rows[0] : rows;
            at.left[k] = copy ? at.left[0] : x * p->stride_w - p->pad_left;
            job.out[k] = copy ? job.out[0] : out;
            inside &= at.left[k] >= 0 && at.left[k] + p->kernel_w <= p->in_w;
            out += p->out_c;
            if (++x == p->out_w) {
                x = 0;
                rows += p->stride_h;
            }
        }
        if (inside)
            mica_conv2d_quads_runs(p, &at, padding, buffer);
        else
            mica_conv2d_quads_columns(p, &at, padding, buffer);
        mica_quads_pixels(&job);
    }
}

#endif
