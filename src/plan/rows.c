/* SPDX-License-Identifier: Apache-2.0 */
/* rows.c - finds the row schedule of the smallest memory, or the fastest that fits.
 *
 * What may vary: from which operator on tensors are made whole (behind the last stride small
 * tensors cost less whole than their rows beside early rings), how many rows a turn makes, and
 * which short branches wait for their longer siblings. Every choice is simulated; its live bytes
 * say what packing can reach at best, so only the few best are packed.
 */
#include <inttypes.h>
#include <string.h>

#include "plan/rows.h"
#include "compile.h"

enum { KEPT = 3, BRANCHES_TRIED = 4, CUTS_TRIED = 64, STRIPS = 4 };

struct simulated {
    struct choice choice;
    int32_t live;
    int n_turns;
};

/* Simulates every choice with strips of 1, 2, 4, ... rows; returns how many there are. */
static int simulate(struct rows_work *w, int n_strips, struct simulated **list)
{
    const int n_steps = w->program->n_steps, every = n_steps / CUTS_TRIED + 1;
    const int branches = w->n_branches < BRANCHES_TRIED ? w->n_branches : BRANCHES_TRIED;
    int n = 0;
    *list = NEWS(w->ctx, struct simulated, (n_steps / every + 1) * n_strips << branches);
    for (uint32_t late = 0; late < UINT32_C(1) << branches; late++)
        for (int cut = n_steps; cut >= 0; cut -= every)
            for (int k = 0; k < n_strips; k++) {
                struct simulated *c = &(*list)[n++];
                c->choice = (struct choice){cut, 1 << k, late};
                struct schedule *s = rows_tables(w, &c->choice);
                rows_walk(w, s);
                c->live = rows_lower_bound(w, s);
                c->n_turns = s->n_turns;
            }
    return n;
}

/* Takes the candidate with the fewest live bytes or, by_turns, turns out of the list; of equal
 * ones the first. Only those with fewer than `below` live bytes count; false: there is none. */
static bool take_best(struct simulated *list, int n, bool by_turns, int64_t below,
                      struct simulated *best)
{
    int at = -1;
    for (int i = 0; i < n; i++) {
        if (list[i].live >= below)
            continue;
        if (at < 0 ||
            (by_turns ? list[i].n_turns < list[at].n_turns ||
                            (list[i].n_turns == list[at].n_turns && list[i].live < list[at].live)
                      : list[i].live < list[at].live))
            at = i;
    }
    if (at < 0)
        return false;
    *best = list[at];
    list[at].live = INT32_MAX;
    return true;
}

static void check_possible(const struct rows_work *w)
{
    const struct graph *g = w->program->graph;
    if (w->by_row && (g->n_inputs != 1 || tensor_rows(g->input[0]) < 2))
        fail(w->ctx, NULL,
             "an input row by row needs a model with one input of several rows; this "
             "one has %d inputs, the first %s",
             g->n_inputs, g->n_inputs ? tensor_text(w->ctx, g->input[0]) : "none");
}

int32_t schedule_counter_bytes(const struct schedule *s)
{
    int32_t most = 0;
    for (int i = 0; i < s->n_ops; i++)
        most = s->op[i].rows > most ? s->op[i].rows : most;
    for (int i = 0; i < s->n_tensors; i++)
        most = s->tensor[i].rows > most ? s->tensor[i].rows : most;
    return most > 255 ? 2 : 1;
}

static int32_t align_up(int32_t bytes, int32_t align)
{
    return (bytes + align - 1) / align * align;
}

/* sizeof the state on a core that aligns every type to its size. */
static int32_t state_bytes(const struct schedule *s, const struct plan *plan)
{
    const int32_t counter = s->n_counters ? schedule_counter_bytes(s) : 1;
    int32_t align = 1;
    for (int i = 0; i < plan->n; i++)
        align = plan->interval[i].align > align ? plan->interval[i].align : align;
    int32_t bytes = align_up(plan->bytes > 0 ? plan->bytes : 1, align);
    bytes = align_up(bytes, counter) + s->n_counters * counter;
    return align_up(bytes, align > counter ? align : counter);
}

/* Operators of one row each, in order: vectors. No walker and no counters are needed. */
static bool is_sequence(const struct schedule *s)
{
    for (int i = 0; i < s->n_turns; i++)
        if (s->turn[i].op != i || s->turn[i].from != 0 || s->turn[i].to != 1)
            return false;
    return s->n_turns == s->n_ops && !s->by_row;
}

