/* SPDX-License-Identifier: Apache-2.0 */
/* onnx.h - what the files of the ONNX reader share.
 *
 *   onnx.proto       the messages of the format
 *   onnx_proto.c     bytes to messages; where a file is damaged
 *   onnx.c           the model: values, nodes, inputs, outputs
 *   onnx_tensor.c    types, shapes, constants
 *   onnx_attr.c      the attributes of a node
 *   onnx_names.c     roles and names that the Python package adds to a file
 *   onnx_mica.c      nodes of the domain ai.mica: the operators of this compiler, as they are
 *   onnx_ops.c       the table of standard operators, and those that leave numbers as they are
 *   onnx_forest.c    the arrays of tree operators as an ensemble
 *   onnx_trees.c     an ensemble as the operator trees takes it
 *   onnx_ensemble.c  tree operators: labels, scores, what becomes of scores
 *   onnx_linear.c    linear models, products with constants
 *   onnx_features.c  what stands between features and a model
 *   onnx_patterns.c  links that converters spell out in small operators
 *   onnx_leaves.c    arithmetic on what one tree gives
 *   onnx_label.c     labels: classes and their names
 *   onnx_estimator.c inputs, outputs and functions of an estimator
 */
#ifndef MICA_READ_ONNX_H
#define MICA_READ_ONNX_H

#include "op/attr.h"

#include "onnx.pb-c.h"

struct trees;

typedef Onnx__ModelProto onnx_model;
typedef Onnx__GraphProto onnx_graph;
typedef Onnx__NodeProto onnx_node;
typedef Onnx__TensorProto onnx_tensor;
typedef Onnx__AttributeProto onnx_attribute;
typedef Onnx__ValueInfoProto onnx_info;

/* Limits of what one file may hold: beyond any model that fits a microcontroller. */
enum {
    ONNX_VALUES_MAX = 1 << 14,
    ONNX_NODES_MAX = 1 << 12,
    ONNX_IO_MAX = 120, /* inputs and outputs: parameters of one function, of which C promises 127 */
};

/* The element types of the format, by their numbers. */
enum onnx_type {
    ONNX_FLOAT = 1,
    ONNX_UINT8,
    ONNX_INT8,
    ONNX_UINT16,
    ONNX_INT16,
    ONNX_INT32,
    ONNX_INT64,
    ONNX_STRING,
    ONNX_BOOL,
    ONNX_FLOAT16,
    ONNX_DOUBLE,
    ONNX_UINT32,
    ONNX_UINT64,
};

/* What a value stands for that is a step of a spelt-out link (onnx_patterns.c); `of` says of
 * what. */
enum onnx_tag {
    TAG_NONE,
    TAG_EXP,          /* of a row */
    TAG_ONE_PLUS_EXP, /* of a row */
    TAG_SUM,          /* of a row, or of its exponentials; perhaps kept from being 0 */
    TAG_IS_NONZERO,   /* such a sum */
    TAG_IS_ZERO,
    TAG_GUARDED_ROW, /* a row, ones where its sum is 0 */
    TAG_SHAPE,       /* the shape of a row */
    TAG_VOTES,       /* numbers for each leaf of a tree (onnx_leaves.c) */
    TAG_STACKED      /* the results of trees, one under the other */
};

/* The format names values; nodes, inputs and initializers meet by these names. A value that a
 * standard operator made is a row of numbers, [1,K], or a label. */
struct onnx_value {
    const char *name;
    const onnx_tensor *initializer; /* a constant of the file, or NULL */
    const onnx_info *input;         /* an input of the model, or NULL */
    const onnx_info *declared;      /* what the file says of its type, or NULL */
    const onnx_node *maker;         /* the node that gives it, or NULL */
    int n_uses;                     /* by nodes that are wanted, and as outputs */
    bool is_wanted;                 /* an output of the model depends on it */
    bool is_double;                 /* the file computes it in double */
    struct tensor *tensor;          /* once it is in the graph */
    const struct names *classes;    /* of a label: the tensor is the number of one of them */
    struct tensor *scores;          /* float64; the value is link(scores), rounded; or NULL */
    enum link_kind link;
    const struct node *linear; /* that made it, so that its label can be decided there; or NULL */
    enum onnx_tag tag;
    const struct onnx_value *of;
    const struct onnx_leaves *leaves; /* where it depends on one tree alone; or NULL */
    const struct onnx_stack *stack;
    const struct trees *trees; /* whose scores it is, so that its label can be decided there */
    struct tensor *trees_x;
};

