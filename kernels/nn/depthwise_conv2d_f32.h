/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_DEPTHWISE_CONV2D_F32_H
#define MICA_DEPTHWISE_CONV2D_F32_H

#include <stdint.h>

#include "clamp_value_f32.h"
#include "rom.h"
#include "rounding_f32.h"

struct mica_depthwise_conv2d_f32 {
    int16_t in_w, in_c, out_w;
    int16_t multiplier; /* output channels of one input channel */
    int16_t kernel_h, kernel_w, stride_w, dilation_w, pad_left;
    float out_min, out_max;
    const float *weights; /* [kernel_h][kernel_w][in_c * multiplier] */
    const float *bias;    /* [in_c * multiplier] or NULL */
};

/* One output row of a depthwise convolution: rows[kernel_h] of [in_w][in_c] ->
 * out[out_w][in_c * multiplier].
 *     out = clamp(sum of weights[..][o] * in[o / multiplier] + bias[o], out_min, out_max)
 * summed in the order of TFLite's reference: rows, columns; the bias last. */
static inline void mica_depthwise_conv2d_f32(const struct mica_depthwise_conv2d_f32 *p,
                                             const float *const *rows, float *out)
{
    const int32_t out_c = (int32_t)p->in_c * p->multiplier;
    for (int x = 0; x < p->out_w; x++) {
        const int left = x * p->stride_w - p->pad_left;
        for (int32_t o = 0; o < out_c; o++) {
            const int32_t channel = o / p->multiplier;
            const float *w = p->weights + o;
            float acc = 0.0f;
            for (int ky = 0; ky < p->kernel_h; ky++) {
                for (int kx = 0; kx < p->kernel_w; kx++, w += out_c) {
                    const int32_t column = left + (int32_t)kx * p->dilation_w;
                    if (!rows[ky] || column < 0 || column >= p->in_w)
                        continue;
                    acc += MICA_ROM_F32(w) * rows[ky][column * p->in_c + channel];
                }
            }
            acc += p->bias ? MICA_ROM_F32(&p->bias[o]) : 0.0f;
            *out++ = mica_clamp_value_f32(acc, p->out_min, p->out_max);
        }
    }
}

#endif
