/* SPDX-License-Identifier: Apache-2.0 */
/* depthwise_conv2d.c - 2-D convolution of every channel by itself, with dilation and multiplier. */
#include "op/float.h"

static void infer(struct ctx *ctx, struct node *n, struct tensor *want)
{
    const struct tensor *in = n->in[0], *w = n->in[1];
    check_rank(ctx, n, 0, 4);
    check_rank(ctx, n, 1, 4);
    check_type(ctx, n, 1, in->type);
    check_constant(ctx, n, 1, "weights");
    if (w->dim[0] != 1 || w->dim[3] % in->dim[3])
        fail(ctx, n,
             "weights '%s' (%s) must be [1, height, width, channels], the channels a "
             "multiple of the %d of '%s': convert the model again",
             w->name, tensor_text(ctx, w), (int)in->dim[3], in->name);
    check_conv(ctx, n, w->dim[3], 3);
    want_conv(ctx, n, w->dim[1], w->dim[2], w->dim[3], want);
}

static void check(struct ctx *ctx, const struct node *n)
{
    const struct tensor *w = n->in[1];
    if (n->in[0]->type == DTYPE_INT8)
        check_accumulator(ctx, n, w->dim[3], w->dim[1] * w->dim[2], 1, w->dim[3]);
}

static void lower_s8(struct lower *l, struct node *n)
{
    const struct attr_conv2d *a = n->attr;
    const struct tensor *in = n->in[0], *w = n->in[1], *out = n->out[0];
    const int32_t channels = w->dim[3];
    struct mica_depthwise_conv2d_s8 p = {
        CONV_PLAIN_FIELDS(l, a, in, w, out),
        .channel_out = lower_i16(l, "the channel multiplier", channels / in->dim[3]),
        .in_zero = (int16_t)in->quant.zero[0],
        .out_zero = (int16_t)out->quant.zero[0],
    };
    activation_range_s8(a->activation, out, &p.out_min, &p.out_max);
    channel_multipliers(l, in, w, out, channels, &p.multiplier, &p.shift);
    struct window window = conv_window(n, w->dim[1]);
    lower_window(l, &kernel_depthwise_conv2d_s8, &p, &window);
}

static bool lower_plain(struct lower *l, struct node *n)
{
    n->in[0]->type == DTYPE_INT8 ? lower_s8(l, n) : lower_depthwise_conv2d_f32(l, n);
    return true;
}

static const struct way ways[] = {
    {"blocks", lower_depthwise_blocks},
    {"bytes", lower_depthwise_bytes},
    {"column", lower_depthwise_column},
    {"3x3_stride2", lower_depthwise3x3_stride2},
    {"3x3_w5", lower_depthwise3x3_w5},
    {"3x3_w3", lower_depthwise3x3_w3},
    {"3x3", lower_depthwise3x3},
    {"plain", lower_plain},
    {NULL, NULL},
};

static struct rows rows(const struct node *n)
{
    return conv_rows(n, n->in[1]->dim[1]);
}

static int64_t macs(const struct node *n)
{
    const struct tensor *w = n->in[1];
    return tensor_elements(n->out[0]) * w->dim[1] * w->dim[2];
}

const struct op op_depthwise_conv2d = {
    .name = "depthwise_conv2d",
    .summary = "2-D convolution channel by channel, any multiplier, dilation, fused activation",
    .attr_bytes = sizeof(struct attr_conv2d),
    .attrs = conv_attrs,
    .min_in = 2,
    .max_in = 3,
    .n_out = 1,
    .types = TYPE_BIT(FLOAT32) | TYPE_BIT(INT8),
    .infer = infer,
    .rows = rows,
    .macs = macs,
    .check = check,
    .ways = ways,
};
