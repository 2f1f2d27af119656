/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_TREES_FRACTIONS_H
#define MICA_TREES_FRACTIONS_H

#include <stdint.h>

#include "votes.h"

/* The mean share of each class, summed in float64 in the order of the trees. */
MICA_INLINE void mica_trees_fractions(const struct mica_trees *p, const void *x, int64_t *sum,
                                      double *out)
{
    for (int32_t i = 0; i < p->n_scores; i++)
        sum[i] = 0;
    mica_votes_sum(p, x, 0, (uint64_t *)sum);
    for (int32_t i = 0; i < p->n_scores; i++)
        mica_f64_store(mica_f64_divide((uint64_t)sum[i], p->divisor), &out[i]);
}

#endif
