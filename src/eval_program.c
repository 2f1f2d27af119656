/* SPDX-License-Identifier: Apache-2.0 */
/* eval_program.c - runs a compiled program on the host: in its memory plan, in the order of its
 * schedule. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "ir.h"

struct memory {
    const struct ctx *ctx;
    const void *const *in;
    void *const *out;
    char *scratch;
};

static void *memory_of(void *user, const struct tensor *t, int32_t row)
{
    const struct memory *m = user;
    const struct graph *g = m->ctx->graph;
    const struct plan *plan = m->ctx->program->plan;
    const struct schedule *s = m->ctx->program->schedule;
    if (s && row >= 0 && s->of[t->index] >= 0)
        return m->scratch + s->tensor[s->of[t->index]].offset[row];
    if (plan->of[t->index] >= 0)
        return m->scratch + plan->interval[plan->of[t->index]].offset;
    for (int i = 0; i < g->n_outputs; i++)
        if (g->output[i] == t)
            return m->out[i];
    for (int i = 0; i < g->n_inputs; i++)
        if (g->input[i] == t)
            return (void *)(uintptr_t)m->in[i];
    assert(false && "a tensor without memory");
    return NULL;
}

/* What lies in scratch is copied there before a run; the rest is the caller's own memory. */
static void put_inputs(struct memory *m)
{
    const struct graph *g = m->ctx->graph;
    for (int i = 0; i < g->n_inputs; i++)
        if (m->ctx->program->plan->of[g->input[i]->index] >= 0)
            memcpy(memory_of(m, g->input[i], -1), m->in[i], (size_t)tensor_bytes(g->input[i]));
}

static void take_outputs(struct memory *m)
{
    const struct graph *g = m->ctx->graph;
    for (int i = 0; i < g->n_outputs; i++)
        if (m->ctx->program->plan->of[g->output[i]->index] >= 0)
            memcpy(m->out[i], memory_of(m, g->output[i], -1), (size_t)tensor_bytes(g->output[i]));
}

/* The turns that the planner found; the device finds the same ones by the same function. */
static void run_rows(struct ctx *ctx, struct memory *m)
{
    const struct schedule *s = ctx->program->schedule;
    for (int i = 0; i < s->n_turns; i++) {
        const struct turn *t = &s->turn[i];
        if (t->op >= 0) {
            eval_turn(ctx, &ctx->program->step[s->step[t->op]], t->from, t->to, memory_of, m);
            continue;
        }
        const size_t row = (size_t)tensor_bytes(ctx->graph->input[0]) / (size_t)s->tensor[0].rows;
        memcpy(m->scratch + s->tensor[0].offset[t->from],
               (const char *)m->in[0] + (size_t)t->from * row, row);
    }
}

int eval_program(struct ctx *ctx, const void *const *in, void *const *out)
{
    struct memory memory = {ctx, in, out, malloc((size_t)ctx->program->plan->bytes + 1)};
    if (!memory.scratch)
        return -1;
    put_inputs(&memory);
    if (ctx->program->schedule)
        run_rows(ctx, &memory);
    else
        for (int i = 0; i < ctx->program->n_steps; i++)
            eval_step(ctx, &ctx->program->step[i], memory_of, &memory);
    take_outputs(&memory);
    free(memory.scratch);
    return 0;
}
