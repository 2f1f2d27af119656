/* SPDX-License-Identifier: Apache-2.0 */
/* onnx.c - reads an ONNX file: values by their names, nodes in their order.
 *
 * Nodes that no output depends on are left out before they are looked at, and constants that
 * nothing reads never get into memory. The format wants nodes in an order in which every value is
 * made before it is read, which is checked here. */
#include <string.h>

#include "read/onnx.h"
#include "compile.h"

/* ---- values ---------------------------------------------------------------------------------- */

static struct onnx_value **slot_of(struct onnx *o, const char *name)
{
    uint32_t hash = 2166136261u;
    for (const char *c = name; *c; c++)
        hash = (hash ^ (uint8_t)*c) * 16777619u;
    uint32_t i = hash & (uint32_t)(o->n_slots - 1);
    while (o->slot[i] && strcmp(o->slot[i]->name, name))
        i = (i + 1) & (uint32_t)(o->n_slots - 1);
    return &o->slot[i];
}

struct onnx_value *onnx_value(struct onnx *o, const char *name)
{
    return *slot_of(o, name);
}

static struct onnx_value *add_value(struct onnx *o, const char *name, const char *what)
{
    if (!name || !*name)
        fail(o->ctx, NULL, "%s has no name: the file is damaged", what);
    struct onnx_value **slot = slot_of(o, name);
    if (!*slot) {
        *slot = NEW(o->ctx, struct onnx_value);
        (*slot)->name = name;
    }
    return *slot;
}

const char *onnx_node_name(struct onnx *o, const onnx_node *n)
{
    if (n->name && *n->name)
        return n->name;
    for (size_t i = 0; i < n->n_output; i++)
        if (*n->output[i])
            return n->output[i];
    for (size_t i = 0; i < o->file->n_node; i++)
        if (o->file->node[i] == n)
            return format(o->ctx, "%zu", i);
    return "";
}

void onnx_fail(struct onnx *o, const onnx_node *n, const char *fmt, ...)
{
    struct text *text = text_new(o->ctx);
    va_list args;
    va_start(args, fmt);
    text_vadd(text, fmt, args);
    va_end(args);
    const char *domain = n->domain && *n->domain ? n->domain : "ai.onnx";
    fail(o->ctx, NULL, "node '%s' (%s:%s): %s", onnx_node_name(o, n), domain,
         n->op_type ? n->op_type : "without an operator", text->at);
}

/* ---- what there is, and what is wanted ------------------------------------------------------- */

static void count_values(struct onnx *o)
{
    const onnx_graph *g = o->file;
    size_t n = g->n_input + g->n_initializer + g->n_value_info + g->n_output;
    for (size_t i = 0; i < g->n_node; i++)
        n += g->node[i]->n_output;
    if (n > ONNX_VALUES_MAX || g->n_node > ONNX_NODES_MAX)
        fail(o->ctx, NULL,
             "the model has %zu values and %zu nodes; at most %d and %d are supported", n,
             g->n_node, ONNX_VALUES_MAX, ONNX_NODES_MAX);
    o->n_slots = 2;
    while ((size_t)o->n_slots < 2 * n + 2)
        o->n_slots *= 2;
    o->slot = NEWS(o->ctx, struct onnx_value *, o->n_slots);
}

static void add_values(struct onnx *o)
{
    const onnx_graph *g = o->file;
    for (size_t i = 0; i < g->n_initializer; i++) {
        struct onnx_value *v = add_value(o, g->initializer[i]->name, "a tensor");
        if (v->initializer)
            fail(o->ctx, NULL, "there are two tensors '%s': the file is damaged", v->name);
        v->initializer = g->initializer[i];
    }
    for (size_t i = 0; i < g->n_input; i++) {
        struct onnx_value *v = add_value(o, g->input[i]->name, "an input");
        if (v->input)
            fail(o->ctx, NULL, "there are two inputs '%s': the file is damaged", v->name);
        if (!v->initializer) /* old writers list constants among the inputs, too */
            v->input = g->input[i];
    }
    for (size_t i = 0; i < g->n_node; i++)
        for (size_t k = 0; k < g->node[i]->n_output; k++) {
            if (!*g->node[i]->output[k])
                continue; /* an output that nobody wants */
            struct onnx_value *v = add_value(o, g->node[i]->output[k], "a value");
            if (v->initializer || v->input || v->maker)
                onnx_fail(o, g->node[i], "there is another value '%s': the file is damaged",
                          v->name);
            v->maker = g->node[i];
        }
    for (size_t i = 0; i < g->n_value_info; i++)
        add_value(o, g->value_info[i]->name, "a value")->declared = g->value_info[i];
    for (size_t i = 0; i < g->n_output; i++)
        add_value(o, g->output[i]->name, "an output")->declared = g->output[i];
}

/* Marks what the outputs depend on, from the last node to the first; returns which nodes. */
static bool *mark_wanted(struct onnx *o)
{
    const onnx_graph *g = o->file;
    bool *wanted = NEWS(o->ctx, bool, g->n_node);
    for (size_t i = 0; i < g->n_output; i++) {
        struct onnx_value *v = onnx_value(o, g->output[i]->name);
        v->is_wanted = true;
        v->n_uses++;
    }
    for (size_t i = g->n_node; i-- > 0;) {
        const onnx_node *n = g->node[i];
        for (size_t k = 0; k < n->n_output; k++)
            wanted[i] |= *n->output[k] && onnx_value(o, n->output[k])->is_wanted;
        for (size_t k = 0; wanted[i] && k < n->n_input; k++) {
            struct onnx_value *v = *n->input[k] ? onnx_value(o, n->input[k]) : NULL;
            if (!v)
                continue;
            v->is_wanted = true;
            v->n_uses++;
        }
    }
    return wanted;
}

