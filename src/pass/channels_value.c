/* SPDX-License-Identifier: Apache-2.0 */
/* channels_value.c - which channels hold one value at every position of every run, and which.
 *
 * A convolution or dense layer gives such a channel where all its weights are 0, or where those
 * that are not meet only channels of one value (and no padding, or a value that padding reads as).
 * Operators without weights give one where their sources are such.
 *
 * The values come from the kernels themselves: a node like this one, of one position and with
 * constant inputs, is folded. So they have the bits that the device would compute.
 */
#include <math.h>
#include <string.h>

#include "op/attr.h"
#include "pass/channels.h"
#include "compile.h"

/* ---- what padding does ----------------------------------------------------------------------- */

/* Does a window along one axis reach beyond the input? */
static bool leaves_input(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t dilation,
                         int64_t pad)
{
    return pad > 0 || (out - 1) * stride + (kernel - 1) * dilation + 1 - pad > in;
}

static bool reads_padding(const struct node *n)
{
    if (node_is(n, OP_dense))
        return false;
    const struct attr_conv2d *a = n->attr;
    const struct tensor *in = n->in[0], *w = n->in[1], *out = n->out[0];
    return leaves_input(in->dim[1], out->dim[1], w->dim[1], a->stride_h, a->dilation_h,
                        a->pad_top) ||
           leaves_input(in->dim[2], out->dim[2], w->dim[2], a->stride_w, a->dilation_w,
                        a->pad_left);
}

bool channel_is_steady(const struct channels *ch, int i, int32_t c)
{
    const struct node *n = ch->g->node[i];
    const int32_t number = ch->first[n->in[0]->index] + c;
    return ch->is_constant[number] && (ch->value[number] == zero_of(n->in[0]) || !reads_padding(n));
}

/* Floats are rounded after each sum, so only zeros can leave it: a sum begins as +0, which adding
 * a zero of either sign leaves as it is. */
bool channel_is_foldable(const struct channels *ch, int i, int32_t c)
{
    const struct tensor *in = ch->g->node[i]->in[0];
    return channel_is_steady(ch, i, c) &&
           (in->type == DTYPE_INT8 ? ch->can_fold[i] : ch->value[ch->first[in->index] + c] == 0);
}

/* ---- constants that become bias -------------------------------------------------------------- */

static bool bias_has_room(const struct channels *ch, int i)
{
    const struct node *n = ch->g->node[i];
    const struct weights w = channel_weights(n);
    const int32_t *bias = n->n_in > 2 && n->in[2] ? n->in[2]->data : NULL;
    const double *value = &ch->value[ch->first[n->in[0]->index]], zero = zero_of(n->in[0]);
    for (int32_t o = 0; o < w.outs; o++) {
        double most = bias ? fabs((double)bias[o]) : 0;
        for (int32_t c = 0; c < w.ins; c++) {
            if (!channel_is_steady(ch, i, c))
                continue;
            for (int32_t tap = 0; tap < w.taps; tap++)
                most += fabs(weight_at(&w, o, tap, c) * (value[c] - zero));
        }
        if (most > INT32_MAX)
            return false;
    }
    return true;
}

/* ---- which are constant ---------------------------------------------------------------------- */

/* Weights that are 0 add nothing to an integer; to a float they add zeros, as long as activations
 * are finite. A weight that is not finite gives no constant. */
static bool is_weighted_constant(const struct channels *ch, int i, int32_t o)
{
    const struct node *n = ch->g->node[i];
    const struct weights w = channel_weights(n);
    for (int32_t c = 0; c < w.ins; c++) {
        const int32_t in = ch->flow[i] == FLOW_MIX ? c : channel_source(n, ch->flow[i], 0, o);
        bool all_zero = true, all_finite = true;
        for (int32_t tap = 0; tap < w.taps; tap++) {
            all_zero &= weight_at(&w, o, tap, c) == 0;
            all_finite &= isfinite(weight_at(&w, o, tap, c)) != 0;
        }
        if (!all_zero && !(all_finite && channel_is_steady(ch, i, in)))
            return false;
    }
    return true;
}

/* A constant operand must not vary along its other axes. */
static bool is_constant_source(const struct channels *ch, const struct tensor *t, int32_t c)
{
    if (!t->data)
        return ch->is_constant[ch->first[t->index] + c];
    return tensor_elements(t) == channel_count(t);
}

static double source_value(const struct channels *ch, const struct tensor *t, int32_t c)
{
    return t->data ? element_at(t->data, t->type, c) : ch->value[ch->first[t->index] + c];
}

static double padding_value(const struct node *pad)
{
    const struct tensor *value = pad->n_in > 1 ? pad->in[1] : NULL;
    return value ? element_at(value->data, value->type, 0) : zero_of(pad->in[0]);
}

static bool is_passed_constant(const struct channels *ch, int i, int32_t o)
{
    const struct node *n = ch->g->node[i];
    for (int k = 0; k < n->n_in; k++) {
        const int32_t c = channel_source(n, ch->flow[i], k, o);
        if (c < 0)
            continue;
        if (!is_constant_source(ch, n->in[k], c))
            return false;
        const double value = source_value(ch, n->in[k], c);
        if (node_is(n, OP_pad) && value != padding_value(n))
            return false;
        /* How many floats are summed up decides how their sum is rounded. */
        if ((node_is(n, OP_average_pool) || node_is(n, OP_mean)) &&
            n->in[k]->type == DTYPE_FLOAT32 && value != 0)
            return false;
    }
    return true;
}

/* ---- the values: a node of one position ------------------------------------------------------ */

