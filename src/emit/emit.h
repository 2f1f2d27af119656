/* SPDX-License-Identifier: Apache-2.0 */
/* emit.h - what the files of the emitter share. */
#ifndef MICA_EMIT_EMIT_H
#define MICA_EMIT_EMIT_H

#include "ir.h"

struct emit {
    struct ctx *ctx;
    const struct program *whole;   /* all steps: names come from it */
    const struct program *program; /* what is being printed: all of it, or one head */
    const struct graph *graph;
    const char *name, *upper; /* "kws", "KWS" */
    const char *file;         /* the model's file without its folder: output knows no paths */
    struct text *out;         /* the file being written */
};

/* ---- names.c --------------------------------------------------------------------------------- */

const char *name_upper(struct ctx *, const char *);
/* A model's name made fit for a comment: it cannot end it, continue a line or hide control codes.
 */
const char *name_comment(struct ctx *, const char *);
/* A node's step among all of the model: a head has only those that it needs. */
int step_number(const struct emit *, const struct node *);
const char *name_step(struct emit *, int step);                    /* "conv2d_3" */
const char *name_constant(struct emit *, const struct constant *); /* "conv2d_3_weights" */
const char *name_offset(struct emit *, const struct tensor *);     /* "CONV2D_3" */
/* "INPUT", or "INPUT_ACCEL" where there are several. */
const char *name_io_macro(struct emit *, int i, bool is_input);
const char *name_io(struct emit *, int i, bool is_input); /* "in", "in_accel" */
const char *name_member(const struct tensor *);           /* of the scratch union: "s8" */
/* The members of the union of scratch, one for each element type that lies there; NULL: none. */
enum { N_MEMBERS = 9 };
const char *emit_member(const struct emit *, int i);
enum dtype emit_member_type(int i);
const char *emit_counter_type(const struct emit *); /* of the row schedule: "uint8_t" */
const struct constant *find_constant(const struct program *, const void *data, bool is_operand);

/* ---- data.c: arrays, parameters
 * ------------------------------------------------------------------ */

void emit_constant(struct emit *, const struct constant *); /* a static array */
void emit_far(struct emit *, const struct constant *);      /* the function that finds its bytes */
void emit_weights(struct emit *, struct text *file);        /* all of them, for NAME_weights.c */
void emit_externs(struct emit *);                           /* their declarations */
void emit_params(struct emit *, int step, int call);        /* a static struct */
const char *name_params(struct emit *, int step, int call);
/* A field as a C literal, or the name of a constant; NULL: a null pointer. */
const char *field_value(struct emit *, const struct node *, const struct field *,
                        const void *params);
bool params_are_copied(const struct ctx *, const struct call *);
void emit_banner(struct emit *, const char *extension);

/* ---- kernels.c: the text of kernels
 * ---------------------------------------------------------------- */

enum { FILES_MAX = 512 }; /* more than there are in kernels/ */
/* Files of kernels/ in an order in which each comes after what it needs. */
struct files {
    int n;
    const struct kernel_file *at[FILES_MAX];
};
void files_add(struct files *, const char *name); /* and what it needs */
bool files_have(const struct files *, const char *name);

void emit_includes(struct emit *); /* <headers> that the kernels need */
void emit_system_includes(struct text *, const struct files *);
void emit_kernels(struct emit *); /* what is pasted of them */

/* What a model calls of a library: a function and the file of kernels/ that it is in. */
struct shared {
    const char *file, *function;
};
int emit_shared(struct emit *, struct shared *shared); /* how many; room for FILES_MAX */
/* Is the call's kernel a function of the library? */
bool call_is_shared(const struct ctx *, const struct call *);
/* Macros and types, which are pasted into the library's header. */
bool is_library_header(const struct kernel_file *);
int32_t window_pointers(const struct call *, int operand);           /* row pointers of one call */
bool emit_uses_rows(const struct emit *, enum dtype, int32_t *most); /* window arguments */

/* ---- library.c ------------------------------------------------------------------------------- */

void emit_library_include(struct emit *); /* in a model's file: the header, and that it is right */

/* ---- header.c, source.c ---------------------------------------------------------------------- */

void emit_header(struct emit *);
const char *library_words(struct emit *);             /* behind "no library" */
void emit_members(struct emit *, const char *indent); /* of the union of memory */
void emit_source(struct emit *);
void emit_signature(struct emit *);                  /* "void kws_run(...)" */
void emit_locals(struct emit *, const char *memory); /* pointers into "scratch->" */
void emit_step_comment(struct emit *, int step);
/* With by_row, loop 0 is not printed and its variable is the row r. */
const char *emit_address(struct emit *, const struct call *, int operand, bool by_row);
const char *emit_window(struct emit *, const struct call *, int operand, bool by_row);
int emit_loops(struct emit *, const struct call *, int from, int indent); /* how many */
const char *emit_loop_name(int loop);                                     /* its variable */
void emit_terms(struct text *, const struct call *, int operand, int from, bool by_row);
void emit_params_argument(struct emit *, int step, int call);

void emit_steps(struct emit *); /* the statements of e->program */
void emit_unused(struct emit *);
void emit_offsets(struct emit *, int indent); /* the enum of where tensors lie */

/* ---- heads.c: the functions of an estimator -------------------------------------------------- */

void emit_heads_figures(struct emit *);     /* the header's first comment */
bool emit_heads_table(const struct emit *); /* classes are numbered by a table */
void emit_heads_header(struct emit *);
void emit_heads(struct emit *);

/* ---- pushed.c
 * ------------------------------------------------------------------------------------ */

void emit_pushed(struct emit *);
/* Does a window of this type take rows through the address table, or else neighbours? */
bool emit_pushed_window(struct emit *, enum dtype, bool by_table);

/* ---- stream.c -------------------------------------------------------------------------------- */

void emit_streamed(struct emit *);
void emit_stream_header(struct emit *);
/* Does a window of this type take rows of a ring, or else neighbours? */
bool emit_stream_window(const struct emit *, enum dtype, bool of_ring);
const char *emit_stream_output(struct emit *, const struct tensor *); /* elements into the memory */
/* Where a measuring build learns that a step begins; nothing in a shipped file. */
void emit_mark(struct emit *, int step, int indent);

#endif
