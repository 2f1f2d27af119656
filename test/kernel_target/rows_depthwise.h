/* SPDX-License-Identifier: Apache-2.0 */
/* rows_depthwise.h - the kernels of depthwise convolutions. */
#ifndef MICA_TEST_ROWS_DEPTHWISE_H
#define MICA_TEST_ROWS_DEPTHWISE_H

#include "rows.h"

#include "depthwise3x3_s8.h"
#include "depthwise3x3_stride2_s8.h"
#include "depthwise3x3_w3_s8.h"
#include "depthwise3x3_w5_s8.h"
#include "depthwise_bytes_s8.h"
#include "depthwise_column_s8.h"
#include "depthwise_conv2d_s8.h"
#include "depthwise_planar_s8.h"
#include "depthwise_planar_stride_s8.h"

static inline void run_plain_depthwise(const struct job *j)
{
    const struct mica_depthwise_conv2d_s8 p = {PLAIN, .channel_out = I16(j->s->multiplier)};
    for (int32_t y = 0; y < j->n; y++)
        mica_depthwise_conv2d_s8(&p, row_window(j, y), j->out + y * j->s->out_w * j->s->out_c);
}

/* ---- 3x3 ------------------------------------------------------------------------------------- */

static inline bool is_3x3_stride1(const struct shape *s)
{
    return is_3x3(s) && s->stride_h == 1 && s->stride_w == 1 && s->multiplier == 1;
}

static inline bool is_3x3_stride2(const struct shape *s)
{
    return is_3x3(s) && s->stride_h == 2 && s->stride_w == 2 && s->multiplier == 1;
}

static inline enum pack_verdict pack_3x3(const struct shape *s, const struct pack_layer *l)
{
    (void)s;
    return pack_depthwise3x3(l, packed_stream);
}

static inline int32_t scratch_3x3(const struct shape *s)
{
    return pack_depthwise3x3_buffer(s->chunk);
}

/* The kernels differ in their names alone. */
#define RUN_3X3(kind)                                                      \
    static inline void run_##kind(const struct job *j)                     \
    {                                                                      \
        const struct mica_##kind##_s8 p = {IMAGE,                          \
                                           .channels = I16(j->s->in_c),    \
                                           .chunk = I16(j->s->chunk),      \
                                           .in_zero = I16(j->l->in_zero),  \
                                           .relu = j->l->out_zero == -128, \
                                           .stream = packed_stream};       \
        mica_##kind##_s8(&p, j->rows, j->buffer, j->out, j->n);            \
    }

RUN_3X3(depthwise3x3)
RUN_3X3(depthwise3x3_w5)
RUN_3X3(depthwise3x3_w3)
RUN_3X3(depthwise3x3_stride2)

/* ---- any window ------------------------------------------------------------------------------ */

static inline struct pack_planar planar_of(const struct shape *s)
{
    return (struct pack_planar){s->kernel_h, s->kernel_w, s->stride_w, s->dilation_w,
                                s->multiplier};
}

static inline bool is_planar(const struct shape *s)
{
    return s->stride_w == 1;
}

static inline bool is_planar_stride(const struct shape *s)
{
    return s->stride_w > 1;
}

static inline enum pack_verdict pack_any(const struct shape *s, const struct pack_layer *l)
{
    const struct pack_planar w = planar_of(s);
    return pack_planar(l, &w, packed_stream);
}

static inline int32_t scratch_planar(const struct shape *s)
{
    const struct pack_planar w = planar_of(s);
    return pack_planar_buffer(&w, s->chunk);
}

#define PLANAR                                                                       \
    IMAGE, .in_c = I16(j->s->in_c), .kernel_h = I16(j->s->kernel_h),                 \
           .stride_h = I16(j->s->stride_h), .dilation_h = I16(j->s->dilation_h),     \
           .dilation_w = I16(j->s->dilation_w), .multiplier = I16(j->s->multiplier), \
           .chunk = I16(j->s->chunk), .in_zero = I16(j->l->in_zero),                 \
           .steps = I16(pack_planar_steps(&w)), .stream = packed_stream

