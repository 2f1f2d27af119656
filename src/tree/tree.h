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
    TREE_ROUND_DOWN = 8    /* no x below 0 is in a set, and in no other set of the ensemble; without
                              it, numbers above -1 are truncated to 0 */
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
    const double *exact; /* for trees_add(): the thresholds where x is float64 */
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

/* For readers: adds the constants of *t (all pointers given; group, set and, unless x is float64,
 * exact may be NULL) to the graph and nodes that give the label (int32 [n_labels]) and the scores
 * (float64 [1,K]) of x. Either result may be NULL: not wanted. */
void trees_add(struct ctx *, struct graph *, const struct trees *t, struct tensor *x,
               struct tensor **label, struct tensor **scores);

/* ---- prepare.c: what every way of writing an ensemble starts from --------------------------- */

/* What the numbers of the leaves are. */
enum leaf_kind {
    LEAF_RATIO,   /* num / den in float64, of integers: class fractions, means of integers */
    LEAF_FLOAT64, /* anything else */
    LEAF_FLOAT32,
    LEAF_STEPS, /* whole numbers that fixed[] has, too: see round_leaves() */
    LEAF_PATH   /* c of a path; the number added is (d + c) - 1 */
};

/* An ensemble ready for being written down. Tests that decide nothing are gone, equal leaves have
 * one value, thresholds are integers, and the constants are there by which sums of integers decide
 * for a label. Nodes stand as in struct trees. */
struct forest {
    const struct trees *trees; /* what was read: decide, sums, divisor, base, groups, sets */
    int32_t n_features, n_trees, n_nodes, n_tests, n_values, width, n_scores;
    const int32_t *root, *output; /* [n_trees] */
    const int32_t *feature;       /* [n_nodes]; -1: a leaf */
    const int32_t *key;           /* left where the key of x is at most this one; of a category test
                                     the place of its set */
    const int32_t *left, *right;  /* nodes; of a leaf: its value, and 0 */
    const int32_t *end;           /* the node behind the tree that starts here */
    const uint8_t *flags;         /* enum tree_flag, without those that say nothing for this x */
    const float *weight;
    const double *value; /* [n_values][width], each row once */
    int32_t tests_missing_left, tests_categories, tests_zero_missing;
    bool has_negative_key; /* of a test that is none of categories */

    enum leaf_kind kind;
    const int32_t *num, *den; /* LEAF_RATIO: [n_values][width], [n_values] */
    const int32_t *pure;      /* [n_values]: the number that is 1, the others being 0; -1: none */
    bool is_vote;             /* LEAF_RATIO, and the numbers of each group are fractions of 1 */

    /* Integer sums. A score's integer is that of its base and those of the leaves added; it lies
     * within `bound` of the library's sum times 2^scale, for every row. So where the largest leads
     * by more than 2 * bound, or the only one is further than `bound` from the cut, the label is
     * the library's. */
    int scale;
    const int32_t *fixed;      /* [n_values][width]; LEAF_PATH: of c - 1, depth counting 2^scale */
    const int32_t *base_fixed; /* [n_scores] */
    int32_t bound;
    double roundings;  /* the share of the library's arithmetic in it, in steps */
    double cut;        /* DECIDE_CUT: label 1 where the sum, not yet divided, is at least this */
    int32_t cut_fixed; /* cut * 2^scale, its error being in `bound` */
};

const struct forest *prepare_trees(struct ctx *, const struct trees *);

/* ---- leaves.c: steps of preparation ---------------------------------------------------------- */

/* Rows of `width` numbers that are equal bit by bit get one number, in order of appearance: id[i]
 * of row i. Moves the distinct rows to the front and returns their count. */
int32_t leaves_unify(struct ctx *, double *value, int32_t n, int32_t width, int32_t *id);
void leaves_classify(struct ctx *, struct forest *);

/* ---- sums.c ---------------------------------------------------------------------------------- */

void sums_prepare(struct ctx *, struct forest *);

/* ---- rounded.c ------------------------------------------------------------------------------- */

/* Leaves as whole numbers of steps, the lowest of all being 0. */
struct rounded {
    /* Its leaves, base and cut are in steps: an integer sum starts with base_fixed and is taken
     * modulo 2^32. A label is the library's where its score leads by more than `bound` steps, or is
     * further than that from the cut. */
    const struct forest *forest;
    int bits;     /* of the widest leaf */
    double unit;  /* a step of a sum, as part of a score */
    double error; /* how far a score may be from the library's */
};

