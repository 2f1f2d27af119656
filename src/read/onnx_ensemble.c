/* SPDX-License-Identifier: Apache-2.0 */
/* onnx_ensemble.c - the tree operators of ONNX: which label, which scores.
 *
 * The standard says little of classifiers with two classes whose weights are all for one. Runtimes
 * and converters agree on this: the sum is the score of the second class; where no weight is
 * negative it is a probability, and the label is the second class above 1/2; elsewhere above 0.
 */
#include <math.h>
#include <string.h>

#include "read/onnx.h"
#include "tree/tree.h"

enum transform { NONE, SOFTMAX, LOGISTIC, SOFTMAX_ZERO, PROBIT };
static const char *const transforms[] = {"NONE",         "SOFTMAX", "LOGISTIC",
                                         "SOFTMAX_ZERO", "PROBIT",  NULL};

static void check_transform(struct onnx *o, const onnx_node *n, int transform)
{
    if (transform == PROBIT)
        onnx_fail(o, n, "post_transform %s is not supported; the others are",
                  transforms[transform]);
}

static enum link_kind link_of(int transform)
{
    return transform == SOFTMAX        ? LINK_SOFTMAX
           : transform == SOFTMAX_ZERO ? LINK_SOFTMAX_ZERO
                                       : LINK_LOGISTIC;
}

/* ---- classifiers ----------------------------------------------------------------------------- */

/* Two classes, and weights for one of them. */
static bool has_one_score(const struct onnx_forest *f)
{
    for (int32_t i = 1; i < f->n_weights; i++)
        if (f->weight[i].score != f->weight[0].score)
            return false;
    return f->n_scores == 2 && f->n_weights > 0;
}

static bool is_negative_somewhere(const struct onnx_forest *f)
{
    for (int32_t i = 0; i < f->n_weights; i++)
        if (f->weight[i].weight < 0)
            return true;
    return false;
}

/* Marks the classes that every leaf of one of the trees names. */
static void mark_named(struct onnx *o, const struct onnx_forest *f, bool *named)
{
    int32_t *count = NEWS(o->ctx, int32_t, f->n_scores);
    for (int32_t t = 0; t < f->n_trees; t++) {
        const int32_t end = t + 1 < f->n_trees ? f->root[t + 1] : f->n_nodes;
        int32_t leaves = 0;
        memset(count, 0, (size_t)f->n_scores * sizeof *count);
        for (int32_t i = f->root[t]; i < end; i++) {
            leaves += f->node[i].mode == MODE_LEAF;
            for (int32_t k = 0; k < f->node[i].leaves; k++)
                count[f->weight[f->node[i].leaf + k].score]++;
        }
        for (int32_t k = 0; k < f->n_scores; k++)
            named[k] |= count[k] >= leaves;
    }
}

/* Runtimes leave a class out of the decision where no leaf that a row reached names it; here it
 * then counts as 0. That makes no difference where no weight is negative, where bases name every
 * class, or where some tree names it in all its leaves. */
static void check_all_named(struct onnx *o, const onnx_node *n, const struct onnx_forest *f)
{
    if (f->n_base || !is_negative_somewhere(f))
        return;
    bool *named = NEWS(o->ctx, bool, f->n_scores);
    mark_named(o, f, named);
    for (int32_t k = 0; k < f->n_scores; k++)
        if (!named[k])
            onnx_fail(o, n,
                      "a row may reach no leaf with a weight for class %d while others are "
                      "negative: whether it can win then is not said; give it base_values",
                      (int)k);
}

/* The cut of the only score: label 1 where it is at least this. */
static double cut_above(double limit, enum sums sums)
{
    return sums == SUMS_FLOAT32 ? (double)nextafterf((float)limit, INFINITY)
                                : nextafter(limit, INFINITY);
}

static void give_pair(struct onnx *o, const onnx_node *n, struct tensor *scores, int transform,
                      bool is_probability)
{
    if (transform == LOGISTIC)
        onnx_give_linked(o, n, 1, scores, LINK_LOGISTIC_PAIR);
    else if (transform == NONE && is_probability)
        onnx_give_linked(o, n, 1, scores, LINK_COMPLEMENT);
    else
        onnx_fail(o, n,
                  "what the scores of two classes are, with weights for one class, some of "
                  "them negative, and post_transform %s, is not said and runtimes differ: "
                  "leave the output '%s' out",
                  transforms[transform], n->output[1]);
}

static void read_two_classes(struct onnx *o, const onnx_node *n, struct onnx_forest *f,
                             const struct names *classes, int transform)
{
    const bool is_probability = !is_negative_somewhere(f);
    struct tensor *x = onnx_row(o, n, 0)->tensor, *label, *scores;
    if (f->weight[0].score != 0)
        onnx_fail(o, n,
                  "all its weights are for class 1 of two; converters give them to class 0, "
                  "and what the scores are then is not said");
    f->n_scores = 1;
    struct trees *t = onnx_forest_trees(o, n, f, (int32_t)tensor_elements(x));
    t->decide = DECIDE_CUT;
    t->cut = cut_above(is_probability && transform != LOGISTIC ? 0.5 : 0, t->sums);
    const bool wants_label = onnx_wants(o, n, 0), wants_scores = onnx_wants(o, n, 1);
    trees_add(o->ctx, o->graph, t, x, wants_label ? &label : NULL, wants_scores ? &scores : NULL);
    if (wants_label)
        onnx_give_label(o, n, 0, label, classes);
    if (!wants_scores)
        return;
    give_pair(o, n, scores, transform, is_probability);
    if (transform == NONE)
        onnx_give_leaves(o, n, 1, x, t, true);
}

