/* SPDX-License-Identifier: Apache-2.0 */
/* onnx_label.c - labels: the number of a class while the model computes, its name or integer for
 * those who read the result. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "read/onnx.h"

/* ---- classes --------------------------------------------------------------------------------- */

/* Integers as names; their values only where they are not 0, 1, 2, ... */
static const struct names *integer_classes(struct onnx *o, const onnx_node *n, const int64_t *at,
                                           size_t count)
{
    struct names *names = NEW(o->ctx, struct names);
    const char **word = NEWS(o->ctx, const char *, count);
    int32_t *value = NEWS(o->ctx, int32_t, count);
    bool is_plain = true;
    for (size_t i = 0; i < count; i++) {
        if (at[i] < INT32_MIN || at[i] > INT32_MAX)
            onnx_fail(o, n, "class %zu is %lld; labels are integers of 32 bits", i,
                      (long long)at[i]);
        value[i] = (int32_t)at[i];
        word[i] = format(o->ctx, "%d", (int)value[i]);
        is_plain &= value[i] == (int32_t)i;
    }
    *names = (struct names){(int)count, word, is_plain ? NULL : value};
    return names;
}

static const struct names *named_classes(struct onnx *o, const char *const *at, size_t count)
{
    struct names *names = NEW(o->ctx, struct names);
    *names = (struct names){(int)count, at, NULL};
    return names;
}

static void check_count(struct onnx *o, const onnx_node *n, size_t count)
{
    enum { CLASSES_MAX = 1 << 12 };
    if (count > CLASSES_MAX)
        onnx_fail(o, n, "it has %zu classes; at most %d are supported", count, CLASSES_MAX);
}

const struct names *onnx_classes(struct onnx *o, const onnx_node *n, const char *ints,
                                 const char *strings)
{
    size_t n_ints, n_strings;
    const int64_t *at = onnx_ints(o, n, ints, &n_ints);
    const char *const *words = onnx_strings(o, n, strings, &n_strings);
    if (n_ints && n_strings)
        onnx_fail(o, n, "it has both %s and %s", ints, strings);
    check_count(o, n, n_ints + n_strings);
    return n_strings ? named_classes(o, words, n_strings) : integer_classes(o, n, at, n_ints);
}

void onnx_give_label(struct onnx *o, const onnx_node *n, size_t i, struct tensor *t,
                     const struct names *classes)
{
    onnx_give(o, n, i, t)->classes = classes;
}

/* ---- labels by position ---------------------------------------------------------------------- */

void onnx_read_argmax(struct onnx *o, const onnx_node *n)
{
    const struct onnx_value *v = onnx_row(o, n, 0);
    const int64_t axis = onnx_int(o, n, "axis", 0), k = tensor_elements(v->tensor);
    if ((axis != 1 && axis != -1) || onnx_int(o, n, "select_last_index", 0))
        onnx_fail(o, n, "only the first largest number of a row (axis 1) is supported");
    check_count(o, n, (size_t)k);
    int64_t *position = NEWS(o->ctx, int64_t, k);
    for (int64_t i = 0; i < k; i++)
        position[i] = i;
    onnx_give_label(o, n, 0, onnx_argmax(o, n, v), integer_classes(o, n, position, (size_t)k));
    if (v->leaves)
        onnx_argmax_leaves(o, n, v);
}

/* Strings of the file, which are no tensor of the graph. */
static const onnx_tensor *string_constant(struct onnx *o, const onnx_node *n, size_t i)
{
    const struct onnx_value *v = i < n->n_input && *n->input[i] ? onnx_value(o, n->input[i]) : NULL;
    const onnx_tensor *t = v ? v->initializer : NULL;
    return t && t->data_type == ONNX_STRING ? t : NULL;
}

