/* SPDX-License-Identifier: Apache-2.0 */
/* streams.c - ways to lower int8 layers: kernels that read weights and scales as packing lays them
 * out (kernels/nn/pairs.h, depthwise3x3.h, quads.h), where it proves them exact. Pairs are for
 * cores with the DSP extension, quads and fours for those with a plain multiplier; those of AVR are
 * in byte_streams.c.
 *
 * Elsewhere, and where a layer does not fit them, the plain kernels serve. On other cores the same
 * files run portable loops over the same streams. */
#include <assert.h>

#include "op/streams.h"

enum {
    DEPTHWISE_CHUNK = 16, /* channels at a time: 784 bytes of scratch */
    STRIP_POINTERS = 32   /* row pointers of one call, which lie on the stack */
};

/* Kernels for the DSP extension. */
static bool has_dsp(struct lower *l)
{
    return core_has_dsp(l->ctx->options.target) || lower_misfit(l, "the core has no DSP extension");
}

/* Kernels for cores that have a multiplier of 32 bits and nothing beyond. */
static bool has_multiplier(struct lower *l)
{
    return core_has_multiplier(l->ctx->options.target) ||
           lower_misfit(l, "it is for cores with a plain multiplier of 32 bits");
}

bool has_some_multiplier(struct lower *l)
{
    return core_has_dsp(l->ctx->options.target) || core_has_multiplier(l->ctx->options.target) ||
           lower_misfit(l, "the core has no multiplier of 32 bits");
}

bool has_strips(struct lower *l)
{
    return !l->ctx->options.stream_axis ||
           lower_misfit(l, "a stream over time has no strips of rows");
}

bool is_packed(struct lower *l, enum pack_verdict verdict)
{
    return verdict == PACK_OK || lower_misfit(l, pack_verdict_text(verdict));
}

void set_scales(struct lower *l, struct pack_layer *p, enum activation activation)
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
    if (!is_packed(l, pack_pairs(p, fill, stream)))
        return NULL;
    return lower_constant(l, "stream", DTYPE_INT32, words, stream);
}

/* ---- convolution ---------------------------------------------------------------------------- */

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

#define CONV_PARAMS(a, in, w, out, words)                                                     \
    {                                                                                         \
        CONV_FIELDS(l, a, in, w, out),                                                        \
            .out_c = lower_i16(l, "the output's channels", (out)->dim[3]),                    \
            .stride_h = lower_i16(l, "the stride", (a)->stride_h),                            \
            .in_zero = (int16_t)(in)->quant.zero[0], .relu = has_relu(out), .stream = (words) \
    }

bool is_dense_window(struct lower *l, struct pack_layer *layer)
{
    const struct node *n = l->step->node;
    const struct attr_conv2d *a = n->attr;
    const struct tensor *w = n->in[1];
    const int32_t taps = w->dim[1] * w->dim[2] * w->dim[3];
    if (n->in[0]->type != DTYPE_INT8)
        return lower_misfit(l, "it is for int8");
    if (w->dim[3] != n->in[0]->dim[3])
        return lower_misfit(l, "the convolution has groups");
    *layer = (struct pack_layer){
        .channels = w->dim[0], .taps = taps, .channel_step = taps, .tap_step = 1};
    set_scales(l, layer, a->activation);
    return true;
}

/* One kernel position, on every pixel of the input. */
static bool is_pointwise(const struct node *n)
{
    const struct attr_conv2d *a = n->attr;
    const struct tensor *in = n->in[0], *w = n->in[1], *out = n->out[0];
    return w->dim[1] == 1 && w->dim[2] == 1 && a->stride_h == 1 && a->stride_w == 1 &&
           in->dim[1] == out->dim[1] && in->dim[2] == out->dim[2];
}

bool has_fours(struct lower *l)
{
    return l->step->node->in[0]->dim[3] % 4 == 0 ||
           lower_misfit(l, "the input's channels are no multiple of 4");
}

bool lower_conv2d_1x1_pairs(struct lower *l, struct node *n)
{
    struct tensor *in = n->in[0], *out = n->out[0];
    struct pack_layer layer;
    if (!has_dsp(l) || !has_strips(l) || !is_dense_window(l, &layer) || !has_fours(l))
        return false;
    if (!is_pointwise(n))
        return lower_misfit(l, "it is for 1x1 kernels of stride 1");
    struct mica_conv2d_1x1_pairs_s8 p = {lower_i16(l, "the input's channels", in->dim[3]),
                                         lower_i16(l, "the output's channels", out->dim[3]),
                                         has_relu(out), pairs_stream(l, &layer, 4)};
    if (!p.stream)
        return false;
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
    return true;
}

