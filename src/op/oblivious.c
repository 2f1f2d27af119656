/* SPDX-License-Identifier: Apache-2.0 */
/* oblivious.c - symmetric trees, as CatBoost grows them.
 *
 * For labels, sums of integers decide wherever they can. A leaf's integer is cut from its high word
 * (mica_oblivious_steps()), in steps of 2^-scale; how far it is off is known of every leaf, and
 * what the library's own roundings add is at most (n + 3) M u (1 + u)^(n + 3) for n trees, of which
 * M is the largest sum of magnitudes. A cut of the scores becomes one of the sums, by search. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "op/op.h"
#include "tree/tree.h"

static const char *const gives_words[] = {"label", "scores", NULL};
static const char *const decide_words[] = {"argmax", "cut", NULL};

static const struct attr_field attrs[] = {
    {"gives", ATTR_ENUM, offsetof(struct attr_oblivious, gives), gives_words},
    {"decide", ATTR_ENUM, offsetof(struct attr_oblivious, decide), decide_words},
    {NULL, ATTR_INT, 0, NULL},
};

enum { X, DEPTH, FEATURE, BORDER, VALUE, BASE, NUMBERS, MISSING, INPUTS };
enum { DEPTH_MAX = 16 };

/* The node's data. */
struct model {
    int32_t n_features, n_trees, n_tests, n_leaves, width;
    const int32_t *depth, *feature;
    const float *border;
    const double *value, *base;
    const uint8_t *missing; /* NULL: 0 */
    double factor, cut;
};

/* ---- checks ---------------------------------------------------------------------------------- */

static const void *array(struct ctx *ctx, const struct node *n, int input, enum dtype type,
                         int64_t elements, const char *what)
{
    const struct tensor *t = input < n->n_in ? n->in[input] : NULL;
    if (!t || !t->data || t->type != type)
        fail(ctx, n, "its %s must be constants of type %s", what, dtype_name(type));
    if (elements >= 0 && tensor_elements(t) != elements)
        fail(ctx, n, "its %s are %lld, not %lld as the others want it", what,
             (long long)tensor_elements(t), (long long)elements);
    return t->data;
}

static void check_tests(struct ctx *ctx, const struct node *n, const struct model *m)
{
    uint8_t *side = NEWS(ctx, uint8_t, m->n_features); /* 1 + what missing says of the column */
    for (int32_t i = 0; i < m->n_tests; i++) {
        const int32_t feature = m->feature[i];
        if (feature < 0 || feature >= m->n_features)
            fail(ctx, n, "test %d is of feature %d, and there are %d", (int)i, (int)feature,
                 (int)m->n_features);
        if (isnan(m->border[i]))
            fail(ctx, n, "the border of test %d is no number", (int)i);
        const int missing = m->missing ? m->missing[i] : 0;
        if (missing > 1 || (side[feature] && side[feature] != missing + 1))
            fail(ctx, n, "test %d takes NaN of feature %d otherwise than tests before it", (int)i,
                 (int)feature);
        side[feature] = (uint8_t)(missing + 1);
    }
}

static void check_numbers_finite(struct ctx *ctx, const struct node *n, const struct model *m)
{
    for (int64_t i = 0; i < (int64_t)m->n_leaves * m->width; i++)
        if (!isfinite(m->value[i]))
            fail(ctx, n, "value %lld is not finite", (long long)i);
    for (int32_t i = 0; i < m->width; i++)
        if (!isfinite(m->base[i]))
            fail(ctx, n, "base %d is not finite", (int)i);
    if (!(m->factor > 0) || !isfinite(m->factor) || isnan(m->cut))
        fail(ctx, n, "its factor, %g, must be positive, and its cut a number", m->factor);
}

