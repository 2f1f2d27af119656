/* SPDX-License-Identifier: Apache-2.0 */
/* shapes.h - every small shape of a window that slides over an image, and larger ones, drawn.
 *
 * The walk takes every width up to 9, kernel up to 5 by 5, stride up to 3, padding up to 4 at the
 * left and the right (none, same, uneven), input and output channels up to 17; of depthwise layers
 * also every channel multiplier that this leaves, or a dilation up to 3. Heights, and what happens
 * vertically, are drawn. What is done with a shape is up to who walks: rows.h compares kernels. */
#ifndef MICA_TEST_SHAPES_H
#define MICA_TEST_SHAPES_H

#include "layer.h"

#ifndef TEST_FIRST
#define TEST_FIRST 0
#endif
/* How much finer the walk is than TEST_STRIDE says, for kernels that serve few shapes. */
#ifndef TEST_FINER
#define TEST_FINER 1
#endif
#ifndef TEST_FAMILY
#define TEST_FAMILY FAMILIES
#endif

enum { SMALL_CHANNELS = 17, SMALL_WIDTH = 9, SMALL_KERNEL = 5, SMALL_STRIDE = 3 };
enum { SMALL_DILATION = 3, PADS = 5 };
enum { ROWS_MAX = 128, OUT_MAX = 1 << 16 };

/* What a kernel computes, and so which reference it is compared with. */
enum family { CONV2D, DEPTHWISE, MAX_POOL, AVERAGE_POOL, FAMILIES };

struct shape {
    int32_t in_h, in_w, in_c, out_h, out_w, out_c, kernel_h, kernel_w, stride_h, stride_w;
    int32_t dilation_h, dilation_w, pad_top, pad_bottom, pad_left, pad_right;
    int32_t multiplier; /* output channels of one input channel, where every one is by itself */
    int32_t chunk;      /* channels at a time, of depthwise kernels */
};

/* Does what is to be done with a shape, for output channels from `least` to those it has. */
typedef void check_shape_fn(enum family family, const struct shape *s, int32_t least);

static inline int32_t extent(int32_t kernel, int32_t dilation)
{
    return (kernel - 1) * dilation + 1;
}

/* Sets the output's size; false where a window does not fit, or the output not in its buffer. */
static inline bool fits(struct shape *s)
{
    const int32_t free_h = s->in_h + s->pad_top + s->pad_bottom -
                           extent(s->kernel_h, s->dilation_h);
    const int32_t free_w = s->in_w + s->pad_left + s->pad_right -
                           extent(s->kernel_w, s->dilation_w);
    s->out_h = free_h / s->stride_h + 1;
    s->out_w = free_w / s->stride_w + 1;
    return free_h >= 0 && free_w >= 0 && s->out_h * s->out_w * s->out_c <= OUT_MAX - FENCE;
}

/* Rows of the whole image as strips take them, NULL above and below; those of a strip that begins
 * with row y of the output are from y * stride_h on. Returns their number. */
static inline int32_t point_rows(const struct shape *s, const void *in, int32_t row_bytes,
                                 const void **rows)
{
    const int32_t n = (s->out_h - 1) * s->stride_h + extent(s->kernel_h, s->dilation_h);
    for (int32_t i = 0; i < n; i++) {
        const int32_t row = i - s->pad_top;
        rows[i] = row >= 0 && row < s->in_h ? (const char *)in + row * row_bytes : NULL;
    }
    return n;
}

static inline void print_shape(const char *name, const struct shape *s)
{
    printf("%s: %dx%dx%d -> %dx%dx%d, %dx%d, stride %dx%d, dilation %dx%d, padding %d %d %d %d, "
           "chunk %d\n",
           name, (int)s->in_h, (int)s->in_w, (int)s->in_c, (int)s->out_h, (int)s->out_w,
           (int)s->out_c, (int)s->kernel_h, (int)s->kernel_w, (int)s->stride_h, (int)s->stride_w,
           (int)s->dilation_h, (int)s->dilation_w, (int)s->pad_top, (int)s->pad_bottom,
           (int)s->pad_left, (int)s->pad_right, (int)s->chunk);
}

/* ---- all small shapes ------------------------------------------------------------------------ */

static inline void draw_vertical(struct shape *s, enum family family)
{
    const bool even = s->kernel_h == s->kernel_w; /* as kernels of their own are: 1x1, 3x3 */
    s->stride_h = even || draw(0, 2) ? s->stride_w : draw(1, SMALL_STRIDE);
    if (family == DEPTHWISE)
        s->dilation_h = even || draw(0, 1) ? s->dilation_w : draw(1, SMALL_DILATION);
    const int32_t rows = extent(s->kernel_h, s->dilation_h);
    s->pad_top = draw(0, rows - 1);
    s->pad_bottom = draw(0, rows - 1);
    const int32_t least = rows - s->pad_top - s->pad_bottom;
    s->in_h = draw(least > 1 ? least : 1, least > 1 ? least + 2 : 3);
}

/* With one number of output channels or, if TEST_EVERY and there is no dilation, with each. */
static inline void walk_channels(struct shape s, enum family family, check_shape_fn *check)
{
    const int32_t most = family == CONV2D      ? SMALL_CHANNELS
                         : family == DEPTHWISE ? SMALL_CHANNELS / s.in_c
                                               : 1;
    const bool every = TEST_EVERY && s.dilation_w == 1;
    const int32_t drawn = draw(1, most), first = every ? 1 : drawn, last = every ? most : drawn;
    if (family == CONV2D) {
        s.out_c = last;
        draw_vertical(&s, family);
        if (fits(&s))
            check(family, &s, first);
        return;
    }
    for (s.multiplier = first; s.multiplier <= last; s.multiplier++) {
        s.out_c = s.in_c * s.multiplier;
        s.chunk = draw(1, s.in_c + 3);
        draw_vertical(&s, family);
        if (fits(&s))
            check(family, &s, s.out_c);
    }
}

