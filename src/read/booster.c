/* SPDX-License-Identifier: Apache-2.0 */
/* booster.c - ensembles that grow tree by tree, and the graph of an estimator. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "read/booster.h"

/* ---- trees ----------------------------------------------------------------------------------- */

/* Room for `more` elements behind the first n of an array of t->...; what is left behind by all
 * growth together is less than the array that stays. */
static void *grow(struct ctx *ctx, const void *array, int64_t n, int64_t more, int64_t *room,
                  size_t size)
{
    if (n + more > TENSOR_BYTES_MAX / 8)
        fail(ctx, NULL,
             "the model's trees have %lld numbers of a kind or more; at most %d can be "
             "read",
             (long long)(n + more), TENSOR_BYTES_MAX / 8);
    if (n + more <= *room)
        return NULL;
    int64_t larger = *room * 2 > n + more ? *room * 2 : n + more;
    void *fresh = alloc(ctx, (size_t)larger, size);
    if (n)
        memcpy(fresh, array, (size_t)n * size);
    *room = larger;
    return fresh;
}

/* The arrays of nodes grow together; they are const where they are read, and ours to write. */
static void grow_nodes(struct booster *b, int64_t more)
{
    struct trees *t = &b->trees;
    const int64_t old = b->nodes_room;
    int64_t room = old;
#define GROW(field)                                                                      \
    do {                                                                                 \
        room = old;                                                                      \
        void *fresh = grow(b->ctx, t->field, t->n_nodes, more, &room, sizeof *t->field); \
        if (fresh)                                                                       \
            t->field = fresh;                                                            \
    } while (0)
    GROW(feature);
    GROW(left);
    GROW(right);
    GROW(threshold);
    GROW(exact);
    GROW(flags);
    GROW(weight);
#undef GROW
    b->nodes_room = room;
}

void booster_start(struct booster *b, struct ctx *ctx, int32_t n_features, int32_t n_scores,
                   int32_t width)
{
    assert(n_features <= BOOSTER_FEATURES_MAX && n_scores <= BOOSTER_SCORES_MAX);
    *b = (struct booster){.ctx = ctx};
    b->trees = (struct trees){.n_features = n_features,
                              .x_type = DTYPE_FLOAT32,
                              .n_scores = n_scores,
                              .n_labels = 1,
                              .width = width,
                              .divisor = 1,
                              .base = NEWS(ctx, double, n_scores)};
}

int32_t booster_value(struct booster *b, const double *value)
{
    struct trees *t = &b->trees;
    const int64_t n = (int64_t)t->n_values * t->width;
    void *fresh = grow(b->ctx, t->value, n, t->width, &b->values_room, sizeof *t->value);
    if (fresh)
        t->value = fresh;
    memcpy((double *)t->value + n, value, (size_t)t->width * sizeof *value);
    return t->n_values++;
}

/* The place of a set is a threshold, a float32, which can count further than to the limit here. */
float booster_set(struct booster *b, const uint32_t *words, int32_t n, const char *place)
{
    struct trees *t = &b->trees;
    if (n > BOOSTER_SET_WORDS_MAX - 1 - t->n_sets)
        fail(b->ctx, NULL, "%s: the sets of categories of all nodes have more than %d words", place,
             BOOSTER_SET_WORDS_MAX);
    void *fresh = grow(b->ctx, t->set, t->n_sets, n + 1, &b->sets_room, sizeof *t->set);
    if (fresh)
        t->set = fresh;
    uint32_t *set = (uint32_t *)t->set + t->n_sets;
    set[0] = (uint32_t)n;
    if (n)
        memcpy(set + 1, words, (size_t)n * sizeof *words);
    const float at = (float)t->n_sets;
    t->n_sets += n + 1;
    return at;
}

static void check_link(struct booster *b, int32_t from, int32_t to, int32_t n, const char *place)
{
    if (to <= 0 || to >= n)
        fail(b->ctx, NULL,
             "%s: node %d leads to node %d, and a tree of %d nodes has none that may "
             "follow it",
             place, (int)from, (int)to, (int)n);
}

/* A new node of the ensemble with what the file's node has, but for its links. */
static int32_t add_node(struct booster *b, const struct booster_node *from)
{
    struct trees *t = &b->trees;
    const int32_t at = t->n_nodes++;
    ((int32_t *)t->feature)[at] = from->feature;
    ((float *)t->threshold)[at] = (float)from->threshold;
    ((double *)t->exact)[at] = from->threshold;
    ((uint8_t *)t->flags)[at] = from->flags;
    ((float *)t->weight)[at] = from->weight;
    ((int32_t *)t->left)[at] = from->feature < 0 ? from->left : at + 1;
    return at;
}

