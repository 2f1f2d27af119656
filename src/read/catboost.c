/* SPDX-License-Identifier: Apache-2.0 */
/* catboost.c - reads a model of CatBoost, saved with format="json".
 *
 * Symmetric trees become one `oblivious` node, those of other grow policies one of `trees`. Scores
 * are sums in float64 from 0 on, times the model's scale, plus its bias. Only numeric features can
 * be tested: what CatBoost makes of categories, texts and embeddings needs its own tables and
 * hashes. */
#include <math.h>
#include <string.h>

#include "read/booster.h"
#include "read/json.h"

/* ---- losses ---------------------------------------------------------------------------------- */

enum result { RESULT_NUMBER, RESULT_BINARY, RESULT_CLASSES, RESULT_LABELS };
enum { NO_LINK = -1 };

/* What CatBoost's classes in Python give to a model of the loss by predict(). */
static const struct loss {
    const char *name;
    enum result result;
    int link; /* enum link_kind */
} losses[] = {
    {"Logloss", RESULT_BINARY, LINK_LOGISTIC_PAIR},
    {"CrossEntropy", RESULT_BINARY, LINK_LOGISTIC_PAIR},
    {"MultiClass", RESULT_CLASSES, LINK_SOFTMAX},
    {"MultiClassOneVsAll", RESULT_CLASSES, LINK_LOGISTIC},
    {"MultiLogloss", RESULT_LABELS, LINK_LOGISTIC},
    {"MultiCrossEntropy", RESULT_LABELS, LINK_LOGISTIC},
    {"Poisson", RESULT_NUMBER, LINK_EXP},
    {"Tweedie", RESULT_NUMBER, LINK_EXP},
    {"RMSE", RESULT_NUMBER, NO_LINK},
    {"MultiRMSE", RESULT_NUMBER, NO_LINK},
    {"MAE", RESULT_NUMBER, NO_LINK},
    {"MAPE", RESULT_NUMBER, NO_LINK},
    {"Quantile", RESULT_NUMBER, NO_LINK},
    {"MultiQuantile", RESULT_NUMBER, NO_LINK},
    {"LogLinQuantile", RESULT_NUMBER, NO_LINK},
    {"Huber", RESULT_NUMBER, NO_LINK},
    {"Expectile", RESULT_NUMBER, NO_LINK},
    {"Lq", RESULT_NUMBER, NO_LINK},
    {"LogCosh", RESULT_NUMBER, NO_LINK},
    {"PairLogit", RESULT_NUMBER, NO_LINK},
    {"PairLogitPairwise", RESULT_NUMBER, NO_LINK},
    {"YetiRank", RESULT_NUMBER, NO_LINK},
    {"YetiRankPairwise", RESULT_NUMBER, NO_LINK},
    {"LambdaMart", RESULT_NUMBER, NO_LINK},
    {"StochasticRank", RESULT_NUMBER, NO_LINK},
    {"QueryRMSE", RESULT_NUMBER, NO_LINK},
    {"QuerySoftMax", RESULT_NUMBER, NO_LINK},
};

/* ---- the model ------------------------------------------------------------------------------- */

struct column {
    bool is_known;
    int32_t flat;    /* of the input */
    bool nan_is_top; /* NaN is above all borders, not below */
};

struct model {
    struct ctx *ctx;
    const struct loss *loss;
    int32_t n_features, n_columns; /* columns: numeric features, by their number among these */
    struct column *column;
    struct names features;
    struct names classes; /* n 0: 0 and 1 */
    int32_t width;        /* scores */
    double scale, cut;
    double *bias;
};

static void read_loss(struct model *m, const struct json *info)
{
    const struct json params = json_get(info, "params");
    const struct json loss = json_get(&params, "loss_function");
    const struct json type = json_get(&loss, "type");
    const char *name = json_text(&type);
    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++)
        if (!strcmp(losses[i].name, name))
            m->loss = &losses[i];
    if (!m->loss)
        json_fail(&type, "the loss \"%.60s\" is not supported; docs/models.md lists what is", name);
}

