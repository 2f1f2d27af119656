/* SPDX-License-Identifier: Apache-2.0 */
/* lightgbm.c - reads a model of LightGBM, saved as text by version 2 or later.
 *
 * A file is lines KEY=VALUE: a header, then a block for each tree that begins with "Tree=NUMBER",
 * up to "end of trees". Scores are sums in double precision, tree after tree from 0; what training
 * started from is in the leaves of the first trees. A leaf is the complement of its number in the
 * lists of children. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "read/booster.h"
#include "compile.h"

/* ---- lines ----------------------------------------------------------------------------------- */

struct file {
    struct ctx *ctx;
    const char *at, *end; /* the text that is not read yet; *end is 0 */
    int line;             /* number of the one that was read last */
};

/* A value in the text, up to `end`. */
struct value {
    struct file *file;
    const char *key, *at, *end;
    int line;
};

_Noreturn static void value_fail(const struct value *v, const char *what)
{
    fail(v->file->ctx, NULL, "line %d: %s: %s", v->line, v->key, what);
}

/* The next line without its end; false: there is none. */
static bool next_line(struct file *f, const char **at, const char **end)
{
    if (f->at == f->end)
        return false;
    const char *stop = memchr(f->at, '\n', (size_t)(f->end - f->at));
    *at = f->at;
    *end = stop ? stop : f->end;
    f->at = stop ? stop + 1 : f->end;
    f->line++;
    if (*end > *at && (*end)[-1] == '\r')
        --*end;
    return true;
}

static bool is_word(const char *at, const char *end, const char *word)
{
    return (size_t)(end - at) == strlen(word) && !memcmp(at, word, strlen(word));
}

static bool starts(const char *at, const char *end, const char *word)
{
    return (size_t)(end - at) >= strlen(word) && !memcmp(at, word, strlen(word));
}

/* What a block says: a value for each key that is looked for. */
enum key {
    /* of the header */
    NUM_CLASS,
    NUM_PER_ITERATION,
    MAX_FEATURE,
    OBJECTIVE,
    FEATURE_NAMES,
    /* of a tree */
    NUM_LEAVES,
    SPLIT_FEATURE,
    THRESHOLD,
    DECISION_TYPE,
    LEFT_CHILD,
    RIGHT_CHILD,
    LEAF_VALUE,
    LEAF_COUNT,
    INTERNAL_COUNT,
    CAT_BOUNDARIES,
    CAT_THRESHOLD,
    IS_LINEAR,
    KEYS
};
static const char *const key_words[KEYS] = {"num_class",       "num_tree_per_iteration",
                                            "max_feature_idx", "objective",
                                            "feature_names",   "num_leaves",
                                            "split_feature",   "threshold",
                                            "decision_type",   "left_child",
                                            "right_child",     "leaf_value",
                                            "leaf_count",      "internal_count",
                                            "cat_boundaries",  "cat_threshold",
                                            "is_linear"};

struct block {
    struct file *file;
    const char *place; /* "the header", "tree 3" */
    struct value value[KEYS];
    bool averages; /* the line "average_output" */
};

static void take_line(struct block *b, const char *at, const char *end)
{
    const char *equals = memchr(at, '=', (size_t)(end - at));
    if (!equals) {
        b->averages |= is_word(at, end, "average_output");
        return;
    }
    for (int k = 0; k < KEYS; k++) {
        if (!is_word(at, equals, key_words[k]))
            continue;
        const bool is_second = b->value[k].file;
        b->value[k] = (struct value){b->file, key_words[k], equals + 1, end, b->file->line};
        if (is_second)
            value_fail(&b->value[k], "it is given twice");
    }
}

static const struct value *need(const struct block *b, enum key k)
{
    if (!b->value[k].file)
        fail(b->file->ctx, NULL,
             "line %d: %s has no '%s': the file is damaged, or of a version that this reader does "
             "not know",
             b->file->line, b->place, key_words[k]);
    return &b->value[k];
}

/* ---- numbers --------------------------------------------------------------------------------- */

static void skip_spaces(struct value *v)
{
    while (v->at < v->end && (*v->at == ' ' || *v->at == '\t'))
        v->at++;
}

static double next_double(struct value *v)
{
    char *end;
    skip_spaces(v);
    const double x = v->at < v->end ? strtod(v->at, &end) : 0;
    if (v->at == v->end || end == v->at || end > v->end)
        value_fail(v, "a number is wanted where it ends, or something else stands");
    v->at = end;
    return x;
}

