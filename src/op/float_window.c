/* SPDX-License-Identifier: Apache-2.0 */
/* float_window.c - float32 operators over windows: depthwise convolution and pooling. */
#include "op/float.h"

void lower_depthwise_conv2d_f32(struct lower *l, struct node *n)
{
    const struct attr_conv2d *a = n->attr;
    const struct tensor *in = n->in[0], *w = n->in[1], *out = n->out[0];
    struct mica_depthwise_conv2d_f32 p = {
        CONV_PLAIN_FIELDS(l, a, in, w, out),
        .multiplier = lower_i16(l, "the channel multiplier", out->dim[3] / in->dim[3]),
    };
    activation_range_f32(a->activation, &p.out_min, &p.out_max);
    struct window window = conv_window(n, w->dim[1]);
    lower_window(l, &kernel_depthwise_conv2d_f32, &p, &window);
}

/* The two kernels have parameters of the same names. */
#define POOL(kind, window)                                           \
    do {                                                             \
        struct mica_##kind##_f32 p = {POOL_FIELDS(l, a, in, out)};   \
        activation_range_f32(a->activation, &p.out_min, &p.out_max); \
        lower_window(l, &kernel_##kind##_f32, &p, window);           \
    } while (0)

/* The rows hook of pools says that these take their image row by row, so they are lowered so. */
static void lower_global_average(struct lower *l, struct node *n)
{
    const struct attr_pool *a = n->attr;
    struct tensor *sums = lower_sums(l, &pool_axes, NULL);
    struct mica_average_sums_f32 p = {.divisor = (float)sums_count(n, &pool_axes)};
    activation_range_f32(a->activation, &p.out_min, &p.out_max);
    lower_finish(l, &kernel_average_sums_f32, &p, sums);
}

void lower_pool_f32(struct lower *l, struct node *n)
{
    const struct attr_pool *a = n->attr;
    const struct tensor *in = n->in[0], *out = n->out[0];
    const struct window window = pool_window(n);
    if (node_is(n, OP_max_pool))
        POOL(max_pool, &window);
    else if (pool_is_global(n))
        lower_global_average(l, n);
    else
        POOL(average_pool, &window);
}
