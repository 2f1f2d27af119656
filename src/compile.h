/* SPDX-License-Identifier: Apache-2.0 */
/* compile.h - what compile.c calls, in the order of the road: readers, passes, lowering, planning,
 * the emitter, and eval beside it. */
#ifndef MICA_COMPILE_H
#define MICA_COMPILE_H

#include "ir.h"

/* ---- the passes, in the order of compile.c --------------------------------------------------- */

void infer_node(struct ctx *, struct node *); /* one node, for folding */
/* Gives the outputs of a node the types and shapes that its operator makes of its inputs. */
void infer_outputs(struct ctx *, struct node *);
void pass_estimator(struct ctx *, struct graph *);
void pass_infer(struct ctx *, struct graph *);
void pass_float_weights(struct ctx *, struct graph *);
void pass_fold(struct ctx *, struct graph *);
void pass_fold_features(struct ctx *, struct graph *);
void pass_fold_linear(struct ctx *, struct graph *);
void pass_fuse_pad(struct ctx *, struct graph *);
void pass_fuse_activation(struct ctx *, struct graph *);
void pass_fuse_value(struct ctx *, struct graph *); /* tree/nest_value.c */
void pass_channels(struct ctx *, struct graph *);
void pass_views(struct ctx *, struct graph *);
void pass_outputs(struct ctx *, struct graph *);
void pass_dead(struct ctx *, struct graph *);
void choose_ways(struct ctx *, struct program *); /* fills program->menu */
struct program *lower_graph(struct ctx *, struct graph *);
void lower_node(struct ctx *, struct program *, struct node *); /* adds one step */
void plan_memory(struct ctx *, struct program *);
/* On AVR: marks the constants that no pointer reaches. */
void plan_far(struct program *);
/* An estimator's functions: program->head, each with the steps that its output needs and a plan of
 * its own. */
void plan_heads(struct ctx *, struct program *);

/* ---- read/: bytes -> graph ------------------------------------------------------------------- */

void read_model(struct ctx *, const uint8_t *bytes, size_t n); /* tells formats by content */
void read_tflite(struct ctx *, const uint8_t *bytes, size_t n);
void read_onnx(struct ctx *, const uint8_t *bytes, size_t n);
void read_json(struct ctx *, const uint8_t *bytes, size_t n);     /* XGBoost, CatBoost */
void read_lightgbm(struct ctx *, const uint8_t *bytes, size_t n); /* its text */
void read_text(struct ctx *, const char *text, size_t n);         /* the text form, see text/ */
/* The formats of XGBoost, LightGBM and CatBoost only, and of these LightGBM's for features of
 * float64 where they are; false: the bytes are none of them. */
bool read_booster(struct ctx *, const uint8_t *bytes, size_t n, bool is_float64);

/* ---- text/: the text form -------------------------------------------------------------------- */

void print_graph(struct text *, const struct graph *);

/* ---- emit/: what the compiler writes; report/report.h has the texts about it ---------------- */

/* NAME.h, NAME.c and, with split_weights, NAME_weights.c (else *weights is NULL). */
void emit_program(struct ctx *, struct text *header, struct text *source, struct text **weights);
/* A library named options.name: the functions that the n models call, compiled with
 * options.library. */
void emit_library(struct ctx *, struct ctx *const *model, int n, struct text *header,
                  struct text *source);
/* How tensor i of the inputs or outputs is called in the generated code. */
const char *emit_io_name(struct ctx *, struct tensor *const *list, int n, int i, bool is_input);
int64_t constant_bytes(const struct program *);
int64_t near_bytes(const struct program *); /* of constants that are not far */

/* ---- eval.c: runs calls on the host ---------------------------------------------------------- */

/* Gives the memory of a tensor that is not a view, or of one of its rows; row -1: all of it. */
typedef void *eval_memory(void *user, const struct tensor *, int32_t row);
/* Rows [from, to) of a step in the row schedule. */
void eval_turn(struct ctx *, const struct step *, int32_t from, int32_t to, eval_memory *,
               void *user);
void eval_step(struct ctx *, const struct step *, eval_memory *, void *user);

/* ---- eval_program.c: a whole program; in[i] and out[i] are the bytes of inputs and outputs. -1:
 * no memory */

int eval_program(struct ctx *, const void *const *in, void *const *out);

#endif
