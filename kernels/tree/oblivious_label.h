/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_OBLIVIOUS_LABEL_H
#define MICA_OBLIVIOUS_LABEL_H

#include <stdint.h>

#include "oblivious.h"

/* The number of the largest sum; 0: another is closer than the sums may err. */
MICA_SHARED int32_t mica_oblivious_first(const struct mica_oblivious *p, const int32_t *sum,
                                         int32_t *label)
{
    int32_t best = 0, second = -2147483647 - 1;
    for (int32_t j = 1; j < p->width; j++) {
        if (sum[j] > sum[best]) {
            second = sum[best];
            best = j;
        } else if (sum[j] > second) {
            second = sum[j];
        }
    }
    *label = best;
    return (uint32_t)sum[best] - (uint32_t)second > 2 * (uint32_t)p->bound;
}

MICA_SHARED int32_t mica_oblivious_fast(const struct mica_oblivious *p, const int32_t *sum,
                                        int32_t *label)
{
    int32_t decided = 1;
    if (!p->cut_fixed)
        return mica_oblivious_first(p, sum, label);
    for (int32_t j = 0; j < p->width; j++) {
        const int32_t above = sum[j] - MICA_ROM_S32(p->cut_fixed + j);
        label[j] = above > 0;
        decided &= above > p->bound || above < -p->bound;
    }
    return decided;
}

/* Labels of symmetric trees: where there is a cut for each sum, 1 where it is reached, else the
 * number of the first score that is the largest. Sums of integers decide where they can: each lies
 * within `bound` steps of the library's. Other rows are summed again as the library does it. */
static inline void mica_oblivious_label(const struct mica_oblivious *p, const float *x,
                                        int32_t *keys, int32_t *sum, int64_t *exact, int32_t *label)
{
    mica_oblivious_keys(p, x, keys);
    mica_oblivious_fixed(p, keys, sum);
    if (mica_oblivious_fast(p, sum, label))
        return;
    mica_oblivious_exact(p, keys, (uint64_t *)exact);
    if (p->cut_fixed) {
        for (int32_t j = 0; j < p->width; j++)
            label[j] = mica_f64_order((uint64_t)exact[j]) >=
                       mica_f64_order((uint64_t)MICA_ROM_U32(p->cut + 2 * j + 1) << 32 |
                                      MICA_ROM_U32(p->cut + 2 * j));
        return;
    }
    int64_t most = 0;
    for (int32_t j = 0; j < p->width; j++) {
        const int64_t order = mica_f64_order(mica_oblivious_score(p, (uint64_t)exact[j], j));
        if (j == 0 || order > most) {
            most = order;
            *label = j;
        }
    }
}

#endif
