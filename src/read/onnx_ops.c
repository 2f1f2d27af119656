/* SPDX-License-Identifier: Apache-2.0 */
/* onnx_ops.c - the standard operators that are known, and what their readers share.
 *
 * They are those that converters write for classical models, on one row: a value is [1,K] whatever
 * shape the file gives it, so reshaping leaves it as it is, and sums over the batch cannot be said.
 */
#include <string.h>

#include "read/onnx.h"
#include "compile.h"

/* ---- inputs ---------------------------------------------------------------------------------- */

bool onnx_wants(struct onnx *o, const onnx_node *n, size_t output)
{
    return output < n->n_output && *n->output[output] &&
           onnx_value(o, n->output[output])->is_wanted;
}

struct onnx_value *onnx_source(struct onnx *o, const onnx_node *n, size_t i)
{
    if (i >= n->n_input || !*n->input[i])
        onnx_fail(o, n, "input %zu is missing", i);
    onnx_in(o, n, i);
    return onnx_value(o, n->input[i]);
}

struct onnx_value *onnx_row(struct onnx *o, const onnx_node *n, size_t i)
{
    struct onnx_value *v = onnx_source(o, n, i);
    if (v->classes)
        onnx_fail(o, n, "its input '%s' is a label; numbers are needed here", v->name);
    if (v->tag != TAG_NONE)
        onnx_fail(o, n,
                  "its input '%s' is a step towards a softmax, a logistic function or votes of "
                  "trees, and supported only as such",
                  v->name);
    if (v->tensor->data)
        onnx_fail(o, n,
                  "its input '%s' is a constant; numbers that depend on the model's input "
                  "are needed here",
                  v->name);
    return v;
}

const double *onnx_numbers_of(struct onnx *o, const onnx_node *n, size_t i, int64_t *count)
{
    const struct tensor *t = onnx_source(o, n, i)->tensor;
    *count = 0;
    if (!t->data)
        return NULL;
    *count = tensor_elements(t);
    double *to = NEWS(o->ctx, double, *count);
    for (int64_t k = 0; k < *count; k++)
        switch (t->type) {
        case DTYPE_FLOAT32:
            to[k] = (double)((const float *)t->data)[k];
            break;
        case DTYPE_FLOAT64:
            to[k] = ((const double *)t->data)[k];
            break;
        case DTYPE_INT32:
            to[k] = (double)((const int32_t *)t->data)[k];
            break;
        case DTYPE_INT64:
            to[k] = (double)((const int64_t *)t->data)[k];
            break;
        default:
            onnx_fail(o, n, "its input '%s' is %s; float, double, int32 or int64 is needed",
                      t->name, tensor_text(o->ctx, t));
        }
    return to;
}

/* ---- results --------------------------------------------------------------------------------- */

struct tensor *onnx_float64s(struct onnx *o, const char *name, int rank, const int32_t *dim,
                             const double *data)
{
    struct tensor *t = graph_add_tensor(o->ctx, o->graph, name, DTYPE_FLOAT64, rank, dim);
    t->data = data;
    return t;
}

struct tensor *onnx_add(struct onnx *o, const onnx_node *n, enum op_kind kind, const void *attr,
                        enum dtype type, int count, struct tensor *const *in)
{
    const char *name = onnx_node_name(o, n);
    struct node *to = graph_add_node(o->ctx, o->graph, name, op_table[kind], count, 1);
    memcpy(to->in, in, (size_t)count * sizeof *in);
    if (attr)
        memcpy(to->attr, attr, to->op->attr_bytes);
    to->out[0] = graph_add_tensor(o->ctx, o->graph, name, type, 0, NULL);
    to->out[0]->maker = to;
    infer_outputs(o->ctx, to);
    return to->out[0];
}

struct onnx_value *onnx_give(struct onnx *o, const onnx_node *n, size_t i, struct tensor *t)
{
    struct onnx_value *v = onnx_value(o, n->output[i]);
    v->tensor = t;
    v->is_double = t->type == DTYPE_FLOAT64;
    return v;
}

