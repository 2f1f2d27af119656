/* SPDX-License-Identifier: Apache-2.0 */
/* tflite_ops.c - the operators of the TFLite schema: which become which of ours, and the names of
 * all of them for messages. Supporting one more is a row of the first table, and a function in
 * tflite_attr.c where it has options. */
#include "read/tflite.h"

/* clang-format off */
static const struct tfl_row rows[] = {
    /* name, code, operator, reader of attributes, its member of the union of options, fewest and
     * most inputs, which of them the node keeps */
    {"CONV_2D", 3, OP_conv2d, tfl_read_conv2d, 1, 2, 3, TFL_KEEP_ALL},
    {"DEPTHWISE_CONV_2D", 4, OP_depthwise_conv2d, tfl_read_depthwise_conv2d, 2, 2, 3, TFL_KEEP_ALL},
    {"FULLY_CONNECTED", 9, OP_dense, tfl_read_fully_connected, 8, 2, 3, TFL_KEEP_ALL},
    {"MAX_POOL_2D", 17, OP_max_pool, tfl_read_pool2d, 5, 1, 1, TFL_KEEP_ALL},
    {"AVERAGE_POOL_2D", 1, OP_average_pool, tfl_read_pool2d, 5, 1, 1, TFL_KEEP_ALL},
    {"ADD", 0, OP_add, tfl_read_binary, 11, 2, 2, TFL_KEEP_ALL},
    {"SUB", 41, OP_sub, tfl_read_binary, 28, 2, 2, TFL_KEEP_ALL},
    {"MUL", 18, OP_mul, tfl_read_binary, 21, 2, 2, TFL_KEEP_ALL},
    {"MEAN", 40, OP_mean, tfl_read_mean, 27, 2, 2, 1},
    {"SOFTMAX", 25, OP_softmax, tfl_read_softmax, 9, 1, 1, TFL_KEEP_ALL},
    {"LOGISTIC", 14, OP_logistic, NULL, 0, 1, 1, TFL_KEEP_ALL},
    {"TANH", 28, OP_tanh, NULL, 0, 1, 1, TFL_KEEP_ALL},
    {"RELU", 19, OP_clamp, tfl_read_relu, 0, 1, 1, TFL_KEEP_ALL},
    {"RELU6", 21, OP_clamp, tfl_read_relu6, 0, 1, 1, TFL_KEEP_ALL},
    {"RELU_N1_TO_1", 20, OP_clamp, tfl_read_relu_n1_to_1, 0, 1, 1, TFL_KEEP_ALL},
    {"LEAKY_RELU", 98, OP_leaky_relu, tfl_read_leaky_relu, 75, 1, 1, TFL_KEEP_ALL},
    {"HARD_SWISH", 117, OP_hard_swish, NULL, 0, 1, 1, TFL_KEEP_ALL},
    {"ABS", 101, OP_abs, NULL, 0, 1, 1, TFL_KEEP_ALL},
    {"PAD", 34, OP_pad, tfl_read_pad, 0, 2, 2, 1},
    {"PADV2", 60, OP_pad, tfl_read_pad, 0, 3, 3, 1 | 4},
    {"RESHAPE", 22, OP_reshape, NULL, 0, 1, 2, 1},
    {"SQUEEZE", 43, OP_reshape, NULL, 0, 1, 1, 1},
    {"EXPAND_DIMS", 70, OP_reshape, NULL, 0, 2, 2, 1},
    {"TRANSPOSE", 39, OP_transpose, tfl_read_transpose, 0, 2, 2, 1},
    {"CONCATENATION", 2, OP_concat, tfl_read_concatenation, 10, 1, NODE_INPUTS_MAX, TFL_KEEP_ALL},
    {"SLICE", 65, OP_slice, tfl_read_slice, 0, 3, 3, 1},
    {"STRIDED_SLICE", 45, OP_slice, tfl_read_strided_slice, 32, 4, 4, 1},
    {"QUANTIZE", 114, OP_quantize, NULL, 0, 1, 1, TFL_KEEP_ALL},
    {"DEQUANTIZE", 6, OP_dequantize, NULL, 0, 1, 1, TFL_KEEP_ALL},
};

