/* SPDX-License-Identifier: Apache-2.0 */
/* channels_cut.c - takes the channels that nobody wants out of tensors, weights and biases. */
#include <assert.h>
#include <string.h>

#include "pass/channels.h"

/* Which of some channels stay. */
struct keep {
    int32_t n, kept;
    bool *is;
};

static struct keep keep_of(struct channels *ch, const struct tensor *t)
{
    struct keep keep = {.n = channel_count(t)};
    keep.is = NEWS(ch->ctx, bool, keep.n);
    for (int32_t c = 0; c < keep.n; c++) {
        keep.is[c] = channel_is_wanted(ch, ch->first[t->index] + c);
        keep.kept += keep.is[c];
    }
    return keep;
}

/* ---- constants ------------------------------------------------------------------------------- */

static struct quant cut_quant(struct channels *ch, const struct quant *q, const struct keep *keep)
{
    if (q->n != keep->n || q->n <= 1)
        return *q;
    float *scale = NEWS(ch->ctx, float, keep->kept);
    int32_t *zero = NEWS(ch->ctx, int32_t, keep->kept);
    for (int32_t c = 0, to = 0; c < keep->n; c++) {
        if (!keep->is[c])
            continue;
        scale[to] = q->scale[c];
        zero[to++] = q->zero[c];
    }
    return (struct quant){keep->kept, q->axis, scale, zero};
}

/* A constant of the same name without what is left out along an axis. */
static struct tensor *cut_constant(struct channels *ch, const struct tensor *t, int axis,
                                   const struct keep *keep)
{
    size_t inner = (size_t)dtype_bits(t->type) / 8, outer = 1;
    for (int a = 0; a < axis; a++)
        outer *= (size_t)t->dim[a];
    for (int a = axis + 1; a < t->rank; a++)
        inner *= (size_t)t->dim[a];
    assert(t->dim[axis] % keep->n == 0); /* the channels may repeat */
    const size_t repeats = outer * (size_t)(t->dim[axis] / keep->n);
    struct tensor *cut = graph_add_tensor(ch->ctx, ch->g, t->name, t->type, t->rank, t->dim);
    cut->dim[axis] = t->dim[axis] / keep->n * keep->kept;
    cut->quant = t->quant;
    char *to = alloc(ch->ctx, repeats * (size_t)keep->kept, inner);
    cut->data = to;
    const char *from = t->data;
    for (size_t r = 0; r < repeats; r++) {
        for (int32_t c = 0; c < keep->n; c++, from += inner) {
            if (!keep->is[c])
                continue;
            memcpy(to, from, inner);
            to += inner;
        }
    }
    return cut;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

/* What channels that go have added to the sums of output channel o. */
static int64_t gone_from(struct channels *ch, const struct node *n, const struct weights *w,
                         const struct keep *in, int32_t o)
{
    const int32_t first = ch->first[n->in[0]->index];
    int64_t sum = 0;
    for (int32_t c = 0; c < w->ins; c++) {
        if (in->is[c] || !ch->is_constant[first + c])
            continue;
        int64_t value = (int64_t)(ch->value[first + c] - zero_of(n->in[0]));
        for (int32_t tap = 0; tap < w->taps; tap++)
            sum += (int64_t)weight_at(w, o, tap, c) * value;
    }
    return sum;
}

/* The bias with what is gone added: the same integers, summed beforehand. Floats lose only zeros,
 * and what nobody wants that is not constant has weights of 0. */
static void fold_bias(struct channels *ch, struct node *n, const struct keep *in,
                      const struct keep *out)
{
    const struct weights w = channel_weights(n);
    const struct tensor *old = n->n_in > 2 ? n->in[2] : NULL;
    int32_t *bias = NEWS(ch->ctx, int32_t, w.outs);
    bool any = false;
    for (int32_t o = 0; o < w.outs; o++) {
        int64_t gone = out->is[o] ? gone_from(ch, n, &w, in, o) : 0;
        int64_t sum = (old ? ((const int32_t *)old->data)[o] : 0) + gone;
        assert(sum >= INT32_MIN && sum <= INT32_MAX);
        bias[o] = (int32_t)sum;
        any |= gone != 0;
    }
    if (!any)
        return;
    struct tensor *fresh = graph_add_tensor(ch->ctx, ch->g,
                                            old ? old->name : format(ch->ctx, "%s/bias", n->name),
                                            DTYPE_INT32, 1, &w.outs);
    if (old)
        fresh->quant = old->quant;
    fresh->data = bias;
    if (n->n_in < 3) {
        struct tensor **grown = NEWS(ch->ctx, struct tensor *, 3);
        memcpy(grown, n->in, 2 * sizeof *grown);
        n->in = grown;
        n->n_in = 3;
    }
    n->in[2] = fresh;
}

/* Weights and bias of the outputs that stay; `axis`: of the weights' output channels. */
static void cut_outputs(struct channels *ch, struct node *n, int axis, const struct keep *out)
{
    if (out->kept == out->n)
        return;
    const struct quant quant = n->in[1]->quant;
    n->in[1] = cut_constant(ch, n->in[1], axis, out);
    n->in[1]->quant = cut_quant(ch, &quant, out);
    struct tensor *bias = n->n_in > 2 ? n->in[2] : NULL;
    if (!bias)
        return;
    int bias_axis = 0; /* the others have size 1 */
    while (bias->dim[bias_axis] != out->n)
        bias_axis++;
    n->in[2] = cut_constant(ch, bias, bias_axis, out);
    n->in[2]->quant = cut_quant(ch, &bias->quant, out);
}

static void cut_mix(struct channels *ch, struct node *n)
{
    const struct keep in = keep_of(ch, n->in[0]), out = keep_of(ch, n->out[0]);
    if (in.kept < in.n) {
        if (n->in[0]->type == DTYPE_INT8)
            fold_bias(ch, n, &in, &out);
        n->in[1] = cut_constant(ch, n->in[1], n->in[1]->rank - 1, &in);
    }
    cut_outputs(ch, n, 0, &out);
}

/* Constant operands follow the output. */
static void cut_binary(struct channels *ch, struct node *n)
{
    const struct keep out = keep_of(ch, n->out[0]);
    for (int k = 0; k < 2 && out.kept < out.n; k++)
        if (n->in[k]->data && channel_count(n->in[k]) == out.n)
            n->in[k] = cut_constant(ch, n->in[k], n->in[k]->rank - 1, &out);
}

void channels_cut(struct channels *ch)
{
    const int n_tensors = ch->g->n_tensors; /* constants are added behind them */
    for (int i = 0; i < ch->g->n_nodes; i++) {
        struct node *n = ch->g->node[i];
        if (ch->flow[i] == FLOW_MIX) {
            cut_mix(ch, n);
        } else if (ch->flow[i] == FLOW_DEPTHWISE) {
            const struct keep out = keep_of(ch, n->out[0]);
            cut_outputs(ch, n, 3, &out);
        } else if (ch->flow[i] == FLOW_BINARY) {
            cut_binary(ch, n);
        }
    }
    for (int i = 0; i < n_tensors; i++) {
        struct tensor *t = ch->g->tensor[i];
        if (ch->first[i] >= 0 && t->rank)
            t->dim[t->rank - 1] = keep_of(ch, t).kept;
    }
}
