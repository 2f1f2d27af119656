/* SPDX-License-Identifier: Apache-2.0 */
/* nest.c - plans trees as nested ifs: what they add, which tests are left, how they are cut into
 * functions.
 *
 * An if compares a feature with a constant that stands in the instruction stream, and a leaf adds a
 * constant: three to six instructions a test, everything counted, where a walk over data takes
 * fifteen to thirty. The price is flash.
 */
#include <string.h>

#include "tree/nest.h"

/* Of a function: compilers take more than twice as long for twice as much. Where there is but one
 * sum to keep in a register, features are kept there, too, and of few trees the right ones. */
enum { PART_TESTS = 1600, PART_TREES = 30 };

/* Estimated bytes of a test with its jumps, and of an addition. */
enum { TEST_BYTES = 11, ADD_BYTES = 6 };

/* ---- tests that decide nothing --------------------------------------------------------------- */

int nest_compares(const struct forest *f, int32_t i)
{
    const enum dtype type = f->trees->x_type;
    if (type == DTYPE_FLOAT32)
        return f->flags[i] & TREE_MISSING_LEFT && f->key[i] >= 0x7f800000;
    return f->key[i] >= integer_highest(type) ? 1 : f->key[i] < integer_lowest(type) ? -1 : 0;
}

/* 1: every x goes left, -1: every x goes right, 0: neither. */
static int constant_way(const struct forest *f, int32_t i)
{
    const int way = nest_compares(f, i);
    if (f->flags[i] & TREE_CATEGORIES)
        return 0;
    if (f->flags[i] & TREE_ZERO_MISSING && way != (f->flags[i] & TREE_MISSING_LEFT ? 1 : -1))
        return 0;
    return way;
}

static bool same_add(const struct nest *n, int32_t a, int32_t b)
{
    const int32_t ra = n->row[a], rb = n->row[b];
    if (ra < 0 || rb < 0)
        return false;
    return !memcmp(n->add + (int64_t)ra * n->n_sums, n->add + (int64_t)rb * n->n_sums,
                   sizeof *n->add * (size_t)n->n_sums);
}

/* Children stand behind their parent: going backwards meets them first. at[i]: what is left of the
 * tree that starts at node i. */
static void prune(struct ctx *ctx, struct nest *n)
{
    const struct forest *f = n->forest;
    int32_t *at = NEWS(ctx, int32_t, f->n_nodes);
    for (int32_t i = f->n_nodes - 1; i >= 0; i--) {
        at[i] = i;
        if (n->row[i] >= 0)
            continue;
        const int32_t left = at[f->left[i]], right = at[f->right[i]];
        const int way = constant_way(f, i);
        if (way > 0 || (way == 0 && same_add(n, left, right)))
            at[i] = left;
        else if (way < 0)
            at[i] = right;
        n->left[i] = left;
        n->right[i] = right;
        n->tests[i] = 1 + n->tests[left] + n->tests[right];
    }
    for (int32_t i = 0; i < f->n_trees; i++)
        n->root[i] = at[f->root[i]];
}

/* ---- NaN ------------------------------------------------------------------------------------- */

/* Does a test that NaN goes left at cost more than another? */
static bool minds_missing(const struct forest *f, int32_t i)
{
    return f->trees->x_type == DTYPE_FLOAT32 && f->feature[i] >= 0 &&
           (f->flags[i] & (TREE_MISSING_LEFT | TREE_CATEGORIES | TREE_ZERO_MISSING)) ==
               TREE_MISSING_LEFT;
}

/* How many such tests a row meets, on the average of the training rows. */
static double missing_met(const struct nest *n, int32_t tree)
{
    const struct forest *f = n->forest;
    const int32_t root = n->root[tree];
    double met = 0;
    for (int32_t i = root; i < f->end[f->root[tree]]; i++)
        if (n->row[i] < 0 && minds_missing(f, i))
            met += f->weight[root] > 0 ? f->weight[i] / f->weight[root] : 0.25;
    return met;
}

bool nest_guards(const struct nest *n, int32_t feature)
{
    for (int32_t i = 0; i < n->forest->n_nodes; i++)
        if (n->forest->feature[i] == feature && minds_missing(n->forest, i))
            return true;
    return false;
}

/* Where the kernel redoes rows anyhow it may take those with a NaN, too. To look at each feature
 * once then costs less than to look at every test. */
static bool guard_pays(const struct nest *n)
{
    enum { LOOK = 3 }; /* instructions */
    double met = 0;
    int32_t looks = 0;
    for (int32_t i = 0; i < n->forest->n_trees; i++)
        met += missing_met(n, i);
    for (int32_t i = 0; i < n->forest->n_features && met > LOOK * looks; i++)
        looks += nest_guards(n, i);
    return met > LOOK * looks;
}

/* ---- functions ------------------------------------------------------------------------------- */

static bool by_score(const struct nest *n)
{
    return n->sums == NEST_FIXED || n->sums == NEST_FLOAT;
}

