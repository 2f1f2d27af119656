/* SPDX-License-Identifier: Apache-2.0 */
/* onnx_patterns.c - links that converters spell out in small operators.
 *
 * A logistic function is written as 1 / (1 + exp(-x)), a softmax as exp(x) over its sum, and sums
 * are kept from being 0 by casts to bool and back. Each step is only a note of what it stands for;
 * where the last one completes the pattern, there is a link. A value that only has such a note
 * cannot be used for anything else.
 */
#include <string.h>

#include "read/onnx.h"

static void note(struct onnx *o, const onnx_node *n, enum onnx_tag tag, const struct onnx_value *of)
{
    struct onnx_value *v = onnx_value(o, n->output[0]);
    v->tensor = of->tensor;
    v->tag = tag;
    v->of = of;
}

/* Is input i the constant x, in every place? */
static bool is_constant(struct onnx *o, const onnx_node *n, size_t i, double x)
{
    int64_t count;
    const double *at = onnx_numbers_of(o, n, i, &count);
    for (int64_t k = 0; k < count; k++)
        if (at[k] != x)
            return false;
    return at && count > 0;
}

static struct onnx_value *tagged(struct onnx *o, const onnx_node *n, enum onnx_tag tag)
{
    struct onnx_value *v = onnx_source(o, n, 0);
    if (v->tag != tag)
        onnx_fail(o, n,
                  "it is supported only as a step towards a softmax, a logistic function or the "
                  "division of a row by its sum");
    return v;
}

void onnx_read_exp(struct onnx *o, const onnx_node *n)
{
    note(o, n, TAG_EXP, onnx_row(o, n, 0));
}

/* 1 / (1 + exp(-x)). */
void onnx_read_reciprocal(struct onnx *o, const onnx_node *n)
{
    const struct onnx_value *x = tagged(o, n, TAG_ONE_PLUS_EXP)->of;
    struct tensor *scores = onnx_round(o, n, onnx_negative(o, n, x), true);
    onnx_give_linked(o, n, 0, scores, LINK_LOGISTIC);
}

void onnx_read_reduce_sum(struct onnx *o, const onnx_node *n)
{
    const struct onnx_value *v = onnx_source(o, n, 0);
    size_t n_axes;
    const int64_t *axes = onnx_ints(o, n, "axes", &n_axes);
    const bool is_last = n_axes ? n_axes == 1 && (axes[0] == 1 || axes[0] == -1)
                                : n->n_input > 1 &&
                                      (is_constant(o, n, 1, 1) || is_constant(o, n, 1, -1));
    if (v->tag != TAG_EXP)
        onnx_row(o, n, 0);
    if (!is_last)
        onnx_fail(o, n, "only sums over a row (axis 1) are supported");
    note(o, n, TAG_SUM, v);
}

void onnx_read_not(struct onnx *o, const onnx_node *n)
{
    note(o, n, TAG_IS_ZERO, tagged(o, n, TAG_IS_NONZERO)->of);
}

void onnx_read_equal(struct onnx *o, const onnx_node *n)
{
    if (onnx_equal_leaves(o, n, onnx_source(o, n, 0)))
        return;
    const struct onnx_value *v = tagged(o, n, TAG_IS_NONZERO);
    if (!is_constant(o, n, 1, 0))
        onnx_fail(o, n, "only a comparison of a sum with 0 is supported");
    note(o, n, TAG_IS_ZERO, v->of);
}

bool onnx_cast_note(struct onnx *o, const onnx_node *n, const struct onnx_value *v)
{
    if (v->tag == TAG_SUM)
        note(o, n, TAG_IS_NONZERO, v->of);
    else if (v->tag == TAG_IS_ZERO)
        note(o, n, TAG_IS_ZERO, v->of);
    else
        return false;
    return true;
}

/* The row divided by its sum. */
static void give_normalized(struct onnx *o, const onnx_node *n, const struct onnx_value *row)
{
    if (row->tag == TAG_EXP)
        onnx_give_linked(o, n, 0, onnx_round(o, n, row->of->tensor, true), LINK_SOFTMAX);
    else if (row->scores && row->link == LINK_LOGISTIC)
        onnx_give_linked(o, n, 0, row->scores, LINK_OVR);
    else
        onnx_give_linked(o, n, 0, onnx_round(o, n, row->tensor, true), LINK_NORMALIZE);
}

bool onnx_arithmetic_note(struct onnx *o, const onnx_node *n)
{
    if (onnx_weigh_leaves(o, n) || onnx_sum_leaves(o, n))
        return true;
    if (n->n_input != 2)
        return false;
    const struct onnx_value *a = onnx_source(o, n, 0), *b = onnx_source(o, n, 1);
    const bool is_add = !strcmp(n->op_type, "Add");
    if (is_add && a->tag == TAG_EXP && is_constant(o, n, 1, 1))
        note(o, n, TAG_ONE_PLUS_EXP, a->of);
    else if (is_add && a->tag == TAG_NONE && b->tag == TAG_IS_ZERO && b->of == a)
        note(o, n, TAG_GUARDED_ROW, a);
    else if (is_add && a->tag == TAG_SUM && b->tag == TAG_IS_ZERO && a->of == b->of)
        note(o, n, TAG_SUM, a->of);
    else if (!strcmp(n->op_type, "Mul") && a->tag == TAG_IS_ZERO && b->tensor->data)
        note(o, n, TAG_IS_ZERO, a->of); /* how much is added to a sum of 0 */
    else if (!strcmp(n->op_type, "Div") && b->tag == TAG_SUM &&
             (b->of == a || (a->tag == TAG_GUARDED_ROW && b->of == a->of)))
        give_normalized(o, n, b->of);
    else
        return false;
    return true;
}
