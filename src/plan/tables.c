/* SPDX-License-Identifier: Apache-2.0 */
/* tables.c - a program as the walker's tables: operators, their edges, tensors of rows. */
#include <assert.h>
#include <string.h>

#include "plan/rows.h"

/* ---- which tensors have rows
 * ----------------------------------------------------------------------- */

/* A view with other rows than its tensor is read as one piece. */
static bool same_rows(const struct tensor *view)
{
    const struct tensor *base = tensor_base((struct tensor *)(uintptr_t)view);
    return tensor_rows(view) == tensor_rows(base);
}

bool operand_by_row(const struct step *s, const struct call *c, int k)
{
    const struct operand *o = &c->operand[k];
    const struct tensor *t = o->tensor;
    if (s->rows.whole || c->phase != PHASE_ROWS || !c->n_loops || tensor_base(o->tensor)->data ||
        !same_rows(t))
        return false;
    int32_t row = (int32_t)(tensor_elements(t) / tensor_rows(t));
    if (c->kernel->args[k].kind == ARG_ROWS)
        return o->window.loop == 0 && o->window.pitch == row && o->offset >= 0 && o->offset < row;
    return tensor_rows(t) == c->loop[0] && o->step[0] == row && o->offset >= 0 && o->offset < row;
}

bool is_row_buffer(const struct step *s, const struct tensor *t)
{
    bool used = false, is_temp = false;
    for (int i = 0; i < s->n_temps; i++)
        is_temp |= s->temp[i] == t;
    if (!is_temp || s->rows.whole || s->rows.accumulate)
        return false;
    for (int i = 0; i < s->n_calls; i++)
        for (int k = 0; k < s->call[i]->kernel->n_args; k++)
            if (s->call[i]->operand[k].tensor == t) {
                used = true;
                if (s->call[i]->phase != PHASE_ROWS)
                    return false;
            }
    return used;
}

static bool is_computed(const struct tensor *t)
{
    return !t->data && !t->is_variable;
}

static int add_tensor(struct rows_work *w, struct schedule *s, int *of, struct tensor *t)
{
    t = tensor_base(t);
    if (of[t->index] >= 0)
        return of[t->index];
    struct row_tensor *r = &s->tensor[s->n_tensors];
    r->tensor = t;
    r->rows = tensor_rows(t);
    r->elements = (int32_t)(tensor_elements(t) / r->rows);
    r->birth = NEWS(w->ctx, int32_t, r->rows);
    r->last = NEWS(w->ctx, int32_t, r->rows);
    r->offset = NEWS(w->ctx, int32_t, r->rows);
    r->counter = s->n_tensors;
    return of[t->index] = s->n_tensors++;
}

/* Rows lie together where a call takes them by one address. */
static void find_together(struct schedule *s, const struct step *step)
{
    for (int i = 0; i < step->n_calls; i++) {
        const struct call *c = step->call[i];
        for (int k = 0; k < c->kernel->n_args; k++) {
            struct tensor *t = c->operand[k].tensor;
            if (!t || s->of[tensor_base(t)->index] < 0)
                continue;
            struct row_tensor *r = &s->tensor[s->of[tensor_base(t)->index]];
            if (!operand_by_row(step, c, k))
                r->together = true;
        }
    }
}

/* ---- branches
 * ---------------------------------------------------------------------------------------- */

static bool reads(const struct step *s, const struct tensor *t)
{
    for (int k = 0; k < s->node->n_in; k++)
        if (s->node->in[k] && tensor_base(s->node->in[k]) == t)
            return true;
    return false;
}

void rows_find_branches(struct rows_work *w)
{
    const struct program *p = w->program;
    for (int i = 0; i < p->n_steps; i++) {
        const struct step *s = &p->step[i];
        if (s->rows.whole || s->rows.accumulate || s->node->n_in == 0)
            continue;
        const struct tensor *t = tensor_base(s->node->in[0]);
        for (int k = 0; k < p->n_steps; k++) {
            const struct rows *r = &p->step[k].rows;
            bool is_sibling = k != i && !r->whole && !r->accumulate && reads(&p->step[k], t) &&
                              r->stride == s->rows.stride &&
                              r->reach - r->pad > s->rows.reach - s->rows.pad;
            if (!is_sibling || w->n_branches == (int)(sizeof w->branch / sizeof w->branch[0]))
                continue;
            w->branch[w->n_branches++] = (struct branch){i, k};
            break;
        }
    }
}

