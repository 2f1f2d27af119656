/* SPDX-License-Identifier: Apache-2.0 */
/* columns.h - where a column of features comes from. */
#ifndef MICA_PASS_COLUMNS_H
#define MICA_PASS_COLUMNS_H

#include "ir.h"

/* A step of a column: a node, and which column of its input it takes. */
struct feature_step {
    const struct node *node;
    int32_t column;
};

/* How a column is made of a column of `source`; the last step is the first to be taken. */
struct path {
    struct tensor *source;
    int32_t column;
    int n_steps;
    struct feature_step *step;
};

/* The paths of all columns of x, where they come, by choosing columns, casting, scaling and (if
 * `imputing`) replacing NaN, from one tensor of up to 32 bits; else NULL. */
const struct path *column_paths(struct ctx *, struct tensor *x, bool imputing);

/* ---- columns_order.c ------------------------------------------------------------------------- */

/* What the steps make of x, by the kernels that would run. */
double column_follow(const struct path *, double x);
/* Larger numbers come out smaller, or equal. */
bool column_decreases(const struct path *);
/* Every number comes out as it went in: sources are no wider than float32, casts lose nothing. */
bool column_keeps_numbers(const struct path *);
/* The largest float32 that the steps bring to t or below, or where they turn the order around, the
 * largest that they bring above t; -infinity where there is none. */
float column_threshold(const struct path *, double t, bool decreasing);

/* ---- fold_oblivious.c ------------------------------------------------------------------------ */

/* The part of pass_fold_features() for symmetric trees. */
void fold_oblivious(struct ctx *, struct graph *);

static inline bool has_input(const struct node *n, int input)
{
    return input < n->n_in && n->in[input];
}

static inline double column_number(const struct node *n, int input, int32_t column)
{
    return ((const double *)n->in[input]->data)[column];
}

#endif