/* By code. */
static const char *const names[] = {
    "ADD", "AVERAGE_POOL_2D", "CONCATENATION", "CONV_2D", "DEPTHWISE_CONV_2D", "DEPTH_TO_SPACE",
    "DEQUANTIZE", "EMBEDDING_LOOKUP", "FLOOR", "FULLY_CONNECTED", "HASHTABLE_LOOKUP",
    "L2_NORMALIZATION", "L2_POOL_2D", "LOCAL_RESPONSE_NORMALIZATION", "LOGISTIC", "LSH_PROJECTION",
    "LSTM", "MAX_POOL_2D", "MUL", "RELU", "RELU_N1_TO_1", "RELU6", "RESHAPE", "RESIZE_BILINEAR",
    "RNN", "SOFTMAX", "SPACE_TO_DEPTH", "SVDF", "TANH", "CONCAT_EMBEDDINGS", "SKIP_GRAM", "CALL",
    "CUSTOM", "EMBEDDING_LOOKUP_SPARSE", "PAD", "UNIDIRECTIONAL_SEQUENCE_RNN", "GATHER",
    "BATCH_TO_SPACE_ND", "SPACE_TO_BATCH_ND", "TRANSPOSE", "MEAN", "SUB", "DIV", "SQUEEZE",
    "UNIDIRECTIONAL_SEQUENCE_LSTM", "STRIDED_SLICE", "BIDIRECTIONAL_SEQUENCE_RNN", "EXP",
    "TOPK_V2", "SPLIT", "LOG_SOFTMAX", "DELEGATE", "BIDIRECTIONAL_SEQUENCE_LSTM", "CAST", "PRELU",
    "MAXIMUM", "ARG_MAX", "MINIMUM", "LESS", "NEG", "PADV2", "GREATER", "GREATER_EQUAL",
    "LESS_EQUAL", "SELECT", "SLICE", "SIN", "TRANSPOSE_CONV", "SPARSE_TO_DENSE", "TILE",
    "EXPAND_DIMS", "EQUAL", "NOT_EQUAL", "LOG", "SUM", "SQRT", "RSQRT", "SHAPE", "POW", "ARG_MIN",
    "FAKE_QUANT", "REDUCE_PROD", "REDUCE_MAX", "PACK", "LOGICAL_OR", "ONE_HOT", "LOGICAL_AND",
    "LOGICAL_NOT", "UNPACK", "REDUCE_MIN", "FLOOR_DIV", "REDUCE_ANY", "SQUARE", "ZEROS_LIKE",
    "FILL", "FLOOR_MOD", "RANGE", "RESIZE_NEAREST_NEIGHBOR", "LEAKY_RELU", "SQUARED_DIFFERENCE",
    "MIRROR_PAD", "ABS", "SPLIT_V", "UNIQUE", "CEIL", "REVERSE_V2", "ADD_N", "GATHER_ND", "COS",
    "WHERE", "RANK", "ELU", "REVERSE_SEQUENCE", "MATRIX_DIAG", "QUANTIZE", "MATRIX_SET_DIAG",
    "ROUND", "HARD_SWISH", "IF", "WHILE", "NON_MAX_SUPPRESSION_V4", "NON_MAX_SUPPRESSION_V5",
    "SCATTER_ND", "SELECT_V2", "DENSIFY", "SEGMENT_SUM", "BATCH_MATMUL",
    "PLACEHOLDER_FOR_GREATER_OP_CODES", "CUMSUM", "CALL_ONCE", "BROADCAST_TO", "RFFT2D", "CONV_3D",
    "IMAG", "REAL", "COMPLEX_ABS", "HASHTABLE", "HASHTABLE_FIND", "HASHTABLE_IMPORT",
    "HASHTABLE_SIZE", "REDUCE_ALL", "CONV_3D_TRANSPOSE", "VAR_HANDLE", "READ_VARIABLE",
    "ASSIGN_VARIABLE", "BROADCAST_ARGS", "RANDOM_STANDARD_NORMAL", "BUCKETIZE", "RANDOM_UNIFORM",
    "MULTINOMIAL", "GELU", "DYNAMIC_UPDATE_SLICE", "RELU_0_TO_1", "UNSORTED_SEGMENT_PROD",
    "UNSORTED_SEGMENT_MAX", "UNSORTED_SEGMENT_SUM", "ATAN2", "UNSORTED_SEGMENT_MIN", "SIGN",
    "BITCAST", "BITWISE_XOR", "RIGHT_SHIFT", "STABLEHLO_LOGISTIC", "STABLEHLO_ADD",
    "STABLEHLO_DIVIDE", "STABLEHLO_MULTIPLY", "STABLEHLO_MAXIMUM", "STABLEHLO_RESHAPE",
    "STABLEHLO_CLAMP", "STABLEHLO_CONCATENATE", "STABLEHLO_BROADCAST_IN_DIM",
    "STABLEHLO_CONVOLUTION", "STABLEHLO_SLICE", "STABLEHLO_CUSTOM_CALL", "STABLEHLO_REDUCE",
    "STABLEHLO_ABS", "STABLEHLO_AND", "STABLEHLO_COSINE", "STABLEHLO_EXPONENTIAL",
    "STABLEHLO_FLOOR", "STABLEHLO_LOG", "STABLEHLO_MINIMUM", "STABLEHLO_NEGATE", "STABLEHLO_OR",
    "STABLEHLO_POWER", "STABLEHLO_REMAINDER", "STABLEHLO_RSQRT", "STABLEHLO_SELECT",
    "STABLEHLO_SUBTRACT", "STABLEHLO_TANH", "STABLEHLO_SCATTER", "STABLEHLO_COMPARE",
    "STABLEHLO_CONVERT", "STABLEHLO_DYNAMIC_SLICE", "STABLEHLO_DYNAMIC_UPDATE_SLICE",
    "STABLEHLO_PAD", "STABLEHLO_IOTA", "STABLEHLO_DOT_GENERAL", "STABLEHLO_REDUCE_WINDOW",
    "STABLEHLO_SORT", "STABLEHLO_WHILE", "STABLEHLO_GATHER", "STABLEHLO_TRANSPOSE", "DILATE",
    "STABLEHLO_RNG_BIT_GENERATOR", "REDUCE_WINDOW", "STABLEHLO_COMPOSITE", "STABLEHLO_SHIFT_LEFT",
    "STABLEHLO_CBRT", "STABLEHLO_CASE"
};
/* clang-format on */

const struct tfl_row *tfl_row(int32_t code)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].code == code)
            return &rows[i];
    return NULL;
}

const char *tfl_operator_name(int32_t code)
{
    bool is_known = code >= 0 && (size_t)code < sizeof names / sizeof *names;
    return is_known ? names[code] : NULL;
}
