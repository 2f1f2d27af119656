/* SPDX-License-Identifier: Apache-2.0 */
/* pad.c - elements of one value around a tensor. */
#include <string.h>

#include "op/op.h"

#define FIELD(name, type)                                  \
    {                                                      \
#name, type, offsetof(struct attr_pad, name), NULL \
    }

static const struct attr_field attrs[] = {
    FIELD(before, ATTR_INTS),
    FIELD(after, ATTR_INTS),
    {NULL, ATTR_INT, 0, NULL},
};

static void infer(struct ctx *ctx, struct node *n, struct tensor *want)
{
    const struct attr_pad *a = n->attr;
    const struct tensor *in = n->in[0];
    check_movable(ctx, n);
    if (in->type == DTYPE_INT8)
        check_same_quant(ctx, n, 0);
    if (a->before.n != in->rank || a->after.n != in->rank)
        fail(ctx, n, "%d and %d paddings are given for the %d dimensions of '%s'", a->before.n,
             a->after.n, in->rank, in->name);
    if (n->n_in > 1 && n->in[1]) {
        check_type(ctx, n, 1, in->type);
        check_constant(ctx, n, 1, "value to pad with");
        if (tensor_elements(n->in[1]) != 1)
            fail(ctx, n, "the value to pad with, '%s' (%s), must be one number", n->in[1]->name,
                 tensor_text(ctx, n->in[1]));
    }
    want_like(want, in);
    int64_t elements = 1;
    for (int i = 0; i < in->rank; i++) {
        int64_t size = (int64_t)a->before.at[i] + in->dim[i] + a->after.at[i];
        elements *= size;
        if (a->before.at[i] < 0 || a->after.at[i] < 0 || elements > TENSOR_BYTES_MAX)
            fail(ctx, n,
                 "dimension %d is padded by %d and %d: paddings must be positive, the "
                 "result at most %d bytes",
                 i, (int)a->before.at[i], (int)a->after.at[i], TENSOR_BYTES_MAX);
        want->dim[i] = (int32_t)size;
    }
}

/* Rows stay rows where only what is inside them is padded. */
static bool keeps_rows(const struct node *n)
{
    const struct attr_pad *a = n->attr;
    for (int i = 0; i < row_axes(n->out[0]); i++)
        if (a->before.at[i] || a->after.at[i])
            return false;
    return row_axes(n->out[0]) > 0;
}

/* Fills the output, row by row where rows are independent. */
static void lower_fill(struct lower *l, struct node *n)
{
    const struct tensor *value = n->n_in > 1 ? n->in[1] : NULL;
    const bool is_bytes = dtype_bits(n->out[0]->type) == 8;
    struct mica_fill_s8 p_s8 = {.value = 0};
    struct mica_fill_f32 p_f32 = {.value = 0.0f};
    if (value)
        memcpy(is_bytes ? (void *)&p_s8.value : (void *)&p_f32.value, value->data,
               is_bytes ? 1 : 4);
    else if (n->in[0]->quant.n)
        p_s8.value = (int8_t)n->in[0]->quant.zero[0]; /* real 0 */
    struct call *c = is_bytes ? lower_call(l, &kernel_fill_s8, &p_s8)
                              : lower_call(l, &kernel_fill_f32, &p_f32);
    const int32_t rows = keeps_rows(n) ? tensor_rows(n->out[0]) : 1;
    c->count = (int32_t)(tensor_elements(n->out[0]) / rows);
    struct operand *out = call_bind(c, n->out[0], 0);
    out->step[call_loop(c, rows)] = c->count;
    c->joins = true;
}

static void lower(struct lower *l, struct node *n)
{
    const struct attr_pad *a = n->attr;
    const struct tensor *in = n->in[0], *out = n->out[0];
    lower_fill(l, n);
    struct loops loops = {.n = in->rank};
    int32_t offset = 0;
    for (int i = 0; i < in->rank; i++) {
        loops.size[i] = in->dim[i];
        loops.step[0][i] = axis_pitch(in, i);
        loops.step[1][i] = axis_pitch(out, i);
        offset += a->before.at[i] * axis_pitch(out, i);
    }
    lower_move(l, n->in[0], 0, offset, &loops, keeps_rows(n) ? row_axes(out) : 0);
}

static struct rows rows(const struct node *n)
{
    return keeps_rows(n) ? rows_pointwise(n) : (struct rows){.whole = true};
}

const struct op op_pad = {
    .name = "pad",
    .summary = "PAD, PADV2: elements of one value around a tensor",
    .attr_bytes = sizeof(struct attr_pad),
    .attrs = attrs,
    .min_in = 1,
    .max_in = 2,
    .n_out = 1,
    .types = TYPE_BIT(FLOAT32) | TYPE_BIT(INT8) | TYPE_BIT(UINT8) | TYPE_BIT(BOOL) |
             TYPE_BIT(INT32) | TYPE_BIT(UINT32),
    .infer = infer,
    .rows = rows,
    .lower = lower,
};
