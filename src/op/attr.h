/* SPDX-License-Identifier: Apache-2.0 */
/* attr.h - the attributes of operators: what a reader fills in and an operator's file interprets.
 *
 * Everything a model may state in several ways (SAME padding, negative axes, masks) is made plain
 * by the reader: pads are counted, axes are from 0, sizes are known.
 */
#ifndef MICA_OP_ATTR_H
#define MICA_OP_ATTR_H

#include "ir.h"

/* conv2d: input [N,H,W,C], weights [O,KH,KW,C/groups], bias [O] or none -> [N,OH,OW,O].
 * depthwise_conv2d: weights [1,KH,KW,C*multiplier]; output channel c*multiplier + m. */
struct attr_conv2d {
    int32_t stride_h, stride_w, dilation_h, dilation_w;
    int32_t pad_top, pad_bottom, pad_left, pad_right;
    enum activation activation;
};

/* max_pool, average_pool: [N,H,W,C] -> [N,OH,OW,C]; padding counts for neither. */
struct attr_pool {
    int32_t kernel_h, kernel_w, stride_h, stride_w;
    int32_t pad_top, pad_bottom, pad_left, pad_right;
    enum activation activation;
};

/* dense: input of any shape, taken as [N,I]; weights [O,I], bias [O] or none -> [N,O], or with
 * keep_dims the input's shape with its last dimension O. */
struct attr_dense {
    bool keep_dims;
    enum activation activation;
};

/* add, sub, mul: with broadcasting. */
struct attr_binary {
    enum activation activation;
};

/* mean: axes ascending, each once. */
struct attr_mean {
    struct int_list axes;
    bool keep_dims;
};

/* softmax: over the last axis of exp(beta * x). */
struct attr_softmax {
    float beta;
};

/* clamp: relu, relu6, relu_n1_to_1. */
struct attr_clamp {
    enum activation activation;
};

struct attr_leaky_relu {
    float alpha;
};

/* pad: one entry an axis; input 1 is the value (a constant of one element) or omitted: real 0. */
struct attr_pad {
    struct int_list before, after;
};

/* transpose: output axis i is input axis perm[i]. */
struct attr_transpose {
    struct int_list perm;
};

struct attr_concat {
    int32_t axis;
};

/* slice: element i of axis a is input element begin[a] + i * stride[a], i < size[a].
 * Axes listed in `drop` (of size 1) are missing in the output's shape. */
struct attr_slice {
    struct int_list begin, size, stride, drop;
};

/* ---- estimators ------------------------------------------------------------------------------ */

/* What a node of an estimator gives: the number of a class, or a score for each. */
enum gives {
    GIVES_LABEL,
    GIVES_SCORES,
    GIVES_CERTAIN /* of trees: the labels, and 1 where rounded leaves decide all of them, else 0 */
};
/* How scores become a label: the first largest; 1 where the only score is at least a cut; the first
 * largest of the softmax of the scores, in which close scores may become equal. */
enum decide { DECIDE_ARGMAX, DECIDE_CUT, DECIDE_SOFTMAX };
/* In which arithmetic the training library forms its sums. */
enum sums { SUMS_FLOAT64, SUMS_FLOAT32 };

/* trees: an ensemble of decision trees; its arrays are the node's inputs (tree/tree.h). */
struct attr_trees {
    int32_t gives, decide, sums;
    bool path; /* a leaf's value is (d + value) - 1, d tests above it plus 1: isolation forests */
};

/* oblivious: symmetric trees, whose levels each make one test for all nodes. x float32 [1,F], depth
 * int32[T], feature int32[S] and border float32[S] of the tests of one tree after the other, value
 * float64[L,K] with 2^depth leaves a tree, base float64[K], numbers float64[2] (a positive factor,
 * a cut), missing uint8[S], may be omitted: 1 where NaN is above the border. Test i of a tree gives
 * bit i of the number of its leaf: x > border. scores [1,K] = factor * sums + base; the label
 * int32[1] is the first largest (argmax), or int32[K] are, of each, whether it is at least the
 * cut. */
struct attr_oblivious {
    int32_t gives, decide;
};

/* linear: x [1,F] float32, int8, uint8, int16 or float64, coef float64[K,F], intercept float64[K],
 * and what float64 could not hold of both (two more inputs of the same shapes, or none; x is
 * float32) -> the label int32[1] (cut: [K], each 1 where its score is above 0) or the scores [1,K],
 * float64 or rounded to float32 as the output says. */
struct attr_linear {
    int32_t gives, decide, sums;
};

/* link: from scores [1,K] float64 to what an estimator gives. */
enum link_kind {
    LINK_SOFTMAX,
    LINK_LOGISTIC,      /* of each score */
    LINK_LOGISTIC_PAIR, /* one score -> [1-p,p] */
    LINK_OVR,           /* the logistic of each, divided by their sum */
    LINK_NORMALIZE,     /* divided by their sum; all equal where that is 0 */
    LINK_EXP,
    LINK_PATH,        /* -(2^(-x / numbers[0])): the depth of an isolation forest */
    LINK_AFFINE,      /* numbers[0] * x + numbers[1] */
    LINK_COMPLEMENT,  /* one number -> [1-x,x] */
    LINK_CLIP,        /* at least numbers[0], at most numbers[1] */
    LINK_SOFTMAX_F32, /* each step rounded to float32, as XGBoost does it */
    LINK_LOGISTIC_F32,
    LINK_SOFTMAX_ZERO, /* of scores that are not nearly 0; the others stay 0: ONNX has it */
    LINK_COUNT
};
struct attr_link {
    int32_t kind;
};

/* scale_features: y = (x first_op first) second_op second, where an omitted input leaves its step
 * out. Each step is rounded to the output's type, float32 or float64. */
enum scale_op { SCALE_ADD, SCALE_SUB, SCALE_MUL, SCALE_DIV };
struct attr_scale_features {
    int32_t first_op, second_op;
};

/* impute_features: x, fill float64[F], numbers float64[1] (may be omitted where NaN is missing):
 * x where it is NaN, or equals numbers[0], becomes fill. */
enum missing { MISSING_NAN, MISSING_VALUE };
struct attr_impute_features {
    int32_t missing;
};

/* normalize_features: a row is divided by its norm, unless that is 0. */
enum norm { NORM_L1, NORM_L2, NORM_MAX };
struct attr_normalize_features {
    int32_t norm;
};

#endif
