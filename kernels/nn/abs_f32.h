/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_ABS_F32_H
#define MICA_ABS_F32_H

#include <stdint.h>

/* out[i] = |in[i]| for n elements; -0 gives 0. in and out may be the same memory. */
static inline void mica_abs_f32(const float *in, float *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        out[i] = in[i] <= 0.0f ? 0.0f - in[i] : in[i];
}

#endif
