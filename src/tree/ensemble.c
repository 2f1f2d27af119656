/* SPDX-License-Identifier: Apache-2.0 */
/* ensemble.c - the ensemble of a trees node: checked when it is taken out, typed when put in. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "tree/tree.h"

/* ---- out of a node --------------------------------------------------------------------------- */

static const void *array(struct ctx *ctx, const struct node *n, enum trees_input i, enum dtype type,
                         int64_t elements, const char *what)
{
    const struct tensor *t = (int)i < n->n_in ? n->in[i] : NULL;
    if (!t || !t->data || t->type != type)
        fail(ctx, n, "its %s must be a constant of type %s", what, dtype_name(type));
    if (elements >= 0 && tensor_elements(t) != elements)
        fail(ctx, n, "its %s has %lld elements, not %lld as the others want it", what,
             (long long)tensor_elements(t), (long long)elements);
    return t->data;
}

static int32_t length(struct ctx *ctx, const struct node *n, enum trees_input i, const char *what)
{
    if ((int)i >= n->n_in || !n->in[i])
        fail(ctx, n, "it has no %s", what);
    return (int32_t)tensor_elements(n->in[i]);
}

static void check_set(struct ctx *ctx, const struct node *n, const struct trees *t, int32_t i)
{
    const float at = t->threshold[i];
    if (!(at >= 0 && at < (float)t->n_sets && at == truncf(at)) ||
        t->set[(int32_t)at] > (uint32_t)(t->n_sets - 1 - (int32_t)at))
        fail(ctx, n, "node %d names categories that are not there", (int)i);
}

static void check_leaf(struct ctx *ctx, const struct node *n, const struct trees *t, int32_t i)
{
    if (t->left[i] < 0 || t->left[i] >= t->n_values)
        fail(ctx, n, "leaf %d has value %d of %d", (int)i, (int)t->left[i], (int)t->n_values);
}

/* Walks one tree in the order node, left, right, which is the order of the array, too; returns the
 * node behind it. A stack instead of recursion: a file may hold a list of a million nodes. */
static int32_t check_tree(struct ctx *ctx, const struct node *n, const struct trees *t, int32_t at,
                          int32_t *pending)
{
    int32_t depth = 0;
    for (;; at++) {
        if (at >= t->n_nodes)
            fail(ctx, n, "a tree goes beyond its %d nodes", (int)t->n_nodes);
        if (t->feature[at] >= 0) {
            if (t->feature[at] >= t->n_features)
                fail(ctx, n, "node %d tests feature %d of %d", (int)at, (int)t->feature[at],
                     (int)t->n_features);
            if (!isfinite(t->threshold[at]) && t->threshold[at] != INFINITY &&
                t->threshold[at] != -INFINITY)
                fail(ctx, n, "node %d has a threshold that is no number", (int)at);
            if (t->flags[at] & TREE_CATEGORIES)
                check_set(ctx, n, t, at);
            if (t->left[at] != at + 1)
                fail(ctx, n, "the left node of %d must be the next one", (int)at);
            pending[depth++] = t->right[at];
            continue;
        }
        check_leaf(ctx, n, t, at);
        if (depth == 0)
            return at + 1;
        if (pending[--depth] != at + 1)
            fail(ctx, n, "node %d is not behind its left sibling's tree", (int)pending[depth]);
    }
}

static void check_trees(struct ctx *ctx, const struct node *n, const struct trees *t)
{
    int32_t *pending = NEWS(ctx, int32_t, t->n_nodes + 1), end = 0;
    for (int32_t i = 0; i < t->n_trees; i++) {
        if (t->root[i] != end)
            fail(ctx, n, "tree %d does not start behind the one before it", (int)i);
        if (t->output[i] < 0 || t->output[i] > t->n_scores - t->width)
            fail(ctx, n, "tree %d adds to scores that are not there", (int)i);
        end = check_tree(ctx, n, t, end, pending);
    }
    if (end != t->n_nodes)
        fail(ctx, n, "%d nodes belong to no tree", (int)(t->n_nodes - end));
    int64_t sum = 0;
    for (int32_t i = 0; i < t->n_labels; i++) {
        if (t->group[i] < 1)
            fail(ctx, n, "label %d has no scores", (int)i);
        sum += t->group[i];
    }
    if (sum != t->n_scores)
        fail(ctx, n, "its labels have %lld scores, not %d", (long long)sum, (int)t->n_scores);
    for (int64_t i = 0; i < (int64_t)t->n_values * t->width; i++)
        if (!isfinite(t->value[i]) ||
            (t->sums == SUMS_FLOAT32 && t->value[i] != (float)t->value[i]))
            fail(ctx, n, "value %lld (%g) is no %s", (long long)i, t->value[i],
                 t->sums == SUMS_FLOAT32 ? "float32" : "finite number");
    for (int32_t i = 0; i < t->n_scores; i++)
        if (!isfinite(t->base[i]))
            fail(ctx, n, "base %d is not finite", (int)i);
    if (!(t->divisor > 0) || !isfinite(t->divisor) || isnan(t->cut))
        fail(ctx, n, "its divisor or its cut is no number that one can use");
}

