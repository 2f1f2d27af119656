/* SPDX-License-Identifier: Apache-2.0 */
/* onnx_linear.c - linear models of ONNX, and products with constant matrices, which are the
 * same. */
#include <string.h>

#include "read/onnx.h"
#include "tree/tree.h"

enum transform { NONE, SOFTMAX, LOGISTIC, SOFTMAX_ZERO, PROBIT };
static const char *const transforms[] = {"NONE",         "SOFTMAX", "LOGISTIC",
                                         "SOFTMAX_ZERO", "PROBIT",  NULL};

/* A linear model of K scores on a row of F numbers. */
struct model {
    int32_t n_scores, n_features;
    const double *coef, *intercept; /* [K,F], [K] */
    enum decide decide;
};

static struct tensor *add_linear(struct onnx *o, const onnx_node *n, const struct onnx_value *x,
                                 const struct model *m, enum gives gives, enum dtype type)
{
    const int32_t dim[] = {m->n_scores, m->n_features};
    const struct attr_linear attr = {(int32_t)gives, (int32_t)m->decide,
                                     x->is_double ? SUMS_FLOAT64 : SUMS_FLOAT32};
    struct tensor *in[] = {x->tensor, onnx_float64s(o, "coef", 2, dim, m->coef),
                           onnx_float64s(o, "intercept", 1, dim, m->intercept)};
    return onnx_add(o, n, OP_linear, &attr, type, 3, in);
}

static const double *widen(struct onnx *o, const float *from, size_t n)
{
    double *to = NEWS(o->ctx, double, n);
    for (size_t i = 0; i < n; i++)
        to[i] = (double)from[i];
    return to;
}

/* Coefficients and intercepts of the attributes, for `scores` scores; without intercepts they are
 * 0. */
static struct model read_model_attributes(struct onnx *o, const onnx_node *n,
                                          const struct onnx_value *x, size_t scores)
{
    size_t n_coef, n_intercept;
    const float *coef = onnx_floats(o, n, "coefficients", &n_coef);
    const float *intercept = onnx_floats(o, n, "intercepts", &n_intercept);
    const size_t features = (size_t)tensor_elements(x->tensor);
    if (scores == 0 || n_coef / scores != features || n_coef % scores)
        onnx_fail(o, n, "it has %zu coefficients for %zu scores of %zu features", n_coef, scores,
                  features);
    if (n_intercept != 0 && n_intercept != scores)
        onnx_fail(o, n, "it has %zu intercepts for %zu scores", n_intercept, scores);
    return (struct model){(int32_t)scores, (int32_t)features, widen(o, coef, n_coef),
                          intercept ? widen(o, intercept, scores) : NEWS(o->ctx, double, scores),
                          DECIDE_ARGMAX};
}

/* Two scores of which one is the other's negative are one: its sign decides. */
static bool fold_opposites(struct model *m)
{
    const size_t f = (size_t)m->n_features;
    if (m->n_scores != 2 || m->intercept[0] != -m->intercept[1])
        return false;
    for (size_t i = 0; i < f; i++)
        if (m->coef[i] != -m->coef[f + i])
            return false;
    m->coef += f;
    m->intercept++;
    m->n_scores = 1;
    m->decide = DECIDE_CUT;
    return true;
}

static void give_scores(struct onnx *o, const onnx_node *n, const struct onnx_value *x,
                        struct model *m, int transform)
{
    struct model one = *m;
    if (transform == NONE && m->n_scores > 1) {
        onnx_give(o, n, 1, add_linear(o, n, x, m, GIVES_SCORES, DTYPE_FLOAT32));
    } else if (m->n_scores == 1 || (transform == LOGISTIC && fold_opposites(&one))) {
        struct tensor *scores = add_linear(o, n, x, &one, GIVES_SCORES, DTYPE_FLOAT64);
        onnx_give_linked(o, n, 1, scores,
                         transform == LOGISTIC ? LINK_LOGISTIC_PAIR : LINK_COMPLEMENT);
    } else {
        struct tensor *scores = add_linear(o, n, x, m, GIVES_SCORES, DTYPE_FLOAT64);
        onnx_give_linked(o, n, 1, scores,
                         transform == SOFTMAX        ? LINK_SOFTMAX
                         : transform == SOFTMAX_ZERO ? LINK_SOFTMAX_ZERO
                                                     : LINK_LOGISTIC);
    }
}