/* Depth first, with a stack of our own: pairs of a right node in the file and its parent here.
 * Links that form no tree reach some node a second time, and so more nodes than there are. */
void booster_tree(struct booster *b, const struct booster_node *node, int32_t n, int32_t output,
                  const char *place)
{
    struct trees *t = &b->trees;
    void *fresh = grow(b->ctx, t->root, t->n_trees, 1, &b->trees_room, sizeof *t->root);
    if (fresh) {
        int32_t *outputs = NEWS(b->ctx, int32_t, b->trees_room);
        if (t->n_trees)
            memcpy(outputs, t->output, (size_t)t->n_trees * sizeof *outputs);
        t->root = fresh;
        t->output = outputs;
    }
    ((int32_t *)t->root)[t->n_trees] = t->n_nodes;
    ((int32_t *)t->output)[t->n_trees++] = output;
    grow_nodes(b, n);
    fresh = grow(b->ctx, b->pending, 0, (int64_t)n * 2, &b->pending_room, sizeof *b->pending);
    if (fresh)
        b->pending = fresh;

    int32_t depth = 0, done = 0;
    for (int32_t from = 0;;) {
        if (done++ == n)
            fail(b->ctx, NULL, "%s: node %d is reached twice: the links of its nodes form no tree",
                 place, (int)from);
        const int32_t at = add_node(b, &node[from]);
        if (node[from].feature >= 0) {
            if (node[from].feature >= t->n_features)
                fail(b->ctx, NULL, "%s: node %d tests feature %d, and there are %d", place,
                     (int)from, (int)node[from].feature, (int)t->n_features);
            check_link(b, from, node[from].left, n, place);
            check_link(b, from, node[from].right, n, place);
            b->pending[depth++] = node[from].right;
            b->pending[depth++] = at;
            from = node[from].left;
            continue;
        }
        if (depth == 0)
            return;
        ((int32_t *)t->right)[b->pending[depth - 1]] = t->n_nodes;
        from = b->pending[depth - 2];
        depth -= 2;
    }
}

/* ---- the graph around ------------------------------------------------------------------------ */

struct graph *booster_graph(struct ctx *ctx, int32_t n_features, const struct names *features)
{
    struct graph *g = NEW(ctx, struct graph);
    g->name = "main";
    g->features = features ? *features : (struct names){0};
    g->n_inputs = 1;
    g->input = NEW(ctx, struct tensor *);
    g->input[0] = graph_add_tensor(ctx, g, "x", DTYPE_FLOAT32, 2, (const int32_t[]){1, n_features});
    ctx->graph = g;
    ctx->subgraph = NEW(ctx, struct graph *);
    ctx->subgraph[0] = g;
    ctx->n_subgraphs = 1;
    return g;
}

static struct node *add_op(struct ctx *ctx, struct graph *g, const struct op *op, const char *name,
                           struct tensor *in, int n_in, enum dtype type, int32_t n)
{
    struct node *node = graph_add_node(ctx, g, name, op, n_in, 1);
    node->in[0] = in;
    node->out[0] = graph_add_tensor(ctx, g, name, type, 2, (const int32_t[]){1, n});
    node->out[0]->maker = node;
    return node;
}

static struct node *add_link(struct ctx *ctx, struct graph *g, enum link_kind kind,
                             struct tensor *scores, int n_in)
{
    const int32_t n = scores->dim[1] + (kind == LINK_LOGISTIC_PAIR || kind == LINK_COMPLEMENT);
    struct node *node = add_op(ctx, g, op_table[OP_link], "link", scores, n_in, DTYPE_FLOAT64, n);
    ((struct attr_link *)node->attr)->kind = (int32_t)kind;
    return node;
}

static enum link_kind of_singles(enum link_kind kind)
{
    return kind == LINK_SOFTMAX    ? LINK_SOFTMAX_F32
           : kind == LINK_LOGISTIC ? LINK_LOGISTIC_F32
                                   : kind;
}

static struct tensor *times(struct ctx *ctx, struct graph *g, struct tensor *scores, double factor)
{
    if (factor == 0 || factor == 1)
        return scores;
    const int32_t two = 2;
    const double numbers[] = {factor, 0};
    struct node *product = add_link(ctx, g, LINK_AFFINE, scores, 2);
    product->in[1] = graph_add_tensor(ctx, g, "factor", DTYPE_FLOAT64, 1, &two);
    product->in[1]->data = copy_bytes(ctx, numbers, sizeof numbers);
    return product->out[0];
}

