/* SPDX-License-Identifier: Apache-2.0 */
/* onnx_attr.c - the attributes of a node of an ONNX file. */
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
