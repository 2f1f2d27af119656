/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_OBLIVIOUS_SCORES_H
#define MICA_OBLIVIOUS_SCORES_H

#include <stdint.h>

#include "oblivious.h"

/* The scores of symmetric trees as the library forms them. */
static inline void mica_oblivious_scores(const struct mica_oblivious *p, const float *x,
                                         int32_t *keys, int64_t *sum, double *out)
{
    mica_oblivious_keys(p, x, keys);
    mica_oblivious_exact(p, keys, (uint64_t *)sum);
    for (int32_t j = 0; j < p->width; j++)
        mica_f64_store(mica_oblivious_score(p, (uint64_t)sum[j], j), &out[j]);
}

#endif
