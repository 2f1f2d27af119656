/* SPDX-License-Identifier: Apache-2.0 */
/* ir.h - every type of the compiler, once.
 *
 * A model is read into a graph (tensors and nodes), passes rewrite the graph, lowering turns each
 * node into calls of device kernels, the plan gives every tensor an address, and the emitter prints
 * the calls as C while eval makes the same calls on the host. Read this file first, then compile.c.
 */
#ifndef MICA_IR_H
#define MICA_IR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mica.h"

/* Limits. A model beyond one of them is refused by name, never truncated. */
enum {
    RANK_MAX = 6,
    OPERANDS_MAX = 6,          /* tensors of one kernel call */
    LOOPS_MAX = RANK_MAX,      /* loops around one kernel call */
    NODE_INPUTS_MAX = 1024,    /* concatenation takes many */
    WINDOW_ROWS_MAX = 256,     /* rows of a window; their pointers lie on the device's stack */
    ROLE_MAX = 32,             /* characters of a function's name behind that of the model */
    TENSOR_BYTES_MAX = 1 << 28 /* no microcontroller comes near; keeps all sizes in 32 bits */
};

/* ---- types of elements ------------------------------------------------------------------------
 *
 * The types of the TFLite schema, in its order (the enum values are the schema's).
 * X(ENUM, name as printed, bits of one element or 0 where there is no fixed size, C type or NULL)
 */
#define DTYPES(X)                          \
    X(FLOAT32, "float32", 32, "float")     \
    X(FLOAT16, "float16", 16, "uint16_t")  \
    X(INT32, "int32", 32, "int32_t")       \
    X(UINT8, "uint8", 8, "uint8_t")        \
    X(INT64, "int64", 64, "int64_t")       \
    X(STRING, "string", 0, NULL)           \
    X(BOOL, "bool", 8, "uint8_t")          \
    X(INT16, "int16", 16, "int16_t")       \
    X(COMPLEX64, "complex64", 64, NULL)    \
    X(INT8, "int8", 8, "int8_t")           \
    X(FLOAT64, "float64", 64, "double")    \
    X(COMPLEX128, "complex128", 128, NULL) \
    X(UINT64, "uint64", 64, NULL)          \
    X(RESOURCE, "resource", 0, NULL)       \
    X(VARIANT, "variant", 0, NULL)         \
    X(UINT32, "uint32", 32, "uint32_t")    \
    X(UINT16, "uint16", 16, "uint16_t")    \
    X(INT4, "int4", 4, NULL)               \
    X(BFLOAT16, "bfloat16", 16, NULL)      \
    X(INT2, "int2", 2, NULL)               \
    X(UINT4, "uint4", 4, NULL)

enum dtype {
#define X(ENUM, name, bits, ctype) DTYPE_##ENUM,
    DTYPES(X)
#undef X
        DTYPE_COUNT
};

const char *dtype_name(enum dtype);    /* "int8" */
const char *dtype_c(enum dtype);       /* "int8_t", or NULL where kernels have no such type */
int dtype_bits(enum dtype);            /* 0: no fixed size */
int dtype_from_name(const char *name); /* -1: no such type */

/* ---- tensors, nodes, graphs ------------------------------------------------------------------ */

/* real = scale * (q - zero). n is 0 (not quantised), 1 (per tensor) or the length of `axis`. */
struct quant {
    int n;
    int axis;
    const float *scale;
    const int32_t *zero;
};

struct tensor {
    const char *name; /* as the model names it */
    enum dtype type;
    int rank;
    int32_t dim[RANK_MAX];
    struct quant quant;
    const void *data;    /* constant contents, aligned for the type; NULL: computed or input */
    bool is_variable;    /* keeps its contents between runs */
    double error;        /* of scores, once lowered: what rounded leaves may make them err by */
    struct node *maker;  /* NULL: an input, a constant, a variable or temporary memory */
    struct tensor *base; /* a view: the same bytes as `base`, other shape; NULL otherwise */
    int index;           /* position in graph.tensor; unique, stable within a pass */
};

struct op;

struct node {
    const char *name; /* as the model names it; TFLite nodes take the name of their first output */
    const struct op *op;
    int n_in, n_out;
    struct tensor **in; /* an omitted optional input is NULL */
    struct tensor **out;
    void *attr; /* op->attr_bytes bytes; the structs are in op/attr.h */
};

