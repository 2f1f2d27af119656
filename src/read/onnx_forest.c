/* SPDX-License-Identifier: Apache-2.0 */
/* onnx_forest.c - the attributes of tree operators, as nodes that refer to each other by number.
 *
 * The older operators list nodes with the numbers of their tree and of their own, and the weights
 * of leaves apart with the same two numbers. The newer one has tests and leaves in lists of their
 * own.
 */
#include <stdlib.h>
#include <string.h>

#include "read/onnx.h"

enum { FOREST_NODES_MAX = 1 << 24 };

static const char *const mode_names[ONNX_MODES] = {
    "BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ", "LEAF"};

/* Lists of one operator are equally long. */
static void check_length(struct onnx *o, const onnx_node *n, const char *name, size_t has,
                         size_t want)
{
    if (has != want)
        onnx_fail(o, n, "the attribute '%s' has %zu elements where %zu are needed", name, has,
                  want);
}

static const int64_t *ints(struct onnx *o, const onnx_node *n, const char *name, size_t want)
{
    size_t has;
    const int64_t *list = onnx_ints(o, n, name, &has);
    check_length(o, n, name, has, want);
    return list;
}

static const double *doubles(struct onnx *o, const onnx_node *n, const char *name, size_t want)
{
    size_t has;
    const double *list = onnx_doubles(o, n, name, &has);
    check_length(o, n, name, has, want);
    return list;
}

static struct onnx_forest *new_forest(struct onnx *o, const onnx_node *n, size_t nodes,
                                      size_t weights, int64_t n_scores)
{
    enum { SCORES_MAX = 1 << 12 };
    if (nodes == 0 || nodes > FOREST_NODES_MAX || weights > FOREST_NODES_MAX)
        onnx_fail(o, n, "it has %zu nodes and %zu weights; 1 to %d are supported", nodes, weights,
                  FOREST_NODES_MAX);
    if (n_scores < 1 || n_scores > SCORES_MAX)
        onnx_fail(o, n, "it gives %lld scores; 1 to %d are supported", (long long)n_scores,
                  SCORES_MAX);
    struct onnx_forest *f = NEW(o->ctx, struct onnx_forest);
    f->n_nodes = (int32_t)nodes;
    f->n_weights = (int32_t)weights;
    f->n_scores = (int32_t)n_scores;
    f->node = NEWS(o->ctx, struct onnx_split, nodes);
    f->weight = NEWS(o->ctx, struct onnx_weight, weights);
    f->root = NEWS(o->ctx, int32_t, nodes);
    f->is_double = onnx_source(o, n, 0)->is_double;
    return f;
}

/* ---- nodes by their two numbers -------------------------------------------------------------- */

struct node_id {
    int64_t tree, node;
    int32_t at;
};

static int compare_ids(const void *left, const void *right)
{
    const struct node_id *a = left, *b = right;
    if (a->tree != b->tree)
        return a->tree < b->tree ? -1 : 1;
    return (a->node > b->node) - (a->node < b->node);
}

struct node_ids {
    struct onnx *o;
    const onnx_node *n;
    struct node_id *id; /* sorted */
    size_t count;
};

static int32_t find_node(const struct node_ids *ids, int64_t tree, int64_t node, const char *name)
{
    const struct node_id key = {.tree = tree, .node = node};
    const struct node_id *found = bsearch(&key, ids->id, ids->count, sizeof key, compare_ids);
    if (!found)
        onnx_fail(ids->o, ids->n,
                  "the attribute '%s' names node %lld of tree %lld, which is not "
                  "there: the file is damaged",
                  name, (long long)node, (long long)tree);
    return found->at;
}

/* A tree starts at the first of its nodes in the file, and its nodes follow each other. */
static struct node_ids index_nodes(struct onnx *o, const onnx_node *n, struct onnx_forest *f,
                                   const int64_t *tree, const int64_t *node)
{
    struct node_ids ids = {o, n, NEWS(o->ctx, struct node_id, f->n_nodes), (size_t)f->n_nodes};
    for (int32_t i = 0; i < f->n_nodes; i++) {
        ids.id[i] = (struct node_id){tree[i], node[i], i};
        if (i == 0 || tree[i] != tree[i - 1])
            f->root[f->n_trees++] = i;
    }
    qsort(ids.id, ids.count, sizeof *ids.id, compare_ids);
    int32_t n_trees = 1;
    for (size_t i = 1; i < ids.count; i++) {
        const struct node_id *a = &ids.id[i - 1], *b = &ids.id[i];
        if (compare_ids(a, b) == 0)
            onnx_fail(o, n, "node %lld of tree %lld is there twice: the file is damaged",
                      (long long)b->node, (long long)b->tree);
        n_trees += a->tree != b->tree;
    }
    if (n_trees != f->n_trees)
        onnx_fail(o, n,
                  "the nodes of a tree do not follow each other in 'nodes_treeids': where "
                  "its root is cannot be said");
    return ids;
}

/* ---- TreeEnsembleClassifier and TreeEnsembleRegressor ---------------------------------------- */

