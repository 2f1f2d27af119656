/* SPDX-License-Identifier: Apache-2.0 */
/* cast.c - numbers to float32 or float64. */
#include "op/op.h"

static void infer(struct ctx *ctx, struct node *n, struct tensor *want)
{
    const struct tensor *in = n->in[0], *out = n->out[0];
    if (out->type != DTYPE_FLOAT32 && out->type != DTYPE_FLOAT64)
        fail(ctx, n, "turns '%s' (%s) into '%s' (%s); it makes float32 and float64 only", in->name,
             tensor_text(ctx, in), out->name, tensor_text(ctx, out));
    want_like(want, in);
    want->type = out->type;
}

/* Kernels by what they take; integers of up to 16 bits are floats on their way to float64. */
static const struct kernel *to_float(enum dtype type)
{
    switch (type) {
    case DTYPE_INT8:
        return &kernel_cast_s8_f32;
    case DTYPE_UINT8:
        return &kernel_cast_u8_f32;
    case DTYPE_INT16:
        return &kernel_cast_s16_f32;
    case DTYPE_UINT16:
        return &kernel_cast_u16_f32;
    case DTYPE_INT32:
        return &kernel_cast_s32_f32;
    case DTYPE_FLOAT64:
        return &kernel_cast_f64_f32;
    default:
        return &kernel_copy_f32;
    }
}

static void lower(struct lower *l, struct node *n)
{
    const enum dtype in = n->in[0]->type, out = n->out[0]->type;
    if (out == DTYPE_FLOAT32) {
        lower_pointwise(l, to_float(in), NULL);
    } else if (in == DTYPE_FLOAT32) {
        lower_pointwise(l, &kernel_cast_f32_f64, NULL);
    } else if (in == DTYPE_INT32) {
        lower_pointwise(l, &kernel_cast_s32_f64, NULL);
    } else if (in == DTYPE_FLOAT64) {
        lower_pointwise(l, &kernel_copy_f64, NULL);
    } else {
        const int32_t elements = (int32_t)tensor_elements(n->in[0]);
        struct tensor *between = lower_temp(l, DTYPE_FLOAT32, elements);
        struct call *c = lower_call(l, to_float(in), NULL);
        call_bind(c, n->in[0], 0);
        call_bind(c, between, 0);
        c->count = elements;
        c = lower_call(l, &kernel_cast_f32_f64, NULL);
        call_bind(c, between, 0);
        call_bind(c, n->out[0], 0);
        c->count = elements;
    }
}

const struct op op_cast = {
    .name = "cast",
    .summary = "numbers as float32 or float64, whichever the output is",
    .n_out = 1,
    .min_in = 1,
    .max_in = 1,
    .types = TYPE_BIT(FLOAT32) | TYPE_BIT(FLOAT64) | TYPE_BIT(INT8) | TYPE_BIT(UINT8) |
             TYPE_BIT(INT16) | TYPE_BIT(UINT16) | TYPE_BIT(INT32),
    .infer = infer,
    .lower = lower,
};
