/* SPDX-License-Identifier: Apache-2.0 */
/* rows_conv2d.h - the kernels of convolutions. */
#ifndef MICA_TEST_ROWS_CONV2D_H
#define MICA_TEST_ROWS_CONV2D_H

#include "rows.h"

#include "conv2d_1x1_pairs_s8.h"
#include "conv2d_bytes_s8.h"
#include "conv2d_pairs_s8.h"
#include "conv2d_patch_pairs_s8.h"
#include "conv2d_quads_s8.h"
#include "conv2d_s8.h"
#include "conv2d_window_fours_s8.h"
#include "conv2d_window_pairs_s8.h"
#include "conv2d_winograd_s8.h"

static inline int32_t taps_of(const struct shape *s)
{
    return s->kernel_h * s->kernel_w * s->in_c;
}

#define DILATED .dilation_h = I16(j->s->dilation_h), .dilation_w = I16(j->s->dilation_w)
#define CONV    STRIP, .out_c = I16(j->s->out_c)

static inline void run_plain(const struct job *j)
{
    const struct mica_conv2d_s8 p = {PLAIN, .out_c = I16(j->s->out_c), .group_in = I16(j->s->in_c),
                                     .group_out = I16(j->s->out_c)};
    for (int32_t y = 0; y < j->n; y++)
        mica_conv2d_s8(&p, row_window(j, y), j->out + y * j->s->out_w * j->s->out_c);
}

/* ---- pairs of channels ----------------------------------------------------------------------- */

static inline bool has_fours(const struct shape *s)
{
    return s->in_c % 4 == 0;
}

static inline bool is_1x1(const struct shape *s)
{
    return has_fours(s) && s->kernel_h * s->kernel_w * s->stride_h * s->stride_w == 1 &&
           s->pad_top + s->pad_bottom + s->pad_left + s->pad_right == 0;
}

static inline bool is_not_dilated(const struct shape *s)
{
    return s->dilation_h == 1 && s->dilation_w == 1;
}

static inline bool has_eights(const struct shape *s)
{
    return s->in_c % 8 == 0 && s->out_c % 2 == 0;
}

static inline enum pack_verdict pack_by_fours(const struct shape *s, const struct pack_layer *l)
{
    (void)s;
    return pack_pairs(l, 4, packed_stream);
}

static inline enum pack_verdict pack_by_eights(const struct shape *s, const struct pack_layer *l)
{
    (void)s;
    return pack_pairs(l, 8, packed_stream);
}

static inline int32_t scratch_1x1(const struct shape *s)
{
    return pack_conv2d_1x1_pairs_buffer(s->in_c);
}

static inline int32_t scratch_pairs(const struct shape *s)
{
    return pack_conv2d_pairs_buffer(taps_of(s), s->in_c);
}

static inline int32_t scratch_patch(const struct shape *s)
{
    return pack_conv2d_patch_pairs_buffer(taps_of(s));
}

static inline int32_t scratch_window_pairs(const struct shape *s)
{
    return pack_dense_pairs_buffer(taps_of(s));
}

/* Its rows follow each other, and its padding is none. */
static inline void run_1x1(const struct job *j)
{
    const struct mica_conv2d_1x1_pairs_s8 p = {I16(j->s->in_c), I16(j->s->out_c),
                                               j->l->out_zero == -128, packed_stream};
    mica_conv2d_1x1_pairs_s8(&p, j->rows[0], j->buffer, j->out, j->n * j->s->in_w);
}

static inline void run_pairs(const struct job *j)
{
    const struct mica_conv2d_pairs_s8 p = {CONV, DILATED, .relu = j->l->out_zero == -128,
                                           .stream = packed_stream};
    mica_conv2d_pairs_s8(&p, j->rows, j->buffer, j->out, j->n);
}

static inline void run_patch(const struct job *j)
{
    const struct mica_conv2d_patch_pairs_s8 p = {CONV, .relu = j->l->out_zero == -128,
                                                 .stream = packed_stream};
    mica_conv2d_patch_pairs_s8(&p, j->rows, j->buffer, j->out, j->n);
}

static inline void run_window_pairs(const struct job *j)
{
    const struct mica_conv2d_window_pairs_s8 p = {CONV, DILATED, .stream = packed_stream};
    mica_conv2d_window_pairs_s8(&p, j->rows, j->buffer, j->out, j->n);
}

/* ---- without the DSP extension --------------------------------------------------------------- */

