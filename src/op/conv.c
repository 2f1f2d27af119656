/* SPDX-License-Identifier: Apache-2.0 */
/* conv.c - what conv2d and depthwise_conv2d have in common. */
#include "op/op.h"

#define FIELD(name, type)                                     \
    {                                                         \
#name, type, offsetof(struct attr_conv2d, name), NULL \
    }

const struct attr_field conv_attrs[] = {
    FIELD(stride_h, ATTR_INT),   FIELD(stride_w, ATTR_INT),  FIELD(dilation_h, ATTR_INT),
    FIELD(dilation_w, ATTR_INT), FIELD(pad_top, ATTR_INT),   FIELD(pad_bottom, ATTR_INT),
    FIELD(pad_left, ATTR_INT),   FIELD(pad_right, ATTR_INT), FIELD(activation, ATTR_ACTIVATION),
    {NULL, ATTR_INT, 0, NULL},
};

int32_t window_out(struct ctx *ctx, const struct node *n, const char *axis, int64_t in,
                   int64_t kernel, int64_t stride, int64_t dilation, int64_t pads)
{
    int64_t reach = (kernel - 1) * dilation + 1;
    if (stride < 1 || dilation < 1 || kernel < 1 || pads < 0)
        fail(ctx, n,
             "%s: kernel %lld, stride %lld, dilation %lld, padding %lld; the first three "
             "must be at least 1, the padding 0",
             axis, (long long)kernel, (long long)stride, (long long)dilation, (long long)pads);
    if (reach > in + pads)
        fail(ctx, n, "%s: a window of %lld does not fit in %lld plus %lld of padding", axis,
             (long long)reach, (long long)in, (long long)pads);
    return (int32_t)((in + pads - reach) / stride + 1);
}

void want_conv(struct ctx *ctx, const struct node *n, int32_t kernel_h, int32_t kernel_w,
               int32_t channels, struct tensor *want)
{
    const struct attr_conv2d *a = n->attr;
    const struct tensor *in = n->in[0];
    want_like(want, in);
    want->dim[1] = window_out(ctx, n, "height", in->dim[1], kernel_h, a->stride_h, a->dilation_h,
                              (int64_t)a->pad_top + a->pad_bottom);
    want->dim[2] = window_out(ctx, n, "width", in->dim[2], kernel_w, a->stride_w, a->dilation_w,
                              (int64_t)a->pad_left + a->pad_right);
    want->dim[3] = channels;
}

void check_conv(struct ctx *ctx, const struct node *n, int32_t channels, int axis)
{
    bool is_float = n->in[0]->type == DTYPE_FLOAT32;
    if (n->n_in > 2 && n->in[2]) {
        check_constant(ctx, n, 2, "biases");
        check_type(ctx, n, 2, is_float ? DTYPE_FLOAT32 : DTYPE_INT32);
        if (tensor_elements(n->in[2]) != channels)
            fail(ctx, n, "bias '%s' (%s) does not match %d output channels", n->in[2]->name,
                 tensor_text(ctx, n->in[2]), (int)channels);
    }
    if (is_float)
        return;
    check_per_tensor(ctx, n, n->in[0]);
    check_per_tensor(ctx, n, n->out[0]);
    check_weights_quant(ctx, n, 1, channels, axis);
}

struct window conv_window(const struct node *n, int32_t kernel_h)
{
    const struct attr_conv2d *a = n->attr;
    const struct tensor *in = n->in[0];
    return (struct window){.kernel = kernel_h,
                           .stride = a->stride_h,
                           .pad = a->pad_top,
                           .dilation = a->dilation_h,
                           .rows_in = in->dim[1],
                           .pitch = in->dim[2] * in->dim[3]};
}

/* Images of a batch follow each other and windows do not cross them, which no single relation
 * over all rows says: a batch is whole. */
struct rows conv_rows(const struct node *n, int32_t kernel_h)
{
    const struct attr_conv2d *a = n->attr;
    return (struct rows){.whole = n->in[0]->dim[0] > 1,
                         .rows_in = n->in[0]->dim[1],
                         .rows_out = n->out[0]->dim[1],
                         .reach = (kernel_h - 1) * a->dilation_h + 1,
                         .stride = a->stride_h,
                         .pad = a->pad_top};
}
