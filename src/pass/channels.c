/* SPDX-License-Identifier: Apache-2.0 */
/* channels.c - takes out channels that change no output: constant ones and ones nobody reads.
 *
 * Training leaves channels whose weights are all 0. Such a channel holds one value everywhere, and
 * what it adds to the layer behind is a number that can be added to that layer's bias instead; a
 * channel that every reader multiplies by 0 need not be made at all. First the constants are found
 * from the inputs on, then what is wanted is found from the outputs back:
 *
 *     conv2d, dense   an output wants the inputs with weights other than 0 that no bias can take
 *     all others      a channel of the output and its sources stay or go together ("tied")
 *     not understood  everything stays; so do inputs and outputs of the graph
 *
 * Exact: integers are the same sums in another order. Where padding is read as another value than
 * the constant, the constant stays. Of floats only terms that are 0 go, which changes no sum as
 * long as activations are finite (0 times infinity is not 0).
 */
#include <math.h>

#include "pass/channels.h"
#include "compile.h"

/* Beyond these a model is left as it is. None for a microcontroller comes near. */
enum {
    CHANNELS_MAX = 1 << 17, /* of all tensors */
    WORK_MAX = 1 << 28      /* weights looked at */
};

/* ---- groups of tied channels ----------------------------------------------------------------- */

static int32_t root_of(struct channels *ch, int32_t number)
{
    while (ch->tied[number] != number) {
        ch->tied[number] = ch->tied[ch->tied[number]];
        number = ch->tied[number];
    }
    return number;
}

static void tie(struct channels *ch, int32_t a, int32_t b)
{
    a = root_of(ch, a);
    b = root_of(ch, b);
    ch->tied[a] = b;
    ch->wanted[b] |= ch->wanted[a];
}

bool channel_is_wanted(struct channels *ch, int32_t number)
{
    return ch->wanted[root_of(ch, number)];
}

static void want(struct channels *ch, int32_t number)
{
    ch->wanted[root_of(ch, number)] = true;
}

static void want_all(struct channels *ch, const struct tensor *t)
{
    const int32_t first = ch->first[t->index];
    for (int32_t c = 0; first >= 0 && c < channel_count(t); c++)
        want(ch, first + c);
}

/* ---- start ----------------------------------------------------------------------------------- */

static bool has_weights(const struct node *n)
{
    return node_is(n, OP_conv2d) || node_is(n, OP_depthwise_conv2d) || node_is(n, OP_dense);
}

/* false: the model is too large. */
static bool start(struct channels *ch, struct ctx *ctx, struct graph *g)
{
    int64_t n = 0, work = 0;
    for (int i = 0; i < g->n_tensors; i++)
        n += g->tensor[i]->data ? 0 : channel_count(g->tensor[i]);
    for (int i = 0; i < g->n_nodes; i++) {
        const struct node *node = g->node[i];
        work += has_weights(node) ? tensor_elements(node->in[1]) : 0;
        work += node_is(node, OP_mean) ? tensor_elements(node->in[0]) : 0;
    }
    if (n > CHANNELS_MAX || work > WORK_MAX)
        return false;
    *ch = (struct channels){.ctx = ctx, .g = g, .n = (int32_t)n};
    ch->first = NEWS(ctx, int32_t, g->n_tensors);
    ch->flow = NEWS(ctx, enum flow, g->n_nodes);
    ch->can_fold = NEWS(ctx, bool, g->n_nodes);
    ch->is_constant = NEWS(ctx, bool, n);
    ch->value = NEWS(ctx, double, n);
    ch->tied = NEWS(ctx, int32_t, n);
    ch->wanted = NEWS(ctx, bool, n);
    int32_t next = 0;
    for (int i = 0; i < g->n_tensors; i++) {
        ch->first[i] = g->tensor[i]->data ? -1 : next;
        next += g->tensor[i]->data ? 0 : channel_count(g->tensor[i]);
    }
    for (int32_t c = 0; c < ch->n; c++)
        ch->tied[c] = c;
    for (int i = 0; i < g->n_nodes; i++)
        ch->flow[i] = channel_flow(g->node[i]);
    return true;
}

/* ---- what is wanted -------------------------------------------------------------------------- */

static void tie_node(struct channels *ch, int i)
{
    const struct node *n = ch->g->node[i];
    const int32_t out = ch->first[n->out[0]->index];
    for (int k = 0; k < n->n_in; k++) {
        if (!n->in[k] || n->in[k]->data)
            continue;
        const bool repeats = ch->flow[i] == FLOW_BINARY &&
                             channel_count(n->in[k]) < channel_count(n->out[0]);
        if (ch->flow[i] == FLOW_NONE || repeats) {
            want_all(ch, n->in[k]);
            continue;
        }
        for (int32_t o = 0; o < channel_count(n->out[0]); o++) {
            const int32_t c = channel_source(n, ch->flow[i], k, o);
            if (c >= 0)
                tie(ch, ch->first[n->in[k]->index] + c, out + o);
        }
    }
    for (int k = 0; ch->flow[i] == FLOW_NONE && k < n->n_out; k++)
        want_all(ch, n->out[k]);
}

