/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_LINEAR_LABEL_INT_H
#define MICA_LINEAR_LABEL_INT_H

#include <stdint.h>

#include "float_bits_s16.h"
#include "linear_dot_s16.h"
#include "linear_label_exact.h"

struct mica_linear_label_int {
    int32_t n, scores;   /* features, rows of coefficients */
    int32_t error;       /* what a difference of two scores may be off by, but for the sum of |x| */
    int32_t shift;       /* of intercepts, to the unit of the sums */
    const int16_t *part; /* [scores][n]: the coefficients */
    const int32_t *intercept; /* [scores] */
    const float *coef;        /* [scores][n + 1], see linear_sum.h; the last one is the intercept */
    const uint32_t *low;
};

/* The row of coefficients with the largest score, the first of equal ones, of features that are
 * integers. Sums of products with 16-bit coefficients decide where the two largest are further
 * apart than these can be wrong, else all is done again with all bits. floats[n] is memory for the
 * kernel. */
static inline void mica_linear_label_int(const struct mica_linear_label_int *p, const int16_t *x,
                                         int32_t *out, float *floats)
{
    int32_t error = p->error, label = 0;
    const int16_t *part = p->part;
    int64_t best = 0, second = INT64_MIN / 2;
    for (int32_t i = 0; i < p->n; i++)
        error += x[i] < 0 ? -x[i] : x[i];
    for (int32_t k = 0; k < p->scores; k++, part += p->n) {
        const int64_t sum = mica_linear_dot_s16(x, p->n, part) +
                            mica_linear_intercept_s16(MICA_ROM_S32(&p->intercept[k]), -p->shift);
        if (k == 0 || sum > best) {
            second = k == 0 ? second : best;
            best = sum;
            label = k;
        } else if (sum > second) {
            second = sum;
        }
    }
    *out = label;
    if (best - second <= error) {
        const struct mica_linear_label_exact exact = {p->n, p->scores, p->coef, p->low};
        mica_float_bits_s16(x, floats, p->n);
        mica_linear_label_exact(&exact, floats, out);
    }
}

#endif
