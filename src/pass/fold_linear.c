/* SPDX-License-Identifier: Apache-2.0 */
/* fold_linear.c - scalers go into the coefficients of linear models, and a cast of their scores
 * into what they give.
 *
 * A scaled column is a * x + c of one float32 number x, so a coefficient w of it is one of w * a
 * of x, and w * c goes to the intercept. Both are computed with twice the digits of float64 and
 * kept as two numbers, so that the sum stays the exact one but for about 2^-56 of its terms. The
 * library rounds each scaled column to 2^-53 of itself; where columns lie far from 0 for their
 * spread, terms are larger than scaled columns by that ratio, and a model is left alone if it is
 * above RATIO_MAX. */
#include <math.h>
#include <string.h>

#include "op/attr.h"
#include "pass/columns.h"
#include "compile.h"

#define RATIO_MAX       4096.0
#define COEFFICIENT_MAX 1e37 /* float32 holds it with room to spare */

enum { X, COEF, INTERCEPT, COEF_REST, INTERCEPT_REST, INPUTS };

/* ---- numbers of twice the digits of float64: high + low -------------------------------------- */

struct twofold {
    double high, low;
};

static struct twofold normal(double high, double low)
{
    const double sum = high + low;
    return (struct twofold){sum, low - (sum - high)}; /* |high| >= |low| */
}

static struct twofold add(struct twofold a, struct twofold b)
{
    const double sum = a.high + b.high, part = sum - a.high;
    return normal(sum, (a.high - (sum - part)) + (b.high - part) + (a.low + b.low));
}

static struct twofold multiply(struct twofold a, double by)
{
    const double product = a.high * by;
    return normal(product, fma(a.high, by, -product) + a.low * by);
}

static struct twofold multiply_twofold(struct twofold a, struct twofold by)
{
    const struct twofold y = multiply(a, by.high);
    return normal(y.high, y.low + a.high * by.low);
}

static struct twofold divide(struct twofold a, double by)
{
    const double quotient = a.high / by;
    return normal(quotient, (fma(-quotient, by, a.high) + a.low) / by);
}

/* ---- a column as a * x + c ------------------------------------------------------------------- */

struct affine {
    struct twofold a, c;
};

static void apply(struct affine *f, enum scale_op op, double by)
{
    switch (op) {
    case SCALE_ADD:
    case SCALE_SUB:
        f->c = add(f->c, (struct twofold){op == SCALE_ADD ? by : -by, 0});
        break;
    case SCALE_MUL:
        f->a = multiply(f->a, by);
        f->c = multiply(f->c, by);
        break;
    case SCALE_DIV:
        f->a = divide(f->a, by);
        f->c = divide(f->c, by);
        break;
    }
}

/* False: some step rounds to float32, which is no such function. */
static bool affine_of(const struct path *p, struct affine *f)
{
    *f = (struct affine){{1, 0}, {0, 0}};
    for (int i = p->n_steps - 1; i >= 0; i--) {
        const struct node *n = p->step[i].node;
        const struct attr_scale_features *a = n->attr;
        if (node_is(n, OP_cast))
            continue; /* of a float32 number to float64, where nothing else is before it */
        if (n->out[0]->type != DTYPE_FLOAT64)
            return false;
        if (has_input(n, 1))
            apply(f, (enum scale_op)a->first_op, column_number(n, 1, p->step[i].column));
        if (has_input(n, 2))
            apply(f, (enum scale_op)a->second_op, column_number(n, 2, p->step[i].column));
    }
    return isfinite(f->a.high) && isfinite(f->a.low) && fabs(f->c.high) <= RATIO_MAX;
}

/* A cast to float32 behind a scaler rounds. */
static bool rounds(const struct path *p)
{
    bool scaled = false;
    for (int i = p->n_steps - 1; i >= 0; i--) {
        const struct node *n = p->step[i].node;
        if (scaled && n->out[0]->type != DTYPE_FLOAT64)
            return true;
        scaled |= node_is(n, OP_scale_features);
    }
    return false;
}

