/* SPDX-License-Identifier: Apache-2.0 */
/* softmax.c - exponents of the last axis, divided by their sum. */
#include <math.h>

#include "fixed.h"
#include "op/float.h"

static const struct attr_field attrs[] = {
    {"beta", ATTR_FLOAT, offsetof(struct attr_softmax, beta), NULL},
    {NULL, ATTR_INT, 0, NULL},
};

enum { SUMMED_MAX = 4095 }; /* powers of at most 1 in Q12.19 */

static void infer(struct ctx *ctx, struct node *n, struct tensor *want)
{
    const struct attr_softmax *a = n->attr;
    const struct tensor *in = n->in[0];
    check_out_quant(ctx, n, 1.0f / 256, -128);
    if (in->rank == 0)
        fail(ctx, n, "input '%s' is a single number; softmax needs at least one dimension",
             in->name);
    if (!isfinite(a->beta) || (in->type == DTYPE_INT8 && !(a->beta > 0)))
        fail(ctx, n, "beta is %g; it must be a positive number", (double)a->beta);
    if (in->type == DTYPE_INT8 && in->dim[in->rank - 1] > SUMMED_MAX)
        fail(ctx, n,
             "input '%s' (%s) has a last dimension beyond %d, whose sum of powers would "
             "overflow: use a float32 softmax there",
             in->name, tensor_text(ctx, in), SUMMED_MAX);
    want_like(want, in);
}

/* Powers by difference. One below 2^11 adds nothing to a sum of units of 2^12, and of a share it
 * makes at most 2^11 / 2^23. */
static void lower_powers(struct lower *l, struct multiplier m, int32_t difference_min,
                         int32_t width)
{
    int32_t *powers = NEWS(l->ctx, int32_t, 256);
    struct mica_softmax_table_s8 p = {0};
    for (int32_t x = 0; x < 256 && -x >= difference_min; x++) {
        powers[x] = mica_fixed_exp(requantize(l->ctx, -x, m), 5);
        if (powers[x] >= 1 << 11)
            p.n_powers = x + 1;
    }
    p.powers = lower_constant(l, "powers", DTYPE_INT32, p.n_powers, powers);
    lower_vectors(l, &kernel_softmax_table_s8, &p, width, width);
}

/* beta * scale brings differences to Q5.26, limited to what 32 bits hold. */
static bool lower_s8(struct lower *l, struct node *n, bool fast)
{
    const struct attr_softmax *a = n->attr;
    const struct tensor *in = n->in[0];
    const int32_t width = in->dim[in->rank - 1];
    const bool is_single = l->ctx->options.profile == MICA_PROFILE_SINGLE;
    const double most = (double)(INT64_C(1) << (is_single ? 30 : 31)) - 1.0;
    double real = (double)a->beta * (double)in->quant.scale[0] * (double)(INT32_C(1) << 26);
    struct multiplier m = quantize_multiplier(l->ctx, real < most ? real : most);
    if (m.shift < 0 || real <= 1.0)
        fail(l->ctx, n,
             "beta times the scale of '%s' is %g; the reference takes nothing at or "
             "below 2^-26, where every output is the same: quantise the model again",
             in->name, (double)a->beta * (double)in->quant.scale[0]);
    struct mica_softmax_s8 p = {
        .multiplier = m.multiplier,
        .shift = (int8_t)m.shift,
        .difference_min = -(int32_t)(((INT64_C(31) << 26)) >> m.shift),
    };
    if (fast)
        lower_powers(l, m, p.difference_min, width);
    else
        lower_vectors(l, &kernel_softmax_s8, &p, width, width);
    return true;
}

static bool lower(struct lower *l, struct node *n, bool fast)
{
    return n->in[0]->type == DTYPE_INT8 ? lower_s8(l, n, fast)
                                        : lower_plain_f32(l, n, lower_softmax_f32, fast);
}

FAST_OR_PLAIN(softmax, "powers", lower);

const struct op op_softmax = {
    .name = "softmax",
    .summary = "e^(beta x) over the last axis, divided by their sum",
    .attr_bytes = sizeof(struct attr_softmax),
    .attrs = attrs,
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .types = TYPE_BIT(FLOAT32) | TYPE_BIT(INT8),
    .infer = infer,
    .rows = rows_vectors,
    .in_place = in_place_same_bytes,
    .ways = softmax_ways,
};
