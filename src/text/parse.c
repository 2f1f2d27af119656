/* SPDX-License-Identifier: Apache-2.0 */
/* parse.c - the text form (docs/ir.md) back into a graph.
 *
 * The text may come from anywhere: every count is bounded before memory is taken for it, every
 * number by its range, and each line is read once. What later passes take for granted of a graph
 * (sizes from 1, scales above 0, every tensor made before it is read) holds after this as it does
 * after read_tflite().
 */
#include <math.h>
#include <string.h>

#include "text/scan.h"
#include "compile.h"

/* As many as read_tflite() takes: passes are not linear in them. */
enum { TENSORS_MAX = 1 << 14, NODES_MAX = 1 << 12 };

enum section { NAMES, TENSORS, INPUTS, NODES, OUTPUTS };

/* As many labels as one model may give; as many roles as there are outputs. */
enum { LABELS_MAX = 256 };

/* The base of a view may be a tensor further down. */
struct pending {
    struct tensor *view;
    int64_t base;
    size_t line;
    struct pending *next;
};

struct parser {
    struct scan scan;
    struct graph *graph;
    enum section section;
    struct pending *views;
    bool *ready; /* by tensor->index: has contents by the line that is being read */
    bool *is_output;
    int inputs_room, outputs_room;
};

/* ---- names ----------------------------------------------------------------------------------- */

static void *parse_elements(struct scan *s, enum dtype type, int64_t n);

/* ["a" "b"], and the values of classes that are numbers: = [10 20] */
static struct names parse_names(struct scan *s)
{
    struct names names = {0};
    const char **at = NULL;
    scan_need(s, '[');
    for (; scan_more(s); names.n++) {
        if ((names.n & (names.n - 1)) == 0) {
            const char **grown = NEWS(s->ctx, const char *, names.n ? names.n * 2 : 1);
            if (names.n)
                memcpy(grown, at, (size_t)names.n * sizeof *grown);
            at = grown;
        }
        at[names.n] = scan_name(s);
    }
    names.at = at;
    if (scan_symbol(s, '='))
        names.value = parse_elements(s, DTYPE_INT32, names.n);
    return names;
}

static void parse_classes(struct parser *p)
{
    struct graph *g = p->graph;
    if (g->n_labels == LABELS_MAX)
        scan_fail(&p->scan, "a graph has at most %d lists of classes", LABELS_MAX);
    struct names *grown = NEWS(p->scan.ctx, struct names, g->n_labels + 1);
    if (g->n_labels)
        memcpy(grown, g->classes, (size_t)g->n_labels * sizeof *grown);
    grown[g->n_labels++] = parse_names(&p->scan);
    g->classes = grown;
}

/* What follows an output of an estimator: the name of its function. */
static void parse_role(struct parser *p)
{
    struct graph *g = p->graph;
    const bool has_role = !scan_at_line_end(&p->scan);
    if (g->n_outputs > 1 && has_role != (g->role != NULL))
        scan_fail(&p->scan, "either every output has a role, such as predict, or none has");
    if (!has_role)
        return;
    char word[WORD_ROOM];
    scan_word(&p->scan, word, "a role");
    const char **grown = NEWS(p->scan.ctx, const char *, g->n_outputs);
    if (g->role)
        memcpy(grown, g->role, (size_t)(g->n_outputs - 1) * sizeof *grown);
    grown[g->n_outputs - 1] = format(p->scan.ctx, "%s", word);
    g->role = grown;
}

/* ---- tensors --------------------------------------------------------------------------------- */

static int64_t parse_id(struct scan *s)
{
    if (!scan_symbol(s, '%'))
        scan_expected(s, "a tensor, such as %0");
    return scan_int(s, "the number of a tensor", 0, INT32_MAX);
}

