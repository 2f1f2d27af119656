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

/* The windows of neighbours, the first at column `left`, all inside the image: a kernel row is one
 * run. */
static inline void mica_conv2d_blocks_runs(const struct mica_conv2d_blocks_f32 *p,
                                           const float *const *rows, int32_t left, float *to)
{
    const int32_t run = (int32_t)p->kernel_w * p->in_c, step = (int32_t)p->stride_w * p->in_c;
    const float *from[5];
    for (int32_t ky = 0; ky < p->kernel_h; ky++, rows += p->dilation_h, to += 5 * run) {
        from[0] = *rows + left * p->in_c;
        for (int k = 1; k < 5; k++)
            from[k] = from[k - 1] + step;
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

/* The interleaved windows times all channels; n: the pixels that are left, of which one or two are
 * done by themselves. */
static inline void mica_conv2d_blocks_pixels(const struct mica_conv2d_blocks_f32 *p,
                                             struct mica_blocks_f32 *job, int32_t taps, int32_t n)
{
    const float *const in = job->in, *const in_end = job->in_end;
    for (int32_t k = 0; k == 0 || (n < 3 && k < n); k++) {
        job->in = in + k;
        job->in_end = in_end + k;
        job->out[0] = job->out[k];
        mica_blocks_pixels(job, p->stream, taps, p->out_c, n < 3 ? 1 : 5, p->rectifier, p->out_min,
                           p->out_max);
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
    const int32_t below = (p->kernel_h - 1) * p->dilation_h, right = 4 * p->stride_w + p->kernel_w;
    float *const zeros = buffer + 5 * taps;
    struct mica_blocks_f32 job = {
        .in = buffer, .in_end = buffer + 5 * taps, .skip = (1 - taps) & 3};
    int32_t x = 0;
    for (int32_t i = 0; i < p->in_c; i++)
        zeros[i] = 0.0f;
    for (n *= p->out_w; n > 0; n -= 5) {
        const int32_t left = x * p->stride_w - p->pad_left;
        if (x + 5 <= p->out_w && left >= 0 && left + right <= p->in_w && p->dilation_w == 1 &&
            rows[0] && rows[below]) {
            mica_conv2d_blocks_runs(p, rows, left, buffer);
            for (int k = 0; k < 5; k++, out += p->out_c)
                job.out[k] = out;
            x += 5;
        } else {
            struct mica_conv2d_fives at;
            for (int k = 0; k < 5; k++) {
                if (k >= n) { /* a copy of the first */
                    at.rows[k] = at.rows[0];
                    at.left[k] = at.left[0];
                    job.out[k] = job.out[0];
                    continue;
                }
                if (x == p->out_w) {
                    x = 0;
                    rows += p->stride_h;
                }
                at.rows[k] = rows;
                at.left[k] = x++ * p->stride_w - p->pad_left;
                job.out[k] = out;
                out += p->out_c;
            }
            if (p->in_c < 4 && p->dilation_w == 1)
                mica_conv2d_blocks_clipped(p, &at, buffer);
            else
                mica_conv2d_blocks_columns(p, &at, zeros, buffer);
        }
        if (x == p->out_w) {
            x = 0;
            rows += p->stride_h;
        }
        mica_conv2d_blocks_pixels(p, &job, taps, n);
    }
}

#endif
