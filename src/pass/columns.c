/* SPDX-License-Identifier: Apache-2.0 */
/* columns.c - where a column of features comes from. */
#include <string.h>

#include "op/attr.h"
#include "pass/columns.h"

static bool is_step(const struct node *n, bool imputing)
{
    const struct attr_impute_features *a = n->attr;
    return node_is(n, OP_cast) || node_is(n, OP_scale_features) ||
           (imputing && node_is(n, OP_impute_features) && a->missing == MISSING_NAN);
}

static void add_step(struct ctx *ctx, struct path *p, const struct node *n, int32_t column)
{
    struct feature_step *grown = NEWS(ctx, struct feature_step, p->n_steps + 1);
    if (p->n_steps)
        memcpy(grown, p->step, (size_t)p->n_steps * sizeof *grown);
    grown[p->n_steps++] = (struct feature_step){n, column};
    p->step = grown;
}

/* Goes back from a column to where it comes from, as far as there are steps that can be folded. */
static struct path trace(struct ctx *ctx, struct tensor *t, int32_t column, bool imputing)
{
    struct path p = {t, column, 0, NULL};
    for (const struct node *n = t->maker; n; n = p.source->maker) {
        int part = 0;
        if (node_is(n, OP_select_features)) {
            p.column = ((const int32_t *)n->in[1]->data)[p.column];
        } else if (node_is(n, OP_concat) && p.source->rank == 2 && p.source->dim[0] == 1) {
            for (; p.column >= n->in[part]->dim[1]; part++)
                p.column -= n->in[part]->dim[1];
        } else if (is_step(n, imputing)) {
            add_step(ctx, &p, n, p.column);
        } else {
            break;
        }
        p.source = n->in[part];
    }
    return p;
}

/* Types whose numbers are all floats, and which trees and linear models can read. */
static bool is_source(const struct tensor *t)
{
    return t->type == DTYPE_FLOAT32 || t->type == DTYPE_INT8 || t->type == DTYPE_UINT8 ||
           t->type == DTYPE_INT16;
}

const struct path *column_paths(struct ctx *ctx, struct tensor *x, bool imputing)
{
    const int32_t columns = x->rank == 2 ? x->dim[1] : 0;
    if (columns < 1 || x->dim[0] != 1)
        return NULL;
    struct path *path = NEWS(ctx, struct path, columns);
    for (int32_t i = 0; i < columns; i++) {
        path[i] = trace(ctx, x, i, imputing);
        if (path[i].source != path[0].source)
            return NULL;
    }
    return is_source(path[0].source) && path[0].source != x ? path : NULL;
}
