/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_CONV2D_WINDOW_PAIRS_S8_H
#define MICA_CONV2D_WINDOW_PAIRS_S8_H

#include <stdint.h>

#include "dense_pairs_s8.h"
#include "rom.h"

struct mica_conv2d_window_pairs_s8 {
    int16_t in_w, in_c, out_w, out_c;
    int16_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, pad_left;
    int16_t in_zero;
    const int32_t *stream; /* of mica_dense_pairs() */
};

/* The window of one pixel, its first column at `left`, in the order of mica_dense_pairs(). */
static inline void mica_conv2d_window_expand(const struct mica_conv2d_window_pairs_s8 *p,
                                             const int8_t *const *rows, int32_t left, int16_t *to)
{
    const int32_t in_c = p->in_c, run = p->kernel_w * in_c;
    const int inside = p->dilation_w == 1 && left >= 0 && left + p->kernel_w <= p->in_w;
    for (int32_t ky = 0; ky < p->kernel_h; ky++, rows += p->dilation_h) {
        if (*rows && inside) { /* a kernel row is one run */
            mica_dense_expand(*rows + left * in_c, to, run);
            to += run;
            continue;
        }
        for (int32_t kx = 0; kx < p->kernel_w; kx++, to += in_c) {
            const int32_t x = left + kx * p->dilation_w;
            if (*rows && x >= 0 && x < p->in_w)
                mica_dense_expand(*rows + x * in_c, to, in_c);
            else
                for (int32_t i = 0; i < in_c; i++)
                    to[i] = p->in_zero;
        }
    }
}

/* A strip of n output rows of a 2-D convolution, in_c a multiple of 8 and out_c of 2, one pixel at
 * a time: slower than mica_conv2d_pairs_s8(), with a third of its buffer. The window of
 * the strip's row s is rows[s * stride_h + ky * dilation_h], each [in_w][in_c] or, above and below
 * the image, NULL -> out[n][out_w][out_c]. buffer: kernel_h * kernel_w * in_c numbers, aligned to
 * words. The arithmetic is that of mica_conv2d_s8(). */
static inline void mica_conv2d_window_pairs_s8(const struct mica_conv2d_window_pairs_s8 *p,
                                               const int8_t *const *rows, int16_t *buffer,
                                               int8_t *out, int32_t n)
{
    const int32_t taps = (int32_t)p->kernel_h * p->kernel_w * p->in_c;
    for (; n > 0; n--, rows += p->stride_h)
        for (int32_t x = 0; x < p->out_w; x++, out += p->out_c) {
            mica_conv2d_window_expand(p, rows, x * p->stride_w - p->pad_left, buffer);
            mica_dense_outputs(p->stream, buffer, taps, out, p->out_c);
        }
}

#endif