/* Views share bytes and variables keep theirs: both keep their shape. */
static void want_fixed(struct channels *ch)
{
    const struct graph *g = ch->g;
    for (int i = 0; i < g->n_inputs; i++)
        want_all(ch, g->input[i]);
    for (int i = 0; i < g->n_outputs; i++)
        want_all(ch, g->output[i]);
    for (int i = 0; i < g->n_tensors; i++) {
        struct tensor *t = g->tensor[i];
        if (t->base || t->is_variable)
            want_all(ch, t);
        if (t->base)
            want_all(ch, tensor_base(t));
    }
}

static bool is_read(const struct channels *ch, int i, const struct weights *w, int32_t o, int32_t c)
{
    const bool can_go = channel_is_foldable(ch, i, c);
    for (int32_t tap = 0; tap < w->taps; tap++) {
        const double weight = weight_at(w, o, tap, c);
        if (weight != 0 && !(can_go && isfinite(weight)))
            return true;
    }
    return false;
}

/* The inputs that the wanted outputs of a node read; each output is asked once. */
static bool want_inputs(struct channels *ch, int i, bool *asked)
{
    const struct node *n = ch->g->node[i];
    const struct weights w = channel_weights(n);
    const int32_t in = ch->first[n->in[0]->index], out = ch->first[n->out[0]->index];
    bool changed = false;
    for (int32_t o = 0; o < w.outs; o++) {
        if (asked[out + o] || !channel_is_wanted(ch, out + o))
            continue;
        asked[out + o] = true;
        for (int32_t c = 0; c < w.ins; c++) {
            if (channel_is_wanted(ch, in + c) || !is_read(ch, i, &w, o, c))
                continue;
            want(ch, in + c);
            changed = true;
        }
    }
    return changed;
}

/* Mostly one sweep from the end; more where a tie leads forward again. */
static void settle(struct channels *ch, bool *asked)
{
    for (bool changed = true; changed;) {
        changed = false;
        for (int i = ch->g->n_nodes - 1; i >= 0; i--)
            if (ch->flow[i] == FLOW_MIX)
                changed |= want_inputs(ch, i, asked);
    }
}

/* Every tensor keeps a channel; a constant one, which needs nothing, where there is one. */
static void want_one_each(struct channels *ch)
{
    for (int i = 0; i < ch->g->n_tensors; i++) {
        const int32_t first = ch->first[i], n = channel_count(ch->g->tensor[i]);
        int32_t best = 0;
        bool any = first < 0;
        for (int32_t c = 0; !any && c < n; c++) {
            any = channel_is_wanted(ch, first + c);
            if (ch->is_constant[first + c] && !ch->is_constant[first + best])
                best = c;
        }
        if (!any)
            want(ch, first + best);
    }
}

/* ---- figures and the pass -------------------------------------------------------------------- */

static void count(const struct graph *g, int64_t *weights, int64_t *zeros, int64_t *macs)
{
    *weights = *zeros = *macs = 0;
    for (int i = 0; i < g->n_nodes; i++) {
        const struct node *n = g->node[i];
        *macs += n->op->macs ? n->op->macs(n) : 0;
        if (!has_weights(n))
            continue;
        const int64_t elements = tensor_elements(n->in[1]);
        *weights += elements;
        for (int64_t e = 0; e < elements; e++)
            *zeros += element_at(n->in[1]->data, n->in[1]->type, e) == 0;
    }
}

void pass_channels(struct ctx *ctx, struct graph *g)
{
    struct channel_figures *f = &ctx->channels;
    struct channels ch;
    if (!start(&ch, ctx, g))
        return;
    int64_t zeros;
    count(g, &f->weights, &f->zero_weights, &f->macs);
    f->weights_left = f->weights;
    f->macs_left = f->macs;
    if (ctx->options.keep_channels)
        return;
    bool *asked = NEWS(ctx, bool, ch.n);
    channels_find_constants(&ch);
    for (int i = 0; i < g->n_nodes; i++)
        tie_node(&ch, i);
    want_fixed(&ch);
    settle(&ch, asked);
    want_one_each(&ch);
    settle(&ch, asked);
    channels_cut(&ch);
    count(g, &f->weights_left, &zeros, &f->macs_left);
}