static void parse_shape(struct scan *s, enum dtype type, int *rank, int32_t dim[RANK_MAX])
{
    int64_t elements = 1;
    scan_need(s, '[');
    for (*rank = 0; scan_more(s); ++*rank) {
        if (*rank == RANK_MAX)
            scan_fail(s, "a tensor has at most %d dimensions", RANK_MAX);
        dim[*rank] = (int32_t)scan_int(s, "a dimension", 1, TENSOR_BYTES_MAX);
        elements *= dim[*rank];
        if (elements > TENSOR_BYTES_MAX || elements * dtype_bits(type) / 8 > TENSOR_BYTES_MAX)
            scan_fail(s, "a tensor has at most %d bytes", TENSOR_BYTES_MAX);
    }
}

/* Reads exactly n elements between brackets. */
static void *parse_elements(struct scan *s, enum dtype type, int64_t n)
{
    struct form form = form_of(type);
    scan_need(s, '[');
    if (n > scan_items_max(s))
        scan_fail(s, "expected %lld numbers, which the text is too short for", (long long)n);
    char *data = alloc(s->ctx, (size_t)n, (size_t)form.bytes);
    int64_t read = 0;
    for (; scan_more(s); read++) {
        if (read == n)
            scan_fail(s, "expected ']' after %lld numbers", (long long)n);
        scan_element(s, type, data, read);
    }
    if (read < n)
        scan_fail(s, "expected %lld numbers, found %lld", (long long)n, (long long)read);
    return data;
}

static void check_scales(const struct scan *s, const struct quant *q)
{
    for (int i = 0; i < q->n; i++)
        if (!(q->scale[i] > 0 && isfinite(q->scale[i])))
            scan_fail(s, "expected a scale that is positive and finite, found %g",
                      (double)q->scale[i]);
}

/* The zero point of a small type is a number of that type. */
static void check_zeros(const struct scan *s, const struct tensor *t)
{
    struct form form = form_of(t->type);
    int64_t steps = INT64_C(1) << (form.bytes < 4 ? form.bytes * 8 : 32);
    int64_t least = form.is_signed || form.bytes >= 4 ? -steps / 2 : 0;
    for (int i = 0; i < t->quant.n; i++)
        if (t->quant.zero[i] < least || t->quant.zero[i] >= least + steps)
            scan_fail(s, "the zero point %d is beyond %s", (int)t->quant.zero[i],
                      dtype_name(t->type));
}

static void parse_scales(struct scan *s, struct tensor *t)
{
    struct quant *q = &t->quant;
    bool has_axis = scan_accept(s, "axis");
    if (has_axis) {
        scan_need(s, '=');
        q->axis = (int)scan_int(s, "an axis of the tensor", 0, t->rank - 1);
    }
    if (!scan_accept(s, "scale")) {
        if (has_axis)
            scan_expected(s, "scale=");
        return;
    }
    if (form_of(t->type).kind == FORM_FLOAT)
        scan_fail(s, "%s is not a quantised type", dtype_name(t->type));
    scan_need(s, '=');
    q->n = has_axis ? t->dim[q->axis] : 1;
    if (has_axis) {
        q->scale = parse_elements(s, DTYPE_FLOAT32, q->n);
    } else {
        float *scale = NEW(s->ctx, float);
        scan_element(s, DTYPE_FLOAT32, scale, 0);
        q->scale = scale;
    }
    check_scales(s, q);
}

static void parse_zeros(struct scan *s, struct tensor *t)
{
    if (!scan_accept(s, "zero"))
        scan_expected(s, "zero=");
    scan_need(s, '=');
    if (scan_peek(s, '[')) {
        t->quant.zero = parse_elements(s, DTYPE_INT32, t->quant.n);
    } else {
        int32_t *zero = NEWS(s->ctx, int32_t, t->quant.n);
        int32_t same = (int32_t)scan_int(s, "a zero point", INT32_MIN, INT32_MAX);
        for (int i = 0; i < t->quant.n; i++)
            zero[i] = same;
        t->quant.zero = zero;
    }
    check_zeros(s, t);
}

