/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_TREES_LABEL_F32_H
#define MICA_TREES_LABEL_F32_H

#include <stdint.h>

#include "softmax_near.h"
#include "sums_f32.h"

/* Labels of trees whose library sums in float32: the sums are its own. */
MICA_INLINE void mica_trees_label_f32(const struct mica_trees *p, const void *x, float *sum,
                                      int32_t *label)
{
    mica_sums_f32(p, x, sum);
    if (p->decide == MICA_LABEL_CUT) {
        for (int32_t g = 0; g < p->n_labels; g++)
            label[g] = !mica_f32_above(mica_f32_of(p->cut_low), sum[g]);
        return;
    }
    for (int32_t g = 0; g < p->n_labels; g++) {
        const int32_t n = p->n_labels > 1 ? MICA_ROM_U16(p->group + g) : p->n_scores;
        label[g] = 0;
        for (int32_t i = 1; i < n; i++)
            if (mica_f32_above(sum[i], sum[label[g]]))
                label[g] = i;
        const float most = sum[label[g]];
        for (int32_t i = 0; p->decide == MICA_LABEL_SOFTMAX && i < label[g]; i++)
            if (mica_softmax_equal(sum, n, most, sum[i]))
                label[g] = i;
        sum += n;
    }
}

#endif
