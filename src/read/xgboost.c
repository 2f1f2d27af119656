/* SPDX-License-Identifier: Apache-2.0 */
/* xgboost.c - reads a model of XGBoost, saved as JSON by any version since 1.0.
 *
 * Numbers are float32 throughout: a margin starts as the base score, which the objective turns into
 * a margin, and the trees' leaves are added in their order. A row goes left at x < threshold; a set
 * of categories holds those that go right. What the file says is taken as XGBoost 3 takes it when
 * it predicts with all trees of the file. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "read/booster.h"
#include "read/json.h"

/* ---- objectives ------------------------------------------------------------------------------ */

enum base { BASE_AS_IT_IS, BASE_LOGIT, BASE_LOG };
enum result { RESULT_NUMBER, RESULT_BINARY, RESULT_CLASSES };
enum { NO_LINK = -1 };

struct objective {
    const char *name;
    enum base base; /* from the base score to the margin */
    enum result result;
    enum decide decide;
    int link;                /* enum link_kind, of the margins to results or probabilities */
    bool (*is_one)(float x); /* the label that Python's classifier gives to a margin */
};

static bool is_half(float x)
{
    return 1.0f / (1.0f + expf(-x)) > 0.5f;
}

static bool is_above_half(float x)
{
    return x > 0.5f;
}

static bool is_positive(float x)
{
    return x > 0;
}

static const struct objective objectives[] = {
    {"binary:logistic", BASE_LOGIT, RESULT_BINARY, DECIDE_CUT, LINK_LOGISTIC_PAIR, is_half},
    {"binary:logitraw", BASE_AS_IT_IS, RESULT_BINARY, DECIDE_CUT, NO_LINK, is_above_half},
    {"binary:hinge", BASE_AS_IT_IS, RESULT_BINARY, DECIDE_CUT, NO_LINK, is_positive},
    {"multi:softprob", BASE_AS_IT_IS, RESULT_CLASSES, DECIDE_SOFTMAX, LINK_SOFTMAX, NULL},
    {"multi:softmax", BASE_AS_IT_IS, RESULT_CLASSES, DECIDE_ARGMAX, LINK_SOFTMAX, NULL},
    {"reg:logistic", BASE_LOGIT, RESULT_NUMBER, DECIDE_ARGMAX, LINK_LOGISTIC, NULL},
    {"count:poisson", BASE_LOG, RESULT_NUMBER, DECIDE_ARGMAX, LINK_EXP, NULL},
    {"reg:gamma", BASE_LOG, RESULT_NUMBER, DECIDE_ARGMAX, LINK_EXP, NULL},
    {"reg:tweedie", BASE_LOG, RESULT_NUMBER, DECIDE_ARGMAX, LINK_EXP, NULL},
    {"survival:cox", BASE_LOG, RESULT_NUMBER, DECIDE_ARGMAX, LINK_EXP, NULL},
    {"survival:aft", BASE_LOG, RESULT_NUMBER, DECIDE_ARGMAX, LINK_EXP, NULL},
    {"reg:squarederror", BASE_AS_IT_IS, RESULT_NUMBER, DECIDE_ARGMAX, NO_LINK, NULL},
    {"reg:linear", BASE_AS_IT_IS, RESULT_NUMBER, DECIDE_ARGMAX, NO_LINK, NULL},
    {"reg:squaredlogerror", BASE_AS_IT_IS, RESULT_NUMBER, DECIDE_ARGMAX, NO_LINK, NULL},
    {"reg:absoluteerror", BASE_AS_IT_IS, RESULT_NUMBER, DECIDE_ARGMAX, NO_LINK, NULL},
    {"reg:pseudohubererror", BASE_AS_IT_IS, RESULT_NUMBER, DECIDE_ARGMAX, NO_LINK, NULL},
    {"reg:quantileerror", BASE_AS_IT_IS, RESULT_NUMBER, DECIDE_ARGMAX, NO_LINK, NULL},
    {"rank:pairwise", BASE_AS_IT_IS, RESULT_NUMBER, DECIDE_ARGMAX, NO_LINK, NULL},
    {"rank:ndcg", BASE_AS_IT_IS, RESULT_NUMBER, DECIDE_ARGMAX, NO_LINK, NULL},
    {"rank:map", BASE_AS_IT_IS, RESULT_NUMBER, DECIDE_ARGMAX, NO_LINK, NULL},
};

