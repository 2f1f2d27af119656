/* SPDX-License-Identifier: Apache-2.0 */
/* features.c - what stands between the features and an estimator: scaling, imputing, normalising
 * and choosing columns, in the arithmetic of the library that did it in training. */
#include <float.h>

#include "op/op.h"

/* ---- scale_features -------------------------------------------------------------------------- */

static const char *const op_words[] = {"add", "sub", "mul", "div", NULL};

static const struct attr_field scale_attrs[] = {
    {"first_op", ATTR_ENUM, offsetof(struct attr_scale_features, first_op), op_words},
    {"second_op", ATTR_ENUM, offsetof(struct attr_scale_features, second_op), op_words},
    {NULL, ATTR_INT, 0, NULL},
};

/* Finite, so that what is finite stays so or overflows; and nothing is divided by 0. */
static void check_scale_numbers(struct ctx *ctx, const struct node *n, int input, const char *what)
{
    const struct attr_scale_features *a = n->attr;
    const double *at = n->in[input]->data;
    check_finite(ctx, n, input, what);
    if ((input == 1 ? a->first_op : a->second_op) != SCALE_DIV)
        return;
    for (int64_t i = 0; i < tensor_elements(n->in[input]); i++)
        if (at[i] == 0)
            fail(ctx, n, "column %lld is divided by 0: give 1 where a column is constant",
                 (long long)i);
}

static void infer_scale(struct ctx *ctx, struct node *n, struct tensor *want)
{
    static const char *const what[] = {"x", "first numbers", "second numbers"};
    const struct tensor *x = n->in[0], *out = n->out[0];
    check_row(ctx, n, 0);
    for (int i = 1; i < n->n_in; i++)
        if (n->in[i])
            check_numbers(ctx, n, i, what[i], x->dim[1]);
    for (int i = 1; i < n->n_in; i++)
        if (n->in[i])
            check_scale_numbers(ctx, n, i, what[i]);
    want_like(want, x);
    if (x->type == DTYPE_FLOAT32 && out->type == DTYPE_FLOAT64)
        want->type = DTYPE_FLOAT64;
}

/* A call of (params, x, out, n) on the whole row. */
static void lower_row(struct lower *l, const struct kernel *kernel, const void *params,
                      struct tensor *x)
{
    struct tensor *out = l->step->node->out[0];
    struct call *c = lower_call(l, kernel, params);
    call_bind(c, x, 0);
    call_bind(c, out, 0);
    c->count = (int32_t)tensor_elements(out);
}

/* x, or where it must be float64 and is not, its copy in the output. */
static struct tensor *widened(struct lower *l)
{
    struct node *n = l->step->node;
    if (n->in[0]->type == n->out[0]->type)
        return n->in[0];
    lower_row(l, &kernel_cast_f32_f64, NULL, n->in[0]);
    return n->out[0];
}

static bool fits_float(const struct tensor *t)
{
    const double *at = t ? t->data : NULL;
    for (int64_t i = 0; t && i < tensor_elements(t); i++)
        if ((double)(float)at[i] != at[i])
            return false;
    return true;
}

/* The numbers of a constant input as float32; NULL where it is omitted. */
static const float *floats(struct lower *l, int input, const char *label)
{
    const struct node *n = l->step->node;
    const struct tensor *t = input < n->n_in ? n->in[input] : NULL;
    if (!t)
        return NULL;
    float *at = NEWS(l->ctx, float, tensor_elements(t));
    for (int64_t i = 0; i < tensor_elements(t); i++)
        at[i] = (float)((const double *)t->data)[i];
    return lower_constant(l, label, DTYPE_FLOAT32, tensor_elements(t), at);
}

static void lower_scale(struct lower *l, struct node *n)
{
    const struct attr_scale_features *a = n->attr;
    const int8_t first_op = (int8_t)a->first_op, second_op = (int8_t)a->second_op;
    const struct tensor *first = n->n_in > 1 ? n->in[1] : NULL;
    const struct tensor *second = n->n_in > 2 ? n->in[2] : NULL;
    if (n->out[0]->type == DTYPE_FLOAT64) {
        struct tensor *x = widened(l);
        struct mica_scale_features_f64 p = {first_op, second_op, lower_weights(l, 1, "first"),
                                            lower_weights(l, 2, "second")};
        lower_row(l, &kernel_scale_features_f64, &p, x);
    } else if (fits_float(first) && fits_float(second)) {
        struct mica_scale_features_f32 p = {first_op, second_op, floats(l, 1, "first"),
                                            floats(l, 2, "second")};
        lower_row(l, &kernel_scale_features_f32, &p, n->in[0]);
    } else {
        struct mica_scale_features_rounded p = {first_op, second_op, lower_weights(l, 1, "first"),
                                                lower_weights(l, 2, "second")};
        lower_row(l, &kernel_scale_features_rounded, &p, n->in[0]);
    }
}

const struct op op_scale_features = {
    .name = "scale_features",
    .summary = "features scaled: (x op first) op second, each column with its own numbers",
    .attr_bytes = sizeof(struct attr_scale_features),
    .attrs = scale_attrs,
    .min_in = 1,
    .max_in = 3,
    .n_out = 1,
    .types = TYPE_BIT(FLOAT32) | TYPE_BIT(FLOAT64),
    .infer = infer_scale,
    .lower = lower_scale,
};

/* ---- impute_features ------------------------------------------------------------------------- */

static const char *const missing_words[] = {"nan", "value", NULL};

static const struct attr_field impute_attrs[] = {
    {"missing", ATTR_ENUM, offsetof(struct attr_impute_features, missing), missing_words},
    {NULL, ATTR_INT, 0, NULL},
};