static uint8_t mode_of(struct onnx *o, const onnx_node *n, ProtobufCBinaryData word, size_t at)
{
    for (uint8_t mode = 0; mode < ONNX_MODES; mode++)
        if (strlen(mode_names[mode]) == word.len && !memcmp(mode_names[mode], word.data, word.len))
            return mode;
    onnx_fail(o, n,
              "nodes_modes[%zu] is '%.*s'; supported are BRANCH_LEQ, _LT, _GTE, _GT, _EQ, "
              "_NEQ and LEAF",
              at, (int)(word.len < 40 ? word.len : 40), (const char *)word.data);
}

static void read_nodes(struct onnx *o, const onnx_node *n, struct onnx_forest *f,
                       const struct node_ids *ids, const int64_t *tree)
{
    const size_t count = (size_t)f->n_nodes;
    const onnx_attribute *modes = onnx_find(n, "nodes_modes");
    check_length(o, n, "nodes_modes", modes ? modes->n_strings : 0, count);
    const int64_t *feature = ints(o, n, "nodes_featureids", count);
    const int64_t *yes = ints(o, n, "nodes_truenodeids", count);
    const int64_t *no = ints(o, n, "nodes_falsenodeids", count);
    const double *value = doubles(o, n, "nodes_values", count);
    size_t n_missing, n_hits;
    const int64_t *missing = onnx_ints(o, n, "nodes_missing_value_tracks_true", &n_missing);
    const double *hits = onnx_doubles(o, n, "nodes_hitrates", &n_hits);
    if (n_missing)
        check_length(o, n, "nodes_missing_value_tracks_true", n_missing, count);
    if (n_hits)
        check_length(o, n, "nodes_hitrates", n_hits, count);
    for (size_t i = 0; i < count; i++) {
        struct onnx_split *s = &f->node[i];
        s->mode = mode_of(o, n, modes->strings[i], i);
        s->value = value[i];
        s->feature = feature[i];
        s->missing_yes = n_missing && missing[i] == 1;
        s->hits = n_hits ? (float)hits[i] : 0;
        if (s->mode == MODE_LEAF)
            continue;
        s->yes = find_node(ids, tree[i], yes[i], "nodes_truenodeids");
        s->no = find_node(ids, tree[i], no[i], "nodes_falsenodeids");
    }
}

/* Weights are listed in any order; those of one leaf are put together, keeping theirs. */
static void read_weights(struct onnx *o, const onnx_node *n, struct onnx_forest *f,
                         const struct node_ids *ids, const char *prefix)
{
    const size_t count = (size_t)f->n_weights;
    const char *const names[] = {
        format(o->ctx, "%s_treeids", prefix), format(o->ctx, "%s_nodeids", prefix),
        format(o->ctx, "%s_ids", prefix), format(o->ctx, "%s_weights", prefix)};
    const int64_t *tree = ints(o, n, names[0], count), *node = ints(o, n, names[1], count);
    const int64_t *score = ints(o, n, names[2], count);
    const double *weight = doubles(o, n, names[3], count);
    int32_t *leaf = NEWS(o->ctx, int32_t, count), end = 0;
    for (size_t i = 0; i < count; i++) {
        leaf[i] = find_node(ids, tree[i], node[i], names[1]);
        if (f->node[leaf[i]].mode != MODE_LEAF)
            onnx_fail(o, n, "node %lld of tree %lld has weights and is no leaf", (long long)node[i],
                      (long long)tree[i]);
        if (score[i] < 0 || score[i] >= f->n_scores)
            onnx_fail(o, n, "%s[%zu] is %lld; there are %d scores", names[2], i,
                      (long long)score[i], (int)f->n_scores);
        f->node[leaf[i]].leaves++;
    }
    for (int32_t i = 0; i < f->n_nodes; i++) {
        f->node[i].leaf = end;
        end += f->node[i].leaves;
        f->node[i].leaves = 0;
    }
    for (size_t i = 0; i < count; i++) {
        struct onnx_split *s = &f->node[leaf[i]];
        f->weight[s->leaf + s->leaves++] = (struct onnx_weight){(int32_t)score[i], weight[i]};
    }
}

struct onnx_forest *onnx_forest(struct onnx *o, const onnx_node *n, const char *prefix,
                                int64_t n_scores)
{
    size_t nodes, weights, bases;
    const int64_t *tree = onnx_ints(o, n, "nodes_treeids", &nodes);
    onnx_ints(o, n, format(o->ctx, "%s_ids", prefix), &weights);
    struct onnx_forest *f = new_forest(o, n, nodes, weights, n_scores);
    const int64_t *node = ints(o, n, "nodes_nodeids", nodes);
    const struct node_ids ids = index_nodes(o, n, f, tree, node);
    read_nodes(o, n, f, &ids, tree);
    read_weights(o, n, f, &ids, prefix);
    f->base = onnx_doubles(o, n, "base_values", &bases);
    f->n_base = (int32_t)bases;
    return f;
}

