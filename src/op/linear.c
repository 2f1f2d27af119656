/* SPDX-License-Identifier: Apache-2.0 */
/* linear.c - linear models: the label, or the scores. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

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

enum { LINEAR_X, LINEAR_COEF, LINEAR_INTERCEPT, LINEAR_COEF_REST, LINEAR_INTERCEPT_REST };

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
    if (n->n_in > LINEAR_INTERCEPT + 1) {
        if (n->in[LINEAR_X]->type == DTYPE_FLOAT64)
            fail(ctx, n, "features of float64 have no rest of coefficients");
        check_numbers(ctx, n, LINEAR_COEF_REST, "rest of coefficients", tensor_elements(coef));
        check_numbers(ctx, n, LINEAR_INTERCEPT_REST, "rest of intercepts", coef->dim[0]);
        check_finite(ctx, n, LINEAR_COEF_REST, "rest of coefficients");
        check_finite(ctx, n, LINEAR_INTERCEPT_REST, "rest of intercepts");
    }
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

static int32_t classes(const struct node *n, int32_t k)
{
    const struct attr_linear *a = n->attr;
    const int32_t scores = n->in[LINEAR_COEF]->dim[0];
    if (a->decide == DECIDE_CUT)
        return k < scores ? 2 : 0;
    return k < 1 ? scores : 0;
}

static int64_t macs(const struct node *n)
{
    return tensor_elements(n->in[LINEAR_COEF]);
}

/* ---- lowering -------------------------------------------------------------------------------- */

/* A model as the kernels want it: rows of coefficients with the intercept behind them. */
struct model {
    struct tensor *x; /* the features; float32 where the node's are integers */
    int32_t n, scores;
    double *coef; /* [scores][n + 1] */
    double *rest; /* what they lack; NULL: nothing */
    const float *high;
    const uint32_t *low;
};

/* The largest coefficient, or intercept, without its sign. */
static double largest(const struct model *m, bool of_intercepts)
{
    double most = 0;
    for (int32_t k = 0; k < m->scores; k++)
        for (int32_t i = of_intercepts ? m->n : 0; i < m->n + of_intercepts; i++)
            most = fmax(most, fabs(m->coef[k * (m->n + 1) + i]));
    return most;
}

/* Rows of n coefficients and one intercept. */
static double *rows_of(struct lower *l, const struct model *m, const struct tensor *coef,
                       const struct tensor *intercept)
{
    double *rows = NEWS(l->ctx, double, (int64_t)m->scores *(m->n + 1));
    for (int32_t k = 0; k < m->scores; k++) {
        memcpy(&rows[k * (m->n + 1)], (const double *)coef->data + k * m->n,
               (size_t)m->n * sizeof *rows);
        rows[k * (m->n + 1) + m->n] = ((const double *)intercept->data)[k];
    }
    return rows;
}

static struct model model_of(struct lower *l, const struct node *n)
{
    struct model m = {
        .x = n->in[LINEAR_X], .n = n->in[LINEAR_X]->dim[1], .scores = n->in[LINEAR_COEF]->dim[0]};
    m.coef = rows_of(l, &m, n->in[LINEAR_COEF], n->in[LINEAR_INTERCEPT]);
    if (n->n_in > LINEAR_INTERCEPT + 1)
        m.rest = rows_of(l, &m, n->in[LINEAR_COEF_REST], n->in[LINEAR_INTERCEPT_REST]);
    return m;
}

/* The two parts of a coefficient c + rest (kernels/classic/linear_sum.h). Of float64's 53 bits the
 * float has 24, and the 29 others fit the 32 of `low`, but for what lies below the smallest floats;
 * the rest is cut. */
static void split(struct lower *l, double c, double rest, float *high, uint32_t *low)
{
    const double size = fabs(c);
    const double more = c < 0 ? -rest : rest; /* up to half a unit in the last place of c */
    float f = (float)size;
    if (isinf(f))
        fail(l->ctx, l->step->node, "coefficient %g is beyond float32: scale the features", c);
    if (f > 0.0f && (size - (double)f) + more < 0)
        f = nextafterf(f, 0.0f);
    int exponent;
    frexp((double)f, &exponent);
    exponent = f == 0.0f || exponent < -125 ? -125 : exponent;
    const double units = ldexp((size - (double)f) + more, 32 + 24 - exponent);
    *high = c < 0 ? -f : f;
    *low = units < 0 ? 0 : units >= 0x1p32 ? UINT32_MAX : (uint32_t)units;
}

