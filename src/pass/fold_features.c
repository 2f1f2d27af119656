/* SPDX-License-Identifier: Apache-2.0 */
/* fold_features.c - scalers, imputers and the like go into the thresholds of trees.
 *
 * Where the columns of trees are made, each from one column of the same float32 tensor, by steps
 * that never turn the order of two numbers around (or always do), a test f(x) <= t is a test of x
 * itself: its threshold is the largest float32 that f brings to t or below. It is found by search
 * over the float32 numbers in their order, f being evaluated by the kernels that would have run: so
 * no rounding is thought about, and trees decide as if f had run. Where f turns the order around,
 * the children of the test change places. */
#include <math.h>
#include <string.h>

#include "op/attr.h"
#include "pass/columns.h"
#include "tree/tree.h"
#include "compile.h"

/* ---- a node ---------------------------------------------------------------------------------- */

/* The arrays of an ensemble whose tests are being rewritten. */
struct folded {
    struct ctx *ctx;
    const struct node *node;
    const struct path *path; /* by column */
    int32_t n_nodes;
    const int32_t *feature, *left, *right;
    const uint8_t *flags;
    const void *threshold;
    bool is_double;
    int32_t *new_feature, *new_left, *new_right, *from; /* from: the node that it was */
    float *new_threshold;
    uint8_t *new_flags;
};

static double old_threshold(const struct folded *f, int32_t i)
{
    return f->is_double ? ((const double *)f->threshold)[i]
                        : (double)((const float *)f->threshold)[i];
}

/* Rewrites test i as number `at`; true: its children change places. */
static bool fold_test(const struct folded *f, int32_t i, int32_t at)
{
    const struct path *p = &f->path[f->feature[i]];
    const double t = old_threshold(f, i);
    uint8_t flags = f->flags[i];
    f->new_feature[at] = p->column;
    f->new_flags[at] = flags;
    if (flags & (TREE_CATEGORIES | TREE_ZERO_MISSING) && !column_keeps_numbers(p))
        fail(f->ctx, f->node,
             "node %d tests %s of column %d, which is scaled or imputed before: leave that column "
             "as it is",
             (int)i, flags & TREE_CATEGORIES ? "categories" : "for zero", (int)f->feature[i]);
    if (flags & TREE_CATEGORIES) {
        f->new_threshold[at] = (float)t;
        return false;
    }
    const bool decreasing = column_decreases(p);
    const double missing = column_follow(p, (double)NAN);
    if (missing == missing)
        flags = (uint8_t)((flags & ~TREE_MISSING_LEFT) | (missing <= t ? TREE_MISSING_LEFT : 0));
    f->new_threshold[at] = column_threshold(p, t, decreasing);
    f->new_flags[at] = decreasing ? flags ^ TREE_MISSING_LEFT : flags;
    return decreasing;
}

/* Copies one tree, which starts at `root`, into the same places in the order node, left, right. A
 * node waits in `pending` with the test whose right child it is. */
static void fold_tree(const struct folded *f, int32_t root, int32_t end, int32_t (*pending)[2])
{
    int32_t depth = 0, i = root;
    for (int32_t at = root; at < end; at++) {
        f->from[at] = i;
        f->new_left[at] = f->left[i];
        f->new_feature[at] = -1;
        f->new_flags[at] = f->flags[i];
        if (f->feature[i] >= 0) {
            const bool swap = fold_test(f, i, at);
            f->new_left[at] = at + 1;
            pending[depth][0] = swap ? f->left[i] : f->right[i];
            pending[depth++][1] = at;
            i = swap ? f->right[i] : f->left[i];
        } else if (depth > 0) {
            i = pending[--depth][0];
            f->new_right[pending[depth][1]] = at + 1;
        }
    }
}

static struct tensor *constant_like(const struct folded *f, const struct tensor *old,
                                    enum dtype type, const void *data)
{
    struct tensor *t = graph_add_tensor(f->ctx, f->ctx->graph, old->name, type, old->rank,
                                        old->dim);
    t->data = data;
    return t;
}

static void put_arrays(struct folded *f, struct node *n)
{
    const struct {
        enum trees_input input;
        enum dtype type;
        const void *data;
    } arrays[] = {
        {TREES_FEATURE, DTYPE_INT32, f->new_feature},
        {TREES_THRESHOLD, DTYPE_FLOAT32, f->new_threshold},
        {TREES_LEFT, DTYPE_INT32, f->new_left},
        {TREES_RIGHT, DTYPE_INT32, f->new_right},
        {TREES_FLAGS, DTYPE_UINT8, f->new_flags},
    };
    float *weight = NEWS(f->ctx, float, f->n_nodes);
    for (int32_t i = 0; i < f->n_nodes; i++)
        weight[i] = ((const float *)n->in[TREES_WEIGHT]->data)[f->from[i]];
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        n->in[arrays[i].input] = constant_like(f, n->in[arrays[i].input], arrays[i].type,
                                               arrays[i].data);
    n->in[TREES_WEIGHT] = constant_like(f, n->in[TREES_WEIGHT], DTYPE_FLOAT32, weight);
}