static void read_classes(struct onnx *o, const onnx_node *n, struct onnx_forest *f,
                         const struct names *classes, int transform)
{
    struct tensor *x = onnx_row(o, n, 0)->tensor, *label, *scores;
    check_all_named(o, n, f);
    struct trees *t = onnx_forest_trees(o, n, f, (int32_t)tensor_elements(x));
    t->decide = DECIDE_ARGMAX;
    const bool wants_label = onnx_wants(o, n, 0), wants_scores = onnx_wants(o, n, 1);
    trees_add(o->ctx, o->graph, t, x, wants_label ? &label : NULL, wants_scores ? &scores : NULL);
    if (wants_label)
        onnx_give_label(o, n, 0, label, classes);
    if (!wants_scores)
        return;
    if (transform == NONE) {
        onnx_give(o, n, 1, onnx_round(o, n, scores, false));
        onnx_give_leaves(o, n, 1, x, t, false);
    } else
        onnx_give_linked(o, n, 1, scores, link_of(transform));
}

void onnx_read_tree_classifier(struct onnx *o, const onnx_node *n)
{
    const struct names *classes = onnx_classes(o, n, "classlabels_int64s", "classlabels_strings");
    const int transform = onnx_choice(o, n, "post_transform", transforms);
    check_transform(o, n, transform);
    if (classes->n < 2)
        onnx_fail(o, n, "it has %d classes; a classifier has at least two", classes->n);
    struct onnx_forest *f = onnx_forest(o, n, "class", classes->n);
    if (has_one_score(f))
        read_two_classes(o, n, f, classes, transform);
    else
        read_classes(o, n, f, classes, transform);
}

/* ---- regressors ------------------------------------------------------------------------------ */

static void give_scores(struct onnx *o, const onnx_node *n, struct onnx_forest *f, bool is_average,
                        int transform, bool gives_double)
{
    struct tensor *x = onnx_row(o, n, 0)->tensor, *scores;
    const double *base = f->base;
    if (is_average) /* the division comes before the bases */
        f->n_base = 0;
    struct trees *t = onnx_forest_trees(o, n, f, (int32_t)tensor_elements(x));
    if (is_average)
        t->divisor = f->n_trees;
    trees_add(o->ctx, o->graph, t, x, NULL, &scores);
    if (is_average && base) {
        const struct attr_scale_features attr = {SCALE_ADD, SCALE_ADD};
        struct tensor *in[] = {scores, onnx_float64s(o, "base", 1, &f->n_scores, base)};
        scores = onnx_add(o, n, OP_scale_features, &attr, DTYPE_FLOAT64, 2, in);
    }
    if (transform == NONE) {
        onnx_give(o, n, 0, onnx_round(o, n, scores, gives_double));
        onnx_give_leaves(o, n, 0, x, t, false);
    } else
        onnx_give_linked(o, n, 0, scores, link_of(transform));
}

void onnx_read_tree_regressor(struct onnx *o, const onnx_node *n)
{
    static const char *const aggregates[] = {"SUM", "AVERAGE", NULL};
    const int transform = onnx_choice(o, n, "post_transform", transforms);
    const int aggregate = onnx_choice(o, n, "aggregate_function", aggregates);
    if (transform != NONE)
        onnx_fail(o, n, "post_transform %s is not supported for regressors; NONE is",
                  transforms[transform]);
    struct onnx_forest *f = onnx_forest(o, n, "target", onnx_int(o, n, "n_targets", 1));
    if (f->n_base && f->n_base != f->n_scores)
        onnx_fail(o, n, "it has %d base values for %d targets", (int)f->n_base, (int)f->n_scores);
    give_scores(o, n, f, aggregate == 1, transform, false);
}

void onnx_read_tree_ensemble(struct onnx *o, const onnx_node *n)
{
    enum { AVERAGE, SUM };
    const int64_t aggregate = onnx_int(o, n, "aggregate_function", SUM);
    const int64_t transform = onnx_int(o, n, "post_transform", NONE);
    if (aggregate != AVERAGE && aggregate != SUM)
        onnx_fail(o, n, "aggregate_function %lld is not supported; 0 (average) and 1 (sum) are",
                  (long long)aggregate);
    if (transform < 0 || transform > PROBIT)
        onnx_fail(o, n, "there is no post_transform %lld", (long long)transform);
    check_transform(o, n, (int)transform);
    struct onnx_forest *f = onnx_forest_v5(o, n);
    if (transform != NONE && f->n_scores == 1)
        onnx_fail(o, n, "post_transform %s of one score is not supported", transforms[transform]);
    give_scores(o, n, f, aggregate == AVERAGE, (int)transform, f->is_double);
}
