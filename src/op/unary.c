/* SPDX-License-Identifier: Apache-2.0 */
/* unary.c - functions of one number: logistic, tanh, clamp, leaky_relu, hard_swish.
 *
 * An int8 tensor has 256 numbers, so each of these becomes a table, computed here with the
 * reference's own arithmetic: nothing of it is left for the device. */
#include <math.h>

#include "fixed.h"
#include "op/float.h"

static int8_t saturate(int32_t x)
{
    return (int8_t)(x < -128 ? -128 : x > 127 ? 127 : x);
}

static void infer(struct ctx *ctx, struct node *n, struct tensor *want)
{
    check_per_tensor(ctx, n, n->in[0]);
    check_per_tensor(ctx, n, n->out[0]);
    want_like(want, n->in[0]);
}

/* ---- logistic and tanh ----------------------------------------------------------------------- */

static void infer_logistic(struct ctx *ctx, struct node *n, struct tensor *want)
{
    check_out_quant(ctx, n, 1.0f / 256, -128);
    want_like(want, n->in[0]);
}

static void infer_tanh(struct ctx *ctx, struct node *n, struct tensor *want)
{
    check_out_quant(ctx, n, 1.0f / 128, 0);
    want_like(want, n->in[0]);
}

/* 1 / (1 + e^-x) for x in Q4.27; the result is in Q0.31. */
static int32_t fixed_logistic(int32_t x)
{
    if (x == 0)
        return INT32_C(1) << 30;
    int32_t half = mica_fixed_reciprocal(mica_fixed_exp(x > 0 ? -x : x, 4));
    int32_t positive = mica_fixed_shift(half, 1);
    return x > 0 ? positive : INT32_MAX - positive;
}

/* tanh(x) for x in Q4.27: (1 - e) / (1 + e) with e = e^(-2 |x|), whose argument is the same number
 * in Q5.26; the result is in Q0.31. */
static int32_t fixed_tanh(int32_t x)
{
    if (x == 0)
        return 0;
    int32_t power = mica_fixed_exp(x > 0 ? -x : x, 5);
    int32_t size = mica_fixed_shift(mica_fixed_reciprocal(power) - (INT32_C(1) << 29), 2);
    return x > 0 ? size : -size;
}

/* Inputs beyond 15 saturate; the others are brought to Q4.27. */
static void fixed_table(struct lower *l, struct node *n, int8_t table[256])
{
    const struct tensor *in = n->in[0];
    struct multiplier m;
    double real = (double)in->quant.scale[0] * (double)(INT32_C(1) << 27);
    m.multiplier = (int32_t)round(frexp(real, &m.shift) * (double)(INT64_C(1) << 31));
    if (m.shift < -31) /* every input is as good as 0 */
        m = (struct multiplier){0, 0};
    const double radius = floor(ldexp(15.0, 27 - m.shift));
    for (int32_t q = -128; q < 128; q++) {
        int32_t x = q - in->quant.zero[0];
        int8_t *to = &table[q + 128];
        if (x <= -radius)
            *to = -128;
        else if (x >= radius)
            *to = 127;
        else if (node_is(n, OP_logistic))
            *to = saturate(mica_fixed_divide(fixed_logistic(requantize(l->ctx, x, m)), 23) - 128);
        else
            *to = saturate(mica_fixed_divide(fixed_tanh(requantize(l->ctx, x, m)), 24));
    }
}

/* LiteRT fills its table by float functions. */
static void float_table(struct node *n, int8_t table[256])
{
    const struct quant *in = &n->in[0]->quant, *out = &n->out[0]->quant;
    const float inverse = 1.0f / out->scale[0];
    for (int32_t q = -128; q < 128; q++) {
        float x = in->scale[0] * (float)(q - in->zero[0]);
        float y = node_is(n, OP_logistic) ? 1.0f / (1.0f + expf(-x)) : tanhf(x);
        table[q + 128] = saturate((int32_t)(roundf(y * inverse) + (float)out->zero[0]));
    }
}

static bool lower_sigmoid(struct lower *l, struct node *n, bool fours)
{
    int8_t table[256];
    if (n->in[0]->type == DTYPE_FLOAT32)
        return lower_plain_f32(l, n, lower_unary_f32, fours);
    if (l->ctx->options.profile == MICA_PROFILE_LITERT)
        float_table(n, table);
    else
        fixed_table(l, n, table);
    lower_table_s8(l, table, fours);
    return true;
}

/* ---- clamp ----------------------------------------------------------------------------------- */

