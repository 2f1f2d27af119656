/* SPDX-License-Identifier: Apache-2.0 */
/* mean.c - averages over any axes. */
#include "op/float.h"
#include "op/pack.h"

#define FIELD(name, type)                                   \
    {                                                       \
#name, type, offsetof(struct attr_mean, name), NULL \
    }

static const struct attr_field attrs[] = {
    FIELD(axes, ATTR_INTS),
    FIELD(keep_dims, ATTR_BOOL),
    {NULL, ATTR_INT, 0, NULL},
};

static void infer(struct ctx *ctx, struct node *n, struct tensor *want)
{
    const struct attr_mean *a = n->attr;
    const struct tensor *in = n->in[0];
    check_per_tensor(ctx, n, in);
    check_per_tensor(ctx, n, n->out[0]);
    bool is_averaged[RANK_MAX] = {false};
    for (int i = 0; i < a->axes.n; i++) {
        if (a->axes.at[i] < (i ? a->axes.at[i - 1] + 1 : 0) || a->axes.at[i] >= in->rank)
            fail(ctx, n, "axis %d is not one of '%s' (%s), or axes are not in ascending order",
                 (int)a->axes.at[i], in->name, tensor_text(ctx, in));
        is_averaged[a->axes.at[i]] = true;
    }
    want->type = in->type;
    for (int i = 0; i < in->rank; i++)
        if (!is_averaged[i] || a->keep_dims)
            want->dim[want->rank++] = is_averaged[i] ? 1 : in->dim[i];
    /* 255 times as much must stay in 32 bits. */
    if (sums_count(n, &a->axes) > INT32_MAX / 256)
        fail(ctx, n, "averages over %d elements; at most %d are summed in 32 bits: pool first",
             (int)sums_count(n, &a->axes), INT32_MAX / 256);
}

/* By one multiplication a sum; false where a sum or its roundings may leave 32 bits. */
static bool lower_mean_twice(struct lower *l, const struct mica_mean_s8 *p, int32_t count,
                             struct tensor *sums)
{
    int32_t twice[3];
    if (sums->type != DTYPE_INT16 ||
        !pack_twice(255 * count, p->multiplier, p->shift, p->out_zero, twice))
        return false;
    struct mica_mean_twice_s16_s8 fast = {-2 * p->zero_sum, twice[0], twice[1], twice[2]};
    lower_finish(l, &kernel_mean_twice_s16_s8, &fast, sums);
    return true;
}

/* The reference takes the division by `count` into the multiplier, after shifting it up as far as
 * its count allows. */
static bool lower_s8(struct lower *l, struct node *n, bool fast)
{
    const struct attr_mean *a = n->attr;
    const struct tensor *in = n->in[0], *out = n->out[0];
    const int32_t count = sums_count(n, &a->axes);
    struct multiplier m = quantize_multiplier(l->ctx, (double)in->quant.scale[0] /
                                                          (double)out->quant.scale[0]);
    int up = 0;
    while (count >> up > 1)
        up++;
    up = up > 31 + m.shift ? 31 + m.shift : up;
    struct mica_mean_s8 p = {
        .zero_sum = in->quant.zero[0] * count,
        .multiplier = (int32_t)(((int64_t)m.multiplier << up) / count),
        .shift = (int8_t)(m.shift - up),
        .out_zero = (int16_t)out->quant.zero[0],
    };
    struct mica_mean_s16_s8 p_s16 = {p.zero_sum, p.multiplier, p.shift, p.out_zero};
    bool fours = fast;
    struct tensor *sums = lower_sums(l, &a->axes, &fours);
    if (fast && lower_mean_twice(l, &p, count, sums))
        return true;
    if (sums->type == DTYPE_INT16)
        lower_finish(l, &kernel_mean_s16_s8, &p_s16, sums);
    else
        lower_finish(l, &kernel_mean_s8, &p, sums);
    return !fast || fours || lower_misfit(l, "it is for four sums and more");
}

static bool lower(struct lower *l, struct node *n, bool fast)
{
    return n->in[0]->type == DTYPE_INT8 ? lower_s8(l, n, fast)
                                        : lower_plain_f32(l, n, lower_mean_f32, fast);
}

FAST_OR_PLAIN(mean, "fours", lower);

static struct rows rows(const struct node *n)
{
    const struct attr_mean *a = n->attr;
    return rows_sums(n, &a->axes);
}

const struct op op_mean = {
    .name = "mean",
    .summary = "average over any axes, kept or dropped",
    .attr_bytes = sizeof(struct attr_mean),
    .attrs = attrs,
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .types = TYPE_BIT(FLOAT32) | TYPE_BIT(INT8),
    .infer = infer,
    .rows = rows,
    .ways = mean_ways,
};
