/* SPDX-License-Identifier: Apache-2.0 */
/* onnx_trees.c - an ensemble of an ONNX file as the operator trees takes it.
 *
 * Every test becomes x <= T with a float32 T that no float32 x tells from the file's (tree/tree.h);
 * those that ask for more or for x >= t change their sides. An equality is a test of a category.
 * Converters write "x is one of several categories" as a chain of equalities, each with a copy of
 * the same subtree: such a chain becomes one test again.
 */
#include <math.h>
#include <string.h>

#include "read/onnx.h"
#include "tree/tree.h"

enum { CATEGORIES_MAX = 1 << 12, CATEGORY_WORDS = CATEGORIES_MAX / 32 };

struct builder {
    struct onnx *o;
    const onnx_node *n;
    const struct onnx_forest *from;
    bool *seen; /* by node of the file: no node may be in two places */
    struct trees *t;
    int32_t *feature, *left, *right;
    float *threshold, *weight;
    double *exact; /* thresholds for float64 features */
    uint8_t *flags;
    double *value;
    uint32_t *set;
    int32_t sets_room;
    int32_t single[CATEGORIES_MAX]; /* 1 and the place of the set of one category; 0: none yet */
    int32_t *pairs;                 /* for comparing subtrees */
    int64_t compared;               /* nodes so far */
};

/* ---- equality -------------------------------------------------------------------------------- */

static bool is_category(const struct onnx_split *s)
{
    return (s->mode == MODE_EQ || s->mode == MODE_NEQ) && s->value >= 0 &&
           s->value < CATEGORIES_MAX && s->value == floor(s->value);
}

static bool same_leaves(const struct onnx_forest *f, const struct onnx_split *a,
                        const struct onnx_split *b)
{
    if (a->leaves != b->leaves)
        return false;
    for (int32_t i = 0; i < a->leaves; i++) {
        const struct onnx_weight *p = &f->weight[a->leaf + i], *q = &f->weight[b->leaf + i];
        if (p->score != q->score || p->weight != q->weight)
            return false;
    }
    return true;
}

/* Do two subtrees say the same? The stack holds pairs of nodes yet to compare. A hostile file may
 * ask for more work than it is worth: then they count as different, and more tests are written. */
static bool same_subtrees(struct builder *b, int32_t one, int32_t other)
{
    const struct onnx_forest *f = b->from;
    const int64_t compared_max = 64 * (int64_t)f->n_nodes;
    int32_t n = 0, steps = 0;
    b->pairs[n++] = one, b->pairs[n++] = other;
    while (n > 0) {
        const struct onnx_split *q = &f->node[b->pairs[--n]], *p = &f->node[b->pairs[--n]];
        if (p->mode != q->mode || steps++ == f->n_nodes || b->compared++ > compared_max)
            return false;
        if (p->mode == MODE_LEAF) {
            if (!same_leaves(f, p, q))
                return false;
            continue;
        }
        if (p->feature != q->feature || p->value != q->value || p->missing_yes != q->missing_yes)
            return false;
        b->pairs[n++] = p->no, b->pairs[n++] = q->no;
        b->pairs[n++] = p->yes, b->pairs[n++] = q->yes;
    }
    return true;
}

/* Adds a bit set and returns its place. */
static int32_t add_set(struct builder *b, const uint32_t word[CATEGORY_WORDS])
{
    int32_t n = CATEGORY_WORDS;
    while (n > 1 && !word[n - 1])
        n--;
    const int32_t at = b->t->n_sets;
    if (at > (1 << 24) - 1 - n) /* places are exact as float32 */
        onnx_fail(b->o, b->n, "its tests of categories need too many bit sets");
    if (b->sets_room < at + 1 + n) {
        b->sets_room = 2 * (at + 1 + n);
        uint32_t *grown = NEWS(b->o->ctx, uint32_t, b->sets_room);
        if (at)
            memcpy(grown, b->set, (size_t)at * sizeof *grown);
        b->set = grown;
    }
    b->set[at] = (uint32_t)n;
    memcpy(b->set + at + 1, word, (size_t)n * sizeof *word);
    b->t->n_sets = at + 1 + n;
    return at;
}

