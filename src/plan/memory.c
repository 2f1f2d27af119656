/* SPDX-License-Identifier: Apache-2.0 */
/* memory.c - which tensors need memory and from when to when; pack.c gives the addresses.
 *
 * Time counts in steps of the program; inputs live from step 0, outputs to the last. A tensor that
 * an operator may compute in the memory of its input shares that input's interval: the two are one
 * interval with the life of both.
 */
#include <assert.h>

#include "compile.h"

enum { ATTEMPTS = 400 };

/* Where the output of a step lies in the memory of an input: follow `in` to the tensor with the
 * interval. Indexed by tensor->index. */
struct planner {
    struct ctx *ctx;
    struct program *program;
    struct graph *graph;
    struct tensor **in;    /* computed in place of this tensor, or NULL */
    int32_t *birth, *last; /* of each base tensor; birth -1: none */
};

static struct tensor *owner(const struct planner *p, struct tensor *t)
{
    t = tensor_base(t);
    while (p->in[t->index])
        t = tensor_base(p->in[t->index]);
    return t;
}

/* Inputs and outputs are the caller's memory, constants are flash, unless they share scratch. */
static bool is_io(const struct graph *g, const struct tensor *t)
{
    if (graph_is_output(g, t))
        return true;
    for (int i = 0; i < g->n_inputs; i++)
        if (g->input[i] == t)
            return true;
    return false;
}

static bool has_address(const struct planner *p, const struct tensor *t)
{
    return !t->base && !t->data && !t->is_variable &&
           (p->ctx->options.share_io || !is_io(p->graph, t));
}

static void use(struct planner *p, struct tensor *t, int32_t step)
{
    t = tensor_base(t);
    if (p->birth[t->index] < 0 || p->birth[t->index] > step)
        p->birth[t->index] = step;
    if (p->last[t->index] < step)
        p->last[t->index] = step;
}

static void find_lives(struct planner *p)
{
    const struct graph *g = p->graph;
    for (int i = 0; i < g->n_inputs; i++)
        use(p, g->input[i], 0);
    for (int i = 0; i < p->program->n_steps; i++) {
        const struct step *s = &p->program->step[i];
        for (int k = 0; k < s->node->n_in; k++)
            if (s->node->in[k])
                use(p, s->node->in[k], i);
        for (int k = 0; k < s->node->n_out; k++)
            use(p, s->node->out[k], i);
        for (int k = 0; k < s->n_temps; k++)
            use(p, s->temp[k], i);
    }
    for (int i = 0; i < g->n_outputs; i++)
        use(p, g->output[i], p->program->n_steps);
}

/* An input dies at the step that computes in its place; every other use of it, also as a second
 * input of the same step, forbids that. */
static void find_in_place(struct planner *p)
{
    for (int i = 0; i < p->program->n_steps; i++) {
        struct node *n = p->program->step[i].node;
        struct tensor *out = n->out[0];
        if (!n->op->in_place || !has_address(p, out))
            continue;
        for (int k = 0; k < n->n_in; k++) {
            struct tensor *in = n->in[k] ? tensor_base(n->in[k]) : NULL;
            if (!in || !n->op->in_place(n, k) || !has_address(p, in) || p->last[in->index] != i)
                continue;
            int reads = 0;
            for (int other = 0; other < n->n_in; other++)
                reads += n->in[other] && tensor_base(n->in[other]) == in;
            if (reads > 1)
                continue;
            p->in[out->index] = in;
            break;
        }
    }
}

static void make_intervals(struct planner *p, struct plan *plan)
{
    const struct graph *g = p->graph;
    int32_t *of = NEWS(p->ctx, int32_t, g->n_tensors);
    plan->tensor = NEWS(p->ctx, struct tensor *, g->n_tensors);
    plan->interval = NEWS(p->ctx, struct interval, g->n_tensors);
    for (int i = 0; i < g->n_tensors; i++)
        of[i] = -1;
    for (int i = 0; i < g->n_tensors; i++) {
        struct tensor *t = g->tensor[i];
        if (!has_address(p, t) || p->birth[i] < 0)
            continue;
        struct tensor *o = owner(p, t);
        if (of[o->index] < 0) {
            int32_t bytes = (int32_t)tensor_bytes(o), element = dtype_bits(o->type) / 8;
            of[o->index] = plan->n;
            plan->tensor[plan->n] = o;
            /* Memory that kernels keep for themselves is read by words. */
            plan->interval[plan->n++] = (struct interval){p->birth[o->index],
                                                          p->last[o->index],
                                                          bytes,
                                                          element == 2 && !o->maker ? 4
                                                          : element > 1             ? element
                                                                                    : 1,
                                                          0,
                                                          false};
        }
        struct interval *v = &plan->interval[of[o->index]];
        v->birth = p->birth[i] < v->birth ? p->birth[i] : v->birth;
        v->last = p->last[i] > v->last ? p->last[i] : v->last;
        of[i] = of[o->index];
    }
    plan->of = of;
}

static void find_peak(struct plan *plan, int n_steps)
{
    int64_t most = -1;
    for (int step = 0; step < n_steps; step++) {
        int64_t live = 0;
        for (int i = 0; i < plan->n; i++)
            if (plan->interval[i].birth <= step && step <= plan->interval[i].last)
                live += plan->interval[i].bytes;
        if (live > most) {
            most = live;
            plan->peak_step = step;
        }
    }
}

void plan_memory(struct ctx *ctx, struct program *program)
{
    struct graph *g = program->graph;
    struct planner p = {ctx,
                        program,
                        g,
                        NEWS(ctx, struct tensor *, g->n_tensors),
                        NEWS(ctx, int32_t, g->n_tensors),
                        NEWS(ctx, int32_t, g->n_tensors)};
    for (int i = 0; i < g->n_tensors; i++) {
        assert(g->tensor[i]->index == i);
        p.birth[i] = p.last[i] = -1;
    }
    find_lives(&p);
    find_in_place(&p);
    struct plan *plan = program->plan = NEW(ctx, struct plan);
    make_intervals(&p, plan);
    int64_t total = 0;
    for (int i = 0; i < plan->n; i++)
        total += plan->interval[i].bytes;
    if (total > INT32_MAX / 2)
        fail(ctx, NULL, "the tensors take %lld bytes together, beyond any microcontroller",
             (long long)total);
    plan->lower_bound = plan_lower_bound(ctx, plan->interval, plan->n);
    plan->bytes = plan_pack(ctx, plan->interval, plan->n, ATTEMPTS);
    find_peak(plan, program->n_steps);
}