static inline bool has_two_outputs(const struct shape *s)
{
    return s->out_c > 1;
}

static inline bool has_four_outputs(const struct shape *s)
{
    return s->out_c >= 4;
}

static inline enum pack_verdict pack_by_quads(const struct shape *s, const struct pack_layer *l)
{
    (void)s;
    return pack_quads(l, packed_weights, packed_scales);
}

static inline enum pack_verdict pack_plain(const struct shape *s, const struct pack_layer *l)
{
    (void)s;
    return pack_scales(l, packed_scales);
}

static inline int32_t scratch_quads(const struct shape *s)
{
    return pack_conv2d_quads_buffer(taps_of(s), s->kernel_w * s->in_c);
}

static inline void run_quads(const struct job *j)
{
    const struct mica_conv2d_quads_s8 p = {CONV, DILATED, .taps = I16(pack_quads_taps(j->l->taps)),
                                           .weights = packed_weights, .scales = packed_scales};
    mica_conv2d_quads_s8(&p, j->rows, j->buffer, j->out, j->n);
}

static inline void run_window_fours(const struct job *j)
{
    const struct mica_conv2d_window_fours_s8 p = {CONV, DILATED, .weights = j->l->weights,
                                                  .scales = packed_scales};
    mica_conv2d_window_fours_s8(&p, j->rows, j->buffer, j->out, j->n);
}

/* ---- Winograd's minimal filtering ------------------------------------------------------------ */

static inline bool is_winograd(const struct shape *s)
{
    return has_fours(s) && is_3x3(s) && s->stride_h == 1 && s->stride_w == 1;
}

static inline enum pack_verdict pack_transformed(const struct shape *s, const struct pack_layer *l)
{
    (void)s;
    return pack_winograd(l, packed_stream);
}

static inline int32_t scratch_winograd(const struct shape *s)
{
    return pack_conv2d_winograd_buffer(s->in_c);
}

static inline void run_winograd(const struct job *j)
{
    const struct mica_conv2d_winograd_s8 p = {
        IMAGE, .in_c = I16(j->s->in_c), .out_c = I16(j->s->out_c), .in_zero = I16(j->l->in_zero),
        .stream = packed_stream};
    mica_conv2d_winograd_s8(&p, j->rows, j->buffer, j->out, j->n);
}

/* ---- products of bytes ----------------------------------------------------------------------- */

static inline bool has_whole_rows(const struct shape *s)
{
    return s->dilation_w == 1;
}

static inline enum pack_verdict pack_bytes(const struct shape *s, const struct pack_layer *l)
{
    (void)s;
    pack_bytes_rows(l, false, packed_weights);
    return pack_bytes_scales(l, false, packed_scales);
}

static inline int32_t scratch_bytes(const struct shape *s)
{
    return 4 * taps_of(s);
}

static inline void run_bytes(const struct job *j)
{
    const struct mica_conv2d_bytes_s8 p = {CONV, .dilation_h = I16(j->s->dilation_h),
                                           .weights = packed_weights, .scales = packed_scales};
    mica_conv2d_bytes_s8(&p, j->rows, j->buffer, j->out, j->n);
}

/* ---- the table ------------------------------------------------------------------------------- */

static struct row conv2d_rows[] = {
    {"conv2d", NULL, NULL, NULL, run_plain, 0, 0, 0},
    {"conv2d_1x1_pairs", is_1x1, pack_by_fours, scratch_1x1, run_1x1, 0, 0, 0},
    {"conv2d_pairs", has_fours, pack_by_fours, scratch_pairs, run_pairs, 0, 0, 0},
    {"conv2d_patch_pairs", is_not_dilated, pack_by_fours, scratch_patch, run_patch, 0, 0, 0},
    {"conv2d_window_pairs", has_eights, pack_by_eights, scratch_window_pairs, run_window_pairs, 0,
     0, 0},
    {"conv2d_quads", has_two_outputs, pack_by_quads, scratch_quads, run_quads, 0, 0, 0},
    {"conv2d_window_fours", has_four_outputs, pack_plain, taps_of, run_window_fours, 0, 0, 0},
    {"conv2d_winograd", is_winograd, pack_transformed, scratch_winograd, run_winograd, 0, 0, 0},
    {"conv2d_bytes", has_whole_rows, pack_bytes, scratch_bytes, run_bytes, 1, 0, 0},
};
static const struct table conv2d_table = TABLE(CONV2D, conv2d_rows);

#endif
