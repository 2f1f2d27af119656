/* SPDX-License-Identifier: Apache-2.0 */
/* onnx_booster.c - the node `booster` of the domain ai.mica: a model of XGBoost, LightGBM or
 * CatBoost behind other nodes.
 *
 * Its inputs are a row and the library's own file, as uint8 constants; its outputs are that model's
 * functions in the order of its roles, as many as the node names. The file is read as if it stood
 * alone, and its graph takes the node's place: XGBoost and CatBoost have the row as float32, as
 * these libraries do, LightGBM in the type it has. Where the node's output is declared as double,
 * it is the result before it is rounded to float32.
 * */
#include <string.h>

#include "read/onnx.h"
#include "compile.h"

bool onnx_is_booster(const onnx_node *n)
{
    return n->op_type && !strcmp(n->op_type, "booster");
}

/* The graph of the file. The compilation has this one in the meantime. */
static struct graph *read_file(struct onnx *o, const onnx_node *n, const struct tensor *file,
                               bool is_float64)
{
    struct ctx *ctx = o->ctx;
    const char *name = ctx->file;
    ctx->file = format(ctx, "%s: the file in node '%s'", name, onnx_node_name(o, n));
    if (!read_booster(ctx, file->data, (size_t)tensor_elements(file), is_float64))
        fail(ctx, NULL, "it is neither JSON of XGBoost or CatBoost nor text of LightGBM");
    ctx->file = name;
    return ctx->graph;
}

/* The row in the type that the model takes. */
static struct tensor *fit_row(struct onnx *o, const onnx_node *n, struct tensor *x,
                              const struct tensor *want)
{
    if (x->rank != 2 || x->dim[0] != 1 || x->dim[1] != want->dim[1])
        onnx_fail(o, n, "its row '%s' is %s, and its file is of a model of %d features", x->name,
                  tensor_text(o->ctx, x), (int)want->dim[1]);
    if (x->type == want->type)
        return x;
    struct node *cast = graph_add_node(o->ctx, o->graph, "cast", op_table[OP_cast], 1, 1);
    cast->in[0] = x;
    cast->out[0] = graph_add_tensor(o->ctx, o->graph, "cast", want->type, x->rank, x->dim);
    cast->out[0]->maker = cast;
    infer_node(o->ctx, cast);
    return cast->out[0];
}

void onnx_read_booster(struct onnx *o, const onnx_node *n)
{
    if (n->n_input != 2 || n->n_attribute)
        onnx_fail(o, n, "has %zu inputs and %zu attributes; a booster has a row and a file",
                  n->n_input, n->n_attribute);
    struct tensor *x = onnx_in(o, n, 0);
    const struct tensor *file = onnx_in(o, n, 1);
    if (!x || !file || !file->data || file->type != DTYPE_UINT8)
        onnx_fail(o, n, "its file must be a constant of type uint8");
    struct graph *g = read_file(o, n, file, x->type == DTYPE_FLOAT64);
    if (n->n_output != (size_t)g->n_outputs)
        onnx_fail(o, n, "has %zu outputs, and the model in its file has %d functions", n->n_output,
                  g->n_outputs);
    graph_append(o->ctx, o->graph, g, fit_row(o, n, x, g->input[0]));
    for (size_t i = 0; i < n->n_output; i++) {
        struct tensor *t = g->output[i];
        if (!*n->output[i])
            continue;
        if (onnx_type(onnx_value(o, n->output[i])->declared) == DTYPE_FLOAT64 &&
            node_is(t->maker, OP_cast))
            t = t->maker->in[0];
        t->name = n->output[i];
        onnx_out(o, n, i, t);
    }
}