void onnx_same(struct onnx *o, const onnx_node *n, size_t i, const struct onnx_value *from)
{
    struct onnx_value *v = onnx_value(o, n->output[i]);
    v->tensor = from->tensor;
    v->is_double = from->is_double;
    v->classes = from->classes;
    v->scores = from->scores;
    v->link = from->link;
    v->linear = from->linear;
    v->tag = from->tag;
    v->of = from->of;
    v->leaves = from->leaves;
    v->stack = from->stack;
    v->trees = from->trees;
    v->trees_x = from->trees_x;
}

struct tensor *onnx_round(struct onnx *o, const onnx_node *n, struct tensor *t, bool is_double)
{
    const enum dtype type = is_double ? DTYPE_FLOAT64 : DTYPE_FLOAT32;
    return t->type == type ? t : onnx_add(o, n, OP_cast, NULL, type, 1, &t);
}

void onnx_give_linked(struct onnx *o, const onnx_node *n, size_t i, struct tensor *scores,
                      enum link_kind kind)
{
    const struct attr_link attr = {(int32_t)kind};
    struct tensor *linked = onnx_add(o, n, OP_link, &attr, DTYPE_FLOAT64, 1, &scores);
    struct onnx_value *v = onnx_give(o, n, i, onnx_round(o, n, linked, false));
    v->scores = scores;
    v->link = kind;
}

/* ---- operators that leave numbers as they are, or nearly ------------------------------------- */

static void read_same(struct onnx *o, const onnx_node *n)
{
    onnx_same(o, n, 0, onnx_source(o, n, 0));
}

/* Shapes other than [1,K] are not kept: refuses those that a later operator would care for. */
static void read_shape(struct onnx *o, const onnx_node *n)
{
    struct onnx_value *v = onnx_source(o, n, 0);
    int64_t count = 0;
    const bool has_shape = n->n_input > 1 && !strcmp(n->op_type, "Reshape");
    const double *shape = has_shape ? onnx_numbers_of(o, n, 1, &count) : NULL;
    if (count == 3 && shape && shape[0] == 1 && v->leaves && v->tag == TAG_NONE) {
        onnx_same(o, n, 0, v);
        onnx_value(o, n->output[0])->tag = TAG_STACKED;
        return;
    }
    if (count > 2 || (has_shape && !shape))
        onnx_fail(o, n,
                  "it gives '%s' a shape of more than two dimensions; models of one row, "
                  "[1,K], are supported",
                  v->name);
    if (count == 2 && shape[1] > 0 && v->tag == TAG_NONE &&
        (int64_t)shape[1] != tensor_elements(v->tensor))
        onnx_fail(o, n, "it gives '%s' rows of %g instead of %lld numbers", v->name, shape[1],
                  (long long)tensor_elements(v->tensor));
    onnx_same(o, n, 0, v);
}

static void read_cast(struct onnx *o, const onnx_node *n)
{
    struct onnx_value *v = onnx_source(o, n, 0);
    const int64_t to = onnx_int(o, n, "to", 0);
    if (onnx_cast_note(o, n, v))
        return;
    const bool is_number = to == ONNX_FLOAT || to == ONNX_DOUBLE;
    if (v->classes ? !is_number && to != ONNX_INT64 && to != ONNX_INT32 && to != ONNX_STRING
                   : !is_number)
        onnx_fail(o, n,
                  "it makes %s of %s; casts of numbers to float or double and of labels to "
                  "numbers or strings are supported",
                  onnx_type_name(o->ctx, to >= 0 && to < INT32_MAX ? (int)to : -1),
                  v->classes ? "a label" : "numbers");
    if (v->classes || v->tensor->data || v->is_double == (to == ONNX_DOUBLE)) {
        onnx_same(o, n, 0, v);
        return;
    }
    if (to == ONNX_DOUBLE) { /* float32 numbers, on which float64 arithmetic follows */
        onnx_same(o, n, 0, v);
        onnx_value(o, n->output[0])->is_double = true;
        return;
    }
    onnx_give(o, n, 0, onnx_round(o, n, v->tensor, false));
}

/* The scores by their class; in C the position says which. */
static void read_zip_map(struct onnx *o, const onnx_node *n)
{
    onnx_same(o, n, 0, onnx_row(o, n, 0));
}

