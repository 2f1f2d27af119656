/* SPDX-License-Identifier: Apache-2.0 */
/* xgboost_linear.c - XGBoost's linear booster.
 *
 * A margin starts as bias plus base score, and the products are added in the order of the features,
 * all in float32. Of base scores that differ, which files have since version 3.1, the linear
 * booster takes the first for all of them. A dense layer adds in this very order when the start is
 * its first product: the weight of a column that is always 1. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "read/booster.h"
#include "read/json.h"

static struct tensor *add(struct ctx *ctx, struct graph *g, enum op_kind kind, const char *name,
                          struct tensor *a, struct tensor *b, enum dtype type, int32_t n)
{
    struct node *node = graph_add_node(ctx, g, name, op_table[kind], b ? 2 : 1, 1);
    node->in[0] = a;
    if (b)
        node->in[1] = b;
    node->out[0] = graph_add_tensor(ctx, g, name, type, 2, (const int32_t[]){1, n});
    node->out[0]->maker = node;
    return node->out[0];
}

static struct tensor *constant(struct ctx *ctx, struct graph *g, const char *name, enum dtype type,
                               int rank, const int32_t *dim, const void *data)
{
    struct tensor *t = graph_add_tensor(ctx, g, name, type, rank, dim);
    t->data = copy_bytes(ctx, data, (size_t)tensor_bytes(t));
    return t;
}

/* The margins as float32 [1,groups]. */
static struct tensor *add_margins(const struct json *weights, struct graph *g, int32_t features,
                                  int32_t groups, const float *base)
{
    struct ctx *ctx = weights->ctx;
    const float one = 1;
    const float *w = json_floats(weights, (size_t)(features + 1) * (size_t)groups);
    float *rows = NEWS(ctx, float, (int64_t)(features + 1) * groups);
    for (int64_t i = 0; i < (int64_t)(features + 1) * groups; i++)
        if (!isfinite(w[i]))
            json_fail(weights, "number %lld is not finite", (long long)i);
    for (int32_t k = 0; k < groups; k++) {
        float *row = rows + (ptrdiff_t)k * (features + 1);
        row[0] = w[(ptrdiff_t)features * groups + k] + base[0];
        for (int32_t f = 0; f < features; f++)
            row[f + 1] = w[(ptrdiff_t)f * groups + k];
    }
    struct tensor *start = constant(ctx, g, "one", DTYPE_FLOAT32, 2, (const int32_t[]){1, 1}, &one);
    struct tensor *x = add(ctx, g, OP_concat, "columns", start, g->input[0], DTYPE_FLOAT32,
                           features + 1);
    ((struct attr_concat *)x->maker->attr)->axis = 1;
    struct tensor *coef = constant(ctx, g, "weights", DTYPE_FLOAT32, 2,
                                   (const int32_t[]){groups, features + 1}, rows);
    return add(ctx, g, OP_dense, "margins", x, coef, DTYPE_FLOAT32, groups);
}

/* The label is decided by margins that are computed, exactly: each against the number below the
 * cut, or all against each other. */
static struct tensor *add_label(struct ctx *ctx, struct graph *g, struct tensor *scores,
                                bool has_cut, float cut)
{
    const int32_t n = scores->dim[1];
    double *coef = NEWS(ctx, double, (int64_t)n *n), *intercept = NEWS(ctx, double, n);
    for (int32_t i = 0; i < n; i++) {
        coef[(ptrdiff_t)i * n + i] = 1;
        intercept[i] = has_cut ? -(double)float_before(cut) : 0;
    }
    struct node *node = graph_add_node(ctx, g, "label", op_table[OP_linear], 3, 1);
    node->in[0] = scores;
    node->in[1] = constant(ctx, g, "one each", DTYPE_FLOAT64, 2, (const int32_t[]){n, n}, coef);
    node->in[2] = constant(ctx, g, "below", DTYPE_FLOAT64, 1, &n, intercept);
    struct attr_linear *a = node->attr;
    *a = (struct attr_linear){GIVES_LABEL, has_cut ? DECIDE_CUT : DECIDE_ARGMAX, SUMS_FLOAT64};
    node->out[0] = graph_add_tensor(ctx, g, "label", DTYPE_INT32, 1, &(int32_t){has_cut ? n : 1});
    node->out[0]->maker = node;
    return node->out[0];
}

void read_xgboost_linear(const struct json *booster, int32_t n_features, const struct names *names,
                         const float *base, int32_t n_groups, bool has_cut, float cut,
                         const struct heads *heads)
{
    enum { GROUPS_MAX = 1 << 10 }; /* the label's coefficients are the square of it */
    struct ctx *ctx = booster->ctx;
    const struct json model = json_get(booster, "model"), weights = json_get(&model, "weights");
    if (n_groups > GROUPS_MAX)
        json_fail(&weights, "%d outputs; at most %d are supported", (int)n_groups, GROUPS_MAX);
    struct graph *g = booster_graph(ctx, n_features, names);
    struct tensor *margins = add_margins(&weights, g, n_features, n_groups, base);
    struct tensor *scores = add(ctx, g, OP_cast, "scores", margins, NULL, DTYPE_FLOAT64, n_groups);
    struct tensor *label = heads->n_labels ? add_label(ctx, g, scores, has_cut, cut) : NULL;
    booster_heads(ctx, g, heads, label, scores);
}
