/* SPDX-License-Identifier: Apache-2.0 */
/* binary.c - sums, differences and products, with broadcasting. */
#include "op/float.h"
#include "op/linear_sum.h"
#include "op/pack.h"

static const struct attr_field attrs[] = {
    {"activation", ATTR_ACTIVATION, offsetof(struct attr_binary, activation), NULL},
    {NULL, ATTR_INT, 0, NULL},
};

static void infer(struct ctx *ctx, struct node *n, struct tensor *want)
{
    check_type(ctx, n, 1, n->in[0]->type);
    check_per_tensor(ctx, n, n->in[0]);
    check_per_tensor(ctx, n, n->in[1]);
    check_per_tensor(ctx, n, n->out[0]);
    want_broadcast(ctx, n, want);
}

/* Both inputs on twice the larger scale, their sum on the output's; 20 more bits hold the fraction.
 * TFLM computes the ratios of SUB, and only those, in float32. */
static void add_ratios(struct lower *l, const struct node *n, double ratio[3])
{
    const float a = n->in[0]->quant.scale[0], b = n->in[1]->quant.scale[0];
    const float out = n->out[0]->quant.scale[0], twice_max = 2 * (a > b ? a : b);
    const float bits = (float)(INT32_C(1) << 20);
    if (node_is(n, OP_sub) && l->ctx->options.profile != MICA_PROFILE_LITERT) {
        ratio[0] = (double)(a / twice_max);
        ratio[1] = (double)(b / twice_max);
        ratio[2] = (double)(twice_max / (bits * out));
    } else {
        ratio[0] = (double)a / (double)twice_max;
        ratio[1] = (double)b / (double)twice_max;
        ratio[2] = (double)twice_max / ((double)bits * (double)out);
    }
}

/* What the reference gives for every pair of bytes, a's by a's. */
static void add_outputs(const struct ctx *ctx, const struct mica_add_s8 *p, int8_t *out)
{
    const struct multiplier a = {p->a_multiplier, p->a_shift}, b = {p->b_multiplier, p->b_shift};
    const struct multiplier last = {p->out_multiplier, p->out_shift};
    int32_t of_a[256], of_b[256];
    for (int i = 0; i < 256; i++) {
        of_a[i] = requantize(ctx, (i - 128 - p->a_zero) * (1 << 20), a);
        of_b[i] = requantize(ctx, (i - 128 - p->b_zero) * (1 << 20), b) * p->b_sign;
    }
    for (int i = 0; i < 256; i++)
        for (int k = 0; k < 256; k++) {
            const int32_t sum = add_zero(requantize(ctx, of_a[i] + of_b[k], last), p->out_zero);
            *out++ = (int8_t)(sum < p->out_min ? p->out_min : sum > p->out_max ? p->out_max : sum);
        }
}

/* One multiplication an input; false where no linear function gives the reference's bytes. */
static bool lower_add_linear(struct lower *l, const struct mica_add_s8 *p, const double ratio[3],
                             const struct broadcast *broadcast)
{
    const double scale = ratio[2] * 0x1p20;
    const double slope[2] = {ratio[0] * scale, ratio[1] * scale * p->b_sign};
    int8_t *want = NEWS(l->ctx, int8_t, 256 * 256);
    struct linear linear;
    add_outputs(l->ctx, p, want);
    if (!linear_find(slope, want, p->out_min, p->out_max, &linear))
        return false;
    const struct mica_add_linear_s8 fast = {.a_multiplier = linear.multiplier[0],
                                            .b_multiplier = linear.multiplier[1],
                                            .offset = linear.offset,
                                            .out_min = p->out_min,
                                            .out_max = p->out_max,
                                            .a_step = p->a_step,
                                            .b_step = p->b_step};
    lower_broadcast(l, &kernel_add_linear_s8, &fast, broadcast);
    return true;
}

