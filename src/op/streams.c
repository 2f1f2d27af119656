/* SPDX-License-Identifier: Apache-2.0 */
/* streams.c - int8 layers at speed: kernels that read weights, biases, multipliers as packing lays
 * them out (kernels/nn/pairs.h, depthwise3x3.h, quads.h), where it proves them exact. Pairs are for
 * cores with the DSP extension, quads and fours for those with a plain multiplier.
 *
 * Elsewhere, and where a layer does not fit them, the plain kernels serve. On other cores the same
 * files run portable loops over the same streams. */
#include "op/streams.h"

enum {
    DEPTHWISE_CHUNK = 16, /* channels at a time: 784 bytes of scratch */
    STRIP_POINTERS = 32   /* row pointers of one call, which lie on the stack */
};

bool wants_dsp(const struct ctx *ctx)
{
    return ctx->options.optimize == MICA_OPTIMIZE_SPEED && core_has_dsp(ctx->options.target);
}

bool wants_fours(const struct ctx *ctx)
{
    return ctx->options.optimize == MICA_OPTIMIZE_SPEED && core_has_multiplier(ctx->options.target);
}

bool wants_streams(const struct ctx *ctx)
{
    return wants_dsp(ctx) && !ctx->options.stream_axis;
}

bool wants_quads(const struct ctx *ctx)
{
    return wants_fours(ctx) && !ctx->options.stream_axis;
}

void layer_scales(struct lower *l, struct pack_layer *p, enum activation activation)
{
    const struct node *n = l->step->node;
    const struct tensor *in = n->in[0], *w = n->in[1], *out = n->out[0];
    int32_t *multiplier = NEWS(l->ctx, int32_t, p->channels);
    int8_t *shift = NEWS(l->ctx, int8_t, p->channels);
    int16_t min, max;
    for (int32_t c = 0; c < p->channels; c++) {
        struct multiplier m = quantize_multiplier(
            l->ctx, (double)in->quant.scale[0] * (double)w->quant.scale[w->quant.n > 1 ? c : 0] /
                        (double)out->quant.scale[0]);
        multiplier[c] = m.multiplier;
        shift[c] = (int8_t)m.shift;
    }
    activation_range_s8(activation, out, &min, &max);
    p->weights = w->data;
    p->bias = n->n_in > 2 && n->in[2] ? n->in[2]->data : NULL;
    p->multiplier = multiplier;
    p->shift = shift;
    p->scale_step = 1;
    p->in_zero = in->quant.zero[0];
    p->out_zero = out->quant.zero[0];
    p->out_min = min;
    p->out_max = max;
    p->single = l->ctx->options.profile == MICA_PROFILE_SINGLE;
}

/* Outputs whose zero point is the least of all need a rounding less. */
static int16_t has_relu(const struct tensor *out)
{
    return out->quant.zero[0] == -128;
}

struct tensor *lower_buffer(struct lower *l, int32_t bytes)
{
    return lower_temp(l, DTYPE_INT16, (bytes + 1) / 2);
}

/* The stream of pairs as a constant; NULL where the layer does not fit. */
static const int32_t *pairs_stream(struct lower *l, const struct pack_layer *p, int32_t fill)
{
    const int32_t words = pack_pairs_words(p, fill);
    int32_t *stream = NEWS(l->ctx, int32_t, words);
    if (pack_pairs(p, fill, stream) != PACK_OK)
        return NULL;
    return lower_constant(l, "stream", DTYPE_INT32, words, stream);
}

/* ---- convolution ------------------------------------------------------------------------------ */

/* Rows a call: as many as the pointers allow, and an even share of all rows where that is near. */
static int32_t strip_rows(int32_t rows, int32_t reach, int32_t stride)
{
    int32_t most = reach >= STRIP_POINTERS ? 1 : (STRIP_POINTERS - reach) / stride + 1;
    most = most > rows ? rows : most;
    for (int32_t strip = most; strip > most / 2; strip--)
        if (rows % strip == 0)
            return strip;
    return most;
}

