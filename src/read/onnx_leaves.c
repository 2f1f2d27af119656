/* SPDX-License-Identifier: Apache-2.0 */
/* onnx_leaves.c - arithmetic on what one tree gives.
 *
 * Converters write ensembles of ensembles (bagging, AdaBoost) as one operator for each tree and
 * small operators that make votes of what it gives, weigh them and add them up. A value that
 * depends on one tree alone is a table, a row for each leaf; arithmetic on it is done here, in
 * float32 as a runtime does it, and the sum of such values is one ensemble.
 */
#include <string.h>

#include "read/onnx.h"
#include "tree/tree.h"

struct onnx_leaves {
    struct tensor *x;
    const struct trees *tree;
    int32_t width;
    const float *at; /* [tree->n_values][width] */
};

enum { PARTS_MAX = 1 << 12 };
struct onnx_stack {
    int32_t n;
    const struct onnx_leaves *part[];
};

static struct onnx_leaves *new_leaves(struct onnx *o, const struct onnx_leaves *like, int32_t width,
                                      float **at)
{
    struct onnx_leaves *l = NEW(o->ctx, struct onnx_leaves);
    *at = NEWS(o->ctx, float, (size_t)like->tree->n_values *(size_t)width);
    *l = (struct onnx_leaves){like->x, like->tree, width, *at};
    return l;
}

void onnx_give_leaves(struct onnx *o, const onnx_node *n, size_t i, struct tensor *x,
                      const struct trees *t, bool is_pair)
{
    if (t->n_trees != 1 || t->sums != SUMS_FLOAT32 || x->type != DTYPE_FLOAT32 ||
        !onnx_wants(o, n, i))
        return;
    const struct onnx_leaves tree = {.x = x, .tree = t};
    const int32_t width = is_pair ? 2 : t->n_scores;
    float *at;
    struct onnx_leaves *l = new_leaves(o, &tree, width, &at);
    for (int32_t row = 0; row < t->n_values; row++) {
        const double *value = t->value + (size_t)row * (size_t)t->width;
        float *to = at + (size_t)row * (size_t)width;
        for (int32_t k = 0; k < t->width; k++)
            to[t->output[0] + k] = (float)value[k];
        if (is_pair) {
            to[1] = to[0];
            to[0] = 1.0f - to[1];
        }
    }
    onnx_value(o, n->output[i])->leaves = l;
}

/* ---- rows of constants ----------------------------------------------------------------------- */

/* A tensor of a shape that only the batch makes unknown, filled with one number. */
void onnx_read_constant_of_shape(struct onnx *o, const onnx_node *n)
{
    const struct tensor *value = onnx_attr_tensor(o, n, "value");
    if (value && (value->type != DTYPE_FLOAT32 || tensor_elements(value) != 1))
        onnx_fail(o, n, "its value must be one float");
    float *one = NEW(o->ctx, float);
    *one = value ? *(const float *)value->data : 0;
    const int32_t dim = 1;
    struct tensor *t = graph_add_tensor(o->ctx, o->graph, n->output[0], DTYPE_FLOAT32, 1, &dim);
    t->data = one;
    onnx_give(o, n, 0, t);
}

void onnx_read_shape_of(struct onnx *o, const onnx_node *n)
{
    const struct onnx_value *v = onnx_row(o, n, 0);
    struct onnx_value *shape = onnx_value(o, n->output[0]);
    shape->tensor = v->tensor;
    shape->tag = TAG_SHAPE;
}

/* Input i of constants that repeat over a table of `width`. */
static const double *constants(struct onnx *o, const onnx_node *n, size_t i, int32_t width,
                               int64_t *step)
{
    int64_t count;
    const double *c = onnx_numbers_of(o, n, i, &count);
    if (!c || (count != 1 && count != width))
        onnx_fail(o, n, "its input '%s' must be a constant of 1 or %d numbers", n->input[i],
                  (int)width);
    *step = count > 1;
    return c;
}

/* ---- votes ----------------------------------------------------------------------------------- */

void onnx_argmax_leaves(struct onnx *o, const onnx_node *n, const struct onnx_value *v)
{
    const struct onnx_leaves *l = v->leaves;
    float *at;
    struct onnx_leaves *label = new_leaves(o, l, 1, &at);
    for (int32_t row = 0; row < l->tree->n_values; row++) {
        const float *from = l->at + (size_t)row * (size_t)l->width;
        int32_t best = 0;
        for (int32_t k = 1; k < l->width; k++)
            if (from[k] > from[best])
                best = k;
        at[row] = (float)best;
    }
    onnx_value(o, n->output[0])->leaves = label;
}