/* Of float64 features the thresholds are float64, too, until pass_fold_features() has found what
 * they are for the float32 numbers behind; here they are only looked at. */
static const float *thresholds(struct ctx *ctx, const struct node *n, const struct trees *t)
{
    if (t->x_type != DTYPE_FLOAT64)
        return array(ctx, n, TREES_THRESHOLD, DTYPE_FLOAT32, t->n_nodes, "thresholds");
    const double *at = array(ctx, n, TREES_THRESHOLD, DTYPE_FLOAT64, t->n_nodes, "thresholds");
    float *rough = NEWS(ctx, float, t->n_nodes);
    for (int32_t i = 0; i < t->n_nodes; i++)
        rough[i] = (float)at[i];
    return rough;
}

/* Where no feature is NaN, only a zero can be missing. */
static const uint8_t *flags_of_finite(struct ctx *ctx, const struct trees *t)
{
    uint8_t *flags = copy_bytes(ctx, t->flags, (size_t)t->n_nodes);
    for (int32_t i = 0; i < t->n_nodes; i++)
        if (!(flags[i] & TREE_ZERO_MISSING))
            flags[i] &= (uint8_t)~TREE_MISSING_LEFT;
    return flags;
}

const struct trees *trees_of(struct ctx *ctx, const struct node *n)
{
    const struct attr_trees *a = n->attr;
    struct trees *t = NEW(ctx, struct trees);
    t->x_type = n->in[TREES_X]->type;
    t->n_features = (int32_t)tensor_elements(n->in[TREES_X]);
    t->decide = (enum decide)a->decide;
    t->sums = (enum sums)a->sums;
    t->path = a->path;
    t->n_trees = length(ctx, n, TREES_ROOT, "roots");
    t->n_nodes = length(ctx, n, TREES_FEATURE, "features");
    t->n_scores = length(ctx, n, TREES_BASE, "base scores");
    t->root = array(ctx, n, TREES_ROOT, DTYPE_INT32, -1, "roots");
    t->output = array(ctx, n, TREES_OUTPUT, DTYPE_INT32, t->n_trees, "outputs");
    t->feature = array(ctx, n, TREES_FEATURE, DTYPE_INT32, -1, "features");
    t->threshold = thresholds(ctx, n, t);
    t->left = array(ctx, n, TREES_LEFT, DTYPE_INT32, t->n_nodes, "left nodes");
    t->right = array(ctx, n, TREES_RIGHT, DTYPE_INT32, t->n_nodes, "right nodes");
    t->flags = array(ctx, n, TREES_FLAGS, DTYPE_UINT8, t->n_nodes, "flags");
    t->weight = array(ctx, n, TREES_WEIGHT, DTYPE_FLOAT32, t->n_nodes, "weights");
    t->value = array(ctx, n, TREES_VALUE, DTYPE_FLOAT64, -1, "values");
    t->base = array(ctx, n, TREES_BASE, DTYPE_FLOAT64, -1, "base scores");
    const double *numbers = array(ctx, n, TREES_NUMBERS, DTYPE_FLOAT64, 2, "numbers");
    t->divisor = numbers[0];
    t->cut = numbers[1];
    if (n->in[TREES_VALUE]->rank != 2)
        fail(ctx, n, "its values must have the shape [leaves,numbers of one]");
    t->n_values = n->in[TREES_VALUE]->dim[0];
    t->width = n->in[TREES_VALUE]->dim[1];
    t->n_labels = 1;
    t->group = &t->n_scores;
    if (n->n_in > TREES_GROUPS && n->in[TREES_GROUPS]) {
        t->n_labels = length(ctx, n, TREES_GROUPS, "groups");
        t->group = array(ctx, n, TREES_GROUPS, DTYPE_INT32, -1, "groups");
    }
    if (n->n_in > TREES_SETS && n->in[TREES_SETS]) {
        t->n_sets = length(ctx, n, TREES_SETS, "sets");
        t->set = array(ctx, n, TREES_SETS, DTYPE_UINT32, -1, "sets");
    }
    check_trees(ctx, n, t);
    if (ctx->options.finite)
        t->flags = flags_of_finite(ctx, t);
    return t;
}

