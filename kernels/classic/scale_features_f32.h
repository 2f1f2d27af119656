/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_SCALE_FEATURES_F32_H
#define MICA_SCALE_FEATURES_F32_H

#include <stdint.h>

#include "rom.h"
#include "rounding_f32.h"

struct mica_scale_features_f32 {
    int8_t first_op, second_op; /* 0: add, 1: sub, 2: mul, 3: div */
    const float *first;         /* [n] or NULL */
    const float *second;        /* [n] or NULL */
};

static inline float mica_scale_step_f32(float x, int8_t op, float by)
{
    return op == 0 ? x + by : op == 1 ? x - by : op == 2 ? x * by : x / by;
}

/* out[i] = (x[i] first_op first[i]) second_op second[i], each step rounded */
static inline void mica_scale_features_f32(const struct mica_scale_features_f32 *p, const float *x,
                                           float *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        float y = x[i];
        if (p->first)
            y = mica_scale_step_f32(y, p->first_op, MICA_ROM_F32(&p->first[i]));
        if (p->second)
            y = mica_scale_step_f32(y, p->second_op, MICA_ROM_F32(&p->second[i]));
        out[i] = y;
    }
}

#endif