static const struct objective *find_objective(const struct json *learner)
{
    const struct json objective = json_get(learner, "objective");
    const struct json name = json_get(&objective, "name");
    const char *wanted = json_text(&name);
    for (size_t i = 0; i < sizeof objectives / sizeof *objectives; i++)
        if (!strcmp(objectives[i].name, wanted))
            return &objectives[i];
    json_fail(&name, "the objective \"%.60s\" is not supported; docs/models.md lists what is",
              wanted);
}

/* ---- the learner ----------------------------------------------------------------------------- */

struct model {
    struct ctx *ctx;
    const struct objective *objective;
    int32_t n_features, n_groups; /* groups: margins */
    struct names features;
    float *base;  /* of each margin */
    double *leaf; /* room for one */
    struct booster booster;
};

static float base_margin(const struct json *place, enum base base, float score)
{
    if (base == BASE_AS_IT_IS)
        return score;
    if (!(score > 0) || (base == BASE_LOGIT && !(score < 1)))
        json_fail(place, "the base score %g has no %s", (double)score,
                  base == BASE_LOG ? "logarithm" : "margin, which only those between 0 and 1 have");
    return base == BASE_LOG ? logf(score) : -logf(1.0f / score - 1.0f);
}

/* "5E-1" for all margins, or since version 3.1 "[4.8E-1,2E-1]", one for each. */
static void read_base(struct model *m, const struct json *params)
{
    const struct json v = json_get(params, "base_score");
    const char *at = json_text(&v);
    const bool is_list = *at == '[';
    at += is_list;
    m->base = NEWS(m->ctx, float, m->n_groups);
    int32_t n = 0;
    for (;; n++) {
        char *end;
        const float score = strtof(at, &end);
        if (end == at || !isfinite(score) || n == m->n_groups)
            break;
        m->base[n] = base_margin(&v, m->objective->base, score);
        at = end;
        if (*at != ',' || !is_list)
            break;
        at++;
    }
    if (strcmp(at, is_list ? "]" : "") || n + 1 > m->n_groups || (n > 0 && n + 1 < m->n_groups))
        json_fail(&v, "\"%.40s\" is neither a number nor a list of %d", json_text(&v),
                  (int)m->n_groups);
    for (int32_t i = 1; n == 0 && i < m->n_groups; i++)
        m->base[i] = m->base[0];
}

static int32_t int_param(const struct json *params, const char *key, int32_t otherwise,
                         int32_t high)
{
    struct json v;
    return json_find(params, key, &v) ? (int32_t)json_int_text(&v, 0, high) : otherwise;
}

static void read_learner(struct model *m, const struct json *learner)
{
    const struct json params = json_get(learner, "learner_model_param");
    m->objective = find_objective(learner);
    m->n_features = int_param(&params, "num_feature", 0, BOOSTER_FEATURES_MAX);
    if (m->n_features < 1)
        json_fail(&params, "the model has no features");
    const int32_t n_classes = int_param(&params, "num_class", 0, BOOSTER_SCORES_MAX);
    const int32_t n_targets = int_param(&params, "num_target", 1, BOOSTER_SCORES_MAX);
    const bool has_classes = m->objective->result == RESULT_CLASSES;
    if (has_classes ? n_classes < 2 || n_targets > 1 : n_classes > 1)
        json_fail(&params, "%d classes and %d targets do not fit the objective %s", (int)n_classes,
                  (int)n_targets, m->objective->name);
    m->n_groups = has_classes ? n_classes : n_targets > 1 ? n_targets : 1;
    read_base(m, &params);

    struct json names;
    if (!json_find(learner, "feature_names", &names) || json_length(&names) == 0)
        return;
    const size_t n = json_length(&names);
    if (n != (size_t)m->n_features)
        json_fail(&names, "there are %zu names for %d features", n, (int)m->n_features);
    const char **at = NEWS(m->ctx, const char *, n);
    for (size_t i = 0; i < n; i++) {
        const struct json name = json_item(&names, i);
        at[i] = json_text(&name);
    }
    m->features = (struct names){.n = m->n_features, .at = at};
}

