/* SPDX-License-Identifier: Apache-2.0 */
/* linear.c - linear models: the label, or the scores. */
#include "op/op.h"

static const char *const gives_words[] = {"label", "scores", NULL};
static const char *const decide_words[] = {"argmax", "cut", NULL};
static const char *const sums_words[] = {"float64", "float32", NULL};

static const struct attr_field attrs[] = {
    {"gives", ATTR_ENUM, offsetof(struct attr_linear, gives), gives_words},
    {"decide", ATTR_ENUM, offsetof(struct attr_linear, decide), decide_words},
    {"sums", ATTR_ENUM, offsetof(struct attr_linear, sums), sums_words},
    {NULL, ATTR_INT, 0, NULL},
};

enum { LINEAR_X, LINEAR_COEF, LINEAR_INTERCEPT };

static void infer(struct ctx *ctx, struct node *n, struct tensor *want)
{
    const struct attr_linear *a = n->attr;
    check_row(ctx, n, LINEAR_X);
    check_numbers(ctx, n, LINEAR_COEF, "coefficients", -1);
    const struct tensor *coef = n->in[LINEAR_COEF];
    const int32_t n_features = n->in[LINEAR_X]->dim[1];
    if (coef->rank != 2 || coef->dim[1] != n_features)
        fail(ctx, n, "its coefficients are %s, not [scores,%d] as its %d features want it",
             tensor_text(ctx, coef), (int)n_features, (int)n_features);
    check_numbers(ctx, n, LINEAR_INTERCEPT, "intercepts", coef->dim[0]);
    check_finite(ctx, n, LINEAR_COEF, "coefficients");
    check_finite(ctx, n, LINEAR_INTERCEPT, "intercepts");
    if (a->gives == GIVES_LABEL) {
        want->type = DTYPE_INT32;
        want->rank = 1;
        want->dim[0] = a->decide == DECIDE_CUT ? coef->dim[0] : 1;
    } else {
        want->type = n->out[0]->type == DTYPE_FLOAT32 ? DTYPE_FLOAT32 : DTYPE_FLOAT64;
        want->rank = 2;
        want->dim[0] = 1;
        want->dim[1] = coef->dim[0];
    }
}

static int64_t macs(const struct node *n)
{
    return tensor_elements(n->in[LINEAR_COEF]);
}

static void lower(struct lower *l, struct node *n)
{
    fail(l->ctx, n, "no kernel runs it");
}

const struct op op_linear = {
    .name = "linear",
    .summary = "a linear model: its label, or its scores",
    .attr_bytes = sizeof(struct attr_linear),
    .attrs = attrs,
    .min_in = 3,
    .max_in = 3,
    .n_out = 1,
    .types = TYPE_BIT(FLOAT32) | TYPE_BIT(FLOAT64),
    .infer = infer,
    .macs = macs,
    .lower = lower,
};
