/* SPDX-License-Identifier: Apache-2.0 */
/* walk.c - runs the walker once, with the function that the device runs, and learns when every row
 * is made and when it is read for the last time. */
#include <assert.h>

#include "plan/rows.h"

struct walk {
    struct rows_work *work;
    struct schedule *s;
    MICA_ROW_COUNT made[ROW_TENSORS_MAX];
    struct turn *turn;
    int room;
};

static void add_turn(struct walk *w, int op, int32_t from, int32_t to)
{
    if (w->s->n_turns == w->room) {
        int room = w->room ? w->room * 2 : 64;
        struct turn *grown = NEWS(w->work->ctx, struct turn, room);
        for (int i = 0; i < w->s->n_turns; i++)
            grown[i] = w->turn[i];
        w->turn = grown;
        w->room = room;
    }
    w->turn[w->s->n_turns++] = (struct turn){op, from, to};
}

/* Input rows that output rows [from, to) of a step read: all, or a window clipped to the tensor. */
static void note_reads(struct walk *w, const struct step *s, struct row_tensor *in, int32_t from,
                       int32_t to)
{
    int32_t first = 0, end = in->rows;
    if (!s->rows.whole && s->rows.rows_in == in->rows) {
        first = from * s->rows.stride - s->rows.pad;
        end = (to - 1) * s->rows.stride - s->rows.pad + s->rows.reach;
        first = first < 0 ? 0 : first;
        end = end > in->rows ? in->rows : end;
    }
    for (int32_t r = first; r < end; r++)
        in->last[r] = w->s->n_turns;
}

static void take_turn(struct walk *w, int i, int32_t to)
{
    struct schedule *s = w->s;
    const struct mica_row_op *o = &s->op[i];
    const struct step *step = &w->work->program->step[s->step[i]];
    const int32_t from = w->made[o->made];
    struct row_tensor *out = &s->tensor[s->of[tensor_base(step->node->out[0])->index]];
    for (int k = 0; k < step->node->n_in; k++) {
        struct tensor *in = step->node->in[k] ? tensor_base(step->node->in[k]) : NULL;
        if (in && s->of[in->index] >= 0)
            note_reads(w, step, &s->tensor[s->of[in->index]], from, to);
    }
    if (!step->rows.accumulate)
        for (int32_t r = from; r < to; r++)
            out->birth[r] = out->last[r] = s->n_turns;
    else if (to == o->rows)
        for (int32_t r = 0; r < out->rows; r++)
            out->birth[r] = out->last[r] = s->n_turns;
    add_turn(w, i, from, to);
    w->made[o->made] = (MICA_ROW_COUNT)to;
}

/* Graph outputs live on after the last turn; so does an input that is to be kept. */
static void keep(struct walk *w, const struct tensor *t)
{
    struct row_tensor *r =
        &w->s->tensor[w->s->of[tensor_base((struct tensor *)(uintptr_t)t)->index]];
    for (int32_t i = 0; i < r->rows; i++)
        r->last[i] = w->s->n_turns;
}

void rows_walk(struct rows_work *work, struct schedule *s)
{
    struct walk w = {.work = work, .s = s};
    const struct graph *g = work->program->graph;
    assert(s->n_tensors <= (int)(sizeof w.made / sizeof w.made[0]));
    struct row_tensor *input = &s->tensor[0]; /* with by_row, the only one */
    if (!s->by_row)
        for (int i = 0; i < g->n_inputs; i++)
            w.made[i] = (MICA_ROW_COUNT)s->tensor[i].rows;
    for (int i = s->by_row ? -1 : s->n_ops - 1;;) { /* as the device starts: from a row, or all */
        int to;
        i = mica_row_turn(s->op, s->edge, w.made, i, &to);
        if (i >= 0) {
            take_turn(&w, i, to);
            i = s->op[i].next;
            continue;
        }
        if (!s->by_row || w.made[0] == input->rows)
            break;
        input->birth[w.made[0]] = input->last[w.made[0]] = s->n_turns;
        add_turn(&w, -1, w.made[0], w.made[0] + 1);
        w.made[0]++;
        i = s->start;
    }
    for (int i = 0; i < s->n_ops; i++)
        assert(w.made[s->op[i].made] == s->op[i].rows);
    for (int i = 0; i < g->n_outputs; i++)
        keep(&w, g->output[i]);
    for (int i = 0; i < g->n_inputs && work->keep_input && !s->by_row; i++)
        keep(&w, g->input[i]);
    s->turn = w.turn;
}
