/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_DENSE_F32_H
#define MICA_DENSE_F32_H

#include <stdint.h>

#include "clamp_value_f32.h"
#include "rom.h"
#include "rounding_f32.h"

struct mica_dense_f32 {
    int32_t in_n, out_n;
    float out_min, out_max;
    const float *weights; /* [out_n][in_n] */
    const float *bias;    /* [out_n] or NULL */
};

/* A fully connected layer: in[in_n] -> out[out_n].
 *     out[o] = clamp(sum of weights[o] * in + bias[o], out_min, out_max)
 * summed from the first input to the last, the bias last, as TFLite's reference does. */
static inline void mica_dense_f32(const struct mica_dense_f32 *p, const float *in, float *out)
{
    const float *w = p->weights;
    for (int32_t o = 0; o < p->out_n; o++) {
        float acc = 0.0f;
        for (int32_t i = 0; i < p->in_n; i++, w++)
            acc += MICA_ROM_F32(w) * in[i];
        acc += p->bias ? MICA_ROM_F32(&p->bias[o]) : 0.0f;
        out[o] = mica_clamp_value_f32(acc, p->out_min, p->out_max);
    }
}

#endif
