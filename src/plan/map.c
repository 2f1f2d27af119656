/* SPDX-License-Identifier: Apache-2.0 */
/* map.c - an address for every row: each row is an interval of its own life.
 *
 * Rings, memory used in place, an input that is overwritten while it is read, and the joins of
 * pushed and whole stretches all come out of one packer; none of them is a case here.
 */
#include <assert.h>
#include <string.h>

#include "plan/rows.h"

enum { BASES = 24, BASES_OF_MANY = 2, MANY = 2000, ATTEMPTS = 400 };

struct map {
    struct rows_work *work;
    struct schedule *s;
    struct plan *plan;
    int room;
    int *tensor_of, *row_of; /* of each interval: number of its row_tensor (-1: temporary), row */
    int first_input, n_input_rows; /* intervals of a resident input that dies row by row */
    int buffer;                    /* the interval of all row buffers; -1: none */
};

static int element_bytes(const struct tensor *t)
{
    int bytes = dtype_bits(t->type) / 8;
    return bytes > 0 ? bytes : 1;
}

static void add(struct map *m, struct tensor *t, int tensor, int row, int32_t birth, int32_t last,
                int64_t bytes)
{
    struct plan *plan = m->plan;
    assert(plan->n < m->room);
    m->tensor_of[plan->n] = tensor;
    m->row_of[plan->n] = row;
    plan->tensor[plan->n] = t;
    plan->interval[plan->n++] = (struct interval){birth, last, (int32_t)bytes, element_bytes(t),
                                                  0,     false};
}

static int32_t latest(const struct row_tensor *r)
{
    int32_t last = 0;
    for (int32_t i = 0; i < r->rows; i++)
        last = r->last[i] > last ? r->last[i] : last;
    return last;
}

/* The first input is an array to the caller, so its rows keep their distance while each dies alone.
 */
static bool is_resident(const struct map *m, int tensor)
{
    return tensor == 0 && !m->s->by_row && m->work->program->graph->n_inputs > 0 &&
           !m->s->tensor[0].together;
}

static void add_rows(struct map *m, int i)
{
    struct row_tensor *r = &m->s->tensor[i];
    const int64_t row_bytes = (int64_t)r->elements * element_bytes(r->tensor);
    if (is_resident(m, i)) {
        m->first_input = m->plan->n;
        m->n_input_rows = r->rows;
    } else if (r->together) {
        add(m, r->tensor, i, 0, r->birth[0], latest(r), row_bytes * r->rows);
        return;
    }
    for (int32_t row = 0; row < r->rows; row++)
        add(m, r->tensor, i, row, r->birth[row], r->last[row], row_bytes);
}

/* What kernels work on for themselves while they make a row is one place for all operators: as
 * large as the largest, and theirs from the first such turn to the last. Kernels read it by
 * words. */
static void add_buffer(struct map *m, struct tensor *t, int32_t first, int32_t last)
{
    if (m->buffer < 0) {
        m->buffer = m->plan->n;
        add(m, t, -1, 0, first, last, 0);
        m->plan->interval[m->buffer].align = 4;
    }
    struct interval *v = &m->plan->interval[m->buffer];
    const int32_t bytes = (int32_t)tensor_bytes(t);
    v->birth = first < v->birth ? first : v->birth;
    v->last = last > v->last ? last : v->last;
    if (bytes > v->bytes) {
        v->bytes = bytes;
        m->plan->tensor[m->buffer] = t;
    }
}

/* Temporary memory lives from an operator's first turn to its last. */
static void add_temps(struct map *m, int step)
{
    const struct step *s = &m->work->program->step[step];
    if (!s->n_temps)
        return;
    int32_t first = -1, last = -1;
    for (int t = 0; t < m->s->n_turns; t++)
        if (m->s->turn[t].op >= 0 && m->s->step[m->s->turn[t].op] == step) {
            first = first < 0 ? t : first;
            last = t;
        }
    for (int k = 0; k < s->n_temps; k++) {
        if (is_row_buffer(s, s->temp[k]))
            add_buffer(m, s->temp[k], first, last);
        else
            add(m, s->temp[k], -1, 0, first, last, tensor_bytes(s->temp[k]));
    }
}

