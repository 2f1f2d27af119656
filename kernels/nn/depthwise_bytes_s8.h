/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_DEPTHWISE_BYTES_S8_H
#define MICA_DEPTHWISE_BYTES_S8_H

#include <stdint.h>

#include "bytes.h"

enum { MICA_DEPTHWISE_BYTES_TAPS = 49 };

/* kernel_h * kernel_w is at most MICA_DEPTHWISE_BYTES_TAPS. */
struct mica_depthwise_bytes_s8 {
    int16_t in_w, in_c, out_w;
    int16_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, pad_left;
    int16_t in_zero;
    const int8_t *weights; /* [in_c][kernel_h][kernel_w] */
    const int32_t *scales; /* [in_c][4], see mica_bytes_out() */
};

/* The inputs of one pixel's first channel under all taps; in the padding, its zeros. */
MICA_CALLED void mica_depthwise_bytes_taps(const struct mica_depthwise_bytes_s8 *p,
                                           const int8_t *const *rows, int16_t left,
                                           const int8_t *padding, const int8_t **tap)
{
    const int16_t in_w = p->in_w, dilation = p->dilation_w;
    const uint16_t step = (uint16_t)((uint16_t)dilation * (uint16_t)p->in_c);
    for (int16_t ky = p->kernel_h; ky > 0; ky--, rows += p->dilation_h) {
        uint16_t at = (uint16_t)((uint16_t)left * (uint16_t)p->in_c);
        int16_t x = left;
        for (int16_t kx = p->kernel_w; kx > 0; kx--, at = (uint16_t)(at + step)) {
            *tap++ = *rows && x >= 0 && x < in_w ? *rows + at : padding;
            x = (int16_t)(x + dilation);
        }
    }
}

/* One pixel. */
MICA_CALLED void mica_depthwise_bytes_pixel(const struct mica_depthwise_bytes_s8 *p,
                                            const int8_t *const *tap, int8_t *out)
{
    const uint8_t taps = (uint8_t)(p->kernel_h * p->kernel_w);
    const uint16_t channels = (uint16_t)p->in_c;
    const int8_t *w = p->weights;
    const int32_t *scale = p->scales;
    struct mica_bytes job = {.out = out, .n = 1};
    for (uint16_t c = 0; c < channels; c++, w += taps, scale += 4, job.out++) {
        mica_bytes_scattered(w, tap, c, taps, job.sums);
        mica_bytes_out(scale, &job);
    }
}

/* A strip of n output rows of a depthwise convolution without multiplier: the window of the strip's
 * row s is rows[s * stride_h + ky * dilation_h], each [in_w][in_c] or, above and below the image,
 * NULL -> out[n][out_w][in_c]. buffer: in_c bytes. The arithmetic is that of
 * mica_depthwise_conv2d_s8(). */
static inline void mica_depthwise_bytes_s8(const struct mica_depthwise_bytes_s8 *p,
                                           const int8_t *const *rows, int8_t *buffer, int8_t *out,
                                           int32_t n)
{
    const int8_t *tap[MICA_DEPTHWISE_BYTES_TAPS];
    for (int16_t i = 0; i < p->in_c; i++)
        buffer[i] = (int8_t)p->in_zero;
    for (; n > 0; n--, rows += p->stride_h)
        for (int16_t x = 0; x < p->out_w; x++, out += p->in_c) {
            mica_depthwise_bytes_taps(p, rows, (int16_t)(x * p->stride_w - p->pad_left), buffer,
                                      tap);
            mica_depthwise_bytes_pixel(p, tap, out);
        }
}

#endif
