/* SPDX-License-Identifier: Apache-2.0 */
/* stream.c - endless time: each hop of new rows gives the output of the window that ends there.
 *
 * A window that moves by one row shares all but its last row with the one before, so an operator
 * without padding in time computes only its new rows from the rows its input keeps. What keeps
 * rows from hop to hop is a ring: the next row takes the place of the oldest. Between the
 * oldest row's last use and the next row's arrival its place is free, and a tensor that lives
 * only within a hop may borrow it. An operator that needs the whole window at once (a
 * pool over time, a dense layer over all rows) is computed anew each hop from the kept rows.
 */
#include <string.h>

#include "ir.h"

struct streamer {
    struct ctx *ctx;
    struct program *program;
    struct stream *stream;
    int32_t *birth, *last; /* steps, by tensor->index */
};

static struct stream_tensor *of(const struct streamer *s, const struct tensor *t)
{
    t = tensor_base((struct tensor *)(uintptr_t)t);
    struct stream_tensor *r = &s->stream->tensor[t->index];
    return r->tensor ? r : NULL;
}

static struct stream_tensor *add(struct streamer *s, struct tensor *t)
{
    t = tensor_base(t);
    struct stream_tensor *r = &s->stream->tensor[t->index];
    if (r->tensor)
        return r;
    *r = (struct stream_tensor){.tensor = t, .rows = tensor_rows(t), .ring = -1, .lender = -1};
    r->elements = (int32_t)(tensor_elements(t) / r->rows);
    return r;
}

/* ---- which tensors slide --------------------------------------------------------------------- */

/* Does an operand of a call follow the rows? A constant that does makes rows depend on where they
 * stand in the window. */
static bool slides_operand(struct streamer *s, const struct step *step, const struct call *c, int k)
{
    const struct operand *o = &c->operand[k];
    if (c->kernel->args[k].kind == ARG_COUNT || c->phase != PHASE_ROWS)
        return true;
    return of(s, o->tensor) ? operand_by_row(step, c, k) : c->n_loops == 0 || o->step[0] == 0;
}

/* Sliding: all that it reads slides alike, row by row, and no row of it depends on where it stands.
 * The only row of a window is new with each hop: nothing of it slides on. */
static bool slides(struct streamer *s, const struct step *step)
{
    if (step->rows.whole || step->rows.accumulate || step->rows.rows_out == 1)
        return false;
    int32_t per_row = 0;
    for (int k = 0; k < step->node->n_in; k++) {
        const struct tensor *in = step->node->in[k];
        const struct stream_tensor *r = in ? of(s, in) : NULL;
        if (!r)
            continue;
        if (r->is_whole || step->rows.rows_in != r->rows || (per_row && per_row != r->per_row))
            return false;
        per_row = r->per_row;
    }
    for (int c = 0; c < step->n_calls; c++)
        for (int k = 0; k < step->call[c]->kernel->n_args; k++)
            if (!slides_operand(s, step, step->call[c], k))
                return false;
    return per_row > 0;
}

static bool reads_sliding(struct streamer *s, const struct step *step)
{
    for (int k = 0; k < step->node->n_in; k++) {
        const struct stream_tensor *r = step->node->in[k] ? of(s, step->node->in[k]) : NULL;
        if (r && !r->is_whole)
            return true;
    }
    return false;
}

/* Does a step that does not slide work on all rows of the window, though few of them are new? The
 * only row of a window that slides along is no more work than any other row. */
static bool is_anew(struct streamer *s, const struct step *step)
{
    bool by_row = !step->rows.whole && !step->rows.accumulate && step->rows.rows_out == 1;
    for (int k = 0; k < step->node->n_in; k++) {
        const struct stream_tensor *r = step->node->in[k] ? of(s, step->node->in[k]) : NULL;
        by_row &= !r || step->rows.rows_in == r->rows;
    }
    return reads_sliding(s, step) && !by_row;
}

/* Both are at most 65535 * 255, so the product fits. */
static int32_t common_multiple(int32_t a, int32_t b)
{
    int64_t multiple = a;
    while (multiple % b)
        multiple += a;
    return (int32_t)(multiple > INT32_MAX ? INT32_MAX : multiple);
}

