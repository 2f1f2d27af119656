/* SPDX-License-Identifier: Apache-2.0 */
/* streams.h - what the ways to kernels that read weight streams share; streams.c has it. Tests of a
 * step and its core say why they do not hold, by lower_misfit(). */
#ifndef MICA_OP_STREAMS_H
#define MICA_OP_STREAMS_H

#include "op/op.h"
#include "op/pack.h"

/* The DSP extension, or a plain multiplier of 32 bits. */
bool has_some_multiplier(struct lower *);
/* Kernels that make a strip of rows a call, which a stream over time does not have. */
bool has_strips(struct lower *);
/* Input channels are a multiple of 4. */
bool has_fours(struct lower *);
/* An int8 convolution without groups; its layer for the packers in *layer. */
bool is_dense_window(struct lower *, struct pack_layer *layer);
bool is_packed(struct lower *, enum pack_verdict);

/* Scratch of so many bytes, aligned to words. */
struct tensor *lower_buffer(struct lower *, int32_t bytes);

#endif
