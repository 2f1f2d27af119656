/* SPDX-License-Identifier: Apache-2.0 */
/* table.h - an ensemble as a table of its labels. */
#ifndef MICA_TREE_TABLE_H
#define MICA_TREE_TABLE_H

#include "tree/tree.h"

/* A number of the feature whose key is above this one moves on by `step` cells. */
struct table_test {
    int32_t feature, key, step;
};

struct table {
    enum dtype x_type;
    int n;
    struct table_test *test; /* by feature, and by key within a feature */
    int32_t cells;
    int32_t *label; /* [cells] */
    int label_bits; /* 1, 2, 4 or 8 */
};

/* NULL: too many tests or labels, or labels that only a softmax can tell. */
const struct table *table_plan(struct ctx *, const struct forest *);
int64_t table_bytes(const struct table *); /* flash on a 32-bit core, estimated */
/* The node's call; with `unroll`, code of its own has the tests as instructions. */
void table_lower(struct lower *, const struct table *, bool unroll);

#endif
