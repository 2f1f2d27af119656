/* SPDX-License-Identifier: Apache-2.0 */
/* quantities.c - how often a call does what costs instructions: calls, rows, groups of pixels.
 *
 * All are known exactly when the model is compiled; what one of each costs is measured. A number
 * behind a name is the width of a kernel's block: group3 counts the threes of pixels that a strip
 * has, with a last one that may be ragged. */
#include <string.h>

#include "choose/choose.h"
#include "op/attr.h"

static double ceil_divide(double n, double by)
{
    const double whole = (double)(int64_t)(n / by);
    return whole * by < n ? whole + 1 : whole;
}

static const struct node *node_of(const struct facts *f)
{
    return f->step->node;
}

static const struct attr_conv2d *conv_of(const struct facts *f)
{
    const struct node *n = node_of(f);
    return node_is(n, OP_conv2d) || node_is(n, OP_depthwise_conv2d) ? n->attr : NULL;
}

static double axis(const struct tensor *t, int from_last)
{
    return t->rank > from_last ? t->dim[t->rank - 1 - from_last] : 1;
}

static double elements(const struct tensor *t)
{
    return (double)tensor_elements(t);
}

/* Rows that one call makes: of the strips but the last, of the last, and how many strips there are
 * in a loop. Calls that make no strips make one row. */
struct strips {
    double rows, last, n, outer; /* outer: turns of the loops around and inside */
};

static struct strips strips_of(const struct facts *f)
{
    const struct call *c = f->call;
    const int loop = strip_loop(c);
    struct strips s = {1, 1, 1, 1};
    for (int i = 0; i < c->n_loops; i++)
        if (i == loop)
            s.n = c->loop[i];
        else if (!(c->joins && i == 0 && !f->by_row))
            s.outer *= c->loop[i];
    if (loop >= 0 && c->strip > 1 && !f->by_row) {
        const double rows = s.n;
        s.rows = c->strip;
        s.n = ceil_divide(rows, s.rows);
        s.last = rows - (s.n - 1) * s.rows;
    }
    return s;
}

static double calls(const struct facts *f)
{
    const struct strips s = strips_of(f);
    return s.n * s.outer;
}

/* The kernel's n argument, over all calls. */
static double count(const struct facts *f)
{
    const bool joined = f->call->joins && f->call->n_loops && !f->by_row;
    return calls(f) * f->call->count * (joined ? f->call->loop[0] : 1);
}

static double rows(const struct facts *f)
{
    const struct strips s = strips_of(f);
    return s.outer * ((s.n - 1) * s.rows + s.last);
}

/* Row pointers of the windows of all calls. */
static double pointers(const struct facts *f)
{
    const struct strips s = strips_of(f);
    for (int k = 0; k < f->call->kernel->n_args; k++) {
        const struct window *w = &f->call->operand[k].window;
        if (f->call->kernel->args[k].kind == ARG_ROWS)
            return s.outer * ((s.n - 1) * ((s.rows - 1) * w->stride + w->kernel) +
                              (s.last - 1) * w->stride + w->kernel);
    }
    return 0;
}

/* What calls do for their pixels, of(their number, k) each. */
static double over_calls(const struct facts *f, double (*of)(double n, double k), int k)
{
    const double width = axis(node_of(f)->out[0], 1);
    const struct strips s = strips_of(f);
    if (!f->call->strip)
        return calls(f) * of(count(f) / calls(f), k);
    return s.outer * ((s.n - 1) * of(s.rows * width, k) + of(s.last * width, k));
}

/* Groups of k pixels, as a call takes them, row after row. */
static double groups(const struct facts *f, int k)
{
    return over_calls(f, ceil_divide, k);
}

/* Of groups of k: one or two pixels at the end, which mica_conv2d_blocks_f32() does alone, and how
 * many groups it does as such. */
static double remainder_alone(double n, double k)
{
    const double left = n - k * (double)(int64_t)(n / k);
    return left < 3 ? left : 0;
}

static double whole_groups(double n, double k)
{
    return ceil_divide(n - remainder_alone(n, k), k);
}

static double alone(const struct facts *f)
{
    return over_calls(f, remainder_alone, 5);
}

static double fives(const struct facts *f)
{
    return over_calls(f, whole_groups, 5);
}

