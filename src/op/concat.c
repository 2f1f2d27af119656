/* SPDX-License-Identifier: Apache-2.0 */
/* concat.c - tensors one after the other along an axis. */
#include "op/op.h"

#define FIELD(name, type)                                     \
    {                                                         \
#name, type, offsetof(struct attr_concat, name), NULL \
    }

static const struct attr_field attrs[] = {
    FIELD(axis, ATTR_INT),
    {NULL, ATTR_INT, 0, NULL},
};

static void check_part(struct ctx *ctx, const struct node *n, int input)
{
    const struct attr_concat *a = n->attr;
    const struct tensor *first = n->in[0], *t = n->in[input];
    if (!t)
        fail(ctx, n, "input %d is missing: the file is damaged", input);
    check_type(ctx, n, input, first->type);
    if (t->type == DTYPE_INT8)
        check_same_quant(ctx, n, input);
    bool fits = t->rank == first->rank;
    for (int i = 0; fits && i < t->rank; i++)
        fits = i == a->axis || t->dim[i] == first->dim[i];
    if (!fits)
        fail(ctx, n,
             "input '%s' (%s) differs from '%s' (%s) in more than axis %d, along which "
             "they are joined",
             t->name, tensor_text(ctx, t), first->name, tensor_text(ctx, first), (int)a->axis);
}

static void infer(struct ctx *ctx, struct node *n, struct tensor *want)
{
    const struct attr_concat *a = n->attr;
    const struct tensor *first = n->in[0];
    check_movable(ctx, n);
    if (a->axis < 0 || a->axis >= first->rank)
        fail(ctx, n, "axis %d is no axis of '%s' (%s)", (int)a->axis, first->name,
             tensor_text(ctx, first));
    want_like(want, first);
    int64_t size = 0;
    for (int i = 0; i < n->n_in; i++) {
        check_part(ctx, n, i);
        size += n->in[i]->dim[a->axis];
    }
    if (size > TENSOR_BYTES_MAX)
        fail(ctx, n, "the inputs have %lld elements along axis %d; at most %d are supported",
             (long long)size, (int)a->axis, TENSOR_BYTES_MAX);
    want->dim[a->axis] = (int32_t)size;
}

static bool keeps_rows(const struct node *n)
{
    const struct attr_concat *a = n->attr;
    return row_axes(n->out[0]) > 0 && a->axis >= row_axes(n->out[0]);
}

static void lower(struct lower *l, struct node *n)
{
    const struct attr_concat *a = n->attr;
    const struct tensor *out = n->out[0];
    int32_t offset = 0;
    for (int k = 0; k < n->n_in; k++) {
        struct tensor *in = n->in[k];
        struct loops loops = {.n = in->rank};
        for (int i = 0; i < in->rank; i++) {
            loops.size[i] = in->dim[i];
            loops.step[0][i] = axis_pitch(in, i);
            loops.step[1][i] = axis_pitch(out, i);
        }
        lower_move(l, in, 0, offset, &loops, keeps_rows(n) ? row_axes(out) : 0);
        offset += in->dim[a->axis] * axis_pitch(out, a->axis);
    }
}

static struct rows rows(const struct node *n)
{
    return keeps_rows(n) ? rows_pointwise(n) : (struct rows){.whole = true};
}

const struct op op_concat = {
    .name = "concat",
    .summary = "tensors of equal scale one after the other along an axis",
    .attr_bytes = sizeof(struct attr_concat),
    .attrs = attrs,
    .min_in = 1,
    .max_in = NODE_INPUTS_MAX,
    .n_out = 1,
    .types = TYPE_BIT(FLOAT32) | TYPE_BIT(INT8) | TYPE_BIT(UINT8) | TYPE_BIT(BOOL) |
             TYPE_BIT(INT32) | TYPE_BIT(UINT32) | TYPE_BIT(FLOAT64),
    .infer = infer,
    .rows = rows,
    .lower = lower,
};
