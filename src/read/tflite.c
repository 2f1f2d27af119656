/* SPDX-License-Identifier: Apache-2.0 */
/* tflite.c - reads a .tflite file: the model, its graphs, and which operators count.
 *
 * Operators that no output depends on are left out before they are looked at. Converters leave some
 * behind: a model with an unknown batch size computes the shapes for its RESHAPEs by SHAPE,
 * STRIDED_SLICE and PACK, and here the sizes are known, so nothing reads those shapes. */
#include <setjmp.h>
#include <string.h>

#include "read/tflite.h"
#include "compile.h"

enum model_field { MODEL_VERSION, MODEL_OPERATOR_CODES, MODEL_SUBGRAPHS, MODEL_BUFFERS = 4 };
enum opcode_field { OPCODE_OLD_CODE, OPCODE_CUSTOM, OPCODE_CODE = 3 };
enum subgraph_field {
    SUBGRAPH_TENSORS,
    SUBGRAPH_INPUTS,
    SUBGRAPH_OUTPUTS,
    SUBGRAPH_OPERATORS,
    SUBGRAPH_NAME
};
enum operator_field {
    OPERATOR_OPCODE,
    OPERATOR_INPUTS,
    OPERATOR_OUTPUTS,
    OPERATOR_OPTIONS_TYPE,
    OPERATOR_OPTIONS
};

/* ---- operators ------------------------------------------------------------------------------- */

static void read_opcode(struct tfl *tfl, struct tfl_operator *op)
{
    struct fb *fb = &tfl->fb;
    uint32_t number = fb_u32(fb, op->table, OPERATOR_OPCODE, 0);
    if (number >= tfl->opcodes.n)
        fail(tfl->ctx, NULL,
             "an operator refers to operator code %u, and there are %zu: the file is damaged",
             number, tfl->opcodes.n);
    struct fb_table t = fb_table_at(fb, tfl->opcodes, number);
    /* Codes were bytes once; writers still fill the old field, with 127 for all that are larger. */
    int32_t old = fb_i8(fb, t, OPCODE_OLD_CODE, 0);
    int32_t code = fb_i32(fb, t, OPCODE_CODE, 0);
    code = code > old ? code : old;
    op->row = tfl_row(code);
    op->is_custom = code == TFL_CUSTOM;
    if (op->is_custom) {
        const char *name = fb_string(fb, t, OPCODE_CUSTOM);
        op->name = name && *name ? name : "without a name";
    } else {
        const char *name = tfl_operator_name(code);
        op->name = name ? name : format(tfl->ctx, "code %d", code);
    }
}

static void check_number(struct tfl_graph *g, const struct tfl_operator *op, int32_t i, int32_t low)
{
    if (i < low || (i >= 0 && (size_t)i >= g->tensors.n))
        fail(g->tfl->ctx, NULL,
             "operator %zu (%s) refers to tensor %d, and there are %zu: the file is damaged",
             (size_t)(op - g->operators), op->name, i, g->tensors.n);
}

static const char *operator_text(struct tfl_graph *g, const struct tfl_operator *op)
{
    struct ctx *ctx = g->tfl->ctx;
    if (op->out.n == 0)
        return format(ctx, "operator %zu (%s)", (size_t)(op - g->operators), op->name);
    size_t out = (size_t)fb_i32_at(&g->tfl->fb, op->out, 0);
    return format(ctx, "node '%s' (%s)", tfl_tensor_name(g, out), op->name);
}

static void read_operators(struct tfl_graph *g, struct fb_table subgraph)
{
    struct ctx *ctx = g->tfl->ctx;
    struct fb *fb = &g->tfl->fb;
    struct fb_vector operators = fb_vector(fb, subgraph, SUBGRAPH_OPERATORS, 4);
    g->tfl->n_operators += operators.n;
    if (g->tfl->n_operators > OPERATORS_MAX)
        fail(ctx, NULL, "the model has %zu operators or more; at most %d are supported",
             g->tfl->n_operators, OPERATORS_MAX);
    g->n_operators = operators.n;
    g->operators = NEWS(ctx, struct tfl_operator, operators.n);
    for (size_t i = 0; i < operators.n; i++) {
        struct tfl_operator *op = &g->operators[i];
        op->table = fb_table_at(fb, operators, i);
        read_opcode(g->tfl, op);
        op->in = fb_vector(fb, op->table, OPERATOR_INPUTS, 4);
        op->out = fb_vector(fb, op->table, OPERATOR_OUTPUTS, 4);
        for (size_t k = 0; k < op->in.n; k++)
            check_number(g, op, fb_i32_at(fb, op->in, k), -1);
        for (size_t k = 0; k < op->out.n; k++)
            check_number(g, op, fb_i32_at(fb, op->out, k), 0);
        for (size_t k = 0; k < op->out.n; k++) {
            size_t t = (size_t)fb_i32_at(fb, op->out, k);
            if (g->maker[t])
                fail(ctx, NULL, "tensor '%s' is made twice, by %s and by %s: the file is damaged",
                     tfl_tensor_name(g, t), operator_text(g, g->maker[t]), operator_text(g, op));
            g->maker[t] = op;
        }
    }
}