/* ---- tensors --------------------------------------------------------------------------------- */

struct tensor *onnx_in(struct onnx *o, const onnx_node *n, size_t i)
{
    if (i >= n->n_input || !*n->input[i])
        return NULL;
    struct onnx_value *v = onnx_value(o, n->input[i]);
    if (!v)
        onnx_fail(o, n, "its input '%s' does not exist: the file is damaged", n->input[i]);
    if (!v->tensor && v->initializer)
        v->tensor = onnx_constant(o, v->name, v->initializer);
    if (!v->tensor)
        onnx_fail(o, n, "its input '%s' is not made before it: the file is damaged", v->name);
    return v->tensor;
}

void onnx_out(struct onnx *o, const onnx_node *n, size_t i, struct tensor *t)
{
    onnx_value(o, n->output[i])->tensor = t;
}

/* ---- the model ------------------------------------------------------------------------------- */

static bool is_mica(const onnx_node *n)
{
    return n->op_type && n->domain && !strcmp(n->domain, onnx_mica_domain);
}

/* A model is of our operators or of standard ones: the former give shapes and types as they are,
 * the latter become what an estimator has. */
static bool is_of_mica(struct onnx *o, const bool *wanted)
{
    bool has[2] = {false, false};
    for (size_t i = 0; i < o->file->n_node; i++)
        if (wanted[i])
            has[is_mica(o->file->node[i])] = true;
    if (has[0] && has[1])
        fail(o->ctx, NULL,
             "the model has operators of the domain %s and others: only one of both "
             "is supported",
             onnx_mica_domain);
    return has[1];
}

static void read_inputs(struct onnx *o)
{
    const onnx_graph *g = o->file;
    o->graph->input = NEWS(o->ctx, struct tensor *, g->n_input);
    for (size_t i = 0; i < g->n_input; i++) {
        struct onnx_value *v = onnx_value(o, g->input[i]->name);
        if (v->input)
            o->graph->input[o->graph->n_inputs++] = v->tensor = onnx_input(o, v->input);
    }
}

static void read_outputs(struct onnx *o)
{
    const onnx_graph *g = o->file;
    o->graph->output = NEWS(o->ctx, struct tensor *, g->n_output);
    for (size_t i = 0; i < g->n_output; i++) {
        struct onnx_value *v = onnx_value(o, g->output[i]->name);
        if (!v->tensor)
            fail(o->ctx, NULL, "no node makes the output '%s': the file is damaged", v->name);
        if (graph_is_output(o->graph, v->tensor))
            fail(o->ctx, NULL, "the output '%s' is another one's, too", v->name);
        o->graph->output[o->graph->n_outputs++] = v->tensor;
    }
}

static void check_model(struct onnx *o)
{
    const onnx_graph *g = o->model->graph;
    if (!g)
        fail(o->ctx, NULL, "the file has no graph: it is damaged, or no ONNX model");
    if (o->model->n_functions)
        fail(o->ctx, NULL,
             "the file defines operators of its own (functions); inline them (in "
             "Python: onnx.inliner.inline_local_functions)");
    if (g->n_sparse_initializer)
        fail(o->ctx, NULL, "the file has sparse tensors; write it with dense ones");
    if (g->n_output == 0)
        fail(o->ctx, NULL, "the graph has no outputs, so there is nothing to compute");
    if (g->n_input + g->n_output > ONNX_IO_MAX)
        fail(o->ctx, NULL, "the graph has %zu inputs and outputs; at most %d are supported",
             g->n_input + g->n_output, ONNX_IO_MAX);
    o->file = g;
}

void read_onnx(struct ctx *ctx, const uint8_t *bytes, size_t n)
{
    struct onnx onnx = {.ctx = ctx, .model = onnx_decode(ctx, bytes, n)}, *o = &onnx;
    check_model(o);
    o->graph = NEW(ctx, struct graph);
    o->graph->name = o->file->name && *o->file->name ? o->file->name : "main";
    count_values(o);
    add_values(o);
    const bool *wanted = mark_wanted(o), of_mica = is_of_mica(o, wanted);
    if (of_mica)
        read_inputs(o);
    else
        onnx_estimator_inputs(o);
    for (size_t i = 0; i < o->file->n_node; i++) {
        if (wanted[i] && of_mica && onnx_is_booster(o->file->node[i]))
            onnx_read_booster(o, o->file->node[i]);
        else if (wanted[i] && of_mica)
            onnx_read_mica(o, o->file->node[i]);
        else if (wanted[i])
            onnx_read_standard(o, o->file->node[i]);
    }
    if (of_mica)
        read_outputs(o);
    else
        onnx_estimator_outputs(o);
    onnx_read_names(o);
    ctx->subgraph = NEW(ctx, struct graph *);
    ctx->subgraph[0] = o->graph;
    ctx->n_subgraphs = 1;
    ctx->graph = o->graph;
}
