/* SPDX-License-Identifier: Apache-2.0 */
/* prepare.c - an ensemble as it was trained becomes one that is ready for being written down.
 *
 * A test whose two sides add the same decides nothing. Isolation forests have many: two leaves of
 * one sample each at depth d + 1 add d + 1 - 1, as one leaf of two samples at depth d does, whose
 * path is longer by c(2) = 1. All these are small integers, so float64 gives the same bits.
 */
#include <math.h>
#include <string.h>

#include "tree/tree.h"

/* A forest whose arrays are still being written. */
struct draft {
    int32_t n_nodes, n_values;
    int32_t *feature, *key, *left, *right, *end, *root,
        *leaf; /* leaf: value of a node, -1: a test */
    uint8_t *flags;
    float *weight;
    double *value;
};

/* The sum of a path and one more test, where that is exact. */
static bool path_grows(double c)
{
    return c == truncf((float)c) && c >= 0 && c < 1 << 20;
}

/* Children stand behind their parent, so going backwards meets them first. */
static void prune(struct ctx *ctx, const struct trees *t, struct draft *d)
{
    int32_t *id = NEWS(ctx, int32_t, t->n_values);
    d->value = NEWS(ctx, double, (int64_t)t->n_values * t->width + (t->path ? t->n_nodes : 0));
    memcpy(d->value, t->value, sizeof *d->value * (size_t)t->n_values * (size_t)t->width);
    d->n_values = leaves_unify(ctx, d->value, t->n_values, t->width, id);
    int32_t grown = -1, grown_from = -1; /* the last value made of another */
    for (int32_t i = t->n_nodes - 1; i >= 0; i--) {
        if (t->feature[i] < 0) {
            d->leaf[i] = id[t->left[i]];
            d->end[i] = i + 1;
            continue;
        }
        const int32_t left = d->leaf[t->left[i]], right = d->leaf[t->right[i]];
        d->end[i] = d->end[t->right[i]];
        d->leaf[i] = -1;
        if (left < 0 || right < 0)
            continue;
        if (!t->path && left == right) {
            d->leaf[i] = left;
        } else if (t->path && d->value[left] == d->value[right] && path_grows(d->value[left])) {
            if (grown_from != left) {
                grown_from = left;
                grown = d->n_values++;
                d->value[grown] = d->value[left] + 1;
            }
            d->leaf[i] = grown;
        }
    }
}

/* Leaves out what prune() made part of a leaf, and numbers nodes and values anew. */
static void compact(struct ctx *ctx, const struct trees *t, struct draft *d)
{
    int32_t *at = NEWS(ctx, int32_t, t->n_nodes), *old_end = d->end, n = 0;
    for (int32_t i = 0; i < t->n_nodes; n++) {
        at[i] = n;
        d->feature[n] = d->leaf[i] < 0 ? t->feature[i] : -1;
        d->left[n] = d->leaf[i] < 0 ? n + 1 : d->leaf[i];
        d->right[n] = d->leaf[i] < 0 ? t->right[i] : 0; /* not yet renamed */
        d->flags[n] = d->leaf[i] < 0 ? t->flags[i] : 0;
        d->weight[n] = t->weight[i];
        d->key[n] = i; /* until set_keys() */
        i = d->leaf[i] < 0 ? i + 1 : old_end[i];
    }
    d->n_nodes = n;
    for (int32_t i = 0; i < t->n_trees; i++)
        d->root[i] = at[t->root[i]];
    d->end = NEWS(ctx, int32_t, n);
    for (int32_t i = n - 1; i >= 0; i--) {
        if (d->feature[i] >= 0)
            d->right[i] = at[d->right[i]];
        d->end[i] = d->feature[i] < 0 ? i + 1 : d->end[d->right[i]];
    }
}

/* Only values that a leaf has are kept. */
static void compact_values(struct ctx *ctx, const struct trees *t, struct draft *d)
{
    int32_t *used = NEWS(ctx, int32_t, d->n_values), n = 0;
    for (int32_t i = 0; i < d->n_nodes; i++)
        if (d->feature[i] < 0)
            used[d->left[i]] = 1;
    const size_t row = sizeof *d->value * (size_t)t->width;
    for (int32_t i = 0; i < d->n_values; i++) {
        if (!used[i])
            continue;
        memmove(d->value + (int64_t)n * t->width, d->value + (int64_t)i * t->width, row);
        used[i] = n++;
    }
    int32_t *id = NEWS(ctx, int32_t, n);
    d->n_values = leaves_unify(ctx, d->value, n, t->width, id);
    for (int32_t i = 0; i < d->n_nodes; i++)
        if (d->feature[i] < 0)
            d->left[i] = id[used[d->left[i]]];
}

/* The key that x is compared with: of a float its bits in order, of an integer the threshold's
 * integer part, at most one beyond the integers that x can be. */
static int32_t key_of(const struct trees *t, float threshold)
{
    if (t->x_type == DTYPE_FLOAT32)
        return float_key(threshold);
    const int32_t low = integer_lowest(t->x_type), high = integer_highest(t->x_type);
    if (threshold < (float)low)
        return low - 1;
    return threshold > (float)high ? high : (int32_t)floorf(threshold);
}

static void set_keys(const struct trees *t, struct draft *d, struct forest *f)
{
    for (int32_t i = 0; i < d->n_nodes; i++) {
        const float threshold = t->threshold[d->key[i]];
        d->key[i] = 0;
        if (d->feature[i] < 0)
            continue;
        f->n_tests++;
        const bool categories = d->flags[i] & TREE_CATEGORIES;
        d->key[i] = categories ? (int32_t)threshold : key_of(t, threshold);
        f->has_negative_key |= d->key[i] < 0;
        /* Integers are never NaN; then only a zero can be missing. */
        if (t->x_type != DTYPE_FLOAT32 && !(d->flags[i] & TREE_ZERO_MISSING))
            d->flags[i] &= (uint8_t)~TREE_MISSING_LEFT;
        f->tests_missing_left += (d->flags[i] & TREE_MISSING_LEFT) != 0;
        f->tests_zero_missing += (d->flags[i] & TREE_ZERO_MISSING) != 0;
        f->tests_categories += categories;
    }
}

const struct forest *prepare_trees(struct ctx *ctx, const struct trees *t)
{
    const int32_t n = t->n_nodes;
    struct draft d = {
        .feature = NEWS(ctx, int32_t, n),
        .key = NEWS(ctx, int32_t, n),
        .left = NEWS(ctx, int32_t, n),
        .right = NEWS(ctx, int32_t, n),
        .end = NEWS(ctx, int32_t, n),
        .leaf = NEWS(ctx, int32_t, n),
        .root = NEWS(ctx, int32_t, t->n_trees),
        .flags = NEWS(ctx, uint8_t, n),
        .weight = NEWS(ctx, float, n),
    };
    struct forest *f = NEW(ctx, struct forest);
    prune(ctx, t, &d);
    compact(ctx, t, &d);
    compact_values(ctx, t, &d);
    set_keys(t, &d, f);
    f->trees = t;
    f->n_features = t->n_features;
    f->n_trees = t->n_trees;
    f->n_scores = t->n_scores;
    f->width = t->width;
    f->n_nodes = d.n_nodes;
    f->n_values = d.n_values;
    f->root = d.root;
    f->output = t->output;
    f->feature = d.feature;
    f->key = d.key;
    f->left = d.left;
    f->right = d.right;
    f->end = d.end;
    f->flags = d.flags;
    f->weight = d.weight;
    f->value = d.value;
    leaves_classify(ctx, f);
    sums_prepare(ctx, f);
    return f;
}