static struct model model_of(struct ctx *ctx, const struct node *n)
{
    struct model m = {.n_features = (int32_t)tensor_elements(n->in[X])};
    if (n->in[VALUE]->rank != 2)
        fail(ctx, n, "its values must have the shape [leaves,scores]");
    m.n_leaves = n->in[VALUE]->dim[0];
    m.width = n->in[VALUE]->dim[1];
    m.n_trees = (int32_t)tensor_elements(n->in[DEPTH]);
    m.n_tests = (int32_t)tensor_elements(n->in[FEATURE]);
    m.depth = array(ctx, n, DEPTH, DTYPE_INT32, -1, "depths");
    m.feature = array(ctx, n, FEATURE, DTYPE_INT32, -1, "features");
    m.border = array(ctx, n, BORDER, DTYPE_FLOAT32, m.n_tests, "borders");
    m.value = array(ctx, n, VALUE, DTYPE_FLOAT64, -1, "values");
    m.base = array(ctx, n, BASE, DTYPE_FLOAT64, m.width, "base scores");
    const double *numbers = array(ctx, n, NUMBERS, DTYPE_FLOAT64, 2, "numbers");
    m.factor = numbers[0];
    m.cut = numbers[1];
    if (n->n_in > MISSING && n->in[MISSING])
        m.missing = array(ctx, n, MISSING, DTYPE_UINT8, m.n_tests, "missing values");
    int64_t tests = 0, leaves = 0;
    for (int32_t i = 0; i < m.n_trees; i++) {
        if (m.depth[i] < 0 || m.depth[i] > DEPTH_MAX)
            fail(ctx, n, "tree %d has depth %d; 0 to %d are supported", (int)i, (int)m.depth[i],
                 DEPTH_MAX);
        tests += m.depth[i];
        leaves += INT64_C(1) << m.depth[i];
    }
    if (tests != m.n_tests || leaves != m.n_leaves)
        fail(ctx, n, "its trees have %lld tests and %lld leaves, and there are %d and %d",
             (long long)tests, (long long)leaves, (int)m.n_tests, (int)m.n_leaves);
    check_tests(ctx, n, &m);
    check_numbers_finite(ctx, n, &m);
    return m;
}

static void infer(struct ctx *ctx, struct node *n, struct tensor *want)
{
    const struct attr_oblivious *a = n->attr;
    const struct model m = model_of(ctx, n);
    if (a->gives == GIVES_LABEL) {
        want->type = DTYPE_INT32;
        want->rank = 1;
        want->dim[0] = a->decide == DECIDE_CUT ? m.width : 1;
    } else {
        want->type = DTYPE_FLOAT64;
        want->rank = 2;
        want->dim[0] = 1;
        want->dim[1] = m.width;
    }
}

static int32_t classes(const struct node *n, int32_t k)
{
    const struct attr_oblivious *a = n->attr;
    const int32_t scores = n->in[VALUE]->dim[1];
    if (a->decide == DECIDE_CUT)
        return k < scores ? 2 : 0;
    return k < 1 ? scores : 0;
}

/* ---- tests ----------------------------------------------------------------------------------- */

struct pair {
    int32_t column, key;
};

static int compare_pairs(const void *a, const void *b)
{
    const struct pair *p = a, *q = b;
    if (p->column != q->column)
        return p->column < q->column ? -1 : 1;
    return (p->key > q->key) - (p->key < q->key);
}

/* Integers in the narrowest of two types, which the other pointer leaves NULL. */
static void put_narrow(struct lower *l, const char *label, const int32_t *from, int32_t n,
                       int32_t most, const uint8_t **to8, const uint16_t **to16)
{
    if (most > UINT16_MAX)
        fail(l->ctx, l->step->node, "%s go up to %d; 65535 is the most that can be written", label,
             (int)most);
    uint16_t *wide = NEWS(l->ctx, uint16_t, n);
    uint8_t *narrow = NEWS(l->ctx, uint8_t, n);
    for (int32_t i = 0; i < n; i++) {
        wide[i] = (uint16_t)from[i];
        narrow[i] = (uint8_t)from[i];
    }
    if (most <= UINT8_MAX)
        *to8 = lower_constant(l, label, DTYPE_UINT8, n, narrow);
    else
        *to16 = lower_constant(l, label, DTYPE_UINT16, n, wide);
}

/* Numbers the columns that are tested; returns for each feature its number. */
static const int32_t *set_columns(struct lower *l, const struct model *m, struct mica_oblivious *p)
{
    int32_t *number = NEWS(l->ctx, int32_t, m->n_features);
    int32_t *column = NEWS(l->ctx, int32_t, m->n_features), n = 0, any = 0;
    uint8_t *above = NEWS(l->ctx, uint8_t, m->n_features / 8 + 1);
    for (int32_t i = 0; i < m->n_tests; i++)
        number[m->feature[i]] = 1 + (m->missing && m->missing[i]);
    for (int32_t f = 0; f < m->n_features; f++) {
        if (!number[f])
            continue;
        above[n >> 3] |= (uint8_t)((number[f] - 1) << (n & 7));
        any |= number[f] - 1;
        column[n] = f;
        number[f] = n++;
    }
    p->n_columns = n;
    if (n < m->n_features && n > 0)
        put_narrow(l, "columns", column, n, column[n - 1], &p->column8, &p->column16);
    if (any)
        p->missing = lower_constant(l, "missing", DTYPE_UINT8, (n + 7) / 8, above);
    return number;
}

