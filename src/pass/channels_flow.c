/* SPDX-License-Identifier: Apache-2.0 */
/* channels_flow.c - where the channels of each node's output come from. */
#include "op/attr.h"
#include "pass/channels.h"

enum { CONCAT_MAX = 64 }; /* inputs of a concatenation that is followed */

int32_t channel_count(const struct tensor *t)
{
    return t->rank ? t->dim[t->rank - 1] : 1;
}

double element_at(const void *data, enum dtype type, int64_t i)
{
    return type == DTYPE_INT8 ? ((const int8_t *)data)[i] : (double)((const float *)data)[i];
}

double zero_of(const struct tensor *t)
{
    return t->type == DTYPE_INT8 ? t->quant.zero[0] : 0.0;
}

static bool has_channels(const struct tensor *t)
{
    return (t->type == DTYPE_INT8 || t->type == DTYPE_FLOAT32) && t->rank > 0 && t->quant.n <= 1;
}

/* ---- one operator at a time ------------------------------------------------------------------ */

/* A dense layer reads [N, ..., C] as vectors whose elements go through the channels in turn. */
static enum flow flow_of_mix(const struct node *n)
{
    const struct tensor *in = n->in[0], *w = n->in[1];
    if (node_is(n, OP_conv2d))
        return w->dim[3] == in->dim[3] ? FLOW_MIX : FLOW_NONE; /* no groups */
    return w->dim[1] % channel_count(in) ? FLOW_NONE : FLOW_MIX;
}

static enum flow flow_of_binary(const struct node *n)
{
    const int32_t channels = channel_count(n->out[0]);
    for (int k = 0; k < 2; k++)
        if (!has_channels(n->in[k]) ||
            (channel_count(n->in[k]) != 1 && channel_count(n->in[k]) != channels))
            return FLOW_NONE;
    return n->in[0]->data && n->in[1]->data ? FLOW_NONE : FLOW_BINARY;
}

static enum flow flow_of_concat(const struct node *n)
{
    const struct attr_concat *a = n->attr;
    if (a->axis != n->out[0]->rank - 1 || n->n_in > CONCAT_MAX)
        return FLOW_NONE;
    for (int k = 0; k < n->n_in; k++)
        if (!has_channels(n->in[k]) || n->in[k]->data)
            return FLOW_NONE;
    return FLOW_CONCAT;
}

/* Operators that leave the last axis alone. */
static bool keeps_last_axis(const struct node *n)
{
    const int last = n->in[0]->rank - 1;
    if (node_is(n, OP_mean)) {
        const struct int_list *axes = &((const struct attr_mean *)n->attr)->axes;
        return !axes->n || axes->at[axes->n - 1] != last;
    }
    if (node_is(n, OP_pad)) {
        const struct attr_pad *a = n->attr;
        return !a->before.at[last] && !a->after.at[last];
    }
    if (node_is(n, OP_transpose))
        return ((const struct attr_transpose *)n->attr)->perm.at[last] == last;
    return node_is(n, OP_max_pool) || node_is(n, OP_average_pool) || node_is(n, OP_logistic) ||
           node_is(n, OP_tanh) || node_is(n, OP_clamp) || node_is(n, OP_leaky_relu) ||
           node_is(n, OP_hard_swish) || node_is(n, OP_quantize) || node_is(n, OP_dequantize);
}

enum flow channel_flow(const struct node *n)
{
    if (n->n_out != 1 || !has_channels(n->out[0]))
        return FLOW_NONE;
    if (node_is(n, OP_add) || node_is(n, OP_sub) || node_is(n, OP_mul))
        return flow_of_binary(n);
    if (!n->in[0] || !has_channels(n->in[0]) || n->in[0]->data)
        return FLOW_NONE;
    if (node_is(n, OP_conv2d) || node_is(n, OP_dense))
        return flow_of_mix(n);
    if (node_is(n, OP_depthwise_conv2d))
        return FLOW_DEPTHWISE;
    if (node_is(n, OP_concat))
        return flow_of_concat(n);
    if (node_is(n, OP_reshape))
        return channel_count(n->out[0]) % channel_count(n->in[0]) ? FLOW_NONE : FLOW_REPEAT;
    return keeps_last_axis(n) ? FLOW_SAME : FLOW_NONE;
}

int32_t channel_source(const struct node *n, enum flow flow, int k, int32_t o)
{
    const bool is_source = k == 0 || flow == FLOW_CONCAT || (flow == FLOW_BINARY && k == 1);
    if (!is_source || flow == FLOW_NONE || flow == FLOW_MIX)
        return -1;
    const int32_t channels = channel_count(n->in[k]);
    if (flow == FLOW_REPEAT)
        return o % channels;
    if (flow == FLOW_DEPTHWISE)
        return o / (channel_count(n->out[0]) / channels);
    if (flow == FLOW_BINARY)
        return channels == 1 ? 0 : o;
    for (int j = 0; j < k; j++)
        o -= channel_count(n->in[j]);
    return o >= 0 && o < channels ? o : -1;
}

/* ---- weights --------------------------------------------------------------------------------- */

struct weights channel_weights(const struct node *n)
{
    const struct tensor *w = n->in[1];
    struct weights all = {.tensor = w, .outs = w->dim[0]};
    if (node_is(n, OP_depthwise_conv2d)) {
        all.outs = w->dim[3];
        all.taps = w->dim[1] * w->dim[2];
        all.ins = 1;
        all.outs_inside = true;
    } else if (node_is(n, OP_conv2d)) {
        all.taps = w->dim[1] * w->dim[2];
        all.ins = w->dim[3];
    } else {
        all.ins = channel_count(n->in[0]);
        all.taps = w->dim[1] / all.ins;
    }
    return all;
}

int64_t weight_place(const struct weights *w, int32_t o, int32_t tap, int32_t c)
{
    if (w->outs_inside)
        return (int64_t)tap * w->outs + o;
    return ((int64_t)o * w->taps + tap) * w->ins + c;
}

double weight_at(const struct weights *w, int32_t o, int32_t tap, int32_t c)
{
    return element_at(w->tensor->data, w->tensor->type, weight_place(w, o, tap, c));
}