/* The bit set of the categories of a chain; sets of one category are shared. */
static int32_t find_set(struct builder *b, const uint32_t word[CATEGORY_WORDS], int32_t count,
                        int32_t category)
{
    if (count > 1)
        return add_set(b, word);
    if (!b->single[category])
        b->single[category] = add_set(b, word) + 1;
    return b->single[category] - 1;
}

/* Writes the test of node `at` of the file as one of categories, with the equalities that follow it
 * in a chain; gives its sides. */
static void put_category(struct builder *b, int32_t at, int32_t to, int32_t *yes, int32_t *no)
{
    uint32_t word[CATEGORY_WORDS] = {0};
    const struct onnx_split *first = &b->from->node[at], *s = first;
    const bool is_equal = first->mode == MODE_EQ;
    int32_t category, count = 0;
    for (;;) {
        category = (int32_t)s->value;
        count++;
        word[category / 32] |= UINT32_C(1) << (category % 32);
        *yes = is_equal ? s->yes : s->no;
        *no = is_equal ? s->no : s->yes;
        const struct onnx_split *next = &b->from->node[*no];
        if (!is_equal || b->seen[*no] || next->mode != MODE_EQ || !is_category(next) ||
            next->feature != first->feature || next->missing_yes != first->missing_yes ||
            !same_subtrees(b, *yes, next->yes))
            break;
        b->seen[*no] = true;
        s = next;
    }
    b->exact[to] = find_set(b, word, count, category);
    b->threshold[to] = (float)b->exact[to];
    b->flags[to] = TREE_CATEGORIES;
    if (is_equal && first->missing_yes)
        b->flags[to] |= TREE_MISSING_LEFT;
}

/* ---- tests ----------------------------------------------------------------------------------- */

/* The largest float32 below t. */
static float float_under(double t)
{
    const float f = float_below(t);
    return (double)f == t ? float_before(f) : f;
}

/* Writes the test of node `at` of the file into node `to`; *left and *right are nodes of the
 * file. */
static void put_test(struct builder *b, int32_t at, int32_t to, int32_t *left, int32_t *right)
{
    const struct onnx_split *s = &b->from->node[at];
    if (s->feature < 0 || s->feature >= b->t->n_features)
        onnx_fail(b->o, b->n, "node %d tests feature %lld; its input has %d", (int)at,
                  (long long)s->feature, (int)b->t->n_features);
    b->feature[to] = (int32_t)s->feature;
    const bool swaps = s->mode == MODE_GT || s->mode == MODE_GTE;
    const bool missing_left = s->missing_yes != swaps;
    switch ((enum onnx_mode)s->mode) {
    case MODE_LEQ:
    case MODE_GT:
        b->exact[to] = s->value;
        b->threshold[to] = float_below(s->value);
        break;
    case MODE_LT:
    case MODE_GTE:
        b->exact[to] = nextafter(s->value, -INFINITY);
        b->threshold[to] = float_under(s->value);
        break;
    default:
        if (!is_category(s))
            onnx_fail(b->o, b->n,
                      "node %d tests whether feature %lld equals %g; equality is supported for "
                      "categories, the integers from 0 to %d",
                      (int)at, (long long)s->feature, s->value, CATEGORIES_MAX - 1);
        put_category(b, at, to, left, right);
        return;
    }
    b->flags[to] = missing_left ? TREE_MISSING_LEFT : 0;
    *left = swaps ? s->no : s->yes;
    *right = swaps ? s->yes : s->no;
}

/* ---- leaves ---------------------------------------------------------------------------------- */