static void split_model(struct lower *l, struct model *m)
{
    const int64_t n = (int64_t)m->scores * (m->n + 1);
    float *high = NEWS(l->ctx, float, n);
    uint32_t *low = NEWS(l->ctx, uint32_t, n);
    for (int64_t i = 0; i < n; i++)
        split(l, m->coef[i], m->rest ? m->rest[i] : 0, &high[i], &low[i]);
    m->high = lower_constant(l, "coefficients", DTYPE_FLOAT32, n, high);
    m->low = lower_constant(l, "low", DTYPE_UINT32, n, low);
}

static void bind(struct call *c, struct tensor *x, struct tensor *out, int32_t count)
{
    call_bind(c, x, 0);
    call_bind(c, out, 0);
    c->count = count;
}

/* Features in float64, made by a scaler that stays: sums of C's doubles. */
static void lower_f64(struct lower *l, struct node *n, struct model *m)
{
    const struct attr_linear *a = n->attr;
    struct tensor *x = m->x, *out = n->out[0];
    const int64_t elements = (int64_t)m->scores * (m->n + 1);
    const double *coef = lower_constant(l, "coefficients", DTYPE_FLOAT64, elements, m->coef);
    if (a->gives == GIVES_LABEL && a->decide != DECIDE_CUT) {
        struct mica_linear_label_f64 p = {.n = m->n, .scores = m->scores, .coef = coef};
        bind(lower_call(l, &kernel_linear_label_f64, &p), x, out, 0);
        return;
    }
    struct mica_linear_scores_f64 p = {.n = m->n, .coef = coef};
    struct tensor *scores = out->type == DTYPE_FLOAT64 ? out
                                                       : lower_temp(l, DTYPE_FLOAT64, m->scores);
    bind(lower_call(l, &kernel_linear_scores_f64, &p), x, scores, m->scores);
    if (a->gives == GIVES_LABEL)
        bind(lower_call(l, &kernel_linear_cut_f64, NULL), scores, out, m->scores);
    else if (scores != out)
        bind(lower_call(l, &kernel_cast_f64_f32, NULL), scores, out, m->scores);
}

/* What a float32 sum of products with the upper parts can be off by, as a factor of the largest
 * coefficient and the sum of |x|: cutting the coefficient, rounding the product, two chains of sums
 * and three more, and what rounding does to this bound itself. u: half a unit in the last place. */
static double float_error(const struct model *m)
{
    const double u = 0x1p-24;
    return ((m->n + 1) / 2 + 8) * u * (1 + 4 * (m->n + 8) * u) * 1.001;
}

/* Whole coefficients and sums of integers: the smallest code, and what others fall back to. */
static void lower_exact(struct lower *l, const struct node *n, const struct model *m)
{
    const struct attr_linear *a = n->attr;
    struct tensor *x = m->x, *out = n->out[0];
    if (a->gives == GIVES_SCORES && out->type == DTYPE_FLOAT32) {
        struct mica_linear_scores_exact_f32 p = {m->n, m->scores, m->high, m->low};
        bind(lower_call(l, &kernel_linear_scores_exact_f32, &p), x, out, 0);
    } else if (a->gives == GIVES_SCORES) {
        struct mica_linear_scores_exact_f64 p = {m->n, m->scores, m->high, m->low};
        bind(lower_call(l, &kernel_linear_scores_exact_f64, &p), x, out, 0);
    } else if (a->decide == DECIDE_CUT) {
        struct mica_linear_cut_exact p = {m->n, m->scores, m->high, m->low};
        bind(lower_call(l, &kernel_linear_cut_exact, &p), x, out, 0);
    } else {
        struct mica_linear_label_exact p = {m->n, m->scores, m->high, m->low};
        bind(lower_call(l, &kernel_linear_label_exact, &p), x, out, 0);
    }
}

/* Labels by float32 sums, on cores that have them in hardware. */
static void lower_float(struct lower *l, const struct node *n, const struct model *m)
{
    const struct attr_linear *a = n->attr;
    const float per_x = (float)(float_error(m) * largest(m, false));
    const float error = (float)(float_error(m) * largest(m, true) + (m->n + 8) * 0x1p-126);
    if (a->decide == DECIDE_CUT) {
        struct mica_linear_cut_f32 p = {m->n, m->scores, per_x, error, m->high, m->low};
        bind(lower_call(l, &kernel_linear_cut_f32, &p), m->x, n->out[0], 0);
    } else {
        struct mica_linear_label_f32 p = {m->n, m->scores, per_x, error, m->high, m->low};
        bind(lower_call(l, &kernel_linear_label_f32, &p), m->x, n->out[0], 0);
    }
}

