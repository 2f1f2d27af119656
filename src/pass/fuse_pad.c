/* SPDX-License-Identifier: Apache-2.0 */
/* fuse_pad.c - zero padding of height and width becomes the padding of the convolution that reads
 * it; the padded copy of the input is never made.
 *
 * Exact: an element of padding is the real number 0, so it adds 0 to every sum whether the
 * convolution reads it or skips it (on quantised tensors it is the zero point, which is subtracted
 * first; float weights are finite). Pools are not convolutions: they would count the zeros.
 */
#include "op/attr.h"
#include "pass/uses.h"
#include "compile.h"

/* Only height and width, and only as far as each window still meets the input. A window of padding
 * alone is legal; leaving it spares every kernel the case. */
static bool can_fuse(const struct node *pad, const struct node *conv, const int *uses)
{
    const struct tensor *in = pad->in[0], *out = pad->out[0];
    const bool has_value = pad->n_in > 1 && pad->in[1];
    if (has_value || in->rank != 4 || uses[out->index] != 1 || !tensor_same_quant(in, out))
        return false;
    const int32_t *before = ((const struct attr_pad *)pad->attr)->before.at;
    const int32_t *after = ((const struct attr_pad *)pad->attr)->after.at;
    if (before[0] || after[0] || before[3] || after[3])
        return false;

    const struct attr_conv2d *a = conv->attr;
    const int64_t reach_h = ((int64_t)conv->in[1]->dim[1] - 1) * a->dilation_h + 1;
    const int64_t reach_w = ((int64_t)conv->in[1]->dim[2] - 1) * a->dilation_w + 1;
    return (int64_t)before[1] + a->pad_top < reach_h &&
           (int64_t)after[1] + a->pad_bottom < reach_h &&
           (int64_t)before[2] + a->pad_left < reach_w && (int64_t)after[2] + a->pad_right < reach_w;
}

static void fuse(const struct node *pad, struct node *conv)
{
    const struct attr_pad *p = pad->attr;
    struct attr_conv2d *a = conv->attr;
    a->pad_top += p->before.at[1];
    a->pad_bottom += p->after.at[1];
    a->pad_left += p->before.at[2];
    a->pad_right += p->after.at[2];
    conv->in[0] = pad->in[0];
}

void pass_fuse_pad(struct ctx *ctx, struct graph *g)
{
    const int *uses = count_uses(ctx, g);
    bool *drop = NEWS(ctx, bool, g->n_nodes);
    int *place = NEWS(ctx, int, g->n_tensors); /* of the node that makes a tensor */
    for (int i = 0; i < g->n_nodes; i++) {
        struct node *conv = g->node[i];
        for (int k = 0; k < conv->n_out; k++)
            place[conv->out[k]->index] = i;
        if (!node_is(conv, OP_conv2d) && !node_is(conv, OP_depthwise_conv2d))
            continue;
        for (struct node *pad = conv->in[0]->maker;
             pad && node_is(pad, OP_pad) && can_fuse(pad, conv, uses); pad = conv->in[0]->maker) {
            fuse(pad, conv);
            drop[place[pad->out[0]->index]] = true;
            pad->out[0]->maker = NULL;
        }
    }
    graph_drop_nodes(g, drop);
}
