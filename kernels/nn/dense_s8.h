/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_DENSE_S8_H
#define MICA_DENSE_S8_H

#include <stdint.h>

#include "dot_s8.h"
#include "requantize.h"
#include "rom.h"
#include "saturate.h"

struct mica_dense_s8 {
    int32_t in_n, out_n;
    int16_t in_zero, out_zero, out_min, out_max;
    int8_t channel_step;       /* 1, or 0 where one multiplier and shift serve all outputs */
    const int8_t *weights;     /* [out_n][in_n] */
    const int32_t *bias;       /* [out_n] or NULL */
    const int32_t *multiplier; /* [out_n] or [1] */
    const int8_t *shift;       /* as multiplier */
};

/* A fully connected layer: in[in_n] -> out[out_n].
 *     acc = bias[o] + sum of weights[o] * (in - in_zero)
 *     out = clamp(out_zero + requantize(acc), out_min, out_max)
 * As TFLite's reference: weights are symmetric (zero point 0). */
static inline void mica_dense_s8(const struct mica_dense_s8 *p, const int8_t *in, int8_t *out)
{
    const int8_t *w = p->weights;
    const int32_t *multiplier = p->multiplier;
    const int8_t *shift = p->shift;
    for (int32_t o = 0; o < p->out_n; o++) {
        int32_t acc = p->bias ? MICA_ROM_S32(&p->bias[o]) : 0;
        acc += mica_dot_s8(w, w + p->in_n, in, p->in_zero);
        w += p->in_n;
        acc = mica_requantize(acc, MICA_ROM_S32(multiplier), MICA_ROM_S8(shift));
        out[o] = mica_saturate_s8(acc, p->out_zero, p->out_min, p->out_max);
        multiplier += p->channel_step;
        shift += p->channel_step;
    }
}

#endif
