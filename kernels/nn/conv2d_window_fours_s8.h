/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_CONV2D_WINDOW_FOURS_S8_H
#define MICA_CONV2D_WINDOW_FOURS_S8_H

#include <stdint.h>

#include "dense_fours_s8.h"

struct mica_conv2d_window_fours_s8 {
    int16_t in_w, in_c, out_w, out_c;
    int16_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, pad_left;
    int16_t in_zero;
    const int8_t *weights; /* [out_c][kernel_h][kernel_w][in_c] */
    const int32_t *scales; /* [out_c][4], of mica_dense_fours_s8() */
};

/* A strip of n output rows of a 2-D convolution, out_c at least 4, one pixel at a time: its window
 * is copied and is the input of a fully connected layer. For cores without the DSP extension, where
 * the buffer of mica_conv2d_quads_s8() is too large. The window of the strip's row s is rows[s *
 * stride_h + ky * dilation_h], each [in_w][in_c] or, above and below the image, NULL ->
 * out[n][out_w][out_c]. buffer: kernel_h * kernel_w * in_c bytes. The arithmetic is that of
 * mica_conv2d_s8(). */
static inline void mica_conv2d_window_fours_s8(const struct mica_conv2d_window_fours_s8 *p,
                                               const int8_t *const *rows, int8_t *buffer,
                                               int8_t *out, int32_t n)
{
    const int32_t in_c = p->in_c;
    const struct mica_dense_fours_s8 layer = {(int32_t)p->kernel_h * p->kernel_w * in_c, p->out_c,
                                              p->weights, p->scales};
    for (; n > 0; n--, rows += p->stride_h)
        for (int32_t x = 0; x < p->out_w; x++, out += p->out_c) {
            int8_t *to = buffer;
            for (int32_t ky = 0; ky < p->kernel_h; ky++)
                for (int32_t kx = 0; kx < p->kernel_w; kx++) {
                    const int8_t *row = rows[ky * p->dilation_h];
                    const int32_t column = x * p->stride_w - p->pad_left + kx * p->dilation_w;
                    const int inside = row && column >= 0 && column < p->in_w;
                    for (int32_t i = 0; i < in_c; i++)
                        *to++ = inside ? row[column * in_c + i] : (int8_t)p->in_zero;
                }
            mica_dense_fours_s8(&layer, buffer, out);
        }
}

#endif
