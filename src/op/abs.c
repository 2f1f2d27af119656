/* SPDX-License-Identifier: Apache-2.0 */
/* abs.c - |x|. */
#include "op/op.h"

static void infer(struct ctx *ctx, struct node *n, struct tensor *want)
{
    check_per_tensor(ctx, n, n->in[0]);
    check_per_tensor(ctx, n, n->out[0]);
    want_like(want, n->in[0]);
}

/* The reference rescales by the float32 ratio of the scales, and only where they differ. */
static void lower_s8(struct lower *l, struct node *n, bool fours)
{
    const struct quant *in = &n->in[0]->quant, *out = &n->out[0]->quant;
    const struct multiplier m = quantize_multiplier(l->ctx, (double)(in->scale[0] / out->scale[0]));
    int8_t table[256];
    for (int32_t q = -128; q < 128; q++) {
        int32_t x = q < in->zero[0] ? in->zero[0] - q : q - in->zero[0];
        x = in->scale[0] == out->scale[0] ? x : requantize(l->ctx, x, m);
        int64_t y = (int64_t)x + out->zero[0];
        table[q + 128] = (int8_t)(y < -128 ? -128 : y > 127 ? 127 : y);
    }
    lower_table_s8(l, table, fours);
}

static void lower_f32(struct lower *l, struct node *n)
{
    (void)n;
    lower_pointwise(l, &kernel_abs_f32, NULL);
}

static bool lower(struct lower *l, struct node *n, bool fours)
{
    if (n->in[0]->type != DTYPE_INT8)
        return lower_plain_f32(l, n, lower_f32, fours);
    lower_s8(l, n, fours);
    return true;
}

FAST_OR_PLAIN(abs, "fours", lower);

const struct op op_abs = {
    .name = "abs",
    .summary = "absolute value; int8: a table",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .types = TYPE_BIT(FLOAT32) | TYPE_BIT(INT8),
    .infer = infer,
    .rows = rows_pointwise,
    .in_place = in_place_same_bytes,
    .ways = abs_ways,
};
