/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_ADD_F32_H
#define MICA_ADD_F32_H

#include <stdint.h>

#include "clamp_value_f32.h"

struct mica_add_f32 {
    int8_t a_step, b_step; /* 1, or 0 where one element serves the whole run */
    float out_min, out_max;
};

/* out[i] = clamp(a[i] + b[i], out_min, out_max) for n elements. */
static inline void mica_add_f32(const struct mica_add_f32 *p, const float *a, const float *b,
                                float *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++, a += p->a_step, b += p->b_step)
        out[i] = mica_clamp_value_f32(*a + *b, p->out_min, p->out_max);
}

#endif
