/* SPDX-License-Identifier: Apache-2.0 */
/* streams.h - what the lowerings to kernels that read weight streams share: streams.c has it. */
#ifndef MICA_OP_STREAMS_H
#define MICA_OP_STREAMS_H

#include "op/op.h"
#include "op/pack.h"

/* At speed on a core with the DSP extension: kernels that make a pixel or a row a call, then those
 * that make a strip of rows a call, which a stream over time does not have. */
bool wants_dsp(const struct ctx *);
bool wants_streams(const struct ctx *);
/* The same on cores that have a multiplier of 32 bits and nothing beyond. */
bool wants_fours(const struct ctx *);
bool wants_quads(const struct ctx *);

/* Weights, bias and multipliers of every channel of the step's node, for the packers. */
void layer_scales(struct lower *, struct pack_layer *, enum activation);
/* Scratch of so many bytes, aligned to words. */
struct tensor *lower_buffer(struct lower *, int32_t bytes);
/* A kernel of (params, rows, buffer, out, n rows) over a [N,H,W,C] tensor. */
struct call *lower_strips(struct lower *, const struct kernel *, const void *params,
                          const struct window *, struct tensor *scratch);

/* winograd.c: a 3x3 convolution by Winograd's minimal filtering, where it takes clearly fewer
 * instructions than pairs. */
bool lower_conv2d_winograd(struct lower *, struct node *);

/* depthwise_planar.c: depthwise convolutions of other windows than 3x3. */
bool lower_depthwise_planar(struct lower *, struct node *);

#endif
