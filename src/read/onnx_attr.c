/* SPDX-License-Identifier: Apache-2.0 */
/* onnx_attr.c - the attributes of a node of an ONNX file. */
#include <math.h>
#include <string.h>

#include "read/onnx.h"

const onnx_attribute *onnx_find(const onnx_node *n, const char *name)
{
    for (size_t i = 0; i < n->n_attribute; i++)
        if (n->attribute[i]->name && !strcmp(n->attribute[i]->name, name))
            return n->attribute[i];
    return NULL;
}

const char *onnx_word(struct onnx *o, const onnx_node *n, const onnx_attribute *a)
{
    enum { WORD_MAX = 64 };
    if (!a->has_s || a->s.len > WORD_MAX)
        onnx_fail(o, n, "the attribute '%s' must be a word", a->name);
    return format(o->ctx, "%.*s", (int)a->s.len, (const char *)a->s.data);
}

int onnx_choice(struct onnx *o, const onnx_node *n, const char *name, const char *const *words)
{
    const onnx_attribute *a = onnx_find(n, name);
    if (!a)
        return 0;
    const char *word = onnx_word(o, n, a);
    int i = 0;
    while (words[i] && strcmp(words[i], word))
        i++;
    if (words[i])
        return i;
    struct text *all = text_new(o->ctx);
    for (i = 0; words[i]; i++)
        text_add(all, "%s%s", i ? ", " : "", words[i]);
    onnx_fail(o, n, "the attribute '%s' is '%s'; supported is: %s", name, word, all->at);
}

int64_t onnx_int(struct onnx *o, const onnx_node *n, const char *name, int64_t otherwise)
{
    const onnx_attribute *a = onnx_find(n, name);
    if (!a)
        return otherwise;
    if (!a->has_i)
        onnx_fail(o, n, "the attribute '%s' must be an integer", name);
    return a->i;
}

float onnx_float(struct onnx *o, const onnx_node *n, const char *name, float otherwise)
{
    const onnx_attribute *a = onnx_find(n, name);
    if (!a)
        return otherwise;
    if (!a->has_f)
        onnx_fail(o, n, "the attribute '%s' must be a number", name);
    return a->f;
}

/* ---- lists ----------------------------------------------------------------------------------- */

/* The lists of protobuf are size_t long; ours are counted in int32_t. */
static const onnx_attribute *find_list(struct onnx *o, const onnx_node *n, const char *name)
{
    const onnx_attribute *a = onnx_find(n, name);
    if (a && (a->n_ints > INT32_MAX || a->n_floats > INT32_MAX || a->n_strings > INT32_MAX))
        onnx_fail(o, n, "the attribute '%s' has too many elements", name);
    return a;
}

const int64_t *onnx_ints(struct onnx *o, const onnx_node *n, const char *name, size_t *count)
{
    const onnx_attribute *a = find_list(o, n, name);
    *count = a ? a->n_ints : 0;
    return a ? a->ints : NULL;
}

const float *onnx_floats(struct onnx *o, const onnx_node *n, const char *name, size_t *count)
{
    const onnx_attribute *a = find_list(o, n, name);
    *count = a ? a->n_floats : 0;
    for (size_t i = 0; i < *count; i++)
        if (isnan(a->floats[i]))
            onnx_fail(o, n, "the attribute '%s' has a NaN at place %zu", name, i);
    return a ? a->floats : NULL;
}

const struct tensor *onnx_attr_tensor(struct onnx *o, const onnx_node *n, const char *name)
{
    const onnx_attribute *a = onnx_find(n, name);
    if (!a)
        return NULL;
    if (!a->t)
        onnx_fail(o, n, "the attribute '%s' must be a tensor", name);
    struct graph aside = {0}; /* it is read here and does not become part of the model */
    struct onnx reader = *o;
    reader.graph = &aside;
    return onnx_constant(&reader, format(o->ctx, "%s.%s", onnx_node_name(o, n), name), a->t);
}

const double *onnx_doubles(struct onnx *o, const onnx_node *n, const char *name, size_t *count)
{
    const struct tensor *t = onnx_attr_tensor(o, n, format(o->ctx, "%s_as_tensor", name));
    if (t && t->type != DTYPE_FLOAT32 && t->type != DTYPE_FLOAT64)
        onnx_fail(o, n, "the attribute '%s_as_tensor' must be float or double", name);
    const float *floats = t && t->type == DTYPE_FLOAT32 ? t->data : NULL;
    if (t)
        *count = (size_t)tensor_elements(t);
    else
        floats = onnx_floats(o, n, name, count);
    double *to = NEWS(o->ctx, double, *count);
    for (size_t i = 0; i < *count; i++) {
        to[i] = floats ? (double)floats[i] : ((const double *)t->data)[i];
        if (isnan(to[i]))
            onnx_fail(o, n, "the attribute '%s' has a NaN at place %zu", name, i);
    }
    return *count ? to : NULL;
}

const char **onnx_copy_strings(struct onnx *o, const ProtobufCBinaryData *from, size_t n)
{
    const char **to = NEWS(o->ctx, const char *, n);
    for (size_t i = 0; i < n; i++) {
        char *word = alloc(o->ctx, from[i].len + 1, 1);
        if (from[i].len)
            memcpy(word, from[i].data, from[i].len);
        to[i] = word;
    }
    return to;
}

const char **onnx_strings(struct onnx *o, const onnx_node *n, const char *name, size_t *count)
{
    const onnx_attribute *a = find_list(o, n, name);
    *count = a ? a->n_strings : 0;
    return a ? onnx_copy_strings(o, a->strings, a->n_strings) : NULL;
}