/* Groups of k columns, each row for itself. */
static double columns(const struct facts *f, int k)
{
    return rows(f) * ceil_divide(axis(node_of(f)->out[0], 1), k);
}

/* Groups of k tiles of 2x2 pixels, as a call takes them. */
static double tiles(const struct facts *f, int k)
{
    const double across = ceil_divide(axis(node_of(f)->out[0], 1), 2);
    const struct strips s = strips_of(f);
    return s.outer * ((s.n - 1) * ceil_divide(ceil_divide(s.rows, 2) * across, k) +
                      ceil_divide(ceil_divide(s.last, 2) * across, k));
}

/* Rows that calls read, once for each group of k columns. */
static double reads(const struct facts *f, int k)
{
    return pointers(f) * ceil_divide(axis(node_of(f)->out[0], 1), k);
}

/* Of one axis: kernel positions over the image, of all outputs. */
static double inside_axis(int32_t in, int32_t out, int32_t kernel, int32_t stride, int32_t dilation,
                          int32_t pad)
{
    double sum = 0;
    for (int32_t o = 0; o < out; o++)
        for (int32_t k = 0; k < kernel; k++) {
            const int32_t at = o * stride - pad + k * dilation;
            sum += at >= 0 && at < in;
        }
    return sum;
}

/* Rows (i: 0) or columns of the window of a convolution or pool. */
static int kernel_size(const struct facts *f, int i)
{
    const struct node *n = node_of(f);
    if (node_is(n, OP_average_pool) || node_is(n, OP_max_pool)) {
        const struct attr_pool *pool = n->attr;
        return i ? pool->kernel_w : pool->kernel_h;
    }
    return conv_of(f) ? n->in[1]->dim[1 + i] : 1;
}

static double inside_rows(const struct facts *f)
{
    const struct attr_conv2d *a = conv_of(f);
    const struct node *n = node_of(f);
    return a ? inside_axis(n->in[0]->dim[1], n->out[0]->dim[1], kernel_size(f, 0), a->stride_h,
                           a->dilation_h, a->pad_top)
             : 1;
}

static double inside_columns(const struct facts *f)
{
    const struct attr_conv2d *a = conv_of(f);
    const struct node *n = node_of(f);
    return a ? inside_axis(n->in[0]->dim[2], n->out[0]->dim[2], kernel_size(f, 1), a->stride_w,
                           a->dilation_w, a->pad_left)
             : 1;
}

static double pixels(const struct facts *f)
{
    return elements(node_of(f)->out[0]) / axis(node_of(f)->out[0], 0);
}

/* Pixels whose window lies inside the image. */
static double inner_pixels(const struct facts *f)
{
    const struct attr_conv2d *a = conv_of(f);
    const struct node *n = node_of(f);
    double rows_inside = 0, columns_inside = 0;
    if (!a)
        return pixels(f);
    const int32_t high = (kernel_size(f, 0) - 1) * a->dilation_h;
    const int32_t wide = (kernel_size(f, 1) - 1) * a->dilation_w;
    for (int32_t y = -a->pad_top, i = 0; i < n->out[0]->dim[1]; i++, y += a->stride_h)
        rows_inside += y >= 0 && y + high < n->in[0]->dim[1];
    for (int32_t x = -a->pad_left, i = 0; i < n->out[0]->dim[2]; i++, x += a->stride_w)
        columns_inside += x >= 0 && x + wide < n->in[0]->dim[2];
    return rows_inside * columns_inside * n->out[0]->dim[0];
}

/* Pixels whose window touches the padding. */
static double border_pixels(const struct facts *f)
{
    return pixels(f) - inner_pixels(f);
}

/* Groups of neighbours whose windows lie inside the image, all in one row in which `behind` more
 * follow. */