/* A class as CatBoost prints it; true: it is an integer, *value. */
static bool class_name(const struct json *v, const char **name, int32_t *value)
{
    if (json_is_string(v->at)) {
        *name = json_text(v);
        return false;
    }
    if (json_is_boolean(v->at)) {
        *name = json_is_true(v->at) ? "True" : "False";
        return false;
    }
    const double x = json_number(v);
    *name = format(v->ctx, "%.17g", x);
    if (!(x > INT32_MIN && x < INT32_MAX) || x != floor(x))
        return false;
    *value = (int32_t)x;
    return true;
}

static void read_classes(struct model *m, const struct json *info)
{
    struct json params, names;
    if (!json_find(info, "class_params", &params) || !json_find(&params, "class_names", &names))
        return;
    const int32_t n = (int32_t)json_length(&names);
    if (n == 0)
        return;
    const char **at = NEWS(m->ctx, const char *, n);
    int32_t *value = NEWS(m->ctx, int32_t, n);
    bool all_integers = true, all_in_turn = true;
    for (int32_t i = 0; i < n; i++) {
        const struct json v = json_item(&names, (size_t)i);
        all_integers = class_name(&v, &at[i], &value[i]) && all_integers;
        all_in_turn = all_in_turn && value[i] == i;
    }
    m->classes = (struct names){.n = n, .at = at};
    if (all_integers && !all_in_turn)
        m->classes.value = value;
}

/* The label is 1 where the score is above the logit of a probability, 1/2 unless it has been
 * set. */
static void read_cut(struct model *m, const struct json *info)
{
    struct json v;
    double p = 0.5;
    if (json_find(info, "binclass_probability_threshold", &v))
        p = json_is_string(v.at) ? json_number_text(&v) : json_number(&v);
    if (!(p > 0 && p < 1))
        json_fail(&v, "a probability is wanted here, and %g is none", p);
    m->cut = nextafter(-log(1 / p - 1), INFINITY);
}

static void read_columns(struct model *m, const struct json *features)
{
    static const char *const kinds[] = {"float_features", "categorical_features", "text_features",
                                        "embedding_features"};
    enum { KINDS = sizeof kinds / sizeof *kinds };
    struct json list[KINDS];
    m->column = NULL;
    for (int k = 0; k < KINDS; k++) {
        if (!json_find(features, kinds[k], &list[k]))
            continue;
        for (size_t i = 0; i < json_length(&list[k]); i++) {
            const struct json feature = json_item(&list[k], i);
            const struct json v = json_get(&feature, "flat_feature_index");
            const int32_t flat = (int32_t)json_int(&v, 0, BOOSTER_FEATURES_MAX - 1);
            m->n_features = flat >= m->n_features ? flat + 1 : m->n_features;
        }
    }
    if (!list[0].at || m->n_features == 0)
        json_fail(features, "the model has no numeric features");
    m->n_columns = (int32_t)json_length(&list[0]);
    m->column = NEWS(m->ctx, struct column, m->n_columns);
    for (size_t i = 0; i < (size_t)m->n_columns; i++) {
        const struct json feature = json_item(&list[0], i);
        const struct json number = json_get(&feature, "feature_index");
        const struct json flat = json_get(&feature, "flat_feature_index");
        struct column *c = &m->column[json_int(&number, 0, m->n_columns - 1)];
        if (c->is_known)
            json_fail(&number, "two features have this number");
        *c = (struct column){true, (int32_t)json_int(&flat, 0, m->n_features - 1), false};
        struct json nan;
        if (json_find(&feature, "nan_value_treatment", &nan))
            c->nan_is_top = !strcmp(json_text(&nan), "AsTrue");
    }
}