static void parse_tensor(struct parser *p, const char *keyword)
{
    struct scan *s = &p->scan;
    if (parse_id(s) != p->graph->n_tensors)
        scan_fail(s, "expected %%%d: tensors are numbered in their order", p->graph->n_tensors);
    if (p->graph->n_tensors == TENSORS_MAX)
        scan_fail(s, "a graph has at most %d tensors", TENSORS_MAX);
    const char *name = scan_name(s);
    char word[WORD_ROOM];
    scan_word(s, word, "a type");
    int type = dtype_from_name(word);
    if (type < 0 || dtype_bits((enum dtype)type) == 0)
        scan_fail(s, "expected a type, such as int8 or float32, found '%s'", word);
    int rank;
    int32_t dim[RANK_MAX];
    parse_shape(s, (enum dtype)type, &rank, dim);
    struct tensor *t = graph_add_tensor(s->ctx, p->graph, name, (enum dtype)type, rank, dim);
    t->is_variable = !strcmp(keyword, "variable");
    parse_scales(s, t);
    if (t->quant.n)
        parse_zeros(s, t);

    if (scan_accept(s, "view")) {
        if (!strcmp(keyword, "const"))
            scan_fail(s, "a const has contents of its own, so it is not a view");
        if (!scan_accept(s, "of"))
            scan_expected(s, "'of'");
        struct pending *view = NEW(s->ctx, struct pending);
        *view = (struct pending){t, parse_id(s), s->line, p->views};
        p->views = view;
    } else if (!strcmp(keyword, "const")) {
        scan_need(s, '=');
        t->data = parse_elements(s, t->type, form_count(t));
    }
}

/* All tensors are known: the views find their bases. */
static void end_tensors(struct parser *p)
{
    struct graph *g = p->graph;
    p->ready = NEWS(p->scan.ctx, bool, g->n_tensors);
    p->is_output = NEWS(p->scan.ctx, bool, g->n_tensors);
    for (int i = 0; i < g->n_tensors; i++)
        p->ready[i] = g->tensor[i]->data || g->tensor[i]->is_variable;
    size_t here = p->scan.line;
    for (struct pending *v = p->views; v; v = v->next) {
        p->scan.line = v->line;
        if (v->base >= g->n_tensors)
            scan_fail(&p->scan, "there is no tensor %%%lld", (long long)v->base);
        v->view->base = g->tensor[v->base];
    }
    for (struct pending *v = p->views; v; v = v->next) {
        p->scan.line = v->line;
        if (v->view->base->base)
            scan_fail(&p->scan, "%%%lld is a view itself: name its base", (long long)v->base);
        if (tensor_bytes(v->view) != tensor_bytes(v->view->base))
            scan_fail(&p->scan, "a view has as many bytes as its base, not %lld of %lld",
                      (long long)tensor_bytes(v->view), (long long)tensor_bytes(v->view->base));
    }
    p->scan.line = here;
}

/* ---- nodes, inputs, outputs ------------------------------------------------------------------ */

static struct tensor *parse_ref(struct parser *p)
{
    int64_t id = parse_id(&p->scan);
    if (id >= p->graph->n_tensors)
        scan_fail(&p->scan, "there is no tensor %%%lld", (long long)id);
    return p->graph->tensor[id];
}

/* What a tensor can be given: it must be the plain kind, and not have contents yet. */
static void give_contents(struct parser *p, struct tensor *t, const char *as)
{
    if (t->data || t->is_variable || t->base)
        scan_fail(&p->scan, "%%%d is a %s, it cannot be %s", t->index,
                  t->base   ? "view"
                  : t->data ? "const"
                            : "variable",
                  as);
    if (p->ready[t->index])
        scan_fail(&p->scan, "%%%d cannot be %s: it is an input or made by a node above", t->index,
                  as);
    p->ready[t->index] = true;
}

