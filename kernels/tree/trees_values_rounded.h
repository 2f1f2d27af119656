/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_TREES_VALUES_ROUNDED_H
#define MICA_TREES_VALUES_ROUNDED_H

#include <stdint.h>

#include "sums_rounded.h"

/* The scores of trees whose leaves are rounded, or the value of a regression, as float32: making a
 * float of the sum and of the unit, and their product, round three times by 2^-24 of it. */
MICA_INLINE void mica_trees_values_rounded(const struct mica_trees *p, const void *x, int32_t *sum,
                                           float *out)
{
    mica_sums_rounded(p, x, sum);
    for (int32_t i = 0; i < p->n_scores; i++)
        out[i] = (float)sum[i] * p->unit;
}

#endif
