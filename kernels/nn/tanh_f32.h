/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_TANH_F32_H
#define MICA_TANH_F32_H

#include <stdint.h>

#include "exp_f32.h"

/* tanh x, odd. Below 0.625 in magnitude x + x^3 * p(x^2), p minimax for the relative error (Remez
 * in 60 digits, 2^-27.8); above, 1 - 2 / (e^2x + 1), which is 1 from 9.02 on. The worst error over
 * all floats is 1.325 units in the last place. */
static inline float mica_tanh_of_f32(float x)
{
    float size = x < 0.0f ? -x : x;
    if (size < 0.625f) {
        float square = x * x;
        float p = -0.0537397154f + square * (0.020639088f + square * -0.00570498826f);
        p = -0.333332807f + square * (0.133314416f + square * p);
        return x + x * square * p;
    }
    float y = 1.0f - 2.0f / (mica_exp_f32(2.0f * size) + 1.0f);
    return x < 0.0f ? -y : y;
}

/* out[i] = tanh(in[i]) for n elements. in and out may be the same memory. */
static inline void mica_tanh_f32(const float *in, float *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        out[i] = mica_tanh_of_f32(in[i]);
}

#endif
