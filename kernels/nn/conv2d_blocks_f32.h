/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_CONV2D_BLOCKS_F32_H
#define MICA_CONV2D_BLOCKS_F32_H

#include <stdint.h>

#include "blocks_f32.h"

struct mica_conv2d_blocks_f32 {
    int16_t in_w, in_c, out_w, out_c;
    int16_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, pad_left;
    int16_t rectifier; /* see mica_blocks_pixels() */
    float out_min, out_max;
    const float *stream; /* of mica_blocks_f32 */
};

/* Windows of five pixels: their rows and first columns. */
struct mica_conv2d_fives {
    const float *const *rows[5];
    int32_t left[5];
};

/* The windows inside the image: a kernel row is one run. */
static inline void mica_conv2d_blocks_runs(const struct mica_conv2d_blocks_f32 *p,
                                           const struct mica_conv2d_fives *at, float *to)
{
    const int32_t run = (int32_t)p->kernel_w * p->in_c;
    const float *from[5];
    for (int32_t ky = 0; ky < p->kernel_h; ky++, to += 5 * run) {
        for (int k = 0; k < 5; k++)
            from[k] = at->rows[k][ky * p->dilation_h] + at->left[k] * p->in_c;
        mica_interleave5(from, to, run);
    }
}

/* Any windows, column by column. */
static inline void mica_conv2d_blocks_columns(const struct mica_conv2d_blocks_f32 *p,
                                              const struct mica_conv2d_fives *at,
                                              const float *zeros, float *to)
{
    const float *from[5];
    for (int32_t ky = 0; ky < p->kernel_h; ky++)
        for (int32_t kx = 0; kx < p->kernel_w; kx++, to += 5 * p->in_c) {
            for (int k = 0; k < 5; k++) {
                const float *row = at->rows[k][ky * p->dilation_h];
                const int32_t x = at->left[k] + kx * p->dilation_w;
                from[k] = row && x >= 0 && x < p->in_w ? row + x * p->in_c : zeros;
            }
            mica_interleave5(from, to, p->in_c);
        }
}

/* Any windows of few channels without dilation, pixel by pixel: the columns inside the image are
 * one run. */
MICA_CALLED void mica_conv2d_blocks_clipped(const struct mica_conv2d_blocks_f32 *p,
                                            const struct mica_conv2d_fives *at, float *to)
{
    const int32_t run = (int32_t)p->kernel_w * p->in_c;
    for (int k = 0; k < 5; k++) {
        const int32_t left = at->left[k], after = p->in_w - left;
        const int32_t before = left < 0 ? -left * p->in_c : 0, first = before < run ? before : run;
        const int32_t end = after < p->kernel_w ? after * p->in_c : run;
        float *next = to + k;
        for (int32_t ky = 0; ky < p->kernel_h; ky++) {
            const float *from = at->rows[k][ky * p->dilation_h];
            int32_t i = 0;
            if (from) {
                for (; i < first; i++, next += 5)
                    *next = 0.0f;
                for (from += left * p->in_c; i < end; i++, next += 5)
                    *next = from[i];
            }
            for (; i < run; i++, next += 5)
                *next = 0.0f;
        }
    }
}

/* A strip of n output rows of a 2-D convolution: the window of the strip's row s is rows[s *
 * stride_h + ky * dilation_h], each [in_w][in_c] or, above and below the image, NULL ->
 * out[n][out_w][out_c]. buffer: 5 * kernel_h * kernel_w * in_c + in_c numbers. The arithmetic is
 * that of mica_conv2d_f32(). */
static inline void mica_conv2d_blocks_f32(const struct mica_conv2d_blocks_f32 *p,
                                          const float *const *rows, float *buffer, float *out,
                                          int32_t n)
{
    const int32_t taps = (int32_t)p->kernel_h * p->kernel_w * p->in_c;
    const int32_t reach = (p->kernel_h - 1) * p->dilation_h;
    float *const zeros = buffer + 5 * taps;
    struct mica_blocks_f32 job = {
        .in = buffer, .in_end = buffer + 5 * taps, .even = 1 - (taps & 1), .relu = p->rectifier};
    int32_t x = 0;
    for (int32_t i = 0; i < p->in_c; i++)
        zeros[i] = 0.0f;
    for (n *= p->out_w; n > 0; n -= 5) {
        struct mica_conv2d_fives at;
        int inside = p->dilation_w == 1;
        for (int k = 0; k < 5; k++) {
            if (k >= n) { /* a copy of the first */
                at.rows[k] = at.rows[0];
                at.left[k] = at.left[0];
                job.out[k] = job.out[0];
                continue;
            }
            at.rows[k] = rows;
            at.left[k] = x * p->stride_w - p->pad_left;
            job.out[k] = out;
            inside &= at.left[k] >= 0 && at.left[k] + p->kernel_w <= p->in_w && rows[0] &&
                      rows[reach];
            out += p->out_c;
            if (++x == p->out_w) {
                x = 0;
                rows += p->stride_h;
            }
        }
        if (inside)
            mica_conv2d_blocks_runs(p, &at, buffer);
        else if (p->in_c < 4 && p->dilation_w == 1)
            mica_conv2d_blocks_clipped(p, &at, buffer);
        else
            mica_conv2d_blocks_columns(p, &at, zeros, buffer);
        mica_blocks_pixels(&job, p->stream, taps, p->out_c, p->rectifier, p->out_min, p->out_max);
    }
}

#endif
