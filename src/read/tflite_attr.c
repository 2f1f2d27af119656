/* SPDX-License-Identifier: Apache-2.0 */
/* tflite_attr.c - options and constant inputs of .tflite operators, made plain as op/attr.h says.
 *
 * Only what is needed to read is checked here; what an operator demands of its inputs is checked by
 * the operator itself, for every reader alike. */
#include <string.h>

#include "read/tflite.h"

/* ---- what several operators share ------------------------------------------------------------ */

static struct fb *file(struct tfl_attr *a)
{
    return &a->g->tfl->fb;
}

static enum activation read_activation(struct tfl_attr *a, int field)
{
    static const struct {
        const char *name;
        int activation; /* -1: not supported */
    } codes[] = {{"NONE", ACT_NONE},   {"RELU", ACT_RELU}, {"RELU_N1_TO_1", ACT_RELU_N1_TO_1},
                 {"RELU6", ACT_RELU6}, {"TANH", -1},       {"SIGN_BIT", -1}};
    int code = fb_i8(file(a), a->options, field, 0);
    if (code < 0 || code >= (int)(sizeof codes / sizeof *codes))
        fail(a->g->tfl->ctx, a->node, "its fused activation has the unknown code %d", code);
    if (codes[code].activation < 0)
        fail(a->g->tfl->ctx, a->node,
             "the fused activation %s is not supported; use RELU, RELU6, RELU_N1_TO_1, or an "
             "operator of its own after this one",
             codes[code].name);
    return (enum activation)codes[code].activation;
}

/* The integers of input k, which must be a constant: an axis, a permutation, sizes. */
static int read_ints(struct tfl_attr *a, size_t k, const char *what, int32_t *at, int max)
{
    struct ctx *ctx = a->g->tfl->ctx;
    size_t i = (size_t)fb_i32_at(file(a), a->op->in, k);
    int n = tfl_tensor_ints(a->g, i, at, max);
    if (n == -1)
        fail(ctx, a->node,
             "its %s must be constant, and '%s' is computed on the device; generated code has "
             "fixed shapes: make it a constant in the model",
             what, tfl_tensor_name(a->g, i));
    if (n < 0)
        fail(ctx, a->node, "its %s, '%s' (%s), must be up to %d integers of int32 or int64", what,
             tfl_tensor_name(a->g, i), tfl_tensor_text(a->g, i), max);
    return n;
}

/* The same where one number an axis of input 0 is needed. */
static struct int_list read_per_axis(struct tfl_attr *a, size_t k, const char *what)
{
    struct int_list list = {.n = a->node->in[0]->rank};
    int n = read_ints(a, k, what, list.at, RANK_MAX);
    if (n != list.n)
        fail(a->g->tfl->ctx, a->node, "its %s has %d entries, and its input %s has %d dimensions",
             what, n, tensor_text(a->g->tfl->ctx, a->node->in[0]), list.n);
    return list;
}

static int32_t positive_axis(struct tfl_attr *a, int32_t axis, int rank)
{
    if (axis < -rank || axis >= rank)
        fail(a->g->tfl->ctx, a->node, "it has axis %d of a tensor with %d dimensions", axis, rank);
    return axis < 0 ? axis + rank : axis;
}

static int32_t read_positive(struct tfl_attr *a, int field, int32_t absent, const char *what)
{
    int32_t v = fb_i32(file(a), a->options, field, absent);
    if (v <= 0)
        fail(a->g->tfl->ctx, a->node, "its %s is %d, which is not positive", what, v);
    return v;
}

/* One dimension of a window. SAME pads so that the output has ceil(in / stride) elements, the odd
 * one after; VALID does not pad. */
struct extent {
    int32_t in, kernel, stride, dilation;
};

static void read_padding(struct tfl_attr *a, int field, struct extent e, int32_t *before,
                         int32_t *after)
{
    enum { SAME, VALID };
    int padding = fb_i8(file(a), a->options, field, SAME);
    if (padding != SAME && padding != VALID)
        fail(a->g->tfl->ctx, a->node, "its padding has the unknown code %d", padding);
    int64_t out = ((int64_t)e.in + e.stride - 1) / e.stride;
    int64_t reach = (int64_t)(e.kernel - 1) * e.dilation + 1;
    int64_t total = padding == SAME ? (out - 1) * e.stride + reach - e.in : 0;
    if (total > INT32_MAX)
        fail(a->g->tfl->ctx, a->node, "its window of %d with dilation %d is too large", e.kernel,
             e.dilation);
    if (total < 0)
        total = 0;
    *before = (int32_t)(total / 2);
    *after = (int32_t)(total - total / 2);
}

