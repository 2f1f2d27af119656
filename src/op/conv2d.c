/* SPDX-License-Identifier: Apache-2.0 */
/* conv2d.c - 2-D convolution, with dilation and groups. */
#include "op/op.h"

static void infer(struct ctx *ctx, struct node *n, struct tensor *want)
{
    const struct tensor *in = n->in[0], *w = n->in[1];
    check_rank(ctx, n, 0, 4);
    check_rank(ctx, n, 1, 4);
    check_type(ctx, n, 1, in->type);
    check_constant(ctx, n, 1, "weights");
    if (in->dim[3] % w->dim[3] || w->dim[0] % (in->dim[3] / w->dim[3]))
        fail(ctx, n, "weights '%s' (%s) do not divide the %d channels of '%s' into groups", w->name,
             tensor_text(ctx, w), (int)in->dim[3], in->name);
    check_conv(ctx, n, w->dim[0], 0);
    want_conv(ctx, n, w->dim[1], w->dim[2], w->dim[0], want);
}

static void check(struct ctx *ctx, const struct node *n)
{
    const struct tensor *w = n->in[1];
    const int32_t taps = w->dim[1] * w->dim[2] * w->dim[3];
    if (n->in[0]->type == DTYPE_INT8)
        check_accumulator(ctx, n, w->dim[0], taps, taps, 1);
}

static void lower_s8(struct lower *l, struct node *n)
{
    const struct attr_conv2d *a = n->attr;
    const struct tensor *in = n->in[0], *w = n->in[1], *out = n->out[0];
    const int32_t groups = in->dim[3] / w->dim[3];
    struct mica_conv2d_s8 p = {
        CONV_PLAIN_FIELDS(l, a, in, w, out),
        .out_c = lower_i16(l, "the output's channels", out->dim[3]),
        .group_in = lower_i16(l, "the channels of a group", w->dim[3]),
        .group_out = lower_i16(l, "the channels of a group", w->dim[0] / groups),
        .in_zero = (int16_t)in->quant.zero[0],
        .out_zero = (int16_t)out->quant.zero[0],
    };
    activation_range_s8(a->activation, out, &p.out_min, &p.out_max);
    channel_multipliers(l, in, w, out, w->dim[0], &p.multiplier, &p.shift);
    struct window window = conv_window(n, w->dim[1]);
    lower_window(l, &kernel_conv2d_s8, &p, &window);
}

static void lower_f32(struct lower *l, struct node *n)
{
    const struct attr_conv2d *a = n->attr;
    const struct tensor *in = n->in[0], *w = n->in[1], *out = n->out[0];
    const int32_t groups = in->dim[3] / w->dim[3];
    struct mica_conv2d_f32 p = {
        CONV_PLAIN_FIELDS(l, a, in, w, out),
        .out_c = lower_i16(l, "the output's channels", out->dim[3]),
        .group_in = lower_i16(l, "the channels of a group", w->dim[3]),
        .group_out = lower_i16(l, "the channels of a group", w->dim[0] / groups),
    };
    activation_range_f32(a->activation, &p.out_min, &p.out_max);
    struct window window = conv_window(n, w->dim[1]);
    lower_window(l, &kernel_conv2d_f32, &p, &window);
}

static bool lower_plain(struct lower *l, struct node *n)
{
    n->in[0]->type == DTYPE_INT8 ? lower_s8(l, n) : lower_f32(l, n);
    return true;
}

static const struct way ways[] = {
    {"blocks", lower_conv2d_blocks},
    {"bytes", lower_conv2d_bytes},
    {"pixel_pairs", lower_conv2d_pixel_pairs},
    {"pixel_fours", lower_conv2d_pixel_fours},
    {"quads", lower_conv2d_quads},
    {"1x1_pairs", lower_conv2d_1x1_pairs},
    {"pairs", lower_conv2d_pairs},
    {"patch_pairs", lower_conv2d_patch_pairs},
    {"window_pairs", lower_conv2d_window_pairs},
    {"window_fours", lower_conv2d_window_fours},
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
    return tensor_elements(n->out[0]) * w->dim[1] * w->dim[2] * w->dim[3];
}

const struct op op_conv2d = {
    .name = "conv2d",
    .summary = "2-D convolution with dilation and groups, fused activation",
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
