/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_CONV2D_BYTES_S8_H
#define MICA_CONV2D_BYTES_S8_H

#include <stdint.h>

#include "bytes.h"

struct mica_conv2d_bytes_s8 {
    int16_t in_w, in_c, out_w, out_c;
    int16_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, pad_left;
    int16_t in_zero;
    const int8_t *weights; /* [out_c][kernel_h][kernel_w][in_c], 128 added */
    const int32_t *scales; /* [out_c][4], see mica_bytes_out() */
};

/* The window of one pixel, 128 added, every fourth byte from `to` on; returns its sum. In each row
 * `before` bytes lie in the padding, then `inside` in the image, then `after` in the padding. */
MICA_CALLED uint32_t mica_conv2d_bytes_window(const struct mica_conv2d_bytes_s8 *p,
                                              const int8_t *const *rows, int16_t left, uint8_t *to)
{
    const uint8_t padding = (uint8_t)(p->in_zero + 128);
    const uint16_t in_c = (uint16_t)p->in_c, run = (uint16_t)((uint16_t)p->kernel_w * in_c);
    const int16_t first = left < 0 ? (int16_t)-left : 0, rest = (int16_t)(p->in_w - left);
    const int16_t end = rest < p->kernel_w ? rest : p->kernel_w;
    const uint16_t before = (uint16_t)((uint16_t)first * in_c);
    const uint16_t inside = first < end ? (uint16_t)((uint16_t)(end - first) * in_c) : 0;
    const uint16_t at = (uint16_t)((uint16_t)(left + first) * in_c);
    uint32_t sum = 0;
    for (int16_t ky = p->kernel_h; ky > 0; ky--, rows += p->dilation_h) {
        uint16_t after = run;
        if (*rows && inside) {
            const int8_t *from = *rows + at;
            after = (uint16_t)(run - before - inside);
            for (uint16_t n = before; n > 0; n--, to += 4) {
                sum += padding;
                *to = padding;
            }
            for (uint16_t n = inside; n > 0; n--, to += 4) {
                const uint8_t value = (uint8_t)(*from++ ^ -128);
                sum += value;
                *to = value;
            }
        }
        for (; after > 0; after--, to += 4) {
            sum += padding;
            *to = padding;
        }
    }
    return sum;
}

/* All channels of the pixels whose windows are given; the first pixel's go to out. */
MICA_CALLED void mica_conv2d_bytes_pixels(const struct mica_conv2d_bytes_s8 *p,
                                          const uint8_t *windows, uint16_t taps,
                                          const uint32_t start[4], struct mica_bytes *job)
{
    const int8_t *w = p->weights;
    const int32_t *scale = p->scales;
    for (uint16_t o = (uint16_t)p->out_c; o > 0; o--, w += taps, scale += 4, job->out++) {
        mica_bytes_four(w, windows, taps, start, job->sums);
        mica_bytes_out(scale, job);
    }
}

/* n pixels, four at a time. A function of its own has the frame to itself, of which AVR reaches 64
 * bytes at once. */
MICA_CALLED void mica_conv2d_bytes_strip(const struct mica_conv2d_bytes_s8 *p,
                                         const int8_t *const *rows, uint8_t *windows, int8_t *out,
                                         int32_t n)
{
    const uint16_t taps = (uint16_t)((uint16_t)p->kernel_h * (uint16_t)p->kernel_w *
                                     (uint16_t)p->in_c);
    struct mica_bytes job = {.out = out, .step = (uint16_t)p->out_c};
    uint32_t start[4] = {0, 0, 0, 0};
    int16_t x = 0;
    for (; n > 0; n -= 4) {
        job.n = n < 4 ? (uint8_t)n : 4;
        for (uint8_t k = 0; k < job.n; k++) {
            const int16_t left = (int16_t)(x * p->stride_w - p->pad_left);
            start[k] = 0 - 128 * mica_conv2d_bytes_window(p, rows, left, windows + k);
            if (++x == p->out_w) {
                x = 0;
                rows += p->stride_h;
            }
        }
        mica_conv2d_bytes_pixels(p, windows, taps, start, &job);
        job.out += (uint16_t)((uint16_t)(job.n - 1) * job.step);
    }
}

/* A strip of n output rows of a 2-D convolution: the window of the strip's row s is rows[s *
 * stride_h + ky * dilation_h], each [in_w][in_c] or, above and below the image, NULL ->
 * out[n][out_w][out_c]. buffer: 4 * kernel_h * kernel_w * in_c bytes. The arithmetic is that of
 * mica_conv2d_s8(). */
static inline void mica_conv2d_bytes_s8(const struct mica_conv2d_bytes_s8 *p,
                                        const int8_t *const *rows, int8_t *buffer, int8_t *out,
                                        int32_t n)
{
    mica_conv2d_bytes_strip(p, rows, (uint8_t *)buffer, out, n * p->out_w);
}

#endif