/* ---- trees ----------------------------------------------------------------------------------- */

/* The arrays of one tree. */
struct arrays {
    const struct json *tree;
    int32_t n;
    const int32_t *left, *right, *feature, *default_left, *split_type;
    const float *condition, *hessian;
    int32_t n_sets, n_categories;
    const int32_t *set_node, *set_from, *set_size, *category;
};

static const int32_t *ints(const struct json *tree, const char *key, size_t n, int64_t low,
                           int64_t high)
{
    const struct json v = json_get(tree, key);
    return json_ints(&v, n, low, high);
}

/* Versions before 1.3 know no categories, and those before 1.6 write the arrays empty. */
static void read_categories(struct arrays *a)
{
    struct json v;
    if (!json_find(a->tree, "categories_nodes", &v) || json_length(&v) == 0)
        return;
    const size_t n = json_length(&v);
    a->n_sets = (int32_t)n;
    a->set_node = json_ints(&v, n, 0, a->n - 1);
    const struct json all = json_get(a->tree, "categories");
    a->n_categories = (int32_t)json_length(&all);
    a->category = json_ints(&all, (size_t)a->n_categories, 0, BOOSTER_CATEGORY_MAX);
    a->set_from = ints(a->tree, "categories_segments", n, 0, a->n_categories);
    a->set_size = ints(a->tree, "categories_sizes", n, 0, a->n_categories);
}

static struct arrays read_arrays(const struct json *tree)
{
    struct arrays a = {.tree = tree};
    struct json v = json_get(tree, "left_children");
    const size_t n = json_length(&v);
    if (n < 1 || n > TENSOR_BYTES_MAX)
        json_fail(&v, "a tree of %zu nodes", n);
    a.n = (int32_t)n;
    a.left = json_ints(&v, n, -1, a.n - 1);
    a.right = ints(tree, "right_children", n, -1, a.n - 1);
    a.feature = ints(tree, "split_indices", n, 0, INT32_MAX);
    a.default_left = ints(tree, "default_left", n, 0, 1);
    v = json_get(tree, "split_conditions");
    a.condition = json_floats(&v, n);
    if (json_find(tree, "sum_hessian", &v) && json_length(&v) > 0)
        a.hessian = json_floats(&v, n);
    if (json_find(tree, "split_type", &v) && json_length(&v) > 0)
        a.split_type = json_ints(&v, n, 0, 1);
    read_categories(&a);
    return a;
}

/* A set of the categories that go right at node i. */
static float read_set(struct model *m, const struct arrays *a, int32_t i, int32_t *cursor,
                      bool *has_zero)
{
    const int32_t from_here = *cursor;
    while (a->n_sets > 0 && a->set_node[*cursor] != i) {
        *cursor = (*cursor + 1) % a->n_sets; /* they stand in the order of the nodes */
        if (*cursor == from_here)
            break;
    }
    if (a->n_sets == 0 || a->set_node[*cursor] != i)
        json_fail(a->tree, "node %d tests categories, and categories_nodes does not list it",
                  (int)i);
    const int32_t from = a->set_from[*cursor], size = a->set_size[*cursor];
    if (size > a->n_categories - from)
        json_fail(a->tree, "the categories of node %d are more than there are", (int)i);
    int32_t most = 0;
    for (int32_t k = 0; k < size; k++)
        most = a->category[from + k] > most ? a->category[from + k] : most;
    const int32_t words = size ? most / 32 + 1 : 0;
    uint32_t *set = NEWS(m->ctx, uint32_t, words);
    for (int32_t k = 0; k < size; k++)
        set[a->category[from + k] / 32] |= UINT32_C(1) << a->category[from + k] % 32;
    *has_zero = words > 0 && (set[0] & 1);
    return booster_set(&m->booster, set, words, json_path(a->tree));
}