/* The names of things that are told apart by number: features by column, classes by label. */
struct names {
    int n;
    const char *const *at;
    const int32_t *value; /* what the names stand for; NULL: 0, 1, 2, ... */
};

struct graph {
    const char *name;
    int n_tensors, n_nodes, n_inputs, n_outputs;
    struct tensor **tensor;
    struct node **node; /* in an order in which every input is made before it is read */
    struct tensor **input, **output;
    /* An estimator: output i becomes a function of its own, NAME_<role[i]>; NULL: a network, all
     * outputs are computed by one function. */
    const char **role;
    struct names features; /* of the input; n 0: they have no names */
    int n_labels;          /* numbers that a label output has: 1, more where outputs are many */
    const struct names *classes; /* [n_labels]; NULL: no classes */
};

/* What pass_channels() found and took out; all 0 where it left the model as it was read. */
struct channel_figures {
    int64_t weights, zero_weights, macs; /* before: of all nodes with weights; of all nodes */
    int64_t weights_left, macs_left;
};

/* One compilation: its memory, its error, what it works on. */
struct ctx {
    struct arena *arena;
    jmp_buf *recover; /* where fail() goes; set by the public functions only */
    char *error;      /* ERROR_BYTES */
    const char *file; /* as given by the caller, for messages */
    struct mica_options options;
    struct graph *graph;     /* the main graph */
    struct graph **subgraph; /* all graphs of the file, [0] is the main one */
    int n_subgraphs;
    struct channel_figures channels;
    int32_t buffer_max;      /* bytes that a kernel may have for itself */
    struct program *program; /* after lowering */
};

enum { ERROR_BYTES = 1024 };

/* Records "FILE: node 'NAME' (OP): message" (node may be NULL) and leaves by longjmp. For what the
 * user can mend: say what to do about it. Our own mistakes are assertions. */