static struct tensor *parse_made(struct parser *p)
{
    struct tensor *t = parse_ref(p);
    if (!p->ready[tensor_base(t)->index])
        scan_fail(&p->scan, "nothing above makes %%%d", t->index);
    return t;
}

static void parse_attribute_value(struct scan *s, const struct attr_field *f, void *at)
{
    char word[WORD_ROOM];
    switch (f->type) {
    case ATTR_INT:
        *(int32_t *)at = (int32_t)scan_int(s, "an integer", INT32_MIN, INT32_MAX);
        break;
    case ATTR_BOOL:
        *(bool *)at = scan_accept(s, "true");
        if (!*(bool *)at && !scan_accept(s, "false"))
            scan_expected(s, "true or false");
        break;
    case ATTR_FLOAT:
        scan_element(s, DTYPE_FLOAT32, at, 0);
        break;
    case ATTR_INTS: {
        struct int_list *list = at;
        scan_need(s, '[');
        while (scan_more(s)) {
            if (list->n == RANK_MAX)
                scan_fail(s, "%s has at most %d numbers", f->name, RANK_MAX);
            list->at[list->n++] = (int32_t)scan_int(s, "an integer", INT32_MIN, INT32_MAX);
        }
        break;
    }
    case ATTR_ENUM: {
        int32_t *value = at;
        scan_word(s, word, "a word");
        while (f->words[*value] && strcmp(word, f->words[*value]))
            ++*value;
        if (!f->words[*value])
            scan_fail(s, "%s cannot be '%s'", f->name, word);
        break;
    }
    case ATTR_ACTIVATION: {
        int a = 0;
        scan_word(s, word, "an activation");
        while (a < ACT_COUNT && strcmp(word, activation_name((enum activation)a)))
            a++;
        if (a == ACT_COUNT)
            scan_fail(s, "expected none, relu, relu6 or relu_n1_to_1, found '%s'", word);
        *(enum activation *)at = (enum activation)a;
        break;
    }
    }
}

static void *parse_attributes(struct scan *s, const struct op *op)
{
    void *attr = alloc(s->ctx, 1, op->attr_bytes);
    uint64_t given = 0;
    while (!scan_peek(s, ':')) {
        char word[WORD_ROOM];
        scan_word(s, word, "an attribute or ':'");
        const struct attr_field *f = op->attrs;
        while (f && f->name && strcmp(f->name, word))
            f++;
        if (!f || !f->name)
            scan_fail(s, "%s has no attribute '%s'", op->name, word);
        uint64_t bit = UINT64_C(1) << (f - op->attrs);
        if (given & bit)
            scan_fail(s, "%s is given twice", word);
        given |= bit;
        scan_need(s, '=');
        parse_attribute_value(s, f, (char *)attr + f->offset);
    }
    scan_need(s, ':');
    return attr;
}

static void parse_node(struct parser *p)
{
    struct scan *s = &p->scan;
    if (p->graph->n_nodes == NODES_MAX)
        scan_fail(s, "a graph has at most %d nodes", NODES_MAX);
    const char *name = scan_name(s);
    char word[WORD_ROOM];
    scan_word(s, word, "an operator");
    const struct op *op = op_find(word);
    if (!op)
        scan_fail(s, "there is no operator '%s'", word);
    void *attr = parse_attributes(s, op);

    struct tensor *in[NODE_INPUTS_MAX];
    int n_in = 0;
    for (; !scan_accept(s, "->"); n_in++) {
        if (n_in == op->max_in || n_in == NODE_INPUTS_MAX)
            scan_fail(s, "%s takes at most %d inputs", op->name, n_in);
        bool omitted = n_in >= op->min_in && scan_accept(s, "-");
        in[n_in] = omitted ? NULL : parse_made(p);
    }
    if (n_in < op->min_in)
        scan_fail(s, "%s takes at least %d inputs, found %d", op->name, op->min_in, n_in);

    struct node *n = graph_add_node(s->ctx, p->graph, name, op, n_in, op->n_out);
    n->attr = attr;
    if (n_in)
        memcpy(n->in, in, (size_t)n_in * sizeof *in);
    for (int k = 0; k < op->n_out; k++) {
        n->out[k] = parse_ref(p);
        give_contents(p, n->out[k], "the output of a node");
        n->out[k]->maker = n;
    }
}

