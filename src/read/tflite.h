/* SPDX-License-Identifier: Apache-2.0 */
/* tflite.h - what the files of the .tflite reader share.
 *
 *   tflite.c         the model, its graphs, which operators count
 *   tflite_tensor.c  tensors: shapes, quantisation, contents
 *   tflite_ops.c     the table of operators
 *   tflite_attr.c    their attributes and constant inputs
 *
 * Fields are numbered as in the schema of TensorFlow Lite, version 3.
 */
#ifndef MICA_READ_TFLITE_H
#define MICA_READ_TFLITE_H

#include "op/attr.h"
#include "read/flatbuffer.h"

/* Limits of what one file may hold: beyond any model that fits a microcontroller. */
enum {
    SUBGRAPHS_MAX = 1 << 8,
    TENSORS_MAX = 1 << 14,
    OPERATORS_MAX = 1 << 12,
    IO_MAX = 120 /* inputs and outputs: parameters of one function, of which C promises 127 */
};

struct tfl_attr;

/* How one builtin operator becomes a node. */
struct tfl_row {
    const char *name; /* "CONV_2D" */
    int32_t code;
    enum op_kind kind;
    void (*read)(struct tfl_attr *); /* fills node->attr; NULL: there is nothing to fill */
    uint8_t options;                 /* member of the union BuiltinOptions; 0: they are not read */
    int min_in, max_in;              /* those from min_in on may be omitted */
    uint32_t keep;                   /* bit i: input i of the operator is an input of the node */
};

enum { TFL_CUSTOM = 32 };
#define TFL_KEEP_ALL UINT32_MAX

const struct tfl_row *tfl_row(int32_t code); /* NULL: not supported */
const char *tfl_operator_name(int32_t code); /* NULL: the schema has none of that number */
static inline bool tfl_keeps(const struct tfl_row *row, size_t input)
{
    return row->keep == TFL_KEEP_ALL || (input < 32 && (row->keep >> input & 1));
}

struct tfl_operator {
    struct fb_table table;
    struct fb_vector in, out;  /* int32: numbers of tensors, -1: an omitted input */
    const struct tfl_row *row; /* NULL: not supported */
    const char *name;          /* "CONV_2D", or what a custom operator calls itself */
    bool is_custom;
    bool is_live; /* an output of the graph depends on it */
};

/* The contents of a buffer once a tensor has used them. */
struct tfl_buffer {
    const void *data;
    enum dtype type;
};

/* One file. */
struct tfl {
    struct ctx *ctx;
    struct fb fb;
    struct fb_vector opcodes;
    struct fb_vector buffers;
    struct tfl_buffer *copied; /* by number of buffer */
    size_t copied_bytes;
    size_t n_tensors, n_operators; /* of all graphs so far */
};

/* One graph of the file while it is read. */
struct tfl_graph {
    struct tfl *tfl;
    struct graph *graph;
    struct fb_vector tensors;
    struct tensor **tensor; /* by its number in the file; NULL: not needed */
    bool *is_wanted;
    struct tfl_operator **maker; /* by tensor; NULL: no operator makes it */
    size_t n_operators;
    struct tfl_operator *operators;
};

/* One operator while its attributes are read. */
struct tfl_attr {
    struct tfl_graph *g;
    const struct tfl_operator *op;
    struct fb_table options; /* empty where the file has none: all fields have their defaults */
    struct node *node;       /* inputs, outputs and zeroed attributes are there */
};

/* ---- tflite_tensor.c ------------------------------------------------------------------------- */

const char *tfl_tensor_name(struct tfl_graph *, size_t i);
/* Reads tensor i with everything that belongs to it; refuses by name what no operator takes. */
struct tensor *tfl_tensor(struct tfl_graph *, size_t i);
/* Refuses an input whose size is unknown in a dimension other than the first, the batch. */
void tfl_check_input_signature(struct tfl_graph *, size_t i);
/* "int8 [1,49,10,1]", of any tensor, for messages. */
const char *tfl_tensor_text(struct tfl_graph *, size_t i);
/* The integers that tensor i holds as a constant: at most `max`, saturated to 32 bits. Returns how
 * many; -1: it is no constant; -2: it is not of int32 or int64, or holds more. */
int tfl_tensor_ints(struct tfl_graph *, size_t i, int32_t *at, int max);

/* ---- tflite_attr.c --------------------------------------------------------------------------- */

void tfl_read_conv2d(struct tfl_attr *);
void tfl_read_depthwise_conv2d(struct tfl_attr *);
void tfl_read_fully_connected(struct tfl_attr *);
void tfl_read_pool2d(struct tfl_attr *);
void tfl_read_binary(struct tfl_attr *);
void tfl_read_mean(struct tfl_attr *);
void tfl_read_softmax(struct tfl_attr *);
void tfl_read_relu(struct tfl_attr *);
void tfl_read_relu6(struct tfl_attr *);
void tfl_read_relu_n1_to_1(struct tfl_attr *);
void tfl_read_leaky_relu(struct tfl_attr *);
void tfl_read_pad(struct tfl_attr *);
void tfl_read_transpose(struct tfl_attr *);
void tfl_read_concatenation(struct tfl_attr *);
void tfl_read_slice(struct tfl_attr *);
void tfl_read_strided_slice(struct tfl_attr *);

#endif