struct call *lower_strips(struct lower *l, const struct kernel *kernel, const void *params,
                          const struct window *w, struct tensor *scratch)
{
    struct tensor *in = l->step->node->in[0], *out = l->step->node->out[0];
    struct call *c = lower_call(l, kernel, params);
    const int32_t in_row = in->dim[2] * in->dim[3], out_row = out->dim[2] * out->dim[3];
    struct operand *from = call_bind(c, in, 0);
    call_bind(c, scratch, 0);
    struct operand *to = call_bind(c, out, 0);
    from->window = *w;
    from->window.kernel = (w->kernel - 1) * w->dilation + 1; /* consecutive rows */
    from->window.dilation = 1;
    if (in->dim[0] > 1) {
        int image = call_loop(c, in->dim[0]);
        from->step[image] = in->dim[1] * in_row;
        to->step[image] = out->dim[1] * out_row;
    }
    from->window.loop = call_loop(c, out->dim[1]);
    to->step[from->window.loop] = out_row;
    c->count = 1;
    c->strip = strip_rows(out->dim[1], from->window.kernel, w->stride);
    return c;
}

static void lower_1x1(struct lower *l, struct node *n, const int32_t *stream)
{
    struct tensor *in = n->in[0], *out = n->out[0];
    struct mica_conv2d_1x1_pairs_s8 p = {lower_i16(l, "the input's channels", in->dim[3]),
                                         lower_i16(l, "the output's channels", out->dim[3]),
                                         has_relu(out), stream};
    struct tensor *scratch = lower_buffer(l, pack_conv2d_1x1_pairs_buffer(in->dim[3]));
    struct call *c = lower_call(l, &kernel_conv2d_1x1_pairs_s8, &p);
    struct operand *from = call_bind(c, in, 0);
    call_bind(c, scratch, 0);
    struct operand *to = call_bind(c, out, 0);
    const int row = call_loop(c, tensor_rows(out));
    from->step[row] = in->dim[2] * in->dim[3];
    to->step[row] = out->dim[2] * out->dim[3];
    c->count = in->dim[2];
    c->joins = true;
}

#define CONV_PARAMS(a, in, w, out, words)                                                     \
    {                                                                                         \
        CONV_FIELDS(l, a, in, w, out),                                                        \
            .out_c = lower_i16(l, "the output's channels", (out)->dim[3]),                    \
            .stride_h = lower_i16(l, "the stride", (a)->stride_h),                            \
            .in_zero = (int16_t)(in)->quant.zero[0], .relu = has_relu(out), .stream = (words) \
    }

static bool lower_conv2d_quads(struct lower *l, struct node *n)
{
    const struct attr_conv2d *a = n->attr;
    const struct tensor *in = n->in[0], *w = n->in[1], *out = n->out[0];
    const int32_t taps = w->dim[1] * w->dim[2] * w->dim[3], filled = pack_quads_taps(taps);
    const int64_t size = (int64_t)w->dim[0] * filled;
    if (!wants_quads(l->ctx) || w->dim[3] != in->dim[3] || w->dim[0] < 2)
        return false;
    struct pack_layer layer = {
        .channels = w->dim[0], .taps = taps, .channel_step = taps, .tap_step = 1};
    layer_scales(l, &layer, a->activation);
    int8_t *weights = NEWS(l->ctx, int8_t, size);
    int32_t *scales = NEWS(l->ctx, int32_t, 4 * w->dim[0]);
    if (pack_quads(&layer, weights, scales) != PACK_OK)
        return false;
    struct mica_conv2d_quads_s8 p = {
        CONV_FIELDS(l, a, in, w, out),
        .out_c = lower_i16(l, "the output's channels", out->dim[3]),
        .stride_h = lower_i16(l, "the stride", a->stride_h),
        .dilation_h = lower_i16(l, "the dilation", a->dilation_h),
        .dilation_w = lower_i16(l, "the dilation", a->dilation_w),
        .in_zero = (int16_t)in->quant.zero[0],
        .taps = lower_i16(l, "the kernel's size", filled),
        .weights = lower_constant(l, "weights", DTYPE_INT8, size, weights),
        .scales = lower_constant(l, "scales", DTYPE_INT32, 4 * w->dim[0], scales)};
    const struct window window = conv_window(n, w->dim[1]);
    const int32_t bytes = pack_conv2d_quads_buffer(taps, w->dim[2] * w->dim[3]);
    lower_strips(l, &kernel_conv2d_quads_s8, &p, &window, lower_temp(l, DTYPE_INT32, bytes / 4));
    return true;
}