/* ---- TreeEnsemble ---------------------------------------------------------------------------- */

static const struct tensor *need_tensor(struct onnx *o, const onnx_node *n, const char *name,
                                        size_t want)
{
    const struct tensor *t = onnx_attr_tensor(o, n, name);
    check_length(o, n, name, t ? (size_t)tensor_elements(t) : 0, want);
    return t;
}

static double number_at(struct onnx *o, const onnx_node *n, const char *name,
                        const struct tensor *t, size_t i)
{
    if (t->type != DTYPE_FLOAT32 && t->type != DTYPE_FLOAT64)
        onnx_fail(o, n, "the attribute '%s' must be float or double", name);
    const double x = t->type == DTYPE_FLOAT32 ? (double)((const float *)t->data)[i]
                                              : ((const double *)t->data)[i];
    if (x != x)
        onnx_fail(o, n, "the attribute '%s' has a NaN at place %zu", name, i);
    return x;
}

/* Node i is test i; behind the tests come the leaves. */
static int32_t child(struct onnx *o, const onnx_node *n, const char *name, int64_t id,
                     int64_t is_leaf, size_t tests, size_t leaves)
{
    const size_t count = is_leaf ? leaves : tests;
    if (id < 0 || (uint64_t)id >= count)
        onnx_fail(o, n, "the attribute '%s' names %s %lld of %zu", name, is_leaf ? "leaf" : "node",
                  (long long)id, count);
    return (int32_t)(is_leaf ? (int64_t)tests + id : id);
}

static void read_tests(struct onnx *o, const onnx_node *n, struct onnx_forest *f, size_t tests,
                       size_t leaves)
{
    const int64_t *feature = ints(o, n, "nodes_featureids", tests);
    const int64_t *yes = ints(o, n, "nodes_truenodeids", tests);
    const int64_t *no = ints(o, n, "nodes_falsenodeids", tests);
    const int64_t *yes_leaf = ints(o, n, "nodes_trueleafs", tests);
    const int64_t *no_leaf = ints(o, n, "nodes_falseleafs", tests);
    const struct tensor *split = need_tensor(o, n, "nodes_splits", tests);
    const struct tensor *mode = need_tensor(o, n, "nodes_modes", tests);
    size_t n_missing;
    const int64_t *missing = onnx_ints(o, n, "nodes_missing_value_tracks_true", &n_missing);
    if (n_missing)
        check_length(o, n, "nodes_missing_value_tracks_true", n_missing, tests);
    if (mode->type != DTYPE_UINT8)
        onnx_fail(o, n, "the attribute 'nodes_modes' must be uint8");
    for (size_t i = 0; i < tests; i++) {
        struct onnx_split *s = &f->node[i];
        s->mode = ((const uint8_t *)mode->data)[i];
        if (s->mode >= MODE_LEAF)
            onnx_fail(o, n, "nodes_modes[%zu] is %d%s; supported are 0 to 5, the comparisons", i,
                      s->mode, s->mode == MODE_LEAF ? " (BRANCH_MEMBER)" : "");
        s->value = number_at(o, n, "nodes_splits", split, i);
        s->feature = feature[i];
        s->missing_yes = n_missing && missing[i] == 1;
        s->yes = child(o, n, "nodes_truenodeids", yes[i], yes_leaf[i], tests, leaves);
        s->no = child(o, n, "nodes_falsenodeids", no[i], no_leaf[i], tests, leaves);
    }
}

struct onnx_forest *onnx_forest_v5(struct onnx *o, const onnx_node *n)
{
    size_t tests, leaves, trees;
    onnx_ints(o, n, "nodes_featureids", &tests);
    const int64_t *target = onnx_ints(o, n, "leaf_targetids", &leaves);
    const int64_t *root = onnx_ints(o, n, "tree_roots", &trees);
    const int64_t n_scores = onnx_int(o, n, "n_targets", 0);
    struct onnx_forest *f = new_forest(o, n, tests + leaves, leaves, n_scores);
    if (trees > (size_t)f->n_nodes)
        onnx_fail(o, n, "it has %zu trees of %d nodes", trees, (int)f->n_nodes);
    f->n_trees = (int32_t)trees;
    for (size_t i = 0; i < trees; i++)
        f->root[i] = child(o, n, "tree_roots", root[i], 0, tests, leaves);
    read_tests(o, n, f, tests, leaves);
    const struct tensor *weight = need_tensor(o, n, "leaf_weights", leaves);
    for (size_t i = 0; i < leaves; i++) {
        if (target[i] < 0 || target[i] >= n_scores)
            onnx_fail(o, n, "leaf_targetids[%zu] is %lld; there are %d scores", i,
                      (long long)target[i], (int)n_scores);
        f->weight[i] = (struct onnx_weight){(int32_t)target[i],
                                            number_at(o, n, "leaf_weights", weight, i)};
        f->node[tests + i] = (struct onnx_split){
            .mode = MODE_LEAF, .leaf = (int32_t)i, .leaves = 1};
    }
    return f;
}
