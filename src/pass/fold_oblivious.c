/* SPDX-License-Identifier: Apache-2.0 */
/* fold_oblivious.c - scalers go into the borders of symmetric trees.
 *
 * A test f(x) > b is the test x > b' of the largest float32 b' that f brings to b or below. The
 * tests of a column are all on one side of NaN and a leaf's number is made of its tests, so what
 * imputes, and what turns the order of numbers around, stays where it is. Features of integers are
 * cast to float32, which these trees test. */
#include <string.h>

#include "op/attr.h"
#include "pass/columns.h"
#include "compile.h"

enum { X, DEPTH, FEATURE, BORDER, MISSING = 7 };

/* What the label and the scores of an ensemble share, before and after. */
struct shared {
    const struct tensor *x, *feature, *border;
    struct tensor *new_x, *new_feature, *new_border;
};

/* The source of the columns as float32. */
static struct tensor *as_float(struct ctx *ctx, struct graph *g, struct tensor *x)
{
    if (x->type == DTYPE_FLOAT32)
        return x;
    struct node *cast = graph_add_node(ctx, g, "cast", op_table[OP_cast], 1, 1);
    cast->in[0] = x;
    cast->out[0] = graph_add_tensor(ctx, g, "cast", DTYPE_FLOAT32, x->rank, x->dim);
    cast->out[0]->maker = cast;
    return cast->out[0];
}

static bool is_plain_cast(const struct path *path, int32_t columns)
{
    for (int32_t i = 0; i < columns; i++)
        if (path[i].column != i || path[i].n_steps != 1 || !column_keeps_numbers(&path[i]))
            return false;
    return columns == path[0].source->dim[1];
}

/* Two columns of the same source may have NaN on different sides, which one column cannot. */
static bool agree_on_missing(struct ctx *ctx, const struct node *n, const struct path *path)
{
    if (!has_input(n, MISSING))
        return true;
    const int32_t *feature = n->in[FEATURE]->data;
    const uint8_t *missing = n->in[MISSING]->data;
    uint8_t *side = NEWS(ctx, uint8_t, tensor_elements(path[0].source));
    for (int64_t i = 0; i < tensor_elements(n->in[FEATURE]); i++) {
        uint8_t *of_column = &side[path[feature[i]].column];
        if (*of_column && *of_column != missing[i] + 1)
            return false;
        *of_column = (uint8_t)(missing[i] + 1);
    }
    return true;
}

/* False: the columns cannot be folded. */
static bool fold_borders(struct ctx *ctx, struct graph *g, const struct node *n, struct shared *s)
{
    const int32_t columns = n->in[X]->dim[1];
    const struct path *path = column_paths(ctx, n->in[X], false);
    if (!path || path[0].source->rank != 2 || is_plain_cast(path, columns) ||
        !agree_on_missing(ctx, n, path))
        return false;
    for (int32_t i = 0; i < columns; i++)
        if (column_decreases(&path[i]))
            return false;
    const int64_t tests = tensor_elements(n->in[FEATURE]);
    const int32_t *feature = n->in[FEATURE]->data;
    const float *border = n->in[BORDER]->data;
    int32_t *new_feature = NEWS(ctx, int32_t, tests);
    float *new_border = NEWS(ctx, float, tests);
    for (int64_t i = 0; i < tests; i++) {
        const struct path *p = &path[feature[i]];
        new_feature[i] = p->column;
        new_border[i] = column_threshold(p, (double)border[i], false);
    }
    *s = (struct shared){.x = n->in[X], .feature = n->in[FEATURE], .border = n->in[BORDER]};
    s->new_x = as_float(ctx, g, path[0].source);
    s->new_feature = graph_add_tensor(ctx, g, "feature", DTYPE_INT32, 1, n->in[FEATURE]->dim);
    s->new_feature->data = new_feature;
    s->new_border = graph_add_tensor(ctx, g, "border", DTYPE_FLOAT32, 1, n->in[BORDER]->dim);
    s->new_border->data = new_border;
    return true;
}

void fold_oblivious(struct ctx *ctx, struct graph *g)
{
    struct shared s = {0};
    const int n_nodes = g->n_nodes;
    for (int i = 0; i < n_nodes; i++) {
        struct node *n = g->node[i];
        if (!node_is(n, OP_oblivious))
            continue;
        if ((s.x != n->in[X] || s.feature != n->in[FEATURE] || s.border != n->in[BORDER]) &&
            !fold_borders(ctx, g, n, &s))
            continue;
        n->in[X] = s.new_x;
        n->in[FEATURE] = s.new_feature;
        n->in[BORDER] = s.new_border;
        infer_node(ctx, n);
    }
    if (g->n_nodes != n_nodes)
        graph_order(ctx, g);
}