static void put_pairs(struct lower *l, const struct pair *pair, int32_t n, struct mica_oblivious *p)
{
    int32_t *column = NEWS(l->ctx, int32_t, n), *key = NEWS(l->ctx, int32_t, n);
    uint16_t *half = NEWS(l->ctx, uint16_t, n);
    uint32_t lower_half = 0;
    for (int32_t i = 0; i < n; i++) {
        column[i] = pair[i].column;
        key[i] = pair[i].key;
        half[i] = (uint16_t)((uint32_t)pair[i].key >> 16);
        lower_half |= (uint32_t)pair[i].key & 0xffff;
        p->key_negative |= pair[i].key < 0;
    }
    put_narrow(l, "features", column, n, p->n_columns - 1, &p->feature8, &p->feature16);
    if (lower_half)
        p->key32 = lower_constant(l, "borders", DTYPE_INT32, n, key);
    else
        p->key16 = lower_constant(l, "borders", DTYPE_UINT16, n, half);
}

/* Tests one after the other, those of a tree from its last, or numbers of a table of pairs: what is
 * smaller. */
static void set_tests(struct lower *l, const struct model *m, struct mica_oblivious *p)
{
    const int32_t *column = set_columns(l, m, p);
    struct pair *test = NEWS(l->ctx, struct pair, m->n_tests);
    struct pair *sorted = NEWS(l->ctx, struct pair, m->n_tests);
    for (int32_t t = 0, at = 0; t < m->n_trees; at += m->depth[t++])
        for (int32_t i = 0; i < m->depth[t]; i++) {
            const int32_t from = at + m->depth[t] - 1 - i;
            test[at + i] = (struct pair){column[m->feature[from]], float_key(m->border[from])};
        }
    if (m->n_tests == 0)
        return;
    memcpy(sorted, test, (size_t)m->n_tests * sizeof *test);
    qsort(sorted, (size_t)m->n_tests, sizeof *sorted, compare_pairs);
    int32_t n = 1;
    for (int32_t i = 1; i < m->n_tests; i++)
        if (compare_pairs(&sorted[i], &sorted[n - 1]))
            sorted[n++] = sorted[i];
    const int64_t direct = (int64_t)m->n_tests * 5;
    const int64_t table = (int64_t)n * 5 + (int64_t)m->n_tests * (n > UINT8_MAX + 1 ? 2 : 1);
    if (direct <= table || n > UINT16_MAX + 1) {
        put_pairs(l, test, m->n_tests, p);
        return;
    }
    int32_t *code = NEWS(l->ctx, int32_t, m->n_tests);
    for (int32_t i = 0; i < m->n_tests; i++) {
        const struct pair *found = bsearch(&test[i], sorted, (size_t)n, sizeof *sorted,
                                           compare_pairs);
        code[i] = (int32_t)(found - sorted);
    }
    put_narrow(l, "tests", code, m->n_tests, n - 1, &p->test8, &p->test16);
    put_pairs(l, sorted, n, p);
}

static void set_depths(struct lower *l, const struct model *m, struct mica_oblivious *p)
{
    uint8_t *depth = NEWS(l->ctx, uint8_t, m->n_trees);
    bool same = true;
    for (int32_t i = 0; i < m->n_trees; i++) {
        depth[i] = (uint8_t)m->depth[i];
        same = same && m->depth[i] == m->depth[0];
    }
    p->same_depth = same ? m->depth[0] : 0;
    if (!same)
        p->depth = lower_constant(l, "depths", DTYPE_UINT8, m->n_trees, depth);
}

/* ---- leaves ---------------------------------------------------------------------------------- */

