/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_TREES_LABEL_H
#define MICA_TREES_LABEL_H

#include <stdint.h>

#include "sums.h"

/* Labels of trees whose library sums numbers in float64. Sums of integers decide where they can:
 * each lies within `bound` steps of the library's. Other rows are summed again as the library does
 * it.
 *
 * Where the label is that of the softmax, scores can become equal that are not, and the first of
 * them wins: a library divides e[i] = exp(x[i] - max), in float64, by their sum. Let d = max -
 * x[i]. Up to d = 2^-54, e[i] is 1, as for the largest, and so it is here. Above 3 2^-54, e[i] is
 * at most 1 - 2^-52, and no quotient equals 1 / sum, one step of which is at most 2^-52 of it: the
 * larger score wins, there and here. Between them, which takes scores below 1, e[i] is 1 - 2^-53,
 * and the last bits of the sum, that is of the library's exponentials, decide: there the first of
 * the two wins for up to half of the sums, the larger for the others; here the larger does. */

MICA_INLINE int32_t mica_label_fast(const struct mica_trees *p, const int32_t *sum, int32_t n,
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
    return n == 1 || (uint32_t)sum[best] - (uint32_t)second > 2 * (uint32_t)p->bound;
}

MICA_INLINE void mica_label_exact(const struct mica_trees *p, const uint64_t *sum, int32_t n,
                                  int32_t *label)
{
    if (p->decide == MICA_LABEL_CUT) {
        *label = mica_f64_order(*sum) >= mica_f64_order((uint64_t)p->cut_high << 32 | p->cut_low);
        return;
    }
    uint64_t most = mica_sums_divide(p, sum[0]);
    *label = 0;
    for (int32_t i = 1; i < n; i++) {
        const uint64_t score = mica_sums_divide(p, sum[i]);
        if (mica_f64_order(score) > mica_f64_order(most)) {
            most = score;
            *label = i;
        }
    }
    for (int32_t i = 0; p->decide == MICA_LABEL_SOFTMAX && i < *label; i++) {
        const uint64_t score = mica_sums_divide(p, sum[i]);
        if (mica_f64_add(most, score ^ UINT64_C(1) << 63) <= UINT64_C(969) << 52)
            *label = i;
    }
}

MICA_INLINE int32_t mica_label_size(const struct mica_trees *p, int32_t group)
{
    return p->n_labels > 1 ? MICA_ROM_U16(p->group + group) : p->n_scores;
}

MICA_INLINE void mica_label_redo(const struct mica_trees *p, const void *x, int64_t *exact,
                                 int32_t *label)
{
    int32_t at = 0;
    mica_sums_add(p, x, 0, (uint64_t *)exact);
    for (int32_t g = 0; g < p->n_labels; at += mica_label_size(p, g), g++)
        mica_label_exact(p, (uint64_t *)exact + at, mica_label_size(p, g), &label[g]);
}

MICA_INLINE void mica_trees_label(const struct mica_trees *p, const void *x, int32_t *sum,
                                  int64_t *exact, int32_t *label)
{
    int32_t decided = 1, at = 0;
    mica_sums_add(p, x, sum, 0);
    for (int32_t g = 0; g < p->n_labels; at += mica_label_size(p, g), g++)
        decided &= mica_label_fast(p, sum + at, mica_label_size(p, g), &label[g]);
    if (!decided)
        mica_label_redo(p, x, exact, label);
}

#endif