static void read_link(struct onnx *o, const onnx_node *n)
{
    const bool is_softmax = !strcmp(n->op_type, "Softmax");
    const struct onnx_value *v = onnx_row(o, n, 0);
    onnx_give_linked(o, n, 0, onnx_round(o, n, v->tensor, true),
                     is_softmax ? LINK_SOFTMAX : LINK_LOGISTIC);
}

/* ---- the table ------------------------------------------------------------------------------- */

static const struct row {
    const char *domain, *name;
    void (*read)(struct onnx *, const onnx_node *);
} rows[] = {
    {"ai.onnx.ml", "ArrayFeatureExtractor", onnx_read_extractor},
    {"ai.onnx.ml", "Binarizer", onnx_read_binarizer},
    {"ai.onnx.ml", "FeatureVectorizer", onnx_read_concat},
    {"ai.onnx.ml", "Imputer", onnx_read_imputer},
    {"ai.onnx.ml", "LabelEncoder", onnx_read_label_encoder},
    {"ai.onnx.ml", "LinearClassifier", onnx_read_linear_classifier},
    {"ai.onnx.ml", "LinearRegressor", onnx_read_linear_regressor},
    {"ai.onnx.ml", "Normalizer", onnx_read_normalizer},
    {"ai.onnx.ml", "Scaler", onnx_read_scaler},
    {"ai.onnx.ml", "TreeEnsemble", onnx_read_tree_ensemble},
    {"ai.onnx.ml", "TreeEnsembleClassifier", onnx_read_tree_classifier},
    {"ai.onnx.ml", "TreeEnsembleRegressor", onnx_read_tree_regressor},
    {"ai.onnx.ml", "ZipMap", read_zip_map},
    {"", "Add", onnx_read_arithmetic},
    {"", "ArgMax", onnx_read_argmax},
    {"", "Cast", read_cast},
    {"", "Concat", onnx_read_concat},
    {"", "ConstantOfShape", onnx_read_constant_of_shape},
    {"", "Div", onnx_read_arithmetic},
    {"", "Equal", onnx_read_equal},
    {"", "Exp", onnx_read_exp},
    {"", "Flatten", read_shape},
    {"", "Gather", onnx_read_gather},
    {"", "Gemm", onnx_read_gemm},
    {"", "Identity", read_same},
    {"", "MatMul", onnx_read_matmul},
    {"", "Mul", onnx_read_arithmetic},
    {"", "Neg", onnx_read_arithmetic},
    {"", "Not", onnx_read_not},
    {"", "Reciprocal", onnx_read_reciprocal},
    {"", "ReduceMean", onnx_read_reduce_mean},
    {"", "ReduceSum", onnx_read_reduce_sum},
    {"", "Reshape", read_shape},
    {"", "Shape", onnx_read_shape_of},
    {"", "Sigmoid", read_link},
    {"", "Slice", onnx_read_slice},
    {"", "Softmax", read_link},
    {"", "Squeeze", read_shape},
    {"", "Sub", onnx_read_arithmetic},
    {"", "Sum", onnx_read_arithmetic},
    {"", "Where", onnx_read_where},
};

_Noreturn static void refuse(struct onnx *o, const onnx_node *n)
{
    struct text *known = text_new(o->ctx);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        text_add(known, "%s%s", i ? ", " : "", rows[i].name);
    if (n->op_type && !strncmp(n->op_type, "SVM", 3))
        onnx_fail(o, n,
                  "support vector machines with kernels are not supported; linear ones are "
                  "(LinearSVC, LinearSVR)");
    onnx_fail(o, n,
              "this operator is not supported; those that are: %s. Converting the estimator "
              "itself by the Python package needs no ONNX",
              known->at);
}

void onnx_read_standard(struct onnx *o, const onnx_node *n)
{
    const char *domain = n->domain && strcmp(n->domain, "ai.onnx") ? n->domain : "";
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (n->op_type && !strcmp(rows[i].name, n->op_type) && !strcmp(rows[i].domain, domain)) {
            rows[i].read(o, n);
            return;
        }
    refuse(o, n);
}