static const struct tensor *image(struct tfl_attr *a, int k)
{
    const struct tensor *t = a->node->in[k];
    if (t->rank != 4)
        fail(a->g->tfl->ctx, a->node, "its %s must have four dimensions and is %s",
             k ? "weights" : "input", tensor_text(a->g->tfl->ctx, t));
    return t;
}

/* ---- windows --------------------------------------------------------------------------------- */

/* Options: padding, stride_w, stride_h, here depthwise has its multiplier, activation, dilation_w,
 * dilation_h. */
static void read_conv(struct tfl_attr *a, int first_dilation)
{
    struct attr_conv2d *c = a->node->attr;
    const struct tensor *x = image(a, 0), *w = image(a, 1);
    c->stride_w = read_positive(a, 1, 0, "horizontal stride");
    c->stride_h = read_positive(a, 2, 0, "vertical stride");
    c->dilation_w = read_positive(a, first_dilation, 1, "horizontal dilation");
    c->dilation_h = read_positive(a, first_dilation + 1, 1, "vertical dilation");
    c->activation = read_activation(a, first_dilation - 1);
    struct extent v = {x->dim[1], w->dim[1], c->stride_h, c->dilation_h};
    struct extent h = {x->dim[2], w->dim[2], c->stride_w, c->dilation_w};
    read_padding(a, 0, v, &c->pad_top, &c->pad_bottom);
    read_padding(a, 0, h, &c->pad_left, &c->pad_right);
}

void tfl_read_conv2d(struct tfl_attr *a)
{
    read_conv(a, 4);
}

void tfl_read_depthwise_conv2d(struct tfl_attr *a)
{
    const struct tensor *x = image(a, 0), *w = image(a, 1);
    int32_t multiplier = fb_i32(file(a), a->options, 3, 0);
    /* 0 where the writer left it to the shapes. */
    if (multiplier && (int64_t)multiplier * x->dim[3] != w->dim[3])
        fail(a->g->tfl->ctx, a->node,
             "its multiplier is %d, but %d input and %d output channels are there", multiplier,
             x->dim[3], w->dim[3]);
    read_conv(a, 5);
}

/* Options: padding, stride_w, stride_h, width, height, activation. */
void tfl_read_pool2d(struct tfl_attr *a)
{
    struct attr_pool *p = a->node->attr;
    const struct tensor *x = image(a, 0);
    p->stride_w = read_positive(a, 1, 0, "horizontal stride");
    p->stride_h = read_positive(a, 2, 0, "vertical stride");
    p->kernel_w = read_positive(a, 3, 0, "window's width");
    p->kernel_h = read_positive(a, 4, 0, "window's height");
    p->activation = read_activation(a, 5);
    struct extent v = {x->dim[1], p->kernel_h, p->stride_h, 1};
    struct extent h = {x->dim[2], p->kernel_w, p->stride_w, 1};
    read_padding(a, 0, v, &p->pad_top, &p->pad_bottom);
    read_padding(a, 0, h, &p->pad_left, &p->pad_right);
}

/* ---- arithmetic ------------------------------------------------------------------------------ */

/* Options: activation, format of the weights, keep_num_dims. */
void tfl_read_fully_connected(struct tfl_attr *a)
{
    struct attr_dense *d = a->node->attr;
    d->activation = read_activation(a, 0);
    if (fb_i8(file(a), a->options, 1, 0) != 0)
        fail(
            a->g->tfl->ctx, a->node,
            "its weights are stored shuffled for one processor; export them in the default format");
    d->keep_dims = fb_bool(file(a), a->options, 2, false);
}

void tfl_read_binary(struct tfl_attr *a)
{
    struct attr_binary *b = a->node->attr;
    b->activation = read_activation(a, 0);
}

void tfl_read_mean(struct tfl_attr *a)
{
    struct attr_mean *m = a->node->attr;
    int rank = a->node->in[0]->rank;
    int32_t axes[2 * RANK_MAX];
    bool is_averaged[RANK_MAX] = {false};
    int n = read_ints(a, 1, "axes", axes, 2 * RANK_MAX);
    for (int i = 0; i < n; i++)
        is_averaged[positive_axis(a, axes[i], rank)] = true;
    for (int i = 0; i < rank; i++)
        if (is_averaged[i])
            m->axes.at[m->axes.n++] = i;
    m->keep_dims = fb_bool(file(a), a->options, 0, false);
}