static void put_leaf(struct builder *b, const struct onnx_split *s, int32_t to, int32_t output)
{
    struct trees *t = b->t;
    double *row = b->value + (size_t)t->n_values * (size_t)t->width;
    b->feature[to] = -1;
    b->left[to] = t->n_values++;
    for (int32_t i = 0; i < s->leaves; i++) {
        const struct onnx_weight *w = &b->from->weight[s->leaf + i];
        for (int32_t k = 0; k < i; k++)
            if (b->from->weight[s->leaf + k].score == w->score)
                onnx_fail(b->o, b->n, "a leaf has two weights for score %d", (int)w->score);
        row[w->score - output] = w->weight;
    }
}

/* ---- trees ----------------------------------------------------------------------------------- */

struct pending {
    int32_t from, right_of; /* a node of the file; the node whose right side it is, or -1 */
};

/* Writes a tree in the order node, left, right; returns how many nodes it has now. */
static int32_t put_tree(struct builder *b, int32_t root, int32_t output, int32_t to, int32_t room,
                        struct pending *stack)
{
    int32_t depth = 0;
    stack[depth++] = (struct pending){root, -1};
    while (depth > 0) {
        const struct pending here = stack[--depth];
        const struct onnx_split *s = &b->from->node[here.from];
        const bool is_leaf = s->mode == MODE_LEAF;
        if ((b->seen[here.from] && !is_leaf) || to == room)
            onnx_fail(b->o, b->n, "node %d is in two places of its tree: the file is damaged",
                      (int)here.from);
        b->seen[here.from] = true;
        if (here.right_of >= 0)
            b->right[here.right_of] = to;
        b->weight[to] = s->hits > 0 ? s->hits : 0;
        if (is_leaf) {
            put_leaf(b, s, to++, output);
            continue;
        }
        int32_t left, right;
        put_test(b, here.from, to, &left, &right);
        b->left[to] = to + 1;
        stack[depth++] = (struct pending){right, to};
        stack[depth++] = (struct pending){left, -1};
        to++;
    }
    return to;
}

/* Hit rates that are all the same tell nothing. */
static void drop_empty_weights(struct builder *b)
{
    for (int32_t i = 1; i < b->t->n_nodes; i++)
        if (b->weight[i] != b->weight[0])
            return;
    memset(b->weight, 0, (size_t)b->t->n_nodes * sizeof *b->weight);
}

/* The score that all leaves of a tree add to; -1: they add to several. */
static int32_t only_score(struct builder *b, int32_t root, int32_t *stack)
{
    const struct onnx_forest *f = b->from;
    int32_t only = -1, depth = 0, steps = 0;
    stack[depth++] = root;
    while (depth > 0) {
        const struct onnx_split *s = &f->node[stack[--depth]];
        if (steps++ > 2 * f->n_nodes)
            onnx_fail(b->o, b->n, "a node is in two places of its tree: the file is damaged");
        if (s->mode != MODE_LEAF) {
            stack[depth++] = s->no;
            stack[depth++] = s->yes;
            continue;
        }
        for (int32_t k = 0; k < s->leaves; k++) {
            const int32_t score = f->weight[s->leaf + k].score;
            if (only >= 0 && score != only)
                return -1;
            only = score;
        }
    }
    return only < 0 ? 0 : only;
}

/* Each tree adds to one score, or all of them to all. */
static void choose_width(struct builder *b, int32_t *output)
{
    const struct onnx_forest *f = b->from;
    int32_t *stack = NEWS(b->o->ctx, int32_t, 2 * (size_t)f->n_nodes + 4);
    b->t->width = 1;
    for (int32_t i = 0; i < f->n_trees && b->t->width == 1; i++) {
        output[i] = only_score(b, f->root[i], stack);
        if (output[i] < 0)
            b->t->width = f->n_scores;
    }
    if (b->t->width > 1)
        memset(output, 0, (size_t)f->n_trees * sizeof *output);
}

