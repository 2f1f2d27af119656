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

static void lower(struct lower *l, struct node *n)
{
    fail(l->ctx, n, "no kernel runs it");
}

const struct op op_cast = {
    .name = "cast",
    .summary = "numbers as float32 or float64, whichever the output is",
    .n_out = 1,
    .min_in = 1,
    .max_in = 1,
    .types = TYPE_BIT(FLOAT32) | TYPE_BIT(FLOAT64) | TYPE_BIT(INT8) | TYPE_BIT(UINT8) |
             TYPE_BIT(INT16) | TYPE_BIT(UINT16) | TYPE_BIT(INT32),
    .rows = rows_pointwise,
    .infer = infer,
    .lower = lower,
};
