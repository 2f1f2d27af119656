/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_SOFTMAX_F32_H
#define MICA_SOFTMAX_F32_H

#include <stdint.h>

#include "exp_f32.h"

struct mica_softmax_f32 {
    float beta;
};

/* out[i] = e^(beta * (in[i] - max)) / sum of the same, over n elements, the largest taken off so
 * that no power overflows; TFLite's formula. in and out may be the same memory. */
static inline void mica_softmax_f32(const struct mica_softmax_f32 *p, const float *in, float *out,
                                    int32_t n)
{
    float max = in[0], sum = 0.0f;
    for (int32_t i = 1; i < n; i++)
        max = max < in[i] ? in[i] : max;
    for (int32_t i = 0; i < n; i++) {
        out[i] = mica_exp_f32((in[i] - max) * p->beta);
        sum += out[i];
    }
    for (int32_t i = 0; i < n; i++)
        out[i] /= sum;
}

#endif
