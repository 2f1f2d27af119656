/* SPDX-License-Identifier: Apache-2.0 */
/* onnx_features.c - operators on features: scaling, imputing, normalising, columns. */
#include <math.h>
#include <string.h>

#include "read/onnx.h"
#include "tree/tree.h"
#include "compile.h"

/* Repeats one number for every column, or takes one for each. */
static const double *spread(struct onnx *o, const onnx_node *n, const char *what,
                            const double *from, int64_t count, int64_t columns)
{
    if (count != 1 && count != columns)
        onnx_fail(o, n, "%s has %lld numbers for %lld columns", what, (long long)count,
                  (long long)columns);
    double *to = NEWS(o->ctx, double, columns);
    for (int64_t i = 0; i < columns; i++)
        to[i] = from[count == 1 ? 0 : i];
    return to;
}

static const double *spread_attribute(struct onnx *o, const onnx_node *n, const char *name,
                                      int32_t columns)
{
    size_t count;
    const float *from = onnx_floats(o, n, name, &count);
    if (count == 0)
        return NULL;
    double *wide = NEWS(o->ctx, double, count);
    for (size_t i = 0; i < count; i++)
        wide[i] = (double)from[i];
    return spread(o, n, format(o->ctx, "the attribute '%s'", name), wide, (int64_t)count, columns);
}

static struct tensor *column_numbers(struct onnx *o, const char *name, int32_t columns,
                                     const double *data)
{
    return data ? onnx_float64s(o, name, 1, &columns, data) : NULL;
}

static enum dtype type_of(const struct onnx_value *x)
{
    return x->is_double ? DTYPE_FLOAT64 : DTYPE_FLOAT32;
}

/* ---- scaling --------------------------------------------------------------------------------- */

void onnx_read_scaler(struct onnx *o, const onnx_node *n)
{
    const struct onnx_value *x = onnx_row(o, n, 0);
    const int32_t columns = (int32_t)tensor_elements(x->tensor);
    const struct attr_scale_features attr = {SCALE_SUB, SCALE_MUL};
    struct tensor *in[] = {
        x->tensor,
        column_numbers(o, "offset", columns, spread_attribute(o, n, "offset", columns)),
        column_numbers(o, "scale", columns, spread_attribute(o, n, "scale", columns)),
    };
    struct tensor *y = onnx_add(o, n, OP_scale_features, &attr, type_of(x), 3, in);
    onnx_give(o, n, 0, onnx_round(o, n, y, false)); /* the operator gives float in any case */
}

/* y = x op c, column by column. Two such steps in a row become one node. */
static void scale(struct onnx *o, const onnx_node *n, const struct onnx_value *x, enum scale_op op,
                  const double *numbers)
{
    struct node *before = x->tensor->maker;
    const int32_t columns = (int32_t)tensor_elements(x->tensor);
    struct tensor *c = column_numbers(o, "numbers", columns, numbers);
    if (before && node_is(before, OP_scale_features) && before->in[1] && !before->in[2] &&
        x->n_uses == 1 && x->tensor->type == type_of(x)) {
        struct attr_scale_features attr = *(const struct attr_scale_features *)before->attr;
        attr.second_op = (int32_t)op;
        struct tensor *in[] = {before->in[0], before->in[1], c};
        onnx_give(o, n, 0, onnx_add(o, n, OP_scale_features, &attr, type_of(x), 3, in));
        return;
    }
    const struct attr_scale_features attr = {(int32_t)op, SCALE_ADD};
    struct tensor *in[] = {x->tensor, c, NULL};
    onnx_give(o, n, 0, onnx_add(o, n, OP_scale_features, &attr, type_of(x), 3, in));
}

static bool all_are(const double *at, int64_t n, double what)
{
    for (int64_t i = 0; i < n; i++)
        if (at[i] != what)
            return false;
    return true;
}