/* A tree of which one leaf is left adds it from the start; not so floats, whose order matters. */
static void start_with(struct nest *n, int32_t tree)
{
    const int32_t *add = n->add + (int64_t)n->row[n->root[tree]] * n->n_sums;
    if (by_score(n))
        n->start[n->forest->output[tree]] += add[0];
    for (int32_t j = 0; j < n->n_sums && !by_score(n); j++)
        n->start[j] = (int32_t)((uint32_t)n->start[j] + (uint32_t)add[j]);
}

static void order_trees(struct nest *n)
{
    const struct forest *f = n->forest;
    int32_t count = 0;
    for (int32_t k = 0; k < (by_score(n) ? f->n_scores : 1); k++) {
        for (int32_t i = 0; i < f->n_trees; i++) {
            if (by_score(n) && f->output[i] != k)
                continue;
            if (n->row[n->root[i]] >= 0 && n->sums != NEST_FLOAT && n->sums != NEST_LABEL)
                start_with(n, i);
            else
                n->order[count++] = i;
        }
    }
    n->n_parts = count; /* for the time being */
}

static void cut_parts(struct ctx *ctx, struct nest *n)
{
    const int32_t count = n->n_parts;
    n->part = NEWS(ctx, struct nest_part, count);
    n->n_parts = 0;
    int32_t tests = 0;
    for (int32_t i = 0; i < count; i++) {
        const int32_t tree = n->order[i], score = by_score(n) ? n->forest->output[tree] : 0;
        struct nest_part *last = n->n_parts ? &n->part[n->n_parts - 1] : NULL;
        const bool full = last && (tests + n->tests[n->root[tree]] > PART_TESTS ||
                                   (by_score(n) && last->n_trees == PART_TREES));
        if (!last || last->score != score || full) {
            last = &n->part[n->n_parts++];
            *last = (struct nest_part){.tree = i, .score = score};
            tests = 0;
        }
        last->n_trees++;
        tests += n->tests[n->root[tree]];
    }
}

static int64_t count_tests(const struct nest *n)
{
    int64_t tests = 0;
    for (int32_t i = 0; i < n->forest->n_trees; i++)
        tests += n->tests[n->root[i]];
    return tests;
}

static bool choose_sums(struct ctx *ctx, struct nest *n, enum nest_result result, bool has_fpu)
{
    if (n->forest->kind == LEAF_STEPS) {
        n->is_value = result == NEST_VALUE;
        return nest_rounded(ctx, n);
    }
    if (result == NEST_VALUE)
        return nest_value(ctx, n) && (n->sums != NEST_FLOAT || has_fpu);
    return nest_label(ctx, n) || nest_lead(ctx, n) || nest_packed(ctx, n) ||
           (has_fpu && nest_float(ctx, n)) || nest_fixed(ctx, n);
}

struct nest *nest_plan(struct ctx *ctx, const struct forest *f, enum nest_result result,
                       bool has_fpu)
{
    struct nest *n = NEW(ctx, struct nest);
    if (f->n_tests < 1 || f->n_tests > NEST_TESTS_MAX)
        return NULL;
    n->forest = f;
    n->row = NEWS(ctx, int32_t, f->n_nodes);
    n->left = NEWS(ctx, int32_t, f->n_nodes);
    n->right = NEWS(ctx, int32_t, f->n_nodes);
    n->tests = NEWS(ctx, int32_t, f->n_nodes);
    n->root = NEWS(ctx, int32_t, f->n_trees);
    n->order = NEWS(ctx, int32_t, f->n_trees);
    if (!choose_sums(ctx, n, result, has_fpu))
        return NULL;
    prune(ctx, n);
    order_trees(n);
    if (!count_tests(n))
        return NULL;
    cut_parts(ctx, n);
    n->guarded = !n->exact && guard_pays(n);
    return n;
}

double nest_met(const struct nest *n)
{
    const struct forest *f = n->forest;
    double met = 0;
    for (int32_t i = 0; i < f->n_trees; i++) {
        const int32_t root = n->root[i];
        int32_t tests = 0;
        for (int32_t at = root; at < f->end[f->root[i]] && f->weight[root] > 0; at++)
            if (n->row[at] < 0)
                met += (double)f->weight[at] / f->weight[root];
        for (tests = n->tests[root]; tests > 0 && !(f->weight[root] > 0); tests /= 2)
            met++; /* as if the tree were balanced */
    }
    return met;
}

int64_t nest_bytes(const struct nest *n)
{
    int64_t adds = 0;
    for (int32_t i = 0; i < n->forest->n_nodes; i++)
        for (int32_t j = 0; j < n->n_sums && n->row[i] >= 0; j++)
            adds += n->add[(int64_t)n->row[i] * n->n_sums + j] != 0;
    return 100 + TEST_BYTES * count_tests(n) + ADD_BYTES * adds;
}
