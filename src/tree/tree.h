/* SPDX-License-Identifier: Apache-2.0 */
/* tree.h - ensembles of decision trees: how a graph holds them, and what is done with them.
 *
 * The operator `trees` has its ensemble in constant inputs, so that it is printed, read back and
 * shared between nodes (the label and the scores of one forest) like any other data. struct trees
 * is a view of them.
 *
 * A row goes left at a test where x <= threshold, all libraries' tests being brought to this form
 * (tree/threshold.c): the float32 is chosen such that no float32 x decides otherwise. The value of
 * the leaf where it ends is added to the scores, tree after tree, in the library's arithmetic.
 */
#ifndef MICA_TREE_TREE_H
#define MICA_TREE_TREE_H

#include "ir.h"
#include "op/attr.h"

/* Inputs of a trees node. T trees of N nodes in all, L leaf values of W numbers, K scores. */
enum trees_input {
    TREES_X,         /* [1,F] float32, int8, uint8 or int16 */
    TREES_ROOT,      /* int32[T]: the node where a tree starts */
    TREES_OUTPUT,    /* int32[T]: the first score that a tree adds to; it adds to W of them */
    TREES_FEATURE,   /* int32[N]; -1: a leaf */
    TREES_THRESHOLD, /* float32[N]; of a leaf: 0. float64 where x is: see pass_fold_features() */
    TREES_LEFT,      /* int32[N]: a node of the same tree behind this one; of a leaf: its value */
    TREES_RIGHT,     /* int32[N]; of a leaf: 0 */
    TREES_FLAGS,     /* uint8[N]: TREE_... */
    TREES_WEIGHT,    /* float32[N]: training rows that came here, as weighted; 0: not known */
    TREES_VALUE,     /* float64[L,W]; under SUMS_FLOAT32 every number is a float32 */
    TREES_BASE,      /* float64[K]: the scores before the first tree */
    TREES_NUMBERS,   /* float64[2]: divisor (scores are divided by it where it is not 1), cut */
    TREES_GROUPS,    /* int32[G], may be omitted: how many scores each of G labels has; else one
                        label of all K */
    TREES_SETS,      /* uint32[S], may be omitted: bit sets of category tests */
    TREES_INPUTS
};

enum tree_flag {
    TREE_MISSING_LEFT = 1, /* NaN goes left; without it, right */
    TREE_CATEGORIES = 2,   /* left where the truncated x is in a set: threshold holds, as a number,
                              the place in TREES_SETS of the count of its words, which follow */
    TREE_ZERO_MISSING = 4, /* |x| <= 1e-35 goes where NaN does */
    TREE_ROUND_DOWN = 8    /* with TREE_CATEGORIES: no x below 0 is in a set; without it, numbers
                              above -1 are truncated to 0 */
};

struct trees {
    int32_t n_features, n_trees, n_nodes, n_values, width, n_scores, n_labels, n_sets;
    enum dtype x_type;
    enum decide decide;
    enum sums sums;
    bool path;
    double divisor, cut;
    const int32_t *root, *output, *feature, *left, *right;
    const float *threshold;
    const uint8_t *flags;
    const float *weight;
    const double *value, *base;
    const int32_t *group; /* [n_labels] */
    const uint32_t *set;
};

/* ---- ensemble.c ------------------------------------------------------------------------------ */

/* The view of a trees node. The arrays are checked: every index is in range, every tree is a tree
 * whose nodes stand in the order node, left, right; fails by name. */
const struct trees *trees_of(struct ctx *, const struct node *);

/* For readers: adds the constants of *t (all pointers given; group and set may be NULL) to the
 * graph and nodes that give the label (int32 [n_labels]) and the scores (float64 [1,K]) of x.
 * Either result may be NULL: not wanted. */
void trees_add(struct ctx *, struct graph *, const struct trees *t, struct tensor *x,
               struct tensor **label, struct tensor **scores);

/* ---- threshold.c ----------------------------------------------------------------------------- */

float float_below(double t); /* the largest float32 that is not above t */
float float_before(float t); /* the next float32 below t */
int32_t float_key(float x);  /* k(x) <= k(y) iff x <= y, for all but NaN; -0 counts as 0 in y */

#endif