/* A kernel of (params, in[, buffer], out) that takes the only pixel of a row. */
static void lower_pixel(struct lower *l, const struct kernel *kernel, const void *params,
                        struct tensor *scratch)
{
    struct tensor *in = l->step->node->in[0], *out = l->step->node->out[0];
    struct call *c = lower_call(l, kernel, params);
    struct operand *from = call_bind(c, in, 0);
    if (scratch)
        call_bind(c, scratch, 0);
    struct operand *to = call_bind(c, out, 0);
    const int row = call_loop(c, tensor_rows(out));
    from->step[row] = in->dim[3];
    to->step[row] = out->dim[3];
}

/* In a stream over time a 1x1 convolution of rows of one pixel is a dense layer. */
static bool lower_conv2d_pixel(struct lower *l, struct node *n)
{
    const struct attr_conv2d *a = n->attr;
    const struct tensor *in = n->in[0], *w = n->in[1], *out = n->out[0];
    const int32_t taps = w->dim[3], channels = w->dim[0];
    if (!l->ctx->options.stream_axis || taps != in->dim[3] || w->dim[1] != 1 || w->dim[2] != 1 ||
        in->dim[2] != 1 || out->dim[2] != 1 || in->dim[1] != out->dim[1])
        return false;
    struct pack_layer layer = {
        .channels = channels, .taps = taps, .channel_step = taps, .tap_step = 1};
    layer_scales(l, &layer, a->activation);
    if (wants_dsp(l->ctx)) {
        const struct mica_dense_pairs_s8 p = {taps, channels, pairs_stream(l, &layer, 8)};
        if (p.stream)
            lower_pixel(l, &kernel_dense_pairs_s8, &p,
                        lower_buffer(l, pack_dense_pairs_buffer(taps)));
        return p.stream != NULL;
    }
    int32_t *scales = NEWS(l->ctx, int32_t, 4 * channels);
    if (!wants_fours(l->ctx) || channels < 4 || pack_scales(&layer, scales) != PACK_OK)
        return false;
    const struct mica_dense_fours_s8 p = {
        taps, channels, lower_weights(l, 1, "weights"),
        lower_constant(l, "scales", DTYPE_INT32, 4 * channels, scales)};
    lower_pixel(l, &kernel_dense_fours_s8, &p, NULL);
    return true;
}

bool lower_conv2d_streams(struct lower *l, struct node *n)
{
    if (lower_conv2d_pixel(l, n) || lower_conv2d_winograd(l, n) || lower_conv2d_quads(l, n))
        return true;
    const struct attr_conv2d *a = n->attr;
    const struct tensor *in = n->in[0], *w = n->in[1], *out = n->out[0];
    const int32_t taps = w->dim[1] * w->dim[2] * w->dim[3];
    const bool dilated = a->dilation_h > 1 || a->dilation_w > 1, fours = in->dim[3] % 4 == 0;
    if (!wants_streams(l->ctx) || w->dim[3] != in->dim[3] || (dilated && !fours))
        return false;
    struct pack_layer layer = {
        .channels = w->dim[0], .taps = taps, .channel_step = taps, .tap_step = 1};
    layer_scales(l, &layer, a->activation);
    const int32_t *stream = pairs_stream(l, &layer, 4);
    if (!stream)
        return false;
    const bool plain_window = w->dim[1] == 1 && w->dim[2] == 1 && a->stride_h == 1 &&
                              a->stride_w == 1 && in->dim[1] == out->dim[1] &&
                              in->dim[2] == out->dim[2];
    const struct window window = conv_window(n, w->dim[1]);
    if (plain_window && fours) {
        lower_1x1(l, n, stream);
    } else if (fours) {
        struct mica_conv2d_pairs_s8 p = CONV_PARAMS(a, in, w, out, stream);
        p.dilation_h = lower_i16(l, "the dilation", a->dilation_h);
        p.dilation_w = lower_i16(l, "the dilation", a->dilation_w);
        lower_strips(l, &kernel_conv2d_pairs_s8, &p, &window,
                     lower_buffer(l, pack_conv2d_pairs_buffer(taps, in->dim[3])));
    } else {
        struct mica_conv2d_patch_pairs_s8 p = CONV_PARAMS(a, in, w, out, stream);
        lower_strips(l, &kernel_conv2d_patch_pairs_s8, &p, &window,
                     lower_buffer(l, pack_conv2d_patch_pairs_buffer(taps)));
    }
    return true;
}

