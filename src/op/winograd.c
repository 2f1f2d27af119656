/* SPDX-License-Identifier: Apache-2.0 */
/* winograd.c - 3x3 convolutions by Winograd's minimal filtering (kernels/nn/winograd.h): exact,
 * half to two thirds of the instructions, 3.6 times the bytes of weights. */
#include "op/streams.h"

bool lower_conv2d_winograd(struct lower *l, struct node *n)
{
    const struct attr_conv2d *a = n->attr;
    const struct tensor *in = n->in[0], *w = n->in[1], *out = n->out[0];
    struct pack_layer layer;
    if (!has_some_multiplier(l) || !has_strips(l) || !is_dense_window(l, &layer) || !has_fours(l))
        return false;
    if (w->dim[1] != 3 || w->dim[2] != 3 || a->dilation_h != 1 || a->dilation_w != 1)
        return lower_misfit(l, "it is for 3x3 kernels without dilation");
    if (a->stride_h != 1 || a->stride_w != 1)
        return lower_misfit(l, "it is for stride 1");
    const int32_t words = pack_winograd_words(&layer);
    int32_t *stream = NEWS(l->ctx, int32_t, words);
    if (!is_packed(l, pack_winograd(&layer, stream)))
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
