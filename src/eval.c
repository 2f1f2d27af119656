/* SPDX-License-Identifier: Apache-2.0 */
/* eval.c - runs calls on the host: the kernels, loops and addresses that the C file would have. */
#include <assert.h>

#include "ir.h"
#include "window_f32.h"
#include "window_s8.h"

struct run {
    struct ctx *ctx;
    const struct call *call;
    char *base[OPERANDS_MAX]; /* memory of each operand, its offset included */
    union {
        const int8_t *s8[WINDOW_ROWS_MAX];
        const float *f32[WINDOW_ROWS_MAX];
    } rows; /* of the one argument that is a window */
};

static int operand_bytes(const struct kernel_arg *arg)
{
    return dtype_bits(arg->type) / 8;
}

/* Element offset of an operand at the loops' present counters. */
static int64_t moved(const struct call *c, const struct operand *o, const int32_t *at)
{
    int64_t sum = 0;
    for (int i = 0; i < c->n_loops; i++)
        sum += (int64_t)o->step[i] * at[i];
    return sum;
}

static void *row_pointers(struct run *r, int k, void *base, int32_t row)
{
    const struct window *w = &r->call->operand[k].window;
    int first = row * w->stride - w->pad;
    if (r->call->kernel->args[k].type == DTYPE_FLOAT32) {
        mica_window_f32(r->rows.f32, base, first, w->kernel, w->dilation, w->rows_in, w->pitch);
        return r->rows.f32;
    }
    mica_window_s8(r->rows.s8, base, first, w->kernel, w->dilation, w->rows_in, w->pitch);
    return r->rows.s8;
}

static void run_once(struct run *r, const int32_t *at)
{
    const struct call *c = r->call;
    void *args[OPERANDS_MAX] = {NULL};
    for (int k = 0; k < c->kernel->n_args; k++) {
        const struct kernel_arg *arg = &c->kernel->args[k];
        if (arg->kind == ARG_COUNT)
            continue;
        args[k] = r->base[k] + moved(c, &c->operand[k], at) * operand_bytes(arg);
        if (arg->kind == ARG_ROWS)
            args[k] = row_pointers(r, k, args[k], c->n_loops ? at[c->n_loops - 1] : 0);
    }
    c->kernel->call[r->ctx->options.profile](c->params, args, c->count);
}

/* The loops as an odometer: the last counter turns fastest. */
static void run_call(struct run *r)
{
    int32_t at[LOOPS_MAX] = {0};
    for (;;) {
        run_once(r, at);
        int i = r->call->n_loops - 1;
        while (i >= 0 && ++at[i] == r->call->loop[i])
            at[i--] = 0;
        if (i < 0)
            return;
    }
}

void eval_step(struct ctx *ctx, const struct step *s, eval_memory *memory, void *user)
{
    for (int i = 0; i < s->n_calls; i++) {
        struct run r = {.ctx = ctx, .call = s->call[i]};
        for (int k = 0; k < r.call->kernel->n_args; k++) {
            const struct operand *o = &r.call->operand[k];
            const struct kernel_arg *arg = &r.call->kernel->args[k];
            if (arg->kind == ARG_COUNT)
                continue;
            struct tensor *t = tensor_base(o->tensor);
            char *at = t->data ? (char *)(uintptr_t)t->data : memory(user, t);
            assert(at);
            r.base[k] = at + (int64_t)o->offset * operand_bytes(arg);
        }
        run_call(&r);
    }
}