/* One file. */
struct onnx {
    struct ctx *ctx;
    const onnx_model *model;
    const onnx_graph *file;
    struct graph *graph;
    int n_slots; /* slots: a power of two, more than twice as many as values */
    struct onnx_value **slot;
};

/* ---- onnx_proto.c ---------------------------------------------------------------------------- */

/* Decodes the file into memory of the compilation; fails with the place where it is damaged. */
const onnx_model *onnx_decode(struct ctx *, const uint8_t *bytes, size_t n);

/* ---- onnx.c ---------------------------------------------------------------------------------- */

struct onnx_value *onnx_value(struct onnx *, const char *name); /* NULL: the file has none */
/* Fails with the words "node 'NAME' (OPERATOR): ". */
_Noreturn void onnx_fail(struct onnx *, const onnx_node *, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
const char *onnx_node_name(struct onnx *, const onnx_node *);
/* Input i of a node as a tensor of the graph; NULL where it is omitted. */
struct tensor *onnx_in(struct onnx *, const onnx_node *, size_t i);
/* Says that tensor t of the graph is output i of a node. */
void onnx_out(struct onnx *, const onnx_node *, size_t i, struct tensor *t);

/* ---- onnx_tensor.c --------------------------------------------------------------------------- */

const char *onnx_type_name(struct ctx *, int type);
/* The constant as a tensor of the graph. */
struct tensor *onnx_constant(struct onnx *, const char *name, const onnx_tensor *);
/* The shape that the file gives a value, with a batch of 1; returns the rank, or -1 where a size is
 * unknown. */
int onnx_shape(const onnx_info *, int32_t dim[RANK_MAX]);
/* The type that the file gives a value; -1: none, or one that no operator takes. */
int onnx_type(const onnx_info *);
/* The input as a tensor of the graph: its batch is 1. */
struct tensor *onnx_input(struct onnx *, const onnx_info *);

/* ---- onnx_attr.c ----------------------------------------------------------------------------- */

/* The attribute of that name, or NULL. */
const onnx_attribute *onnx_find(const onnx_node *, const char *name);
/* Its text as a string; fails where it has none or where it is too long to be a word. */
const char *onnx_word(struct onnx *, const onnx_node *, const onnx_attribute *);
/* The number of the word of an attribute in a list that ends with NULL; the first where the node
 * lacks the attribute. Fails where it is another word. */
int onnx_choice(struct onnx *, const onnx_node *, const char *name, const char *const *words);
int64_t onnx_int(struct onnx *, const onnx_node *, const char *name, int64_t otherwise);
float onnx_float(struct onnx *, const onnx_node *, const char *name, float otherwise);
/* The list of an attribute, *n numbers; NULL and 0 where the node lacks it. */
const int64_t *onnx_ints(struct onnx *, const onnx_node *, const char *name, size_t *n);
const float *onnx_floats(struct onnx *, const onnx_node *, const char *name, size_t *n);
/* A list that may be a tensor of the name with _as_tensor, float or double, instead. */
const double *onnx_doubles(struct onnx *, const onnx_node *, const char *name, size_t *n);
/* The tensor of an attribute as a constant; NULL where the node lacks it. */
const struct tensor *onnx_attr_tensor(struct onnx *, const onnx_node *, const char *name);
/* As copies that end in NUL. */
const char **onnx_strings(struct onnx *, const onnx_node *, const char *name, size_t *n);
const char **onnx_copy_strings(struct onnx *, const ProtobufCBinaryData *, size_t n);

/* ---- onnx_mica.c ----------------------------------------------------------------------------- */

extern const char onnx_mica_domain[];
void onnx_read_mica(struct onnx *, const onnx_node *);

/* ---- onnx_booster.c -------------------------------------------------------------------------- */

/* A node `booster` of that domain: the file of a boosted model, whose graph takes its place. */
bool onnx_is_booster(const onnx_node *);
void onnx_read_booster(struct onnx *, const onnx_node *);

/* ---- onnx_names.c ---------------------------------------------------------------------------- */

/* The properties mica.roles, mica.features and mica.classes of the model, where it has them. */
void onnx_read_names(struct onnx *);

/* ---- onnx_ops.c ------------------------------------------------------------------------------ */

/* Reads a node of the standard domains; fails where it is none of those that are known. */
void onnx_read_standard(struct onnx *, const onnx_node *);
/* Is the output wanted by anybody? */
bool onnx_wants(struct onnx *, const onnx_node *, size_t output);
/* Input i as a value; fails where there is none. */
struct onnx_value *onnx_source(struct onnx *, const onnx_node *, size_t i);
/* Input i as a row of numbers [1,K], not a label and no constant. */
struct onnx_value *onnx_row(struct onnx *, const onnx_node *, size_t i);
/* Input i as constant numbers in float64, *n of them; NULL where it is no constant. */
const double *onnx_numbers_of(struct onnx *, const onnx_node *, size_t i, int64_t *n);
/* The result of a new node of the graph, an operator on n inputs; its type is that of `type` where
 * the operator leaves it open. attr: NULL or attributes to copy. */
struct tensor *onnx_add(struct onnx *, const onnx_node *, enum op_kind, const void *attr,
                        enum dtype type, int n, struct tensor *const *in);
struct tensor *onnx_float64s(struct onnx *, const char *name, int rank, const int32_t *dim,
                             const double *data);
/* Output i of the node is the tensor; returns the value, to say more of it. */
struct onnx_value *onnx_give(struct onnx *, const onnx_node *, size_t i, struct tensor *);
/* Output i is the same as another value. */
void onnx_same(struct onnx *, const onnx_node *, size_t i, const struct onnx_value *);
/* float32, or float64 where the file computes in double: float64 numbers rounded so. */
struct tensor *onnx_round(struct onnx *, const onnx_node *, struct tensor *, bool is_double);
/* Output i is link(scores), rounded to float32; scores are float64. */
void onnx_give_linked(struct onnx *, const onnx_node *, size_t i, struct tensor *scores,
                      enum link_kind);

/* ---- onnx_forest.c --------------------------------------------------------------------------- */

enum { ONNX_MODES = 7 };
enum onnx_mode { MODE_LEQ, MODE_LT, MODE_GTE, MODE_GT, MODE_EQ, MODE_NEQ, MODE_LEAF };

/* Nodes as the file has them, but nodes and trees by number. */
struct onnx_split {
    double value;
    int64_t feature;
    int32_t yes, no;      /* where the test holds, and where it does not */
    int32_t leaf, leaves; /* weights of a leaf: the first, and how many */
    uint8_t mode;
    bool missing_yes;
    float hits;
};

struct onnx_weight {
    int32_t score;
    double weight;
};

struct onnx_forest {
    int32_t n_nodes, n_trees, n_weights, n_scores;
    int32_t *root;
    struct onnx_split *node;
    struct onnx_weight *weight; /* those of a leaf follow each other */
    int32_t n_base;
    const double *base;
    bool is_double;
};

/* TreeEnsembleClassifier (prefix "class") and TreeEnsembleRegressor ("target"). */
struct onnx_forest *onnx_forest(struct onnx *, const onnx_node *, const char *prefix,
                                int64_t n_scores);
/* TreeEnsemble, the operator that replaces both. */
struct onnx_forest *onnx_forest_v5(struct onnx *, const onnx_node *);

/* ---- onnx_trees.c ---------------------------------------------------------------------------- */

/* The ensemble for a row of n_features; the bases are added after the last tree, as runtimes do. */
struct trees *onnx_forest_trees(struct onnx *, const onnx_node *, struct onnx_forest *,
                                int32_t n_features);

/* ---- onnx_ensemble.c, onnx_linear.c, onnx_features.c ----------------------------------------- */

void onnx_read_tree_classifier(struct onnx *, const onnx_node *);
void onnx_read_tree_regressor(struct onnx *, const onnx_node *);
void onnx_read_tree_ensemble(struct onnx *, const onnx_node *);

void onnx_read_linear_classifier(struct onnx *, const onnx_node *);
void onnx_read_linear_regressor(struct onnx *, const onnx_node *);
void onnx_read_matmul(struct onnx *, const onnx_node *);
void onnx_read_gemm(struct onnx *, const onnx_node *);
/* A row that a product with constants made, plus constants: they become its intercepts. */
bool onnx_add_intercept(struct onnx *, const onnx_node *, const struct onnx_value *,
                        const double *intercept, int64_t n);
/* The number of the first largest of a row. */
struct tensor *onnx_argmax(struct onnx *, const onnx_node *, const struct onnx_value *);

void onnx_read_scaler(struct onnx *, const onnx_node *);
void onnx_read_normalizer(struct onnx *, const onnx_node *);
void onnx_read_imputer(struct onnx *, const onnx_node *);
void onnx_read_binarizer(struct onnx *, const onnx_node *);
void onnx_read_arithmetic(struct onnx *, const onnx_node *);
void onnx_read_concat(struct onnx *, const onnx_node *);
void onnx_read_slice(struct onnx *, const onnx_node *);
void onnx_read_gather(struct onnx *, const onnx_node *);
/* The columns of a row. */
struct tensor *onnx_columns(struct onnx *, const onnx_node *, struct tensor *row, int32_t n,
                            const int32_t *column);

/* A row with its signs changed. */
struct tensor *onnx_negative(struct onnx *, const onnx_node *, const struct onnx_value *);
/* A row of linear scores with its signs changed, as another linear model. */
struct tensor *onnx_negate_linear(struct onnx *, const onnx_node *, const struct onnx_value *);
/* Several rows of linear scores become one, output 0; false: they are not all linear. */
bool onnx_join_linear(struct onnx *, const onnx_node *);

/* ---- onnx_patterns.c ------------------------------------------------------------------------- */

void onnx_read_exp(struct onnx *, const onnx_node *);
void onnx_read_reciprocal(struct onnx *, const onnx_node *);
void onnx_read_reduce_sum(struct onnx *, const onnx_node *);
void onnx_read_not(struct onnx *, const onnx_node *);
void onnx_read_equal(struct onnx *, const onnx_node *);
/* A cast, a sum, a product or a quotient that is a step of a pattern; false: it is none. */
bool onnx_cast_note(struct onnx *, const onnx_node *, const struct onnx_value *);
bool onnx_arithmetic_note(struct onnx *, const onnx_node *);

/* ---- onnx_leaves.c --------------------------------------------------------------------------- */

/* Output i, float32, are the scores of an ensemble of x: remembered where it is a single tree. A
 * pair is 1 - score and score. */
void onnx_give_leaves(struct onnx *, const onnx_node *, size_t i, struct tensor *x,
                      const struct trees *, bool is_pair);
void onnx_argmax_leaves(struct onnx *, const onnx_node *, const struct onnx_value *);
bool onnx_equal_leaves(struct onnx *, const onnx_node *, const struct onnx_value *);
bool onnx_weigh_leaves(struct onnx *, const onnx_node *);
bool onnx_sum_leaves(struct onnx *, const onnx_node *);
bool onnx_stack_leaves(struct onnx *, const onnx_node *);
void onnx_read_where(struct onnx *, const onnx_node *);
void onnx_read_reduce_mean(struct onnx *, const onnx_node *);
void onnx_read_shape_of(struct onnx *, const onnx_node *);
void onnx_read_constant_of_shape(struct onnx *, const onnx_node *);

/* ---- onnx_label.c ---------------------------------------------------------------------------- */

/* The classes of a classifier, by its attributes: names, or integers. */
const struct names *onnx_classes(struct onnx *, const onnx_node *, const char *ints,
                                 const char *strings);
void onnx_give_label(struct onnx *, const onnx_node *, size_t i, struct tensor *,
                     const struct names *);
void onnx_read_argmax(struct onnx *, const onnx_node *);
void onnx_read_label_encoder(struct onnx *, const onnx_node *);
/* ArrayFeatureExtractor: columns of a row, or of constants that are classes one of them. */
void onnx_read_extractor(struct onnx *, const onnx_node *);

/* ---- onnx_estimator.c ------------------------------------------------------------------------ */

/* Inputs of a model of standard operators: one row of float32. */
void onnx_estimator_inputs(struct onnx *);
/* Its outputs, and the names of their functions. */
void onnx_estimator_outputs(struct onnx *);

#endif