/* The bases are added after the last tree: trees of one leaf do that. */
static int32_t put_bases(struct builder *b, int32_t to, int32_t *root, int32_t *output)
{
    struct trees *t = b->t;
    const struct onnx_forest *f = b->from;
    for (int32_t k = 0; k < f->n_base; k++) {
        if (t->width > 1 ? k > 0 : f->base[k] == 0)
            continue;
        root[t->n_trees] = to;
        output[t->n_trees++] = t->width > 1 ? 0 : k;
        b->feature[to] = -1;
        b->left[to] = t->n_values;
        memcpy(b->value + (size_t)t->n_values++ * (size_t)t->width, f->base + k,
               (size_t)t->width * sizeof *f->base);
        to++;
    }
    return to;
}

/* Room for as many nodes as the trees can have; tests stand once, so leaves are one more a tree. */
static int32_t make_room(struct builder *b)
{
    struct ctx *ctx = b->o->ctx;
    int64_t tests = 0;
    for (int32_t i = 0; i < b->from->n_nodes; i++)
        tests += b->from->node[i].mode != MODE_LEAF;
    const int64_t leaves = tests + b->from->n_trees + b->from->n_scores;
    if (leaves * b->t->width > TENSOR_BYTES_MAX / 8)
        onnx_fail(b->o, b->n, "%lld leaves of %d numbers are more than %d bytes", (long long)leaves,
                  (int)b->t->width, TENSOR_BYTES_MAX);
    const int64_t room = tests + leaves;
    b->seen = NEWS(ctx, bool, b->from->n_nodes);
    b->pairs = NEWS(ctx, int32_t, 4 * (size_t)b->from->n_nodes + 8);
    b->feature = NEWS(ctx, int32_t, room);
    b->left = NEWS(ctx, int32_t, room);
    b->right = NEWS(ctx, int32_t, room);
    b->threshold = NEWS(ctx, float, room);
    b->exact = NEWS(ctx, double, room);
    b->weight = NEWS(ctx, float, room);
    b->flags = NEWS(ctx, uint8_t, room);
    b->value = NEWS(ctx, double, leaves * b->t->width);
    return (int32_t)room;
}

struct trees *onnx_forest_trees(struct onnx *o, const onnx_node *n, struct onnx_forest *f,
                                int32_t n_features)
{
    struct trees *t = NEW(o->ctx, struct trees);
    struct builder *b = NEW(o->ctx, struct builder);
    *b = (struct builder){.o = o, .n = n, .from = f, .t = t};
    const size_t n_trees = (size_t)f->n_trees + (size_t)f->n_scores;
    int32_t *root = NEWS(o->ctx, int32_t, n_trees), *output = NEWS(o->ctx, int32_t, n_trees);
    int32_t to = 0;
    t->n_features = n_features;
    t->n_scores = f->n_scores;
    if (f->n_base != 0 && f->n_base != f->n_scores)
        onnx_fail(o, n, "it has %d base values for %d scores", (int)f->n_base, (int)f->n_scores);
    choose_width(b, output);
    const int32_t room = make_room(b);
    struct pending *stack = NEWS(o->ctx, struct pending, (size_t)f->n_nodes + 2);
    for (int32_t i = 0; i < f->n_trees; i++) {
        root[i] = to;
        to = put_tree(b, f->root[i], output[i], to, room, stack);
    }
    t->n_trees = f->n_trees;
    to = put_bases(b, to, root, output);
    t->n_nodes = to;
    drop_empty_weights(b);
    t->root = root, t->output = output;
    t->feature = b->feature, t->left = b->left, t->right = b->right;
    t->threshold = b->threshold, t->flags = b->flags, t->weight = b->weight;
    t->value = b->value, t->set = b->set;
    t->exact = b->exact;
    t->base = NEWS(o->ctx, double, f->n_scores);
    t->divisor = 1;
    t->n_labels = 1;
    t->sums = f->is_double ? SUMS_FLOAT64 : SUMS_FLOAT32;
    return t;
}