static void find_sliding(struct streamer *s)
{
    for (int i = 0; i < s->program->n_steps; i++) {
        const struct step *step = &s->program->step[i];
        struct stream_tensor *out = add(s, step->node->out[0]);
        const bool sliding = slides(s, step);
        if (!step->rows.whole && !step->rows.accumulate && reads_sliding(s, step) &&
            (step->rows.pad ||
             (step->rows.rows_out - 1) * (int64_t)step->rows.stride + step->rows.reach >
                 step->rows.rows_in))
            fail(s->ctx, step->node,
                 "pads in time: its first and last rows change with every frame, "
                 "so a stream would not give the window's output; train the "
                 "model with padding 'valid' along time");
        out->is_whole = !sliding;
        s->stream->anew[i] = !sliding && is_anew(s, step);
        out->per_row = 1;
        if (!sliding)
            continue;
        for (int k = 0; k < step->node->n_in; k++) {
            const struct stream_tensor *in = step->node->in[k] ? of(s, step->node->in[k]) : NULL;
            if (in)
                out->per_row = in->per_row * step->rows.stride;
        }
        s->stream->hop = common_multiple(s->stream->hop, out->per_row);
        if (s->stream->hop > UINT16_MAX)
            fail(s->ctx, step->node, "strides in time need %d frames at once; at most 65535 work",
                 (int)s->stream->hop);
    }
}

/* ---- how many rows are kept ------------------------------------------------------------------ */

static void need(struct stream_tensor *t, int32_t depth, bool together)
{
    t->depth = depth > t->depth ? depth : t->depth;
    t->together |= together;
}

static void find_depths(struct streamer *s)
{
    const struct graph *g = s->program->graph;
    for (int i = 0; i < g->n_tensors; i++) {
        struct stream_tensor *t = &s->stream->tensor[i];
        t->fresh = t->is_whole ? t->rows : s->stream->hop / (t->per_row ? t->per_row : 1);
        t->depth = t->fresh < t->rows ? t->fresh : t->rows;
        if (t->tensor && t->fresh > t->rows)
            fail(s->ctx, t->tensor->maker,
                 "'%s' has %d rows in a window, fewer than the %d that "
                 "come with each hop",
                 t->tensor->name, (int)t->rows, (int)t->fresh);
    }
    for (int i = 0; i < s->program->n_steps; i++) {
        const struct step *step = &s->program->step[i];
        const struct stream_tensor *out = of(s, step->node->out[0]);
        for (int c = 0; c < step->n_calls; c++)
            for (int k = 0; k < step->call[c]->kernel->n_args; k++) {
                const struct tensor *t = step->call[c]->operand[k].tensor;
                struct stream_tensor *in = t ? of(s, t) : NULL;
                if (!in)
                    continue;
                const bool by_row = operand_by_row(step, step->call[c], k) &&
                                    tensor_rows(t) == in->rows;
                const int32_t first = out->is_whole ? 0
                                                    : (out->rows - out->fresh) * step->rows.stride;
                need(in, in == out ? in->fresh : in->rows - first, !by_row);
            }
    }
    for (int i = 0; i < g->n_outputs; i++) {
        struct stream_tensor *out = of(s, g->output[i]);
        need(out, out->rows, true);
    }
}

/* ---- memory ---------------------------------------------------------------------------------- */

static void use(struct streamer *s, const struct tensor *t, int step)
{
    int i = tensor_base((struct tensor *)(uintptr_t)t)->index;
    s->birth[i] = s->birth[i] < 0 ? step : s->birth[i];
    s->last[i] = step;
}

static void find_lives(struct streamer *s)
{
    const struct graph *g = s->program->graph;
    for (int i = 0; i < g->n_tensors; i++)
        s->birth[i] = s->last[i] = -1;
    use(s, g->input[0], 0);
    for (int i = 0; i < s->program->n_steps; i++) {
        const struct step *step = &s->program->step[i];
        for (int k = 0; k < step->node->n_in; k++)
            if (step->node->in[k])
                use(s, step->node->in[k], i);
        use(s, step->node->out[0], i);
        for (int k = 0; k < step->n_temps; k++)
            use(s, step->temp[k], i);
    }
    for (int i = 0; i < g->n_outputs; i++)
        use(s, g->output[i], s->program->n_steps);
}

