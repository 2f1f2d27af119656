/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_NORMALIZE_FEATURES_F64_H
#define MICA_NORMALIZE_FEATURES_F64_H

#include <stdint.h>

#include "sqrt_f64.h"

struct mica_normalize_features_f64 {
    int8_t norm;  /* 0: sum of |x|, 1: root of the sum of squares, 2: largest |x| */
    double least; /* a norm below it counts as 1 */
};

/* out[i] = x[i] / norm. The root is that of the squares of x / largest: none of them overflows. */
static inline void mica_normalize_features_f64(const struct mica_normalize_features_f64 *p,
                                               const double *x, double *out, int32_t n)
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
    double by = (double)(p->norm == 2 ? most : sum);
    by = by < p->least ? 1 : by;
    for (int32_t i = 0; i < n; i++)
        out[i] = x[i] / by;
}

#endif