/* The exponent e at which the largest number is at most `limit` * 2^e, and above half of it. */
static int unit_of(double most, int32_t limit)
{
    int e = 0;
    if (most == 0)
        return 0;
    frexp(most / limit, &e); /* most / limit <= 2^e */
    return nearbyint(ldexp(most, -e)) > limit ? e + 1 : e;
}

/* The coefficients as 16-bit numbers of the unit 2^unit, and intercepts of 32 bits. */
struct parts {
    int32_t exponent; /* at which the intercepts have the unit of sums (linear_dot_s16.h) */
    int32_t error;    /* of a score, but for half the sum of |x| */
    const int16_t *part;
    const int32_t *intercept;
};

static struct parts parts_of(struct lower *l, const struct model *m)
{
    int16_t *part = NEWS(l->ctx, int16_t, (int64_t)m->scores * m->n);
    int32_t *intercept = NEWS(l->ctx, int32_t, m->scores), most = 0;
    const int unit = unit_of(largest(m, false), INT16_MAX);
    const int wide = unit_of(largest(m, true), INT32_MAX);
    for (int32_t k = 0; k < m->scores; k++) {
        const double *row = &m->coef[k * (m->n + 1)];
        int32_t sum = 0;
        for (int32_t i = 0; i < m->n; i++) {
            part[k * m->n + i] = (int16_t)nearbyint(ldexp(row[i], -unit));
            sum += abs(part[k * m->n + i]);
        }
        most = sum > most ? sum : most;
        intercept[k] = (int32_t)nearbyint(ldexp(row[m->n], -wide));
    }
    /* A feature is cut by less than a unit, a coefficient is off by up to a half, and an intercept
     * by a half of up to 2^8 units, and what it is shifted by. */
    return (struct parts){
        .exponent = wide + 141 - unit,
        .error = most + (m->n + 1) / 2 + 130,
        .part = lower_constant(l, "parts", DTYPE_INT16, (int64_t)m->scores * m->n, part),
        .intercept = lower_constant(l, "intercepts", DTYPE_INT32, m->scores, intercept),
    };
}

/* Labels by sums of 16-bit products, on cores without hardware for floats. */
static void lower_parts(struct lower *l, const struct node *n, const struct model *m)
{
    const struct attr_linear *a = n->attr;
    const struct parts q = parts_of(l, m);
    struct call *c;
    if (a->decide == DECIDE_CUT) {
        struct mica_linear_cut_s16 p = {m->n,   m->scores,   q.error, q.exponent,
                                        q.part, q.intercept, m->high, m->low};
        c = lower_call(l, &kernel_linear_cut_s16, &p);
    } else { /* the difference of two scores */
        struct mica_linear_label_s16 p = {m->n,   m->scores,   2 * q.error, q.exponent,
                                          q.part, q.intercept, m->high,     m->low};
        c = lower_call(l, &kernel_linear_label_s16, &p);
    }
    bind(c, m->x, n->out[0], 0);
    call_bind(c, lower_temp(l, DTYPE_INT16, m->n), 0);
}

/* ---- features that are integers -------------------------------------------------------------- */

static struct tensor *convert(struct lower *l, const struct kernel *kernel, struct tensor *x,
                              enum dtype type)
{
    const int32_t n = (int32_t)tensor_elements(x);
    struct tensor *to = lower_temp(l, type, n);
    bind(lower_call(l, kernel, NULL), x, to, n);
    return to;
}

static struct tensor *as_int16(struct lower *l, struct tensor *x)
{
    return x->type == DTYPE_INT16  ? x
           : x->type == DTYPE_INT8 ? convert(l, &kernel_widen_s8_s16, x, DTYPE_INT16)
                                   : convert(l, &kernel_widen_u8_s16, x, DTYPE_INT16);
}

/* Cores without hardware for floats make them of integers, too. */
static struct tensor *as_float(struct lower *l, struct tensor *x)
{
    if (!core_has_float(l->ctx->options.target))
        return convert(l, &kernel_float_bits_s16, as_int16(l, x), DTYPE_FLOAT32);
    return convert(l,
                   x->type == DTYPE_INT16  ? &kernel_cast_s16_f32
                   : x->type == DTYPE_INT8 ? &kernel_cast_s8_f32
                                           : &kernel_cast_u8_f32,
                   x, DTYPE_FLOAT32);
}