static void read_names(struct model *m, const struct json *features)
{
    const char **at = NEWS(m->ctx, const char *, m->n_features);
    bool any = false;
    const struct json list = json_get(features, "float_features");
    for (size_t i = 0; i < (size_t)m->n_columns; i++) {
        const struct json feature = json_item(&list, i);
        const struct json flat = json_get(&feature, "flat_feature_index");
        struct json name;
        if (!json_find(&feature, "feature_id", &name) || !*json_text(&name))
            continue;
        at[json_int(&flat, 0, m->n_features - 1)] = json_text(&name);
        any = true;
    }
    for (int32_t i = 0; i < m->n_features; i++)
        if (!at[i])
            at[i] = format(m->ctx, "%d", (int)i);
    if (any)
        m->features = (struct names){.n = m->n_features, .at = at};
}

/* [scale, [bias, ...]], or [scale, bias] as versions before 0.25 write it. */
static void read_scale(struct model *m, const struct json *file)
{
    m->scale = 1;
    m->bias = NEWS(m->ctx, double, m->width);
    struct json pair;
    if (!json_find(file, "scale_and_bias", &pair))
        return;
    const struct json scale = json_item(&pair, 0), bias = json_item(&pair, 1);
    m->scale = json_number(&scale);
    if (!(m->scale > 0) || !isfinite(m->scale))
        json_fail(&scale, "a scale of %g; it must be positive", m->scale);
    const bool is_list = json_is_array(bias.at);
    const size_t n = is_list ? json_length(&bias) : 1;
    if (n != 0 && n != (size_t)m->width && !(n == 1 && !is_list))
        json_fail(&bias, "there are %zu numbers for %d scores", n, (int)m->width);
    for (size_t i = 0; i < (size_t)m->width && n > 0; i++) {
        const struct json v = is_list ? json_item(&bias, i) : bias;
        m->bias[i] = json_number(&v);
        if (!isfinite(m->bias[i]))
            json_fail(&v, "a bias that is not finite");
    }
}

/* ---- tests ----------------------------------------------------------------------------------- */

struct test {
    const struct column *column;
    float border;
};

static struct test read_test(const struct model *m, const struct json *split)
{
    struct json type;
    if (json_find(split, "split_type", &type) && strcmp(json_text(&type), "FloatFeature"))
        json_fail(&type,
                  "a test of the kind \"%.40s\" is not supported: train on numbers alone, or "
                  "encode categories before the model",
                  json_text(&type));
    const struct json number = json_get(split, "float_feature_index");
    const struct json border = json_get(split, "border");
    const struct column *c = &m->column[json_int(&number, 0, m->n_columns - 1)];
    if (!c->is_known)
        json_fail(&number, "features_info does not list this feature");
    return (struct test){c, json_float32(&border)};
}

static double read_finite(const struct json *v)
{
    const double x = json_number(v);
    if (!isfinite(x))
        json_fail(v, "a leaf that is not finite");
    return x;
}

/* ---- symmetric trees ------------------------------------------------------------------------- */

enum { DEPTH_MAX = 16 };

struct arrays {
    int32_t n_trees, n_tests, n_leaves;
    int32_t *depth, *feature;
    float *border;
    double *value;
    uint8_t *missing;
    bool any_missing;
};

static size_t n_splits(const struct json *tree)
{
    struct json splits;
    const size_t n = json_find(tree, "splits", &splits) ? json_length(&splits) : 0;
    if (n > DEPTH_MAX)
        json_fail(&splits, "a tree of depth %zu; at most %d is supported", n, DEPTH_MAX);
    return n;
}

/* How many tests and leaves there are, and scores: numbers of a leaf. */
static void count(struct model *m, const struct json *trees, struct arrays *a)
{
    int64_t tests = 0, leaves = 0;
    a->n_trees = (int32_t)json_length(trees);
    for (size_t i = 0; i < (size_t)a->n_trees; i++) {
        const struct json tree = json_item(trees, i);
        const struct json values = json_get(&tree, "leaf_values");
        const size_t n = json_length(&values), depth = n_splits(&tree),
                     of_tree = (size_t)1 << depth;
        if (i == 0)
            m->width = n / of_tree <= BOOSTER_SCORES_MAX ? (int32_t)(n / of_tree) : 0;
        if (m->width < 1 || n != of_tree * (size_t)m->width)
            json_fail(&values, "there are %zu numbers for %zu leaves of %d", n, of_tree,
                      (int)m->width);
        tests += (int64_t)depth;
        leaves += (int64_t)of_tree;
    }
    if (leaves * m->width > TENSOR_BYTES_MAX / 8 || tests > TENSOR_BYTES_MAX / 8)
        json_fail(trees, "%lld leaves are more than can be read", (long long)leaves);
    a->n_tests = (int32_t)tests;
    a->n_leaves = (int32_t)leaves;
}

