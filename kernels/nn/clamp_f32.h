/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_CLAMP_F32_H
#define MICA_CLAMP_F32_H

#include <stdint.h>

#include "clamp_value_f32.h"

struct mica_clamp_f32 {
    float min, max;
};

/* out[i] = in[i] limited to [min, max] for n elements. in and out may be the same memory. */
static inline void mica_clamp_f32(const struct mica_clamp_f32 *p, const float *in, float *out,
                                  int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        out[i] = mica_clamp_value_f32(in[i], p->min, p->max);
}

#endif
