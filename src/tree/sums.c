/* SPDX-License-Identifier: Apache-2.0 */
/* sums.c - sums of integers that decide for a label, and how far they may be from the library's.
 *
 * The library adds n numbers to a base, in float64 or float32, in the order of the trees; every
 * partial sum is at most M = |base| + the largest |leaf| of each tree, so that with a unit roundoff
 * u each addition errs by at most M u (1 + u)^n. With leaves as integers of 2^-scale, each rounded
 * by at most half a step, and base and cut likewise, the two sums differ by no more than
 *
 *     (n + 2) / 2 + n M u (1 + u)^n 2^scale     steps.
 *
 * What a path adds is itself rounded twice, and counts for three additions.
 *
 * scale is such that M 2^scale is below 2^30: no integer sum leaves 32 bits, nor does a difference
 * of two.
 */
#include <math.h>
#include <string.h>

#include "tree/tree.h"

struct reach {
    double most; /* M */
    int32_t added;
};

static int32_t deepest(const struct forest *f, int32_t root, int32_t *depth)
{
    int32_t most = 0;
    depth[root] = 0;
    for (int32_t i = root; i < f->end[root]; i++) {
        if (depth[i] > most)
            most = depth[i];
        if (f->feature[i] >= 0)
            depth[i + 1] = depth[f->right[i]] = depth[i] + 1;
    }
    return most;
}

/* M and n of the score that has the largest of either. */
static struct reach reach_of(struct ctx *ctx, const struct forest *f)
{
    const struct trees *t = f->trees;
    double *most = NEWS(ctx, double, t->n_scores), *tree = NEWS(ctx, double, f->width);
    int32_t *added = NEWS(ctx, int32_t, t->n_scores), *depth = NEWS(ctx, int32_t, f->n_nodes);
    for (int32_t k = 0; k < t->n_scores; k++)
        most[k] = fabs(t->base[k]);
    for (int32_t i = 0; i < f->n_trees; i++) {
        memset(tree, 0, sizeof *tree * (size_t)f->width);
        for (int32_t at = f->root[i]; at < f->end[f->root[i]]; at++)
            for (int32_t j = 0; f->feature[at] < 0 && j < f->width; j++)
                tree[j] = fmax(tree[j], fabs(f->value[(int64_t)f->left[at] * f->width + j]));
        const double path = t->path ? deepest(f, f->root[i], depth) + 1 : 0;
        for (int32_t j = 0; j < f->width; j++) {
            most[f->output[i] + j] += tree[j] + path;
            added[f->output[i] + j]++;
        }
    }
    struct reach r = {0, 0};
    for (int32_t k = 0; k < t->n_scores; k++) {
        r.most = fmax(r.most, most[k]);
        r.added = added[k] > r.added ? added[k] : r.added;
    }
    return r;
}

/* The smallest sum whose quotient by the divisor is at least the cut. Division is monotone, so it
 * is found by halving; stepping there from the product would take for ever where quotients
 * underflow. */
static double undivided_cut(const struct trees *t)
{
    if (t->divisor == 1 || !isfinite(t->cut))
        return t->cut;
    int64_t below = double_order(-INFINITY), at = double_order(INFINITY);
    while (at - 1 > below) {
        const int64_t middle = below / 2 + at / 2 + (below % 2 + at % 2) / 2;
        if (double_of_order(middle) / t->divisor >= t->cut)
            at = middle;
        else
            below = middle;
    }
    return double_of_order(at);
}

void sums_prepare(struct ctx *ctx, struct forest *f)
{
    const struct trees *t = f->trees;
    const struct reach r = reach_of(ctx, f);
    const double roundoff = t->sums == SUMS_FLOAT32 ? 0x1p-24 : 0x1p-53;
    int exponent = 0;
    if (r.most > 0x1p1000)
        fail(ctx, NULL, "the scores of its trees can reach %g: train it on smaller targets",
             r.most);
    frexp(r.most, &exponent); /* most < 2^exponent */
    f->scale = (r.most > 0 ? 30 - exponent : 0);
    const double roundings = (t->path ? 3.0 : 1.0) * r.added;
    f->roundings = roundings * ldexp(r.most, f->scale) * roundoff * pow(1 + roundoff, roundings);
    const double steps = (r.added + 2) / 2.0 + f->roundings;
    f->bound = steps < 0x1p29 ? (int32_t)ceil(steps) : 1 << 29;
    int32_t *fixed = NEWS(ctx, int32_t, (int64_t)f->n_values * f->width);
    for (int64_t i = 0; i < (int64_t)f->n_values * f->width; i++)
        fixed[i] = to_fixed(f->value[i] - (t->path ? 1 : 0), f->scale);
    int32_t *base = NEWS(ctx, int32_t, t->n_scores);
    for (int32_t k = 0; k < t->n_scores; k++)
        base[k] = to_fixed(t->base[k], f->scale);
    f->fixed = fixed;
    f->base_fixed = base;
    f->cut = undivided_cut(t);
    f->cut_fixed = to_fixed(f->cut, f->scale);
}
