/* SPDX-License-Identifier: Apache-2.0 */
/* float_pointwise.c - float32 operators that take element by element. */
#include <assert.h>

#include "op/float.h"

/* The three kernels have parameters of the same names. */
#define BINARY(kind)                                                                 \
    do {                                                                             \
        struct mica_##kind##_f32 p = {                                               \
            .a_step = b.a_step, .b_step = b.b_step, .out_min = min, .out_max = max}; \
        lower_broadcast(l, &kernel_##kind##_f32, &p, &b);                            \
    } while (0)

void lower_binary_f32(struct lower *l, struct node *n)
{
    const struct attr_binary *a = n->attr;
    const struct broadcast b = broadcast_inputs(n);
    float min, max;
    activation_range_f32(a->activation, &min, &max);
    if (node_is(n, OP_add))
        BINARY(add);
    else if (node_is(n, OP_sub))
        BINARY(sub);
    else
        BINARY(mul);
}

/* A rectifier of one bound has its own kernel: it keeps infinity, which a bound would not. */
static void lower_clamp(struct lower *l, const struct attr_clamp *a)
{
    struct mica_clamp_f32 p;
    if (a->activation == ACT_RELU) {
        lower_pointwise(l, &kernel_relu_f32, NULL);
        return;
    }
    activation_range_f32(a->activation, &p.min, &p.max);
    lower_pointwise(l, &kernel_clamp_f32, &p);
}

void lower_unary_f32(struct lower *l, struct node *n)
{
    if (node_is(n, OP_clamp)) {
        lower_clamp(l, n->attr);
    } else if (node_is(n, OP_leaky_relu)) {
        const struct attr_leaky_relu *a = n->attr;
        struct mica_leaky_relu_f32 p = {.alpha = a->alpha};
        lower_pointwise(l, &kernel_leaky_relu_f32, &p);
    } else if (node_is(n, OP_logistic)) {
        lower_pointwise(l, &kernel_logistic_f32, NULL);
    } else if (node_is(n, OP_tanh)) {
        lower_pointwise(l, &kernel_tanh_f32, NULL);
    } else {
        assert(node_is(n, OP_hard_swish));
        lower_pointwise(l, &kernel_hard_swish_f32, NULL);
    }
}