static struct booster_node test_node(struct model *m, const struct arrays *a, int32_t i,
                                     int32_t *cursor)
{
    const bool missing_left = a->default_left[i] != 0;
    struct booster_node node = {.feature = a->feature[i],
                                .left = a->left[i],
                                .right = a->right[i],
                                .weight = a->hessian ? a->hessian[i] : 0};
    if (a->split_type && a->split_type[i]) { /* left and right change places */
        bool has_zero;
        node.threshold = read_set(m, a, i, cursor, &has_zero);
        node.left = a->right[i];
        node.right = a->left[i];
        node.flags = (uint8_t)(TREE_CATEGORIES | (missing_left ? 0 : TREE_MISSING_LEFT) |
                               (has_zero ? TREE_ROUND_DOWN : 0));
        return node;
    }
    if (isnan(a->condition[i]))
        json_fail(a->tree, "split_conditions[%d] is no number", (int)i);
    node.threshold = float_before(a->condition[i]);
    node.flags = missing_left ? TREE_MISSING_LEFT : 0;
    return node;
}

/* Leaves of several numbers stand apart, numbered by right_children, or in version 2 among the
 * weights of all nodes. */
static const float *leaf_vectors(const struct arrays *a, int32_t width, int32_t *n_vectors)
{
    struct json v;
    const bool has_leaves = json_find(a->tree, "leaf_weights", &v);
    if (!has_leaves)
        v = json_get(a->tree, "base_weights");
    const size_t n = json_length(&v) / (size_t)width;
    *n_vectors = has_leaves ? (int32_t)n : -1;
    if (!has_leaves && n != (size_t)a->n)
        json_fail(&v, "there are %zu numbers for %d nodes of %d", json_length(&v), (int)a->n,
                  (int)width);
    return json_floats(&v, n * (size_t)width);
}

static int32_t add_leaf(struct model *m, const struct arrays *a, const float *value, int32_t width,
                        float drop, int32_t i)
{
    for (int32_t k = 0; k < width; k++) {
        m->leaf[k] = (double)(value[k] * drop);
        if (!isfinite(m->leaf[k]))
            json_fail(a->tree, "the leaf at node %d is no finite number", (int)i);
    }
    return booster_value(&m->booster, m->leaf);
}

static void read_tree(struct model *m, const struct json *tree, int32_t group, float drop)
{
    const struct arrays a = read_arrays(tree);
    const int32_t width = m->booster.trees.width;
    int32_t n_vectors = 0, cursor = 0;
    const float *vectors = width > 1 ? leaf_vectors(&a, width, &n_vectors) : NULL;
    struct booster_node *node = NEWS(m->ctx, struct booster_node, a.n);
    for (int32_t i = 0; i < a.n; i++) {
        if (a.left[i] >= 0) {
            node[i] = test_node(m, &a, i, &cursor);
            continue;
        }
        const int32_t at = n_vectors < 0 ? i : a.right[i];
        if (vectors && n_vectors >= 0 && (at < 0 || at >= n_vectors))
            json_fail(tree, "the leaf at node %d has value %d of %d", (int)i, (int)at,
                      (int)n_vectors);
        const float *value = vectors ? vectors + (ptrdiff_t)at * width : &a.condition[i];
        node[i].feature = -1;
        node[i].weight = a.hessian ? a.hessian[i] : 0;
        node[i].left = add_leaf(m, &a, value, width, drop, i);
    }
    booster_tree(&m->booster, node, a.n, group, json_path(tree));
}