_Noreturn void fail(struct ctx *, const struct node *, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- arena.c: memory of one compilation, zeroed, freed at once ------------------------------- */

struct arena *arena_new(void);
void arena_free(struct arena *);
size_t arena_bytes(const struct arena *); /* taken from the system so far */
/* n elements of `size` bytes, zeroed, aligned for every type; fails the compilation when there is
 * no memory or n * size overflows. */
void *alloc(struct ctx *, size_t n, size_t size);
void *copy_bytes(struct ctx *, const void *, size_t n);
char *format(struct ctx *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define NEW(ctx, type)     ((type *)alloc((ctx), 1, sizeof(type)))
#define NEWS(ctx, type, n) ((type *)alloc((ctx), (size_t)(n), sizeof(type)))

/* A growing string; the emitter and the text form write to it. */
struct text {
    struct ctx *ctx;
    char *at;
    size_t len, room;
};
struct text *text_new(struct ctx *);
void text_add(struct text *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void text_vadd(struct text *, const char *fmt, va_list);
void text_bytes(struct text *, const char *bytes, size_t n);

/* ---- graph.c --------------------------------------------------------------------------------- */

struct tensor *graph_add_tensor(struct ctx *, struct graph *, const char *name, enum dtype,
                                int rank, const int32_t *dim);
struct node *graph_add_node(struct ctx *, struct graph *, const char *name, const struct op *,
                            int n_in, int n_out); /* at the end; inputs and outputs are NULL */
int64_t tensor_elements(const struct tensor *);
int64_t tensor_bytes(const struct tensor *);
struct tensor *tensor_base(struct tensor *); /* follows views to the tensor that has the memory */
bool tensor_same_shape(const struct tensor *, const struct tensor *);
bool tensor_same_quant(const struct tensor *, const struct tensor *);
const char *tensor_text(struct ctx *, const struct tensor *); /* "int8 [1,49,10,1]" */
/* Rows of a tensor: all leading axes down to the one of height or time; the rest is one row.
 * [N,H,W,C] and [N,T,C]: N * the second dimension; [N,C], [C]: N and 1. */
int32_t tensor_rows(const struct tensor *);
bool graph_is_output(const struct graph *, const struct tensor *);
int graph_uses(const struct graph *, const struct tensor *); /* reads by nodes, and as output */
void graph_replace(struct graph *, struct tensor *old, struct tensor *with); /* in all reads */
/* Moves the tensors and nodes of another graph to the end of this one; x takes its input's
 * place. */
void graph_append(struct ctx *, struct graph *, struct graph *from, struct tensor *x);
void graph_drop_nodes(struct graph *, const bool *drop); /* drop[i]: take node[i] out */
void graph_order(struct ctx *, struct graph *);          /* sorts nodes; fails on a cycle */

/* ---- operators ------------------------------------------------------------------------------- */

/* One attribute of an operator, for the text form. */
enum attr_type { ATTR_INT, ATTR_BOOL, ATTR_FLOAT, ATTR_INTS, ATTR_ACTIVATION, ATTR_ENUM };
struct attr_field {
    const char *name;
    enum attr_type type;
    size_t offset;
    const char *const *words; /* ATTR_ENUM: the words for 0, 1, ...; ends with NULL */
};

/* A fixed list of integers as an attribute: axes, permutations, begins. */
struct int_list {
    int n;
    int32_t at[RANK_MAX];
};

enum activation { ACT_NONE, ACT_RELU, ACT_RELU6, ACT_RELU_N1_TO_1, ACT_COUNT };
const char *activation_name(enum activation);

/* How the rows of an output depend on the rows of the inputs (docs: DESIGN.md, "Rows").
 * Output rows [r, r+n) read input rows [r*stride - pad, (r+n-1)*stride - pad + reach) clipped to
 * [0, rows_in). Padding below is never written down: it is the clip. */
struct rows {
    bool whole;      /* reads all input rows before it gives the first: the rest is unused */
    bool accumulate; /* takes input rows one by one and gives its only row after the last */
    int32_t rows_in, rows_out;
    int32_t reach;  /* rows of the window: (kernel - 1) * dilation + 1 */
    int32_t stride; /* input rows between two output rows */
    int32_t pad;    /* rows before row 0 */
};

/* ---- core.c --------------------------------------------------------------------------------- */

bool core_has_dsp(const char *target);             /* the DSP extension of Armv7E-M and Armv8-M */
bool core_has_float(const char *target);           /* adds and multiplies float32 in hardware */
bool core_has_float_blocks(const char *target);    /* does so in Thumb-2: kernels/nn/fpu.h */
bool core_has_multiplier(const char *target);      /* 32 by 32 bits to 32, and no DSP extension */
bool core_has_byte_multiplier(const char *target); /* 8 by 8 bits to 16, and nothing wider */
bool core_has_program_memory(const char *target);  /* constants are read by special loads: AVR */

struct lower;

/* One way to lower a node: a kernel, or the same kernel fed in another manner. */
struct way {
    const char *name; /* among those of its operator: "1x1_pairs" */
    /* Describes the kernel calls, as op.lower does; false after lower_misfit() where the node or
     * the core does not suit it, and what it registered by then is forgotten. */
    bool (*lower)(struct lower *, struct node *);
};

/* What the compiler knows about one operator; one constant each, at the end of its file. */
struct op {
    const char *name;               /* as in dumps and messages: "conv2d" */
    const char *summary;            /* one line for docs/operators.md */
    size_t attr_bytes;              /* of the struct in op/attr.h */
    const struct attr_field *attrs; /* ends with a NULL name; NULL: no attributes */
    int min_in, max_in, n_out;
    uint32_t types; /* TYPE_BIT(dtype) of every type input 0 may have */
    bool is_view;   /* the output is the bytes of input 0 */
    /* Checks inputs and attributes (fails by name) and sets the shape and type of the outputs into
     * want[]; the caller compares with what the model says. */
    void (*infer)(struct ctx *, struct node *, struct tensor *want);
    struct rows (*rows)(const struct node *); /* NULL: whole */
    bool (*in_place)(const struct node *,
                     int k);              /* may out 0 take the bytes of input k? NULL: no */
    int64_t (*macs)(const struct node *); /* multiply-accumulates; NULL: 0 */
    /* How many classes label k of an int32 output may be; 0: there is no such label. NULL: the
     * operator gives none. */
    int32_t (*classes)(const struct node *, int32_t k);
    /* Describes the kernel calls. NULL: a view, or there are several ways to do it: then check()
     * refuses what none may take, and the chooser tries ways[] (choose.c). */
    void (*lower)(struct lower *, struct node *);
    void (*check)(struct ctx *, const struct node *);
    const struct way *ways; /* the plain loops last, which take everything; ends with a NULL name */
};

#define TYPE_BIT(ENUM) (UINT32_C(1) << DTYPE_##ENUM)

/* ops.def has one line an operator; op/registry.c makes the table from it. */
enum op_kind {
#define OP(name) OP_##name,
#include "op/ops.def"
#undef OP
    OP_COUNT
};
extern const struct op *const op_table[OP_COUNT];
const struct op *op_find(const char *name); /* NULL: none */
static inline bool node_is(const struct node *n, enum op_kind kind)
{
    return n->op == op_table[kind];
}
/* The fused activation of a node, or NULL where its operator has none. */
enum activation *node_activation(struct node *);

/* ---- kernels: what the build learnt of kernels/ (tools/embed.c writes the table) ------------- */

enum field_type {
    FIELD_INT8,
    FIELD_UINT8,
    FIELD_INT16,
    FIELD_INT32,
    FIELD_UINT32,
    FIELD_FLOAT,
    FIELD_DOUBLE,
    FIELD_FAR, /* where the constant of the field before it is, if no pointer of AVR reaches it */
    FIELD_PTR_INT8,
    FIELD_PTR_UINT8,
    FIELD_PTR_INT16,
    FIELD_PTR_UINT16,
    FIELD_PTR_INT32,
    FIELD_PTR_UINT32,
    FIELD_PTR_FLOAT,
    FIELD_PTR_DOUBLE
};
struct field {
    const char *name;
    enum field_type type;
    size_t offset;
};

enum arg_kind { ARG_INPUT, ARG_ROWS, ARG_OUTPUT, ARG_COUNT };
struct kernel_arg {
    enum arg_kind kind;
    enum dtype type; /* of what the pointer points to; DTYPE_COUNT: of any type (const void *) */
};

/* Calls the kernel: pointers in the order of its arguments; ARG_ROWS: an array of row pointers. */
typedef void kernel_call(const void *params, void *const *args, int32_t count);

struct kernel {
    const char *name;        /* "mica_conv2d_s8" */
    const char *file;        /* "conv2d_s8.h" */
    const char *params_name; /* "mica_conv2d_s8", of the struct; NULL: takes none */
    size_t params_bytes;
    const struct field *fields; /* ends with a NULL name */
    bool folds; /* MICA_INLINE: every field of the parameters becomes part of the code */
    int n_args;
    const struct kernel_arg *args; /* after the parameters */
    kernel_call *call[MICA_PROFILE_COUNT];
};

/* The text of one file of kernels/, and the files it includes. */
struct kernel_file {
    const char *name;
    const char *text[MICA_PROFILE_COUNT]; /* without licence, guard and includes */
    const char *const *needs;             /* local files, ends with NULL */
    const char *const *system;            /* <headers>, ends with NULL */
};
const struct kernel_file *kernel_file_find(const char *name);

/* ---- lowering: nodes become kernel calls ----------------------------------------------------- */

/* Constant data of the program: weights, tables. Parameters point to `data`; a pointer field is
 * printed as the name of the constant it points to. */
struct constant {
    const char *label; /* "weights", "bias", ... */
    const struct node *node;
    enum dtype type;
    int64_t n;
    const void *data;
    bool is_operand; /* read by kernels as memory, not through MICA_ROM_* */
    bool is_far;     /* in pieces, and found by a function: see kernels/nn/rom_far.h */
};

/* Row pointers for a kernel that reads a window: row k of the window of output row r is input row
 * r * stride - pad + k * dilation, NULL outside [0, rows_in). */
struct window {
    int32_t kernel, stride, pad, dilation, rows_in;
    int32_t pitch; /* elements from row to row */
    int loop;      /* number of the loop over r; -1: r is 0 */
};

/* One tensor argument of a call. Its address: tensor + offset + the sum of step[i] * loop i. */
struct operand {
    struct tensor *tensor;
    int32_t offset;
    int32_t step[LOOPS_MAX];
    struct window window; /* ARG_ROWS only */
};

/* When a call runs. A node that accumulates has all three; others only PHASE_ROWS. */
enum phase { PHASE_START, PHASE_ROWS, PHASE_FINISH };

/* One kernel call, in its loops; elements count in the operand's own type.
 * Where the node's rows are not `whole`, loop 0 of a PHASE_ROWS call is the loop over rows. */
struct call {
    const struct kernel *kernel;
    void *params;
    /* Code of its own, faster than the kernel and equal to it: NULL for nearly all calls. */
    const struct code *code;
    enum phase phase;
    int32_t count; /* the kernel's n argument */
    /* Above 0: a call makes up to so many rows of the window's loop, and takes how many as its
     * count; the row schedules make one at a time. */
    int32_t strip;
    bool joins; /* the rows of loop 0 follow each other: one call can do them all by `count` */
    int n_loops;
    int32_t loop[LOOPS_MAX]; /* how often, outermost first */
    struct operand operand[OPERANDS_MAX];
};

/* A function written for one call: takes the kernel's arguments but its parameters and gives the
 * same bits. eval runs the kernel. */
struct code {
    const char *name; /* what is put behind the step's name: "nest" */
    /* Prints "static void NAME(...) {...}" and what else it needs, all names beginning with NAME;
     * `params` is what the kernel takes as its first argument, "&trees_1". */
    void (*print)(struct ctx *, struct text *, const struct call *, const char *name,
                  const char *params);
    const char *const *files; /* of kernels/, that it calls; ends with NULL */
    bool needs_kernel;        /* print() calls the kernel itself for rows it does not decide */
    const void *data;         /* for print() */
    const char *calls; /* the function of the kernel's file that print() calls; NULL: the kernel */
};

struct step {
    struct node *node;
    struct rows rows;
    int n_calls;
    struct call **call;
    int n_temps;
    struct tensor **temp; /* memory used only while this step runs */
};

/* ---- choose/: which way each node is lowered ------------------------------------------------- */

/* Instructions of one inference and bytes of flash, as estimated. */
struct totals {
    double instructions, flash;
};

struct menu; /* choose/choose.h: the ways that a node may go */

struct program {
    struct graph *graph;
    int n_steps, n_constants;
    struct step *step;
    struct constant *constant;
    struct plan *plan;         /* after planning */
    struct schedule *schedule; /* rows are pushed; NULL: whole tensors, step by step */
    struct stream *stream;     /* time is endless; NULL: it is not */
    struct menu *menu;         /* of each node; NULL: no operator had a choice */
    struct totals chosen;      /* of the model as it is lowered */
    struct program **head; /* of an estimator: a program for each output, of the steps it needs */
};

/* The state of lowering one node; see lower.c for the functions that operators use. */
struct lower {
    struct ctx *ctx;
    struct program *program;
    struct step *step;
    const char *misfit; /* why the way that was tried last does not fit; NULL: it does */
};

/* Lowers a node one way; false: it does not fit, and nothing has changed. */
bool lower_way(struct lower *, struct node *, const struct way *);
/* Says why a way does not fit, in words that follow "no: "; returns false. */
bool lower_misfit(struct lower *, const char *why);

/* The loop whose rows a strip takes several of; -1: there is but one row. */
int strip_loop(const struct call *);
/* Starts a call with a copy of *params (NULL where the kernel takes none). */
struct call *lower_call(struct lower *, const struct kernel *, const void *params);
/* False: on the device its code of its own does all that the kernel would do. */
bool call_runs_kernel(const struct call *);
/* Adds a loop inside the ones there are; returns its number for call_step(). */
int call_loop(struct call *, int32_t count);
/* Binds the next tensor argument of the kernel. Its type must be the kernel's. */
struct operand *call_bind(struct call *, struct tensor *, int32_t offset);
/* Memory of n elements that lives while this node runs. */
struct tensor *lower_temp(struct lower *, enum dtype, int32_t n);
/* Registers constant data and returns the pointer for a parameter struct. */
const void *lower_constant(struct lower *, const char *label, enum dtype, int64_t n,
                           const void *data);
/* A value for an int16_t field of a parameter struct; fails the node when it does not fit. */
int16_t lower_i16(struct lower *, const char *what, int64_t value);

/* Whole-tensor order: every step does all its rows at once, in as few calls as that takes. */
void schedule_whole(struct program *);

/* ---- plan: addresses ------------------------------------------------------------------------- */

/* A piece of memory that lives from step `birth` to step `last`, both included. */
struct interval {
    int32_t birth, last;
    int32_t bytes, align;
    int32_t offset; /* out */
    bool fixed;     /* offset is given, not to be chosen */
};

/* Gives every interval an offset so that no two that live together overlap; returns the bytes.
 * attempts: orders tried beyond the usual ones. */
int32_t plan_pack(struct ctx *, struct interval *, int n, int attempts);
/* The most bytes live at any one step: no plan can need less. */
int32_t plan_lower_bound(struct ctx *, const struct interval *, int n);

/* A tensor in the row schedule. Each row has an address of its own, unless somebody needs the rows
 * together: then they follow each other from the first. */
struct row_tensor {
    struct tensor *tensor;  /* no view */
    int32_t rows, elements; /* of one row */
    bool together;
    int counter;     /* where its rows are counted */
    int32_t *birth;  /* turn that makes the row */
    int32_t *last;   /* last turn that reads it */
    int32_t *offset; /* bytes */
};

/* One turn: an operator makes output rows [from, to), or (op -1) input rows come. */
struct turn {
    int op;
    int32_t from, to;
};

/* Rows pushed through the graph: what the walker on the device does, run once by the planner. The
 * tables op[] and edge[] are those of the generated code (kernels/nn/row_walk.h). */
struct schedule {
    bool by_row; /* the input comes row by row; otherwise it lies in memory from the start */
    int n_ops;
    const struct mica_row_op *op;
    const struct mica_row_edge *edge;
    int n_edges, n_counters; /* no counters: each operator takes one turn of one row, in order */
    const int *step;         /* of each operator */
    int start;               /* whom to ask when a row of the input has come */
    int n_tensors;
    struct row_tensor *tensor;
    const int *of; /* of[tensor->index], -1: none */
    int n_turns;
    const struct turn *turn;
    int cut;              /* first operator of the stretch of whole tensors; n_ops: none */
    int32_t state_bytes;  /* memory and counters */
    int32_t buffer_bytes; /* of it, the place that kernels use for themselves */
};

/* Makes program->schedule and program->plan for the smallest memory; fails where rows cannot be
 * pushed at all. */
void schedule_rows(struct ctx *, struct program *);
/* Whole tensors, where these may be and fit options.max_ram; false: they do not. */
bool schedule_whole_to_fit(struct ctx *, struct program *);
/* Otherwise the rows with the fewest turns that fit. false: nothing does, or where it is `last`, a
 * failure. */
bool schedule_to_fit(struct ctx *, struct program *, bool last);
int32_t schedule_counter_bytes(const struct schedule *); /* of one counter of rows: 1 or 2 */
/* A tensor of a stream over endless time. Of the R rows that it has in one window of the model, the
 * last `depth` are kept; `fresh` of them are new after each hop. */
struct stream_tensor {
    struct tensor *tensor; /* no view; NULL: not computed while streaming */
    int32_t rows, elements;
    bool is_whole;   /* computed anew each hop, all rows: an operator needed the whole window */
    bool together;   /* rows follow each other in memory, oldest first; else they may be a ring */
    int32_t per_row; /* input rows from one row to the next */
    int32_t fresh, depth;
    int32_t offset; /* bytes; where lender < 0 */
    int ring;       /* its place in the state's slots; -1: no ring */
    int lender;     /* ring in whose free slot it lies; -1: memory of its own */
};

struct stream {
    int32_t hop;   /* input rows between two outputs */
    int32_t first; /* input rows until the first output */
    int n_rings;
    struct stream_tensor *tensor; /* by tensor->index */
    bool *anew;      /* by step: it needs the whole window, not only what is new of it */
    int64_t macs;    /* of one hop */
    int count_bytes; /* of a slot number, and of the count of frames */
    int32_t state_bytes;
};

/* Makes program->stream and its plan; fails where the model cannot be streamed exactly, naming the
 * node and the reason. */
void schedule_stream(struct ctx *, struct program *);

/* A temporary tensor that holds nothing from one row to the next: all such share one place. */
bool is_row_buffer(const struct step *, const struct tensor *);
/* The rows of an operand follow loop 0 one by one: its address may come from the row map. */
bool operand_by_row(const struct step *, const struct call *, int operand);

struct plan {
    int32_t bytes, lower_bound; /* of the scratch memory */
    int32_t peak_step;          /* where lower_bound is reached; a turn, where rows are pushed */
    int n;                      /* tensors with an address */
    struct tensor **tensor;
    struct interval *interval;
    const int32_t *of; /* of[tensor->index]: number of its interval, -1: none (views follow base) */
};

#endif