/* Packs a choice; the program takes it if it needs less than what it has. */
static void pack(struct rows_work *w, const struct choice *c)
{
    struct program *p = w->program;
    struct schedule *s = rows_tables(w, c);
    rows_walk(w, s);
    struct plan *plan = rows_map(w, s);
    s->n_counters = is_sequence(s) ? 0 : s->n_counters;
    s->state_bytes = state_bytes(s, plan);
    if (p->schedule && p->plan->bytes <= plan->bytes)
        return;
    p->schedule = s;
    p->plan = plan;
}

static struct rows_work begin(struct ctx *ctx, struct program *p)
{
    struct rows_work w = {.ctx = ctx,
                          .program = p,
                          .by_row = ctx->options.by_row,
                          .keep_input = ctx->options.keep_input};
    for (int i = 0; i < p->n_steps; i++)
        for (int k = 0; k < p->step[i].n_calls; k++)
            if (p->step[i].call[k]->strip)
                p->step[i].call[k]->strip = 1; /* a turn makes single rows */
    check_possible(&w);
    rows_find_branches(&w);
    return w;
}

void schedule_rows(struct ctx *ctx, struct program *p)
{
    struct rows_work w = begin(ctx, p);
    struct simulated *list, best;
    const int n = simulate(&w, 1, &list);
    int64_t below = INT32_MAX; /* no packing beats the bytes that are alive */
    for (int i = 0; i < KEPT && take_best(list, n, false, below, &best); i++) {
        pack(&w, &best.choice);
        below = p->plan->bytes;
    }
}

/* ---- the fastest that fits ------------------------------------------------------------------- */

bool schedule_whole_to_fit(struct ctx *ctx, struct program *p)
{
    const struct graph *g = p->graph;
    if (ctx->options.optimize == MICA_OPTIMIZE_RAM || ctx->options.by_row ||
        ctx->options.keep_input)
        return false;
    plan_memory(ctx, p);
    int64_t bytes = p->plan->bytes;
    for (int i = 0; i < g->n_inputs && !ctx->options.share_io; i++)
        bytes += tensor_bytes(g->input[i]);
    for (int i = 0; i < g->n_outputs && !ctx->options.share_io; i++)
        bytes += tensor_bytes(g->output[i]);
    if (bytes > ctx->options.max_ram)
        return false;
    schedule_whole(p);
    return true;
}

static void fail_to_fit(struct ctx *ctx, const struct program *p)
{
    const struct schedule *s = p->schedule;
    const int peak = p->plan->peak_step;
    const int64_t beyond = s->state_bytes - ctx->options.max_ram;
    const char *what = ctx->options.by_row ? " by row" : ctx->options.keep_input ? " kept" : "";
    const struct turn *t = peak < s->n_turns && s->turn[peak].op >= 0 ? &s->turn[peak] : NULL;
    if (!t)
        fail(ctx, NULL,
             "the smallest memory, with the input%s, is %" PRId32 " bytes, %" PRId64
             " more than --max-ram %" PRId64 "; inputs and outputs alone take the most of it",
             what, s->state_bytes, beyond, ctx->options.max_ram);
    fail(ctx, p->step[s->step[t->op]].node,
         "the smallest memory, with the input%s, is %" PRId32 " bytes, %" PRId64
         " more than --max-ram %" PRId64 "; the most is alive here, at row %" PRId32,
         what, s->state_bytes, beyond, ctx->options.max_ram, t->from);
}

bool schedule_to_fit(struct ctx *ctx, struct program *p, bool last)
{
    const int64_t room = ctx->options.max_ram;
    ctx->options.share_io = 1;
    struct rows_work w = begin(ctx, p);
    struct simulated *list, best;
    const int n = simulate(&w, STRIPS, &list);
    int64_t below = room + 1;
    while (take_best(list, n, true, below, &best)) { /* what packs too badly needs fewer alive */
        p->schedule = NULL;
        pack(&w, &best.choice);
        if (p->schedule->state_bytes <= room)
            return true;
        below = best.live;
    }
    p->schedule = NULL;
    schedule_rows(ctx, p);
    if (p->schedule->state_bytes <= room)
        return true;
    if (last)
        fail_to_fit(ctx, p);
    return false;
}
