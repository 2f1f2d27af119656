/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_HARD_SWISH_F32_H
#define MICA_HARD_SWISH_F32_H

#include <stdint.h>

#include "clamp_value_f32.h"
#include "rounding_f32.h"

/* out[i] = x * min(max(x + 3, 0), 6) / 6 with x = in[i], for n elements, in TFLite's order. in and
 * out may be the same memory. */
static inline void mica_hard_swish_f32(const float *in, float *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        out[i] = in[i] * mica_clamp_value_f32(in[i] + 3.0f, 0.0f, 6.0f) / 6.0f;
}

#endif