static bool fits_row(struct onnx *o, const onnx_node *n, size_t constant, int64_t count,
                     int64_t columns)
{
    const struct tensor *t = onnx_source(o, n, constant)->tensor;
    return count == 1 || (count == columns && t->rank > 0 && t->dim[t->rank - 1] == columns);
}

struct tensor *onnx_negative(struct onnx *o, const onnx_node *n, const struct onnx_value *x)
{
    if (x->linear)
        return onnx_negate_linear(o, n, x);
    const int32_t columns = (int32_t)tensor_elements(x->tensor);
    double *minus = NEWS(o->ctx, double, columns);
    for (int32_t i = 0; i < columns; i++)
        minus[i] = -1;
    const struct attr_scale_features attr = {SCALE_MUL, SCALE_ADD};
    struct tensor *in[] = {x->tensor, column_numbers(o, "minus", columns, minus), NULL};
    return onnx_add(o, n, OP_scale_features, &attr, type_of(x), 3, in);
}

static void negate(struct onnx *o, const onnx_node *n, const struct onnx_value *x)
{
    struct tensor *y = onnx_negative(o, n, x);
    onnx_give(o, n, 0, y)->linear = x->linear ? y->maker : NULL;
}

/* Rows that all depend on the model's input, added, subtracted or multiplied number by number. */
static void read_rows(struct onnx *o, const onnx_node *n)
{
    static const enum op_kind kinds[] = {OP_add, OP_sub, OP_mul};
    static const char *const names[] = {"Add", "Sub", "Mul"};
    int k = 0;
    while (k < 3 && strcmp(names[k], n->op_type) && strcmp("Sum", n->op_type))
        k++;
    struct tensor *sum = onnx_row(o, n, 0)->tensor;
    for (size_t i = 1; i < n->n_input; i++) {
        const struct onnx_value *v = onnx_row(o, n, i);
        if (k == 3 || sum->type != DTYPE_FLOAT32 || v->tensor->type != DTYPE_FLOAT32 ||
            !tensor_same_shape(sum, v->tensor))
            onnx_fail(o, n,
                      "its inputs %s and %s all depend on the model's input; Add, Sub, Mul "
                      "and Sum of float rows of one length, and a row divided by its sum, "
                      "are supported",
                      tensor_text(o->ctx, sum), tensor_text(o->ctx, v->tensor));
        struct tensor *in[] = {sum, v->tensor};
        sum = onnx_add(o, n, kinds[k], NULL, DTYPE_FLOAT32, 2, in);
    }
    onnx_give(o, n, 0, sum);
}

/* The number of the operator in the order of enum scale_op. */
static enum scale_op operation(const onnx_node *n)
{
    static const char *const names[] = {"Add", "Sub", "Mul", "Div"};
    int op = 0;
    while (op < 3 && strcmp(names[op], n->op_type))
        op++;
    return (enum scale_op)op;
}

/* c - x. */
static void subtract_from(struct onnx *o, const onnx_node *n, const struct onnx_value *x,
                          const double *c)
{
    const struct onnx_value negative = {
        .tensor = onnx_negative(o, n, x), .is_double = x->is_double, .n_uses = 1};
    scale(o, n, &negative, SCALE_ADD, c);
}

/* Add, Sub, Mul, Div of a row and constants. */
static void read_with_constants(struct onnx *o, const onnx_node *n, size_t constant)
{
    const enum scale_op op = operation(n);
    int64_t count;
    const double *c = onnx_numbers_of(o, n, constant, &count);
    const struct onnx_value *x = onnx_row(o, n, 1 - constant);
    const int64_t columns = tensor_elements(x->tensor);
    if (constant == 0 && op == SCALE_DIV)
        onnx_fail(o, n, "a constant divided by numbers of the model is not supported");
    if (!fits_row(o, n, constant, count, columns))
        onnx_fail(o, n, "'%s' (%s) does not fit a row of %lld numbers", n->input[constant],
                  tensor_text(o->ctx, onnx_source(o, n, constant)->tensor), (long long)columns);
    const double *numbers = spread(o, n, n->op_type, c, count, columns);
    if (constant == 0 && op == SCALE_SUB)
        subtract_from(o, n, x, numbers);
    else if (all_are(c, count, op == SCALE_MUL || op == SCALE_DIV ? 1 : 0))
        onnx_same(o, n, 0, x);
    else if (op == SCALE_MUL && all_are(c, count, -1))
        negate(o, n, x);
    else if (op != SCALE_ADD || !onnx_add_intercept(o, n, x, c, count))
        scale(o, n, x, op, numbers);
}