/* ---- a node ---------------------------------------------------------------------------------- */

static struct tensor *numbers(struct ctx *ctx, const struct tensor *like, int32_t last,
                              const double *data)
{
    struct tensor *t = graph_add_tensor(ctx, ctx->graph, like->name, DTYPE_FLOAT64, like->rank,
                                        like->dim);
    t->dim[t->rank - 1] = last;
    t->data = data;
    return t;
}

static void put(struct ctx *ctx, struct node *n, const struct path *path, const struct affine *f)
{
    const int32_t scores = n->in[COEF]->dim[0], columns = n->in[COEF]->dim[1];
    const int32_t features = path[0].source->dim[1];
    const int64_t elements = (int64_t)scores * features;
    struct twofold *sum = NEWS(ctx, struct twofold, elements);
    double *coef = NEWS(ctx, double, elements), *rest = NEWS(ctx, double, elements);
    double *intercept = NEWS(ctx, double, scores), *intercept_rest = NEWS(ctx, double, scores);
    for (int32_t k = 0; k < scores; k++) {
        struct twofold b = {((const double *)n->in[INTERCEPT]->data)[k], 0};
        for (int32_t i = 0; i < columns; i++) {
            const double w = ((const double *)n->in[COEF]->data)[k * columns + i];
            struct twofold *to = &sum[k * features + path[i].column];
            *to = add(*to, multiply(f[i].a, w));
            b = add(b, multiply_twofold(f[i].c, (struct twofold){w, 0}));
        }
        intercept[k] = b.high;
        intercept_rest[k] = b.low;
    }
    for (int64_t i = 0; i < elements; i++) {
        if (!(fabs(sum[i].high) < COEFFICIENT_MAX))
            return; /* as it is: the sums of float64 hold it */
        coef[i] = sum[i].high;
        rest[i] = sum[i].low;
    }
    struct tensor **in = NEWS(ctx, struct tensor *, INPUTS);
    in[X] = path[0].source;
    in[COEF] = numbers(ctx, n->in[COEF], features, coef);
    in[INTERCEPT] = numbers(ctx, n->in[INTERCEPT], scores, intercept);
    in[COEF_REST] = numbers(ctx, n->in[COEF], features, rest);
    in[INTERCEPT_REST] = numbers(ctx, n->in[INTERCEPT], scores, intercept_rest);
    n->in = in;
    n->n_in = INPUTS;
    infer_node(ctx, n);
}

static void fold_scalers(struct ctx *ctx, struct node *n)
{
    if (n->in[X]->type != DTYPE_FLOAT64 || n->n_in != COEF_REST)
        return;
    const struct path *path = column_paths(ctx, n->in[X], false);
    if (!path || path[0].source->rank != 2)
        return;
    const int32_t columns = n->in[X]->dim[1];
    struct affine *f = NEWS(ctx, struct affine, columns);
    for (int32_t i = 0; i < columns; i++)
        if (rounds(&path[i]) || !affine_of(&path[i], &f[i]))
            return;
    put(ctx, n, path, f);
}

/* Scores that are only cast to float32 are rounded to it at once. */
static bool fuse_cast(const struct graph *g, const struct node *cast)
{
    struct tensor *scores = cast->in[0];
    if (!node_is(cast, OP_cast) || cast->out[0]->type != DTYPE_FLOAT32 || !scores->maker ||
        !node_is(scores->maker, OP_linear) || graph_uses(g, scores) != 1)
        return false;
    scores->maker->out[0] = cast->out[0];
    cast->out[0]->maker = scores->maker;
    return true;
}

void pass_fold_linear(struct ctx *ctx, struct graph *g)
{
    bool *drop = NEWS(ctx, bool, g->n_nodes);
    for (int i = 0; i < g->n_nodes; i++) {
        if (node_is(g->node[i], OP_linear))
            fold_scalers(ctx, g->node[i]);
        drop[i] = fuse_cast(g, g->node[i]);
    }
    graph_drop_nodes(g, drop);
}