static double runs(const struct facts *f, int32_t group, int32_t behind)
{
    const struct attr_conv2d *a = conv_of(f);
    const struct node *n = node_of(f);
    const struct strips s = strips_of(f);
    if (!a || !f->call->strip || a->dilation_w != 1)
        return 0;
    const int32_t width = n->out[0]->dim[2], height = n->out[0]->dim[1];
    const int32_t strip = (int32_t)s.rows, reach = (kernel_size(f, 0) - 1) * a->dilation_h;
    double sum = 0;
    for (int32_t first = 0; first < height; first += strip) {
        const int32_t end = first + strip < height ? first + strip : height;
        for (int32_t pixel = first * width; pixel < end * width; pixel += group) {
            const int32_t x = pixel % width, top = pixel / width * a->stride_h - a->pad_top;
            const int32_t left = x * a->stride_w - a->pad_left;
            sum += x + group + behind <= width && left >= 0 &&
                   left + (group - 1) * a->stride_w + kernel_size(f, 1) <= n->in[0]->dim[2] &&
                   top >= 0 && top + reach < n->in[0]->dim[1];
        }
    }
    return sum * n->out[0]->dim[0];
}

/* As mica_conv2d_pairs_s8() finds them. */
static double runs_of_three(const struct facts *f)
{
    return runs(f, 3, 1);
}

/* As mica_conv2d_blocks_f32() finds them. */
static double runs_of_five(const struct facts *f)
{
    return runs(f, 5, 0);
}

/* Groups of four pixels of which none lies at the left or right border. */
static double runs_of_four(const struct facts *f)
{
    const struct attr_conv2d *a = conv_of(f);
    const struct node *n = node_of(f);
    const struct strips s = strips_of(f);
    if (!a || !f->call->strip || a->dilation_w != 1)
        return 0;
    const int32_t width = n->out[0]->dim[2], height = n->out[0]->dim[1];
    const int32_t strip = (int32_t)s.rows;
    double sum = 0;
    for (int32_t first = 0; first < height; first += strip) {
        const int32_t end = (first + strip < height ? first + strip : height) * width;
        for (int32_t pixel = first * width; pixel < end; pixel += 4) {
            bool inside = true;
            for (int32_t k = pixel; k < pixel + 4 && k < end; k++) {
                const int32_t left = k % width * a->stride_w - a->pad_left;
                inside &= left >= 0 && left + kernel_size(f, 1) <= n->in[0]->dim[2];
            }
            sum += inside;
        }
    }
    return sum * n->out[0]->dim[0];
}

static double macs(const struct facts *f)
{
    const struct node *n = node_of(f);
    return n->op->macs ? (double)n->op->macs(n) : 0;
}

static double taps(const struct facts *f)
{
    const struct node *n = node_of(f);
    if (node_is(n, OP_dense))
        return axis(n->in[1], 0);
    if (node_is(n, OP_depthwise_conv2d))
        return (double)kernel_size(f, 0) * kernel_size(f, 1);
    return conv_of(f) ? (double)kernel_size(f, 0) * kernel_size(f, 1) * axis(n->in[1], 0) : 1;
}

/* Groups of k taps of an output. */
static double steps(const struct facts *f, int k)
{
    return ceil_divide(taps(f), k);
}

/* Of depthwise_planar.h: blocks of four outputs in a row, what lies in the ring for one of its
 * rows, and steps of a kernel row. */
static double blocks_across(const struct facts *f)
{
    const struct attr_conv2d *a = conv_of(f);
    const double width = axis(node_of(f)->out[0], 1);
    const double apart = a && a->stride_w == 1 && a->dilation_w < width ? a->dilation_w : 1;
    return apart * ceil_divide(ceil_divide(width, apart), 4);
}

static double blocks(const struct facts *f)
{
    return rows(f) * blocks_across(f);
}

static double block_reads(const struct facts *f)
{
    return pointers(f) * blocks_across(f);
}

static double kernel_steps(const struct facts *f)
{
    const int width = kernel_size(f, 1);
    return conv_of(f) && conv_of(f)->stride_w > 1 ? (width + 1) / 2 : width / 2 + 1;
}

static double block_words(const struct facts *f)
{
    const struct attr_conv2d *a = conv_of(f);
    const double n = kernel_steps(f);
    return !a || a->stride_w == 1 ? n + 1 : a->stride_w == 2 && a->dilation_w == 1 ? n + 3 : 4 * n;
}

/* Words of one row of the window. */
static double window_words(const struct facts *f)
{
    return ceil_divide((double)kernel_size(f, 1) * axis(node_of(f)->in[0], 0), 4);
}

/* Groups of three, four and five pixels that are no runs. */
static double rims_of_three(const struct facts *f)
{
    return groups(f, 3) - runs_of_three(f);
}

static double rims_of_four(const struct facts *f)
{
    return groups(f, 4) - runs_of_four(f);
}

