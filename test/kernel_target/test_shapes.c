/* SPDX-License-Identifier: Apache-2.0 */
/* Convolutions and pools, packed and plain, in every small shape and many larger ones. TEST_FAMILY
 * takes one family of them. */
#include "shapes.h"

#include "average_pool_fours_s8.h"
#include "average_pool_s8.h"
#include "conv2d_1x1_pairs_s8.h"
#include "conv2d_pairs_s8.h"
#include "conv2d_patch_pairs_s8.h"
#include "conv2d_quads_s8.h"
#include "conv2d_s8.h"
#include "depthwise3x3_s8.h"
#include "depthwise3x3_stride2_s8.h"
#include "depthwise3x3_w3_s8.h"
#include "depthwise3x3_w5_s8.h"
#include "depthwise_column_s8.h"
#include "depthwise_conv2d_s8.h"
#include "max_pool_fours_s8.h"
#include "max_pool_s8.h"

#ifndef TEST_FAMILY
#define TEST_FAMILY FAMILIES
#endif

static int32_t stream[1 << 16], scales[4 * CHANNELS_MAX];
static int8_t weights[WEIGHTS_MAX];
static int32_t chunk; /* channels at a time, of depthwise kernels */

#define I16(x) ((int16_t)(x))

static int32_t taps_of(const struct shape *s)
{
    return s->kernel_h * s->kernel_w * s->in_c;
}

static bool any(const struct shape *s)
{
    return s->in_h > 0;
}

/* ---- convolutions ---------------------------------------------------------------------------- */

static bool is_not_dilated(const struct shape *s)
{
    return s->dilation_h == 1 && s->dilation_w == 1;
}

static bool has_fours(const struct shape *s)
{
    return s->in_c % 4 == 0;
}

static bool is_1x1(const struct shape *s)
{
    return has_fours(s) && s->kernel_h * s->kernel_w * s->stride_h * s->stride_w == 1;
}

static bool has_pairs(const struct shape *s)
{
    return s->out_c > 1;
}

static enum pack_verdict pack_conv_pairs(const struct shape *s, const struct pack_layer *l)
{
    (void)s;
    return pack_pairs(l, 4, stream);
}

static enum pack_verdict pack_conv_quads(const struct shape *s, const struct pack_layer *l)
{
    (void)s;
    return pack_quads(l, weights, scales);
}

static int32_t scratch_pairs(const struct shape *s)
{
    return pack_conv2d_pairs_buffer(taps_of(s), s->in_c);
}

static int32_t scratch_patch(const struct shape *s)
{
    return pack_conv2d_patch_pairs_buffer(taps_of(s));
}

static int32_t scratch_1x1(const struct shape *s)
{
    return pack_conv2d_1x1_pairs_buffer(s->in_c);
}

static int32_t scratch_quads(const struct shape *s)
{
    return pack_conv2d_quads_buffer(taps_of(s), s->kernel_w * s->in_c);
}

static void run_pairs(const struct shape *s, const struct pack_layer *l, const int8_t *const *rows,
                      void *buffer, int8_t *to, int32_t n)
{
    const struct mica_conv2d_pairs_s8 p = {.in_w = I16(s->in_w),
                                           .in_c = I16(s->in_c),
                                           .out_w = I16(s->out_w),
                                           .out_c = I16(s->out_c),
                                           .kernel_h = I16(s->kernel_h),
                                           .kernel_w = I16(s->kernel_w),
                                           .stride_h = I16(s->stride_h),
                                           .stride_w = I16(s->stride_w),
                                           .dilation_h = I16(s->dilation_h),
                                           .dilation_w = I16(s->dilation_w),
                                           .pad_left = I16(s->pad_left),
                                           .in_zero = I16(l->in_zero),
                                           .relu = l->out_zero == -128,
                                           .stream = stream};
    mica_conv2d_pairs_s8(&p, rows, buffer, to, n);
}

