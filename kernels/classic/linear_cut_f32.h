/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_LINEAR_CUT_F32_H
#define MICA_LINEAR_CUT_F32_H

#include <stdint.h>

#include "linear_dot_f32.h"
#include "linear_sum.h"

struct mica_linear_cut_f32 {
    int32_t n, scores; /* features, rows of coefficients */
    float per_x;       /* what a score's error is below: error + per_x * sum of |x| */
    float error;
    const float *coef; /* [scores][n + 1], see linear_sum.h; the last one is the intercept */
    const uint32_t *low;
};

/* 1 for every score that is above 0, otherwise 0: by its sum in float32 where that is further from
 * 0 than it may be wrong, else by its sum in integers. */
static inline void mica_linear_cut_f32(const struct mica_linear_cut_f32 *p, const float *x,
                                       int32_t *out)
{
    const float error = p->error + p->per_x * mica_linear_size_f32(x, p->n);
    for (int32_t k = 0, at = 0; k < p->scores; k++, at += p->n + 1) {
        const float score = mica_linear_dot_f32(x, p->n, &p->coef[at]);
        int32_t exponent;
        if (error < 1e30f && (score > error || score < -error))
            out[k] = score > 0.0f;
        else
            out[k] = mica_linear_sum(x, p->n, &p->coef[at], &p->low[at], &exponent) > 0;
    }
}

#endif