void tfl_read_softmax(struct tfl_attr *a)
{
    struct attr_softmax *s = a->node->attr;
    s->beta = fb_f32(file(a), a->options, 0, 0);
}

void tfl_read_relu(struct tfl_attr *a)
{
    ((struct attr_clamp *)a->node->attr)->activation = ACT_RELU;
}

void tfl_read_relu6(struct tfl_attr *a)
{
    ((struct attr_clamp *)a->node->attr)->activation = ACT_RELU6;
}

void tfl_read_relu_n1_to_1(struct tfl_attr *a)
{
    ((struct attr_clamp *)a->node->attr)->activation = ACT_RELU_N1_TO_1;
}

void tfl_read_leaky_relu(struct tfl_attr *a)
{
    struct attr_leaky_relu *l = a->node->attr;
    l->alpha = fb_f32(file(a), a->options, 0, 0);
}

/* ---- shapes ---------------------------------------------------------------------------------- */

void tfl_read_pad(struct tfl_attr *a)
{
    struct attr_pad *p = a->node->attr;
    int rank = a->node->in[0]->rank;
    int32_t pads[2 * RANK_MAX];
    int n = read_ints(a, 1, "paddings", pads, 2 * RANK_MAX);
    if (n != 2 * rank)
        fail(a->g->tfl->ctx, a->node, "it has %d paddings, and its input has %d dimensions", n,
             rank);
    p->before.n = p->after.n = rank;
    for (int i = 0; i < rank; i++) {
        p->before.at[i] = pads[2 * i];
        p->after.at[i] = pads[2 * i + 1];
        if (pads[2 * i] < 0 || pads[2 * i + 1] < 0)
            fail(a->g->tfl->ctx, a->node, "its padding of dimension %d is negative", i);
    }
}

void tfl_read_transpose(struct tfl_attr *a)
{
    struct attr_transpose *t = a->node->attr;
    bool is_taken[RANK_MAX] = {false};
    t->perm = read_per_axis(a, 1, "permutation");
    for (int i = 0; i < t->perm.n; i++) {
        int32_t axis = positive_axis(a, t->perm.at[i], t->perm.n);
        if (is_taken[axis])
            fail(a->g->tfl->ctx, a->node, "its permutation has axis %d twice", axis);
        is_taken[axis] = true;
        t->perm.at[i] = axis;
    }
}

void tfl_read_concatenation(struct tfl_attr *a)
{
    struct attr_concat *c = a->node->attr;
    for (int i = 0; i < a->node->n_in; i++)
        if (!a->node->in[i])
            fail(a->g->tfl->ctx, a->node, "it lacks input %d", i);
    c->axis = positive_axis(a, fb_i32(file(a), a->options, 0, 0), a->node->in[0]->rank);
    const enum activation activation = read_activation(a, 1);
    if (activation != ACT_NONE)
        fail(a->g->tfl->ctx, a->node,
             "has the fused activation %s, which no reference gives concat: "
             "put it behind as an operator of its own",
             activation_name(activation));
}

void tfl_read_slice(struct tfl_attr *a)
{
    struct attr_slice *s = a->node->attr;
    const struct tensor *x = a->node->in[0];
    s->begin = read_per_axis(a, 1, "begin");
    s->size = read_per_axis(a, 2, "size");
    s->stride.n = x->rank;
    for (int i = 0; i < x->rank; i++) {
        int32_t begin = s->begin.at[i], size = s->size.at[i];
        s->stride.at[i] = 1;
        if (size == -1) /* to the end */
            size = begin < x->dim[i] ? x->dim[i] - begin : 0;
        if (begin < 0 || size <= 0 || begin >= x->dim[i] || size > x->dim[i] - begin)
            fail(a->g->tfl->ctx, a->node,
                 "it takes %d elements from element %d on of dimension %d, which has %d",
                 s->size.at[i], begin, i, x->dim[i]);
        s->size.at[i] = size;
    }
}

/* ---- strided slice --------------------------------------------------------------------------- */

/* What STRIDED_SLICE says of one axis of the input. */
struct span {
    int32_t begin, end, stride;
    bool from_start, to_end, drop;
};