/* Coefficients are rounded to 16 bits of a unit in which the largest intercept has 46. */
static struct parts int_parts_of(struct lower *l, const struct model *m)
{
    enum { SHIFT_MAX = 15 };
    int16_t *part = NEWS(l->ctx, int16_t, (int64_t)m->scores * m->n);
    int32_t *intercept = NEWS(l->ctx, int32_t, m->scores);
    const int of_coef = largest(m, false) == 0 ? -1000 : unit_of(largest(m, false), INT16_MAX);
    const int of_all = largest(m, true) == 0 ? -1000 : unit_of(largest(m, true), INT32_MAX);
    const int unit = of_coef > of_all - SHIFT_MAX ? of_coef : of_all - SHIFT_MAX;
    const int shift = of_all > unit ? of_all - unit : 0;
    for (int32_t k = 0; k < m->scores; k++) {
        const double *row = &m->coef[k * (m->n + 1)];
        for (int32_t i = 0; i < m->n; i++)
            part[k * m->n + i] = (int16_t)nearbyint(ldexp(row[i], -unit));
        intercept[k] = (int32_t)nearbyint(ldexp(row[m->n], -unit - shift));
    }
    return (struct parts){
        .exponent = shift,
        .error = (1 << shift) / 2 + 2, /* and what the coefficients' halves add: half of all |x| */
        .part = lower_constant(l, "parts", DTYPE_INT16, (int64_t)m->scores * m->n, part),
        .intercept = lower_constant(l, "intercepts", DTYPE_INT32, m->scores, intercept),
    };
}

/* Labels of integers by sums of 16-bit products: no number is rounded but the coefficients. */
static void lower_int(struct lower *l, const struct node *n, const struct model *m)
{
    const struct attr_linear *a = n->attr;
    const struct parts q = int_parts_of(l, m);
    struct tensor *x = as_int16(l, n->in[LINEAR_X]);
    struct call *c;
    if (a->decide == DECIDE_CUT) {
        struct mica_linear_cut_int p = {m->n,   m->scores,   q.error, q.exponent,
                                        q.part, q.intercept, m->high, m->low};
        c = lower_call(l, &kernel_linear_cut_int, &p);
    } else {
        struct mica_linear_label_int p = {m->n,   m->scores,   2 * q.error, q.exponent,
                                          q.part, q.intercept, m->high,     m->low};
        c = lower_call(l, &kernel_linear_label_int, &p);
    }
    bind(c, x, n->out[0], 0);
    call_bind(c, lower_temp(l, DTYPE_FLOAT32, m->n), 0);
}

/* ---- which of them --------------------------------------------------------------------------- */

enum { PARTS_MAX = 8192 }; /* features, of which the errors fit 32 bits */

static void lower(struct lower *l, struct node *n)
{
    const struct attr_linear *a = n->attr;
    const struct mica_options *options = &l->ctx->options;
    const bool has_float = core_has_float(options->target);
    struct model m = model_of(l, n);
    if (n->in[LINEAR_X]->type == DTYPE_FLOAT64) {
        lower_f64(l, n, &m);
        return;
    }
    split_model(l, &m);
    const bool is_label = a->gives == GIVES_LABEL, is_small = m.n <= PARTS_MAX;
    const bool wants_size = options->optimize == MICA_OPTIMIZE_SIZE;
    if (m.x->type != DTYPE_FLOAT32 && is_label && is_small && !wants_size) {
        lower_int(l, n, &m);
        return;
    }
    if (m.x->type != DTYPE_FLOAT32)
        m.x = as_float(l, m.x);
    if (wants_size) {
        lower_exact(l, n, &m);
    } else if (is_label && has_float) {
        lower_float(l, n, &m);
    } else if (is_label && is_small) {
        lower_parts(l, n, &m);
    } else if (!is_label && has_float && n->out[0]->type == DTYPE_FLOAT32) {
        struct mica_linear_scores_f32 p = {m.n, m.scores, m.high, m.low};
        bind(lower_call(l, &kernel_linear_scores_f32, &p), m.x, n->out[0], 0);
    } else {
        lower_exact(l, n, &m);
    }
}

const struct op op_linear = {
    .name = "linear",
    .summary = "a linear model: its label, or its scores",
    .attr_bytes = sizeof(struct attr_linear),
    .attrs = attrs,
    .min_in = 3,
    .max_in = 5,
    .n_out = 1,
    .types = TYPE_BIT(FLOAT32) | TYPE_BIT(INT8) | TYPE_BIT(UINT8) | TYPE_BIT(INT16) |
             TYPE_BIT(FLOAT64),
    .infer = infer,
    .classes = classes,
    .macs = macs,
    .lower = lower,
};