static void want(struct tfl_graph *g, size_t tensor, struct tfl_operator **stack, size_t *n)
{
    struct tfl_operator *op = g->maker[tensor];
    g->is_wanted[tensor] = true;
    if (op && !op->is_live) {
        op->is_live = true;
        stack[(*n)++] = op;
    }
}

/* Finds the operators and tensors that the outputs depend on. An operator without outputs is there
 * for what it does, and counts too. */
static void mark_live(struct tfl_graph *g, struct fb_vector outputs)
{
    struct fb *fb = &g->tfl->fb;
    struct tfl_operator **stack = NEWS(g->tfl->ctx, struct tfl_operator *, g->n_operators + 1);
    size_t n = 0;
    for (size_t i = 0; i < g->n_operators; i++)
        if (g->operators[i].out.n == 0) {
            g->operators[i].is_live = true;
            stack[n++] = &g->operators[i];
        }
    for (size_t i = 0; i < outputs.n; i++)
        want(g, (size_t)fb_i32_at(fb, outputs, i), stack, &n);
    while (n > 0) {
        struct tfl_operator *op = stack[--n];
        for (size_t k = 0; k < op->in.n; k++) {
            int32_t i = fb_i32_at(fb, op->in, k);
            if (i >= 0 && (!op->row || tfl_keeps(op->row, k)))
                want(g, (size_t)i, stack, &n);
        }
        for (size_t k = 0; k < op->out.n; k++)
            g->is_wanted[fb_i32_at(fb, op->out, k)] = true;
    }
}

_Noreturn static void refuse_operator(struct tfl_graph *g, const struct tfl_operator *op)
{
    struct text *inputs = text_new(g->tfl->ctx);
    for (size_t k = 0; k < op->in.n && k < 8; k++) {
        int32_t i = fb_i32_at(&g->tfl->fb, op->in, k);
        const char *text = i < 0 ? "none" : tfl_tensor_text(g, (size_t)i);
        text_add(inputs, "%s%s", k ? ", " : "", text);
    }
    text_add(inputs, "%s", op->in.n > 8 ? ", ..." : op->in.n == 0 ? "nothing" : "");
    fail(g->tfl->ctx, NULL,
         "%s on %s: the %soperator %s is not supported; docs/operators.md lists what is: build "
         "the model from those, or end it before this node and do the rest in your own code",
         operator_text(g, op), inputs->at, op->is_custom ? "custom " : "", op->name);
}

static void check_operator(struct tfl_graph *g, const struct tfl_operator *op)
{
    const struct tfl_row *row = op->row;
    if (!row)
        refuse_operator(g, op);
    if (op->in.n < (size_t)row->min_in || op->in.n > (size_t)row->max_in)
        fail(g->tfl->ctx, NULL, "%s has %zu inputs; it must have at least %d and at most %d",
             operator_text(g, op), op->in.n, row->min_in, row->max_in);
    for (size_t k = 0; k < (size_t)row->min_in; k++)
        if (fb_i32_at(&g->tfl->fb, op->in, k) < 0)
            fail(g->tfl->ctx, NULL, "%s lacks input %zu, which it needs", operator_text(g, op), k);
    if (op->out.n != 1)
        fail(g->tfl->ctx, NULL, "%s has %zu outputs instead of one", operator_text(g, op),
             op->out.n);
}