/* Shape i of all; false where it is none. */
static inline bool small_shape(int32_t i, struct shape *s)
{
    int32_t rest = i;
    *s = (struct shape){.in_h = SMALL_KERNEL, .stride_h = 1, .dilation_h = 1, .multiplier = 1};
    s->in_c = rest % SMALL_CHANNELS + 1, rest /= SMALL_CHANNELS;
    s->in_w = rest % SMALL_WIDTH + 1, rest /= SMALL_WIDTH;
    s->kernel_h = rest % SMALL_KERNEL + 1, rest /= SMALL_KERNEL;
    s->kernel_w = rest % SMALL_KERNEL + 1, rest /= SMALL_KERNEL;
    s->stride_w = rest % SMALL_STRIDE + 1, rest /= SMALL_STRIDE;
    s->pad_left = rest % PADS, s->pad_right = rest / PADS;
    return s->pad_right < PADS;
}

/* Every TEST_STRIDE-th shape from TEST_FIRST on: as many runs as the stride, each with another
 * first, are every shape. Dilation is that of depthwise layers alone, and 1 if kernels have one
 * column; windows of convolutions may lie in the padding altogether. */
static inline void walk_small_shapes(enum family family, check_shape_fn *check)
{
    struct shape s;
    for (int32_t i = TEST_FIRST; small_shape(i, &s); i += 1 + (TEST_STRIDE - 1) / TEST_FINER) {
        const int32_t most = family == DEPTHWISE && s.kernel_w > 1 ? SMALL_DILATION : 1;
        const int32_t drawn = draw(0, 1) ? 1 : draw(1, most), last = TEST_EVERY ? most : drawn;
        for (s.dilation_w = TEST_EVERY ? 1 : drawn; s.dilation_w <= last; s.dilation_w++) {
            const int32_t columns = extent(s.kernel_w, s.dilation_w);
            const int32_t pad_most = family <= DEPTHWISE ? columns + 1 : columns - 1;
            if (s.pad_left <= pad_most && s.pad_right <= pad_most &&
                s.in_w + s.pad_left + s.pad_right >= columns)
                walk_channels(s, family, check);
        }
    }
}

/* ---- larger shapes --------------------------------------------------------------------------- */

/* A part of them as networks have them most. */
static inline void draw_window(struct shape *s, enum family family)
{
    const bool usual = draw(0, 1), dilates = family <= DEPTHWISE && !draw(0, 3);
    s->kernel_h = usual ? 3 : draw(1, 7), s->kernel_w = usual ? 3 : draw(1, 7);
    s->stride_h = draw(0, 1) ? 1 : draw(2, 3), s->stride_w = usual ? s->stride_h : draw(1, 4);
    s->dilation_h = dilates ? draw(1, 3) : 1, s->dilation_w = dilates ? draw(1, 3) : 1;
    if (family == CONV2D && !draw(0, 3)) {
        s->kernel_h = s->kernel_w = s->stride_h = s->stride_w = 1;
        s->in_c = 4 * draw(1, 40);
    }
    if (family == DEPTHWISE && !draw(0, 3)) {
        s->in_w = s->kernel_w = s->multiplier = s->dilation_h = s->dilation_w = 1;
        s->kernel_h = draw(1, 12); /* over time */
    } else if (family == DEPTHWISE && !draw(0, 7)) {
        s->kernel_w = draw(8, 15);
    }
}

/* By up to three more than a window has, where windows without a pixel are. */
static inline void draw_padding(struct shape *s, enum family family)
{
    const int32_t beyond = family <= DEPTHWISE && !draw(0, 3) ? 2 : -1;
    const int32_t rows = extent(s->kernel_h, s->dilation_h) + beyond;
    const int32_t columns = extent(s->kernel_w, s->dilation_w) + beyond;
    s->pad_top = draw(0, rows), s->pad_bottom = draw(0, rows);
    s->pad_left = draw(0, columns), s->pad_right = draw(0, columns);
    if (!draw(0, 2) || s->in_w * s->kernel_w == 1)
        s->pad_top = s->pad_bottom = s->pad_left = s->pad_right = 0;
}

static inline void walk_random_shapes(enum family family, int32_t n, check_shape_fn *check)
{
    for (; n > 0; n--) {
        struct shape s = {.in_h = draw(1, 12), .in_w = draw(1, 24), .out_c = draw(1, 40)};
        s.in_c = draw(0, 1) ? draw(1, 20) : 4 * draw(1, 12);
        s.multiplier = family == DEPTHWISE && s.in_c <= 16 && !draw(0, 2) ? draw(2, 4) : 1;
        draw_window(&s, family);
        draw_padding(&s, family);
        const int32_t most = WEIGHTS_MAX / 2 / (s.kernel_h * s.kernel_w * s.in_c);
        s.out_c = family != CONV2D ? s.in_c * s.multiplier : s.out_c > most ? most : s.out_c;
        s.chunk = draw(1, s.in_c + 3);
        if (fits(&s))
            check(family, &s, s.out_c);
    }
}

/* The program's family, or all. */
static inline void walk_shapes(int families, check_shape_fn *check)
{
    for (int family = 0; family < families; family++)
        if (TEST_FAMILY == FAMILIES || TEST_FAMILY == family) {
            walk_small_shapes((enum family)family, check);
            walk_random_shapes((enum family)family, TEST_RANDOM / FAMILIES, check);
        }
}

#endif
