/* SPDX-License-Identifier: Apache-2.0 */
/* evaluate.c - an ensemble as its library evaluates it: what every other way is compared with. */
#include <math.h>

#include "tree/tree.h"

/* What counts as zero in a test with TREE_ZERO_MISSING. */
static const float nothing = 1e-35f;

static bool in_set(const uint32_t *set, float x)
{
    if (!(x > -1 && x < 0x1p31f)) /* also a NaN is in none */
        return false;
    const uint32_t category = (uint32_t)(int32_t)x;
    return category / 32 < set[0] && set[1 + category / 32] >> category % 32 & 1;
}

static bool goes_left(const struct trees *t, int32_t i, float x)
{
    const bool zero = t->flags[i] & TREE_ZERO_MISSING && fabsf(x) <= nothing;
    if (isnan(x) || zero)
        return t->flags[i] & TREE_MISSING_LEFT;
    if (t->flags[i] & TREE_CATEGORIES && t->flags[i] & TREE_ROUND_DOWN && x < 0)
        return false;
    if (t->flags[i] & TREE_CATEGORIES)
        return in_set(t->set + (int32_t)t->threshold[i], x);
    return x <= t->threshold[i];
}

void trees_scores(const struct trees *t, const float *x, double *score)
{
    for (int32_t k = 0; k < t->n_scores; k++)
        score[k] = t->base[k];
    for (int32_t i = 0; i < t->n_trees; i++) {
        int32_t at = t->root[i], depth = 1;
        for (; t->feature[at] >= 0; depth++)
            at = goes_left(t, at, x[t->feature[at]]) ? t->left[at] : t->right[at];
        const double *value = t->value + (int64_t)t->left[at] * t->width;
        for (int32_t j = 0; j < t->width; j++) {
            const double added = t->path ? (depth + value[j]) - 1.0 : value[j];
            double *sum = &score[t->output[i] + j];
            *sum = t->sums == SUMS_FLOAT32 ? (double)((float)*sum + (float)added) : *sum + added;
        }
    }
    for (int32_t k = 0; k < t->n_scores && t->divisor != 1; k++)
        score[k] /= t->divisor;
}

/* Softmax makes scores equal that lie closer than this. */
static const double softmax_blur = 0x1p-20;

bool trees_label(const struct trees *t, const double *score, int32_t *label)
{
    bool certain = true;
    for (int32_t g = 0; g < t->n_labels; score += t->group[g], g++) {
        int32_t best = 0;
        if (t->decide == DECIDE_CUT) {
            label[g] = score[0] >= t->cut;
            continue;
        }
        for (int32_t k = 1; k < t->group[g]; k++)
            best = score[k] > score[best] ? k : best;
        for (int32_t k = 0; k < best && t->decide == DECIDE_SOFTMAX; k++)
            certain = certain && score[best] - score[k] > softmax_blur;
        label[g] = best;
    }
    return certain;
}