static struct tensor *like(struct ctx *ctx, struct graph *g, const struct tensor *t, int rank)
{
    int32_t dim[RANK_MAX];
    for (int a = 0; a < rank; a++)
        dim[a] = 1;
    dim[rank - 1] = channel_count(t);
    struct tensor *small = graph_add_tensor(ctx, g, t->name, t->type, rank, dim);
    small->quant = t->quant;
    return small;
}

/* Elements go through the channels in turn. What is not constant meets zeros, or is not used. */
static void fill(const struct channels *ch, struct tensor *small, const struct tensor *t)
{
    const int64_t n = tensor_elements(small);
    const int32_t channels = channel_count(t);
    void *data = alloc(ch->ctx, (size_t)n, small->type == DTYPE_INT8 ? 1 : sizeof(float));
    for (int64_t e = 0; e < n; e++) {
        const int32_t c = (int32_t)(e % channels);
        double value = is_constant_source(ch, t, c) ? source_value(ch, t, c) : zero_of(t);
        if (small->type == DTYPE_INT8)
            ((int8_t *)data)[e] = (int8_t)value;
        else
            ((float *)data)[e] = (float)value;
    }
    small->data = data;
}

/* The window becomes the input, and pools, which give what they are given, look at one element:
 * the sum of n equal integers divided by n is exact. */
static void shrink_window(struct node *one)
{
    struct tensor *in = one->in[0];
    if (node_is(one, OP_max_pool) || node_is(one, OP_average_pool)) {
        enum activation activation = ((struct attr_pool *)one->attr)->activation;
        *(struct attr_pool *)one->attr = (struct attr_pool){1, 1, 1, 1, 0, 0, 0, 0, activation};
    } else if (node_is(one, OP_conv2d) || node_is(one, OP_depthwise_conv2d)) {
        enum activation activation = ((struct attr_conv2d *)one->attr)->activation;
        *(struct attr_conv2d *)one->attr = (struct attr_conv2d){1, 1, 1, 1, 0, 0, 0, 0, activation};
        in->dim[1] = one->in[1]->dim[1];
        in->dim[2] = one->in[1]->dim[2];
    } else if (node_is(one, OP_dense)) {
        in->dim[in->rank - 1] = one->in[1]->dim[1];
    }
}

/* How many elements int8 means divide by is part of their multiplier. */
static void keep_averaged(const struct node *n, struct node *one)
{
    const struct int_list *axes = &((const struct attr_mean *)n->attr)->axes;
    for (int a = 0; n->in[0]->type == DTYPE_INT8 && a < axes->n; a++)
        one->in[0]->dim[axes->at[a]] = n->in[0]->dim[axes->at[a]];
}

/* The output of one position, where inputs have the values that are known; NULL: more work than
 * pass_fold() does. */
static const void *evaluate(const struct channels *ch, const struct node *n)
{
    struct ctx *ctx = ch->ctx;
    struct graph *alone = NEW(ctx, struct graph);
    struct node *one = graph_add_node(ctx, alone, n->name, n->op, n->n_in, 1);
    memcpy(one->in, n->in, (size_t)n->n_in * sizeof(struct tensor *));
    if (n->op->attr_bytes)
        one->attr = copy_bytes(ctx, n->attr, n->op->attr_bytes);
    const enum flow flow = channel_flow(n);
    const bool is_dense = node_is(n, OP_dense);
    for (int k = 0; k < n->n_in; k++)
        if (k == 0 || flow == FLOW_CONCAT || (flow == FLOW_BINARY && k == 1))
            one->in[k] = like(ctx, alone, n->in[k], is_dense ? 2 : n->in[k]->rank);
    one->out[0] = like(ctx, alone, n->out[0], is_dense ? 2 : n->out[0]->rank);
    shrink_window(one);
    if (node_is(n, OP_mean))
        keep_averaged(n, one);
    for (int k = 0; k < n->n_in; k++)
        if (one->in[k] != n->in[k])
            fill(ch, one->in[k], n->in[k]);
    pass_fold(ctx, alone);
    return one->out[0]->data;
}

/* ---- all nodes ------------------------------------------------------------------------------- */

static void find_in_node(struct channels *ch, int i)
{
    const struct node *n = ch->g->node[i];
    const enum flow flow = ch->flow[i];
    const bool has_weights = flow == FLOW_MIX || flow == FLOW_DEPTHWISE;
    const int32_t outs = channel_count(n->out[0]), first = ch->first[n->out[0]->index];
    bool *found = NEWS(ch->ctx, bool, outs), any = false;
    for (int32_t o = 0; o < outs; o++) {
        found[o] = has_weights ? is_weighted_constant(ch, i, o) : is_passed_constant(ch, i, o);
        any |= found[o];
    }
    if (!any)
        return;
    const bool copies = flow == FLOW_REPEAT || node_is(n, OP_pad) || node_is(n, OP_transpose);
    const void *data = copies ? NULL : evaluate(ch, n);
    if (!copies && !data)
        return;
    for (int32_t o = 0; o < outs; o++) {
        if (!found[o])
            continue;
        double value = copies ? source_value(ch, n->in[0], channel_source(n, flow, 0, o))
                              : element_at(data, n->out[0]->type, o);
        ch->is_constant[first + o] = isfinite(value) != 0;
        ch->value[first + o] = value;
    }
}

void channels_find_constants(struct channels *ch)
{
    for (int i = 0; i < ch->g->n_nodes; i++) {
        if (ch->flow[i] == FLOW_NONE)
            continue;
        if (ch->flow[i] == FLOW_MIX && ch->g->node[i]->in[0]->type == DTYPE_INT8)
            ch->can_fold[i] = bias_has_room(ch, i);
        find_in_node(ch, i);
    }
}