void onnx_read_linear_classifier(struct onnx *o, const onnx_node *n)
{
    const struct onnx_value *x = onnx_row(o, n, 0);
    const struct names *classes = onnx_classes(o, n, "classlabels_ints", "classlabels_strings");
    const int transform = onnx_choice(o, n, "post_transform", transforms);
    size_t scores;
    onnx_floats(o, n, "intercepts", &scores);
    const bool is_softmax = transform == SOFTMAX || transform == SOFTMAX_ZERO;
    if (transform == PROBIT || (is_softmax && scores == 1))
        onnx_fail(o, n, "post_transform %s of %zu scores is not supported", transforms[transform],
                  scores);
    if (classes->n < 2 || (scores != (size_t)classes->n && (scores != 1 || classes->n != 2)))
        onnx_fail(o, n, "it has %zu intercepts for %d classes", scores, classes->n);
    struct model m = read_model_attributes(o, n, x, scores);
    if (scores == 1)
        m.decide = DECIDE_CUT;
    if (onnx_wants(o, n, 0)) {
        struct model one = m;
        fold_opposites(&one);
        onnx_give_label(o, n, 0, add_linear(o, n, x, &one, GIVES_LABEL, DTYPE_INT32), classes);
    }
    if (onnx_wants(o, n, 1))
        give_scores(o, n, x, &m, transform);
}

void onnx_read_linear_regressor(struct onnx *o, const onnx_node *n)
{
    const struct onnx_value *x = onnx_row(o, n, 0);
    const int transform = onnx_choice(o, n, "post_transform", transforms);
    const int64_t targets = onnx_int(o, n, "targets", 1);
    if (transform != NONE)
        onnx_fail(o, n, "post_transform %s is not supported for regressors; NONE is",
                  transforms[transform]);
    if (targets < 1 || targets > INT32_MAX)
        onnx_fail(o, n, "it has %lld targets", (long long)targets);
    const struct model m = read_model_attributes(o, n, x, (size_t)targets);
    onnx_give(o, n, 0, add_linear(o, n, x, &m, GIVES_SCORES, DTYPE_FLOAT32));
}

/* ---- products with constants ----------------------------------------------------------------- */

/* The product of x with a constant [F,K], or [K,F] where `is_turned`. */
static void read_product(struct onnx *o, const onnx_node *n, bool is_turned, double factor,
                         const double *intercept)
{
    const struct onnx_value *x = onnx_row(o, n, 0);
    int64_t count;
    const double *b = onnx_numbers_of(o, n, 1, &count);
    const struct tensor *t = onnx_source(o, n, 1)->tensor;
    const int64_t features = tensor_elements(x->tensor);
    if (!b || t->rank != 2 || t->dim[is_turned] != features)
        onnx_fail(o, n, "its second input '%s' is %s; a constant of %lld rows is needed", t->name,
                  tensor_text(o->ctx, t), (long long)features);
    const int32_t scores = t->dim[!is_turned];
    double *coef = NEWS(o->ctx, double, count);
    for (int64_t k = 0; k < scores; k++)
        for (int64_t f = 0; f < features; f++)
            coef[k * features + f] = factor * b[is_turned ? k * features + f : f * scores + k];
    const struct model m = {scores, (int32_t)features, coef,
                            intercept ? intercept : NEWS(o->ctx, double, scores), DECIDE_ARGMAX};
    struct tensor *y = add_linear(o, n, x, &m, GIVES_SCORES,
                                  x->is_double ? DTYPE_FLOAT64 : DTYPE_FLOAT32);
    onnx_give(o, n, 0, y)->linear = y->maker;
}

void onnx_read_matmul(struct onnx *o, const onnx_node *n)
{
    read_product(o, n, false, 1, NULL);
}

void onnx_read_gemm(struct onnx *o, const onnx_node *n)
{
    const bool is_turned = onnx_int(o, n, "transB", 0) != 0;
    const float alpha = onnx_float(o, n, "alpha", 1), beta = onnx_float(o, n, "beta", 1);
    if (onnx_int(o, n, "transA", 0))
        onnx_fail(o, n, "transA is not supported: a model computes one row");
    const struct tensor *b = onnx_source(o, n, 1)->tensor;
    const int32_t scores = b->rank == 2 ? b->dim[!is_turned] : 1;
    double *intercept = NEWS(o->ctx, double, scores);
    if (n->n_input > 2 && *n->input[2]) {
        int64_t count;
        const double *c = onnx_numbers_of(o, n, 2, &count);
        if (!c || (count != 1 && count != scores))
            onnx_fail(o, n, "its third input '%s' must be a constant of %d numbers", n->input[2],
                      (int)scores);
        for (int32_t k = 0; k < scores; k++)
            intercept[k] = (double)beta * c[count == 1 ? 0 : k];
    }
    read_product(o, n, is_turned, (double)alpha, intercept);
}

/* The linear model of a value that one made. */
static struct model model_of(const struct node *linear)
{
    const struct tensor *coef = linear->in[1];
    return (struct model){coef->dim[0], coef->dim[1], coef->data, linear->in[2]->data,
                          DECIDE_ARGMAX};
}

