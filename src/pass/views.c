/* SPDX-License-Identifier: Apache-2.0 */
/* views.c - nodes that change no byte disappear: their output becomes a view of their input.
 *
 * Exact because the bytes of the output are those of the input, in the same order: that is what
 * keeps_bytes() asks of each operator. The output keeps its name, shape and quantisation.
 *
 * A node that makes an output of the graph stays: the caller gives every output memory of its own,
 * so its bytes have to be moved there.
 */
#include "compile.h"
#include "op/attr.h"

static bool all_are(const struct int_list *list, int32_t value)
{
    for (int i = 0; i < list->n; i++)
        if (list->at[i] != value)
            return false;
    return true;
}

/* Axes of size 1 may stand anywhere; the others keep their order. */
static bool keeps_order(const struct tensor *in, const struct int_list *perm)
{
    int32_t last = -1;
    for (int i = 0; i < perm->n; i++) {
        if (in->dim[perm->at[i]] == 1)
            continue;
        if (perm->at[i] < last)
            return false;
        last = perm->at[i];
    }
    return true;
}

/* The same numbers mean the same values: with equal scales and zero points quantize multiplies by
 * exactly 1, and a clamp without bounds and a pad of nothing copy. */
static bool keeps_bytes(const struct node *n)
{
    const struct tensor *in = n->in[0], *out = n->out[0];
    if (in->type != out->type || tensor_bytes(in) != tensor_bytes(out))
        return false;
    if (n->op->is_view)
        return true;
    if (node_is(n, OP_transpose))
        return keeps_order(in, &((const struct attr_transpose *)n->attr)->perm);
    if (node_is(n, OP_slice)) /* as many elements as there are, and none of them backwards */
        return all_are(&((const struct attr_slice *)n->attr)->stride, 1);
    if (!tensor_same_quant(in, out))
        return false;
    if (node_is(n, OP_clamp))
        return ((const struct attr_clamp *)n->attr)->activation == ACT_NONE;
    return node_is(n, OP_quantize) || node_is(n, OP_pad);
}

/* A constant needs no base: it shares the pointer. */
static void make_view(struct tensor *t, struct tensor *base)
{
    t->maker = NULL;
    t->data = base->data;
    t->base = base->data ? NULL : base;
}

void pass_views(struct ctx *ctx, struct graph *g)
{
    bool *drop = NEWS(ctx, bool, g->n_nodes);
    bool *is_output = NEWS(ctx, bool, g->n_tensors);
    for (int i = 0; i < g->n_outputs; i++)
        is_output[g->output[i]->index] = true;
    for (int i = 0; i < g->n_nodes; i++) {
        struct node *n = g->node[i];
        if (is_output[n->out[0]->index] || !keeps_bytes(n))
            continue;
        make_view(n->out[0], tensor_base(n->in[0]));
        drop[i] = true;
    }
    graph_drop_nodes(g, drop);

    /* A view that was there before may have a base that has become one now. */
    for (int i = 0; i < g->n_tensors; i++)
        if (g->tensor[i]->base)
            make_view(g->tensor[i], tensor_base(g->tensor[i]));
}
