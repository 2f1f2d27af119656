/* SPDX-License-Identifier: Apache-2.0 */
/* transpose.c - the axes of a tensor in another order. */
#include "op/op.h"

static const struct attr_field attrs[] = {
    {"perm", ATTR_INTS, offsetof(struct attr_transpose, perm), NULL},
    {NULL, ATTR_INT, 0, NULL},
};

static void infer(struct ctx *ctx, struct node *n, struct tensor *want)
{
    const struct attr_transpose *a = n->attr;
    const struct tensor *in = n->in[0];
    check_movable(ctx, n);
    if (in->type == DTYPE_INT8)
        check_same_quant(ctx, n, 0);
    bool is_taken[RANK_MAX] = {false};
    if (a->perm.n != in->rank)
        fail(ctx, n, "the permutation has %d axes and '%s' (%s) %d", a->perm.n, in->name,
             tensor_text(ctx, in), in->rank);
    want_like(want, in);
    for (int i = 0; i < in->rank; i++) {
        int32_t axis = a->perm.at[i];
        if (axis < 0 || axis >= in->rank || is_taken[axis])
            fail(ctx, n, "axis %d of the permutation is no axis of '%s' (%s), or there twice",
                 (int)axis, in->name, tensor_text(ctx, in));
        is_taken[axis] = true;
        want->dim[i] = in->dim[axis];
    }
}

static bool keeps_rows(const struct node *n)
{
    const struct attr_transpose *a = n->attr;
    for (int i = 0; i < row_axes(n->out[0]); i++)
        if (a->perm.at[i] != i)
            return false;
    return row_axes(n->out[0]) > 0;
}

static void lower(struct lower *l, struct node *n)
{
    const struct attr_transpose *a = n->attr;
    const struct tensor *in = n->in[0], *out = n->out[0];
    struct loops loops = {.n = out->rank};
    for (int i = 0; i < out->rank; i++) {
        loops.size[i] = out->dim[i];
        loops.step[0][i] = axis_pitch(in, a->perm.at[i]);
        loops.step[1][i] = axis_pitch(out, i);
    }
    lower_move(l, n->in[0], 0, 0, &loops, keeps_rows(n) ? row_axes(out) : 0);
}

static struct rows rows(const struct node *n)
{
    return keeps_rows(n) ? rows_pointwise(n) : (struct rows){.whole = true};
}

const struct op op_transpose = {
    .name = "transpose",
    .summary = "the axes in another order",
    .attr_bytes = sizeof(struct attr_transpose),
    .attrs = attrs,
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .types = TYPE_BIT(FLOAT32) | TYPE_BIT(INT8) | TYPE_BIT(UINT8) | TYPE_BIT(BOOL) |
             TYPE_BIT(INT32) | TYPE_BIT(UINT32),
    .infer = infer,
    .rows = rows,
    .lower = lower,
};
