/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_LINEAR_LABEL_F32_H
#define MICA_LINEAR_LABEL_F32_H

#include <stdint.h>

#include "linear_dot_f32.h"
#include "linear_label_exact.h"

struct mica_linear_label_f32 {
    int32_t n, scores; /* features, rows of coefficients */
    float per_x;       /* what a score's error is below: error + per_x * sum of |x| */
    float error;
    const float *coef; /* [scores][n + 1], see linear_sum.h; the last one is the intercept */
    const uint32_t *low;
};

/* The row of coefficients with the largest score, the first of equal ones. The scores are summed in
 * float32 from the upper parts of the coefficients; where the two largest are closer than the
 * errors that they may have, all is done again in integers. So it is where a feature is so large
 * that sums could overflow, or is no number. */
static inline void mica_linear_label_f32(const struct mica_linear_label_f32 *p, const float *x,
                                         int32_t *out)
{
    const float error = p->error + p->per_x * mica_linear_size_f32(x, p->n);
    const float *coef = p->coef;
    float best = mica_linear_dot_f32(x, p->n, coef), second = -1e38f;
    int32_t label = 0;
    for (int32_t k = 1; k < p->scores; k++) {
        coef += p->n + 1;
        const float score = mica_linear_dot_f32(x, p->n, coef);
        if (score > best) {
            second = best;
            best = score;
            label = k;
        } else if (score > second) {
            second = score;
        }
    }
    *out = label;
    if (!(error < 1e30f && best - second > error + error)) {
        const struct mica_linear_label_exact exact = {p->n, p->scores, p->coef, p->low};
        mica_linear_label_exact(&exact, x, out);
    }
}

#endif