/* Leaves of `bits` bits, or fewer where sums would leave 32. */
const struct rounded *round_leaves(struct ctx *, const struct forest *, int bits);

/* How far the numbers of an output may be from the library's because leaves of the trees before it
 * are rounded: by so much, or else by this part of themselves. After lowering. */
void rounded_error(const struct tensor *, double *absolute, double *relative);

/* ---- evaluate.c ------------------------------------------------------------------------------ */

/* The scores of a row, in the library's arithmetic, divided; x: as floats, whatever x_type is. */
void trees_scores(const struct trees *, const float *x, double *score);
/* The labels of a row from its scores. False: a softmax has two so close that this is no answer. */
bool trees_label(const struct trees *, const double *score, int32_t *label);

/* ---- stream.c: an ensemble as bits (kernels/tree/trees.h) ----------------------------------- */

struct mica_trees; /* the kernels' parameters */

/* The leaves: their codes, and the tables of what they add. */
struct leaf_codes {
    int form, bits, more;
    int32_t shorter;           /* codes below take `bits`, others `more` bits besides */
    const int32_t *code;       /* [n_values], of numbered leaves */
    int32_t n_share, n_number; /* bytes and words of the tables */
    const uint8_t *share;
    const uint32_t *number;
    const int32_t *packed; /* what stands behind the trees, packed_bits each; NULL: nothing */
    int32_t n_packed;
    int packed_bits;
    int64_t total; /* bits of all leaves, and of the tables */
};

/* A stream and the parameters that read it; n_...: elements of its arrays. */
struct tree_stream {
    struct mica_trees *params;
    struct leaf_codes leaves;
    int32_t n_stream, n_half, n_word, n_first, n_width;
    int32_t n_tests_words, n_root; /* of words: see below */
};
void stream_trees(struct ctx *, const struct node *, const struct forest *, struct leaf_codes,
                  struct tree_stream *);

/* What kinds of x and of tests there are. */
void stream_flags(const struct forest *, struct mica_trees *);

/* ---- words.c --------------------------------------------------------------------------------- */

/* An ensemble as words, for speed: leaves have their codes where `leaves` has some (votes), or else
 * their numbers in a table that this makes. False: it has tests or sizes that words do not hold. */
struct tree_words {
    int32_t n_word, n_root, n_half, n_key;
};
bool words_trees(struct ctx *, const struct forest *, struct mica_trees *, struct leaf_codes *,
                 struct tree_words *);

/* ---- codes.c: leaves as bits ----------------------------------------------------------------- */

/* Votes: a class, or a place in the table of shares. False: some leaf does not fit. */
bool codes_votes(struct ctx *, const struct forest *, struct mica_trees *, struct leaf_codes *);
/* Numbers, whichever form is the smallest; ratios only where nothing has to decide by them. */
void codes_numbers(struct ctx *, const struct forest *, bool ratios, struct mica_trees *,
                   struct leaf_codes *);
/* Steps of `bits` bits, as they are or numbered. */
void codes_steps(struct ctx *, const struct forest *, int bits, struct leaf_codes *);
int bits_for(uint32_t most); /* how many bits a number of 0 to `most` takes */

/* ---- choose.c -------------------------------------------------------------------------------- */

/* Lowers a trees node: the one place that decides between the ways of writing an ensemble. */
void choose_trees(struct lower *, const struct forest *, enum gives);

/* ---- threshold.c ----------------------------------------------------------------------------- */

float float_below(double t); /* the largest float32 that is not above t */
float float_before(float t); /* the next float32 below t */
int32_t float_key(float x);  /* k(x) <= k(y) iff x <= y, for all but NaN; -0 counts as 0 in y */
/* The ends of a type of integers that x may have. */
int32_t integer_lowest(enum dtype);
int32_t integer_highest(enum dtype);
int64_t double_order(double);          /* doubles in their order */
double double_of_order(int64_t order); /* and back */
/* v * 2^scale to the nearest integer, cut to half of what 32 bits hold. */
int32_t to_fixed(double v, int scale);

#endif
