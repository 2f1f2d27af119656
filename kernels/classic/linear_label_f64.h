/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_LINEAR_LABEL_F64_H
#define MICA_LINEAR_LABEL_F64_H

#include <stdint.h>

#include "rom.h"

struct mica_linear_label_f64 {
    int32_t n, scores;
    const double *coef; /* [scores][n + 1]; the last one is the intercept */
};

/* The row of coefficients with the largest score, the first of equal ones. */
static inline void mica_linear_label_f64(const struct mica_linear_label_f64 *p, const double *x,
                                         int32_t *out)
{
    double best = 0.0;
    const double *c = p->coef;
    for (int32_t k = 0; k < p->scores; k++) {
        double sum = 0.0;
        for (int32_t i = 0; i < p->n; i++)
            sum += MICA_ROM_F64(c++) * x[i];
        sum += MICA_ROM_F64(c++);
        if (k == 0 || sum > best) {
            best = sum;
            *out = k;
        }
    }
}

#endif