/* The steps in order; a branch that waits stands right before its sibling. */
static void order_steps(const struct rows_work *w, uint32_t late, int *order, int n)
{
    for (int i = 0; i < n; i++)
        order[i] = i;
    for (int b = 0; b < w->n_branches; b++) {
        if (!(late >> b & 1))
            continue;
        int from = 0, to = 0;
        while (order[from] != w->branch[b].step)
            from++;
        memmove(order + from, order + from + 1, (size_t)(n - from - 1) * sizeof *order);
        while (order[to] != w->branch[b].sibling)
            to++;
        memmove(order + to + 1, order + to, (size_t)(n - 1 - to) * sizeof *order);
        order[to] = w->branch[b].step;
    }
}

/* ---- tables
 * ------------------------------------------------------------------------------------------ */

struct tables {
    struct rows_work *work;
    struct schedule *s;
    struct mica_row_op *op;
    struct mica_row_edge *edge;
    int *step, *of;
};

static void check_size(const struct rows_work *w)
{
    const int n = w->program->n_steps + w->program->graph->n_inputs;
    if (n > ROW_TENSORS_MAX)
        fail(w->ctx, NULL,
             "%d steps and inputs; rows are pushed through at most %d: use --optimize size", n,
             ROW_TENSORS_MAX);
}

static void check_limits(const struct rows_work *w, const struct step *s, int64_t rows)
{
    if (rows > ROWS_MAX || s->rows.stride > 255 || s->rows.reach > ROWS_MAX)
        fail(w->ctx, s->node,
             "%lld rows, stride %d; rows are pushed up to %d of them and strides "
             "of 255: use --optimize size",
             (long long)rows, (int)s->rows.stride, ROWS_MAX);
}

/* Rows that an operator waits for, of one input. */
static struct mica_row_edge make_edge(const struct tables *t, const struct step *s, int input,
                                      int32_t late_reach)
{
    const struct schedule *sch = t->s;
    const struct row_tensor *r = &sch->tensor[input];
    struct mica_row_edge e = {.made = (uint8_t)r->counter};
    /* An accumulator's only row is there when its counter has seen all rows it takes. */
    int32_t rows = r->rows;
    for (int i = 0; i < t->work->program->n_steps; i++) {
        const struct step *maker = &t->work->program->step[i];
        if (maker->rows.accumulate && tensor_base(maker->node->out[0]) == r->tensor)
            rows = maker->rows.rows_in;
    }
    check_limits(t->work, s, rows);
    const bool all = s->rows.whole || rows != r->rows || s->rows.rows_in != r->rows;
    e.rows_in = (uint16_t)rows;
    e.stride = all ? 0 : (uint8_t)s->rows.stride;
    e.reach = (int16_t)(all ? rows : late_reach ? late_reach : s->rows.reach - s->rows.pad);
    return e;
}

static int32_t late_reach(const struct rows_work *w, const struct choice *c, int step)
{
    for (int b = 0; b < w->n_branches; b++)
        if (c->late >> b & 1 && w->branch[b].step == step) {
            const struct rows *r = &w->program->step[w->branch[b].sibling].rows;
            return r->reach - r->pad;
        }
    return 0;
}

