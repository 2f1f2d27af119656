/* SPDX-License-Identifier: Apache-2.0 */
/* fold.c - nodes whose inputs are all constants are computed when the model is compiled.
 *
 * The node is lowered alone, as it would be for the device, and its kernel calls are run: so the
 * constant has the bits that the device would have computed. This is also how weights kept as
 * float16, or as int8 behind a dequantize node, become the floats that kernels read.
 */
#include <assert.h>

#include "compile.h"

/* A file of a few bytes can ask for a lot of work. What is beyond these is left to the device, or
 * refused there. No model for a microcontroller comes near. */
enum {
    FOLD_BYTES_MAX = 1 << 26, /* of all constants made */
    FOLD_WORK_MAX = 1 << 27   /* multiplications and elements read or written */
};

struct budget {
    int64_t bytes, work;
};

static bool is_constant(const struct tensor *t)
{
    return !t || (t->data && !t->is_variable);
}

static bool has_constant_inputs(const struct node *n)
{
    for (int k = 0; k < n->n_in; k++)
        if (!is_constant(n->in[k]))
            return false;
    return n->n_in > 0 && n->in[0];
}

/* Rough, but never far too low: where an operator over windows does not count its work, every
 * output might read every input. */
static int64_t work_of(const struct node *n)
{
    int64_t work = n->op->macs ? n->op->macs(n) : 0, in_most = 0;
    int64_t out = tensor_elements(n->out[0]);
    for (int k = 0; k < n->n_in; k++) {
        int64_t in = n->in[k] ? tensor_elements(n->in[k]) : 0;
        in_most = in > in_most ? in : in_most;
        work += in;
    }
    bool is_window = n->op->rows && n->op->rows(n).reach > 1;
    return work + (is_window && !n->op->macs ? out * in_most : out);
}

static bool spend(struct budget *left, const struct node *n)
{
    int64_t bytes = n->op->is_view ? 0 : tensor_bytes(n->out[0]), work = work_of(n);
    if (bytes > left->bytes || work > left->work)
        return false;
    left->bytes -= bytes;
    left->work -= work;
    return true;
}

/* The memory of one lone step: its output and its temporaries. */
struct memory {
    const struct step *step;
    void *out, **temp;
};

static void *memory_of(void *user, const struct tensor *t, int32_t row)
{
    (void)row; /* steps are run whole */
    const struct memory *m = user;
    for (int i = 0; i < m->step->n_temps; i++)
        if (m->step->temp[i] == t)
            return m->temp[i];
    return t == m->step->node->out[0] ? m->out : NULL;
}

static const void *evaluate(struct ctx *ctx, struct node *n)
{
    /* Temporary tensors go into a graph of their own, which is forgotten. */
    struct graph *alone = NEW(ctx, struct graph);
    struct program *program = NEW(ctx, struct program);
    program->graph = alone;
    program->step = NEWS(ctx, struct step, 1);
    const char *target = ctx->options.target; /* it runs here, not on the target */
    ctx->options.target = "host";
    lower_node(ctx, program, n);
    ctx->options.target = target;
    const struct step *step = program->step;
    struct memory m = {step, alloc(ctx, 1, (size_t)tensor_bytes(n->out[0])),
                       NEWS(ctx, void *, step->n_temps)};
    for (int i = 0; i < step->n_temps; i++)
        m.temp[i] = alloc(ctx, 1, (size_t)tensor_bytes(step->temp[i]));
    eval_step(ctx, step, memory_of, &m);
    return m.out;
}

void pass_fold(struct ctx *ctx, struct graph *g)
{
    struct budget left = {FOLD_BYTES_MAX, FOLD_WORK_MAX};
    bool *drop = NEWS(ctx, bool, g->n_nodes);
    for (int i = 0; i < g->n_nodes; i++) {
        struct node *n = g->node[i];
        if (!has_constant_inputs(n))
            continue;
        infer_node(ctx, n); /* the pass that infers all nodes comes after this one */
        assert(n->n_out == 1);
        if (!spend(&left, n))
            continue;
        n->out[0]->data = n->op->is_view ? n->in[0]->data : evaluate(ctx, n);
        n->out[0]->maker = NULL;
        drop[i] = true;
    }
    graph_drop_nodes(g, drop);
}