static void add_node(struct tfl_graph *g, const struct tfl_operator *op)
{
    struct ctx *ctx = g->tfl->ctx;
    struct fb *fb = &g->tfl->fb;
    struct tensor *out = g->tensor[fb_i32_at(fb, op->out, 0)];
    if (out->data || out->is_variable)
        fail(ctx, NULL, "%s writes '%s', which is %s: the file is damaged", operator_text(g, op),
             out->name, out->data ? "constant" : "a variable");

    int n_in = 0;
    for (size_t k = 0; k < op->in.n; k++)
        n_in += tfl_keeps(op->row, k);
    const struct op *kind = op_table[op->row->kind];
    struct node *node = graph_add_node(ctx, g->graph, out->name, kind, n_in, 1);
    node->out[0] = out;
    out->maker = node;
    for (size_t k = 0, to = 0; k < op->in.n; k++) {
        if (!tfl_keeps(op->row, k))
            continue;
        int32_t i = fb_i32_at(fb, op->in, k);
        node->in[to++] = i < 0 ? NULL : g->tensor[i];
    }

    int options = fb_u8(fb, op->table, OPERATOR_OPTIONS_TYPE, 0);
    struct tfl_attr attr = {.g = g, .op = op, .node = node};
    if (op->row->options && options) {
        if (options != op->row->options)
            fail(ctx, node, "its options are those of another operator: the file is damaged");
        attr.options = fb_table(fb, op->table, OPERATOR_OPTIONS);
    }
    if (op->row->read)
        op->row->read(&attr);
}

/* ---- graphs ---------------------------------------------------------------------------------- */

static struct fb_vector read_numbers(struct tfl_graph *g, struct fb_table t, int field,
                                     const char *what)
{
    struct fb_vector v = fb_vector(&g->tfl->fb, t, field, 4);
    bool *seen = NEWS(g->tfl->ctx, bool, g->tensors.n);
    for (size_t k = 0; k < v.n; k++) {
        int32_t i = fb_i32_at(&g->tfl->fb, v, k);
        if (i < 0 || (size_t)i >= g->tensors.n)
            fail(g->tfl->ctx, NULL,
                 "%s %zu of the graph is tensor %d, and there are %zu: the file is damaged", what,
                 k, i, g->tensors.n);
        if (seen[i])
            fail(g->tfl->ctx, NULL, "tensor '%s' is listed twice as %s of the graph",
                 tfl_tensor_name(g, (size_t)i), what);
        seen[i] = true;
    }
    return v;
}

static struct tensor **pick(struct tfl_graph *g, struct fb_vector numbers)
{
    struct tensor **list = NEWS(g->tfl->ctx, struct tensor *, numbers.n);
    for (size_t k = 0; k < numbers.n; k++)
        list[k] = g->tensor[fb_i32_at(&g->tfl->fb, numbers, k)];
    return list;
}

/* Every tensor that something reads has contents from somewhere. */
static void check_sources(struct tfl_graph *g, struct fb_vector inputs)
{
    struct ctx *ctx = g->tfl->ctx;
    bool *is_input = NEWS(ctx, bool, g->tensors.n);
    for (size_t k = 0; k < inputs.n; k++)
        is_input[fb_i32_at(&g->tfl->fb, inputs, k)] = true;
    for (size_t i = 0; i < g->tensors.n; i++) {
        const struct tensor *t = g->tensor[i];
        if (!t)
            continue;
        if (is_input[i] && (t->data || t->maker || t->is_variable))
            fail(ctx, NULL, "the input '%s' is %s as well: the file is damaged", t->name,
                 t->data    ? "a constant"
                 : t->maker ? "the output of an operator"
                            : "a variable");
        if (!is_input[i] && !t->data && !t->maker && !t->is_variable)
            fail(ctx, NULL,
                 "tensor '%s' is read, but it is no input, no constant, and no operator makes it: "
                 "the file is damaged",
                 t->name);
    }
}