static bool is_input(const struct streamer *s, const struct stream_tensor *t)
{
    return t->tensor == s->program->graph->input[0];
}

static bool persists(const struct stream_tensor *t)
{
    return !t->is_whole && t->depth > t->fresh;
}

/* A ring's oldest row, at its slot, is of no use from its last reader until the next hop's row
 * takes its place. Elements are of one type, so that a slot suits them. Outputs may still be read
 * while the next input is written. */
static bool may_borrow(const struct streamer *s, const struct stream_tensor *t,
                       const struct stream_tensor *ring)
{
    const int i = t->tensor->index, r = ring->tensor->index;
    if (is_input(s, ring) && s->last[i] == s->program->n_steps)
        return false;
    return ring->ring >= 0 && t->tensor->type == ring->tensor->type &&
           (int64_t)t->depth * t->elements <= ring->elements &&
           (s->birth[i] > s->last[r] || (s->last[i] < s->birth[r] && !is_input(s, ring)));
}

/* A ring's free slot serves one borrower at a time. */
static void find_lenders(struct streamer *s)
{
    const int n = s->program->graph->n_tensors;
    struct stream_tensor *all = s->stream->tensor;
    for (int i = 0; i < n; i++) {
        struct stream_tensor *t = &all[i];
        if (!t->tensor || persists(t) || is_input(s, t))
            continue;
        for (int r = 0; r < n && t->lender < 0; r++) {
            if (!all[r].tensor || !may_borrow(s, t, &all[r]))
                continue;
            bool taken = false;
            for (int k = 0; k < n; k++)
                taken |= all[k].tensor && all[k].lender == r && s->birth[k] <= s->last[i] &&
                         s->birth[i] <= s->last[k];
            t->lender = taken ? -1 : r;
        }
    }
}

static void add_interval(struct plan *plan, struct tensor *t, int32_t birth, int32_t last,
                         int64_t bytes)
{
    const int32_t element = dtype_bits(t->type) / 8;
    plan->tensor[plan->n] = t;
    plan->interval[plan->n++] = (struct interval){birth, last, (int32_t)bytes, element, 0, false};
}

static void plan_stream(struct streamer *s)
{
    const struct graph *g = s->program->graph;
    const int32_t end = s->program->n_steps;
    struct plan *plan = s->program->plan = NEW(s->ctx, struct plan);
    plan->tensor = NEWS(s->ctx, struct tensor *, g->n_tensors);
    plan->interval = NEWS(s->ctx, struct interval, g->n_tensors);
    int32_t *place = NEWS(s->ctx, int32_t, g->n_tensors);
    for (int i = 0; i < g->n_tensors; i++) {
        struct stream_tensor *t = &s->stream->tensor[i];
        place[i] = -1;
        if (t->tensor && t->lender < 0) {
            const bool is_kept = persists(t) || is_input(s, t);
            place[i] = plan->n;
            add_interval(plan, t->tensor, is_kept ? 0 : s->birth[i], is_kept ? end : s->last[i],
                         (int64_t)t->depth * t->elements * dtype_bits(t->tensor->type) / 8);
        }
    }
    for (int i = 0; i < s->program->n_steps; i++)
        for (int k = 0; k < s->program->step[i].n_temps; k++) {
            struct tensor *t = s->program->step[i].temp[k];
            place[t->index] = plan->n;
            add_interval(plan, t, i, i, tensor_bytes(t));
        }
    plan->lower_bound = plan_lower_bound(s->ctx, plan->interval, plan->n);
    plan->bytes = plan_pack(s->ctx, plan->interval, plan->n, 400);
    plan->of = place;
    for (int i = 0; i < g->n_tensors; i++)
        if (place[i] >= 0)
            s->stream->tensor[i].offset = plan->interval[place[i]].offset;
}

