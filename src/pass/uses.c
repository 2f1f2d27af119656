/* SPDX-License-Identifier: Apache-2.0 */
/* uses.c - how often each tensor is read. */
#include "pass/uses.h"

int *count_uses(struct ctx *ctx, const struct graph *g)
{
    int *uses = NEWS(ctx, int, g->n_tensors);
    for (int i = 0; i < g->n_nodes; i++)
        for (int k = 0; k < g->node[i]->n_in; k++)
            if (g->node[i]->in[k])
                uses[g->node[i]->in[k]->index]++;
    for (int i = 0; i < g->n_tensors; i++)
        if (g->tensor[i]->base)
            uses[g->tensor[i]->base->index]++;
    for (int i = 0; i < g->n_outputs; i++)
        uses[g->output[i]->index]++;
    return uses;
}
