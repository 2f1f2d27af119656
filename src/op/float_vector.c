/* SPDX-License-Identifier: Apache-2.0 */
/* float_vector.c - float32 operators that sum over many elements: dense, mean, softmax. */
#include "op/float.h"

void lower_dense_f32(struct lower *l, struct node *n)
{
    const struct attr_dense *a = n->attr;
    const struct tensor *w = n->in[1];
    struct mica_dense_f32 p = {
        .in_n = w->dim[1],
        .out_n = w->dim[0],
        .weights = lower_weights(l, 1, "weights"),
        .bias = lower_weights(l, 2, "bias"),
    };
    activation_range_f32(a->activation, &p.out_min, &p.out_max);
    lower_vectors(l, &kernel_dense_f32, &p, p.in_n, p.out_n);
}

void lower_softmax_f32(struct lower *l, struct node *n)
{
    const struct attr_softmax *a = n->attr;
    const struct tensor *in = n->in[0];
    struct mica_softmax_f32 p = {.beta = a->beta};
    int32_t width = in->rank ? in->dim[in->rank - 1] : 1;
    lower_vectors(l, &kernel_softmax_f32, &p, width, width);
}

void lower_mean_f32(struct lower *l, struct node *n)
{
    const struct attr_mean *a = n->attr;
    struct tensor *sums = lower_sums(l, &a->axes, NULL);
    struct mica_mean_f32 p = {.divisor = (float)sums_count(n, &a->axes)};
    lower_finish(l, &kernel_mean_f32, &p, sums);
}
