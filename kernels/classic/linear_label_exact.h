/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_LINEAR_LABEL_EXACT_H
#define MICA_LINEAR_LABEL_EXACT_H

#include <stdint.h>

#include "linear_above.h"
#include "linear_sum.h"
#include "rom.h"

struct mica_linear_label_exact {
    int32_t n, scores; /* features, rows of coefficients */
    const float *coef; /* [scores][n + 1], see linear_sum.h; the last one is the intercept */
    const uint32_t *low;
};

/* The row of coefficients with the largest score, the first of equal ones. No floating-point
 * arithmetic, no double: the same on every core. */
static inline void mica_linear_label_exact(const struct mica_linear_label_exact *p, const float *x,
                                           int32_t *out)
{
    int64_t best = 0;
    int32_t best_exponent = 0, label = 0;
    for (int32_t k = 0, at = 0; k < p->scores; k++, at += p->n + 1) {
        int32_t exponent;
        int64_t sum = mica_linear_sum(x, p->n, &p->coef[at], &p->low[at], &exponent);
        if (k == 0 || mica_linear_above(sum, exponent, best, best_exponent)) {
            best = sum;
            best_exponent = exponent;
            label = k;
        }
    }
    *out = label;
}

#endif