static struct arrays read_symmetric(struct model *m, const struct json *trees)
{
    struct arrays a = {0};
    count(m, trees, &a);
    a.depth = NEWS(m->ctx, int32_t, a.n_trees);
    a.feature = NEWS(m->ctx, int32_t, a.n_tests);
    a.border = NEWS(m->ctx, float, a.n_tests);
    a.missing = NEWS(m->ctx, uint8_t, a.n_tests);
    a.value = NEWS(m->ctx, double, (int64_t)a.n_leaves * m->width);
    int64_t test = 0, value = 0;
    for (size_t i = 0; i < (size_t)a.n_trees; i++) {
        const struct json tree = json_item(trees, i);
        const struct json values = json_get(&tree, "leaf_values");
        const size_t depth = n_splits(&tree);
        a.depth[i] = (int32_t)depth;
        for (size_t k = 0; k < depth; k++, test++) {
            const struct json splits = json_get(&tree, "splits"), split = json_item(&splits, k);
            const struct test t = read_test(m, &split);
            a.feature[test] = t.column->flat;
            a.border[test] = t.border;
            a.missing[test] = t.column->nan_is_top;
            a.any_missing |= t.column->nan_is_top;
        }
        for (size_t k = 0; k < json_length(&values); k++) {
            const struct json v = json_item(&values, k);
            a.value[value++] = read_finite(&v);
        }
    }
    return a;
}

static struct tensor *constant(struct ctx *ctx, struct graph *g, const char *name, enum dtype type,
                               int64_t n, int32_t width, const void *data)
{
    const int32_t dim[] = {(int32_t)n, width};
    struct tensor *t = graph_add_tensor(ctx, g, name, type, width ? 2 : 1, dim);
    t->data = data;
    return t;
}

static void add_oblivious(struct model *m, const struct arrays *a, const struct heads *heads)
{
    enum { N_IN = 8 };
    struct ctx *ctx = m->ctx;
    struct graph *g = booster_graph(ctx, m->n_features, &m->features);
    double *numbers = NEWS(ctx, double, 2);
    numbers[0] = m->scale;
    numbers[1] = m->cut;
    struct tensor *in[N_IN] = {
        g->input[0],
        constant(ctx, g, "depth", DTYPE_INT32, a->n_trees, 0, a->depth),
        constant(ctx, g, "feature", DTYPE_INT32, a->n_tests, 0, a->feature),
        constant(ctx, g, "border", DTYPE_FLOAT32, a->n_tests, 0, a->border),
        constant(ctx, g, "value", DTYPE_FLOAT64, a->n_leaves, m->width, a->value),
        constant(ctx, g, "base", DTYPE_FLOAT64, m->width, 0, m->bias),
        constant(ctx, g, "numbers", DTYPE_FLOAT64, 2, 0, numbers)};
    if (a->any_missing)
        in[N_IN - 1] = constant(ctx, g, "missing", DTYPE_UINT8, a->n_tests, 0, a->missing);
    struct tensor *out[2] = {NULL, NULL};
    const bool has_cut = heads->n_labels > 1 || m->loss->result == RESULT_BINARY;
    for (int gives = heads->n_labels ? GIVES_LABEL : GIVES_SCORES; gives <= GIVES_SCORES; gives++) {
        const char *name = gives == GIVES_LABEL ? "label" : "scores";
        struct node *n = graph_add_node(ctx, g, name, op_table[OP_oblivious],
                                        N_IN - !a->any_missing, 1);
        memcpy(n->in, in, (size_t)n->n_in * sizeof *in);
        struct attr_oblivious *attr = n->attr;
        *attr = (struct attr_oblivious){gives, has_cut ? DECIDE_CUT : DECIDE_ARGMAX};
        const int32_t label[] = {heads->n_labels}, scores[] = {1, m->width};
        n->out[0] = gives == GIVES_LABEL ? graph_add_tensor(ctx, g, name, DTYPE_INT32, 1, label)
                                         : graph_add_tensor(ctx, g, name, DTYPE_FLOAT64, 2, scores);
        n->out[0]->maker = n;
        out[gives] = n->out[0];
    }
    booster_heads(ctx, g, heads, out[GIVES_LABEL], out[GIVES_SCORES]);
}

