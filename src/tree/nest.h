/* SPDX-License-Identifier: Apache-2.0 */
/* nest.h - trees as nested ifs: what the files that plan and print them share. */
#ifndef MICA_TREE_NEST_H
#define MICA_TREE_NEST_H

#include "tree/tree.h"

enum { NEST_TESTS_MAX = 1 << 14 }; /* gcc takes some ten seconds for so many */

/* What a leaf adds to, and how the label comes from it. */
enum nest_sums {
    NEST_LABEL,  /* one tree: a leaf is a label, nothing is added */
    NEST_PACKED, /* two classes a word of 32 bits */
    NEST_LEAD,   /* of two classes: how far the second leads */
    NEST_FIXED,  /* a score after the other, in integers of 2^-scale */
    NEST_FLOAT   /* a score after the other, as the library does it */
};

/* Trees that are one C function, and add to the sums from `first` on. */
struct nest_part {
    int32_t tree, n_trees; /* places in nest.order */
    int32_t score;         /* NEST_FIXED, NEST_FLOAT: whose sum it is */
};

struct nest {
    const struct forest *forest;
    enum nest_sums sums;
    int32_t n_sums;        /* numbers that a leaf adds; NEST_LABEL: labels that it gives */
    int32_t *add;          /* [rows][n_sums]; NEST_FLOAT: the bits of a float */
    int32_t *row;          /* [n_nodes]: of a leaf, the row that it adds; -1: a test */
    int32_t *left, *right; /* [n_nodes]: behind tests that decide nothing */
    int32_t *root;         /* [n_trees], likewise */
    int32_t *tests;        /* [n_nodes]: tests of the tree that starts here */
    int32_t *start;        /* [n_sums], or [n_scores]: before the first tree */
    int32_t *order;        /* [n_trees]: trees of one score together, in their order */
    int32_t n_parts;
    struct nest_part *part;
    int scale;        /* NEST_PACKED, NEST_LEAD: sums are numbers times 2^scale */
    int32_t slack;    /* rows whose sums are closer than that are left to the kernel */
    int rounded_bits; /* NEST_LEAD: the lower bits that count leaves that were rounded */
    const char *redo; /* (params, row, work, out): the kernel's part that is always right; NULL: all
                         of the kernel */
    bool is_value;    /* the sum is the result, there is no label */
    double unit, error; /* is_value: of a step; how far the value may be off, besides 2^-22 of it */
    bool rounded;       /* sums decide alone, and nothing is said of what they leave undecided */
    bool certain; /* unless this is set: then out[n_labels] is 1 where all labels are certain */
    bool guarded; /* rows with a NaN never come to the tests */
    bool exact;   /* no leaf is rounded: sums decide alone */
};

/* How a label is found by nested ifs, or NULL where they would not find it, or would be too long
 * for a compiler. */
enum nest_result { NEST_LABELS, NEST_VALUE };
struct nest *nest_plan(struct ctx *, const struct forest *, enum nest_result, bool has_fpu);
/* A call's code that is printed from it; the kernel of the call, or the part of it named `redo`,
 * redoes rows left undecided. */
const struct code *nest_code(struct ctx *, struct nest *, const char *redo);
double nest_met(const struct nest *); /* tests that a row meets, on the average of training rows */
/* What a test's comparison says of every x: 1: not above the threshold, -1: above; 0: neither. */
int nest_compares(const struct forest *, int32_t test);
bool nest_guards(const struct nest *, int32_t feature); /* where it is guarded: this one, too? */
int64_t nest_bytes(const struct nest *);                /* flash on a 32-bit core, estimated */

/* ---- design.c -------------------------------------------------------------------------------- */

/* Nested ifs where the ensemble gets them; NULL: it does not. */
struct nest *design_nest(struct lower *, const struct forest *);
/* The same of rounded leaves. */
struct nest *design_rounded(struct lower *, const struct rounded *, enum gives);
/* Lowers the node to a table where that is better than `n` or, n being NULL, than the stream. */
bool design_table(struct lower *, const struct forest *, const struct nest *n);

/* ---- nest_sums.c ----------------------------------------------------------------------------- */

bool nest_label(struct ctx *, struct nest *);
bool nest_packed(struct ctx *, struct nest *);
bool nest_lead(struct ctx *, struct nest *);
bool nest_float(struct ctx *, struct nest *);
bool nest_fixed(struct ctx *, struct nest *);
bool nest_rounded(struct ctx *, struct nest *);
bool nest_add_floats(struct ctx *, struct nest *); /* nest_float() without a look at the decision */
void nest_rows_are_values(struct nest *);

/* ---- nest_value.c ---------------------------------------------------------------------------- */

bool nest_value(struct ctx *, struct nest *);
/* Lowers a node of scores whose output is float32. */
void nest_value_lower(struct lower *, const struct forest *);

#endif
