/* SPDX-License-Identifier: Apache-2.0 */
/* onnx_estimator.c - inputs and outputs of a model of standard operators.
 *
 * Such a model is an estimator: it takes one row of float32 and gives a label, probabilities or
 * numbers, each by a function of its own. A file may have an input for each column; here they are
 * columns of the row, in the order of the file.
 */
#include <string.h>

#include "read/onnx.h"

/* ---- inputs ---------------------------------------------------------------------------------- */

/* The columns of one input; its numbers become float32, whatever type of number the file has. */
static int32_t columns_of(struct onnx *o, const onnx_info *info)
{
    struct graph aside = {0};
    struct onnx reader = *o;
    reader.graph = &aside;
    const struct tensor *t = onnx_input(&reader, info);
    if (t->rank > 2 || (t->rank == 2 && t->dim[0] != 1))
        fail(o->ctx, NULL, "the input '%s' is %s; a model of one row, [None, columns], is needed",
             info->name, tensor_text(o->ctx, t));
    return t->dim[t->rank - 1];
}

static bool is_double(const onnx_info *info)
{
    return onnx_type(info) == DTYPE_FLOAT64;
}

/* An input for each column: they lend their names to the features. */
static void name_features(struct onnx *o, const int32_t *columns)
{
    const onnx_graph *g = o->file;
    const char **name = NEWS(o->ctx, const char *, g->n_input);
    int n = 0;
    for (size_t i = 0; i < g->n_input; i++) {
        if (columns[i] > 1)
            return;
        if (columns[i] == 1)
            name[n++] = g->input[i]->name;
    }
    o->graph->features = (struct names){n, name, NULL};
}

/* What each of several inputs is of the row. */
static void split_row(struct onnx *o, struct tensor *row, const int32_t *columns)
{
    int32_t from = 0;
    for (size_t i = 0; i < o->file->n_input; i++) {
        struct onnx_value *v = onnx_value(o, o->file->input[i]->name);
        if (!columns[i])
            continue;
        int32_t *column = NEWS(o->ctx, int32_t, columns[i]);
        for (int32_t k = 0; k < columns[i]; k++)
            column[k] = from++;
        v->tensor = onnx_columns(o, NULL, row, columns[i], column);
        v->is_double = is_double(v->input);
    }
}

void onnx_estimator_inputs(struct onnx *o)
{
    const onnx_graph *g = o->file;
    int32_t *columns = NEWS(o->ctx, int32_t, g->n_input);
    int64_t all = 0;
    int n = 0;
    struct onnx_value *only = NULL;
    for (size_t i = 0; i < g->n_input; i++) {
        struct onnx_value *v = onnx_value(o, g->input[i]->name);
        if (!v->input)
            continue;
        columns[i] = columns_of(o, v->input);
        all += columns[i];
        only = v;
        n++;
    }
    if (n == 0 || all > INT16_MAX)
        fail(o->ctx, NULL, "the model has %d inputs of %lld columns; 1 to %d columns are supported",
             n, (long long)all, INT16_MAX);
    const int32_t dim[] = {1, (int32_t)all};
    struct tensor *row = graph_add_tensor(o->ctx, o->graph, n == 1 ? only->name : "x",
                                          DTYPE_FLOAT32, 2, dim);
    o->graph->input = NEW(o->ctx, struct tensor *);
    o->graph->input[0] = row;
    o->graph->n_inputs = 1;
    if (n == 1) {
        only->tensor = row;
        only->is_double = is_double(only->input);
        return;
    }
    split_row(o, row, columns);
    name_features(o, columns);
}

/* ---- outputs --------------------------------------------------------------------------------- */

/* A name of the file as a part of the name of a C function. */
static const char *as_role(struct onnx *o, const char *name)
{
    char *role = format(o->ctx, "%.*s", ROLE_MAX, name);
    for (char *c = role; *c; c++) {
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
        if (!((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9')))
            *c = '_';
    }
    return *role >= 'a' && *role <= 'z' ? role : format(o->ctx, "output_%s", role);
}

/* Labels, and the result of a model that has only one, are what predict() gives. The rest is told
 * by the names that converters use. */
static const char *role_of(struct onnx *o, const struct onnx_value *v)
{
    if (v->classes || o->file->n_output == 1)
        return "predict";
    const char *name = as_role(o, v->name);
    if (strstr(name, "prob"))
        return "predict_proba";
    return strstr(name, "score") ? "decision_function" : name;
}

static void add_output(struct onnx *o, const struct onnx_value *v)
{
    struct graph *g = o->graph;
    const char *role = role_of(o, v);
    for (int i = 0; i < g->n_outputs; i++)
        if (!strcmp(g->role[i], role)) {
            role = format(o->ctx, "%s_%d", role, g->n_outputs);
            i = -1;
        }
    if (v->classes) {
        if (g->n_labels)
            fail(o->ctx, NULL, "the output '%s' is a second label; one is supported", v->name);
        g->n_labels = 1;
        g->classes = v->classes;
    }
    g->role[g->n_outputs] = role;
    g->output[g->n_outputs++] = v->tensor;
}

void onnx_estimator_outputs(struct onnx *o)
{
    const onnx_graph *file = o->file;
    struct graph *g = o->graph;
    g->output = NEWS(o->ctx, struct tensor *, file->n_output);
    g->role = NEWS(o->ctx, const char *, file->n_output);
    for (size_t i = 0; i < file->n_output; i++) {
        const struct onnx_value *v = onnx_value(o, file->output[i]->name);
        if (!v->tensor)
            fail(o->ctx, NULL, "no node makes the output '%s': the file is damaged", v->name);
        if (v->tag != TAG_NONE)
            fail(o->ctx, NULL,
                 "the output '%s' is a step towards other results, which alone is not "
                 "supported: leave it out",
                 v->name);
        if (v->tensor->data || !v->tensor->maker)
            fail(o->ctx, NULL, "the output '%s' is %s: there is nothing to compute", v->name,
                 v->tensor->data ? "a constant" : "the input");
        if (graph_is_output(g, v->tensor))
            fail(o->ctx, NULL, "the output '%s' is the same as another one: leave one out",
                 v->name);
        v->tensor->name = v->name; /* those who run the model ask for it by this name */
        add_output(o, v);
    }
}
