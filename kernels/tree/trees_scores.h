/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_TREES_SCORES_H
#define MICA_TREES_SCORES_H

#include <stdint.h>

#include "sums.h"

/* The scores as the library forms them: float64 sums in the order of the trees, divided where the
 * divisor is not 1. */
MICA_INLINE void mica_trees_scores(const struct mica_trees *p, const void *x, int64_t *sum,
                                   double *out)
{
    mica_sums_add(p, x, 0, (uint64_t *)sum);
    for (int32_t i = 0; i < p->n_scores; i++) {
        if (p->divisor != 1)
            sum[i] = (int64_t)mica_sums_divide(p, (uint64_t)sum[i]);
        mica_f64_store((uint64_t)sum[i], &out[i]);
    }
}

#endif
