/* SPDX-License-Identifier: Apache-2.0 */
/* table.c - an ensemble of few distinct tests as a table of its labels.
 *
 * The thresholds of a feature cut the numbers into intervals in which nothing changes. Where the
 * product of the intervals of all features is small, one row of each combination is evaluated as
 * the library does it, and the table has its label: exact for every row, and for NaN, which is an
 * interval of its own where a test sends it left.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.gen.h"
#include "tree/table.h"

enum { CELLS_MAX = 1 << 13, TESTS_MAX = 64 };

/* ---- intervals ------------------------------------------------------------------------------- */

struct cuts {
    struct table *table;
    enum dtype x_type;
    bool full; /* there are more than a table takes */
};

static void add_cut(struct cuts *c, int32_t feature, int32_t key)
{
    struct table *t = c->table;
    if (c->x_type != DTYPE_FLOAT32 &&
        (key < integer_lowest(c->x_type) || key >= integer_highest(c->x_type)))
        return;
    for (int i = 0; i < t->n; i++)
        if (t->test[i].feature == feature && t->test[i].key == key)
            return;
    c->full = c->full || t->n == TESTS_MAX;
    if (!c->full)
        t->test[t->n++] = (struct table_test){feature, key, 0};
}

/* A number is in the set from where a run of its categories begins to where it ends. Truncation
 * makes 0 of all numbers between -1 and 1. */
static void add_set(struct cuts *c, int32_t feature, const uint32_t *set, bool round_down)
{
    const float below_0 = round_down ? float_before(0.0f) : -1.0f;
    bool was_in = false;
    for (uint32_t category = 0; category <= 32 * set[0] && !c->full; category++) {
        const bool in = category < 32 * set[0] && set[1 + category / 32] >> category % 32 & 1;
        if (in != was_in && c->x_type != DTYPE_FLOAT32)
            add_cut(c, feature, (int32_t)category - 1);
        else if (in != was_in)
            add_cut(c, feature, float_key(category ? float_before((float)category) : below_0));
        was_in = in;
    }
}

static void add_test(struct cuts *c, const struct forest *f, int32_t i)
{
    const bool is_float = c->x_type == DTYPE_FLOAT32;
    if (f->flags[i] & TREE_CATEGORIES)
        add_set(c, f->feature[i], f->trees->set + f->key[i], f->flags[i] & TREE_ROUND_DOWN);
    else
        add_cut(c, f->feature[i], f->key[i]);
    if (f->flags[i] & TREE_MISSING_LEFT && is_float)
        add_cut(c, f->feature[i], float_key(INFINITY));
    if (f->flags[i] & TREE_ZERO_MISSING) {
        const float zero = 1e-35f;
        add_cut(c, f->feature[i], is_float ? float_key(float_before(-zero)) : -1);
        add_cut(c, f->feature[i], is_float ? float_key(zero) : 0);
    }
}

static int by_feature_and_key(const void *a, const void *b)
{
    const struct table_test *x = a, *y = b;
    if (x->feature != y->feature)
        return x->feature < y->feature ? -1 : 1;
    return x->key < y->key ? -1 : x->key > y->key;
}

/* Steps of the tests; false: there are too many combinations. */
static bool set_steps(struct table *t)
{
    int32_t count = 1;
    t->cells = 1;
    for (int i = 0; i < t->n; i++) {
        if (i && t->test[i].feature == t->test[i - 1].feature) {
            count++;
        } else {
            t->cells *= i ? count : 1;
            count = 2;
        }
        if ((int64_t)t->cells * count > CELLS_MAX)
            return false;
        t->test[i].step = t->cells;
    }
    t->cells *= t->n ? count : 1;
    return true;
}

/* ---- labels ---------------------------------------------------------------------------------- */