/* ---- other trees ----------------------------------------------------------------------------- */

/* A tree is an object that has others in it, as deep as the parser lets them be. */
struct pending {
    struct json *at; /* in memory of its own: what is in it refers to it */
    int32_t node;
    struct pending *next;
};

struct grown {
    struct model *m;
    struct booster booster;
    struct booster_node *node;
    int32_t n_nodes, room;
    double *leaf;
};

static int32_t add_node(struct grown *g)
{
    if (g->n_nodes == g->room) {
        const int32_t room = g->room ? g->room * 2 : 64;
        struct booster_node *fresh = NEWS(g->m->ctx, struct booster_node, room);
        if (g->n_nodes)
            memcpy(fresh, g->node, (size_t)g->n_nodes * sizeof *fresh);
        g->node = fresh;
        g->room = room;
    }
    g->node[g->n_nodes] = (struct booster_node){.feature = -1};
    return g->n_nodes++;
}

static void read_leaf(struct grown *g, const struct json *at, struct booster_node *node)
{
    const struct json value = json_get(at, "value");
    const int32_t width = g->m->width;
    const bool is_list = json_is_array(value.at);
    if ((is_list ? json_length(&value) : 1) != (size_t)width)
        json_fail(&value, "a leaf of other than %d numbers", (int)width);
    for (int32_t i = 0; i < width; i++) {
        const struct json v = is_list ? json_item(&value, (size_t)i) : value;
        g->leaf[i] = read_finite(&v);
    }
    node->left = booster_value(&g->booster, g->leaf);
    struct json weight;
    if (json_find(at, "weight", &weight))
        node->weight = json_float32(&weight);
}

static struct pending *push(struct grown *g, const struct json *at, const char *side,
                            struct pending *next)
{
    struct pending *p = NEW(g->m->ctx, struct pending);
    p->at = NEW(g->m->ctx, struct json);
    *p->at = json_get(at, side);
    p->node = add_node(g);
    p->next = next;
    return p;
}

static void read_nodes(struct grown *g, const struct json *tree)
{
    struct pending *todo = &(struct pending){(struct json *)tree, add_node(g), NULL};
    while (todo) {
        const struct pending *p = todo;
        struct json split;
        todo = p->next;
        if (!json_find(p->at, "split", &split)) {
            read_leaf(g, p->at, &g->node[p->node]);
            continue;
        }
        const struct test t = read_test(g->m, &split);
        todo = push(g, p->at, "right", todo);
        const int32_t right = todo->node;
        todo = push(g, p->at, "left", todo);
        g->node[p->node] = (struct booster_node){.feature = t.column->flat,
                                                 .left = todo->node,
                                                 .right = right,
                                                 .threshold = t.border,
                                                 .flags = t.column->nan_is_top ? 0
                                                                               : TREE_MISSING_LEFT};
    }
    for (int32_t i = g->n_nodes; i-- > 0;)
        if (g->node[i].feature >= 0)
            g->node[i].weight = g->node[g->node[i].left].weight + g->node[g->node[i].right].weight;
}