static uint64_t bits_of(double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

static bool is_zero(const struct model *m, int32_t leaf)
{
    for (int32_t j = 0; j < m->width; j++)
        if (m->value[(int64_t)leaf * m->width + j] != 0)
            return false;
    return true;
}

/* Masks of the leaves that are not zero, and which of their rows is the first of each word; returns
 * the number of rows, or -1 where masks save nothing. */
static int32_t set_masks(struct lower *l, const struct model *m, struct mica_oblivious *p)
{
    int32_t n_words = 0, n_rows = 0, word = 0, leaf = 0;
    for (int32_t t = 0; t < m->n_trees; t++)
        n_words += m->depth[t] > 5 ? 1 << (m->depth[t] - 5) : 1;
    for (int32_t i = 0; i < m->n_leaves; i++)
        n_rows += !is_zero(m, i);
    const int64_t saved = (int64_t)(m->n_leaves - n_rows) * m->width * 8;
    if (saved <= (int64_t)n_words * 6 + 64 || n_rows > UINT16_MAX)
        return -1;
    uint32_t *mask = NEWS(l->ctx, uint32_t, n_words);
    uint16_t *row = NEWS(l->ctx, uint16_t, n_words);
    n_rows = 0;
    for (int32_t t = 0; t < m->n_trees; t++) {
        const int32_t n = 1 << m->depth[t];
        for (int32_t i = 0; i < n; i++) {
            if (i % 32 == 0)
                row[word + i / 32] = (uint16_t)n_rows;
            if (is_zero(m, leaf + i))
                continue;
            mask[word + i / 32] |= UINT32_C(1) << i % 32;
            n_rows++;
        }
        leaf += n;
        word += (n + 31) / 32;
    }
    p->mask = lower_constant(l, "masks", DTYPE_UINT32, n_words, mask);
    p->row = lower_constant(l, "rows", DTYPE_UINT16, n_words, row);
    return n_rows;
}

static void set_leaves(struct lower *l, const struct model *m, struct mica_oblivious *p)
{
    const int32_t rows = set_masks(l, m, p);
    const int64_t n = (int64_t)(rows < 0 ? m->n_leaves : rows > 0 ? rows : 1) * m->width;
    uint32_t *high = NEWS(l->ctx, uint32_t, n), *low = NEWS(l->ctx, uint32_t, n);
    int64_t at = 0;
    for (int32_t i = 0; i < m->n_leaves; i++) {
        if (rows >= 0 && is_zero(m, i))
            continue;
        for (int32_t j = 0; j < m->width; j++, at++) {
            const uint64_t bits = bits_of(m->value[(int64_t)i * m->width + j]);
            high[at] = (uint32_t)(bits >> 32);
            low[at] = (uint32_t)bits;
        }
    }
    p->high = lower_constant(l, "values", DTYPE_UINT32, n, high);
    p->low = lower_constant(l, "values_low", DTYPE_UINT32, n, low);
}

/* float64 numbers, the low word of each before the high one. */
static const uint32_t *put_doubles(struct lower *l, const char *label, const double *from,
                                   int32_t n)
{
    uint32_t *to = NEWS(l->ctx, uint32_t, 2 * (int64_t)n);
    for (int32_t i = 0; i < n; i++) {
        to[2 * i] = (uint32_t)bits_of(from[i]);
        to[2 * i + 1] = (uint32_t)(bits_of(from[i]) >> 32);
    }
    return lower_constant(l, label, DTYPE_UINT32, 2 * (int64_t)n, to);
}

static bool has_base(const struct model *m)
{
    for (int32_t j = 0; j < m->width; j++)
        if (m->base[j] != 0)
            return true;
    return false;
}

static void set_score(struct lower *l, const struct model *m, struct mica_oblivious *p)
{
    if (m->factor != 1) {
        p->scale_high = (uint32_t)(bits_of(m->factor) >> 32);
        p->scale_low = (uint32_t)bits_of(m->factor);
    }
    if (has_base(m))
        p->base = put_doubles(l, "base", m->base, m->width);
}

/* ---- how sums of integers decide ------------------------------------------------------------- */

/* The smallest sum whose score is at least the cut: scores do not fall where sums rise. */
static double cut_of_sum(const struct model *m, int32_t j)
{
    int64_t low = double_order(-INFINITY), high = double_order(INFINITY);
    if (!(m->factor * double_of_order(high) + m->base[j] >= m->cut))
        return INFINITY;
    while (low < high) {
        const int64_t middle = low + (int64_t)(((uint64_t)high - (uint64_t)low) / 2);
        const double product = m->factor * double_of_order(middle);
        if (product + m->base[j] >= m->cut)
            high = middle;
        else
            low = middle + 1;
    }
    return double_of_order(high);
}

/* The largest of a function of the leaves, summed over the trees: by score, the most of all. */
static double reach(const struct model *m, const struct mica_oblivious *p, int scale, bool errors)
{
    double most = 0;
    for (int32_t j = 0; j < m->width; j++) {
        double sum = errors ? 0 : fabs(m->base[j] / m->factor);
        for (int32_t t = 0, leaf = 0; t < m->n_trees; t++) {
            double worst = 0;
            for (int32_t i = 0; i < 1 << m->depth[t]; i++, leaf++) {
                const double v = m->value[(int64_t)leaf * m->width + j];
                const int32_t steps = errors && !is_zero(m, leaf)
                                          ? mica_oblivious_steps(p, (uint32_t)(bits_of(v) >> 32))
                                          : 0;
                worst = fmax(worst, errors ? fabs(steps - ldexp(v, scale)) : fabs(v));
            }
            sum += worst;
        }
        most = fmax(most, sum);
    }
    return most;
}

static void set_decision(struct lower *l, const struct model *m, enum decide decide,
                         struct mica_oblivious *p)
{
    const double most = reach(m, p, 0, false), u = 0x1p-53;
    enum { SCALE_MAX = 1000 }; /* keeps the shift of the smallest exponents beyond 31 bits */
    int exponent = 0;
    if (most > 0x1p1000)
        fail(l->ctx, l->step->node,
             "the scores of its trees can reach %g: train it on smaller "
             "targets",
             most);
    frexp(most, &exponent); /* most < 2^exponent */
    const int scale = 30 - exponent < SCALE_MAX ? 30 - exponent : SCALE_MAX;
    p->fixed_shift = (int16_t)(1023 + 20 - scale);
    const double n = m->n_trees + 3.0;
    const double steps = reach(m, p, scale, true) + n * ldexp(most, scale) * u * pow(1 + u, n) + 2;
    p->bound = steps < 0x1p28 ? (int32_t)ceil(steps) : 1 << 28;
    int32_t *fixed = NEWS(l->ctx, int32_t, m->width);
    if (decide == DECIDE_CUT) {
        double *cut = NEWS(l->ctx, double, m->width);
        for (int32_t j = 0; j < m->width; j++) {
            cut[j] = cut_of_sum(m, j);
            fixed[j] = to_fixed(cut[j], scale);
        }
        p->cut = put_doubles(l, "cut", cut, m->width);
        p->cut_fixed = lower_constant(l, "cut_fixed", DTYPE_INT32, m->width, fixed);
        return;
    }
    for (int32_t j = 0; j < m->width; j++)
        fixed[j] = to_fixed(m->base[j] / m->factor, scale);
    if (has_base(m))
        p->base_fixed = lower_constant(l, "base_fixed", DTYPE_INT32, m->width, fixed);
    set_score(l, m, p);
}

/* ---- the kernels ----------------------------------------------------------------------------- */

static void lower(struct lower *l, struct node *n)
{
    const struct attr_oblivious *a = n->attr;
    const struct model m = model_of(l->ctx, n);
    const bool is_label = a->gives == GIVES_LABEL;
    struct mica_oblivious p = {.n_trees = m.n_trees, .width = m.width};
    set_depths(l, &m, &p);
    set_tests(l, &m, &p);
    set_leaves(l, &m, &p);
    if (is_label)
        set_decision(l, &m, (enum decide)a->decide, &p);
    else
        set_score(l, &m, &p);
    struct call *c = lower_call(l, is_label ? &kernel_oblivious_label : &kernel_oblivious_scores,
                                &p);
    call_bind(c, n->in[X], 0);
    call_bind(c, lower_temp(l, DTYPE_INT32, p.n_columns > 0 ? p.n_columns : 1), 0);
    if (is_label)
        call_bind(c, lower_temp(l, DTYPE_INT32, m.width), 0);
    call_bind(c, lower_temp(l, DTYPE_INT64, m.width), 0);
    call_bind(c, n->out[0], 0);
}

const struct op op_oblivious = {
    .name = "oblivious",
    .summary = "symmetric trees: their label, or their scores",
    .attr_bytes = sizeof(struct attr_oblivious),
    .attrs = attrs,
    .min_in = NUMBERS + 1,
    .max_in = INPUTS,
    .n_out = 1,
    .types = TYPE_BIT(FLOAT32),
    .infer = infer,
    .classes = classes,
    .lower = lower,
};
