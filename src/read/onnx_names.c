/* SPDX-License-Identifier: Apache-2.0 */
/* onnx_names.c - what the Python package says of an estimator beside its graph.
 *
 * Properties of the model hold it as JSON: mica.roles, a list with the function of each output;
 * mica.features, the names of the columns; mica.classes, for each label that the model gives an
 * object {"names": [...], "values": [...] or null}.
 */
#include <jansson.h>
#include <setjmp.h>
#include <string.h>

#include "read/onnx.h"

enum { LABELS_MAX = 256, NAMES_MAX = 1 << 20 };

static const char *property(struct onnx *o, const char *key)
{
    for (size_t i = 0; i < o->model->n_metadata_props; i++) {
        const Onnx__StringStringEntryProto *p = o->model->metadata_props[i];
        if (p->key && p->value && !strcmp(p->key, key))
            return p->value;
    }
    return NULL;
}

static size_t list_of(struct onnx *o, const char *key, const json_t *list, const char *what)
{
    if (!json_is_array(list) || json_array_size(list) > NAMES_MAX)
        fail(o->ctx, NULL, "the property %s must be a list of %s", key, what);
    return json_array_size(list);
}

static const char *const *read_strings(struct onnx *o, const char *key, const json_t *list)
{
    const size_t n = list_of(o, key, list, "names");
    const char **at = NEWS(o->ctx, const char *, n);
    for (size_t i = 0; i < n; i++) {
        const char *name = json_string_value(json_array_get(list, i));
        if (!name)
            fail(o->ctx, NULL, "the property %s: item %zu is no string", key, i);
        at[i] = format(o->ctx, "%s", name);
    }
    return at;
}

static void read_roles(struct onnx *o, const char *key, const json_t *list)
{
    struct graph *g = o->graph;
    const size_t n = list_of(o, key, list, "functions, one for each output");
    const char *const *role = read_strings(o, key, list);
    if (n != (size_t)g->n_outputs)
        fail(o->ctx, NULL, "the property %s has %zu functions for %d outputs", key, n,
             g->n_outputs);
    g->role = NEWS(o->ctx, const char *, n);
    memcpy(g->role, role, n * sizeof *role);
}

static void read_features(struct onnx *o, const char *key, const json_t *list)
{
    struct names *names = &o->graph->features;
    names->at = read_strings(o, key, list);
    names->n = (int)json_array_size(list);
    const int64_t columns = o->graph->n_inputs ? tensor_elements(o->graph->input[0]) : 0;
    if (names->n && names->n != columns)
        fail(o->ctx, NULL, "the property %s has %d names for %lld columns", key, names->n,
             (long long)columns);
}

static const int32_t *read_values(struct onnx *o, const char *key, const json_t *list, int n)
{
    if (!list || json_is_null(list))
        return NULL;
    if (list_of(o, key, list, "integers") != (size_t)n)
        fail(o->ctx, NULL, "the property %s has %zu values for %d names", key,
             json_array_size(list), n);
    int32_t *value = NEWS(o->ctx, int32_t, n);
    for (int i = 0; i < n; i++) {
        const json_t *item = json_array_get(list, (size_t)i);
        const json_int_t x = json_integer_value(item);
        if (!json_is_integer(item) || x < INT32_MIN || x > INT32_MAX)
            fail(o->ctx, NULL, "the property %s: value %d is no integer of 32 bits", key, i);
        value[i] = (int32_t)x;
    }
    return value;
}

static void read_classes(struct onnx *o, const char *key, const json_t *list)
{
    const size_t n = list_of(o, key, list, "classes, one for each label");
    if (n > LABELS_MAX)
        fail(o->ctx, NULL, "the property %s has %zu labels; at most %d are supported", key, n,
             LABELS_MAX);
    struct names *classes = NEWS(o->ctx, struct names, n);
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(list, i), *names = json_object_get(item, "names");
        classes[i].at = read_strings(o, key, names);
        classes[i].n = (int)json_array_size(names);
        classes[i].value = read_values(o, key, json_object_get(item, "values"), classes[i].n);
    }
    o->graph->n_labels = (int)n;
    o->graph->classes = n ? classes : NULL;
}

/* JSON has memory of its own, so a failure is caught on its way out. */
static void with_property(struct onnx *o, const char *key,
                          void (*read)(struct onnx *, const char *key, const json_t *))
{
    const char *text = property(o, key);
    json_error_t error;
    if (!text)
        return;
    json_t *volatile json = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (!json)
        fail(o->ctx, NULL, "the property %s is no JSON: line %d, column %d: %s", key, error.line,
             error.column, error.text);
    jmp_buf *outer = o->ctx->recover, here;
    o->ctx->recover = &here;
    const bool is_bad = setjmp(here) != 0;
    if (!is_bad)
        read(o, key, json);
    json_decref(json);
    o->ctx->recover = outer;
    if (is_bad)
        longjmp(*outer, 1);
}

void onnx_read_names(struct onnx *o)
{
    with_property(o, "mica.roles", read_roles);
    with_property(o, "mica.features", read_features);
    with_property(o, "mica.classes", read_classes);
}