static void run_patch(const struct shape *s, const struct pack_layer *l, const int8_t *const *rows,
                      void *buffer, int8_t *to, int32_t n)
{
    const struct mica_conv2d_patch_pairs_s8 p = {.in_w = I16(s->in_w),
                                                 .in_c = I16(s->in_c),
                                                 .out_w = I16(s->out_w),
                                                 .out_c = I16(s->out_c),
                                                 .kernel_h = I16(s->kernel_h),
                                                 .kernel_w = I16(s->kernel_w),
                                                 .stride_h = I16(s->stride_h),
                                                 .stride_w = I16(s->stride_w),
                                                 .pad_left = I16(s->pad_left),
                                                 .in_zero = I16(l->in_zero),
                                                 .relu = l->out_zero == -128,
                                                 .stream = stream};
    mica_conv2d_patch_pairs_s8(&p, rows, buffer, to, n);
}

/* Its rows follow each other, and its padding is none. */
static void run_1x1(const struct shape *s, const struct pack_layer *l, const int8_t *const *rows,
                    void *buffer, int8_t *to, int32_t n)
{
    const struct mica_conv2d_1x1_pairs_s8 p = {I16(s->in_c), I16(s->out_c), l->out_zero == -128,
                                               stream};
    mica_conv2d_1x1_pairs_s8(&p, rows[0], buffer, to, n * s->in_w);
}

static void run_quads(const struct shape *s, const struct pack_layer *l, const int8_t *const *rows,
                      void *buffer, int8_t *to, int32_t n)
{
    const struct mica_conv2d_quads_s8 p = {.in_w = I16(s->in_w),
                                           .in_c = I16(s->in_c),
                                           .out_w = I16(s->out_w),
                                           .out_c = I16(s->out_c),
                                           .kernel_h = I16(s->kernel_h),
                                           .kernel_w = I16(s->kernel_w),
                                           .stride_h = I16(s->stride_h),
                                           .stride_w = I16(s->stride_w),
                                           .dilation_h = I16(s->dilation_h),
                                           .dilation_w = I16(s->dilation_w),
                                           .pad_left = I16(s->pad_left),
                                           .in_zero = I16(l->in_zero),
                                           .taps = I16(pack_quads_taps(l->taps)),
                                           .weights = weights,
                                           .scales = scales};
    mica_conv2d_quads_s8(&p, rows, buffer, to, n);
}

/* Rows for kernels that make one, dilated ones apart. */
static const int8_t *const *row_window(const struct shape *s, const int8_t *const *rows, int32_t y)
{
    static const int8_t *window[ROWS_MAX];
    for (int32_t k = 0; k < s->kernel_h; k++)
        window[k] = rows[y * s->stride_h + k * s->dilation_h];
    return window;
}

static void run_plain(const struct shape *s, const struct pack_layer *l, const int8_t *const *rows,
                      void *buffer, int8_t *to, int32_t n)
{
    const struct mica_conv2d_s8 p = {.in_w = I16(s->in_w),
                                     .in_c = I16(s->in_c),
                                     .out_w = I16(s->out_w),
                                     .out_c = I16(s->out_c),
                                     .kernel_h = I16(s->kernel_h),
                                     .kernel_w = I16(s->kernel_w),
                                     .stride_w = I16(s->stride_w),
                                     .dilation_w = I16(s->dilation_w),
                                     .pad_left = I16(s->pad_left),
                                     .group_in = I16(s->in_c),
                                     .group_out = I16(s->out_c),
                                     .in_zero = I16(l->in_zero),
                                     .out_zero = I16(l->out_zero),
                                     .out_min = I16(l->out_min),
                                     .out_max = I16(l->out_max),
                                     .weights = l->weights,
                                     .bias = l->bias,
                                     .multiplier = l->multiplier,
                                     .shift = l->shift};
    (void)buffer;
    for (int32_t y = 0; y < n; y++)
        mica_conv2d_s8(&p, row_window(s, rows, y), to + y * s->out_w * s->out_c);
}

/* ---- depthwise ------------------------------------------------------------------------------- */

static bool is_3x3(const struct shape *s)
{
    chunk = draw(1, s->in_c + 3);
    return s->kernel_h == 3 && s->kernel_w == 3 && s->stride_h == 1 && s->stride_w == 1;
}

