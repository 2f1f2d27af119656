/* SPDX-License-Identifier: Apache-2.0 */
/* depthwise_planar.c - depthwise convolutions of any window (kernels/nn/depthwise_planar.h):
 * kernels up to 15 wide, any stride, dilation and channel multiplier. */
#include "op/streams.h"

enum { SCRATCH_BYTES = 3072 }; /* of the ring, but for four channels at least */

/* Input channels at a time: multiples of 4 are expanded faster. */
static int16_t planar_chunk(const struct ctx *ctx, const struct pack_planar *w, int32_t channels)
{
    const int32_t most = ctx->buffer_max < SCRATCH_BYTES ? ctx->buffer_max : SCRATCH_BYTES;
    const int32_t fit = most / pack_planar_buffer(w, 1) & ~3, chunk = fit > 4 ? fit : 4;
    return (int16_t)(chunk < channels ? chunk : channels);
}

static bool lower_planar(struct lower *l, struct node *n, bool strided)
{
    const struct attr_conv2d *a = n->attr;
    const struct tensor *in = n->in[0], *w = n->in[1], *out = n->out[0];
    if (in->type != DTYPE_INT8)
        return lower_misfit(l, "it is for int8");
    if (!has_some_multiplier(l) || !has_strips(l))
        return false;
    const int32_t channels = w->dim[3];
    const struct pack_planar planar = {.kernel_h = w->dim[1],
                                       .kernel_w = w->dim[2],
                                       .stride_w = out->dim[2] == 1 ? 1 : a->stride_w,
                                       .dilation_w = a->dilation_w,
                                       .multiplier = channels / in->dim[3]};
    const int32_t steps = pack_planar_steps(&planar);
    struct pack_layer layer = {.channels = channels,
                               .taps = w->dim[1] * w->dim[2],
                               .channel_step = 1,
                               .tap_step = channels};
    if (strided != (planar.stride_w > 1))
        return lower_misfit(l, strided ? "it is for larger strides" : "it is for stride 1");
    if (steps > MICA_DEPTHWISE_PLANAR_STEPS)
        return lower_misfit(l, "it is for kernels of up to 15 columns");
    set_scales(l, &layer, a->activation);
    const int32_t words = pack_planar_words(&layer, &planar);
    int32_t *stream = NEWS(l->ctx, int32_t, words);
    if (!is_packed(l, pack_planar(&layer, &planar, stream)))
        return false;
    const struct mica_depthwise_planar_stride_s8 p = {
        .in_w = lower_i16(l, "the input's width", in->dim[2]),
        .in_c = lower_i16(l, "the input's channels", in->dim[3]),
        .out_w = lower_i16(l, "the output's width", out->dim[2]),
        .kernel_h = lower_i16(l, "the kernel's height", w->dim[1]),
        .stride_h = lower_i16(l, "the stride", a->stride_h),
        .stride_w = lower_i16(l, "the stride", planar.stride_w),
        .dilation_h = lower_i16(l, "the dilation", a->dilation_h),
        .dilation_w = lower_i16(l, "the dilation", a->dilation_w),
        .pad_left = lower_i16(l, "the padding", a->pad_left),
        .multiplier = lower_i16(l, "the channel multiplier", planar.multiplier),
        .chunk = planar_chunk(l->ctx, &planar, in->dim[3]),
        .in_zero = (int16_t)in->quant.zero[0],
        .steps = (int16_t)steps,
        .stream = lower_constant(l, "stream", DTYPE_INT32, words, stream)};
    const struct mica_depthwise_planar_s8 p1 = {
        p.in_w,     p.in_c,       p.out_w, p.kernel_h, p.stride_h, p.dilation_h, p.dilation_w,
        p.pad_left, p.multiplier, p.chunk, p.in_zero,  p.steps,    p.stream};
    const struct window window = conv_window(n, w->dim[1]);
    struct tensor *scratch = lower_buffer(l, pack_planar_buffer(&planar, p.chunk));
    if (strided)
        lower_strips(l, &kernel_depthwise_planar_stride_s8, &p, &window, scratch);
    else
        lower_strips(l, &kernel_depthwise_planar_s8, &p1, &window, scratch);
    return true;
}

bool lower_depthwise_planar(struct lower *l, struct node *n)
{
    return lower_planar(l, n, false);
}

bool lower_depthwise_planar_stride(struct lower *l, struct node *n)
{
    return lower_planar(l, n, true);
}
