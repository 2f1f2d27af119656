/* SPDX-License-Identifier: Apache-2.0 */
/* link.c - what estimators do with scores: link functions, and the weighted median of boosting. */
#include "op/op.h"

/* ---- link ------------------------------------------------------------------------------------ */

static const char *const kind_words[] = {
    "softmax", "logistic",   "logistic_pair", "ovr",         "normalize",    "exp",          "path",
    "affine",  "complement", "clip",          "softmax_f32", "logistic_f32", "softmax_zero", NULL};

static const struct attr_field link_attrs[] = {
    {"kind", ATTR_ENUM, offsetof(struct attr_link, kind), kind_words},
    {NULL, ATTR_INT, 0, NULL},
};

static void infer_link(struct ctx *ctx, struct node *n, struct tensor *want)
{
    static const int numbers[LINK_COUNT] = {[LINK_PATH] = 1, [LINK_AFFINE] = 2, [LINK_CLIP] = 2};
    const struct attr_link *a = n->attr;
    check_row(ctx, n, 0);
    want_like(want, n->in[0]);
    if (numbers[a->kind])
        check_numbers(ctx, n, 1, "numbers", numbers[a->kind]);
    if (a->kind == LINK_PATH && !(((const double *)n->in[1]->data)[0] > 0))
        fail(ctx, n, "its mean depth is %g; it must be above 0",
             ((const double *)n->in[1]->data)[0]);
    if (a->kind == LINK_CLIP &&
        !(((const double *)n->in[1]->data)[0] <= ((const double *)n->in[1]->data)[1]))
        fail(ctx, n, "its lower bound is not below its upper bound");
    if (a->kind == LINK_LOGISTIC_PAIR || a->kind == LINK_COMPLEMENT) {
        if (n->in[0]->dim[1] != 1)
            fail(ctx, n, "'%s' makes two numbers of one; its input is %s", kind_words[a->kind],
                 tensor_text(ctx, n->in[0]));
        want->dim[1] = 2;
    }
}

/* Another call on what the ones before have left in the output. */
static void then(struct lower *l, const struct kernel *kernel, const void *params, int32_t from,
                 int32_t count)
{
    struct tensor *out = l->step->node->out[0];
    struct call *c = lower_call(l, kernel, params);
    call_bind(c, out, from);
    call_bind(c, out, 0);
    c->count = count;
}

static void first(struct lower *l, const struct kernel *kernel, const void *params, int32_t to)
{
    struct node *n = l->step->node;
    struct call *c = lower_call(l, kernel, params);
    call_bind(c, n->in[0], 0);
    call_bind(c, n->out[0], to);
    c->count = n->in[0]->dim[1];
}

static void lower_link(struct lower *l, struct node *n)
{
    const struct attr_link *a = n->attr;
    const double *numbers = n->n_in > 1 && n->in[1] ? n->in[1]->data : NULL;
    switch ((enum link_kind)a->kind) {
    case LINK_SOFTMAX:
        first(l, &kernel_link_softmax, NULL, 0);
        break;
    case LINK_LOGISTIC:
        first(l, &kernel_link_logistic, NULL, 0);
        break;
    case LINK_SOFTMAX_F32:
        first(l, &kernel_link_softmax_f32, NULL, 0);
        break;
    case LINK_SOFTMAX_ZERO:
        first(l, &kernel_link_softmax_zero, NULL, 0);
        break;
    case LINK_LOGISTIC_F32:
        first(l, &kernel_link_logistic_f32, NULL, 0);
        break;
    case LINK_LOGISTIC_PAIR:
        first(l, &kernel_link_logistic, NULL, 1);
        then(l, &kernel_link_complement, NULL, 1, 0);
        break;
    case LINK_OVR:
        first(l, &kernel_link_logistic, NULL, 0);
        then(l, &kernel_link_normalize, NULL, 0, n->in[0]->dim[1]);
        break;
    case LINK_NORMALIZE:
        first(l, &kernel_link_normalize, NULL, 0);
        break;
    case LINK_EXP:
        first(l, &kernel_link_exp, NULL, 0);
        break;
    case LINK_PATH: {
        struct mica_link_path p = {.mean = numbers[0]};
        first(l, &kernel_link_path, &p, 0);
        break;
    }
    case LINK_AFFINE: {
        struct mica_link_affine p = {.factor = numbers[0], .offset = numbers[1]};
        first(l, &kernel_link_affine, &p, 0);
        break;
    }
    case LINK_CLIP: {
        struct mica_link_clip p = {.low = numbers[0], .high = numbers[1]};
        first(l, &kernel_link_clip, &p, 0);
        break;
    }
    case LINK_COMPLEMENT:
    case LINK_COUNT:
        first(l, &kernel_link_complement, NULL, 0);
        break;
    }
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
    const int32_t size = n->in[0]->dim[1];
    if (size > UINT16_MAX)
        fail(l->ctx, n, "a median of %d numbers; at most %d are supported", (int)size, UINT16_MAX);
    struct mica_weighted_median p = {.n = size, .weight = lower_weights(l, 1, "weights")};
    struct call *c = lower_call(l, &kernel_weighted_median, &p);
    call_bind(c, n->in[0], 0);
    call_bind(c, n->out[0], 0);
    call_bind(c, lower_temp(l, DTYPE_UINT16, size), 0);
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