static void give_linear(struct onnx *o, const onnx_node *n, struct tensor *x, bool is_double,
                        const struct model *m)
{
    const struct onnx_value v = {.tensor = x, .is_double = is_double};
    struct tensor *y = add_linear(o, n, &v, m, GIVES_SCORES,
                                  is_double ? DTYPE_FLOAT64 : DTYPE_FLOAT32);
    onnx_give(o, n, 0, y)->linear = y->maker;
}

bool onnx_add_intercept(struct onnx *o, const onnx_node *n, const struct onnx_value *v,
                        const double *add, int64_t count)
{
    if (!v->linear)
        return false;
    struct model m = model_of(v->linear);
    double *intercept = NEWS(o->ctx, double, m.n_scores);
    for (int32_t k = 0; k < m.n_scores; k++) {
        if (m.intercept[k] != 0)
            return false;
        intercept[k] = add[count == 1 ? 0 : k];
    }
    m.intercept = intercept;
    give_linear(o, n, v->linear->in[0], v->is_double, &m);
    return true;
}

struct tensor *onnx_negate_linear(struct onnx *o, const onnx_node *n, const struct onnx_value *v)
{
    struct model m = model_of(v->linear);
    const size_t n_coef = (size_t)m.n_scores * (size_t)m.n_features;
    double *coef = NEWS(o->ctx, double, n_coef), *intercept = NEWS(o->ctx, double, m.n_scores);
    for (size_t i = 0; i < n_coef; i++)
        coef[i] = -m.coef[i];
    for (int32_t k = 0; k < m.n_scores; k++)
        intercept[k] = -m.intercept[k];
    m.coef = coef;
    m.intercept = intercept;
    const struct onnx_value x = {.tensor = v->linear->in[0], .is_double = v->is_double};
    return add_linear(o, n, &x, &m, GIVES_SCORES, v->tensor->type);
}

bool onnx_join_linear(struct onnx *o, const onnx_node *n)
{
    const struct onnx_value *first = onnx_row(o, n, 0);
    int64_t scores = 0;
    for (size_t i = 0; i < n->n_input; i++) {
        const struct onnx_value *v = onnx_row(o, n, i);
        if (!v->linear || v->linear->in[0] != first->linear->in[0] ||
            v->is_double != first->is_double)
            return false;
        scores += v->linear->in[1]->dim[0];
    }
    struct model m = model_of(first->linear);
    if (scores * m.n_features > TENSOR_BYTES_MAX / 8)
        return false;
    double *coef = NEWS(o->ctx, double, scores *m.n_features);
    double *intercept = NEWS(o->ctx, double, scores);
    m.n_scores = 0;
    for (size_t i = 0; i < n->n_input; i++) {
        const struct model part = model_of(onnx_row(o, n, i)->linear);
        const size_t rows = (size_t)part.n_scores, columns = (size_t)part.n_features;
        memcpy(coef + (size_t)m.n_scores * columns, part.coef, rows * columns * sizeof *coef);
        memcpy(intercept + m.n_scores, part.intercept, rows * sizeof *intercept);
        m.n_scores += part.n_scores;
    }
    m.coef = coef;
    m.intercept = intercept;
    give_linear(o, n, first->linear->in[0], first->is_double, &m);
    return true;
}

struct tensor *onnx_argmax(struct onnx *o, const onnx_node *n, const struct onnx_value *v)
{
    if (v->linear) { /* the label alone then needs no scores in memory */
        struct model m = model_of(v->linear);
        const struct onnx_value x = {.tensor = v->linear->in[0], .is_double = v->is_double};
        fold_opposites(&m);
        return add_linear(o, n, &x, &m, GIVES_LABEL, DTYPE_INT32);
    }
    if (v->trees) {
        struct tensor *label;
        trees_add(o->ctx, o->graph, v->trees, v->trees_x, &label, NULL);
        return label;
    }
    /* The unit matrix takes every number as it is. */
    const int32_t k = (int32_t)tensor_elements(v->tensor);
    enum { SCORES_MAX = 1 << 10 };
    if (k > SCORES_MAX)
        onnx_fail(o, n, "the largest of %d numbers is asked for; at most %d are supported", (int)k,
                  SCORES_MAX);
    double *unit = NEWS(o->ctx, double, (size_t)k *(size_t)k);
    for (size_t i = 0; i < (size_t)k; i++)
        unit[i * (size_t)k + i] = 1;
    const struct model m = {k, k, unit, NEWS(o->ctx, double, k), DECIDE_ARGMAX};
    return add_linear(o, n, v, &m, GIVES_LABEL, DTYPE_INT32);
}
