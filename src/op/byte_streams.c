/* SPDX-License-Identifier: Apache-2.0 */
/* byte_streams.c - fast int8 layers on cores that multiply 8 by 8 bits (kernels/nn/bytes.h):
 * where packing proves that sums fit in 24 bits. */
#include "op/op.h"
#include "op/pack.h"

static bool fits_core(struct lower *l)
{
    if (l->step->node->in[0]->type != DTYPE_INT8)
        return lower_misfit(l, "it is for int8");
    if (!core_has_byte_multiplier(l->ctx->options.target))
        return lower_misfit(l, "it is for cores that multiply 8 by 8 bits");
    return true;
}

/* Beside this, kernels that make a strip of rows a call do not serve streams over time. */
static bool fits_strips(struct lower *l)
{
    if (l->ctx->options.optimize == MICA_OPTIMIZE_RAM)
        return lower_misfit(l, "its buffer is memory, of which these cores have least");
    return fits_core(l) && (!l->ctx->options.stream_axis ||
                            lower_misfit(l, "a stream over time has no strips of rows"));
}

/* The scales as a constant; NULL where the layer does not fit. */
static const int32_t *scales_of(struct lower *l, const struct pack_layer *layer, bool with_signs)
{
    int32_t *scales = NEWS(l->ctx, int32_t, 4 * layer->channels);
    const enum pack_verdict verdict = pack_bytes_scales(layer, with_signs, scales);
    if (verdict != PACK_OK) {
        lower_misfit(l, pack_verdict_text(verdict));
        return NULL;
    }
    return lower_constant(l, "scales", DTYPE_INT32, 4 * layer->channels, scales);
}

#define CONV_PARAMS(a, in, w, out)                                                              \
    CONV_FIELDS(l, a, in, w, out), .stride_h = lower_i16(l, "the stride", (a)->stride_h),       \
                                   .dilation_h = lower_i16(l, "the dilation", (a)->dilation_h), \
                                   .in_zero = (int16_t)(in)->quant.zero[0]

bool lower_conv2d_bytes(struct lower *l, struct node *n)
{
    const struct attr_conv2d *a = n->attr;
    const struct tensor *in = n->in[0], *w = n->in[1], *out = n->out[0];
    const int32_t taps = w->dim[1] * w->dim[2] * w->dim[3], size = w->dim[0] * taps;
    if (!fits_strips(l))
        return false;
    if (w->dim[3] != in->dim[3])
        return lower_misfit(l, "the convolution has groups");
    if (a->dilation_w > 1)
        return lower_misfit(l, "it is for kernels without dilation");
    if (taps > INT16_MAX / 4)
        return lower_misfit(l, "the kernel is too large");
    struct pack_layer layer = {
        .channels = w->dim[0], .taps = taps, .channel_step = taps, .tap_step = 1};
    set_scales(l, &layer, a->activation);
    const int32_t *scales = scales_of(l, &layer, false);
    if (!scales)
        return false;
    int8_t *weights = NEWS(l->ctx, int8_t, size);
    pack_bytes_rows(&layer, false, weights);
    const struct mica_conv2d_bytes_s8 p = {
        CONV_PARAMS(a, in, w, out), .out_c = lower_i16(l, "the output's channels", out->dim[3]),
        .weights = lower_constant(l, "weights", DTYPE_INT8, size, weights), .scales = scales};
    const struct window window = conv_window(n, w->dim[1]);
    lower_strips(l, &kernel_conv2d_bytes_s8, &p, &window, lower_temp(l, DTYPE_INT8, 4 * taps));
    return true;
}

bool lower_depthwise_bytes(struct lower *l, struct node *n)
{
    const struct attr_conv2d *a = n->attr;
    const struct tensor *in = n->in[0], *w = n->in[1], *out = n->out[0];
    const int32_t taps = w->dim[1] * w->dim[2], channels = w->dim[3], size = channels * taps;
    if (!fits_strips(l))
        return false;
    if (channels != in->dim[3])
        return lower_misfit(l, "it is for a channel multiplier of 1");
    if (taps > MICA_DEPTHWISE_BYTES_TAPS)
        return lower_misfit(l, "the kernel is too large");
    struct pack_layer layer = {
        .channels = channels, .taps = taps, .channel_step = 1, .tap_step = channels};
    set_scales(l, &layer, a->activation);
    const int32_t *scales = scales_of(l, &layer, true);
    if (!scales)
        return false;
    int8_t *weights = NEWS(l->ctx, int8_t, size);
    pack_bytes_rows(&layer, true, weights);
    const struct mica_depthwise_bytes_s8 p = {
        CONV_PARAMS(a, in, w, out), .dilation_w = lower_i16(l, "the dilation", a->dilation_w),
        .weights = lower_constant(l, "weights", DTYPE_INT8, size, weights), .scales = scales};
    const struct window window = conv_window(n, w->dim[1]);
    lower_strips(l, &kernel_depthwise_bytes_s8, &p, &window, lower_temp(l, DTYPE_INT8, channels));
    return true;
}

bool lower_dense_bytes(struct lower *l, struct node *n)
{
    const struct attr_dense *a = n->attr;
    const struct tensor *w = n->in[1];
    const int32_t outputs = w->dim[0], inputs = w->dim[1];
    if (!fits_core(l))
        return false;
    if (l->ctx->options.profile == MICA_PROFILE_LITERT)
        return lower_misfit(l, "LiteRT scales dense layers in float64");
    if (inputs > INT16_MAX || outputs > INT16_MAX)
        return lower_misfit(l, "the layer is too large");
    struct pack_layer layer = {
        .channels = outputs, .taps = inputs, .channel_step = inputs, .tap_step = 1};
    set_scales(l, &layer, a->activation);
    const int32_t *scales = scales_of(l, &layer, false);
    if (!scales)
        return false;
    const int32_t size = pack_bytes_twos_size(&layer);
    int8_t *weights = NEWS(l->ctx, int8_t, size);
    pack_bytes_twos(&layer, weights);
    const struct mica_dense_bytes_s8 p = {
        inputs, outputs, lower_constant(l, "weights", DTYPE_INT8, size, weights), scales};
    lower_vectors(l, &kernel_dense_bytes_s8, &p, p.in_n, p.out_n);
    return true;
}
