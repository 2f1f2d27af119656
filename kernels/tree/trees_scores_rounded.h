/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_TREES_SCORES_ROUNDED_H
#define MICA_TREES_SCORES_ROUNDED_H

#include <stdint.h>

#include "sums_rounded.h"

/* The scores of trees whose leaves are rounded, for what is computed from them. */
MICA_INLINE void mica_trees_scores_rounded(const struct mica_trees *p, const void *x, int32_t *sum,
                                           double *out)
{
    mica_sums_rounded(p, x, sum);
    for (int32_t i = 0; i < p->n_scores; i++)
        out[i] = (double)sum[i] * (double)p->unit;
}

#endif
