/* SPDX-License-Identifier: Apache-2.0 */
/* slice.c - a part of a tensor: SLICE, STRIDED_SLICE. */
#include "op/op.h"

#define FIELD(name, type)                                    \
    {                                                        \
#name, type, offsetof(struct attr_slice, name), NULL \
    }

static const struct attr_field attrs[] = {
    FIELD(begin, ATTR_INTS), FIELD(size, ATTR_INTS),    FIELD(stride, ATTR_INTS),
    FIELD(drop, ATTR_INTS),  {NULL, ATTR_INT, 0, NULL},
};

static bool is_dropped(const struct attr_slice *a, int axis)
{
    for (int i = 0; i < a->drop.n; i++)
        if (a->drop.at[i] == axis)
            return true;
    return false;
}

static void infer(struct ctx *ctx, struct node *n, struct tensor *want)
{
    const struct attr_slice *a = n->attr;
    const struct tensor *in = n->in[0];
    check_movable(ctx, n);
    if (in->type == DTYPE_INT8)
        check_same_quant(ctx, n, 0);
    if (a->begin.n != in->rank || a->size.n != in->rank || a->stride.n != in->rank)
        fail(ctx, n, "%d begins, %d sizes and %d strides are given for the %d dimensions of '%s'",
             a->begin.n, a->size.n, a->stride.n, in->rank, in->name);
    want->type = in->type;
    for (int i = 0; i < in->rank; i++) {
        int64_t last = a->begin.at[i] + (a->size.at[i] - INT64_C(1)) * a->stride.at[i];
        if (a->size.at[i] < 1 || a->begin.at[i] < 0 || a->begin.at[i] >= in->dim[i] || last < 0 ||
            last >= in->dim[i])
            fail(ctx, n, "axis %d: %d elements from %d on with stride %d leave the %d of '%s' (%s)",
                 i, (int)a->size.at[i], (int)a->begin.at[i], (int)a->stride.at[i], (int)in->dim[i],
                 in->name, tensor_text(ctx, in));
        if (a->stride.at[i] == 0)
            fail(ctx, n, "axis %d has the stride 0; give the distance from element to element", i);
        if (is_dropped(a, i) && a->size.at[i] != 1)
            fail(ctx, n, "axis %d is dropped with a size of %d; only 1 can be", i,
                 (int)a->size.at[i]);
        if (!is_dropped(a, i))
            want->dim[want->rank++] = a->size.at[i];
    }
}

/* Rows stay rows where only what is inside them is cut. */
static bool keeps_rows(const struct node *n)
{
    const struct attr_slice *a = n->attr;
    const struct tensor *in = n->in[0];
    for (int i = 0; i < row_axes(in); i++)
        if (a->size.at[i] != in->dim[i] || (in->dim[i] > 1 && a->stride.at[i] != 1))
            return false;
    return row_axes(in) > 0 && tensor_rows(in) == tensor_rows(n->out[0]);
}

static void lower(struct lower *l, struct node *n)
{
    const struct attr_slice *a = n->attr;
    const struct tensor *in = n->in[0];
    struct loops loops = {.n = in->rank};
    int32_t offset = 0, pitch = 1;
    for (int i = in->rank - 1; i >= 0; i--) {
        loops.size[i] = a->size.at[i];
        /* One element takes no step; its stride may be any number. */
        loops.step[0][i] = a->size.at[i] > 1 ? a->stride.at[i] * axis_pitch(in, i) : 0;
        loops.step[1][i] = pitch;
        offset += a->begin.at[i] * axis_pitch(in, i);
        pitch *= a->size.at[i];
    }
    lower_move(l, n->in[0], offset, 0, &loops, keeps_rows(n) ? row_axes(in) : 0);
}

static struct rows rows(const struct node *n)
{
    return keeps_rows(n) ? rows_pointwise(n) : (struct rows){.whole = true};
}

const struct op op_slice = {
    .name = "slice",
    .summary = "SLICE, STRIDED_SLICE: a part of a tensor, backwards too, axes dropped on request",
    .attr_bytes = sizeof(struct attr_slice),
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