static void infer_impute(struct ctx *ctx, struct node *n, struct tensor *want)
{
    const struct attr_impute_features *a = n->attr;
    check_row(ctx, n, 0);
    check_numbers(ctx, n, 1, "fill values", n->in[0]->dim[1]);
    if (a->missing == MISSING_VALUE)
        check_numbers(ctx, n, 2, "missing value", 1);
    want_like(want, n->in[0]);
}

static void lower_impute(struct lower *l, struct node *n)
{
    const struct attr_impute_features *a = n->attr;
    const bool is_nan = a->missing == MISSING_NAN;
    const double missing = is_nan ? 0 : ((const double *)n->in[2]->data)[0];
    if (n->out[0]->type == DTYPE_FLOAT32) {
        struct mica_impute_features_f32 p = {is_nan, (float)missing, floats(l, 1, "fill")};
        lower_row(l, &kernel_impute_features_f32, &p, n->in[0]);
    } else {
        struct mica_impute_features_f64 p = {is_nan, missing, lower_weights(l, 1, "fill")};
        lower_row(l, &kernel_impute_features_f64, &p, n->in[0]);
    }
}

const struct op op_impute_features = {
    .name = "impute_features",
    .summary = "missing features, NaN or one number, replaced by a number for each column",
    .attr_bytes = sizeof(struct attr_impute_features),
    .attrs = impute_attrs,
    .min_in = 2,
    .max_in = 3,
    .n_out = 1,
    .types = TYPE_BIT(FLOAT32) | TYPE_BIT(FLOAT64),
    .infer = infer_impute,
    .lower = lower_impute,
};

/* ---- normalize_features ---------------------------------------------------------------------- */

static const char *const norm_words[] = {"l1", "l2", "max", NULL};

static const struct attr_field normalize_attrs[] = {
    {"norm", ATTR_ENUM, offsetof(struct attr_normalize_features, norm), norm_words},
    {NULL, ATTR_INT, 0, NULL},
};

static void infer_normalize(struct ctx *ctx, struct node *n, struct tensor *want)
{
    check_row(ctx, n, 0);
    want_like(want, n->in[0]);
    if (n->in[0]->type == DTYPE_FLOAT32 && n->out[0]->type == DTYPE_FLOAT64)
        want->type = DTYPE_FLOAT64;
}

/* scikit-learn takes norms below ten times the type's epsilon for 0, and leaves such rows. */
static void lower_normalize(struct lower *l, struct node *n)
{
    const struct attr_normalize_features *a = n->attr;
    if (n->out[0]->type == DTYPE_FLOAT32) {
        struct mica_normalize_features_f32 p = {(int8_t)a->norm, 10 * FLT_EPSILON};
        lower_row(l, &kernel_normalize_features_f32, &p, n->in[0]);
    } else {
        struct tensor *x = widened(l);
        struct mica_normalize_features_f64 p = {(int8_t)a->norm, 10 * DBL_EPSILON};
        lower_row(l, &kernel_normalize_features_f64, &p, x);
    }
}

const struct op op_normalize_features = {
    .name = "normalize_features",
    .summary = "a row divided by its norm",
    .attr_bytes = sizeof(struct attr_normalize_features),
    .attrs = normalize_attrs,
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .types = TYPE_BIT(FLOAT32) | TYPE_BIT(FLOAT64),
    .infer = infer_normalize,
    .lower = lower_normalize,
};

/* ---- select_features ------------------------------------------------------------------------- */

static void infer_select(struct ctx *ctx, struct node *n, struct tensor *want)
{
    const struct tensor *x = n->in[0], *index = n->in[1];
    check_row(ctx, n, 0);
    check_type(ctx, n, 1, DTYPE_INT32);
    check_constant(ctx, n, 1, "columns");
    const int32_t *at = index->data;
    for (int64_t i = 0; i < tensor_elements(index); i++)
        if (at[i] < 0 || at[i] >= x->dim[1])
            fail(ctx, n, "takes column %d of '%s' (%s)", (int)at[i], x->name, tensor_text(ctx, x));
    want_like(want, x);
    want->dim[1] = (int32_t)tensor_elements(index);
}

static void lower_select(struct lower *l, struct node *n)
{
    const int64_t size = tensor_elements(n->in[1]);
    uint16_t *column = NEWS(l->ctx, uint16_t, size);
    for (int64_t i = 0; i < size; i++) {
        const int32_t at = ((const int32_t *)n->in[1]->data)[i];
        if (at > UINT16_MAX)
            fail(l->ctx, n, "takes column %d; generated code takes up to %d", (int)at, UINT16_MAX);
        column[i] = (uint16_t)at;
    }
    column = (uint16_t *)(uintptr_t)lower_constant(l, "columns", DTYPE_UINT16, size, column);
    static const struct kernel *const kernels[] = {
        [1] = &kernel_select_features_s8,
        [2] = &kernel_select_features_s16,
        [4] = &kernel_select_features_f32,
        [8] = &kernel_select_features_f64,
    };
    /* The kernels differ in the type of the elements alone. */
    struct mica_select_features_f32 p = {.column = column};
    lower_row(l, kernels[dtype_bits(n->in[0]->type) / 8], &p, n->in[0]);
}

const struct op op_select_features = {
    .name = "select_features",
    .summary = "some columns, in a given order",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .types = TYPE_BIT(FLOAT32) | TYPE_BIT(FLOAT64) | TYPE_BIT(INT8) | TYPE_BIT(UINT8) |
             TYPE_BIT(INT16) | TYPE_BIT(UINT16) | TYPE_BIT(INT32),
    .infer = infer_select,
    .lower = lower_select,
};