/* ---- into a graph ---------------------------------------------------------------------------- */

static struct tensor *constant(struct ctx *ctx, struct graph *g, const char *name, enum dtype type,
                               int rank, const int32_t *dim, const void *data)
{
    struct tensor *t = graph_add_tensor(ctx, g, name, type, rank, dim);
    t->data = copy_bytes(ctx, data, (size_t)tensor_bytes(t));
    return t;
}

static struct tensor *add_node(struct ctx *ctx, struct graph *g, const struct trees *t,
                               struct tensor *const in[TREES_INPUTS], enum gives gives)
{
    const char *name = gives == GIVES_LABEL ? "label" : "scores";
    struct node *n = graph_add_node(ctx, g, name, op_table[OP_trees], TREES_INPUTS, 1);
    memcpy(n->in, in, TREES_INPUTS * sizeof *in);
    struct attr_trees *a = NEW(ctx, struct attr_trees);
    *a = (struct attr_trees){(int32_t)gives, (int32_t)t->decide, (int32_t)t->sums, t->path};
    n->attr = a;
    n->out[0] = gives == GIVES_LABEL ? graph_add_tensor(ctx, g, name, DTYPE_INT32, 1, &t->n_labels)
                                     : graph_add_tensor(ctx, g, name, DTYPE_FLOAT64, 2,
                                                        (const int32_t[]){1, t->n_scores});
    n->out[0]->maker = n;
    return n->out[0];
}

void trees_add(struct ctx *ctx, struct graph *g, const struct trees *t, struct tensor *x,
               struct tensor **label, struct tensor **scores)
{
    const int32_t *trees = &t->n_trees, *nodes = &t->n_nodes, two = 2;
    const double numbers[] = {t->divisor, t->cut};
    const bool is_exact = x->type == DTYPE_FLOAT64 && t->exact;
    struct tensor *in[TREES_INPUTS] = {
        x,
        constant(ctx, g, "root", DTYPE_INT32, 1, trees, t->root),
        constant(ctx, g, "output", DTYPE_INT32, 1, trees, t->output),
        constant(ctx, g, "feature", DTYPE_INT32, 1, nodes, t->feature),
        is_exact ? constant(ctx, g, "threshold", DTYPE_FLOAT64, 1, nodes, t->exact)
                 : constant(ctx, g, "threshold", DTYPE_FLOAT32, 1, nodes, t->threshold),
        constant(ctx, g, "left", DTYPE_INT32, 1, nodes, t->left),
        constant(ctx, g, "right", DTYPE_INT32, 1, nodes, t->right),
        constant(ctx, g, "flags", DTYPE_UINT8, 1, nodes, t->flags),
        constant(ctx, g, "weight", DTYPE_FLOAT32, 1, nodes, t->weight),
        constant(ctx, g, "value", DTYPE_FLOAT64, 2, (const int32_t[]){t->n_values, t->width},
                 t->value),
        constant(ctx, g, "base", DTYPE_FLOAT64, 1, &t->n_scores, t->base),
        constant(ctx, g, "numbers", DTYPE_FLOAT64, 1, &two, numbers),
        t->group ? constant(ctx, g, "groups", DTYPE_INT32, 1, &t->n_labels, t->group) : NULL,
        t->set ? constant(ctx, g, "sets", DTYPE_UINT32, 1, &t->n_sets, t->set) : NULL,
    };
    if (label)
        *label = add_node(ctx, g, t, in, GIVES_LABEL);
    if (scores)
        *scores = add_node(ctx, g, t, in, GIVES_SCORES);
}