static int32_t clip(int64_t v, int32_t low, int32_t high)
{
    return (int32_t)(v < low ? low : v > high ? high : v);
}

/* Counts begin and end from the first element on and clips them as Python's slices do. */
static void set_span(struct tfl_attr *a, int axis, struct span s)
{
    struct attr_slice *slice = a->node->attr;
    int32_t dim = a->node->in[0]->dim[axis];
    int32_t low = s.stride > 0 ? 0 : -1, high = s.stride > 0 ? dim : dim - 1;
    int64_t begin = s.begin < 0 ? (int64_t)s.begin + dim : s.begin;
    int64_t end = s.end < 0 ? (int64_t)s.end + dim : s.end;
    if (s.from_start)
        begin = s.stride > 0 ? 0 : dim - 1;
    if (s.to_end)
        end = s.stride > 0 ? dim : -1;
    if (s.drop) { /* one element, which must be there */
        if (begin < 0 || begin >= dim)
            fail(a->g->tfl->ctx, a->node, "it takes element %d of dimension %d, which has %d",
                 s.begin, axis, dim);
        end = begin + 1;
        s.stride = 1;
        slice->drop.at[slice->drop.n++] = axis;
    } else {
        begin = clip(begin, low, high);
        end = clip(end, low, high);
    }
    int64_t span = s.stride > 0 ? end - begin : begin - end;
    int64_t step = s.stride > 0 ? s.stride : -(int64_t)s.stride;
    int64_t size = span <= 0 ? 0 : (span + step - 1) / step;
    if (size == 0)
        fail(a->g->tfl->ctx, a->node, "it takes no element of dimension %d, which has %d", axis,
             dim);
    slice->begin.at[axis] = (int32_t)begin;
    slice->size.at[axis] = (int32_t)size;
    slice->stride.at[axis] = s.stride;
}

/* The entries of begin, end and stride, and the masks, whose bits count entries. */
struct entries {
    int n;
    int32_t begin[2 * RANK_MAX], end[2 * RANK_MAX], stride[2 * RANK_MAX];
    uint32_t from_start, to_end, ellipsis, new_axis, drop;
};

static struct entries read_entries(struct tfl_attr *a)
{
    struct ctx *ctx = a->g->tfl->ctx;
    struct fb *fb = file(a);
    struct entries e;
    e.n = read_ints(a, 1, "begin", e.begin, 2 * RANK_MAX);
    if (read_ints(a, 2, "end", e.end, 2 * RANK_MAX) != e.n ||
        read_ints(a, 3, "strides", e.stride, 2 * RANK_MAX) != e.n)
        fail(ctx, a->node, "its begin, end and strides differ in length");
    if (fb_bool(fb, a->options, 5, false))
        fail(ctx, a->node,
             "ends relative to the begin (offset) are not supported; count them from element 0 on");
    uint32_t used = (UINT32_C(1) << e.n) - 1;
    e.from_start = fb_u32(fb, a->options, 0, 0) & used;
    e.to_end = fb_u32(fb, a->options, 1, 0) & used;
    e.ellipsis = fb_u32(fb, a->options, 2, 0) & used;
    e.new_axis = fb_u32(fb, a->options, 3, 0) & used & ~e.ellipsis;
    e.drop = fb_u32(fb, a->options, 4, 0) & used & ~e.new_axis;
    return e;
}

static int count_bits(uint32_t bits)
{
    int n = 0;
    for (; bits; bits &= bits - 1)
        n++;
    return n;
}

/* Ellipsis and new axes, in the order of the output's axes: bit i of the result is set where axis i
 * of the input, counted with the new ones and before any is dropped, is new.
 *
 * An ellipsis stands for the axes that have no entry of their own. Where every axis has one, LiteRT
 * (measured with BUILTIN_REF) does not let it stand for none, as numpy would: it takes one
 * axis whole, the entries after it move on by one, and the last entry is ignored. Only a last
 * ellipsis stands for none. If the ignored entry is a new axis, LiteRT reads beyond the shape. */
