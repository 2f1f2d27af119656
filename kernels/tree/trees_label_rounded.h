/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_TREES_LABEL_ROUNDED_H
#define MICA_TREES_LABEL_ROUNDED_H

#include <stdint.h>

#include "sums_rounded.h"

/* Labels of trees whose leaves are rounded: the first largest sum, or whether the sum is above the
 * cut. `bound` says what is certain: a lead (or a distance from the cut) of more steps cannot come
 * from rounding, and the label is the library's. With `certain`, out[n_labels] is 1 where that
 * holds for all labels, else 0. */
MICA_INLINE int32_t mica_rounded_label(const struct mica_trees *p, const int32_t *sum, int32_t n,
                                       int32_t *label)
{
    if (p->decide == MICA_LABEL_CUT) {
        const int32_t above = sum[0] - p->cut_fixed;
        *label = above > 0;
        return above > p->bound || above < -p->bound;
    }
    int32_t best = 0, second = -2147483647 - 1;
    for (int32_t i = 1; i < n; i++) {
        if (sum[i] > sum[best]) {
            second = sum[best];
            best = i;
        } else if (sum[i] > second) {
            second = sum[i];
        }
    }
    *label = best;
    return n == 1 || (uint32_t)sum[best] - (uint32_t)second > (uint32_t)p->bound;
}

MICA_INLINE void mica_trees_label_rounded(const struct mica_trees *p, const void *x, int32_t *sum,
                                          int32_t *out)
{
    int32_t certain = 1;
    mica_sums_rounded(p, x, sum);
    for (int32_t g = 0; g < p->n_labels; g++) {
        const int32_t n = p->n_labels > 1 ? MICA_ROM_U16(p->group + g) : p->n_scores;
        certain &= mica_rounded_label(p, sum, n, &out[g]);
        sum += n;
    }
    if (p->certain)
        out[p->n_labels] = certain;
}

#endif
