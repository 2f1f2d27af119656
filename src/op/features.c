/* SPDX-License-Identifier: Apache-2.0 */
/* features.c - what stands between the features and an estimator: scaling, imputing, normalising
 * and choosing columns, in the arithmetic of the library that did it in training. */
#include "op/op.h"

/* ---- scale_features -------------------------------------------------------------------------- */

static const char *const op_words[] = {"add", "sub", "mul", "div", NULL};

static const struct attr_field scale_attrs[] = {
    {"first_op", ATTR_ENUM, offsetof(struct attr_scale_features, first_op), op_words},
    {"second_op", ATTR_ENUM, offsetof(struct attr_scale_features, second_op), op_words},
    {NULL, ATTR_INT, 0, NULL},
};

static void infer_scale(struct ctx *ctx, struct node *n, struct tensor *want)
{
    static const char *const what[] = {"x", "first numbers", "second numbers"};
    const struct tensor *x = n->in[0], *out = n->out[0];
    check_row(ctx, n, 0);
    for (int i = 1; i < n->n_in; i++)
        if (n->in[i])
            check_numbers(ctx, n, i, what[i], x->dim[1]);
    want_like(want, x);
    if (x->type == DTYPE_FLOAT32 && out->type == DTYPE_FLOAT64)
        want->type = DTYPE_FLOAT64;
}

static void lower_none(struct lower *l, struct node *n)
{
    fail(l->ctx, n, "no kernel runs it");
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
    .lower = lower_none,
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
    .lower = lower_none,
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
    .lower = lower_none,
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

const struct op op_select_features = {
    .name = "select_features",
    .summary = "some columns, in a given order",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .types = TYPE_BIT(FLOAT32) | TYPE_BIT(FLOAT64) | TYPE_BIT(INT8) | TYPE_BIT(UINT8) |
             TYPE_BIT(INT16) | TYPE_BIT(UINT16) | TYPE_BIT(INT32),
    .infer = infer_select,
    .lower = lower_none,
};