static double rims_of_five(const struct facts *f)
{
    return groups(f, 5) - runs_of_five(f);
}

/* 1 where the taps are no multiple of 8. */
static double is_ragged(const struct facts *f)
{
    return 8 * steps(f, 8) > taps(f);
}

static double in_channels(const struct facts *f)
{
    return axis(node_of(f)->in[0], 0);
}

static double out_channels(const struct facts *f)
{
    return axis(node_of(f)->out[0], 0);
}

static double in_width(const struct facts *f)
{
    return axis(node_of(f)->in[0], 1);
}

static double out_elements(const struct facts *f)
{
    return elements(node_of(f)->out[0]);
}

static double in_elements(const struct facts *f)
{
    return elements(node_of(f)->in[0]);
}

static double kernel_height(const struct facts *f)
{
    return kernel_size(f, 0);
}

static double kernel_width(const struct facts *f)
{
    return kernel_size(f, 1);
}

/* 1 where outputs have a zero point of their own, which takes a rounding more. */
static double is_general(const struct facts *f)
{
    const struct quant *q = &node_of(f)->out[0]->quant;
    return q->n == 1 && q->zero[0] != -128;
}

static const struct {
    const char *name;
    double (*value)(const struct facts *);
    double (*by_width)(const struct facts *, int); /* or a number of pixels follows the name */
} quantities[] = {
    {"call", calls, NULL},
    {"count", count, NULL},
    {"row", rows, NULL},
    {"pointer", pointers, NULL},
    {"pixel", pixels, NULL},
    {"inner", inner_pixels, NULL},
    {"border", border_pixels, NULL},
    {"in", in_elements, NULL},
    {"out", out_elements, NULL},
    {"mac", macs, NULL},
    {"taps", taps, NULL},
    {"in_c", in_channels, NULL},
    {"out_c", out_channels, NULL},
    {"in_w", in_width, NULL},
    {"kernel_h", kernel_height, NULL},
    {"kernel_w", kernel_width, NULL},
    {"inside_h", inside_rows, NULL},
    {"inside_w", inside_columns, NULL},
    {"run3", runs_of_three, NULL},
    {"run4", runs_of_four, NULL},
    {"run5", runs_of_five, NULL},
    {"rim3", rims_of_three, NULL},
    {"rim4", rims_of_four, NULL},
    {"rim5", rims_of_five, NULL},
    {"fives", fives, NULL},
    {"alone", alone, NULL},
    {"window_words", window_words, NULL},
    {"ragged", is_ragged, NULL},
    {"general", is_general, NULL},
    {"blocks", blocks, NULL},
    {"block_reads", block_reads, NULL},
    {"block_words", block_words, NULL},
    {"kernel_steps", kernel_steps, NULL},
    {"pair", NULL, NULL},
    {"fours", NULL, NULL},
    {"chunk", NULL, NULL},
    {"group2", NULL, groups},
    {"group3", NULL, groups},
    {"group4", NULL, groups},
    {"tiles4", NULL, tiles},
    {"columns3", NULL, columns},
    {"columns4", NULL, columns},
    {"columns5", NULL, columns},
    {"columns6", NULL, columns},
    {"step4", NULL, steps},
    {"step8", NULL, steps},
    {"reads3", NULL, reads},
    {"reads5", NULL, reads},
    {"reads6", NULL, reads},
};
enum { N_QUANTITIES = sizeof quantities / sizeof quantities[0] };

const char *quantity_name(int i)
{
    return i >= 0 && i < N_QUANTITIES ? quantities[i].name : NULL;
}

/* Output channels by twos, fours and sixteens. */
static double channel_groups(const struct facts *f, char initial)
{
    return ceil_divide(out_channels(f), initial == 'p' ? 2 : initial == 'f' ? 4 : 16);
}

double quantity(const struct facts *f, const char *name, size_t n)
{
    for (int i = 0; i < N_QUANTITIES; i++) {
        if (strlen(quantities[i].name) != n || memcmp(quantities[i].name, name, n) != 0)
            continue;
        if (quantities[i].value)
            return quantities[i].value(f);
        return quantities[i].by_width ? quantities[i].by_width(f, name[n - 1] - '0')
                                      : channel_groups(f, name[0]);
    }
    return -1;
}
