/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_CONV2D_S8_H
#define MICA_CONV2D_S8_H

#include <stdint.h>

#include "dot_s8.h"
#include "requantize.h"
#include "rom.h"
#include "saturate.h"

struct mica_conv2d_s8 {
    int16_t in_w, in_c, out_w, out_c;
    int16_t kernel_h, kernel_w, stride_w, dilation_w, pad_left;
    int16_t group_in, group_out; /* channels of one group */
    int16_t in_zero, out_zero, out_min, out_max;
    const int8_t *weights;     /* [out_c][kernel_h][kernel_w][group_in] */
    const int32_t *bias;       /* [out_c] or NULL */
    const int32_t *multiplier; /* [out_c] */
    const int8_t *shift;       /* [out_c] */
};

/* One output row of a 2-D convolution: rows[kernel_h] of [in_w][in_c] -> out[out_w][out_c].
 *     acc = bias[o] + sum of weights[o] * (in - in_zero) over the window, padding left out
 *     out = clamp(out_zero + requantize(acc), out_min, out_max)
 * As TFLite's reference: weights are symmetric (zero point 0). */
static inline void mica_conv2d_s8(const struct mica_conv2d_s8 *p, const int8_t *const *rows,
                                  int8_t *out)
{
    const int32_t taps = (int32_t)p->kernel_h * p->kernel_w * p->group_in;
    /* Columns whose channels lie side by side are one run of taps. */
    const int run = p->dilation_w == 1 && p->group_in == p->in_c ? p->kernel_w : 1;
    for (int x = 0; x < p->out_w; x++) {
        const int left = x * p->stride_w - p->pad_left;
        for (int o = 0; o < p->out_c; o++) {
            const int group = o / p->group_out * p->group_in;
            const int8_t *w = p->weights + o * taps;
            int32_t acc = p->bias ? MICA_ROM_S32(&p->bias[o]) : 0;
            for (int ky = 0; ky < p->kernel_h; ky++) {
                for (int kx = 0; kx < p->kernel_w; kx += run, w += run * p->group_in) {
                    const int column = left + kx * p->dilation_w;
                    const int first = column < 0 ? -column : 0;
                    const int end = column + run > p->in_w ? p->in_w - column : run;
                    if (rows[ky] && first < end)
                        acc += mica_dot_s8(w + first * p->group_in, w + end * p->group_in,
                                           rows[ky] + (column + first) * p->in_c + group,
                                           p->in_zero);
                }
            }
            acc = mica_requantize(acc, MICA_ROM_S32(&p->multiplier[o]), MICA_ROM_S8(&p->shift[o]));
            *out++ = mica_saturate_s8(acc, p->out_zero, p->out_min, p->out_max);
        }
    }
}

#endif
