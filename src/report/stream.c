/* SPDX-License-Identifier: Apache-2.0 */
/* stream.c - the memory of a stream: what it keeps of each tensor, and what it computes anew. */
#include <inttypes.h>

#include "report/report.h"

static int64_t bytes_of(const struct stream_tensor *t)
{
    return (int64_t)t->depth * t->elements * dtype_bits(t->tensor->type) / 8;
}

/* A ring, a buffer whose rows move up, or memory that is of use within a hop only. */
static const char *kind_of(const struct stream_tensor *t)
{
    return t->ring >= 0 ? "ring" : !t->is_whole && t->depth > t->fresh ? "buffer" : "hop";
}

/* The step that makes a tensor; -1: it is the input. */
static int step_of(const struct program *p, const struct stream_tensor *t)
{
    for (int i = 0; i < p->n_steps; i++)
        if (tensor_base(p->step[i].node->out[0]) == t->tensor)
            return i;
    return -1;
}

static void add_name(struct text *out, const struct program *p, const struct stream_tensor *t)
{
    const int step = step_of(p, t);
    if (step < 0)
        text_add(out, "input");
    else
        text_add(out, "%s %d", p->step[step].node->op->name, step);
}

static void add_kept(struct text *out, const struct program *p, const char *margin)
{
    for (int i = 0; i < p->graph->n_tensors; i++) {
        const struct stream_tensor *t = &p->stream->tensor[i];
        if (!t->tensor || kind_of(t)[0] == 'h')
            continue;
        text_add(out, "%s  %8" PRId64 "  %s of %d rows of %d, %d new with each hop: ", margin,
                 bytes_of(t), kind_of(t), (int)t->depth,
                 (int)(t->elements * dtype_bits(t->tensor->type) / 8), (int)t->fresh);
        add_name(out, p, t);
        text_add(out, "\n");
    }
}

static int64_t macs_of_window(const struct program *p)
{
    int64_t macs = 0;
    for (int i = 0; i < p->n_steps; i++)
        macs += p->step[i].node->op->macs ? p->step[i].node->op->macs(p->step[i].node) : 0;
    return macs;
}

void report_stream(struct text *out, const struct ctx *ctx, const char *margin)
{
    const struct program *p = ctx->program;
    const struct stream *s = p->stream;
    text_add(out,
             "%sstream: an output with every %s, the first with row %d\n"
             "%swork: %" PRId64 " multiply-accumulates an output; a whole window takes %" PRId64
             "\n",
             margin, s->hop > 1 ? format(out->ctx, "%d rows", (int)s->hop) : "row", (int)s->first,
             margin, s->macs, macs_of_window(p));
    text_add(out,
             "%sstate: %" PRId32 " bytes; rows take %" PRId32 " (at most %" PRId32
             " are alive at once), "
             "slots and counts the rest\n%skept from hop to hop:\n",
             margin, s->state_bytes, p->plan->bytes, p->plan->lower_bound, margin);
    add_kept(out, p, margin);
    for (int i = 0; i < p->n_steps; i++)
        if (s->anew[i])
            text_add(
                out,
                "%s%s %d needs the whole window: it and what follows are computed anew with each "
                "hop\n",
                margin, p->step[i].node->op->name, i);
}

/* A tensor is named by the step that makes it, -1 for the input; "lender" is the tensor of that
 * step, too, in whose ring it lies. */
static void json_tensor(struct text *out, const struct program *p, const struct stream_tensor *t)
{
    text_add(out,
             "{\"step\": %d, \"kind\": \"%s\", \"depth\": %d, \"rows\": %d, \"fresh\": %d, "
             "\"bytes\": %" PRId64 ", \"lender\": ",
             step_of(p, t), kind_of(t), (int)t->depth, (int)t->rows, (int)t->fresh, bytes_of(t));
    if (t->lender < 0)
        text_add(out, "null}");
    else
        text_add(out, "%d}", step_of(p, &p->stream->tensor[t->lender]));
}

void report_stream_json(struct text *out, const struct ctx *ctx)
{
    const struct program *p = ctx->program;
    const struct stream *s = p->stream;
    bool first = true;
    text_add(out,
             "  \"stream\": {\"state_bytes\": %d, \"hop\": %d, \"first\": %d, \"macs\": %" PRId64
             ", \"rings\": %d,\n    \"anew\": [",
             (int)s->state_bytes, (int)s->hop, (int)s->first, s->macs, s->n_rings);
    for (int i = 0; i < p->n_steps; i++) {
        if (!s->anew[i])
            continue;
        text_add(out, "%s%d", first ? "" : ", ", i);
        first = false;
    }
    text_add(out, "],\n    \"tensors\": [");
    first = true;
    for (int i = 0; i < p->graph->n_tensors; i++) {
        if (!s->tensor[i].tensor)
            continue;
        text_add(out, "%s\n      ", first ? "" : ",");
        json_tensor(out, p, &s->tensor[i]);
        first = false;
    }
    text_add(out, "]},\n");
}