static int64_t next_int(struct value *v, int64_t low, int64_t high)
{
    char *end;
    skip_spaces(v);
    errno = 0;
    const long long x = v->at < v->end ? strtoll(v->at, &end, 10) : 0;
    if (v->at == v->end || end == v->at || end > v->end)
        value_fail(v, "an integer is wanted where it ends, or something else stands");
    if (errno || x < low || x > high)
        value_fail(v, format(v->file->ctx, "%lld is not within %lld and %lld", x, (long long)low,
                             (long long)high));
    v->at = end;
    return x;
}

static void check_end(struct value *v, int64_t n)
{
    skip_spaces(v);
    if (v->at < v->end)
        value_fail(v, format(v->file->ctx, "there is more than the %lld numbers that are wanted",
                             (long long)n));
}

/* A number takes two bytes at least: no list is longer than its text allows. */
static void check_room(const struct value *v, int64_t n)
{
    if (n > (v->end - v->at) / 2 + 1)
        value_fail(v, format(v->file->ctx, "there are less than the %lld numbers that are wanted",
                             (long long)n));
}

static int32_t one_int(const struct block *b, enum key k, int64_t low, int64_t high)
{
    struct value v = *need(b, k);
    const int32_t x = (int32_t)next_int(&v, low, high);
    check_end(&v, 1);
    return x;
}

static int32_t *some_ints(const struct block *b, enum key k, int64_t n, int64_t low, int64_t high)
{
    struct value v = *need(b, k);
    check_room(&v, n);
    int32_t *to = NEWS(b->file->ctx, int32_t, n);
    for (int64_t i = 0; i < n; i++)
        to[i] = (int32_t)next_int(&v, low, high);
    check_end(&v, n);
    return to;
}

static double *some_doubles(const struct block *b, enum key k, int64_t n)
{
    struct value v = *need(b, k);
    check_room(&v, n);
    double *to = NEWS(b->file->ctx, double, n);
    for (int64_t i = 0; i < n; i++) {
        to[i] = next_double(&v);
        if (isnan(to[i]))
            value_fail(&v, format(v.file->ctx, "number %lld is NaN", (long long)i));
    }
    check_end(&v, n);
    return to;
}

/* ---- objectives ------------------------------------------------------------------------------ */

enum result { RESULT_NUMBER, RESULT_BINARY, RESULT_CLASSES };
enum { NO_LINK = -1 };

static const struct objective {
    const char *name;
    enum result result;
    enum decide decide;
    int link; /* enum link_kind */
} objectives[] = {
    {"binary", RESULT_BINARY, DECIDE_CUT, LINK_LOGISTIC_PAIR},
    {"multiclass", RESULT_CLASSES, DECIDE_SOFTMAX, LINK_SOFTMAX},
    {"softmax", RESULT_CLASSES, DECIDE_SOFTMAX, LINK_SOFTMAX},
    {"multiclassova", RESULT_CLASSES, DECIDE_ARGMAX, LINK_LOGISTIC},
    {"regression", RESULT_NUMBER, DECIDE_ARGMAX, NO_LINK},
    {"regression_l1", RESULT_NUMBER, DECIDE_ARGMAX, NO_LINK},
    {"huber", RESULT_NUMBER, DECIDE_ARGMAX, NO_LINK},
    {"fair", RESULT_NUMBER, DECIDE_ARGMAX, NO_LINK},
    {"quantile", RESULT_NUMBER, DECIDE_ARGMAX, NO_LINK},
    {"mape", RESULT_NUMBER, DECIDE_ARGMAX, NO_LINK},
    {"lambdarank", RESULT_NUMBER, DECIDE_ARGMAX, NO_LINK},
    {"rank_xendcg", RESULT_NUMBER, DECIDE_ARGMAX, NO_LINK},
    {"poisson", RESULT_NUMBER, DECIDE_ARGMAX, LINK_EXP},
    {"gamma", RESULT_NUMBER, DECIDE_ARGMAX, LINK_EXP},
    {"tweedie", RESULT_NUMBER, DECIDE_ARGMAX, LINK_EXP},
    {"cross_entropy", RESULT_NUMBER, DECIDE_ARGMAX, LINK_LOGISTIC},
    {"xentropy", RESULT_NUMBER, DECIDE_ARGMAX, LINK_LOGISTIC},
    {"custom", RESULT_NUMBER, DECIDE_ARGMAX, NO_LINK},
};