static float number_at(enum dtype x_type, int32_t key)
{
    if (x_type != DTYPE_FLOAT32)
        return (float)key;
    const uint32_t bits = key < 0 ? (uint32_t)key ^ UINT32_C(0x7fffffff) : (uint32_t)key;
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* A row of the combination: of each interval its largest number, of the last one the largest there
 * is, which of floats is NaN. */
static void row_of_cell(const struct table *t, enum dtype x_type, int32_t cell, float *x)
{
    const float largest = x_type == DTYPE_FLOAT32 ? NAN : (float)integer_highest(x_type);
    for (int i = 0; i < t->n;) {
        int end = i;
        while (end < t->n && t->test[end].feature == t->test[i].feature)
            end++;
        const int32_t interval = cell / t->test[i].step % (end - i + 1);
        x[t->test[i].feature] = i + interval < end ? number_at(x_type, t->test[i + interval].key)
                                                   : largest;
        i = end;
    }
}

static bool fill(struct ctx *ctx, const struct forest *f, struct table *t)
{
    float *x = NEWS(ctx, float, f->n_features);
    double *score = NEWS(ctx, double, f->n_scores);
    t->label = NEWS(ctx, int32_t, t->cells);
    for (int32_t i = 0; i < t->cells; i++) {
        row_of_cell(t, f->trees->x_type, i, x);
        trees_scores(f->trees, x, score);
        if (!trees_label(f->trees, score, &t->label[i]))
            return false;
    }
    return true;
}

/* ---- tests that no label depends on ---------------------------------------------------------- */

static bool is_idle(const struct table *t, int i)
{
    int first = i, end = i;
    while (first && t->test[first - 1].feature == t->test[i].feature)
        first--;
    while (end < t->n && t->test[end].feature == t->test[i].feature)
        end++;
    for (int32_t cell = 0; cell < t->cells; cell++)
        if (cell / t->test[i].step % (end - first + 1) == i - first &&
            t->label[cell] != t->label[cell + t->test[i].step])
            return false;
    return true;
}

static bool drop_idle(struct ctx *ctx, const struct forest *f, struct table *t)
{
    for (int i = t->n - 1; i >= 0; i--) {
        if (!is_idle(t, i))
            continue;
        memmove(t->test + i, t->test + i + 1, (size_t)(t->n - 1 - i) * sizeof *t->test);
        t->n--;
        set_steps(t);
        if (!fill(ctx, f, t))
            return false;
    }
    return true;
}

const struct table *table_plan(struct ctx *ctx, const struct forest *f)
{
    struct table *t = NEW(ctx, struct table);
    struct cuts cuts = {t, f->trees->x_type, false};
    if (f->trees->n_labels != 1)
        return NULL;
    t->test = NEWS(ctx, struct table_test, TESTS_MAX);
    for (int32_t i = 0; i < f->n_nodes && !cuts.full; i++)
        if (f->feature[i] >= 0)
            add_test(&cuts, f, i);
    if (cuts.full)
        return NULL;
    qsort(t->test, (size_t)t->n, sizeof *t->test, by_feature_and_key);
    if (!set_steps(t) || !fill(ctx, f, t) || !drop_idle(ctx, f, t) || !t->n)
        return NULL;
    int32_t most = 0;
    for (int32_t i = 0; i < t->cells; i++)
        most = t->label[i] > most ? t->label[i] : most;
    t->label_bits = most < 2 ? 1 : most < 4 ? 2 : most < 16 ? 4 : 8;
    t->x_type = f->trees->x_type;
    return most < 256 ? t : NULL;
}

/* ---- into a program -------------------------------------------------------------------------- */

static bool are_features(const struct table *t)
{
    for (int i = 0; i < t->n; i++)
        if (t->test[i].feature != i)
            return false;
    return true;
}

static bool has_one_key(const struct table *t)
{
    for (int i = 1; i < t->n; i++)
        if (t->test[i].key != t->test[0].key)
            return false;
    return true;
}

static bool are_doublings(const struct table *t)
{
    for (int i = 0; i < t->n; i++)
        if (t->test[i].step != 1 << i)
            return false;
    return true;
}

int64_t table_bytes(const struct table *t)
{
    return 60 + (t->cells * (int64_t)t->label_bits + 7) / 8 +
           (int64_t)t->n *
               ((are_features(t) ? 0 : 2) + (has_one_key(t) ? 0 : 4) + (are_doublings(t) ? 0 : 2));
}

static void print(struct ctx *ctx, struct text *out, const struct call *call, const char *name,
                  const char *params)
{
    const struct table *t = call->code->data;
    const bool is_float = t->x_type == DTYPE_FLOAT32;
    const bool doubles = are_doublings(t);
    text_add(out, "static void %s(const void *row, int32_t *out)\n{\n    const %s *x = row;\n",
             name, dtype_c(t->x_type));
    text_add(out, "    uint32_t cell = 0;\n");
    for (int i = t->n - 1; i >= 0; i--) {
        const struct table_test *test = &t->test[i];
        const uint32_t bits = (uint32_t)test->key ^ UINT32_C(0x7fffffff);
        const char *above = !is_float
                                ? format(ctx, "x[%d] > %d", (int)test->feature, (int)test->key)
                            : test->key >= 0
                                ? format(ctx, "mica_float_bits(x + %d) > 0x%" PRIx32,
                                         (int)test->feature, (uint32_t)test->key)
                                : format(ctx, "(uint32_t)mica_float_bits(x + %d) < 0x%" PRIx32 "u",
                                         (int)test->feature, bits);
        if (doubles)
            text_add(out, "    cell = cell * 2 + (%s);\n", above);
        else
            text_add(out, "    cell += %s ? %d : 0;\n", above, (int)test->step);
    }
    text_add(out, "    mica_trees_table_at(%s, cell, out);\n}\n", params);
}

static const uint8_t *pack_labels(struct lower *l, const struct table *t)
{
    const int64_t bytes = (t->cells * (int64_t)t->label_bits + 7) / 8;
    uint8_t *packed = NEWS(l->ctx, uint8_t, bytes);
    for (int32_t i = 0; i < t->cells; i++)
        packed[i * t->label_bits / 8] |= (uint8_t)(t->label[i] << i * t->label_bits % 8);
    return lower_constant(l, "labels", DTYPE_UINT8, bytes, packed);
}

void table_lower(struct lower *l, const struct table *t, bool unroll)
{
    const struct node *n = l->step->node;
    uint16_t *feature = NEWS(l->ctx, uint16_t, t->n), *step = NEWS(l->ctx, uint16_t, t->n);
    int32_t *key = NEWS(l->ctx, int32_t, t->n);
    struct mica_trees_table p = {.same_key = t->test[0].key, .n_tests = t->n};
    p.x_bytes = (uint8_t)(dtype_bits(t->x_type) / 8);
    p.x_signed = t->x_type == DTYPE_INT8;
    p.label_bits = (uint8_t)t->label_bits;
    for (int i = 0; i < t->n; i++) {
        feature[i] = (uint16_t)t->test[i].feature;
        key[i] = t->test[i].key;
        step[i] = (uint16_t)t->test[i].step;
        p.key_negative |= t->x_type == DTYPE_FLOAT32 && key[i] < 0;
    }
    if (!are_features(t))
        p.feature = lower_constant(l, "features", DTYPE_UINT16, t->n, feature);
    if (!has_one_key(t))
        p.key = lower_constant(l, "keys", DTYPE_INT32, t->n, key);
    if (!are_doublings(t))
        p.step = lower_constant(l, "steps", DTYPE_UINT16, t->n, step);
    p.label = pack_labels(l, t);
    struct call *c = lower_call(l, &kernel_trees_table, &p);
    call_bind(c, n->in[TREES_X], 0);
    call_bind(c, n->out[0], 0);
    if (!unroll)
        return;
    static const char *const files[] = {"trees_table.h", NULL};
    struct code *code = NEW(l->ctx, struct code);
    *code = (struct code){"unrolled", print, files, true, t, NULL};
    c->code = code;
}
