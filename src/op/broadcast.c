/* SPDX-License-Identifier: Apache-2.0 */
/* broadcast.c - two inputs of different shapes against each other, as numpy does it. */
#include <assert.h>

#include "op/op.h"

/* One loop over a part of the output: its length, and the elements from turn to turn. */
struct level {
    int32_t n, a, b, out;
    bool is_rows;
};

/* Elements from index to index along the output's axis `axis`, 0 where t repeats. */
static int32_t axis_step(const struct tensor *t, const struct tensor *out, int axis)
{
    int own = axis - (out->rank - t->rank);
    if (own < 0 || t->dim[own] == 1)
        return 0;
    int32_t step = 1;
    for (int i = own + 1; i < t->rank; i++)
        step *= t->dim[i];
    return step;
}

/* Axes that one loop can take together are one level: neighbours, on the same side of the border
 * between rows and what is in a row, over which both inputs run on or both repeat. */
static int levels_of(const struct node *n, struct level level[RANK_MAX])
{
    const struct tensor *out = n->out[0];
    const int rows_rank = out->rank < 3 ? out->rank - 1 : 2;
    int32_t out_step = (int32_t)tensor_elements(out);
    int n_levels = 0;
    for (int i = 0; i < out->rank; i++) {
        out_step /= out->dim[i];
        if (out->dim[i] == 1)
            continue;
        struct level inner = {out->dim[i], axis_step(n->in[0], out, i), axis_step(n->in[1], out, i),
                              out_step, i < rows_rank};
        struct level *outer = n_levels ? &level[n_levels - 1] : NULL;
        if (outer && outer->is_rows == inner.is_rows && outer->a == inner.a * inner.n &&
            outer->b == inner.b * inner.n) {
            inner.n *= outer->n;
            *outer = inner;
        } else {
            level[n_levels++] = inner;
        }
    }
    return n_levels;
}

struct broadcast broadcast_inputs(const struct node *n)
{
    struct level level[RANK_MAX];
    int n_levels = levels_of(n, level);
    struct broadcast b = {.run = 1, .a_step = 1, .b_step = 1};
    if (n_levels && !level[n_levels - 1].is_rows) {
        const struct level *run = &level[--n_levels];
        assert(run->a <= 1 && run->b <= 1);
        b.run = run->n;
        b.a_step = (int8_t)run->a;
        b.b_step = (int8_t)run->b;
    }
    if (!n_levels || !level[0].is_rows) /* one row */
        b.loop[b.n_loops++] = 1;
    for (int i = 0; i < n_levels; i++) {
        b.loop[b.n_loops] = level[i].n;
        b.a[b.n_loops] = level[i].a;
        b.b[b.n_loops] = level[i].b;
        b.out[b.n_loops++] = level[i].out;
    }
    return b;
}

struct call *lower_broadcast(struct lower *l, const struct kernel *kernel, const void *params,
                             const struct broadcast *b)
{
    struct node *n = l->step->node;
    struct call *c = lower_call(l, kernel, params);
    struct operand *first = call_bind(c, n->in[0], 0), *second = call_bind(c, n->in[1], 0);
    struct operand *out = call_bind(c, n->out[0], 0);
    for (int i = 0; i < b->n_loops; i++) {
        int loop = call_loop(c, b->loop[i]);
        first->step[loop] = b->a[i];
        second->step[loop] = b->b[i];
        out->step[loop] = b->out[i];
    }
    c->count = b->run;
    c->joins = b->n_loops == 1 &&
               (b->loop[0] == 1 || (b->out[0] == b->run && b->a[0] == b->run * b->a_step &&
                                    b->b[0] == b->run * b->b_step));
    return c;
}

/* The size of t along the output's axis `axis`. */
static int32_t axis_size(const struct tensor *t, const struct tensor *out, int axis)
{
    int own = axis - (out->rank - t->rank);
    return own < 0 ? 1 : t->dim[own];
}

void want_broadcast(struct ctx *ctx, const struct node *n, struct tensor *want)
{
    const struct tensor *a = n->in[0], *b = n->in[1];
    want_like(want, a->rank >= b->rank ? a : b);
    for (int i = 0; i < want->rank; i++) {
        int32_t of_a = axis_size(a, want, i), of_b = axis_size(b, want, i);
        if (of_a != of_b && of_a != 1 && of_b != 1)
            fail(ctx, n,
                 "inputs '%s' (%s) and '%s' (%s) do not broadcast: counted from the last, "
                 "dimensions must be equal or 1: reshape one of them in the model",
                 a->name, tensor_text(ctx, a), b->name, tensor_text(ctx, b));
        want->dim[i] = of_a == 1 ? of_b : of_a;
    }
}

/* Output row r takes row r of t, or t is a constant that is there from the start. */
static bool has_rows_of(const struct tensor *t, const struct tensor *out)
{
    if (t->data)
        return true;
    for (int i = 0; i < row_axes(out); i++)
        if (axis_size(t, out, i) != out->dim[i])
            return false;
    return tensor_rows(t) == tensor_rows(out);
}

struct rows rows_broadcast(const struct node *n)
{
    if (!has_rows_of(n->in[0], n->out[0]) || !has_rows_of(n->in[1], n->out[0]) ||
        broadcast_inputs(n).loop[0] != tensor_rows(n->out[0]))
        return (struct rows){.whole = true};
    return rows_pointwise(n);
}

bool in_place_broadcast(const struct node *n, int input)
{
    return tensor_same_shape(n->in[input], n->out[0]);
}