struct model {
    struct ctx *ctx;
    const struct objective *objective;
    double sigmoid; /* the score's factor in the logistic function */
    int32_t n_features, n_scores;
    bool averages, is_exact;
    struct names features;
    struct booster booster;
};

/* What Python's classifier gives to a score: the larger of two probabilities. */
static bool is_one(double x, double sigmoid)
{
    const double p = 1.0 / (1.0 + exp(-sigmoid * x));
    return p > 1.0 - p;
}

_Noreturn static void refuse_objective(const struct value *v)
{
    value_fail(v, format(v->file->ctx,
                         "the objective '%.*s' is not supported; docs/models.md lists what is",
                         (int)(v->end - v->at < 60 ? v->end - v->at : 60), v->at));
}

/* "binary sigmoid:1": a name and options. A model with an objective of the user's own has none. */
static void read_objective(struct model *m, const struct block *header)
{
    m->sigmoid = 1;
    m->objective = &objectives[sizeof objectives / sizeof *objectives - 1];
    if (!header->value[OBJECTIVE].file)
        return;
    struct value v = header->value[OBJECTIVE];
    const char *end = v.at;
    while (end < v.end && *end != ' ')
        end++;
    m->objective = NULL;
    for (size_t i = 0; i < sizeof objectives / sizeof *objectives; i++)
        if (is_word(v.at, end, objectives[i].name))
            m->objective = &objectives[i];
    if (!m->objective)
        refuse_objective(&v);
    const struct value whole = v;
    for (v.at = end; skip_spaces(&v), v.at < v.end; v.at = end) {
        for (end = v.at; end < v.end && *end != ' ';)
            end++;
        if (is_word(v.at, end, "sqrt"))
            refuse_objective(&whole);
        if (!starts(v.at, end, "sigmoid:"))
            continue;
        struct value number = {v.file, v.key, v.at + strlen("sigmoid:"), end, v.line};
        m->sigmoid = next_double(&number);
        if (!(m->sigmoid > 0) || !isfinite(m->sigmoid))
            value_fail(&v, "sigmoid must be positive");
    }
}

static void read_names(struct model *m, const struct block *header)
{
    struct value v = header->value[FEATURE_NAMES];
    if (!v.file || v.at == v.end)
        return;
    const char **at = NEWS(m->ctx, const char *, m->n_features);
    bool is_given = false;
    int32_t n = 0;
    for (const char *end; v.at < v.end; v.at = end + (end < v.end), n++) {
        end = memchr(v.at, ' ', (size_t)(v.end - v.at));
        end = end ? end : v.end;
        if (n == m->n_features)
            value_fail(&v, "there are more names than features");
        at[n] = format(m->ctx, "%.*s", (int)(end - v.at), v.at);
        is_given |= strcmp(at[n], format(m->ctx, "Column_%d", (int)n)) != 0;
    }
    if (n < m->n_features)
        value_fail(&v, "there are less names than features");
    if (is_given) /* otherwise LightGBM has made them up */
        m->features = (struct names){.n = n, .at = at};
}

static void read_header(struct model *m, const struct block *header)
{
    m->n_features = one_int(header, MAX_FEATURE, 0, BOOSTER_FEATURES_MAX - 1) + 1;
    m->n_scores = one_int(header, NUM_PER_ITERATION, 1, BOOSTER_SCORES_MAX);
    m->averages = header->averages;
    const int32_t n_classes = one_int(header, NUM_CLASS, 1, BOOSTER_SCORES_MAX);
    read_objective(m, header);
    if (m->objective->result == RESULT_CLASSES
            ? m->n_scores != n_classes || n_classes < 2
            : m->objective->result == RESULT_BINARY && m->n_scores != 1)
        value_fail(need(header, NUM_PER_ITERATION), "it does not fit the objective");
    read_names(m, header);
    booster_start(&m->booster, m->ctx, m->n_features, m->n_scores, 1);
    m->booster.is_exact = m->is_exact;
    m->booster.trees.decide = m->objective->decide;
    if (m->objective->decide == DECIDE_CUT)
        m->booster.trees.cut = booster_cut64(is_one, m->sigmoid);
}

/* ---- trees ----------------------------------------------------------------------------------- */

enum { TYPE_CATEGORIES = 1, TYPE_DEFAULT_LEFT = 2, TYPE_ABSENT = 4 };
enum absent { ABSENT_NEVER, ABSENT_ZERO, ABSENT_NAN };

