/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_SCALE_FEATURES_F64_H
#define MICA_SCALE_FEATURES_F64_H

#include <stdint.h>

#include "rom.h"
#include "rounding_f32.h"

struct mica_scale_features_f64 {
    int8_t first_op, second_op; /* 0: add, 1: sub, 2: mul, 3: div */
    const double *first;        /* [n] or NULL */
    const double *second;       /* [n] or NULL */
};

static inline double mica_scale_step_f64(double x, int8_t op, double by)
{
    return op == 0 ? x + by : op == 1 ? x - by : op == 2 ? x * by : x / by;
}

/* out[i] = (x[i] first_op first[i]) second_op second[i], each step rounded */
static inline void mica_scale_features_f64(const struct mica_scale_features_f64 *p, const double *x,
                                           double *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        double y = x[i];
        if (p->first)
            y = mica_scale_step_f64(y, p->first_op, MICA_ROM_F64(&p->first[i]));
        if (p->second)
            y = mica_scale_step_f64(y, p->second_op, MICA_ROM_F64(&p->second[i]));
        out[i] = y;
    }
}

#endif
