/* SPDX-License-Identifier: Apache-2.0 */
/* winograd.c - 3x3 convolutions by Winograd's minimal filtering, for cores with the DSP extension
 * (kernels/nn/winograd.h): exact, about half the instructions, 3.6 times the bytes of weights. */
#include "op/streams.h"

/* What a layer costs, in instructions, fitted to counts of the kernels. */
static int64_t winograd_instructions(const struct tensor *in, const struct tensor *out)
{
    const int64_t steps = in->dim[3] / 2, tile_rows = (out->dim[1] + 1) / 2;
    const int64_t blocks = (tile_rows * ((out->dim[2] + 1) / 2) + 3) / 4;
    const int64_t pair = 16 * (11 * steps + 3 * ((steps + 6) / 8) + 9) + 520;
    return blocks * ((out->dim[3] + 1) / 2 * pair + 145 * in->dim[3] + 700);
}

static int64_t pairs_instructions(const struct tensor *in, const struct tensor *out)
{
    const int64_t fours = 9 * in->dim[3] / 4;
    const int64_t blocks = ((int64_t)out->dim[1] * out->dim[2] + 2) / 3;
    return blocks * ((out->dim[3] + 1) / 2 * (17 * fours + fours / 4 * 3 + 54) + 13 * fours + 100);
}

bool lower_conv2d_winograd(struct lower *l, struct node *n)
{
    const struct attr_conv2d *a = n->attr;
    const struct tensor *in = n->in[0], *w = n->in[1], *out = n->out[0];
    const int32_t taps = 9 * in->dim[3];
    if (!wants_streams(l->ctx) || w->dim[1] != 3 || w->dim[2] != 3 || w->dim[3] != in->dim[3] ||
        in->dim[3] % 4 || a->stride_h != 1 || a->stride_w != 1 || a->dilation_h != 1 ||
        a->dilation_w != 1 || 10 * winograd_instructions(in, out) > 9 * pairs_instructions(in, out))
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