bool onnx_equal_leaves(struct onnx *o, const onnx_node *n, const struct onnx_value *v)
{
    int64_t count;
    const double *c = onnx_numbers_of(o, n, 1, &count);
    if (!v->leaves || v->leaves->width != 1 || !c || count > PARTS_MAX)
        return false;
    float *at;
    struct onnx_leaves *votes = new_leaves(o, v->leaves, (int32_t)count, &at);
    for (int32_t row = 0; row < v->leaves->tree->n_values; row++)
        for (int64_t k = 0; k < count; k++)
            *at++ = (double)v->leaves->at[row] == c[k];
    struct onnx_value *to = onnx_value(o, n->output[0]);
    to->tensor = v->tensor;
    to->tag = TAG_VOTES;
    to->leaves = votes;
    return true;
}

void onnx_read_where(struct onnx *o, const onnx_node *n)
{
    const struct onnx_value *v = onnx_source(o, n, 0);
    if (!v->leaves || v->tag != TAG_VOTES)
        onnx_fail(o, n, "it is supported only for the votes of single trees");
    const struct onnx_leaves *l = v->leaves;
    int64_t yes_step, no_step;
    const double *yes = constants(o, n, 1, l->width, &yes_step);
    const double *no = constants(o, n, 2, l->width, &no_step);
    float *at;
    struct onnx_leaves *chosen = new_leaves(o, l, l->width, &at);
    for (int32_t i = 0; i < l->tree->n_values * l->width; i++) {
        const int64_t k = i % l->width;
        at[i] = (float)(l->at[i] != 0 ? yes[k * yes_step] : no[k * no_step]);
    }
    struct onnx_value *to = onnx_value(o, n->output[0]);
    to->tensor = v->tensor;
    to->tag = TAG_VOTES;
    to->leaves = chosen;
}

/* Votes times constants. */
bool onnx_weigh_leaves(struct onnx *o, const onnx_node *n)
{
    const struct onnx_value *v = onnx_source(o, n, 0);
    if (v->tag != TAG_VOTES || n->n_input != 2 || strcmp(n->op_type, "Mul"))
        return false;
    int64_t step;
    const double *c = constants(o, n, 1, v->leaves->width, &step);
    const struct onnx_leaves *l = v->leaves;
    float *at;
    struct onnx_leaves *weighed = new_leaves(o, l, l->width, &at);
    for (int32_t i = 0; i < l->tree->n_values * l->width; i++)
        at[i] = l->at[i] * (float)c[(i % l->width) * step];
    struct onnx_value *to = onnx_value(o, n->output[0]);
    to->tensor = v->tensor;
    to->tag = TAG_VOTES;
    to->leaves = weighed;
    return true;
}

/* ---- sums ------------------------------------------------------------------------------------ */

struct merger {
    struct trees *t;
    int32_t *root, *output, *feature, *left, *right;
    float *threshold, *weight;
    uint8_t *flags;
    double *value;
    uint32_t *set;
};

static void append_tree(struct merger *m, const struct onnx_leaves *l)
{
    struct trees *t = m->t;
    const struct trees *from = l->tree;
    const int32_t at = t->n_nodes;
    m->root[t->n_trees++] = at;
    for (int32_t i = 0; i < from->n_nodes; i++) {
        const bool is_leaf = from->feature[i] < 0;
        m->feature[at + i] = from->feature[i];
        m->left[at + i] = from->left[i] + (is_leaf ? t->n_values : at);
        m->right[at + i] = is_leaf ? 0 : from->right[i] + at;
        m->threshold[at + i] = from->threshold[i];
        if (from->flags[i] & TREE_CATEGORIES)
            m->threshold[at + i] += (float)t->n_sets;
        m->flags[at + i] = from->flags[i];
        m->weight[at + i] = from->weight[i];
    }
    const size_t n = (size_t)from->n_values * (size_t)t->width;
    for (size_t i = 0; i < n; i++)
        m->value[(size_t)t->n_values * (size_t)t->width + i] = (double)l->at[i];
    if (from->n_sets)
        memcpy(m->set + t->n_sets, from->set, (size_t)from->n_sets * sizeof *m->set);
    t->n_nodes += from->n_nodes;
    t->n_values += from->n_values;
    t->n_sets += from->n_sets;
}

