/* SPDX-License-Identifier: Apache-2.0 */
/* float.h - how float32 nodes become kernel calls; each operator's file calls its own. */
#ifndef MICA_OP_FLOAT_H
#define MICA_OP_FLOAT_H

#include "op/op.h"

/* float_window.c */
void lower_depthwise_conv2d_f32(struct lower *, struct node *);
void lower_pool_f32(struct lower *, struct node *); /* max_pool and average_pool */

/* float_pointwise.c */
void lower_binary_f32(struct lower *, struct node *); /* add, sub, mul */
/* clamp, hard_swish, leaky_relu, logistic, tanh */
void lower_unary_f32(struct lower *, struct node *);

/* float_vector.c */
void lower_dense_f32(struct lower *, struct node *);
void lower_mean_f32(struct lower *, struct node *);
void lower_softmax_f32(struct lower *, struct node *);

#endif