static void lower_add(struct lower *l, struct node *n)
{
    const struct attr_binary *attr = n->attr;
    const struct broadcast broadcast = broadcast_inputs(n);
    double ratio[3];
    add_ratios(l, n, ratio);
    struct multiplier a = quantize_multiplier(l->ctx, ratio[0]);
    struct multiplier b = quantize_multiplier(l->ctx, ratio[1]);
    struct multiplier out = quantize_multiplier(l->ctx, ratio[2]);
    struct mica_add_s8 p = {
        .a_zero = (int16_t)n->in[0]->quant.zero[0],
        .b_zero = (int16_t)n->in[1]->quant.zero[0],
        .out_zero = (int16_t)n->out[0]->quant.zero[0],
        .a_step = broadcast.a_step,
        .b_step = broadcast.b_step,
        .a_shift = (int8_t)a.shift,
        .b_shift = (int8_t)b.shift,
        .out_shift = (int8_t)out.shift,
        .b_sign = node_is(n, OP_sub) ? -1 : 1,
        .a_multiplier = a.multiplier,
        .b_multiplier = b.multiplier,
        .out_multiplier = out.multiplier,
    };
    activation_range_s8(attr->activation, n->out[0], &p.out_min, &p.out_max);
    if (!lower_add_linear(l, &p, ratio, &broadcast))
        lower_broadcast(l, &kernel_add_s8, &p, &broadcast);
}

/* By two multiplications; false where a product or its roundings may leave 32 bits. */
static bool lower_mul_fours(struct lower *l, const struct mica_mul_s8 *p,
                            const struct broadcast *broadcast)
{
    int32_t twice[3];
    if (!pack_twice(255 * 255, p->multiplier, p->shift, p->out_zero, twice))
        return false;
    struct mica_mul_fours_s8 fast = {.multiplier = twice[0],
                                     .half = twice[1],
                                     .shift = twice[2],
                                     .a_zero = p->a_zero,
                                     .b_zero = p->b_zero,
                                     .out_min = p->out_min,
                                     .out_max = p->out_max,
                                     .a_step = p->a_step,
                                     .b_step = p->b_step};
    lower_broadcast(l, &kernel_mul_fours_s8, &fast, broadcast);
    return true;
}

static bool lower_mul_s8(struct lower *l, struct node *n, bool fast)
{
    const struct attr_binary *attr = n->attr;
    const struct broadcast broadcast = broadcast_inputs(n);
    const float a = n->in[0]->quant.scale[0], b = n->in[1]->quant.scale[0];
    const float out = n->out[0]->quant.scale[0];
    double real = (double)a * (double)b / (double)out;
    if (l->ctx->options.profile == MICA_PROFILE_LITERT) /* computes it in float32 */
        real = (double)(a * b / out);
    struct multiplier m = quantize_multiplier(l->ctx, real);
    struct mica_mul_s8 p = {
        .a_zero = (int16_t)n->in[0]->quant.zero[0],
        .b_zero = (int16_t)n->in[1]->quant.zero[0],
        .out_zero = (int16_t)n->out[0]->quant.zero[0],
        .a_step = broadcast.a_step,
        .b_step = broadcast.b_step,
        .shift = (int8_t)m.shift,
        .multiplier = m.multiplier,
    };
    activation_range_s8(attr->activation, n->out[0], &p.out_min, &p.out_max);
    if (fast)
        return lower_mul_fours(l, &p, &broadcast) ||
               lower_misfit(l, "a product or its roundings may leave 32 bits");
    lower_broadcast(l, &kernel_mul_s8, &p, &broadcast);
    return true;
}

static bool lower_mul(struct lower *l, struct node *n, bool fast)
{
    return n->in[0]->type == DTYPE_INT8 ? lower_mul_s8(l, n, fast)
                                        : lower_plain_f32(l, n, lower_binary_f32, fast);
}

FAST_OR_PLAIN(mul, "fours", lower_mul);

static void lower(struct lower *l, struct node *n)
{
    if (n->in[0]->type == DTYPE_FLOAT32)
        lower_binary_f32(l, n);
    else
        lower_add(l, n);
}

#define BINARY(kind, text, how)                      \
    const struct op op_##kind = {                    \
        .name = #kind,                               \
        .summary = text,                             \
        .attr_bytes = sizeof(struct attr_binary),    \
        .attrs = attrs,                              \
        .min_in = 2,                                 \
        .max_in = 2,                                 \
        .n_out = 1,                                  \
        .types = TYPE_BIT(FLOAT32) | TYPE_BIT(INT8), \
        .infer = infer,                              \
        .rows = rows_broadcast,                      \
        .in_place = in_place_broadcast,              \
        how,                                         \
    }

BINARY(add, "sum of two tensors with broadcasting, fused activation", .lower = lower);
BINARY(sub, "difference of two tensors with broadcasting, fused activation", .lower = lower);
BINARY(mul, "product of two tensors with broadcasting, fused activation", .ways = mul_ways);
