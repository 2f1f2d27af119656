/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_LINEAR_CUT_EXACT_H
#define MICA_LINEAR_CUT_EXACT_H

#include <stdint.h>

#include "linear_sum.h"
#include "rom.h"

struct mica_linear_cut_exact {
    int32_t n, scores; /* features, rows of coefficients */
    const float *coef; /* [scores][n + 1], see linear_sum.h; the last one is the intercept */
    const uint32_t *low;
};

/* 1 for every score that is above 0, otherwise 0. */
static inline void mica_linear_cut_exact(const struct mica_linear_cut_exact *p, const float *x,
                                         int32_t *out)
{
    for (int32_t k = 0, at = 0; k < p->scores; k++, at += p->n + 1) {
        int32_t exponent;
        out[k] = mica_linear_sum(x, p->n, &p->coef[at], &p->low[at], &exponent) > 0;
    }
}

#endif