void onnx_read_arithmetic(struct onnx *o, const onnx_node *n)
{
    if (onnx_arithmetic_note(o, n))
        return;
    if (!strcmp(n->op_type, "Neg")) {
        negate(o, n, onnx_row(o, n, 0));
        return;
    }
    size_t constants = 0, constant = 0;
    for (size_t i = 0; i < n->n_input; i++)
        if (onnx_source(o, n, i)->tensor->data) {
            constants++;
            constant = i;
        }
    if (n->n_input == 2 && constants == 1 && strcmp(n->op_type, "Sum"))
        read_with_constants(o, n, constant);
    else
        read_rows(o, n);
}

/* ---- imputing, normalising, thresholds ------------------------------------------------------- */

void onnx_read_imputer(struct onnx *o, const onnx_node *n)
{
    const struct onnx_value *x = onnx_row(o, n, 0);
    const int32_t columns = (int32_t)tensor_elements(x->tensor);
    const double *fill = spread_attribute(o, n, "imputed_value_floats", columns);
    if (!fill)
        onnx_fail(o, n, "it has no imputed_value_floats; only float features are imputed");
    const float missing = onnx_float(o, n, "replaced_value_float", 0);
    const struct attr_impute_features attr = {isnan(missing) ? MISSING_NAN : MISSING_VALUE};
    double *value = NEW(o->ctx, double);
    *value = (double)missing;
    struct tensor *in[] = {x->tensor, column_numbers(o, "fill", columns, fill),
                           isnan(missing) ? NULL : column_numbers(o, "missing", 1, value)};
    struct tensor *y = onnx_add(o, n, OP_impute_features, &attr, x->tensor->type, 3, in);
    onnx_give(o, n, 0, y)->is_double = x->is_double;
}

void onnx_read_normalizer(struct onnx *o, const onnx_node *n)
{
    static const char *const norms[] = {"MAX", "L1", "L2", NULL};
    const int norm = onnx_choice(o, n, "norm", norms);
    const struct onnx_value *x = onnx_row(o, n, 0);
    if (norm == 1 && x->scores && x->link == LINK_SOFTMAX) { /* adds up to 1 as it is */
        onnx_same(o, n, 0, x);
        return;
    }
    if (norm == 1 && x->scores && x->link == LINK_LOGISTIC) {
        onnx_give_linked(o, n, 0, x->scores, LINK_OVR);
        return;
    }
    if (norm == 0)
        onnx_fail(o, n,
                  "norm MAX is not supported: the standard divides by the largest number, "
                  "scikit-learn by the largest magnitude; convert the estimator itself by "
                  "the Python package");
    const struct attr_normalize_features attr = {norm == 1 ? NORM_L1 : NORM_L2};
    struct tensor *in[] = {x->tensor};
    struct tensor *y = onnx_add(o, n, OP_normalize_features, &attr, type_of(x), 1, in);
    onnx_give(o, n, 0, onnx_round(o, n, y, false));
}

