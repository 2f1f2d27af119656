/* SPDX-License-Identifier: Apache-2.0 */
/* nest_value.c - the one value of a regression by nested ifs.
 *
 * Where the library adds float32, so do the ifs, in its order: the value is the library's. Where it
 * adds float64, the ifs add integers of 2^-scale. Their sum is within `bound` steps of the
 * library's (sums.c), at most ROUNDED_MAX of some 2^30; making a float of it and of the unit, and
 * their product, rounds three times by 2^-24 of the value. So the value errs by no more than
 *
 *     bound * 2^-scale / divisor + 2^-22 |value|,
 *
 * which the generated code states as a number. Under --optimize size, and with the option float64,
 * regressions stay exact.
 */
#include <math.h>
#include <string.h>

#include "kernels.gen.h"
#include "tree/nest.h"
#include "compile.h"

enum { ROUNDED_MAX = 900 }; /* steps: less than a millionth of the largest sum */

static float unit_of(const struct forest *f)
{
    return (float)ldexp(1 / f->trees->divisor, -f->scale);
}

/* Is a number to be a float that is normal, and so are the sums made of it? */
static bool is_plain(float v)
{
    return v > 0x1p-100f && v < 0x1p60f;
}

bool nest_value(struct ctx *ctx, struct nest *n)
{
    const struct forest *f = n->forest;
    const struct trees *t = f->trees;
    if (f->width != 1 || f->n_scores != 1 || t->path || f->tests_categories ||
        f->tests_zero_missing)
        return false;
    n->exact = n->is_value = true;
    if (t->sums == SUMS_FLOAT32)
        return nest_add_floats(ctx, n);
    if (f->bound > ROUNDED_MAX || !is_plain(unit_of(f)))
        return false;
    n->sums = NEST_FIXED;
    n->n_sums = 1;
    n->unit = (double)unit_of(f);
    n->error = ldexp(f->bound / t->divisor, -f->scale);
    n->start = copy_bytes(ctx, f->base_fixed, sizeof *f->base_fixed);
    n->add = copy_bytes(ctx, f->fixed, sizeof *f->fixed * (size_t)f->n_values);
    nest_rows_are_values(n);
    return true;
}

/* ---- a node of scores and the cast behind it ------------------------------------------------- */

static bool takes(struct ctx *ctx, struct node *n)
{
    const struct trees *t = trees_of(ctx, n);
    return t->n_scores == 1 && t->n_nodes <= 2 * NEST_TESTS_MAX &&
           nest_plan(ctx, prepare_trees(ctx, t), NEST_VALUE, core_has_float(ctx->options.target));
}

static bool is_cast_of_scores(const struct node *n)
{
    const struct node *maker = n->in[0] ? n->in[0]->maker : NULL;
    return node_is(n, OP_cast) && n->out[0]->type == DTYPE_FLOAT32 && maker &&
           node_is(maker, OP_trees) && ((struct attr_trees *)maker->attr)->gives == GIVES_SCORES;
}

/* Sums of rounded leaves become floats right away, whoever else takes them as float64. */
static void cast_rounded(struct graph *g)
{
    for (int i = 0; i < g->n_nodes; i++) {
        struct node *cast = g->node[i];
        if (!is_cast_of_scores(cast))
            continue;
        const struct node *maker = cast->in[0]->maker;
        cast->op = maker->op;
        cast->n_in = maker->n_in;
        cast->in = maker->in;
        cast->attr = maker->attr;
    }
}

/* scores -> cast to float32 becomes scores of type float32 where nested ifs give them. Only of
 * regressions: the scores of classes may be close to 0, where an absolute error is not small. */
void pass_fuse_value(struct ctx *ctx, struct graph *g)
{
    bool *drop = NEWS(ctx, bool, g->n_nodes);
    if (ctx->options.leaf_bits)
        cast_rounded(g);
    if (!g->role || g->classes || ctx->options.optimize != MICA_OPTIMIZE_SPEED ||
        core_has_program_memory(ctx->options.target) || ctx->options.leaf_bits)
        return;
    for (int i = 0; i < g->n_nodes; i++) {
        struct node *cast = g->node[i],
                    *maker = is_cast_of_scores(cast) ? cast->in[0]->maker : NULL;
        if (!maker || graph_uses(g, cast->in[0]) != 1 || !takes(ctx, maker))
            continue;
        cast->in[0]->maker = NULL;
        maker->out[0] = cast->out[0];
        maker->out[0]->maker = maker;
        drop[i] = true;
    }
    graph_drop_nodes(g, drop);
}

static const int32_t *words(struct lower *l, const char *label, int64_t n, const int32_t *data)
{
    return lower_constant(l, label, DTYPE_INT32, n, data);
}

void nest_value_lower(struct lower *l, const struct forest *f)
{
    struct node *node = l->step->node;
    struct nest *n = nest_plan(l->ctx, f, NEST_VALUE, core_has_float(l->ctx->options.target));
    if (!n)
        fail(l->ctx, node, "its scores must be float64: nested ifs do not give them as float32");
    int32_t rows = 0;
    uint8_t *missing_left = NEWS(l->ctx, uint8_t, f->n_nodes);
    for (int32_t i = 0; i < f->n_nodes; i++) {
        missing_left[i] = f->flags[i] & TREE_MISSING_LEFT;
        rows = n->row[i] >= rows ? n->row[i] + 1 : rows;
    }
    const struct mica_trees_value p = {
        .root = words(l, "roots", f->n_trees, n->root),
        .feature = words(l, "features", f->n_nodes, f->feature),
        .key = words(l, "keys", f->n_nodes, f->key),
        .left = words(l, "left", f->n_nodes, n->left),
        .right = words(l, "right", f->n_nodes, n->right),
        .leaf = words(l, "leaves", f->n_nodes, n->row),
        .add = words(l, "values", rows, n->add),
        .missing_left = lower_constant(l, "missing", DTYPE_UINT8, f->n_nodes, missing_left),
        .n_trees = f->n_trees,
        .start = f->base_fixed[0],
        .unit = unit_of(f),
        .x_bytes = (uint8_t)(dtype_bits(f->trees->x_type) / 8),
        .x_signed = f->trees->x_type == DTYPE_INT8,
    };
    struct mica_trees_value params = p;
    if (n->sums == NEST_FLOAT) {
        const float base = (float)f->trees->base[0];
        memcpy(&params.start, &base, sizeof base);
        params.unit = 0;
    }
    struct call *c = lower_call(l, &kernel_trees_value, &params);
    call_bind(c, node->in[TREES_X], 0);
    call_bind(c, node->out[0], 0);
    c->code = nest_code(l->ctx, n, NULL);
}