bool lower_conv2d_pairs(struct lower *l, struct node *n)
{
    const struct attr_conv2d *a = n->attr;
    const struct tensor *in = n->in[0], *w = n->in[1], *out = n->out[0];
    struct pack_layer layer;
    if (!has_dsp(l) || !has_strips(l) || !is_dense_window(l, &layer) || !has_fours(l))
        return false;
    const int32_t *stream = pairs_stream(l, &layer, 4);
    if (!stream)
        return false;
    struct mica_conv2d_pairs_s8 p = CONV_PARAMS(a, in, w, out, stream);
    p.dilation_h = lower_i16(l, "the dilation", a->dilation_h);
    p.dilation_w = lower_i16(l, "the dilation", a->dilation_w);
    const struct window window = conv_window(n, w->dim[1]);
    lower_strips(l, &kernel_conv2d_pairs_s8, &p, &window,
                 lower_buffer(l, pack_conv2d_pairs_buffer(layer.taps, in->dim[3])));
    return true;
}

bool lower_conv2d_patch_pairs(struct lower *l, struct node *n)
{
    const struct attr_conv2d *a = n->attr;
    const struct tensor *in = n->in[0], *w = n->in[1], *out = n->out[0];
    struct pack_layer layer;
    if (!has_dsp(l) || !has_strips(l) || !is_dense_window(l, &layer))
        return false;
    if (a->dilation_h > 1 || a->dilation_w > 1)
        return lower_misfit(l, "the kernel is dilated");
    const int32_t *stream = pairs_stream(l, &layer, 4);
    if (!stream)
        return false;
    const struct window window = conv_window(n, w->dim[1]);
    struct mica_conv2d_patch_pairs_s8 p = CONV_PARAMS(a, in, w, out, stream);
    lower_strips(l, &kernel_conv2d_patch_pairs_s8, &p, &window,
                 lower_buffer(l, pack_conv2d_patch_pairs_buffer(layer.taps)));
    return true;
}

/* Fields of the kernels that take one window at a time. */
#define CONV_WINDOW_FIELDS(l, a, in, w, out)                                                      \
    CONV_FIELDS(l, a, in, w, out), .out_c = lower_i16(l, "the output's channels", (out)->dim[3]), \
                                   .stride_h = lower_i16(l, "the stride", (a)->stride_h),         \
                                   .dilation_h = lower_i16(l, "the dilation", (a)->dilation_h),   \
                                   .dilation_w = lower_i16(l, "the dilation", (a)->dilation_w),   \
                                   .in_zero = (int16_t)(in)->quant.zero[0]

bool lower_conv2d_window_pairs(struct lower *l, struct node *n)
{
    const struct attr_conv2d *a = n->attr;
    const struct tensor *in = n->in[0], *w = n->in[1], *out = n->out[0];
    struct pack_layer layer;
    if (!has_dsp(l) || !has_strips(l) || !is_dense_window(l, &layer))
        return false;
    if (in->dim[3] % 8 || out->dim[3] % 2)
        return lower_misfit(l, "it is for multiples of 8 input and of 2 output channels");
    const struct mica_conv2d_window_pairs_s8 p = {CONV_WINDOW_FIELDS(l, a, in, w, out),
                                                  .stream = pairs_stream(l, &layer, 8)};
    const struct window window = conv_window(n, w->dim[1]);
    if (p.stream)
        lower_strips(l, &kernel_conv2d_window_pairs_s8, &p, &window,
                     lower_buffer(l, pack_dense_pairs_buffer(layer.taps)));
    return p.stream != NULL;
}