static void read_subgraph(struct tfl *tfl, struct fb_table table, struct graph *graph)
{
    struct ctx *ctx = tfl->ctx;
    struct tfl_graph g = {.tfl = tfl, .graph = graph};
    g.tensors = fb_vector(&tfl->fb, table, SUBGRAPH_TENSORS, 4);
    tfl->n_tensors += g.tensors.n;
    if (tfl->n_tensors > TENSORS_MAX)
        fail(ctx, NULL, "the model has %zu tensors or more; at most %d are supported",
             tfl->n_tensors, TENSORS_MAX);
    g.tensor = NEWS(ctx, struct tensor *, g.tensors.n);
    g.maker = NEWS(ctx, struct tfl_operator *, g.tensors.n);
    g.is_wanted = NEWS(ctx, bool, g.tensors.n);

    struct fb_vector inputs = read_numbers(&g, table, SUBGRAPH_INPUTS, "input");
    struct fb_vector outputs = read_numbers(&g, table, SUBGRAPH_OUTPUTS, "output");
    if (outputs.n == 0)
        fail(ctx, NULL, "the graph has no outputs, so there is nothing to compute");
    if (inputs.n + outputs.n > IO_MAX)
        fail(ctx, NULL,
             "the graph has %zu inputs and outputs, each a parameter of the generated function; at "
             "most %d are supported: join some with CONCATENATION",
             inputs.n + outputs.n, IO_MAX);
    read_operators(&g, table);
    mark_live(&g, outputs);
    for (size_t i = 0; i < g.n_operators; i++)
        if (g.operators[i].is_live)
            check_operator(&g, &g.operators[i]);

    for (size_t k = 0; k < inputs.n; k++) {
        size_t i = (size_t)fb_i32_at(&tfl->fb, inputs, k);
        g.is_wanted[i] = true;
        tfl_check_input_signature(&g, i);
    }
    for (size_t i = 0; i < g.tensors.n; i++)
        if (g.is_wanted[i])
            g.tensor[i] = tfl_tensor(&g, i);
    graph->n_inputs = (int)inputs.n;
    graph->n_outputs = (int)outputs.n;
    graph->input = pick(&g, inputs);
    graph->output = pick(&g, outputs);
    for (size_t i = 0; i < g.n_operators; i++)
        if (g.operators[i].is_live)
            add_node(&g, &g.operators[i]);
    check_sources(&g, inputs);
    graph_order(ctx, graph);
}

static struct graph *new_graph(struct tfl *tfl, struct fb_table table, size_t i)
{
    struct graph *graph = NEW(tfl->ctx, struct graph);
    const char *name = fb_string(&tfl->fb, table, SUBGRAPH_NAME);
    graph->name = name && *name ? name : i ? format(tfl->ctx, "graph_%zu", i) : "main";
    return graph;
}

/* Only control flow and signatures lead to graphs other than the first, and Mica compiles neither.
 * What these graphs hold matters to those who look at them alone, so one that cannot be read stays
 * empty instead of refusing the file. */
static struct graph *try_subgraph(struct tfl *tfl, struct fb_table table, size_t i)
{
    struct ctx *ctx = tfl->ctx;
    jmp_buf *outer = ctx->recover, here;
    struct graph *volatile graph = new_graph(tfl, table, i);
    ctx->recover = &here;
    if (setjmp(here) == 0) {
        read_subgraph(tfl, table, graph);
    } else {
        const char *name = graph->name;
        *graph = (struct graph){.name = name};
        ctx->error[0] = '\0';
    }
    ctx->recover = outer;
    return graph;
}

void read_tflite(struct ctx *ctx, const uint8_t *bytes, size_t n)
{
    struct tfl tfl = {.ctx = ctx};
    struct fb_table model = fb_open(&tfl.fb, ctx, bytes, n, "TFL3");
    uint32_t version = fb_u32(&tfl.fb, model, MODEL_VERSION, 0);
    if (version != 3)
        fail(ctx, NULL, "the file is of version %u of the TFLite schema; version 3 is supported",
             version);
    tfl.opcodes = fb_vector(&tfl.fb, model, MODEL_OPERATOR_CODES, 4);
    tfl.buffers = fb_vector(&tfl.fb, model, MODEL_BUFFERS, 4);
    tfl.copied = NEWS(ctx, struct tfl_buffer, tfl.buffers.n);

    struct fb_vector graphs = fb_vector(&tfl.fb, model, MODEL_SUBGRAPHS, 4);
    if (graphs.n == 0 || graphs.n > SUBGRAPHS_MAX)
        fail(ctx, NULL, "the file has %zu graphs; 1 to %d are supported", graphs.n, SUBGRAPHS_MAX);
    ctx->subgraph = NEWS(ctx, struct graph *, graphs.n);
    struct fb_table first = fb_table_at(&tfl.fb, graphs, 0);
    ctx->subgraph[0] = new_graph(&tfl, first, 0);
    read_subgraph(&tfl, first, ctx->subgraph[0]);
    for (size_t i = 1; i < graphs.n; i++)
        ctx->subgraph[i] = try_subgraph(&tfl, fb_table_at(&tfl.fb, graphs, i), i);
    ctx->n_subgraphs = (int)graphs.n;
    ctx->graph = ctx->subgraph[0];
}
