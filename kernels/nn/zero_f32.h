/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_ZERO_F32_H
#define MICA_ZERO_F32_H

#include <stdint.h>

/* out[i] = 0 for n elements: the start of sums. */
static inline void mica_zero_f32(float *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        out[i] = 0.0f;
}

#endif
