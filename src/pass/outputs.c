/* SPDX-License-Identifier: Apache-2.0 */
/* outputs.c - gives every output of the graph memory of its own.
 *
 * The caller passes one buffer an output, so an output that is an input, a constant, a variable, a
 * view or another output's tensor becomes a copy (a reshape node, which views.c has left behind it
 * for the same reason).
 */
#include "compile.h"

static bool is_computed_here(const struct graph *g, int i)
{
    const struct tensor *t = g->output[i];
    if (!t->maker || t->base)
        return false;
    for (int k = 0; k < i; k++)
        if (g->output[k] == t)
            return false;
    return true;
}

void pass_outputs(struct ctx *ctx, struct graph *g)
{
    for (int i = 0; i < g->n_outputs; i++) {
        if (is_computed_here(g, i))
            continue;
        struct tensor *from = g->output[i];
        struct tensor *to = graph_add_tensor(ctx, g, from->name, from->type, from->rank, from->dim);
        to->quant = from->quant;
        struct node *copy = graph_add_node(ctx, g, from->name, op_table[OP_reshape], 1, 1);
        copy->in[0] = from;
        copy->out[0] = to;
        to->maker = copy;
        g->output[i] = to;
    }
}