/* The classes that a constant lists, for a label that is a position in it. */
static const struct names *listed_classes(struct onnx *o, const onnx_node *n, int n_classes)
{
    const onnx_tensor *words = string_constant(o, n, 0);
    int64_t count = words ? (int64_t)words->n_string_data : 0;
    const double *numbers = words ? NULL : onnx_numbers_of(o, n, 0, &count);
    if (count != n_classes)
        onnx_fail(o, n, "its first input has %lld classes for a label of %d", (long long)count,
                  n_classes);
    if (words)
        return named_classes(o, onnx_copy_strings(o, words->string_data, words->n_string_data),
                             words->n_string_data);
    int64_t *at = NEWS(o->ctx, int64_t, count);
    for (int64_t i = 0; i < count; i++) {
        if (!(numbers[i] >= INT32_MIN && numbers[i] <= INT32_MAX) ||
            numbers[i] != (double)(int64_t)numbers[i])
            onnx_fail(o, n, "class %lld is %g, no integer of 32 bits", (long long)i, numbers[i]);
        at[i] = (int64_t)numbers[i];
    }
    return integer_classes(o, n, at, (size_t)count);
}

static bool is_position(const struct names *classes)
{
    char digits[16];
    for (int i = 0; i < classes->n; i++) {
        snprintf(digits, sizeof digits, "%d", i);
        if (classes->value || strcmp(classes->at[i], digits))
            return false;
    }
    return true;
}

void onnx_read_extractor(struct onnx *o, const onnx_node *n)
{
    const struct onnx_value *index = onnx_source(o, n, 1);
    if (!index->classes) {
        onnx_read_gather(o, n);
        return;
    }
    if (!is_position(index->classes))
        onnx_fail(o, n, "its second input '%s' is a label, no position", index->name);
    onnx_give_label(o, n, 0, index->tensor, listed_classes(o, n, index->classes->n));
}

/* ---- labels by name -------------------------------------------------------------------------- */

/* One side of a LabelEncoder, as words. */
static const char *const *encoder_words(struct onnx *o, const onnx_node *n, const char *side,
                                        size_t *count, bool *are_ints)
{
    const char *const *words = onnx_strings(o, n, format(o->ctx, "%s_strings", side), count);
    *are_ints = false;
    if (*count)
        return words;
    const int64_t *ints = onnx_ints(o, n, format(o->ctx, "%s_int64s", side), count);
    const char **to = NEWS(o->ctx, const char *, *count);
    *are_ints = true;
    for (size_t i = 0; i < *count; i++)
        to[i] = format(o->ctx, "%lld", (long long)ints[i]);
    return to;
}

void onnx_read_label_encoder(struct onnx *o, const onnx_node *n)
{
    const struct onnx_value *v = onnx_source(o, n, 0);
    size_t n_keys, n_values;
    bool key_ints, value_ints;
    if (!v->classes)
        onnx_fail(o, n, "it changes features; a LabelEncoder is supported where it names classes");
    const char *const *key = encoder_words(o, n, "keys", &n_keys, &key_ints);
    const char *const *value = encoder_words(o, n, "values", &n_values, &value_ints);
    if (n_keys == 0 || n_keys != n_values)
        onnx_fail(o, n,
                  "it has %zu keys and %zu values; as many integers or strings of each are "
                  "supported",
                  n_keys, n_values);
    const char **word = NEWS(o->ctx, const char *, v->classes->n);
    int64_t *number = NEWS(o->ctx, int64_t, v->classes->n);
    for (int i = 0; i < v->classes->n; i++) {
        size_t k = 0;
        while (k < n_keys && strcmp(key[k], v->classes->at[i]))
            k++;
        if (k == n_keys)
            onnx_fail(o, n, "it has no key for the class '%s'", v->classes->at[i]);
        word[i] = value[k];
        number[i] = value_ints ? strtoll(value[k], NULL, 10) : 0;
    }
    const size_t count = (size_t)v->classes->n;
    onnx_give_label(o, n, 0, v->tensor,
                    value_ints ? integer_classes(o, n, number, count)
                               : named_classes(o, word, count));
}
