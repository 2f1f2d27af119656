/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_TREES_VOTES_H
#define MICA_TREES_VOTES_H

#include <stdint.h>

#include "votes.h"

/* Labels of trees that vote. The library sums the shares in float64, divides the sums by the number
 * of trees and takes the first largest.
 *
 * F is the sum of a class in steps of 2^-scale, each shared vote of e rounded down, so that the
 * true sum S lies in F <= S < F + e. Where the best leads the second by more than e, their true
 * sums differ by more than a step, which is far above what T additions in float64 can lose, and
 * above what a division by T could make equal. With e = 0 all numbers are 0 or 1 and every sum is
 * exact, in both arithmetics; equal sums stay equal. A single tree's shares have one denominator,
 * below 2^16, and different ones stay different. Only what is left is done again as the library
 * does it. */

MICA_INLINE int32_t mica_votes_first(const uint32_t *sum, int32_t n, uint32_t shared, int32_t *best)
{
    uint32_t second = 0;
    *best = 0;
    for (int32_t i = 1; i < n; i++) {
        if (sum[i] > sum[*best]) {
            second = sum[*best];
            *best = i;
        } else if (sum[i] > second) {
            second = sum[i];
        }
    }
    return !shared || sum[*best] - second > shared;
}

MICA_SHARED void mica_votes_redo(const struct mica_trees *p, const void *x, int64_t *exact,
                                 int32_t *label)
{
    uint64_t *sum = (uint64_t *)exact;
    for (int32_t i = 0; i < p->n_scores; i++)
        sum[i] = 0;
    mica_votes_sum(p, x, 0, sum);
    for (int32_t i = 0; i < p->n_scores; i++)
        sum[i] = mica_f64_divide(sum[i], p->divisor);
    for (int32_t g = 0; g < p->n_labels; g++) {
        const int32_t n = p->n_labels > 1 ? MICA_ROM_U16(p->group + g) : p->n_scores;
        label[g] = 0;
        for (int32_t i = 1; i < n; i++)
            if (sum[i] > sum[label[g]])
                label[g] = i;
        sum += n;
    }
}

MICA_INLINE void mica_trees_votes(const struct mica_trees *p, const void *x, uint32_t *sum,
                                  int64_t *exact, int32_t *label)
{
    int32_t decided = 1;
    uint32_t *of = sum;
    for (int32_t i = 0; i < p->n_scores; i++)
        sum[i] = 0;
    const uint32_t shared = mica_votes_sum(p, x, sum, 0);
    for (int32_t g = 0; g < p->n_labels; g++) {
        const int32_t n = p->n_labels > 1 ? MICA_ROM_U16(p->group + g) : p->n_scores;
        decided &= mica_votes_first(of, n, shared, &label[g]);
        of += n;
    }
    if (p->share && p->n_trees > 1 && !decided)
        mica_votes_redo(p, x, exact, label);
}

#endif
