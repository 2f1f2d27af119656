/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_LOGISTIC_F32_H
#define MICA_LOGISTIC_F32_H

#include <stdint.h>

#include "exp_f32.h"

/* out[i] = 1 / (1 + e^-in[i]) for n elements. Below -9 it is e^in[i], as in TFLite's reference:
 * larger by up to one part in 8000, and both are below 0.000124. in and out may be the same
 * memory. */
static inline void mica_logistic_f32(const float *in, float *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        float x = in[i];
        out[i] = x < -9.0f ? mica_exp_f32(x) : 1.0f / (1.0f + mica_exp_f32(-x));
    }
}

#endif
