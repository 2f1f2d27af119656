/* SPDX-License-Identifier: Apache-2.0 */
/* rows.c - finds the row schedule of the smallest memory.
 *
 * What may vary: from which operator on tensors are made whole (behind the last stride small
 * tensors cost less whole than their rows beside early rings), how many rows a turn makes, and
 * which short branches wait for their longer siblings. Every choice is simulated; its live bytes
 * say what packing can reach at best, so only the few best are packed.
 */
#include <string.h>

#include "plan/rows.h"

enum { KEPT = 3, BRANCHES_TRIED = 4, CUTS_TRIED = 64 };

struct candidate {
    struct choice choice;
    int32_t live;
};

/* Keeps the best few, by live bytes, then by fewer turns (a later cut comes after an earlier one).
 */
static void consider(struct candidate *best, const struct candidate *fresh)
{
    for (int i = 0; i < KEPT; i++) {
        if (fresh->live >= best[i].live)
            continue;
        memmove(best + i + 1, best + i, (size_t)(KEPT - 1 - i) * sizeof *best);
        best[i] = *fresh;
        return;
    }
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
    const int32_t counter = schedule_counter_bytes(s);
    int32_t align = 1;
    for (int i = 0; i < plan->n; i++)
        align = plan->interval[i].align > align ? plan->interval[i].align : align;
    int32_t bytes = align_up(plan->bytes > 0 ? plan->bytes : 1, align);
    bytes = align_up(bytes, counter) + s->n_counters * counter;
    return align_up(bytes, align > counter ? align : counter);
}

void schedule_rows(struct ctx *ctx, struct program *p)
{
    struct rows_work w = {.ctx = ctx,
                          .program = p,
                          .by_row = ctx->options.by_row,
                          .keep_input = ctx->options.keep_input};
    check_possible(&w);
    rows_find_branches(&w);
    struct candidate best[KEPT + 1];
    for (int i = 0; i <= KEPT; i++)
        best[i].live = INT32_MAX;
    const int branches = w.n_branches < BRANCHES_TRIED ? w.n_branches : BRANCHES_TRIED;
    const int every = p->n_steps / CUTS_TRIED + 1;
    for (uint32_t late = 0; late < UINT32_C(1) << branches; late++)
        for (int cut = p->n_steps; cut >= 0; cut -= every) {
            struct candidate c = {{cut, 1, late}, 0};
            struct schedule *s = rows_tables(&w, &c.choice);
            rows_walk(&w, s);
            c.live = rows_lower_bound(&w, s);
            consider(best, &c);
        }
    for (int i = 0; i < KEPT && best[i].live < INT32_MAX; i++) {
        struct schedule *s = rows_tables(&w, &best[i].choice);
        rows_walk(&w, s);
        struct plan *plan = rows_map(&w, s);
        s->state_bytes = state_bytes(s, plan);
        if (p->schedule && p->plan->bytes <= plan->bytes)
            continue;
        p->schedule = s;
        p->plan = plan;
    }
}
