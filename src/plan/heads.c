/* SPDX-License-Identifier: Apache-2.0 */
/* heads.c - the functions of an estimator: for each output a program of the steps it needs.
 *
 * Who only wants the label should not pay for probabilities. So each output is computed by a
 * function of its own, with its own memory; steps, constants and kernels are shared, and the linker
 * drops the functions that nobody calls. */
#include <string.h>

#include "compile.h"

/* Marks the nodes that tensor t depends on; readers stand behind makers. */
static void mark_needed(const struct program *whole, const struct tensor *output, bool *needed,
                        bool *used)
{
    used[output->index] = true;
    for (int i = whole->n_steps - 1; i >= 0; i--) {
        const struct node *n = whole->step[i].node;
        for (int k = 0; k < n->n_out; k++)
            needed[i] |= used[n->out[k]->index];
        for (int k = 0; needed[i] && k < n->n_in; k++)
            if (n->in[k])
                used[n->in[k]->index] = used[tensor_base(n->in[k])->index] = true;
    }
}

static struct program *make_head(struct ctx *ctx, const struct program *whole, int output)
{
    struct program *head = NEW(ctx, struct program);
    struct graph *g = copy_bytes(ctx, whole->graph, sizeof *g);
    bool *needed = NEWS(ctx, bool, whole->n_steps + 1);
    mark_needed(whole, g->output[output], needed, NEWS(ctx, bool, g->n_tensors));
    g->output += output;
    g->n_outputs = 1;
    g->role += output;
    g->node = NEWS(ctx, struct node *, whole->n_steps);
    g->n_nodes = 0;
    *head = *whole;
    head->graph = g;
    head->step = NEWS(ctx, struct step, whole->n_steps);
    head->n_steps = 0;
    for (int i = 0; i < whole->n_steps; i++) {
        if (!needed[i])
            continue;
        g->node[g->n_nodes++] = whole->step[i].node;
        head->step[head->n_steps++] = whole->step[i];
    }
    plan_memory(ctx, head);
    return head;
}

void plan_heads(struct ctx *ctx, struct program *program)
{
    const int n = program->graph->n_outputs;
    struct program **head = NEWS(ctx, struct program *, n);
    for (int i = 0; i < n; i++)
        head[i] = make_head(ctx, program, i);
    program->head = head;
}
