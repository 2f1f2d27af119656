/* SPDX-License-Identifier: Apache-2.0 */
/* infer.c - checks every node against what its operator takes, and its outputs' shapes and types
 * against what the operator gives. After this pass lowering may rely on both. */
#include <string.h>

#include "compile.h"

static void check_inputs(struct ctx *ctx, const struct node *n)
{
    const struct op *op = n->op;
    if (n->n_in < op->min_in || n->n_in > op->max_in || n->n_out != op->n_out)
        fail(ctx, n,
             "has %d inputs and %d outputs; %s takes %d to %d inputs and gives %d: the "
             "file is damaged or written by a newer converter",
             n->n_in, n->n_out, op->name, op->min_in, op->max_in, op->n_out);
    for (int i = 0; i < op->min_in; i++)
        if (!n->in[i])
            fail(ctx, n, "input %d is missing; %s needs at least %d inputs", i, op->name,
                 op->min_in);
    for (int i = 0; i < n->n_in; i++)
        if (n->in[i] && n->in[i]->is_variable)
            fail(ctx, n,
                 "input '%s' is a variable, which keeps its contents between runs: variables "
                 "are not supported; unroll the model's state into inputs and outputs",
                 n->in[i]->name);
    const struct tensor *t = n->in[0];
    if (op->types & UINT32_C(1) << t->type)
        return;
    struct text *can = text_new(ctx);
    for (int i = 0; i < DTYPE_COUNT; i++)
        if (op->types & UINT32_C(1) << i)
            text_add(can, "%s%s", can->len ? ", " : "", dtype_name((enum dtype)i));
    fail(ctx, n,
         "input '%s' is %s, which %s does not take (it takes %s): convert the model with "
         "one of these types, docs/operators.md lists them all",
         t->name, tensor_text(ctx, t), op->name, can->at);
}

/* Every operator here has one output. */
void infer_node(struct ctx *ctx, struct node *n)
{
    check_inputs(ctx, n);
    struct tensor want[1];
    memset(want, 0, sizeof want);
    n->op->infer(ctx, n, want);
    const struct tensor *out = n->out[0];
    if (out->type != want->type || !tensor_same_shape(out, want))
        fail(ctx, n,
             "output '%s' is %s in the file, but %s of these inputs gives %s: the file is "
             "inconsistent; convert the model again",
             out->name, tensor_text(ctx, out), n->op->name, tensor_text(ctx, want));
}

void infer_outputs(struct ctx *ctx, struct node *n)
{
    check_inputs(ctx, n);
    struct tensor want[1];
    memset(want, 0, sizeof want);
    n->op->infer(ctx, n, want);
    struct tensor *out = n->out[0];
    out->type = want->type;
    out->rank = want->rank;
    memcpy(out->dim, want->dim, sizeof out->dim);
}

static void check_io(struct ctx *ctx, struct tensor *const *list, int n, const char *kind)
{
    for (int i = 0; i < n; i++)
        if (list[i]->is_variable)
            fail(ctx, NULL,
                 "%s '%s' is a variable, which keeps its contents between runs: variables "
                 "are not supported; unroll the model's state into inputs and outputs",
                 kind, list[i]->name);
        else if (!dtype_c(list[i]->type))
            fail(ctx, NULL,
                 "%s '%s' is %s, a type that C cannot hold: convert the model with "
                 "another",
                 kind, list[i]->name, tensor_text(ctx, list[i]));
}

/* Labels are positions in the lists of classes, which generated code does not check again. */
static void check_classes(struct ctx *ctx, const struct graph *g, const struct tensor *output)
{
    const struct node *n = output->maker;
    while (n && node_is(n, OP_slice)) /* the first of the numbers that their maker gives */
        n = n->in[0]->maker;
    if (!n || !n->op->classes)
        fail(ctx, n,
             "'%s' is %s, but its maker gives no labels: only numbers of float can leave it",
             output->name, tensor_text(ctx, output));
    if (g->n_labels && n->op->classes(n, g->n_labels - 1) == 0)
        fail(ctx, n, "it gives fewer labels than the file has lists of classes, %d", g->n_labels);
    if (g->n_labels && n->op->classes(n, g->n_labels) > 0)
        fail(ctx, n, "it gives more labels than the file has lists of classes, %d", g->n_labels);
    for (int k = 0; k < g->n_labels; k++)
        if (g->classes[k].n != n->op->classes(n, k))
            fail(ctx, n, "label %d is one of %d classes, and the file has %d names for them", k,
                 (int)n->op->classes(n, k), g->classes[k].n);
}

void pass_infer(struct ctx *ctx, struct graph *g)
{
    check_io(ctx, g->input, g->n_inputs, "input");
    check_io(ctx, g->output, g->n_outputs, "output");
    for (int i = 0; i < g->n_nodes; i++)
        infer_node(ctx, g->node[i]);
    for (int i = 0; i < g->n_outputs && g->role; i++)
        if (g->output[i]->type == DTYPE_INT32)
            check_classes(ctx, g, g->output[i]);
}
