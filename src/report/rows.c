/* SPDX-License-Identifier: Apache-2.0 */
/* rows.c - the memory of a row schedule: what lives at its peak, and what is made whole and why. */
#include <inttypes.h>

#include "report/report.h"

static bool lives(const struct interval *v, int turn)
{
    return v->birth <= turn && turn <= v->last;
}

/* "conv2d 3", "input 0", "memory of average_pool 9": the report's names, safe in a C comment. */
static void add_name(struct text *out, const struct program *p, const struct tensor *t)
{
    for (int i = 0; i < p->graph->n_inputs; i++)
        if (p->graph->input[i] == t)
            text_add(out, p->graph->n_inputs > 1 ? "input %d" : "input", i);
    for (int i = 0; i < p->n_steps; i++) {
        const struct node *n = p->step[i].node;
        if (tensor_base(n->out[0]) == t)
            text_add(out, "%s %d", n->op->name, i);
        for (int k = 0; k < p->step[i].n_temps; k++)
            if (p->step[i].temp[k] == t && is_row_buffer(&p->step[i], t))
                text_add(out, "the buffer of kernels, largest in %s %d", n->op->name, i);
            else if (p->step[i].temp[k] == t)
                text_add(out, "memory of %s %d", n->op->name, i);
    }
}

static void add_peak(struct text *out, const struct program *p, int peak, const char *margin)
{
    const struct plan *plan = p->plan;
    for (int i = 0; i < plan->n; i++) {
        const struct tensor *t = plan->tensor[i];
        int64_t bytes = 0;
        bool again = !lives(&plan->interval[i], peak);
        for (int k = 0; k < plan->n && !again; k++)
            if (plan->tensor[k] == t && lives(&plan->interval[k], peak)) {
                again |= k < i;
                bytes += plan->interval[k].bytes;
            }
        if (again)
            continue;
        const int32_t rows = tensor_rows(t), row = (int32_t)(tensor_bytes(t) / rows);
        text_add(out, "%s  %8" PRId64 "  %d of %d rows of %d, ", margin, bytes, (int)(bytes / row),
                 (int)rows, (int)row);
        add_name(out, p, t);
        text_add(out, "\n");
    }
}

static void add_whole(struct text *out, const struct program *p, const char *margin)
{
    for (int i = 0; i < p->n_steps; i++) {
        const struct node *n = p->step[i].node;
        if (!p->step[i].rows.whole)
            continue;
        const bool batch = n->in[0] && n->in[0]->rank > 2 && n->in[0]->dim[0] > 1;
        text_add(out, "%s  %s %d is made whole: %s\n", margin, n->op->name, i,
                 batch ? "its rows are those of several images"
                       : "it needs all rows of its input before it gives one");
    }
    if (p->schedule->cut < p->n_steps)
        text_add(out, "%s  from %s %d on, all rows of an operator are made at once\n", margin,
                 p->step[p->schedule->step[p->schedule->cut]].node->op->name,
                 p->schedule->step[p->schedule->cut]);
}

void report_rows(struct text *out, const struct ctx *ctx, const char *margin)
{
    const struct program *p = ctx->program;
    const struct schedule *s = p->schedule;
    const int peak = ctx->program->plan->peak_step;
    text_add(out,
             "%sstate: %" PRId32 " bytes, %" PRId32 " of them for rows, of which %" PRId32
             " are alive at once; the rest counts rows\n",
             margin, s->state_bytes, p->plan->bytes, p->plan->lower_bound);
    if (s->buffer_bytes)
        text_add(out, "%s%" PRId32 " bytes of it are the buffer that kernels work on\n", margin,
                 s->buffer_bytes);
    if (p->plan->n) {
        text_add(out, "%sat the peak, turn %d of %d", margin, peak, s->n_turns);
        if (peak < s->n_turns && s->turn[peak].op >= 0)
            text_add(out, " (%s %d, row %d)", p->step[s->step[s->turn[peak].op]].node->op->name,
                     s->step[s->turn[peak].op], (int)s->turn[peak].from);
        text_add(out, ":\n");
        add_peak(out, p, peak, margin);
    }
    add_whole(out, p, margin);
}

/* Turns count operators in the order of the schedule; "steps" leads to the layers. */
void report_rows_json(struct text *out, const struct ctx *ctx)
{
    const struct schedule *s = ctx->program->schedule;
    text_add(out,
             "  \"schedule\": {\"state_bytes\": %d, \"buffer_bytes\": %d, \"counters\": %d, "
             "\"cut\": %d, "
             "\"peak_turn\": %d,\n    \"steps\": [",
             (int)s->state_bytes, (int)s->buffer_bytes, s->n_counters, s->cut,
             ctx->program->plan->peak_step);
    for (int i = 0; i < s->n_ops; i++)
        text_add(out, "%s%d", i ? ", " : "", s->step[i]);
    text_add(out, "],\n    \"turns\": [");
    for (int i = 0; i < s->n_turns; i++)
        text_add(out, "%s%s[%d, %d, %d]", i ? "," : "", i % 8 ? " " : "\n      ", s->turn[i].op,
                 (int)s->turn[i].from, (int)s->turn[i].to);
    text_add(out, "]},\n");
}

void report_rows_memory(struct text *out, const struct program *p)
{
    const struct plan *plan = p->plan;
    for (int i = 0; i < plan->n; i++) {
        const struct tensor *t = plan->tensor[i];
        int first = 0;
        while (plan->tensor[first] != t)
            first++;
        if (first != i)
            continue;
        text_add(out, "%s\n    {\"tensor\": ", i ? "," : "");
        report_json_string(out, t->name);
        text_add(out, ", \"rows\": [");
        for (int k = i; k < plan->n; k++) {
            const struct interval *v = &plan->interval[k];
            if (plan->tensor[k] == t)
                text_add(out, "%s[%d, %d, %d, %d]", k > i ? ", " : "", (int)v->offset,
                         (int)v->bytes, (int)v->birth, (int)v->last);
        }
        text_add(out, "]}");
    }
}