/* The arrays of a tree with n tests, and n + 1 leaves. */
struct arrays {
    int32_t n, n_sets, n_words;
    const int32_t *feature, *type, *left, *right, *leaf_count, *test_count;
    const double *threshold, *leaf;
    const int32_t *set_from;
    const uint32_t *words;
};

static void read_sets(struct arrays *a, const struct block *b)
{
    struct value v = *need(b, CAT_BOUNDARIES);
    const int64_t most = (v.end - v.at) / 2 + 1;
    int32_t *from = NEWS(b->file->ctx, int32_t, most);
    int32_t n = 0;
    for (; skip_spaces(&v), v.at < v.end && n < most; n++)
        from[n] = (int32_t)next_int(&v, n ? from[n - 1] : 0, INT32_MAX - 1);
    if (n < 2)
        value_fail(&v, "two numbers at least are wanted");
    a->n_sets = n - 1;
    a->set_from = from;
    a->n_words = from[n - 1];
    v = *need(b, CAT_THRESHOLD);
    check_room(&v, a->n_words);
    uint32_t *words = NEWS(b->file->ctx, uint32_t, a->n_words);
    for (int32_t i = 0; i < a->n_words; i++)
        words[i] = (uint32_t)next_int(&v, 0, UINT32_MAX);
    check_end(&v, a->n_words);
    a->words = words;
}

static const int32_t *counts(const struct block *b, enum key k, int32_t n)
{
    return b->value[k].file ? some_ints(b, k, n, 0, INT32_MAX) : NULL;
}

static struct arrays read_arrays(const struct block *b)
{
    struct arrays a = {.n = one_int(b, NUM_LEAVES, 1, TENSOR_BYTES_MAX / 8) - 1};
    if (b->value[IS_LINEAR].file && one_int(b, IS_LINEAR, 0, 1))
        value_fail(&b->value[IS_LINEAR],
                   "leaves that are linear models are not supported: train without linear_tree");
    a.leaf = some_doubles(b, LEAF_VALUE, a.n + 1);
    if (a.n == 0)
        return a;
    a.feature = some_ints(b, SPLIT_FEATURE, a.n, 0, BOOSTER_FEATURES_MAX);
    a.threshold = some_doubles(b, THRESHOLD, a.n);
    a.type = some_ints(b, DECISION_TYPE, a.n, INT8_MIN, INT8_MAX);
    a.left = some_ints(b, LEFT_CHILD, a.n, ~a.n, a.n - 1);
    a.right = some_ints(b, RIGHT_CHILD, a.n, ~a.n, a.n - 1);
    a.leaf_count = counts(b, LEAF_COUNT, a.n + 1);
    a.test_count = counts(b, INTERNAL_COUNT, a.n);
    for (int32_t i = 0; i < a.n && !a.words; i++)
        if (a.type[i] & TYPE_CATEGORIES)
            read_sets(&a, b);
    return a;
}

static float category_set(struct booster *booster, const struct arrays *a, const struct block *b,
                          int32_t i)
{
    const double set = a->threshold[i];
    if (!(set >= 0 && set < a->n_sets && set == floor(set)))
        value_fail(&b->value[THRESHOLD],
                   format(b->file->ctx, "test %d is of categories, and %g is none of %d sets",
                          (int)i, set, (int)a->n_sets));
    const int32_t from = a->set_from[(int32_t)set], to = a->set_from[(int32_t)set + 1];
    return booster_set(booster, a->words + from, to - from, b->place);
}

/* LightGBM takes numbers up to 1e-35 on either side for 0 before it looks at any test, so they all
 * go where 0 goes. */
static double whole_zero(double threshold, bool is_exact)
{
    const double zero_max = (double)1e-35f;
    const double below = is_exact ? nextafter(-zero_max, -INFINITY) : (double)float_before(-1e-35f);
    if (threshold >= zero_max || threshold <= below)
        return threshold;
    return threshold >= 0 ? zero_max : below;
}

