/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_LINEAR_CUT_S16_H
#define MICA_LINEAR_CUT_S16_H

#include <stdint.h>

#include "linear_dot_s16.h"
#include "linear_features_s16.h"
#include "linear_sum.h"

struct mica_linear_cut_s16 {
    int32_t n, scores;        /* features, rows of coefficients */
    int32_t error;            /* what a score may be off by, but for the sum of |x| */
    int32_t exponent;         /* of a feature, at which intercepts have the unit of the sums */
    const int16_t *part;      /* [scores][n]: the coefficients */
    const int32_t *intercept; /* [scores] */
    const float *coef;        /* [scores][n + 1], see linear_sum.h; the last one is the intercept */
    const uint32_t *low;
};

/* 1 for every score that is above 0, otherwise 0: by a sum of products of 16-bit parts where that
 * is further from 0 than it may be wrong, else by one of all bits. part_of_x[n] is memory for the
 * kernel. */
static inline void mica_linear_cut_s16(const struct mica_linear_cut_s16 *p, const float *x,
                                       int32_t *out, int16_t *part_of_x)
{
    int32_t error = p->error;
    const int32_t exponent = mica_linear_features_s16(x, p->n, p->exponent - 8, part_of_x, &error);
    for (int32_t k = 0; k < p->scores; k++) {
        const int32_t at = k * (p->n + 1);
        const int64_t sum = mica_linear_dot_s16(part_of_x, p->n, &p->part[k * p->n]) +
                            mica_linear_intercept_s16(MICA_ROM_S32(&p->intercept[k]),
                                                      exponent - p->exponent);
        int32_t unused;
        if (exponent < 255 && (sum > error || sum < -error))
            out[k] = sum > 0;
        else
            out[k] = mica_linear_sum(x, p->n, &p->coef[at], &p->low[at], &unused) > 0;
    }
}

#endif
