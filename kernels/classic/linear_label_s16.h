/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_LINEAR_LABEL_S16_H
#define MICA_LINEAR_LABEL_S16_H

#include <stdint.h>

#include "linear_dot_s16.h"
#include "linear_features_s16.h"
#include "linear_label_exact.h"

struct mica_linear_label_s16 {
    int32_t n, scores;   /* features, rows of coefficients */
    int32_t error;       /* what a difference of two scores may be off by, but for the sum of |x| */
    int32_t exponent;    /* of a feature, at which intercepts have the unit of the sums */
    const int16_t *part; /* [scores][n]: the coefficients */
    const int32_t *intercept; /* [scores] */
    const float *coef;        /* [scores][n + 1], see linear_sum.h; the last one is the intercept */
    const uint32_t *low;
};

/* The row of coefficients with the largest score, the first of equal ones. Sums of products of
 * 16-bit parts decide where the two largest are further apart than these can be wrong, else all is
 * done again with all bits. No floating-point arithmetic. part_of_x[n] is memory for the kernel. */
static inline void mica_linear_label_s16(const struct mica_linear_label_s16 *p, const float *x,
                                         int32_t *out, int16_t *part_of_x)
{
    int32_t error = p->error, label = 0;
    const int32_t exponent = mica_linear_features_s16(x, p->n, p->exponent - 8, part_of_x, &error);
    const int16_t *part = p->part;
    int64_t best = 0, second = INT64_MIN / 2;
    for (int32_t k = 0; k < p->scores; k++, part += p->n) {
        const int64_t sum = mica_linear_dot_s16(part_of_x, p->n, part) +
                            mica_linear_intercept_s16(MICA_ROM_S32(&p->intercept[k]),
                                                      exponent - p->exponent);
        if (k == 0 || sum > best) {
            second = k == 0 ? second : best;
            best = sum;
            label = k;
        } else if (sum > second) {
            second = sum;
        }
    }
    *out = label;
    if (exponent > 254 || best - second <= error) {
        const struct mica_linear_label_exact exact = {p->n, p->scores, p->coef, p->low};
        mica_linear_label_exact(&exact, x, out);
    }
}

#endif