static struct booster_node test_node(struct booster *booster, const struct arrays *a,
                                     const struct block *b, int32_t i)
{
    const int32_t type = a->type[i] & 0xff;
    const enum absent absent = (enum absent)(type / TYPE_ABSENT & 3);
    struct booster_node node = {.feature = a->feature[i],
                                .left = a->left[i] < 0 ? a->n + ~a->left[i] : a->left[i],
                                .right = a->right[i] < 0 ? a->n + ~a->right[i] : a->right[i],
                                .weight = a->test_count ? (float)a->test_count[i] : 0};
    if (type & TYPE_CATEGORIES) { /* NaN is in no set */
        node.threshold = category_set(booster, a, b, i);
        node.flags = TREE_CATEGORIES;
        return node;
    }
    const double t = a->threshold[i];
    node.threshold = whole_zero(booster->is_exact ? t : (double)float_below(t), booster->is_exact);
    if (absent == ABSENT_NEVER) /* NaN counts as 0 */
        node.flags = node.threshold >= 0 ? TREE_MISSING_LEFT : 0;
    else
        node.flags = (uint8_t)((type & TYPE_DEFAULT_LEFT ? TREE_MISSING_LEFT : 0) |
                               (absent == ABSENT_ZERO ? TREE_ZERO_MISSING : 0));
    return node;
}

static void read_tree(struct model *m, const struct block *b)
{
    struct arrays a = read_arrays(b);
    const int32_t n = 2 * a.n + 1;
    struct booster_node *node = NEWS(m->ctx, struct booster_node, n);
    for (int32_t i = 0; i < a.n; i++)
        node[i] = test_node(&m->booster, &a, b, i);
    for (int32_t i = 0; i <= a.n; i++) {
        if (!isfinite(a.leaf[i]))
            value_fail(&b->value[LEAF_VALUE],
                       format(m->ctx, "leaf %d is no finite number", (int)i));
        node[a.n + i] = (struct booster_node){.feature = -1,
                                              .left = booster_value(&m->booster, &a.leaf[i]),
                                              .weight = a.leaf_count ? (float)a.leaf_count[i] : 0};
    }
    booster_tree(&m->booster, node, n, m->booster.trees.n_trees % m->n_scores,
                 format(m->ctx, "line %d: %s", b->value[NUM_LEAVES].line, b->place));
}

/* ---- the file -------------------------------------------------------------------------------- */

static void end_block(struct model *m, struct block *b, int n_blocks)
{
    if (n_blocks == 0)
        read_header(m, b);
    else
        read_tree(m, b);
}

static void read_blocks(struct model *m, struct file *f)
{
    struct block b = {.file = f, .place = "the header"};
    int n_blocks = 0;
    for (const char *at, *end; next_line(f, &at, &end);) {
        const bool is_end = is_word(at, end, "end of trees");
        if (!is_end && !starts(at, end, "Tree=")) {
            take_line(&b, at, end);
            continue;
        }
        end_block(m, &b, n_blocks++);
        if (is_end)
            return;
        b = (struct block){.file = f, .place = format(m->ctx, "tree %d", n_blocks - 1)};
    }
    fail(m->ctx, NULL,
         "line %d: the file ends within %s: its last line of trees, 'end of trees', "
         "is missing",
         f->line, b.place);
}

static struct heads heads_of(const struct model *m)
{
    const struct objective *o = m->objective;
    struct heads h = {.has_link = o->link != NO_LINK,
                      .factor = m->sigmoid,
                      .raw_factor = m->booster.trees.divisor}; /* raw scores are sums */
    if (h.has_link)
        h.link = (enum link_kind)o->link;
    if (o->result != RESULT_NUMBER) {
        h.n_labels = 1;
        h.n_classes = o->result == RESULT_BINARY ? 2 : m->n_scores;
    }
    return h;
}

static void read_file(struct ctx *ctx, const uint8_t *bytes, size_t n, bool is_exact)
{
    struct model m = {.ctx = ctx, .is_exact = is_exact};
    struct file f = {.ctx = ctx, .at = (const char *)bytes, .end = (const char *)bytes + n};
    read_blocks(&m, &f);
    struct trees *t = &m.booster.trees;
    if (t->n_trees == 0 || t->n_trees % m.n_scores)
        fail(ctx, NULL, "line %d: %d trees, which is no positive multiple of %d a round", f.line,
             (int)t->n_trees, (int)m.n_scores);
    if (m.averages)
        t->divisor = t->n_trees / m.n_scores;
    const struct heads heads = heads_of(&m);
    booster_finish(&m.booster, &m.features, &heads);
}

void read_lightgbm(struct ctx *ctx, const uint8_t *bytes, size_t n)
{
    read_file(ctx, bytes, n, false);
}

void read_lightgbm_exact(struct ctx *ctx, const uint8_t *bytes, size_t n)
{
    read_file(ctx, bytes, n, true);
}