/* Whether all trees have leaves of several numbers; a mixture is refused. */
static int32_t leaf_width(const struct model *m, const struct json *trees)
{
    int32_t width = 0;
    for (size_t i = 0; i < json_length(trees); i++) {
        const struct json tree = json_item(trees, i);
        const struct json params = json_get(&tree, "tree_param");
        const int32_t size = int_param(&params, "size_leaf_vector", 1, BOOSTER_SCORES_MAX);
        const int32_t w = size > 1 ? size : 1; /* old versions write 0 */
        if ((width && w != width) || (w > 1 && w != m->n_groups))
            json_fail(&params, "leaves of %d numbers, in a model of %d outputs", (int)w,
                      (int)m->n_groups);
        width = w;
    }
    return width;
}

static void read_trees(struct model *m, const struct json *booster, const struct json *drops)
{
    const struct json model = json_get(booster, "model");
    const struct json trees = json_get(&model, "trees");
    const struct json info = json_get(&model, "tree_info");
    const size_t n = json_length(&trees);
    if (n == 0)
        json_fail(&trees, "the model has no trees");
    const int32_t *group = json_ints(&info, n, 0, m->n_groups - 1);
    const float *drop = drops ? json_floats(drops, n) : NULL;
    const int32_t width = leaf_width(m, &trees);
    m->leaf = NEWS(m->ctx, double, width);
    booster_start(&m->booster, m->ctx, m->n_features, m->n_groups, width);
    struct trees *t = &m->booster.trees;
    t->sums = SUMS_FLOAT32;
    t->decide = m->objective->decide;
    double *base = NEWS(m->ctx, double, m->n_groups);
    for (int32_t i = 0; i < m->n_groups; i++)
        base[i] = (double)m->base[i];
    t->base = base;
    if (m->objective->is_one)
        t->cut = (double)booster_cut32(m->objective->is_one);
    for (size_t i = 0; i < n; i++) {
        const struct json tree = json_item(&trees, i);
        read_tree(m, &tree, width > 1 ? 0 : group[i], drop ? drop[i] : 1.0f);
    }
}

static struct heads heads_of(const struct model *m)
{
    const struct objective *o = m->objective;
    struct heads h = {.has_link = o->link != NO_LINK, .is_single = true};
    if (h.has_link)
        h.link = (enum link_kind)o->link;
    if (o->result == RESULT_CLASSES) {
        h.n_labels = 1;
        h.n_classes = m->n_groups;
    } else if (o->result == RESULT_BINARY) {
        h.n_labels = m->n_groups;
        h.n_classes = 2;
        if (m->n_groups > 1)
            h.link = LINK_LOGISTIC; /* of each label the probability that it holds */
    }
    return h;
}

void read_xgboost(const struct json *file)
{
    struct model m = {.ctx = file->ctx};
    const struct json learner = json_get(file, "learner");
    read_learner(&m, &learner);
    const struct json booster = json_get(&learner, "gradient_booster");
    const struct json name = json_get(&booster, "name");
    const char *kind = json_text(&name);
    const struct heads heads = heads_of(&m);
    if (!strcmp(kind, "gbtree")) {
        read_trees(&m, &booster, NULL);
    } else if (!strcmp(kind, "dart")) {
        const struct json trees = json_get(&booster, "gbtree");
        const struct json drops = json_get(&booster, "weight_drop");
        read_trees(&m, &trees, &drops);
    } else if (!strcmp(kind, "gblinear")) {
        const bool has_cut = m.objective->is_one;
        read_xgboost_linear(&booster, m.n_features, &m.features, m.base, m.n_groups, has_cut,
                            has_cut ? booster_cut32(m.objective->is_one) : 0, &heads);
        return;
    } else {
        json_fail(&name, "the booster \"%.40s\" is not supported: gbtree, dart and gblinear are",
                  kind);
    }
    booster_finish(&m.booster, &m.features, &heads);
}
