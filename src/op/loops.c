/* SPDX-License-Identifier: Apache-2.0 */
/* loops.c - nested loops over elements, made few, with a long run for the kernel innermost. */
#include <assert.h>

#include "op/op.h"

int32_t axis_pitch(const struct tensor *t, int axis)
{
    int32_t pitch = 1;
    for (int i = axis + 1; i < t->rank; i++)
        pitch *= t->dim[i];
    return pitch;
}

int row_axes(const struct tensor *t)
{
    return t->rank < 2 ? 0 : t->rank == 2 ? 1 : 2;
}

static void append(struct loops *to, int32_t size, int32_t in_step, int32_t out_step)
{
    to->size[to->n] = size;
    to->step[0][to->n] = in_step;
    to->step[1][to->n++] = out_step;
}

/* Adds loops [from, to) of l to m; those before `fence` are not joined with others. */
static void merge(struct loops *m, const struct loops *l, int from, int to)
{
    const int fence = m->n;
    for (int i = from; i < to; i++) {
        int last = m->n - 1;
        if (l->size[i] == 1)
            continue;
        if (last >= fence && m->step[0][last] == l->step[0][i] * l->size[i] &&
            m->step[1][last] == l->step[1][i] * l->size[i]) {
            m->size[last] *= l->size[i];
            m->step[0][last] = l->step[0][i];
            m->step[1][last] = l->step[1][i];
        } else {
            append(m, l->size[i], l->step[0][i], l->step[1][i]);
        }
    }
}

void loops_merge(struct loops *l, int n_rows)
{
    struct loops m = {0};
    merge(&m, l, 0, n_rows);
    assert(n_rows == 0 || m.n <= 1);
    if (n_rows && m.n == 0)
        append(&m, 1, 0, 0);
    const int n_outer = m.n;
    merge(&m, l, n_rows, l->n);
    if (m.n == n_outer)
        append(&m, 1, 1, 1);
    *l = m;
}

void call_loops(struct call *c, const struct loops *l, int n, struct operand *in,
                struct operand *out)
{
    for (int i = 0; i < n; i++) {
        int loop = call_loop(c, l->size[i]);
        in->step[loop] = l->step[0][i];
        out->step[loop] = l->step[1][i];
    }
}

void check_movable(struct ctx *ctx, const struct node *n)
{
    int bits = dtype_bits(n->in[0]->type);
    if (bits != 8 && bits != 32 && n->in[0]->type != DTYPE_FLOAT64)
        fail(ctx, n,
             "'%s' is %s; generated code moves elements of 8 and 32 bits and of float64 only: cast "
             "it in the model to int8, int32 or float32",
             n->in[0]->name, tensor_text(ctx, n->in[0]));
}

void lower_move(struct lower *l, struct tensor *in, int32_t in_offset, int32_t out_offset,
                struct loops *loops, int n_rows)
{
    const bool is_bytes = dtype_bits(in->type) == 8, is_double = in->type == DTYPE_FLOAT64;
    const bool is_float = in->type == DTYPE_FLOAT32;
    loops_merge(loops, n_rows);
    const int last = loops->n - 1;
    const int32_t in_step = loops->step[0][last], out_step = loops->step[1][last];
    struct call *c;
    if (in_step == 1 && out_step == 1) {
        c = lower_call(l,
                       is_bytes    ? &kernel_copy_s8
                       : is_double ? &kernel_copy_f64
                       : is_float  ? &kernel_copy_f32
                                   : &kernel_copy_s32,
                       NULL);
    } else if (is_bytes) {
        struct mica_copy_steps_s8 p = {.in_step = in_step, .out_step = out_step};
        c = lower_call(l, &kernel_copy_steps_s8, &p);
    } else if (is_double) {
        struct mica_copy_steps_f64 p = {.in_step = in_step, .out_step = out_step};
        c = lower_call(l, &kernel_copy_steps_f64, &p);
    } else if (!is_float) {
        struct mica_copy_steps_s32 p = {.in_step = in_step, .out_step = out_step};
        c = lower_call(l, &kernel_copy_steps_s32, &p);
    } else {
        struct mica_copy_steps_f32 p = {.in_step = in_step, .out_step = out_step};
        c = lower_call(l, &kernel_copy_steps_f32, &p);
    }
    struct operand *from = call_bind(c, in, in_offset);
    struct operand *to = call_bind(c, l->step->node->out[0], out_offset);
    call_loops(c, loops, last, from, to);
    c->count = loops->size[last];
    c->joins = n_rows > 0 && last == 1 && in_step == 1 && out_step == 1 &&
               loops->step[0][0] == c->count && loops->step[1][0] == c->count;
}
