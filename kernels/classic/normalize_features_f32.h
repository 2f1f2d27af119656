/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_NORMALIZE_FEATURES_F32_H
#define MICA_NORMALIZE_FEATURES_F32_H

#include <stdint.h>

#include "sqrt_f64.h"

struct mica_normalize_features_f32 {
    int8_t norm; /* 0: sum of |x|, 1: root of the sum of squares, 2: largest |x| */
    float least; /* a norm below it counts as 1 */
};

/* out[i] = x[i] / norm. The root is that of the squares of x / largest: none of them overflows. */
static inline void mica_normalize_features_f32(const struct mica_normalize_features_f32 *p,
                                               const float *x, float *out, int32_t n)
{
    double most = 0.0, sum = 0.0;
    for (int32_t i = 0; i < n; i++) {
        const double size = x[i] < 0 ? -(double)x[i] : (double)x[i];
        most = size > most ? size : most;
        sum += size;
    }
    if (p->norm == 1 && most > 0.0) {
        sum = 0.0;
        for (int32_t i = 0; i < n; i++)
            sum += (double)x[i] / most * ((double)x[i] / most);
        sum = most * mica_sqrt_f64(sum);
    }
    float by = (float)(p->norm == 2 ? most : sum);
    by = by < p->least ? 1 : by;
    for (int32_t i = 0; i < n; i++)
        out[i] = x[i] / by;
}

#endif