/* Numbers of the first leaf that is found. */
static int32_t leaf_width(const struct json *tree)
{
    struct json at = *tree, left, value;
    while (json_find(&at, "left", &left))
        at = (struct json){tree->ctx, left.at, tree, "left", 0};
    if (!json_find(&at, "value", &value))
        json_fail(tree, "its leaf on the left has no value");
    const size_t n = json_is_array(value.at) ? json_length(&value) : 1;
    if (n < 1 || n > BOOSTER_SCORES_MAX)
        json_fail(tree, "leaves of %zu numbers", n);
    return (int32_t)n;
}

/* The bias is added last: as a tree of one leaf. */
static void add_bias(struct grown *g)
{
    bool any = false;
    for (int32_t i = 0; i < g->m->width; i++)
        any = any || g->m->bias[i] != 0;
    if (!any)
        return;
    const struct booster_node leaf = {.feature = -1,
                                      .left = booster_value(&g->booster, g->m->bias)};
    booster_tree(&g->booster, &leaf, 1, 0, "scale_and_bias");
}

static void add_trees(struct model *m, const struct json *file, const struct json *trees,
                      const struct heads *heads)
{
    struct grown g = {.m = m, .leaf = NEWS(m->ctx, double, m->width)};
    if (m->scale != 1)
        json_fail(file,
                  "scale_and_bias: a scale other than 1 is supported of symmetric trees only");
    booster_start(&g.booster, m->ctx, m->n_features, m->width, m->width);
    const bool has_cut = heads->n_labels > 1 || m->loss->result == RESULT_BINARY;
    g.booster.trees.decide = has_cut ? DECIDE_CUT : DECIDE_ARGMAX;
    g.booster.trees.cut = has_cut ? m->cut : 0;
    for (size_t i = 0; i < json_length(trees); i++) {
        const struct json tree = json_item(trees, i);
        g.n_nodes = 0;
        read_nodes(&g, &tree);
        booster_tree(&g.booster, g.node, g.n_nodes, 0, json_path(&tree));
    }
    add_bias(&g);
    booster_finish(&g.booster, &m->features, heads);
}

/* ---- the file -------------------------------------------------------------------------------- */

static struct heads heads_of(const struct model *m, const struct json *file)
{
    const struct loss *loss = m->loss;
    struct heads h = {.has_link = loss->link != NO_LINK};
    if (h.has_link)
        h.link = (enum link_kind)loss->link;
    if (loss->result == RESULT_NUMBER)
        return h;
    h.n_labels = loss->result == RESULT_LABELS ? m->width : 1;
    h.n_classes = loss->result == RESULT_CLASSES ? m->width : 2;
    if (loss->result == RESULT_BINARY ? m->width != 1 : m->width < 2)
        json_fail(file, "leaves of %d numbers do not fit the loss %s", (int)m->width, loss->name);
    if (m->classes.n && loss->result != RESULT_LABELS) {
        if (m->classes.n != h.n_classes)
            json_fail(file, "model_info.class_params: there are %d names of %d classes",
                      m->classes.n, (int)h.n_classes);
        h.classes = &m->classes;
    }
    return h;
}

void read_catboost(const struct json *file)
{
    struct model m = {.ctx = file->ctx};
    const struct json info = json_get(file, "model_info");
    const struct json features = json_get(file, "features_info");
    read_loss(&m, &info);
    read_classes(&m, &info);
    read_cut(&m, &info);
    read_columns(&m, &features);
    read_names(&m, &features);
    struct json trees;
    const bool symmetric = json_find(file, "oblivious_trees", &trees);
    if (!symmetric)
        trees = json_get(file, "trees");
    if (json_length(&trees) == 0)
        json_fail(&trees, "the model has no trees");
    if (symmetric) {
        const struct arrays a = read_symmetric(&m, &trees);
        read_scale(&m, file);
        const struct heads heads = heads_of(&m, file);
        add_oblivious(&m, &a, &heads);
    } else {
        const struct json first = json_item(&trees, 0);
        m.width = leaf_width(&first);
        read_scale(&m, file);
        const struct heads heads = heads_of(&m, file);
        add_trees(&m, file, &trees, &heads);
    }
}