/* One ensemble of the trees of all parts, in their order. */
static struct trees *merge(struct onnx *o, const onnx_node *n, int32_t count,
                           const struct onnx_leaves *const *part)
{
    int64_t nodes = 0, values = 0, sets = 0;
    const int32_t width = part[0]->width;
    for (int32_t i = 0; i < count; i++) {
        if (part[i]->x != part[0]->x || part[i]->width != width)
            onnx_fail(o, n, "its trees do not have the same features and scores");
        nodes += part[i]->tree->n_nodes;
        values += part[i]->tree->n_values;
        sets += part[i]->tree->n_sets;
    }
    if (nodes > 1 << 24 || sets > 1 << 24 || values * width > TENSOR_BYTES_MAX / 8)
        onnx_fail(o, n, "its %d trees have too many nodes", (int)count);
    struct ctx *ctx = o->ctx;
    struct trees *t = NEW(ctx, struct trees);
    *t = (struct trees){.n_features = part[0]->tree->n_features,
                        .width = width,
                        .n_scores = width,
                        .n_labels = 1,
                        .sums = SUMS_FLOAT32,
                        .divisor = 1};
    struct merger m = {t,
                       NEWS(ctx, int32_t, count),
                       NEWS(ctx, int32_t, count),
                       NEWS(ctx, int32_t, nodes),
                       NEWS(ctx, int32_t, nodes),
                       NEWS(ctx, int32_t, nodes),
                       NEWS(ctx, float, nodes),
                       NEWS(ctx, float, nodes),
                       NEWS(ctx, uint8_t, nodes),
                       NEWS(ctx, double, values *width),
                       sets ? NEWS(ctx, uint32_t, sets) : NULL};
    for (int32_t i = 0; i < count; i++)
        append_tree(&m, part[i]);
    t->root = m.root, t->output = m.output, t->feature = m.feature;
    t->left = m.left, t->right = m.right, t->threshold = m.threshold;
    t->flags = m.flags, t->weight = m.weight, t->value = m.value, t->set = m.set;
    t->base = NEWS(ctx, double, width);
    return t;
}

static void give_merged(struct onnx *o, const onnx_node *n, struct trees *t, struct tensor *x)
{
    struct tensor *scores;
    trees_add(o->ctx, o->graph, t, x, NULL, &scores);
    struct onnx_value *v = onnx_give(o, n, 0, onnx_round(o, n, scores, false));
    v->trees = t;
    v->trees_x = x;
}

bool onnx_sum_leaves(struct onnx *o, const onnx_node *n)
{
    if (n->n_input == 0 || n->n_input > PARTS_MAX || onnx_source(o, n, 0)->tag != TAG_VOTES ||
        (strcmp(n->op_type, "Sum") && strcmp(n->op_type, "Add")))
        return false;
    const struct onnx_leaves **part = NEWS(o->ctx, const struct onnx_leaves *, n->n_input);
    for (size_t i = 0; i < n->n_input; i++) {
        const struct onnx_value *v = onnx_source(o, n, i);
        if (v->tag != TAG_VOTES)
            onnx_fail(o, n, "it adds votes of trees and other numbers");
        part[i] = v->leaves;
    }
    give_merged(o, n, merge(o, n, (int32_t)n->n_input, part), part[0]->x);
    return true;
}

/* Results of trees one under the other, over which the next operator takes the mean. */
bool onnx_stack_leaves(struct onnx *o, const onnx_node *n)
{
    if (onnx_int(o, n, "axis", 1) != 0 || n->n_input == 0 || n->n_input > PARTS_MAX)
        return false;
    struct onnx_stack *stack = alloc(o->ctx, 1, sizeof *stack + n->n_input * sizeof *stack->part);
    for (size_t i = 0; i < n->n_input; i++) {
        const struct onnx_value *v = onnx_source(o, n, i);
        if (!v->leaves || v->tag != TAG_STACKED)
            onnx_fail(o, n,
                      "it joins along the batch (axis 0), which is supported for means of "
                      "single trees only");
        stack->part[stack->n++] = v->leaves;
    }
    struct onnx_value *to = onnx_value(o, n->output[0]);
    to->tensor = onnx_source(o, n, 0)->tensor;
    to->tag = TAG_STACKED;
    to->stack = stack;
    return true;
}

void onnx_read_reduce_mean(struct onnx *o, const onnx_node *n)
{
    const struct onnx_value *v = onnx_source(o, n, 0);
    size_t n_axes;
    int64_t count = 0;
    const int64_t *axes = onnx_ints(o, n, "axes", &n_axes);
    const double *axis = n->n_input > 1 ? onnx_numbers_of(o, n, 1, &count) : NULL;
    const bool is_first = n_axes ? n_axes == 1 && axes[0] == 0 : count == 1 && axis[0] == 0;
    if (!v->stack || !is_first || onnx_int(o, n, "keepdims", 1))
        onnx_fail(o, n, "means are supported over single trees only (bagging)");
    struct trees *t = merge(o, n, v->stack->n, v->stack->part);
    t->divisor = v->stack->n;
    give_merged(o, n, t, v->stack->part[0]->x);
}