/* Appends to one of the graph's two lists; the room doubles. */
static void push(struct parser *p, struct tensor ***list, int *n, int *room, struct tensor *t)
{
    if (*n == *room) {
        struct tensor **grown = NEWS(p->scan.ctx, struct tensor *, *room * 2 + 4);
        if (*n)
            memcpy(grown, *list, (size_t)*n * sizeof *grown);
        *list = grown;
        *room = *room * 2 + 4;
    }
    (*list)[(*n)++] = t;
}

static void parse_input(struct parser *p)
{
    struct graph *g = p->graph;
    struct tensor *t = parse_ref(p);
    give_contents(p, t, "an input");
    push(p, &g->input, &g->n_inputs, &p->inputs_room, t);
}

static void parse_output(struct parser *p)
{
    struct graph *g = p->graph;
    struct tensor *t = parse_made(p);
    if (p->is_output[t->index])
        scan_fail(&p->scan, "%%%d is an output already", t->index);
    p->is_output[t->index] = true;
    push(p, &g->output, &g->n_outputs, &p->outputs_room, t);
    parse_role(p);
}

/* ---- the file -------------------------------------------------------------------------------- */

static void enter(struct parser *p, enum section section)
{
    if (section < p->section)
        scan_fail(&p->scan,
                  "the order is names, tensors, inputs, nodes, outputs: this line is too late");
    if (p->section <= TENSORS && section > TENSORS)
        end_tensors(p);
    p->section = section;
}

static void parse_line(struct parser *p)
{
    struct scan *s = &p->scan;
    char word[WORD_ROOM];
    scan_word(s, word, "tensor, const, variable, input, node or output");
    if (!strcmp(word, "features") || !strcmp(word, "classes")) {
        enter(p, NAMES);
        if (*word == 'f')
            p->graph->features = parse_names(s);
        else
            parse_classes(p);
    } else if (!strcmp(word, "tensor") || !strcmp(word, "const") || !strcmp(word, "variable")) {
        enter(p, TENSORS);
        parse_tensor(p, word);
    } else if (!strcmp(word, "input")) {
        enter(p, INPUTS);
        parse_input(p);
    } else if (!strcmp(word, "node")) {
        enter(p, NODES);
        parse_node(p);
    } else if (!strcmp(word, "output")) {
        enter(p, OUTPUTS);
        parse_output(p);
    } else {
        scan_fail(s, "expected tensor, const, variable, input, node or output, found '%s'", word);
    }
    scan_line_end(s);
}

void read_text(struct ctx *ctx, const char *text, size_t n)
{
    struct parser p = {.scan = {.ctx = ctx, .text = text, .n = n, .line = 1}};
    struct scan *s = &p.scan;
    p.graph = NEW(ctx, struct graph);
    if (!scan_accept(s, "mica-ir") || !scan_accept(s, "1"))
        scan_fail(s, "expected 'mica-ir 1', the first line of a graph as text");
    scan_line_end(s);
    if (scan_at_end(s) || !scan_accept(s, "graph"))
        scan_expected(s, "graph and its name");
    p.graph->name = scan_name(s);
    scan_line_end(s);

    while (!scan_at_end(s))
        parse_line(&p);
    if (p.graph->n_outputs == 0)
        scan_expected(s, "an output");

    ctx->graph = p.graph;
    ctx->subgraph = NEW(ctx, struct graph *);
    ctx->subgraph[0] = p.graph;
    ctx->n_subgraphs = 1;
}
