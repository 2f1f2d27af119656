/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_WEIGHTED_MEDIAN_H
#define MICA_WEIGHTED_MEDIAN_H

#include <stdint.h>

#include "rom.h"

struct mica_weighted_median {
    int32_t n;
    const double *weight; /* [n] */
};

/* The first x, in their order, up to which there is at least half of the weight. order[n] is memory
 * for the kernel. */
static inline void mica_weighted_median(const struct mica_weighted_median *p, const double *x,
                                        double *out, uint16_t *order)
{
    double all = 0.0, sum = 0.0;
    for (int32_t i = 0; i < p->n; i++) {
        int32_t k = i;
        for (; k > 0 && x[order[k - 1]] > x[i]; k--)
            order[k] = order[k - 1];
        order[k] = (uint16_t)i;
    }
    for (int32_t i = 0; i < p->n; i++)
        all += MICA_ROM_F64(&p->weight[order[i]]);
    int32_t at = 0;
    for (; at < p->n - 1; at++) {
        sum += MICA_ROM_F64(&p->weight[order[at]]);
        if (sum >= 0.5 * all)
            break;
    }
    *out = x[order[at]];
}

#endif
