/* SPDX-License-Identifier: Apache-2.0 */
/* dense.c - fully connected layers. */
#include <math.h>

#include "op/float.h"

#define FIELD(name, type)                                    \
    {                                                        \
#name, type, offsetof(struct attr_dense, name), NULL \
    }

static const struct attr_field attrs[] = {
    FIELD(keep_dims, ATTR_BOOL),
    FIELD(activation, ATTR_ACTIVATION),
    {NULL, ATTR_INT, 0, NULL},
};

static void want_dense(struct ctx *ctx, const struct node *n, struct tensor *want)
{
    const struct attr_dense *a = n->attr;
    const struct tensor *in = n->in[0], *w = n->in[1];
    const int64_t elements = tensor_elements(in);
    if (elements % w->dim[1])
        fail(ctx, n,
             "weights '%s' (%s) take vectors of %d elements, which do not divide the %lld "
             "of '%s' (%s)",
             w->name, tensor_text(ctx, w), (int)w->dim[1], (long long)elements, in->name,
             tensor_text(ctx, in));
    want_like(want, in);
    if (!a->keep_dims) {
        want->rank = 2;
        want->dim[0] = (int32_t)(elements / w->dim[1]);
    } else if (in->rank == 0 || in->dim[in->rank - 1] != w->dim[1]) {
        fail(ctx, n,
             "with keep_dims the last dimension of '%s' (%s) must be the %d that weights "
             "'%s' take",
             in->name, tensor_text(ctx, in), (int)w->dim[1], w->name);
    }
    want->dim[want->rank - 1] = w->dim[0];
}

static void infer(struct ctx *ctx, struct node *n, struct tensor *want)
{
    const struct tensor *in = n->in[0], *w = n->in[1];
    check_rank(ctx, n, 1, 2);
    check_type(ctx, n, 1, in->type);
    check_constant(ctx, n, 1, "weights");
    check_conv(ctx, n, w->dim[0], 0);
    want_dense(ctx, n, want);
}

/* What one output multiplies its sum with. Both references form the product of the scales in
 * float64, also where the weights have one scale. */
static double real_multiplier(struct lower *l, int channel)
{
    const struct node *n = l->step->node;
    const struct quant *w = &n->in[1]->quant;
    const float in = n->in[0]->quant.scale[0], out = n->out[0]->quant.scale[0];
    return (double)in * (double)w->scale[channel] / (double)out;
}

static void lower_fixed(struct lower *l, struct mica_dense_s8 *p)
{
    const int n_scales = l->step->node->in[1]->quant.n;
    int32_t *multiplier = NEWS(l->ctx, int32_t, n_scales);
    int8_t *shift = NEWS(l->ctx, int8_t, n_scales);
    for (int c = 0; c < n_scales; c++) {
        struct multiplier m = quantize_multiplier(l->ctx, real_multiplier(l, c));
        multiplier[c] = m.multiplier;
        shift[c] = (int8_t)m.shift;
    }
    p->multiplier = lower_constant(l, "multiplier", DTYPE_INT32, n_scales, multiplier);
    p->shift = lower_constant(l, "shift", DTYPE_INT8, n_scales, shift);
    lower_vectors(l, &kernel_dense_s8, p, p->in_n, p->out_n);
}

/* LiteRT multiplies in float64 here: the kernel takes the 53 bits of each scale. */
static void lower_f64(struct lower *l, const struct mica_dense_s8 *fixed)
{
    const int n_scales = l->step->node->in[1]->quant.n;
    int32_t *high = NEWS(l->ctx, int32_t, n_scales), *low = NEWS(l->ctx, int32_t, n_scales);
    int8_t *shift = NEWS(l->ctx, int8_t, n_scales);
    for (int c = 0; c < n_scales; c++) {
        int exponent;
        double fraction = frexp(real_multiplier(l, c), &exponent);
        if (exponent > 52)
            fail(l->ctx, l->step->node,
                 "the scale of output channel %d is 2^%d times that of its "
                 "sums: quantise the model again",
                 c, exponent);
        int64_t bits = (int64_t)ldexp(fraction, 53);
        if (53 - exponent > 115) /* 0 for every sum */
            bits = 0, exponent = 0;
        high[c] = (int32_t)(bits >> 32);
        low[c] = (int32_t)(uint32_t)bits;
        shift[c] = (int8_t)(53 - exponent);
    }
    struct mica_dense_f64_s8 p = {
        .in_n = fixed->in_n,
        .out_n = fixed->out_n,
        .in_zero = fixed->in_zero,
        .out_zero = fixed->out_zero,
        .out_min = fixed->out_min,
        .out_max = fixed->out_max,
        .channel_step = fixed->channel_step,
        .weights = fixed->weights,
        .bias = fixed->bias,
        .scale_high = lower_constant(l, "scale_high", DTYPE_INT32, n_scales, high),
        .scale_low = lower_constant(l, "scale_low", DTYPE_INT32, n_scales, low),
        .shift = lower_constant(l, "shift", DTYPE_INT8, n_scales, shift),
    };
    lower_vectors(l, &kernel_dense_f64_s8, &p, p.in_n, p.out_n);
}

static void check(struct ctx *ctx, const struct node *n)
{
    const struct tensor *w = n->in[1];
    if (n->in[0]->type == DTYPE_INT8)
        check_accumulator(ctx, n, w->dim[0], w->dim[1], w->dim[1], 1);
}

static void lower_s8(struct lower *l, struct node *n)
{
    const struct attr_dense *a = n->attr;
    const struct tensor *in = n->in[0], *w = n->in[1], *out = n->out[0];
    struct mica_dense_s8 p = {
        .in_n = w->dim[1],
        .out_n = w->dim[0],
        .in_zero = (int16_t)in->quant.zero[0],
        .out_zero = (int16_t)out->quant.zero[0],
        .channel_step = w->quant.n > 1,
        .weights = lower_weights(l, 1, "weights"),
        .bias = lower_weights(l, 2, "bias"),
    };
    activation_range_s8(a->activation, out, &p.out_min, &p.out_max);
    if (l->ctx->options.profile == MICA_PROFILE_LITERT)
        lower_f64(l, &p);
    else
        lower_fixed(l, &p);
}

static bool lower_plain(struct lower *l, struct node *n)
{
    n->in[0]->type == DTYPE_INT8 ? lower_s8(l, n) : lower_dense_f32(l, n);
    return true;
}

static const struct way ways[] = {
    {"blocks", lower_dense_blocks}, {"bytes", lower_dense_bytes}, {"pairs", lower_dense_pairs},
    {"fours", lower_dense_fours},   {"plain", lower_plain},       {NULL, NULL},
};

static int64_t macs(const struct node *n)
{
    return tensor_elements(n->out[0]) * n->in[1]->dim[1];
}

const struct op op_dense = {
    .name = "dense",
    .summary = "fully connected layer, weights per tensor or per output channel, fused activation",
    .attr_bytes = sizeof(struct attr_dense),
    .attrs = attrs,
    .min_in = 2,
    .max_in = 3,
    .n_out = 1,
    .types = TYPE_BIT(FLOAT32) | TYPE_BIT(INT8),
    .infer = infer,
    .rows = rows_vectors,
    .macs = macs,
    .check = check,
    .ways = ways,
};
