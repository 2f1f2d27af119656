/* SPDX-License-Identifier: Apache-2.0 */
/* link.c - what estimators do with scores: link functions, and the weighted median of boosting. */
#include "op/op.h"

/* ---- link ------------------------------------------------------------------------------------ */

static const char *const kind_words[] = {"softmax",    "logistic", "logistic_pair", "ovr",
                                         "normalize",  "exp",      "path",          "affine",
                                         "complement", NULL};

static const struct attr_field link_attrs[] = {
    {"kind", ATTR_ENUM, offsetof(struct attr_link, kind), kind_words},
    {NULL, ATTR_INT, 0, NULL},
};

static void infer_link(struct ctx *ctx, struct node *n, struct tensor *want)
{
    static const int numbers[LINK_COUNT] = {[LINK_PATH] = 1, [LINK_AFFINE] = 2};
    const struct attr_link *a = n->attr;
    check_row(ctx, n, 0);
    want_like(want, n->in[0]);
    if (numbers[a->kind])
        check_numbers(ctx, n, 1, "numbers", numbers[a->kind]);
    if (a->kind == LINK_PATH && !(((const double *)n->in[1]->data)[0] > 0))
        fail(ctx, n, "its mean depth is %g; it must be above 0",
             ((const double *)n->in[1]->data)[0]);
    if (a->kind == LINK_LOGISTIC_PAIR || a->kind == LINK_COMPLEMENT) {
        if (n->in[0]->dim[1] != 1)
            fail(ctx, n, "'%s' makes two numbers of one; its input is %s", kind_words[a->kind],
                 tensor_text(ctx, n->in[0]));
        want->dim[1] = 2;
    }
}

static void lower_link(struct lower *l, struct node *n)
{
    fail(l->ctx, n, "no kernel runs it");
}

const struct op op_link = {
    .name = "link",
    .summary = "scores to probabilities and the like: softmax, logistic, exp, ...",
    .attr_bytes = sizeof(struct attr_link),
    .attrs = link_attrs,
    .min_in = 1,
    .max_in = 2,
    .n_out = 1,
    .types = TYPE_BIT(FLOAT64),
    .infer = infer_link,
    .lower = lower_link,
};

/* ---- weighted_median ------------------------------------------------------------------------- */

static void infer_median(struct ctx *ctx, struct node *n, struct tensor *want)
{
    check_row(ctx, n, 0);
    check_numbers(ctx, n, 1, "weights", n->in[0]->dim[1]);
    want_like(want, n->in[0]);
    want->dim[1] = 1;
}

static void lower_median(struct lower *l, struct node *n)
{
    fail(l->ctx, n, "no kernel runs it");
}

const struct op op_weighted_median = {
    .name = "weighted_median",
    .summary = "the median of numbers that have weights",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .types = TYPE_BIT(FLOAT64),
    .infer = infer_median,
    .lower = lower_median,
};
