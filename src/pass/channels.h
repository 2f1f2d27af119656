/* SPDX-License-Identifier: Apache-2.0 */
/* channels.h - what the parts of the pass over channels share; channels.c says what it does. */
#ifndef MICA_PASS_CHANNELS_H
#define MICA_PASS_CHANNELS_H

#include "ir.h"

/* How the channels (the last axis) of a node's output come from those of its inputs. */
enum flow {
    FLOW_NONE,      /* in no way that this pass follows: all channels stay */
    FLOW_SAME,      /* each from the same channel of input 0 */
    FLOW_REPEAT,    /* the output has those of input 0 several times, one after the other */
    FLOW_DEPTHWISE, /* several neighbours from one channel of input 0, by weights */
    FLOW_BINARY,    /* each from the same channel of inputs 0 and 1, or from their only one */
    FLOW_CONCAT,    /* those of all inputs, one after the other */
    FLOW_MIX        /* each a sum over all channels of input 0, by weights */
};

/* All channels of the tensors that are computed have numbers, in one row. */
struct channels {
    struct ctx *ctx;
    struct graph *g;
    int32_t n;
    int32_t *first;    /* by tensor->index: the number of channel 0; -1: a constant tensor */
    enum flow *flow;   /* by position of the node */
    bool *can_fold;    /* by position of the node: its bias can take what constants add */
    bool *is_constant; /* by number: one value at every position, in every run */
    double *value;     /* that value as it is stored: int8 or float32 */
    int32_t *tied;     /* by number: one of its group, itself at the root; all stay or all go */
    bool *wanted;      /* by root: stays */
};

/* The weights of a FLOW_MIX or FLOW_DEPTHWISE node: `taps` for each output and input channel. */
struct weights {
    const struct tensor *tensor;
    int32_t outs, taps, ins; /* ins: 1 where each output reads one input channel */
    bool outs_inside;        /* [taps][outs], otherwise [outs][taps][ins] */
};

/* ---- channels_flow.c ------------------------------------------------------------------------- */

int32_t channel_count(const struct tensor *);
enum flow channel_flow(const struct node *);
/* The channel of input k that channel o of the output comes from; -1: none, or FLOW_MIX. */
int32_t channel_source(const struct node *, enum flow, int k, int32_t o);
struct weights channel_weights(const struct node *);
int64_t weight_place(const struct weights *, int32_t o, int32_t tap, int32_t c);
double weight_at(const struct weights *, int32_t o, int32_t tap, int32_t c);
/* An int8 or float32 element of constant contents. */
double element_at(const void *data, enum dtype, int64_t i);
/* The stored value that means 0, which padding reads as. */
double zero_of(const struct tensor *);

/* ---- channels_value.c ------------------------------------------------------------------------ */

/* Fills in is_constant, value and can_fold. */
void channels_find_constants(struct channels *);
/* What channel c of input 0 of node i adds to a sum is the same at every position. */
bool channel_is_steady(const struct channels *, int i, int32_t c);
/* It can be added to the bias instead, and no bit of the result changes. */
bool channel_is_foldable(const struct channels *, int i, int32_t c);

/* ---- channels_cut.c -------------------------------------------------------------------------- */

/* Takes out the channels that are not wanted. */
void channels_cut(struct channels *);
bool channel_is_wanted(struct channels *, int32_t number);

#endif