/* 1 where a number is above the threshold, else 0: a tree of one test for each column. */
void onnx_read_binarizer(struct onnx *o, const onnx_node *n)
{
    const struct onnx_value *x = onnx_row(o, n, 0);
    const float threshold = onnx_float(o, n, "threshold", 0);
    const int32_t columns = (int32_t)tensor_elements(x->tensor);
    if (x->tensor->type != DTYPE_FLOAT32 || columns > 1 << 12)
        onnx_fail(o, n, "its input '%s' is %s; a row of up to 4096 float is supported",
                  x->tensor->name, tensor_text(o->ctx, x->tensor));
    if (isnan(threshold))
        onnx_fail(o, n, "its threshold is NaN");
    struct ctx *ctx = o->ctx;
    int32_t *root = NEWS(ctx, int32_t, columns), *output = NEWS(ctx, int32_t, columns);
    int32_t *feature = NEWS(ctx, int32_t, 3 * columns), *left = NEWS(ctx, int32_t, 3 * columns);
    int32_t *right = NEWS(ctx, int32_t, 3 * columns);
    float *thresholds = NEWS(ctx, float, 3 * columns);
    static const double values[] = {0, 1};
    for (int32_t i = 0, at = 0; i < columns; i++, at += 3) {
        root[i] = at;
        output[i] = feature[at] = i;
        feature[at + 1] = feature[at + 2] = -1;
        thresholds[at] = threshold;
        left[at] = at + 1;
        right[at] = at + 2;
        left[at + 2] = 1; /* values: 0 where x <= threshold, else 1 */
    }
    uint8_t *flags = NEWS(ctx, uint8_t, 3 * columns);
    for (int32_t i = 0; i < columns; i++)
        flags[3 * i] = TREE_MISSING_LEFT; /* NaN is above nothing */
    const struct trees t = {.n_features = columns,
                            .n_trees = columns,
                            .n_nodes = 3 * columns,
                            .n_values = 2,
                            .width = 1,
                            .n_scores = columns,
                            .n_labels = 1,
                            .sums = SUMS_FLOAT32,
                            .divisor = 1,
                            .root = root,
                            .output = output,
                            .feature = feature,
                            .left = left,
                            .right = right,
                            .threshold = thresholds,
                            .flags = flags,
                            .weight = NEWS(ctx, float, 3 * columns),
                            .value = values,
                            .base = NEWS(ctx, double, columns)};
    struct tensor *scores;
    trees_add(ctx, o->graph, &t, x->tensor, NULL, &scores);
    onnx_give(o, n, 0, onnx_round(o, n, scores, false));
}

/* ---- columns --------------------------------------------------------------------------------- */

struct tensor *onnx_columns(struct onnx *o, const onnx_node *n, struct tensor *row, int32_t count,
                            const int32_t *column)
{
    struct tensor *index = graph_add_tensor(o->ctx, o->graph, "columns", DTYPE_INT32, 1, &count);
    index->data = copy_bytes(o->ctx, column, (size_t)count * sizeof *column);
    struct tensor *in[] = {row, index};
    const char *name = n ? onnx_node_name(o, n) : row->name;
    struct node *to = graph_add_node(o->ctx, o->graph, name, op_table[OP_select_features], 2, 1);
    memcpy(to->in, in, sizeof in);
    to->out[0] = graph_add_tensor(o->ctx, o->graph, name, row->type, 0, NULL);
    to->out[0]->maker = to;
    infer_outputs(o->ctx, to);
    return to->out[0];
}

void onnx_read_gather(struct onnx *o, const onnx_node *n)
{
    const struct onnx_value *x = onnx_row(o, n, 0);
    const int64_t columns = tensor_elements(x->tensor), axis = onnx_int(o, n, "axis", 0);
    const bool is_extractor = n->domain && !strcmp(n->domain, "ai.onnx.ml");
    int64_t count;
    const double *index = onnx_numbers_of(o, n, 1, &count);
    if (!index || (!is_extractor && axis != 1 && axis != -1))
        onnx_fail(o, n, "only constant columns can be taken (axis 1)");
    int32_t *column = NEWS(o->ctx, int32_t, count);
    bool all = count == columns;
    for (int64_t i = 0; i < count; i++) {
        const double at = index[i] < 0 ? index[i] + (double)columns : index[i];
        if (!(at >= 0 && at < (double)columns))
            onnx_fail(o, n, "it takes column %g of %lld", index[i], (long long)columns);
        column[i] = (int32_t)at;
        all &= column[i] == i;
    }
    if (all)
        onnx_same(o, n, 0, x);
    else
        onnx_give(o, n, 0, onnx_columns(o, n, x->tensor, (int32_t)count, column))->is_double =
            x->is_double;
}

