/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_LINEAR_CUT_INT_H
#define MICA_LINEAR_CUT_INT_H

#include <stdint.h>

#include "float_bits_s16.h"
#include "linear_dot_s16.h"
#include "linear_sum.h"

struct mica_linear_cut_int {
    int32_t n, scores;        /* features, rows of coefficients */
    int32_t error;            /* what a score may be off by, but for half the sum of |x| */
    int32_t shift;            /* of intercepts, to the unit of the sums */
    const int16_t *part;      /* [scores][n]: the coefficients */
    const int32_t *intercept; /* [scores] */
    const float *coef;        /* [scores][n + 1], see linear_sum.h; the last one is the intercept */
    const uint32_t *low;
};

/* 1 for every score that is above 0, otherwise 0, of features that are integers: by a sum of
 * products with 16-bit coefficients where that is further from 0 than it may be wrong, else by one
 * of all bits. floats[n] is memory for the kernel. */
static inline void mica_linear_cut_int(const struct mica_linear_cut_int *p, const int16_t *x,
                                       int32_t *out, float *floats)
{
    int32_t size = 0;
    for (int32_t i = 0; i < p->n; i++)
        size += x[i] < 0 ? -x[i] : x[i];
    const int32_t error = p->error + size / 2;
    for (int32_t k = 0; k < p->scores; k++) {
        const int64_t sum = mica_linear_dot_s16(x, p->n, &p->part[k * p->n]) +
                            mica_linear_intercept_s16(MICA_ROM_S32(&p->intercept[k]), -p->shift);
        out[k] = sum > 0;
        if (sum <= error && sum >= -error) {
            const int32_t at = k * (p->n + 1);
            int32_t unused;
            mica_float_bits_s16(x, floats, p->n);
            out[k] = mica_linear_sum(floats, p->n, &p->coef[at], &p->low[at], &unused) > 0;
        }
    }
}

#endif
