/* SPDX-License-Identifier: Apache-2.0 */
/* float_streams.c - fast float32 layers on cores with an FPU: kernels that compute blocks of
 * outputs from weights in the order in which they read them (kernels/nn/blocks_f32.h). They sum in
 * the order of the plain kernels and round as often, so the bits are the same. */
#include <float.h>

#include "op/op.h"
#include "op/pack.h"

static bool fits_core(struct lower *l)
{
    if (l->step->node->in[0]->type != DTYPE_FLOAT32)
        return lower_misfit(l, "it is for float32");
    if (!core_has_float_blocks(l->ctx->options.target))
        return lower_misfit(l, "the core has no FPU that takes Thumb-2 assembly");
    return true;
}

/* Beside this, kernels that make a strip of rows a call do not serve streams over time. */
static bool fits_strips(struct lower *l)
{
    return fits_core(l) && (!l->ctx->options.stream_axis ||
                            lower_misfit(l, "a stream over time has no strips of rows"));
}

static bool is_finite(struct lower *l, const struct pack_float *layer)
{
    return pack_float_fits(layer) || lower_misfit(l, "a weight is not finite");
}

/* What mica_blocks_pixels() is told of an activation. */
static int16_t rectifier(float min, float max)
{
    return max < FLT_MAX ? -1 : min == 0.0f;
}

static struct pack_float layer_of(const struct node *n, int32_t channels, int32_t taps)
{
    return (struct pack_float){.channels = channels,
                               .taps = taps,
                               .channel_step = taps,
                               .tap_step = 1,
                               .weights = n->in[1]->data,
                               .bias = n->n_in > 2 && n->in[2] ? n->in[2]->data : NULL};
}

bool lower_conv2d_blocks(struct lower *l, struct node *n)
{
    const struct attr_conv2d *a = n->attr;
    const struct tensor *in = n->in[0], *w = n->in[1], *out = n->out[0];
    const int32_t taps = w->dim[1] * w->dim[2] * w->dim[3];
    const struct pack_float layer = layer_of(n, w->dim[0], taps);
    if (!fits_strips(l))
        return false;
    if (w->dim[3] != in->dim[3])
        return lower_misfit(l, "the convolution has groups");
    if (w->dim[0] < 4)
        return lower_misfit(l, "it is for four outputs and more");
    if (!is_finite(l, &layer))
        return false;
    const int32_t floats = pack_fours_floats(&layer);
    float *stream = NEWS(l->ctx, float, floats);
    pack_fours(&layer, false, stream);
    struct mica_conv2d_blocks_f32 p = {
        CONV_FIELDS(l, a, in, w, out),
        .out_c = lower_i16(l, "the output's channels", out->dim[3]),
        .stride_h = lower_i16(l, "the stride", a->stride_h),
        .dilation_h = lower_i16(l, "the dilation", a->dilation_h),
        .dilation_w = lower_i16(l, "the dilation", a->dilation_w),
        .stream = lower_constant(l, "stream", DTYPE_FLOAT32, floats, stream),
    };
    activation_range_f32(a->activation, &p.out_min, &p.out_max);
    p.rectifier = rectifier(p.out_min, p.out_max);
    const struct window window = conv_window(n, w->dim[1]);
    lower_strips(l, &kernel_conv2d_blocks_f32, &p, &window,
                 lower_temp(l, DTYPE_FLOAT32, 5 * taps + in->dim[3]));
    return true;
}

bool lower_depthwise_blocks(struct lower *l, struct node *n)
{
    const struct attr_conv2d *a = n->attr;
    const struct tensor *in = n->in[0], *w = n->in[1], *out = n->out[0];
    const int32_t channels = w->dim[3], taps = w->dim[1] * w->dim[2];
    struct pack_float layer = layer_of(n, channels, taps);
    layer.channel_step = 1;
    layer.tap_step = channels;
    if (!fits_strips(l))
        return false;
    if (channels != in->dim[3])
        return lower_misfit(l, "it is for a channel multiplier of 1");
    if (channels < 4)
        return lower_misfit(l, "it is for four channels and more");
    if (taps > MICA_DEPTHWISE_TAPS)
        return lower_misfit(l, "the kernel is too large");
    if (!is_finite(l, &layer))
        return false;
    const int32_t floats = pack_fours_floats(&layer);
    float *stream = NEWS(l->ctx, float, floats);
    pack_fours(&layer, true, stream);
    struct mica_depthwise_blocks_f32 p = {
        CONV_FIELDS(l, a, in, w, out),
        .stride_h = lower_i16(l, "the stride", a->stride_h),
        .dilation_h = lower_i16(l, "the dilation", a->dilation_h),
        .dilation_w = lower_i16(l, "the dilation", a->dilation_w),
        .stream = lower_constant(l, "stream", DTYPE_FLOAT32, floats, stream),
    };
    activation_range_f32(a->activation, &p.out_min, &p.out_max);
    p.rectifier = rectifier(p.out_min, p.out_max);
    const struct window window = conv_window(n, w->dim[1]);
    lower_strips(l, &kernel_depthwise_blocks_f32, &p, &window,
                 lower_temp(l, DTYPE_FLOAT32, channels));
    return true;
}

bool lower_dense_blocks(struct lower *l, struct node *n)
{
    const struct attr_dense *a = n->attr;
    const struct tensor *w = n->in[1];
    const struct pack_float layer = layer_of(n, w->dim[0], w->dim[1]);
    if (!fits_core(l))
        return false;
    if (w->dim[0] < 8)
        return lower_misfit(l, "it is for eight outputs and more");
    const int32_t floats = pack_eights_floats(&layer);
    float *stream = NEWS(l->ctx, float, floats);
    pack_eights(&layer, stream);
    struct mica_dense_blocks_f32 p = {
        .in_n = w->dim[1],
        .out_n = w->dim[0],
        .stream = lower_constant(l, "stream", DTYPE_FLOAT32, floats, stream),
    };
    activation_range_f32(a->activation, &p.out_min, &p.out_max);
    lower_vectors(l, &kernel_dense_blocks_f32, &p, p.in_n, p.out_n);
    return true;
}