bool lower_conv2d_quads(struct lower *l, struct node *n)
{
    const struct attr_conv2d *a = n->attr;
    const struct tensor *in = n->in[0], *w = n->in[1], *out = n->out[0];
    struct pack_layer layer;
    if (!has_multiplier(l) || !has_strips(l) || !is_dense_window(l, &layer))
        return false;
    if (w->dim[0] < 2)
        return lower_misfit(l, "it is for two output channels and more");
    const int32_t filled = pack_quads_taps(layer.taps);
    const int64_t size = (int64_t)w->dim[0] * filled;
    int8_t *weights = NEWS(l->ctx, int8_t, size);
    int32_t *scales = NEWS(l->ctx, int32_t, 4 * w->dim[0]);
    if (!is_packed(l, pack_quads(&layer, weights, scales)))
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
    const int32_t bytes = pack_conv2d_quads_buffer(layer.taps, w->dim[2] * w->dim[3]);
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

/* A 1x1 convolution of rows of one pixel is a dense layer. */
static bool is_pixel(struct lower *l, struct pack_layer *layer)
{
    const struct node *n = l->step->node;
    if (!is_dense_window(l, layer))
        return false;
    return (l->ctx->options.stream_axis && is_pointwise(n) && n->in[0]->dim[2] == 1) ||
           lower_misfit(l, "it is for 1x1 kernels on one pixel, in streams over time");
}

bool lower_conv2d_pixel_pairs(struct lower *l, struct node *n)
{
    struct pack_layer layer;
    (void)n;
    if (!has_dsp(l) || !is_pixel(l, &layer))
        return false;
    const struct mica_dense_pairs_s8 p = {layer.taps, layer.channels, pairs_stream(l, &layer, 8)};
    if (p.stream)
        lower_pixel(l, &kernel_dense_pairs_s8, &p,
                    lower_buffer(l, pack_dense_pairs_buffer(layer.taps)));
    return p.stream != NULL;
}

/* {2 * bias, multiplier, half, shift} of at least four channels; NULL where they do not fit. */
static const int32_t *fours_scales(struct lower *l, const struct pack_layer *layer)
{
    int32_t *scales = NEWS(l->ctx, int32_t, 4 * layer->channels);
    if (layer->channels < 4) {
        lower_misfit(l, "it is for four outputs and more");
        return NULL;
    }
    return is_packed(l, pack_scales(layer, scales))
               ? lower_constant(l, "scales", DTYPE_INT32, 4 * layer->channels, scales)
               : NULL;
}

bool lower_conv2d_pixel_fours(struct lower *l, struct node *n)
{
    struct pack_layer layer;
    (void)n;
    if (!has_multiplier(l) || !is_pixel(l, &layer))
        return false;
    struct mica_dense_fours_s8 p = {layer.taps, layer.channels, lower_weights(l, 1, "weights"),
                                    fours_scales(l, &layer)};
    if (p.scales)
        lower_pixel(l, &kernel_dense_fours_s8, &p, NULL);
    return p.scales != NULL;
}

bool lower_conv2d_window_fours(struct lower *l, struct node *n)
{
    const struct attr_conv2d *a = n->attr;
    const struct tensor *in = n->in[0], *w = n->in[1], *out = n->out[0];
    struct pack_layer layer;
    if (!has_multiplier(l) || !has_strips(l) || !is_dense_window(l, &layer))
        return false;
    const struct mica_conv2d_window_fours_s8 p = {CONV_WINDOW_FIELDS(l, a, in, w, out),
                                                  .weights = lower_weights(l, 1, "weights"),
                                                  .scales = fours_scales(l, &layer)};
    const struct window window = conv_window(n, w->dim[1]);
    if (p.scales)
        lower_strips(l, &kernel_conv2d_window_fours_s8, &p, &window,
                     lower_temp(l, DTYPE_INT8, layer.taps));
    return p.scales != NULL;
}

/* ---- depthwise ------------------------------------------------------------------------------ */

/* A kernel of one column on rows of one pixel, as over time, without padding. */
bool lower_depthwise_column(struct lower *l, struct node *n)
{
    const struct attr_conv2d *a = n->attr;
    const struct tensor *in = n->in[0], *w = n->in[1], *out = n->out[0];
    const int32_t channels = w->dim[3];
    const bool padded = a->pad_top + a->pad_bottom + a->pad_left + a->pad_right > 0;
    if (in->type != DTYPE_INT8)
        return lower_misfit(l, "it is for int8");
    if (!has_some_multiplier(l))
        return false;
    if (padded || w->dim[2] != 1 || in->dim[2] != 1 || out->dim[2] != 1)
        return lower_misfit(l, "it is for kernels of one column on one pixel, without padding");
    if (channels != in->dim[3] || channels % 4)
        return lower_misfit(l, "it is for multiples of 4 channels and a multiplier of 1");
    struct pack_layer layer = {
        .channels = channels, .taps = w->dim[1], .channel_step = 1, .tap_step = channels};
    set_scales(l, &layer, a->activation);
    const int32_t words = pack_column_words(&layer);
    int32_t *stream = NEWS(l->ctx, int32_t, words);
    if (!is_packed(l, pack_column(&layer, stream)))
        return false;
    const struct mica_depthwise_column_s8 p = {
        lower_i16(l, "the channels", channels), lower_i16(l, "the kernel's height", w->dim[1]),
        lower_constant(l, "stream", DTYPE_INT32, words, stream)};
    const struct window window = conv_window(n, w->dim[1]);
    lower_window(l, &kernel_depthwise_column_s8, &p, &window);
    return true;
}

/* A 3x3 kernel on a planar ring; all its kernels have the same parameters. */
static bool lower_planar(struct lower *l, struct node *n, const struct kernel *kernel,
                         int32_t stride)
{
    const struct attr_conv2d *a = n->attr;
    const struct tensor *in = n->in[0], *w = n->in[1], *out = n->out[0];
    if (in->type != DTYPE_INT8)
        return lower_misfit(l, "it is for int8");
    if (!has_some_multiplier(l) || !has_strips(l))
        return false;
    if (w->dim[1] != 3 || w->dim[2] != 3 || a->dilation_h != 1 || a->dilation_w != 1)
        return lower_misfit(l, "it is for 3x3 kernels without dilation");
    if (a->stride_h != stride || a->stride_w != stride)
        return lower_misfit(l, stride == 1 ? "it is for stride 1" : "it is for stride 2");
    if (in->dim[3] != out->dim[3])
        return lower_misfit(l, "it is for a channel multiplier of 1");
    const int32_t channels = w->dim[3];
    struct pack_layer layer = {
        .channels = channels, .taps = 9, .channel_step = 1, .tap_step = channels};
    set_scales(l, &layer, a->activation);
    const int32_t words = pack_depthwise3x3_words(&layer);
    int32_t *stream = NEWS(l->ctx, int32_t, words);
    if (!is_packed(l, pack_depthwise3x3(&layer, stream)))
        return false;
    int32_t chunk = channels < DEPTHWISE_CHUNK ? channels : DEPTHWISE_CHUNK;
    while (chunk > 4 && pack_depthwise3x3_buffer(chunk) > l->ctx->buffer_max)
        chunk = (chunk - 1) & ~3;
    const struct mica_depthwise3x3_s8 p = {
        .in_w = lower_i16(l, "the input's width", in->dim[2]),
        .channels = lower_i16(l, "the channels", channels),
        .out_w = lower_i16(l, "the output's width", out->dim[2]),
        .pad_left = lower_i16(l, "the padding", a->pad_left),
        .chunk = (int16_t)chunk,
        .in_zero = (int16_t)in->quant.zero[0],
        .relu = has_relu(out),
        .stream = lower_constant(l, "stream", DTYPE_INT32, words, stream)};
    const struct window window = conv_window(n, 3);
    assert(kernel->params_bytes == sizeof p);
    lower_strips(l, kernel, &p, &window, lower_buffer(l, pack_depthwise3x3_buffer(chunk)));
    return true;
}

bool lower_depthwise3x3(struct lower *l, struct node *n)
{
    return lower_planar(l, n, &kernel_depthwise3x3_s8, 1);
}

bool lower_depthwise3x3_w5(struct lower *l, struct node *n)
{
    if (n->out[0]->dim[2] != 5)
        return lower_misfit(l, "it is for rows of 5 pixels");
    return lower_planar(l, n, &kernel_depthwise3x3_w5_s8, 1);
}

bool lower_depthwise3x3_w3(struct lower *l, struct node *n)
{
    if (n->out[0]->dim[2] > 3)
        return lower_misfit(l, "it is for rows of up to 3 pixels");
    return lower_planar(l, n, &kernel_depthwise3x3_w3_s8, 1);
}

bool lower_depthwise3x3_stride2(struct lower *l, struct node *n)
{
    return lower_planar(l, n, &kernel_depthwise3x3_stride2_s8, 2);
}

/* ---- dense ---------------------------------------------------------------------------------- */

/* An int8 dense layer whose reference multiplies as the packers prove. */
static bool is_dense(struct lower *l, struct pack_layer *layer)
{
    const struct node *n = l->step->node;
    const struct attr_dense *a = n->attr;
    const struct tensor *w = n->in[1];
    if (n->in[0]->type != DTYPE_INT8)
        return lower_misfit(l, "it is for int8");
    if (l->ctx->options.profile == MICA_PROFILE_LITERT)
        return lower_misfit(l, "LiteRT scales dense layers in float64");
    *layer = (struct pack_layer){
        .channels = w->dim[0], .taps = w->dim[1], .channel_step = w->dim[1], .tap_step = 1};
    set_scales(l, layer, a->activation);
    return true;
}

bool lower_dense_fours(struct lower *l, struct node *n)
{
    struct pack_layer layer;
    (void)n;
    if (!has_multiplier(l) || !is_dense(l, &layer))
        return false;
    const struct mica_dense_fours_s8 p = {.in_n = layer.taps,
                                          .out_n = layer.channels,
                                          .weights = lower_weights(l, 1, "weights"),
                                          .scales = fours_scales(l, &layer)};
    if (p.scales)
        lower_vectors(l, &kernel_dense_fours_s8, &p, p.in_n, p.out_n);
    return p.scales != NULL;
}

bool lower_dense_pairs(struct lower *l, struct node *n)
{
    struct pack_layer layer;
    if (!has_dsp(l) || !is_dense(l, &layer))
        return false;
    const int32_t inputs = layer.taps, outputs = layer.channels;
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
