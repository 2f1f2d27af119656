/* SPDX-License-Identifier: Apache-2.0 */
/* eval_program.c - runs a compiled program on the host: in its memory plan, in the order of its
 * schedule. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "compile.h"

struct memory {
    const struct ctx *ctx;
    const void *const *in;
    void *const *out;
    char *scratch;
    const size_t *place; /* by tensor->index, where tensors lie one behind the other; else NULL */
};

static void *memory_of(void *user, const struct tensor *t, int32_t row)
{
    const struct memory *m = user;
    const struct graph *g = m->ctx->graph;
    const struct plan *plan = m->ctx->program->plan;
    const struct schedule *s = m->ctx->program->schedule;
    if (m->place)
        return m->scratch + m->place[t->index];
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

/* A stream's output is that of the whole window which ends there; so eval takes a whole window. The
 * state holds no such thing: each tensor has memory of its own here. */
static int eval_window(struct ctx *ctx, const void *const *in, void *const *out)
{
    const struct graph *g = ctx->graph;
    size_t *place = calloc((size_t)g->n_tensors + 1, sizeof *place), bytes = 0;
    for (int i = 0; place && i < g->n_tensors; i++) {
        place[i] = bytes;
        if (!g->tensor[i]->data && !g->tensor[i]->base)
            bytes += ((size_t)tensor_bytes(g->tensor[i]) + 15) / 16 * 16;
    }
    struct memory memory = {ctx, in, out, malloc(bytes + 1), place};
    const bool has_memory = place && memory.scratch;
    for (int i = 0; has_memory && i < g->n_inputs; i++)
        memcpy(memory_of(&memory, g->input[i], -1), in[i], (size_t)tensor_bytes(g->input[i]));
    for (int i = 0; has_memory && i < ctx->program->n_steps; i++)
        eval_step(ctx, &ctx->program->step[i], memory_of, &memory);
    for (int i = 0; has_memory && i < g->n_outputs; i++)
        memcpy(out[i], memory_of(&memory, g->output[i], -1), (size_t)tensor_bytes(g->output[i]));
    free(memory.scratch);
    free(place);
    return has_memory ? 0 : -1;
}

/* Labels leave as the numbers that the model was trained with, as in the generated code. */
static void name_labels(const struct graph *g, void *const *out)
{
    for (int i = 0; i < g->n_outputs && g->role; i++) {
        int32_t *label = out[i];
        if (g->output[i]->type != DTYPE_INT32)
            continue;
        for (int k = 0; k < g->n_labels; k++)
            if (g->classes[k].value && label[k] >= 0 && label[k] < g->classes[k].n)
                label[k] = g->classes[k].value[label[k]];
    }
}

int eval_program(struct ctx *ctx, const void *const *in, void *const *out)
{
    if (ctx->program->stream)
        return eval_window(ctx, in, out);
    struct memory memory = {ctx, in, out, malloc((size_t)ctx->program->plan->bytes + 1), NULL};
    if (!memory.scratch)
        return -1;
    put_inputs(&memory);
    if (ctx->program->schedule)
        run_rows(ctx, &memory);
    else
        for (int i = 0; i < ctx->program->n_steps; i++)
            eval_step(ctx, &ctx->program->step[i], memory_of, &memory);
    take_outputs(&memory);
    name_labels(ctx->graph, out);
    free(memory.scratch);
    return 0;
}