static inline void run_planar(const struct job *j)
{
    const struct pack_planar w = planar_of(j->s);
    const struct mica_depthwise_planar_s8 p = {PLANAR};
    mica_depthwise_planar_s8(&p, j->rows, j->buffer, j->out, j->n);
}

static inline void run_planar_stride(const struct job *j)
{
    const struct pack_planar w = planar_of(j->s);
    const struct mica_depthwise_planar_stride_s8 p = {PLANAR, .stride_w = I16(j->s->stride_w)};
    mica_depthwise_planar_stride_s8(&p, j->rows, j->buffer, j->out, j->n);
}

/* ---- over time ------------------------------------------------------------------------------- */

static inline bool is_column(const struct shape *s)
{
    return s->in_w == 1 && s->kernel_w == 1 && s->out_w == 1 && s->in_c % 4 == 0 &&
           s->multiplier == 1 && s->dilation_h == 1 && s->pad_top + s->pad_left == 0 &&
           (s->out_h - 1) * s->stride_h + s->kernel_h <= s->in_h;
}

static inline enum pack_verdict pack_one_column(const struct shape *s, const struct pack_layer *l)
{
    (void)s;
    return pack_column(l, packed_stream);
}

static inline void run_column(const struct job *j)
{
    const struct mica_depthwise_column_s8 p = {I16(j->s->in_c), I16(j->s->kernel_h), packed_stream};
    for (int32_t y = 0; y < j->n; y++)
        mica_depthwise_column_s8(&p, j->rows + y * j->s->stride_h, j->out + y * j->s->in_c);
}

/* ---- products of bytes ----------------------------------------------------------------------- */

static inline bool is_bytes_depthwise(const struct shape *s)
{
    return s->multiplier == 1 && s->kernel_h * s->kernel_w <= MICA_DEPTHWISE_BYTES_TAPS;
}

static inline enum pack_verdict pack_bytes_depthwise(const struct shape *s,
                                                     const struct pack_layer *l)
{
    (void)s;
    pack_bytes_rows(l, true, packed_weights);
    return pack_bytes_scales(l, true, packed_scales);
}

static inline int32_t scratch_bytes_depthwise(const struct shape *s)
{
    return s->in_c;
}

static inline void run_bytes_depthwise(const struct job *j)
{
    const struct mica_depthwise_bytes_s8 p = {STRIP, .dilation_h = I16(j->s->dilation_h),
                                              .dilation_w = I16(j->s->dilation_w),
                                              .weights = packed_weights, .scales = packed_scales};
    mica_depthwise_bytes_s8(&p, j->rows, j->buffer, j->out, j->n);
}

/* ---- the table ------------------------------------------------------------------------------- */

static struct row depthwise_rows[] = {
    {"depthwise", NULL, NULL, NULL, run_plain_depthwise, 0, 0, 0},
    {"depthwise3x3", is_3x3_stride1, pack_3x3, scratch_3x3, run_depthwise3x3, 0, 0, 0},
    {"depthwise3x3_w5", is_3x3_stride1, pack_3x3, scratch_3x3, run_depthwise3x3_w5, 0, 0, 0},
    {"depthwise3x3_w3", is_3x3_stride1, pack_3x3, scratch_3x3, run_depthwise3x3_w3, 0, 0, 0},
    {"depthwise3x3_stride2", is_3x3_stride2, pack_3x3, scratch_3x3, run_depthwise3x3_stride2, 0, 0,
     0},
    {"depthwise_planar", is_planar, pack_any, scratch_planar, run_planar, 0, 0, 0},
    {"depthwise_planar_stride", is_planar_stride, pack_any, scratch_planar, run_planar_stride, 0, 0,
     0},
    {"depthwise_column", is_column, pack_one_column, NULL, run_column, 0, 0, 0},
    {"depthwise_bytes", is_bytes_depthwise, pack_bytes_depthwise, scratch_bytes_depthwise,
     run_bytes_depthwise, 1, 0, 0},
};
static const struct table depthwise_table = TABLE(DEPTHWISE, depthwise_rows);

#endif
