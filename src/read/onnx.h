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
 */
#ifndef MICA_READ_ONNX_H
#define MICA_READ_ONNX_H

#include "op/attr.h"

#include "onnx.pb-c.h"

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

/* The format names values; nodes, inputs and initializers meet by these names. */
struct onnx_value {
    const char *name;
    const onnx_tensor *initializer; /* a constant of the file, or NULL */
    const onnx_info *input;         /* an input of the model, or NULL */
    const onnx_info *declared;      /* what the file says of its type, or NULL */
    const onnx_node *maker;         /* the node that gives it, or NULL */
    struct tensor *tensor;          /* once it is in the graph */
    bool is_wanted;                 /* an output of the model depends on it */
};

/* One file. */
struct onnx {
    struct ctx *ctx;
    const onnx_model *model;
    const onnx_graph *file;
    struct graph *graph;
    int n_values, n_slots; /* slots: a power of two, more than twice as many as values */
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

/* ---- onnx_mica.c ----------------------------------------------------------------------------- */

extern const char onnx_mica_domain[];
void onnx_read_mica(struct onnx *, const onnx_node *);

/* ---- onnx_names.c ---------------------------------------------------------------------------- */

/* The properties mica.roles, mica.features and mica.classes of the model, where it has them. */
void onnx_read_names(struct onnx *);

#endif
