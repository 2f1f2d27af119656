/* SPDX-License-Identifier: Apache-2.0 */
/* pool.c - the largest and the average of windows. */
#include "inverse.h"
#include "op/float.h"

#define FIELD(name, type)                                   \
    {                                                       \
#name, type, offsetof(struct attr_pool, name), NULL \
    }

static const struct attr_field attrs[] = {
    FIELD(kernel_h, ATTR_INT), FIELD(kernel_w, ATTR_INT),  FIELD(stride_h, ATTR_INT),
    FIELD(stride_w, ATTR_INT), FIELD(pad_top, ATTR_INT),   FIELD(pad_bottom, ATTR_INT),
    FIELD(pad_left, ATTR_INT), FIELD(pad_right, ATTR_INT), FIELD(activation, ATTR_ACTIVATION),
    {NULL, ATTR_INT, 0, NULL},
};

const struct int_list pool_axes = {.n = 2, .at = {1, 2}};

/* A window that lies in the padding alone has no elements, and thus no largest and no average. */
static void check_windows(struct ctx *ctx, const struct node *n, const char *axis, int32_t in,
                          int32_t out, int32_t kernel, int32_t stride, int32_t pad)
{
    int64_t last = (int64_t)(out - 1) * stride - pad;
    if (pad >= kernel || last >= in)
        fail(ctx, n, "%s: a window lies wholly in the padding; it would have no elements: pad less",
             axis);
}

static void infer(struct ctx *ctx, struct node *n, struct tensor *want)
{
    const struct attr_pool *a = n->attr;
    const struct tensor *in = n->in[0];
    check_rank(ctx, n, 0, 4);
    check_same_quant(ctx, n, 0);
    want_like(want, in);
    want->dim[1] = window_out(ctx, n, "height", in->dim[1], a->kernel_h, a->stride_h, 1,
                              (int64_t)a->pad_top + a->pad_bottom);
    want->dim[2] = window_out(ctx, n, "width", in->dim[2], a->kernel_w, a->stride_w, 1,
                              (int64_t)a->pad_left + a->pad_right);
    check_windows(ctx, n, "height", in->dim[1], want->dim[1], a->kernel_h, a->stride_h, a->pad_top);
    check_windows(ctx, n, "width", in->dim[2], want->dim[2], a->kernel_w, a->stride_w, a->pad_left);
}

struct window pool_window(const struct node *n)
{
    const struct attr_pool *a = n->attr;
    const struct tensor *in = n->in[0];
    return (struct window){.kernel = a->kernel_h,
                           .stride = a->stride_h,
                           .pad = a->pad_top,
                           .dilation = 1,
                           .rows_in = in->dim[1],
                           .pitch = in->dim[2] * in->dim[3]};
}

bool pool_is_global(const struct node *n)
{
    const struct attr_pool *a = n->attr;
    const struct tensor *in = n->in[0], *out = n->out[0];
    return node_is(n, OP_average_pool) && in->dim[0] == 1 && out->dim[1] == 1 && out->dim[2] == 1 &&
           a->pad_top == 0 && a->pad_left == 0 && a->kernel_h >= in->dim[1] &&
           a->kernel_w >= in->dim[2];
}

/* The kernels have parameters of the same names. */
#define POOL(kind)                                                       \
    do {                                                                 \
        struct mica_##kind##_s8 p = {POOL_FIELDS(l, a, in, out)};        \
        activation_range_s8(a->activation, out, &p.out_min, &p.out_max); \
        lower_window(l, &kernel_##kind##_s8, &p, &window);               \
    } while (0)

static bool lower_global_average(struct lower *l, struct node *n, bool fast)
{
    const struct attr_pool *a = n->attr;
    bool fours = fast;
    struct tensor *sums = lower_sums(l, &pool_axes, &fours);
    struct mica_average_s8 p = {.count = sums_count(n, &pool_axes)};
    activation_range_s8(a->activation, n->out[0], &p.out_min, &p.out_max);
    if (fast && p.count <= MICA_INVERSE_MAX) {
        struct mica_average_inverse_s16_s8 inverse = {mica_inverse(p.count), p.out_min, p.out_max};
        lower_finish(l, &kernel_average_inverse_s16_s8, &inverse, sums);
        return true;
    }
    struct mica_average_s16_s8 p_s16 = {p.count, p.out_min, p.out_max};
    if (sums->type == DTYPE_INT16)
        lower_finish(l, &kernel_average_s16_s8, &p_s16, sums);
    else
        lower_finish(l, &kernel_average_s8, &p, sums);
    return !fast || fours || lower_misfit(l, "it is for four sums and more");
}

static bool lower_s8(struct lower *l, struct node *n, bool fast)
{
    const struct attr_pool *a = n->attr;
    const struct tensor *in = n->in[0], *out = n->out[0];
    const struct window window = pool_window(n);
    if (pool_is_global(n))
        return lower_global_average(l, n, fast);
    if (fast && in->dim[3] < 4)
        return lower_misfit(l, "it is for four channels and more");
    if (fast && node_is(n, OP_average_pool) &&
        (int64_t)a->kernel_h * a->kernel_w > MICA_INVERSE_MAX)
        return lower_misfit(l, "the window is too large");
    if (node_is(n, OP_max_pool) && fast)
        POOL(max_pool_fours);
    else if (node_is(n, OP_max_pool))
        POOL(max_pool);
    else if (fast)
        POOL(average_pool_fours);
    else
        POOL(average_pool);
    return true;
}

static bool lower(struct lower *l, struct node *n, bool fast)
{
    return n->in[0]->type == DTYPE_INT8 ? lower_s8(l, n, fast)
                                        : lower_plain_f32(l, n, lower_pool_f32, fast);
}

FAST_OR_PLAIN(pool, "fours", lower);

/* As conv_rows(): the images of a batch are whole. */
static struct rows rows(const struct node *n)
{
    const struct attr_pool *a = n->attr;
    if (pool_is_global(n))
        return rows_sums(n, &pool_axes);
    return (struct rows){.whole = n->in[0]->dim[0] > 1,
                         .rows_in = n->in[0]->dim[1],
                         .rows_out = n->out[0]->dim[1],
                         .reach = a->kernel_h,
                         .stride = a->stride_h,
                         .pad = a->pad_top};
}

const struct op op_max_pool = {
    .name = "max_pool",
    .summary = "the largest of every window, fused activation",
    .attr_bytes = sizeof(struct attr_pool),
    .attrs = attrs,
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .types = TYPE_BIT(FLOAT32) | TYPE_BIT(INT8),
    .infer = infer,
    .rows = rows,
    .ways = pool_ways,
};

const struct op op_average_pool = {
    .name = "average_pool",
    .summary = "the average of every window without its padding, fused activation",
    .attr_bytes = sizeof(struct attr_pool),
    .attrs = attrs,
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .types = TYPE_BIT(FLOAT32) | TYPE_BIT(INT8),
    .infer = infer,
    .rows = rows,
    .ways = pool_ways,
};