static void check_axis(struct ctx *ctx, const struct graph *g)
{
    const struct tensor *in = g->n_inputs ? g->input[0] : NULL;
    const int axis = ctx->options.stream_axis;
    if (g->n_inputs != 1)
        fail(ctx, NULL, "a stream needs one input; this model has %d", g->n_inputs);
    if (axis != 1)
        fail(ctx, NULL,
             "axis %d of input '%s' (%s) cannot be streamed: time must be axis 1 of an input "
             "[1, time, ...]; transpose it in the model",
             axis, in->name, tensor_text(ctx, in));
    if (in->rank < 3)
        fail(ctx, NULL,
             "input '%s' (%s) cannot be streamed: time must be axis 1 of an input [1, time, ...]; "
             "begin the model with one that has at least 3 axes",
             in->name, tensor_text(ctx, in));
    if (in->dim[0] != 1)
        fail(ctx, NULL,
             "input '%s' (%s) is a batch of %d; a stream has one: convert the model with a batch "
             "of 1",
             in->name, tensor_text(ctx, in), (int)in->dim[0]);
    if (in->dim[1] > UINT16_MAX)
        fail(ctx, NULL, "a window of %d rows; at most 65535 are streamed", (int)in->dim[1]);
}

static int64_t macs_of_hop(const struct streamer *s)
{
    int64_t macs = 0;
    for (int i = 0; i < s->program->n_steps; i++) {
        const struct node *n = s->program->step[i].node;
        const struct stream_tensor *out = of(s, n->out[0]);
        if (n->op->macs)
            macs += n->op->macs(n) / out->rows * out->fresh;
    }
    return macs;
}

static int32_t round_up(int32_t n, int32_t to)
{
    return (n + to - 1) / to * to;
}

/* The size of the state as a struct of C: the union of memory, then slots and counts. */
static int32_t state_bytes(const struct streamer *s)
{
    const struct plan *plan = s->program->plan;
    const bool is_avr = core_has_program_memory(s->ctx->options.target); /* aligns nothing */
    const int32_t count = s->stream->count_bytes;
    int32_t element = 1;
    for (int i = 0; i < plan->n; i++)
        element = plan->interval[i].align > element ? plan->interval[i].align : element;
    int32_t bytes = round_up(plan->bytes, element);
    bytes = round_up(bytes, is_avr ? 1 : count);
    bytes += count * (s->stream->n_rings + 1 + (s->stream->hop > 1));
    return round_up(bytes, is_avr ? 1 : element > count ? element : count);
}

void schedule_stream(struct ctx *ctx, struct program *p)
{
    const struct graph *g = p->graph;
    struct streamer s = {ctx, p, NEW(ctx, struct stream), NEWS(ctx, int32_t, g->n_tensors),
                         NEWS(ctx, int32_t, g->n_tensors)};
    check_axis(ctx, g);
    p->stream = s.stream;
    s.stream->hop = 1;
    s.stream->anew = NEWS(ctx, bool, p->n_steps);
    s.stream->tensor = NEWS(ctx, struct stream_tensor, g->n_tensors);
    for (int i = 0; i < g->n_tensors; i++)
        s.stream->tensor[i].lender = s.stream->tensor[i].ring = -1;
    add(&s, g->input[0])->per_row = 1;
    find_sliding(&s);
    find_depths(&s);
    find_lives(&s);
    for (int i = 0; i < g->n_tensors; i++) {
        struct stream_tensor *t = &s.stream->tensor[i];
        if (t->tensor && persists(t) && !t->together)
            t->ring = s.stream->n_rings++;
    }
    find_lenders(&s);
    plan_stream(&s);
    s.stream->first = round_up(g->input[0]->dim[1], s.stream->hop);
    s.stream->macs = macs_of_hop(&s);
    /* Slot numbers and the count of frames: one byte each where no window has more rows. */
    s.stream->count_bytes = g->input[0]->dim[1] > 255 ? 2 : 1;
    s.stream->state_bytes = state_bytes(&s);
}
