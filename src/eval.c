/* SPDX-License-Identifier: Apache-2.0 */
/* eval.c - runs calls on the host: the kernels, loops and addresses that the C file would have. */
#include <assert.h>

#include "compile.h"

struct run {
    const struct ctx *ctx;
    const struct step *step;
    const struct call *call;
    eval_memory *memory;
    void *user;
    int32_t row;              /* where the row schedule runs single rows; -1: all loops */
    int32_t count;            /* the kernel's n argument: rows of a strip, or the call's count */
    char *base[OPERANDS_MAX]; /* memory of each operand, its offset included */
    union {
        const int8_t *s8[WINDOW_ROWS_MAX];
        const float *f32[WINDOW_ROWS_MAX];
    } rows; /* of the one argument that is a window */
};

/* The loop whose rows a strip takes several of; -1: there is but one row. */
int strip_loop(const struct call *c)
{
    for (int k = 0; k < c->kernel->n_args; k++)
        if (c->kernel->args[k].kind == ARG_ROWS)
            return c->operand[k].window.loop;
    return -1;
}

static int32_t loop_step(const struct call *c, int loop)
{
    return c->strip && loop == strip_loop(c) ? c->strip : 1;
}

/* Elements that the loops have moved an operand by. A row of its own needs no loop over rows. */
static int64_t moved(const struct call *c, const struct operand *o, const int32_t *at, int from)
{
    int64_t sum = 0;
    for (int i = from; i < c->n_loops; i++)
        sum += (int64_t)o->step[i] * at[i];
    return sum;
}

static char *memory_of(const struct run *r, const struct tensor *t, int32_t row)
{
    char *at = t->data ? (char *)(uintptr_t)t->data : r->memory(r->user, t, row);
    assert(at);
    return at;
}

static void *row_pointers(struct run *r, int k, const int32_t *at)
{
    const struct operand *o = &r->call->operand[k];
    const struct window *w = &o->window;
    const struct tensor *t = tensor_base(o->tensor);
    const bool is_float = r->call->kernel->args[k].type == DTYPE_FLOAT32;
    const bool by_row = r->row >= 0 && operand_by_row(r->step, r->call, k);
    const int32_t first = (w->loop < 0 ? 0 : at[w->loop]) * w->stride - w->pad;
    const int64_t offset = o->offset + moved(r->call, o, at, by_row ? 1 : 0);
    const int32_t pointers = r->call->strip ? (r->count - 1) * w->stride + w->kernel : w->kernel;
    for (int32_t i = 0; i < pointers; i++) {
        int32_t row = first + i * w->dilation;
        char *from = NULL;
        if (row >= 0 && row < w->rows_in) {
            const int64_t bytes = dtype_bits(r->call->kernel->args[k].type) / 8;
            from = by_row ? memory_of(r, t, row) + offset * bytes
                          : memory_of(r, t, -1) + (offset + (int64_t)row * w->pitch) * bytes;
        }
        if (is_float)
            r->rows.f32[i] = (const float *)(void *)from;
        else
            r->rows.s8[i] = (const int8_t *)from;
    }
    return is_float ? (void *)r->rows.f32 : (void *)r->rows.s8;
}

static void *operand_memory(const struct run *r, int k, const int32_t *at)
{
    const struct operand *o = &r->call->operand[k];
    const bool by_row = r->row >= 0 && operand_by_row(r->step, r->call, k);
    const int64_t offset = o->offset + moved(r->call, o, at, by_row ? 1 : 0);
    return memory_of(r, tensor_base(o->tensor), by_row ? at[0] : -1) +
           offset * dtype_bits(o->tensor->type) / 8;
}

static void run_once(struct run *r, const int32_t *at)
{
    const struct kernel *kernel = r->call->kernel;
    void *args[OPERANDS_MAX] = {NULL};
    r->count = r->call->count;
    if (r->call->strip && r->row < 0) {
        const int loop = strip_loop(r->call);
        const int32_t left = loop < 0 ? 1 : r->call->loop[loop] - at[loop];
        r->count = r->call->strip < left ? r->call->strip : left;
    }
    for (int k = 0; k < kernel->n_args; k++)
        if (kernel->args[k].kind != ARG_COUNT)
            args[k] = kernel->args[k].kind == ARG_ROWS ? row_pointers(r, k, at)
                                                       : operand_memory(r, k, at);
    kernel->call[r->ctx->options.profile](r->call->params, args, r->count);
}

/* The loops as an odometer: the last counter turns fastest. A single row holds the first. */
static void run_call(struct run *r)
{
    const int held = r->row >= 0 ? 1 : 0;
    int32_t at[LOOPS_MAX] = {held ? r->row : 0};
    for (;;) {
        run_once(r, at);
        int i = r->call->n_loops - 1;
        while (i >= held && (at[i] += loop_step(r->call, i)) >= r->call->loop[i])
            at[i--] = 0;
        if (i < held)
            return;
    }
}

void eval_turn(struct ctx *ctx, const struct step *s, int32_t from, int32_t to, eval_memory *memory,
               void *user)
{
    const int32_t rows = s->rows.accumulate ? s->rows.rows_in : s->rows.rows_out;
    for (int i = 0; i < s->n_calls; i++) {
        struct run r = {ctx, s, s->call[i], memory, user, -1, 0, {0}, {{0}}};
        const bool single = !s->rows.whole && from >= 0 && r.call->phase == PHASE_ROWS;
        if ((r.call->phase == PHASE_START && from > 0) ||
            (r.call->phase == PHASE_FINISH && from >= 0 && to < rows))
            continue;
        if (!single) {
            run_call(&r);
            continue;
        }
        for (r.row = from; r.row < to; r.row++)
            run_call(&r);
    }
}

void eval_step(struct ctx *ctx, const struct step *s, eval_memory *memory, void *user)
{
    eval_turn(ctx, s, -1, -1, memory, user);
}