static uint32_t place_entries(struct tfl_attr *a, const struct entries *e)
{
    struct ctx *ctx = a->g->tfl->ctx;
    int rank = a->node->in[0]->rank, places = rank + count_bits(e->new_axis);
    const struct span all = {.stride = 1, .from_start = true, .to_end = true};
    if (e->n > places + (e->ellipsis != 0) || count_bits(e->ellipsis) > 1)
        fail(ctx, a->node,
             "it has %d entries and %d ellipses for %s: give at most one entry for each axis, new "
             "ones included, and one ellipsis",
             e->n, count_bits(e->ellipsis), tensor_text(ctx, a->node->in[0]));
    if (e->n > places && e->ellipsis && (e->new_axis >> places & 1))
        fail(ctx, a->node,
             "its ellipsis stands for no axis and a new axis comes last, for which LiteRT has no "
             "defined result: leave the ellipsis out");
    uint32_t is_new = 0;
    int axis = 0, place = 0;
    for (int i = 0; i < e->n && place < places; i++) {
        uint32_t bit = UINT32_C(1) << i;
        if (e->ellipsis & bit) {
            int covered = places - (e->n - 1);
            for (int left = covered > 1 ? covered : 1; left > 0; left--, place++)
                set_span(a, axis++, all);
        } else if (e->new_axis & bit) {
            is_new |= UINT32_C(1) << place++;
        } else {
            if (e->stride[i] == 0)
                fail(ctx, a->node, "its stride is 0");
            set_span(a, axis++,
                     (struct span){e->begin[i], e->end[i], e->stride[i], (e->from_start & bit) != 0,
                                   (e->to_end & bit) != 0, (e->drop & bit) != 0});
            place++;
        }
    }
    while (axis < rank)
        set_span(a, axis++, all);
    return is_new;
}

/* The output's shape, with the new axes or without. Returns the rank. */
static int sliced_shape(const struct tfl_attr *a, uint32_t is_new, int32_t *dim)
{
    const struct attr_slice *s = a->node->attr;
    int n = 0, dropped = 0, place = 0;
    for (int axis = 0; axis < s->size.n || is_new >> place; place++) {
        if (is_new >> place & 1) {
            dim[n++] = 1;
        } else {
            if (dropped < s->drop.n && s->drop.at[dropped] == axis)
                dropped++;
            else
                dim[n++] = s->size.at[axis];
            axis++;
        }
    }
    return n;
}

/* The slice gives a tensor without the new axes, and a reshape gives them. */
static void add_new_axes(struct tfl_attr *a)
{
    struct ctx *ctx = a->g->tfl->ctx;
    struct graph *graph = a->g->graph;
    struct node *slice = a->node;
    struct tensor *out = slice->out[0];
    int32_t dim[RANK_MAX];
    int rank = sliced_shape(a, 0, dim);
    struct tensor *part = graph_add_tensor(ctx, graph, format(ctx, "%s/slice", out->name),
                                           out->type, rank, dim);
    struct node *reshape = graph_add_node(ctx, graph, format(ctx, "%s/new_axes", out->name),
                                          op_table[OP_reshape], 1, 1);
    part->quant = out->quant;
    part->maker = slice;
    slice->out[0] = reshape->in[0] = part;
    reshape->out[0] = out;
    out->maker = reshape;
}

void tfl_read_strided_slice(struct tfl_attr *a)
{
    struct ctx *ctx = a->g->tfl->ctx;
    struct attr_slice *s = a->node->attr;
    struct tensor *out = a->node->out[0];
    s->begin.n = s->size.n = s->stride.n = a->node->in[0]->rank;
    struct entries e = read_entries(a);
    uint32_t is_new = place_entries(a, &e);
    int32_t dim[3 * RANK_MAX];
    int rank = sliced_shape(a, is_new, dim);
    bool is_shape = rank == out->rank && !memcmp(dim, out->dim, (size_t)rank * sizeof *dim);
    /* Converters write what numpy gives; LiteRT goes by its own reading of the entries. */
    bool is_moved = e.n > s->begin.n + count_bits(e.new_axis);
    if (!is_shape && is_moved && rank <= RANK_MAX) {
        out->rank = rank;
        memcpy(out->dim, dim, (size_t)rank * sizeof *dim);
    } else if (!is_shape && e.new_axis) {
        struct text *text = text_new(ctx);
        for (int i = 0; i < rank; i++)
            text_add(text, "%s%d", i ? "," : "", dim[i]);
        fail(ctx, a->node,
             "output '%s' is %s in the file, but the slice with its new axes gives [%s]: the file "
             "is inconsistent; convert the model again",
             out->name, tensor_text(ctx, out), text->at);
    }
    if (e.new_axis)
        add_new_axes(a);
}