/* Columns that follow each other. */
void onnx_read_slice(struct onnx *o, const onnx_node *n)
{
    const struct onnx_value *x = onnx_row(o, n, 0);
    const int64_t columns = tensor_elements(x->tensor);
    double at[4] = {0, 0, 0, 1}; /* of inputs 1 to 4: start, end, axis, step */
    for (size_t i = 1; i <= 4; i++) {
        int64_t count = 1;
        const double *c = i < n->n_input && *n->input[i] ? onnx_numbers_of(o, n, i, &count) : NULL;
        if ((!c && i < 4) || count != 1)
            onnx_fail(o, n, "only slices of columns (axis 1) by constants are supported");
        at[i - 1] = c ? c[0] : 1;
    }
    const double from = at[0] < 0 ? at[0] + (double)columns : at[0];
    double to = at[1] < 0 ? at[1] + (double)columns : at[1];
    to = to > (double)columns ? (double)columns : to;
    if ((at[2] != 1 && at[2] != -1) || at[3] != 1 || !(from >= 0 && from < to))
        onnx_fail(o, n,
                  "it takes columns %g to %g of %lld with step %g along axis %g; only "
                  "columns that follow each other are supported",
                  at[0], at[1], (long long)columns, at[3], at[2]);
    const int32_t count = (int32_t)(to - from);
    int32_t *column = NEWS(o->ctx, int32_t, count);
    for (int32_t i = 0; i < count; i++)
        column[i] = (int32_t)from + i;
    onnx_give(o, n, 0, onnx_columns(o, n, x->tensor, count, column))->is_double = x->is_double;
}

void onnx_read_concat(struct onnx *o, const onnx_node *n)
{
    const int64_t axis = onnx_int(o, n, "axis", 1);
    const bool is_vectorizer = !strcmp(n->op_type, "FeatureVectorizer");
    if (n->n_input == 0 || n->n_input > NODE_INPUTS_MAX)
        onnx_fail(o, n, "it has %zu inputs; 1 to %d are supported", n->n_input, NODE_INPUTS_MAX);
    if (!is_vectorizer && onnx_stack_leaves(o, n))
        return;
    if (!is_vectorizer && axis != 1 && axis != -1)
        onnx_fail(o, n, "it joins along axis %lld; columns (axis 1) are supported",
                  (long long)axis);
    if (!is_vectorizer && onnx_join_linear(o, n))
        return;
    struct tensor **in = NEWS(o->ctx, struct tensor *, n->n_input);
    bool is_double = false;
    for (size_t i = 0; i < n->n_input; i++)
        is_double |= onnx_row(o, n, i)->tensor->type == DTYPE_FLOAT64;
    for (size_t i = 0; i < n->n_input; i++)
        in[i] = onnx_round(o, n, onnx_row(o, n, i)->tensor, is_double);
    const struct attr_concat attr = {.axis = 1};
    struct tensor *y = n->n_input == 1
                           ? in[0]
                           : onnx_add(o, n, OP_concat, &attr, DTYPE_FLOAT32, (int)n->n_input, in);
    if (is_vectorizer)
        y = onnx_round(o, n, y, false);
    onnx_give(o, n, 0, y)->is_double = !is_vectorizer && onnx_row(o, n, 0)->is_double;
}
