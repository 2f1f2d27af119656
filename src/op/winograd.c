/* SPDX-License-Identifier: Apache-2.0 */
/* winograd.c - 3x3 convolutions by Winograd's minimal filtering (kernels/nn/winograd.h): exact, half
 * to two thirds of the instructions, 3.6 times the bytes of weights. */
#include "op/streams.h"

/* What a block of four tiles costs in instructions, fitted to counts of the kernel: the sums and
 * outputs of a pair of channels, the inputs of a channel, and where they lie. */
struct block_cost {
    int32_t step, position, outputs, input, fixed;
};

static int64_t winograd_cost(const struct block_cost *c, const struct tensor *in,
                             const struct tensor *out)
{
    const int64_t pair = 16 * ((int64_t)in->dim[3] / 2 * c->step + c->position) + c->outputs;
    const int64_t tiles = ((int64_t)out->dim[1] + 1) / 2 * ((out->dim[2] + 1) / 2);
    return (tiles + 3) / 4 *
           ((out->dim[3] + 1) / 2 * pair + (int64_t)in->dim[3] * c->input + c->fixed);
}

/* On cores with the DSP extension; against pairs of channels. */
static bool pays_on_dsp(const struct tensor *in, const struct tensor *out)
{
    static const struct block_cost cost = {11, 13, 520, 145, 900};
    const int64_t fours = 9 * (int64_t)in->dim[3] / 4;
    const int64_t threes = ((int64_t)out->dim[1] * out->dim[2] + 2) / 3;
    const int64_t pair = 17 * fours + fours / 4 * 3 + 54;
    const int64_t pairs = threes * ((out->dim[3] + 1) / 2 * pair + 13 * fours + 100);
    return 10 * winograd_cost(&cost, in, out) < 9 * pairs;
}

/* On cores with a multiplier and registers for eight sums; against quads of pixels. */
static bool pays_on_others(const struct tensor *in, const struct tensor *out)
{
    static const struct block_cost cost = {51, 45, 2000, 520, 1500};
    const int64_t outputs = tensor_elements(out);
    const int64_t quads = outputs * (24 * (int64_t)in->dim[3] + 60);
    return 10 * winograd_cost(&cost, in, out) < 9 * quads;
}

bool lower_conv2d_winograd(struct lower *l, struct node *n)
{
    const struct attr_conv2d *a = n->attr;
    const struct tensor *in = n->in[0], *w = n->in[1], *out = n->out[0];
    const int32_t taps = 9 * in->dim[3];
    const bool fits = w->dim[1] == 3 && w->dim[2] == 3 && w->dim[3] == in->dim[3] &&
                      in->dim[3] % 4 == 0 && a->stride_h == 1 && a->stride_w == 1 &&
                      a->dilation_h == 1 && a->dilation_w == 1;
    if (!fits || !((wants_streams(l->ctx) && pays_on_dsp(in, out)) ||
                   (wants_quads(l->ctx) && core_has_free_registers(l->ctx->options.target) &&
                    pays_on_others(in, out))))
        return false;
    struct pack_layer layer = {
        .channels = w->dim[0], .taps = taps, .channel_step = taps, .tap_step = 1};
    layer_scales(l, &layer, a->activation);
    const int32_t words = pack_winograd_words(&layer);
    int32_t *stream = NEWS(l->ctx, int32_t, words);
    if (pack_winograd(&layer, stream) != PACK_OK)
        return false;
    const struct mica_conv2d_winograd_s8 p = {
        .in_w = lower_i16(l, "the input's width", in->dim[2]),
        .in_c = lower_i16(l, "the input's channels", in->dim[3]),
        .out_w = lower_i16(l, "the output's width", out->dim[2]),
        .out_c = lower_i16(l, "the output's channels", out->dim[3]),
        .pad_left = lower_i16(l, "the padding", a->pad_left),
        .in_zero = (int16_t)in->quant.zero[0],
        .stream = lower_constant(l, "stream", DTYPE_INT32, words, stream)};
    const struct window window = conv_window(n, 3);
    struct call *c = lower_strips(l, &kernel_conv2d_winograd_s8, &p, &window,
                                  lower_buffer(l, pack_conv2d_winograd_buffer(in->dim[3])));
    if (c->strip < out->dim[1]) /* tiles are two rows high */
        c->strip &= ~1;
    return true;
}