static void make_op(struct tables *t, const struct choice *c, int i)
{
    struct schedule *s = t->s;
    const struct step *step = &t->work->program->step[t->step[i]];
    struct tensor *out = tensor_base(step->node->out[0]);
    struct mica_row_op *o = &t->op[i];
    const int made = add_tensor(t->work, s, t->of, out);
    const int32_t rows = step->rows.accumulate ? step->rows.rows_in : s->tensor[made].rows;
    check_limits(t->work, step, rows);
    o->rows = (uint16_t)rows;
    o->strip = step->rows.whole || i >= c->cut || c->strip > rows ? o->rows : (uint16_t)c->strip;
    o->made = (uint8_t)s->tensor[made].counter;
    o->edge = (uint8_t)s->n_edges;
    for (int k = 0; k < step->node->n_in; k++) {
        struct tensor *in = step->node->in[k] ? tensor_base(step->node->in[k]) : NULL;
        bool again = false;
        for (int before = 0; before < k; before++)
            again |= step->node->in[before] && tensor_base(step->node->in[before]) == in;
        if (!in || !is_computed(in) || again)
            continue;
        if (s->n_edges == 255)
            fail(t->work->ctx, step->node,
                 "the model has too many connections to push rows: use "
                 "--optimize size");
        int from = add_tensor(t->work, s, t->of, in);
        t->edge[s->n_edges++] = make_edge(t, step, from, late_reach(t->work, c, t->step[i]));
        o->edges++;
    }
}

/* The last operator that reads the tensor with this counter; itself where nobody does. */
static int last_reader(const struct tables *t, int counter, int otherwise)
{
    for (int i = t->s->n_ops - 1; i >= 0; i--)
        for (int k = 0; k < t->op[i].edges; k++)
            if (t->edge[t->op[i].edge + k].made == counter)
                return i;
    return otherwise;
}

/* Their places stand in one table on the device. */
static void check_rows(const struct rows_work *w, const struct schedule *s)
{
    int64_t rows = 0;
    for (int i = 0; i < s->n_tensors; i++)
        rows += s->tensor[i].rows;
    if (rows > UINT16_MAX)
        fail(w->ctx, NULL,
             "the tensors have %lld rows together; at most %d are pushed: use --optimize size",
             (long long)rows, UINT16_MAX);
}

struct schedule *rows_tables(struct rows_work *w, const struct choice *c)
{
    const struct program *p = w->program;
    const struct graph *g = p->graph;
    struct schedule *s = NEW(w->ctx, struct schedule);
    int n_inputs = 0;
    check_size(w);
    for (int i = 0; i < p->n_steps; i++)
        n_inputs += p->step[i].node->n_in;
    struct tables t = {w,
                       s,
                       NEWS(w->ctx, struct mica_row_op, p->n_steps),
                       NEWS(w->ctx, struct mica_row_edge, n_inputs),
                       NEWS(w->ctx, int, p->n_steps),
                       NEWS(w->ctx, int, g->n_tensors)};
    for (int i = 0; i < g->n_tensors; i++)
        t.of[i] = -1;
    s->by_row = w->by_row;
    s->cut = c->cut;
    s->n_ops = p->n_steps;
    s->tensor = NEWS(w->ctx, struct row_tensor, p->n_steps + g->n_inputs + 1);
    s->of = t.of;
    order_steps(w, c->late, t.step, p->n_steps);
    for (int i = 0; i < g->n_inputs; i++)
        add_tensor(w, s, t.of, g->input[i]);
    for (int i = 0; i < s->n_ops; i++) /* makers first: edges ask for their tensors */
        add_tensor(w, s, t.of, p->step[t.step[i]].node->out[0]);
    for (int i = 0; i < s->n_ops; i++)
        make_op(&t, c, i);
    check_rows(w, s);
    for (int i = 0; i < s->n_ops; i++) { /* itself, where a branch that waits stands behind them */
        int reader = last_reader(&t, t.op[i].made, i);
        t.op[i].next = (uint8_t)(reader > i ? reader : i);
    }
    s->n_counters = s->n_tensors;
    s->start = last_reader(&t, 0, 0);
    for (int i = 0; i < s->n_ops; i++) /* copies of constants wait for nothing */
        s->start = !t.op[i].edges && i > s->start ? i : s->start;
    s->op = t.op;
    s->edge = t.edge;
    s->step = t.step;
    for (int i = 0; i < p->n_steps; i++)
        find_together(s, &p->step[i]);
    for (int i = 1; i < g->n_inputs; i++) /* the caller writes arrays; see map.c for the first */
        s->tensor[i].together = true;
    for (int i = 0; i < g->n_outputs; i++) /* the caller reads an array */
        s->tensor[s->of[tensor_base(g->output[i])->index]].together = true;
    return s;
}