static bool is_3x3_stride2(const struct shape *s)
{
    chunk = draw(1, s->in_c + 3);
    return s->kernel_h == 3 && s->kernel_w == 3 && s->stride_h == 2 && s->stride_w == 2;
}

static bool is_column(const struct shape *s)
{
    return s->in_w == 1 && s->kernel_w == 1 && s->out_w == 1 && s->in_c % 4 == 0 &&
           s->pad_top + s->pad_left == 0 && (s->out_h - 1) * s->stride_h + s->kernel_h <= s->in_h;
}

static enum pack_verdict pack_3x3(const struct shape *s, const struct pack_layer *l)
{
    (void)s;
    return pack_depthwise3x3(l, stream);
}

static enum pack_verdict pack_one_column(const struct shape *s, const struct pack_layer *l)
{
    (void)s;
    return pack_column(l, stream);
}

static int32_t scratch_3x3(const struct shape *s)
{
    (void)s;
    return pack_depthwise3x3_buffer(chunk);
}

/* The kernels differ in their names alone. */
#define RUN_3X3(kind)                                                                      \
    static void run_##kind(const struct shape *s, const struct pack_layer *l,              \
                           const int8_t *const *rows, void *buffer, int8_t *to, int32_t n) \
    {                                                                                      \
        const struct mica_##kind##_s8 p = {.in_w = I16(s->in_w),                           \
                                           .channels = I16(s->in_c),                       \
                                           .out_w = I16(s->out_w),                         \
                                           .pad_left = I16(s->pad_left),                   \
                                           .chunk = I16(chunk),                            \
                                           .in_zero = I16(l->in_zero),                     \
                                           .relu = l->out_zero == -128,                    \
                                           .stream = stream};                              \
        mica_##kind##_s8(&p, rows, buffer, to, n);                                         \
    }

RUN_3X3(depthwise3x3)
RUN_3X3(depthwise3x3_w5)
RUN_3X3(depthwise3x3_w3)
RUN_3X3(depthwise3x3_stride2)

static void run_column(const struct shape *s, const struct pack_layer *l, const int8_t *const *rows,
                       void *buffer, int8_t *to, int32_t n)
{
    const struct mica_depthwise_column_s8 p = {I16(s->in_c), I16(s->kernel_h), stream};
    (void)l;
    (void)buffer;
    for (int32_t y = 0; y < n; y++)
        mica_depthwise_column_s8(&p, rows + y * s->stride_h, to + y * s->in_c);
}

static void run_plain_depthwise(const struct shape *s, const struct pack_layer *l,
                                const int8_t *const *rows, void *buffer, int8_t *to, int32_t n)
{
    const struct mica_depthwise_conv2d_s8 p = {.in_w = I16(s->in_w),
                                               .in_c = I16(s->in_c),
                                               .out_w = I16(s->out_w),
                                               .kernel_h = I16(s->kernel_h),
                                               .kernel_w = I16(s->kernel_w),
                                               .stride_w = I16(s->stride_w),
                                               .dilation_w = 1,
                                               .pad_left = I16(s->pad_left),
                                               .channel_out = 1,
                                               .in_zero = I16(l->in_zero),
                                               .out_zero = I16(l->out_zero),
                                               .out_min = I16(l->out_min),
                                               .out_max = I16(l->out_max),
                                               .weights = l->weights,
                                               .bias = l->bias,
                                               .multiplier = l->multiplier,
                                               .shift = l->shift};
    (void)buffer;
    for (int32_t y = 0; y < n; y++)
        mica_depthwise_conv2d_s8(&p, rows + y * s->stride_h, to + y * s->out_w * s->out_c);
}

/* ---- pools ----------------------------------------------------------------------------------- */

static bool has_four_channels(const struct shape *s)
{
    return s->in_c >= 4;
}

