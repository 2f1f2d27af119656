/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_CONV2D_F32_H
#define MICA_CONV2D_F32_H

#include <stdint.h>

#include "clamp_value_f32.h"
#include "rom.h"
#include "rounding_f32.h"

struct mica_conv2d_f32 {
    int16_t in_w, in_c, out_w, out_c;
    int16_t kernel_h, kernel_w, stride_w, dilation_w, pad_left;
    int16_t group_in, group_out; /* channels of one group */
    float out_min, out_max;
    const float *weights; /* [out_c][kernel_h][kernel_w][group_in] */
    const float *bias;    /* [out_c] or NULL */
};

/* One output row of a 2-D convolution: rows[kernel_h] of [in_w][in_c] -> out[out_w][out_c].
 *     out = clamp(sum of weights[o] * in over the window + bias[o], out_min, out_max)
 * summed in the order of TFLite's reference: rows, columns, channels; the bias last. */
static inline void mica_conv2d_f32(const struct mica_conv2d_f32 *p, const float *const *rows,
                                   float *out)
{
    const int32_t taps = (int32_t)p->kernel_h * p->kernel_w * p->group_in;
    for (int x = 0; x < p->out_w; x++) {
        const int left = x * p->stride_w - p->pad_left;
        for (int o = 0; o < p->out_c; o++) {
            const int group = o / p->group_out * p->group_in;
            const float *w = p->weights + o * taps;
            float acc = 0.0f;
            for (int ky = 0; ky < p->kernel_h; ky++) {
                for (int kx = 0; kx < p->kernel_w; kx++, w += p->group_in) {
                    const int column = left + kx * p->dilation_w;
                    if (!rows[ky] || column < 0 || column >= p->in_w)
                        continue;
                    const float *in = rows[ky] + column * p->in_c + group;
                    for (int i = 0; i < p->group_in; i++)
                        acc += MICA_ROM_F32(&w[i]) * in[i];
                }
            }
            acc += p->bias ? MICA_ROM_F32(&p->bias[o]) : 0.0f;
            *out++ = mica_clamp_value_f32(acc, p->out_min, p->out_max);
        }
    }
}

#endif
