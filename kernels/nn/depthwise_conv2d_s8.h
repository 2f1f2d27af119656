/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_DEPTHWISE_CONV2D_S8_H
#define MICA_DEPTHWISE_CONV2D_S8_H

#include <stdint.h>

#include "requantize.h"
#include "rom.h"
#include "saturate.h"

struct mica_depthwise_conv2d_s8 {
    int16_t in_w, in_c, out_w;
    int16_t kernel_h, kernel_w, stride_w, dilation_w, pad_left;
    int16_t channel_out; /* output channels of one input channel */
    int16_t in_zero, out_zero, out_min, out_max;
    const int8_t *weights;     /* [kernel_h][kernel_w][in_c * channel_out] */
    const int32_t *bias;       /* [in_c * channel_out] or NULL */
    const int32_t *multiplier; /* [in_c * channel_out] */
    const int8_t *shift;       /* [in_c * channel_out] */
};

/* One output row of a depthwise convolution: rows[kernel_h] of [in_w][in_c] ->
 * out[out_w][in_c * channel_out]; input channel i gives the output channels from
 * i * channel_out on.
 *     acc = bias[o] + sum of weights[..][o] * (in[i] - in_zero) over the window, padding left out
 *     out = clamp(out_zero + requantize(acc), out_min, out_max)
 * As TFLite's reference: weights are symmetric (zero point 0). */
static inline void mica_depthwise_conv2d_s8(const struct mica_depthwise_conv2d_s8 *p,
                                            const int8_t *const *rows, int8_t *out)
{
    const int32_t out_c = (int32_t)p->in_c * p->channel_out;
    for (int x = 0; x < p->out_w; x++) {
        const int left = x * p->stride_w - p->pad_left;
        for (int32_t o = 0; o < out_c; o++) {
            const int32_t i = p->channel_out == 1 ? o : o / p->channel_out;
            const int8_t *w = p->weights + o;
            int32_t acc = p->bias ? MICA_ROM_S32(&p->bias[o]) : 0;
            for (int ky = 0; ky < p->kernel_h; ky++) {
                for (int kx = 0; kx < p->kernel_w; kx++, w += out_c) {
                    const int column = left + kx * p->dilation_w;
                    if (!rows[ky] || column < 0 || column >= p->in_w)
                        continue;
                    const int8_t in = rows[ky][(int32_t)column * p->in_c + i];
                    acc += MICA_ROM_S8(w) * (int32_t)(in - p->in_zero);
                }
            }
            acc = mica_requantize(acc, MICA_ROM_S32(&p->multiplier[o]), MICA_ROM_S8(&p->shift[o]));
            *out++ = mica_saturate_s8(acc, p->out_zero, p->out_min, p->out_max);
        }
    }
}

#endif
