/* SPDX-License-Identifier: Apache-2.0 */
/* dead.c - takes out nodes whose outputs nobody reads, and tensors that nobody uses.
 *
 * Nodes do nothing but make their outputs, so what the outputs of the graph do not depend on can
 * go. Inputs of the graph stay even where they are not read: they are the caller's interface.
 */
#include "compile.h"

static void mark(bool *used, struct tensor *t)
{
    used[t->index] = true;
    used[tensor_base(t)->index] = true;
}

/* One sweep from the end is enough: readers stand behind makers. */
static void drop_nodes(struct ctx *ctx, struct graph *g, bool *used)
{
    bool *drop = NEWS(ctx, bool, g->n_nodes);
    for (int i = g->n_nodes - 1; i >= 0; i--) {
        struct node *n = g->node[i];
        drop[i] = true;
        for (int k = 0; k < n->n_out; k++)
            if (used[n->out[k]->index])
                drop[i] = false;
        if (drop[i])
            continue;
        for (int k = 0; k < n->n_out; k++)
            mark(used, n->out[k]);
        for (int k = 0; k < n->n_in; k++)
            if (n->in[k])
                mark(used, n->in[k]);
    }
    graph_drop_nodes(g, drop);
}

void pass_dead(struct ctx *ctx, struct graph *g)
{
    bool *used = NEWS(ctx, bool, g->n_tensors);
    for (int i = 0; i < g->n_inputs; i++)
        mark(used, g->input[i]);
    for (int i = 0; i < g->n_outputs; i++)
        mark(used, g->output[i]);
    drop_nodes(ctx, g, used);

    int kept = 0;
    for (int i = 0; i < g->n_tensors; i++) {
        struct tensor *t = g->tensor[i];
        if (!used[i])
            continue;
        t->index = kept;
        g->tensor[kept++] = t;
    }
    g->n_tensors = kept;
}