static void make_intervals(struct map *m)
{
    const struct program *p = m->work->program;
    m->room = 0;
    m->buffer = -1;
    for (int i = 0; i < m->s->n_tensors; i++)
        m->room += m->s->tensor[i].rows;
    for (int i = 0; i < p->n_steps; i++)
        m->room += p->step[i].n_temps;
    m->plan = NEW(m->work->ctx, struct plan);
    m->plan->tensor = NEWS(m->work->ctx, struct tensor *, m->room);
    m->plan->interval = NEWS(m->work->ctx, struct interval, m->room);
    m->tensor_of = NEWS(m->work->ctx, int, m->room);
    m->row_of = NEWS(m->work->ctx, int, m->room);
    for (int i = 0; i < m->s->n_tensors; i++)
        add_rows(m, i);
    for (int i = 0; i < p->n_steps; i++)
        add_temps(m, i);
}

/* The most bytes alive at once, and the first turn at which they are. */
static int32_t find_peak(const struct map *m, int32_t *peak)
{
    int32_t *change = NEWS(m->work->ctx, int32_t, m->s->n_turns + 2), live = 0, most = 0;
    for (int i = 0; i < m->plan->n; i++) {
        const struct interval *v = &m->plan->interval[i];
        change[v->birth] += v->bytes;
        change[v->last + 1] -= v->bytes;
    }
    *peak = 0;
    for (int t = 0; t <= m->s->n_turns; t++) {
        live += change[t];
        *peak = live > most ? t : *peak;
        most = live > most ? live : most;
    }
    return most;
}

int32_t rows_lower_bound(struct rows_work *w, const struct schedule *s)
{
    struct map m = {.work = w, .s = (struct schedule *)(uintptr_t)s};
    int32_t peak;
    make_intervals(&m);
    return find_peak(&m, &peak);
}

/* Where a resident input stands decides how well the rest fits around it: try places. */
static void pack_around_input(struct map *m)
{
    struct plan *plan = m->plan;
    struct interval *v = plan->interval, *input = v + m->first_input;
    const int32_t align = input->align, row_bytes = input->bytes;
    int32_t best = INT32_MAX, best_base = 0;
    const int32_t range = plan->lower_bound;
    const int bases = plan->n > MANY ? BASES_OF_MANY : BASES;
    for (int i = 0; i <= bases; i++) {
        int32_t base = (int32_t)((int64_t)range * i / bases) / align * align;
        for (int r = 0; r < m->n_input_rows; r++) {
            input[r].fixed = true;
            input[r].offset = base + r * row_bytes;
        }
        int32_t bytes = plan_pack(m->work->ctx, v, plan->n, 0);
        if (bytes < best) {
            best = bytes;
            best_base = base;
        }
    }
    for (int r = 0; r < m->n_input_rows; r++)
        input[r].offset = best_base + r * row_bytes;
}

static void keep_addresses(struct map *m)
{
    const struct graph *g = m->work->program->graph;
    int32_t *of = NEWS(m->work->ctx, int32_t, g->n_tensors);
    for (int i = 0; i < g->n_tensors; i++)
        of[i] = -1;
    for (int i = 0; i < m->plan->n; i++) {
        const int32_t offset = m->plan->interval[i].offset;
        struct row_tensor *r = m->tensor_of[i] < 0 ? NULL : &m->s->tensor[m->tensor_of[i]];
        if (!r || r->rows == 1 || r->together || is_resident(m, m->tensor_of[i]))
            if (m->row_of[i] == 0)
                of[m->plan->tensor[i]->index] = i;
        if (!r)
            continue;
        const int32_t row_bytes = r->elements * element_bytes(r->tensor);
        if (r->together && !is_resident(m, m->tensor_of[i]))
            for (int32_t row = 0; row < r->rows; row++)
                r->offset[row] = offset + row * row_bytes;
        else
            r->offset[m->row_of[i]] = offset;
    }
    for (int i = 0; m->buffer >= 0 && i < m->work->program->n_steps; i++) {
        const struct step *s = &m->work->program->step[i];
        for (int k = 0; k < s->n_temps; k++)
            if (is_row_buffer(s, s->temp[k]))
                of[s->temp[k]->index] = m->buffer;
    }
    m->s->buffer_bytes = m->buffer < 0 ? 0 : m->plan->interval[m->buffer].bytes;
    m->plan->of = of;
}

struct plan *rows_map(struct rows_work *w, struct schedule *s)
{
    struct map m = {.work = w, .s = s};
    m.first_input = -1;
    make_intervals(&m);
    m.plan->lower_bound = find_peak(&m, &m.plan->peak_step);
    if (m.first_input >= 0)
        pack_around_input(&m);
    m.plan->bytes = plan_pack(w->ctx, m.plan->interval, m.plan->n, ATTEMPTS);
    keep_addresses(&m);
    return m.plan;
}