/* ---- depthwise -------------------------------------------------------------------------------- */

/* A kernel of one column on rows of one pixel, as over time, without padding. */
static bool lower_depthwise_column(struct lower *l, struct node *n)
{
    const struct attr_conv2d *a = n->attr;
    const struct tensor *in = n->in[0], *w = n->in[1], *out = n->out[0];
    const int32_t channels = w->dim[3];
    const bool padded = a->pad_top + a->pad_bottom + a->pad_left + a->pad_right > 0;
    if (!(wants_dsp(l->ctx) || wants_fours(l->ctx)) || padded || w->dim[2] != 1 ||
        in->dim[2] != 1 || out->dim[2] != 1 || channels != in->dim[3] || channels % 4)
        return false;
    struct pack_layer layer = {
        .channels = channels, .taps = w->dim[1], .channel_step = 1, .tap_step = channels};
    layer_scales(l, &layer, a->activation);
    const int32_t words = pack_column_words(&layer);
    int32_t *stream = NEWS(l->ctx, int32_t, words);
    if (pack_column(&layer, stream) != PACK_OK)
        return false;
    const struct mica_depthwise_column_s8 p = {
        lower_i16(l, "the channels", channels), lower_i16(l, "the kernel's height", w->dim[1]),
        lower_constant(l, "stream", DTYPE_INT32, words, stream)};
    const struct window window = conv_window(n, w->dim[1]);
    lower_window(l, &kernel_depthwise_column_s8, &p, &window);
    return true;
}

static bool lower_depthwise3x3(struct lower *l, struct node *n)
{
    const struct attr_conv2d *a = n->attr;
    const struct tensor *in = n->in[0], *w = n->in[1], *out = n->out[0];
    const bool fits = w->dim[1] == 3 && w->dim[2] == 3 && a->dilation_h == 1 &&
                      a->dilation_w == 1 && a->stride_h == a->stride_w && a->stride_h <= 2 &&
                      in->dim[3] == out->dim[3];
    if (!fits || !(wants_streams(l->ctx) || wants_quads(l->ctx)))
        return false;
    const int32_t channels = w->dim[3];
    struct pack_layer layer = {
        .channels = channels, .taps = 9, .channel_step = 1, .tap_step = channels};
    layer_scales(l, &layer, a->activation);
    const int32_t words = pack_depthwise3x3_words(&layer);
    int32_t *stream = NEWS(l->ctx, int32_t, words);
    if (pack_depthwise3x3(&layer, stream) != PACK_OK)
        return false;
    const int32_t chunk = channels < DEPTHWISE_CHUNK ? channels : DEPTHWISE_CHUNK;
    const struct mica_depthwise3x3_s8 p = {
        .in_w = lower_i16(l, "the input's width", in->dim[2]),
        .channels = lower_i16(l, "the channels", channels),
        .out_w = lower_i16(l, "the output's width", out->dim[2]),
        .pad_left = lower_i16(l, "the padding", a->pad_left),
        .chunk = (int16_t)chunk,
        .in_zero = (int16_t)in->quant.zero[0],
        .relu = has_relu(out),
        .stream = lower_constant(l, "stream", DTYPE_INT32, words, stream)};
    const struct mica_depthwise3x3_stride2_s8 p2 = {p.in_w,  p.channels, p.out_w, p.pad_left,
                                                    p.chunk, p.in_zero,  p.relu,  p.stream};
    const struct mica_depthwise3x3_w5_s8 p5 = {p.in_w,  p.channels, p.out_w, p.pad_left,
                                               p.chunk, p.in_zero,  p.relu,  p.stream};
    const struct mica_depthwise3x3_w3_s8 p3 = {p.in_w,  p.channels, p.out_w, p.pad_left,
                                               p.chunk, p.in_zero,  p.relu,  p.stream};
    const struct window window = conv_window(n, 3);
    struct tensor *scratch = lower_buffer(l, pack_depthwise3x3_buffer(chunk));
    if (a->stride_h == 2)
        lower_strips(l, &kernel_depthwise3x3_stride2_s8, &p2, &window, scratch);
    else if (p.out_w == 5)
        lower_strips(l, &kernel_depthwise3x3_w5_s8, &p5, &window, scratch);
    else if (p.out_w <= 3)
        lower_strips(l, &kernel_depthwise3x3_w3_s8, &p3, &window, scratch);
    else
        lower_strips(l, &kernel_depthwise3x3_s8, &p, &window, scratch);
    return true;
}