static const struct attr_field clamp_attrs[] = {
    {"activation", ATTR_ACTIVATION, offsetof(struct attr_clamp, activation), NULL},
    {NULL, ATTR_INT, 0, NULL},
};

/* x on the output's scale: the ratio of the scales is a float32 in the reference. */
static int32_t rescale(struct lower *l, const struct node *n, int32_t q)
{
    const struct quant *in = &n->in[0]->quant, *out = &n->out[0]->quant;
    struct multiplier m = quantize_multiplier(l->ctx, (double)(in->scale[0] / out->scale[0]));
    return add_zero(requantize(l->ctx, q - in->zero[0], m), out->zero[0]);
}

static bool lower_clamp_s8(struct lower *l, struct node *n, bool fours)
{
    const struct attr_clamp *a = n->attr;
    const struct tensor *in = n->in[0], *out = n->out[0];
    struct mica_clamp_s8 p;
    /* TFLM's RELU6 takes the output's numbers for the input's, whatever their scale. */
    bool is_plain = a->activation == ACT_RELU6 && l->ctx->options.profile != MICA_PROFILE_LITERT;
    activation_range_s8(a->activation, is_plain ? in : out, &p.out_min, &p.out_max);
    if (is_plain || tensor_same_quant(in, out)) {
        struct mica_clamp_fours_s8 p_fours = {p.out_min, p.out_max};
        if (fours && !core_has_dsp(l->ctx->options.target))
            return lower_misfit(l, "the core has no instructions for four bytes");
        if (fours)
            lower_pointwise(l, &kernel_clamp_fours_s8, &p_fours);
        else
            lower_pointwise(l, &kernel_clamp_s8, &p);
        return true;
    }
    int8_t table[256];
    for (int32_t q = -128; q < 128; q++) {
        int32_t y = rescale(l, n, q);
        table[q + 128] = (int8_t)(y < p.out_min ? p.out_min : y > p.out_max ? p.out_max : y);
    }
    lower_table_s8(l, table, fours);
    return true;
}

static bool lower_clamp(struct lower *l, struct node *n, bool fours)
{
    return n->in[0]->type == DTYPE_INT8 ? lower_clamp_s8(l, n, fours)
                                        : lower_plain_f32(l, n, lower_unary_f32, fours);
}

/* ---- leaky_relu ------------------------------------------------------------------------------ */

static const struct attr_field leaky_relu_attrs[] = {
    {"alpha", ATTR_FLOAT, offsetof(struct attr_leaky_relu, alpha), NULL},
    {NULL, ATTR_INT, 0, NULL},
};

static void infer_leaky_relu(struct ctx *ctx, struct node *n, struct tensor *want)
{
    const struct attr_leaky_relu *a = n->attr;
    if (!isfinite(a->alpha))
        fail(ctx, n, "alpha is %g; it must be a finite number", (double)a->alpha);
    infer(ctx, n, want);
}

static bool lower_leaky_relu(struct lower *l, struct node *n, bool fours)
{
    const struct attr_leaky_relu *a = n->attr;
    const struct quant *in = &n->in[0]->quant, *out = &n->out[0]->quant;
    if (n->in[0]->type == DTYPE_FLOAT32)
        return lower_plain_f32(l, n, lower_unary_f32, fours);
    struct multiplier m = quantize_multiplier(
        l->ctx, fabs((double)(in->scale[0] * a->alpha / out->scale[0])));
    int8_t table[256];
    for (int32_t q = -128; q < 128; q++) {
        int32_t negative = requantize(l->ctx, q - in->zero[0], m);
        if (a->alpha < 0)
            negative = (int32_t)(0u - (uint32_t)negative);
        table[q + 128] = saturate(q >= in->zero[0] ? rescale(l, n, q)
                                                   : add_zero(negative, out->zero[0]));
    }
    lower_table_s8(l, table, fours);
    return true;
}

/* ---- hard_swish ------------------------------------------------------------------------------ */

/* A multiplier of 15 bits. */
static int16_t short_multiplier(int32_t multiplier)
{
    if (multiplier >= INT32_MAX - (1 << 15))
        return INT16_MAX;
    return (int16_t)((multiplier + (1 << 15)) >> 16);
}

static int16_t short_multiply(int16_t a, int16_t b)
{
    int32_t product = a * b;
    if (a == INT16_MIN && b == INT16_MIN)
        return INT16_MAX;
    return (int16_t)((product + (product >= 0 ? 1 << 14 : 1 - (1 << 14))) / (1 << 15));
}

static int16_t short_shift(int16_t x, int bits)
{
    int64_t y = (int64_t)x * (INT64_C(1) << bits);
    return (int16_t)(y > INT16_MAX ? INT16_MAX : y < INT16_MIN ? INT16_MIN : y);
}

