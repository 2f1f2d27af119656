/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_TREES_SCORES_F32_H
#define MICA_TREES_SCORES_F32_H

#include <stdint.h>

#include "sums_f32.h"

/* The scores as a library forms them that sums in float32. */
MICA_INLINE void mica_trees_scores_f32(const struct mica_trees *p, const void *x, float *sum,
                                       double *out)
{
    mica_sums_f32(p, x, sum);
    for (int32_t i = 0; i < p->n_scores; i++)
        out[i] = p->divisor > 1 ? sum[i] / (float)p->divisor : sum[i];
}

#endif
