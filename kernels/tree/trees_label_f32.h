/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_TREES_LABEL_F32_H
#define MICA_TREES_LABEL_F32_H

#include <stdint.h>

#include "sums_f32.h"

/* Labels of trees whose library sums in float32. */
MICA_INLINE void mica_trees_label_f32(const struct mica_trees *p, const void *x, float *sum,
                                      int32_t *label)
{
    mica_sums_f32(p, x, sum);
    if (p->decide) {
        float cut;
        memcpy(&cut, &p->cut_low, sizeof cut);
        *label = sum[0] >= cut;
        return;
    }
    for (int32_t g = 0; g < p->n_labels; g++) {
        const int32_t n = p->n_labels > 1 ? MICA_ROM_U16(p->group + g) : p->n_scores;
        label[g] = 0;
        for (int32_t i = 1; i < n; i++)
            if (sum[i] > sum[label[g]])
                label[g] = i;
        sum += n;
    }
}

#endif