static void fold_arrays(struct ctx *ctx, struct node *n, const struct path *path)
{
    const int32_t n_nodes = (int32_t)tensor_elements(n->in[TREES_FEATURE]);
    const int32_t n_trees = (int32_t)tensor_elements(n->in[TREES_ROOT]);
    const int32_t *root = n->in[TREES_ROOT]->data;
    struct folded f = {
        .ctx = ctx,
        .node = n,
        .path = path,
        .n_nodes = n_nodes,
        .feature = n->in[TREES_FEATURE]->data,
        .left = n->in[TREES_LEFT]->data,
        .right = n->in[TREES_RIGHT]->data,
        .flags = n->in[TREES_FLAGS]->data,
        .threshold = n->in[TREES_THRESHOLD]->data,
        .is_double = n->in[TREES_THRESHOLD]->type == DTYPE_FLOAT64,
        .new_feature = NEWS(ctx, int32_t, n_nodes),
        .new_left = NEWS(ctx, int32_t, n_nodes),
        .new_right = NEWS(ctx, int32_t, n_nodes),
        .from = NEWS(ctx, int32_t, n_nodes),
        .new_threshold = NEWS(ctx, float, n_nodes),
        .new_flags = NEWS(ctx, uint8_t, n_nodes),
    };
    int32_t(*pending)[2] = alloc(ctx, (size_t)n_nodes, sizeof *pending);
    for (int32_t i = 0; i < n_trees; i++)
        fold_tree(&f, root[i], i + 1 < n_trees ? root[i + 1] : n_nodes, pending);
    put_arrays(&f, n);
}

/* The label and the scores of an ensemble share their constants, before and after. */
struct twins {
    int n;
    struct {
        struct tensor *before[TREES_INPUTS], *after[TREES_INPUTS];
    } * at;
};

static bool fold_as_twin(const struct twins *twins, struct node *n)
{
    static const enum trees_input needed[] = {TREES_X,      TREES_ROOT,     TREES_FEATURE,
                                              TREES_LEFT,   TREES_RIGHT,    TREES_FLAGS,
                                              TREES_WEIGHT, TREES_THRESHOLD};
    enum { NEEDED = sizeof needed / sizeof needed[0] };
    for (int i = 0; i < twins->n; i++) {
        bool same = true;
        for (int k = 0; k < NEEDED; k++)
            same &= twins->at[i].before[needed[k]] == n->in[needed[k]];
        if (!same)
            continue;
        for (int k = 0; k < NEEDED; k++)
            n->in[needed[k]] = twins->at[i].after[needed[k]];
        return true;
    }
    return false;
}

static void fold_trees(struct ctx *ctx, struct twins *twins, struct node *n)
{
    struct tensor *x = n->in[TREES_X];
    const struct path *path = fold_as_twin(twins, n) ? NULL : column_paths(ctx, x, true);
    if (path) {
        const size_t bytes = sizeof twins->at[0].before;
        const int pointers = n->n_in < TREES_INPUTS ? n->n_in : TREES_INPUTS;
        memset(&twins->at[twins->n], 0, sizeof twins->at[0]);
        memcpy(twins->at[twins->n].before, n->in, bytes / TREES_INPUTS * (size_t)pointers);
        fold_arrays(ctx, n, path);
        n->in[TREES_X] = path[0].source;
        memcpy(twins->at[twins->n++].after, n->in, bytes / TREES_INPUTS * (size_t)pointers);
        infer_node(ctx, n);
    }
    if (n->in[TREES_X]->type == DTYPE_FLOAT64)
        fail(
            ctx, n,
            "its features '%s' are float64 numbers that do not come, each by scaling and imputing, "
            "from one column of a float32 tensor: cast them to float32 before the trees, and train "
            "with such numbers",
            x->name);
}

void pass_fold_features(struct ctx *ctx, struct graph *g)
{
    struct twins twins = {0};
    twins.at = alloc(ctx, (size_t)g->n_nodes + 1, sizeof *twins.at);
    for (int i = 0; i < g->n_nodes; i++)
        if (node_is(g->node[i], OP_trees))
            fold_trees(ctx, &twins, g->node[i]);
    fold_oblivious(ctx, g);
}