bool lower_depthwise_streams(struct lower *l, struct node *n)
{
    return lower_depthwise_column(l, n) || lower_depthwise3x3(l, n) ||
           lower_depthwise_planar(l, n);
}

/* ---- dense ------------------------------------------------------------------------------------ */

static bool lower_dense_fours(struct lower *l, struct pack_layer *layer)
{
    const int32_t outputs = layer->channels;
    int32_t *scales = NEWS(l->ctx, int32_t, 4 * outputs);
    if (outputs < 4 || pack_scales(layer, scales) != PACK_OK)
        return false;
    const struct mica_dense_fours_s8 p = {
        .in_n = layer->taps,
        .out_n = outputs,
        .weights = lower_weights(l, 1, "weights"),
        .scales = lower_constant(l, "scales", DTYPE_INT32, 4 * outputs, scales)};
    lower_vectors(l, &kernel_dense_fours_s8, &p, p.in_n, p.out_n);
    return true;
}

bool lower_dense_streams(struct lower *l, struct node *n)
{
    const struct attr_dense *a = n->attr;
    const struct tensor *w = n->in[1];
    if (l->ctx->options.profile == MICA_PROFILE_LITERT)
        return false;
    const int32_t outputs = w->dim[0], inputs = w->dim[1];
    struct pack_layer layer = {
        .channels = outputs, .taps = inputs, .channel_step = inputs, .tap_step = 1};
    layer_scales(l, &layer, a->activation);
    if (wants_fours(l->ctx))
        return lower_dense_fours(l, &layer);
    if (!wants_dsp(l->ctx))
        return false;
    const int32_t *stream = pairs_stream(l, &layer, 8);
    if (!stream)
        return false;
    const struct mica_dense_pairs_s8 p = {.in_n = inputs, .out_n = outputs, .stream = stream};
    struct tensor *scratch = lower_buffer(l, pack_dense_pairs_buffer(inputs));
    const int32_t vectors = (int32_t)(tensor_elements(n->out[0]) / outputs);
    const int32_t rows = rows_vectors(n).whole ? 1 : tensor_rows(n->out[0]);
    struct call *c = lower_call(l, &kernel_dense_pairs_s8, &p);
    struct operand *from = call_bind(c, n->in[0], 0);
    call_bind(c, scratch, 0);
    struct operand *to = call_bind(c, n->out[0], 0);
    int loop = call_loop(c, rows);
    from->step[loop] = vectors / rows * inputs;
    to->step[loop] = vectors / rows * outputs;
    if (vectors > rows) {
        loop = call_loop(c, vectors / rows);
        from->step[loop] = inputs;
        to->step[loop] = outputs;
    }
    return true;
}