#define RUN_POOL(kind)                                                                     \
    static void run_##kind(const struct shape *s, const struct pack_layer *l,              \
                           const int8_t *const *rows, void *buffer, int8_t *to, int32_t n) \
    {                                                                                      \
        const struct mica_##kind##_s8 p = {.in_w = I16(s->in_w),                           \
                                           .channels = I16(s->in_c),                       \
                                           .out_w = I16(s->out_w),                         \
                                           .kernel_h = I16(s->kernel_h),                   \
                                           .kernel_w = I16(s->kernel_w),                   \
                                           .stride_w = I16(s->stride_w),                   \
                                           .pad_left = I16(s->pad_left),                   \
                                           .out_min = I16(l->out_min),                     \
                                           .out_max = I16(l->out_max)};                    \
        (void)buffer;                                                                      \
        for (int32_t y = 0; y < n; y++)                                                    \
            mica_##kind##_s8(&p, rows + y * s->stride_h, to + y * s->out_w * s->in_c);     \
    }

RUN_POOL(max_pool)
RUN_POOL(max_pool_fours)
RUN_POOL(average_pool)
RUN_POOL(average_pool_fours)

/* ---- the kernels ----------------------------------------------------------------------------- */

static struct row table[] = {
    {"conv2d", CONV2D, any, NULL, NULL, run_plain, 0, 0},
    {"conv2d_1x1_pairs", CONV2D, is_1x1, pack_conv_pairs, scratch_1x1, run_1x1, 0, 0},
    {"conv2d_pairs", CONV2D, has_fours, pack_conv_pairs, scratch_pairs, run_pairs, 0, 0},
    {"conv2d_patch_pairs", CONV2D, is_not_dilated, pack_conv_pairs, scratch_patch, run_patch, 0, 0},
    {"conv2d_quads", CONV2D, has_pairs, pack_conv_quads, scratch_quads, run_quads, 0, 0},
    {"depthwise", DEPTHWISE, any, NULL, NULL, run_plain_depthwise, 0, 0},
    {"depthwise3x3", DEPTHWISE, is_3x3, pack_3x3, scratch_3x3, run_depthwise3x3, 0, 0},
    {"depthwise3x3_w5", DEPTHWISE, is_3x3, pack_3x3, scratch_3x3, run_depthwise3x3_w5, 0, 0},
    {"depthwise3x3_w3", DEPTHWISE, is_3x3, pack_3x3, scratch_3x3, run_depthwise3x3_w3, 0, 0},
    {"depthwise3x3_stride2", DEPTHWISE, is_3x3_stride2, pack_3x3, scratch_3x3,
     run_depthwise3x3_stride2, 0, 0},
    {"depthwise_column", DEPTHWISE, is_column, pack_one_column, NULL, run_column, 0, 0},
    {"max_pool", MAX_POOL, any, NULL, NULL, run_max_pool, 0, 0},
    {"max_pool_fours", MAX_POOL, has_four_channels, NULL, NULL, run_max_pool_fours, 0, 0},
    {"average_pool", AVERAGE_POOL, any, NULL, NULL, run_average_pool, 0, 0},
    {"average_pool_fours", AVERAGE_POOL, has_four_channels, NULL, NULL, run_average_pool_fours, 0,
     0},
};
enum { KERNELS = sizeof table / sizeof table[0] };

/* Two neighbouring weights of -128 are too much for a quad's 16 bits; one is not. */
static void check_edges(void)
{
    const int8_t edge[2][6] = {{0, -128, -128, 0, 1, 2}, {0, 0, -128, -128, 0, 0}};
    for (int i = 0; i < 2; i++) {
        struct pack_layer l = draw_layer(TYPICAL, 1, 6);
        l.weights = edge[i];
        CHECK(pack_quads(&l, weights, scales) == (i ? PACK_PAIR : PACK_OK));
    }
}

int main(void)
{
    check_edges();
    for (int family = 0; family < FAMILIES; family++)
        if (TEST_FAMILY == FAMILIES || TEST_FAMILY == family) {
            walk_small_shapes(table, KERNELS, (enum family)family);
            walk_random_shapes(table, KERNELS, (enum family)family);
        }
    for (int i = 0; i < KERNELS; i++)
        if (TEST_FAMILY == FAMILIES || TEST_FAMILY == (int)table[i].family) {
            printf("%s: %d shapes\n", table[i].name, (int)table[i].runs);
            CHECK(table[i].runs > 20 * table[i].refused);
        }
    return checks_end();
}