static struct tensor *link_scores(struct ctx *ctx, struct graph *g, const struct heads *h,
                                  struct tensor *scores)
{
    if (!h->has_link)
        return scores;
    scores = times(ctx, g, scores, h->factor);
    if (!h->is_single)
        return add_link(ctx, g, h->link, scores, 1)->out[0];
    if (h->link != LINK_LOGISTIC_PAIR)
        return add_link(ctx, g, of_singles(h->link), scores, 1)->out[0];
    struct tensor *p = add_link(ctx, g, LINK_LOGISTIC_F32, scores, 1)->out[0];
    return add_link(ctx, g, LINK_COMPLEMENT, p, 1)->out[0];
}

static void add_output(struct ctx *ctx, struct graph *g, struct tensor *t, const char *role)
{
    if (t->type == DTYPE_FLOAT64)
        t = add_op(ctx, g, op_table[OP_cast], "cast", t, 1, DTYPE_FLOAT32, t->dim[1])->out[0];
    t->name = role;
    g->output[g->n_outputs] = t;
    g->role[g->n_outputs++] = role;
}

static const struct names *number_names(struct ctx *ctx, int32_t n)
{
    struct names *names = NEW(ctx, struct names);
    const char **at = NEWS(ctx, const char *, n);
    for (int32_t i = 0; i < n; i++)
        at[i] = format(ctx, "%d", (int)i);
    names->n = n;
    names->at = at;
    return names;
}

void booster_heads(struct ctx *ctx, struct graph *g, const struct heads *h, struct tensor *label,
                   struct tensor *scores)
{
    enum { OUTPUTS_MAX = 3 };
    g->output = NEWS(ctx, struct tensor *, OUTPUTS_MAX);
    g->role = NEWS(ctx, const char *, OUTPUTS_MAX);
    struct tensor *linked = link_scores(ctx, g, h, scores);
    if (!label) {
        add_output(ctx, g, linked, "predict");
        return;
    }
    struct names *classes = NEWS(ctx, struct names, h->n_labels);
    const struct names *each = h->classes ? h->classes : number_names(ctx, h->n_classes);
    for (int i = 0; i < h->n_labels; i++)
        classes[i] = *each;
    g->classes = classes;
    g->n_labels = h->n_labels;
    add_output(ctx, g, label, "predict");
    if (h->has_link)
        add_output(ctx, g, linked, "predict_proba");
    add_output(ctx, g, times(ctx, g, scores, h->raw_factor), "decision_function");
}

/* Leaves that no tree reaches, such as pruned ones, have left their values: only others stay. */
static void drop_unused_values(struct booster *b)
{
    struct trees *t = &b->trees;
    int32_t *number = NEWS(b->ctx, int32_t, t->n_values), n = 0;
    for (int32_t i = 0; i < t->n_nodes; i++)
        if (t->feature[i] < 0)
            number[t->left[i]] = 1;
    for (int32_t i = 0; i < t->n_values; i++) {
        if (!number[i])
            continue;
        memmove((double *)t->value + (ptrdiff_t)n * t->width, t->value + (ptrdiff_t)i * t->width,
                (size_t)t->width * sizeof *t->value);
        number[i] = n++;
    }
    t->n_values = n;
    for (int32_t i = 0; i < t->n_nodes; i++)
        if (t->feature[i] < 0)
            ((int32_t *)t->left)[i] = number[t->left[i]];
}

void booster_finish(struct booster *b, const struct names *features, const struct heads *h)
{
    struct trees *t = &b->trees;
    struct graph *g = booster_graph(b->ctx, t->n_features, features);
    struct tensor *label = NULL, *scores;
    if (b->is_exact)
        g->input[0]->type = DTYPE_FLOAT64;
    drop_unused_values(b);
    t->n_labels = h->n_labels > 1 ? h->n_labels : 1;
    if (h->n_labels > 1) {
        int32_t *group = NEWS(b->ctx, int32_t, h->n_labels);
        for (int i = 0; i < h->n_labels; i++)
            group[i] = 1;
        t->group = group;
    }
    trees_add(b->ctx, g, t, g->input[0], h->n_labels ? &label : NULL, &scores);
    booster_heads(b->ctx, g, h, label, scores);
}

float booster_cut32(bool (*is_one)(float x))
{
    float low = 0, high = 1;
    while (float_before(high) > low) {
        const float middle = low + (high - low) / 2;
        if (is_one(middle))
            high = middle;
        else
            low = middle;
    }
    return high;
}

double booster_cut64(bool (*is_one)(double x, double scale), double scale)
{
    double low = 0, high = 1;
    while (nextafter(high, 0) > low) {
        const double middle = low + (high - low) / 2;
        if (is_one(middle, scale))
            high = middle;
        else
            low = middle;
    }
    return high;
}