/* Wraps to 16 bits on the way, as the reference does with more than 15 bits to drop. */
static int16_t short_divide(int16_t x, int bits)
{
    int16_t mask = (int16_t)(uint16_t)((UINT64_C(1) << bits) - 1);
    int16_t rest = (int16_t)(x & mask);
    return (int16_t)((x >> bits) + (rest > (mask >> 1) + (x < 0)));
}

/* in * (in + 3 limited to [0, 6]) / 6: `scaled` is in on the output's scale before its shift,
 * `share` the other factor over 6, with 15 bits after the point. */
static int8_t hard_swish(int32_t q, const struct quant *in, const struct quant *out,
                         struct multiplier to_out, struct multiplier to_share)
{
    int16_t x = (int16_t)((q - in->zero[0]) * 128);
    int16_t scaled = short_multiply(x, short_multiplier(to_out.multiplier));
    int16_t share = x;
    if (to_share.shift > 0)
        share = short_shift(share, to_share.shift - 1);
    share = short_multiply(share, short_multiplier(to_share.multiplier));
    if (to_share.shift > 0)
        share = short_shift(share, 1);
    if (to_share.shift < 0)
        share = short_divide(share, -to_share.shift);
    share = (int16_t)((share + (1 << 15)) >> 1);
    int16_t product = (int16_t)(share * scaled / (1 << 15)); /* truncated, unlike the others */
    return saturate((int16_t)(short_divide(product, -to_out.shift) + out->zero[0]));
}

static bool lower_hard_swish(struct lower *l, struct node *n, bool fours)
{
    if (n->in[0]->type == DTYPE_FLOAT32)
        return lower_plain_f32(l, n, lower_unary_f32, fours);
    const struct quant *in = &n->in[0]->quant, *out = &n->out[0]->quant;
    const float fine = 1.0f / 128.0f * in->scale[0];
    struct multiplier to_out = quantize_multiplier(l->ctx, (double)(fine / out->scale[0]));
    struct multiplier to_share = quantize_multiplier(l->ctx, (double)(fine / (3.0f / 32768.0f)));
    if (to_out.shift > 0)
        fail(l->ctx, n,
             "the scale of '%s' is 128 times or more that of '%s', which the reference "
             "refuses: quantise the model again",
             n->in[0]->name, n->out[0]->name);
    int8_t table[256];
    for (int32_t q = -128; q < 128; q++)
        table[q + 128] = hard_swish(q, in, out, to_out, to_share);
    lower_table_s8(l, table, fours);
    return true;
}

/* ---- the operators --------------------------------------------------------------------------- */

FAST_OR_PLAIN(sigmoid, "fours", lower_sigmoid);
FAST_OR_PLAIN(clamp, "fours", lower_clamp);
FAST_OR_PLAIN(leaky_relu, "fours", lower_leaky_relu);
FAST_OR_PLAIN(hard_swish, "fours", lower_hard_swish);

#define UNARY_FIELDS(kind, text)                                          \
    .name = #kind, .summary = text, .min_in = 1, .max_in = 1, .n_out = 1, \
    .types = TYPE_BIT(FLOAT32) | TYPE_BIT(INT8), .rows = rows_pointwise,  \
    .in_place = in_place_same_bytes

const struct op op_logistic = {
    UNARY_FIELDS(logistic, "1 / (1 + e^-x); int8: a table"),
    .infer = infer_logistic,
    .ways = sigmoid_ways,
};

const struct op op_tanh = {
    UNARY_FIELDS(tanh, "hyperbolic tangent; int8: a table"),
    .infer = infer_tanh,
    .ways = sigmoid_ways,
};

const struct op op_clamp = {
    UNARY_FIELDS(clamp, "RELU, RELU6, RELU_N1_TO_1 by themselves; int8 may change the scale"),
    .attr_bytes = sizeof(struct attr_clamp),
    .attrs = clamp_attrs,
    .infer = infer,
    .ways = clamp_ways,
};

const struct op op_leaky_relu = {
    UNARY_FIELDS(leaky_relu, "x where it is positive, alpha x elsewhere; int8: a table"),
    .attr_bytes = sizeof(struct attr_leaky_relu),
    .attrs = leaky_relu_attrs,
    .infer = infer_leaky_relu,
    .ways = leaky_relu_ways,
};

const struct op op_hard_swish = {
    UNARY_FIELDS(hard_swish, "x min(6, max(0, x + 3)) / 6; int8: a table"),
    .infer = infer,
    .ways = hard_swish_ways,
};
