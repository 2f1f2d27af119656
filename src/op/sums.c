/* SPDX-License-Identifier: Apache-2.0 */
/* sums.c - sums over axes, which mean and average pools over whole images divide. */
#include "op/op.h"

static bool is_summed(const struct int_list *axes, int axis)
{
    for (int i = 0; i < axes->n; i++)
        if (axes->at[i] == axis)
            return true;
    return false;
}

int32_t sums_count(const struct node *n, const struct int_list *axes)
{
    int32_t count = 1;
    for (int i = 0; i < axes->n; i++)
        count *= n->in[0]->dim[axes->at[i]];
    return count;
}

/* One image whose rows are all summed into one row: row by row is right. */
static bool takes_rows(const struct node *n, const struct int_list *axes)
{
    const struct tensor *in = n->in[0];
    for (int i = 0; i < row_axes(in); i++)
        if (in->dim[i] > 1 && !is_summed(axes, i))
            return false;
    return row_axes(in) > 0 && tensor_rows(n->out[0]) == 1;
}

struct rows rows_sums(const struct node *n, const struct int_list *axes)
{
    bool takes = takes_rows(n, axes);
    return (struct rows){.whole = !takes,
                         .accumulate = takes,
                         .rows_in = tensor_rows(n->in[0]),
                         .rows_out = tensor_rows(n->out[0]),
                         .reach = 1,
                         .stride = 1};
}

/* Over the input's elements; a summed axis does not move the sums. */
static struct loops sum_loops(const struct node *n, const struct int_list *axes)
{
    const struct tensor *in = n->in[0];
    struct loops l = {.n = in->rank};
    int32_t sums = 1;
    for (int i = in->rank - 1; i >= 0; i--) {
        l.size[i] = in->dim[i];
        l.step[0][i] = axis_pitch(in, i);
        l.step[1][i] = is_summed(axes, i) ? 0 : sums;
        sums *= is_summed(axes, i) ? 1 : in->dim[i];
    }
    return l;
}

/* The narrowest type that holds every sum: it is memory that lives as long as all rows take. */
static enum dtype sum_type(const struct node *n, const struct int_list *axes)
{
    if (n->in[0]->type == DTYPE_FLOAT32)
        return DTYPE_FLOAT32;
    return sums_count(n, axes) <= 255 ? DTYPE_INT16 : DTYPE_INT32; /* 255 * -128 > -2^15 */
}

static struct call *lower_zero(struct lower *l, struct tensor *sums)
{
    const struct kernel *kernel = sums->type == DTYPE_FLOAT32 ? &kernel_zero_f32
                                  : sums->type == DTYPE_INT16 ? &kernel_zero_s16
                                                              : &kernel_zero_s32;
    struct call *zero = lower_call(l, kernel, NULL);
    zero->phase = PHASE_START;
    zero->count = (int32_t)tensor_elements(sums);
    call_bind(zero, sums, 0);
    return zero;
}

static struct call *lower_add_up(struct lower *l, enum dtype type, int32_t width, bool fours)
{
    struct mica_sum_f32 p_f32 = {.width = width};
    struct mica_sum_s8_s16 p_s16 = {.width = width};
    struct mica_sum_s8 p_s32 = {.width = width};
    struct mica_sum_fours_s8_s16 p_fours_s16 = {.width = width};
    struct mica_sum_fours_s8 p_fours_s32 = {.width = width};
    if (fours && type == DTYPE_INT16)
        return lower_call(l, &kernel_sum_fours_s8_s16, &p_fours_s16);
    if (fours && type == DTYPE_INT32)
        return lower_call(l, &kernel_sum_fours_s8, &p_fours_s32);
    return type == DTYPE_FLOAT32 ? lower_call(l, &kernel_sum_f32, &p_f32)
           : type == DTYPE_INT16 ? lower_call(l, &kernel_sum_s8_s16, &p_s16)
                                 : lower_call(l, &kernel_sum_s8, &p_s32);
}

/* The kernel of sums takes n runs of `width` neighbouring sums: the last two loops where the last
 * moves the sums, or else the last alone with a width of 1. */
struct tensor *lower_sums(struct lower *l, const struct int_list *axes, bool *fours)
{
    struct node *n = l->step->node;
    const enum dtype type = sum_type(n, axes);
    struct tensor *sums = lower_temp(l, type, (int32_t)tensor_elements(n->out[0]));
    lower_zero(l, sums);

    const int n_rows = takes_rows(n, axes) ? row_axes(n->in[0]) : 0;
    struct loops loops = sum_loops(n, axes);
    loops_merge(&loops, n_rows);
    int outer = loops.n - 1;
    int32_t width = 1, runs = loops.size[outer];
    if (loops.step[1][outer] == 1) {
        width = runs;
        runs = 1;
        if (outer > (n_rows > 0) && loops.step[1][outer - 1] == 0 &&
            loops.step[0][outer - 1] == width)
            runs = loops.size[--outer];
    }
    if (fours)
        *fours &= width == 1 || width >= 4;
    struct call *add = lower_add_up(l, type, width, fours && *fours);
    struct operand *from = call_bind(add, n->in[0], 0), *to = call_bind(add, sums, 0);
    call_loops(add, &loops, outer, from, to);
    add->count = runs;
    add->joins = n_rows > 0 && outer == 1 && loops.step[0][0] == runs * width &&
                 loops.step[1][0] == 0;
    return sums;
}

struct call *lower_finish(struct lower *l, const struct kernel *kernel, const void *params,
                          struct tensor *sums)
{
    struct tensor *out = l->step->node->out[0];
    struct call *c = lower_call(l, kernel, params);
    c->phase = PHASE_FINISH;
    c->count = (int32_t)tensor_elements(out);
    call_bind(c, sums, 0);
    call_bind(c, out, 0);
    return c;
}
