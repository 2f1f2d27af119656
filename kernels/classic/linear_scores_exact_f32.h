/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_LINEAR_SCORES_EXACT_F32_H
#define MICA_LINEAR_SCORES_EXACT_F32_H

#include <stdint.h>

#include "linear_round_f32.h"
#include "linear_sum.h"
#include "rom.h"

struct mica_linear_scores_exact_f32 {
    int32_t n, scores; /* features, rows of coefficients */
    const float *coef; /* [scores][n + 1], see linear_sum.h; the last one is the intercept */
    const uint32_t *low;
};

/* The scores, rounded once to float. */
static inline void mica_linear_scores_exact_f32(const struct mica_linear_scores_exact_f32 *p,
                                                const float *x, float *out)
{
    for (int32_t k = 0, at = 0; k < p->scores; k++, at += p->n + 1) {
        int32_t exponent;
        int64_t sum = mica_linear_sum(x, p->n, &p->coef[at], &p->low[at], &exponent);
        out[k] = mica_linear_round_f32(sum, exponent);
    }
}

#endif
