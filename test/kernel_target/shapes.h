/* SPDX-License-Identifier: Apache-2.0 */
/* shapes.h - kernels that slide a window over an image, against the reference, in every shape.
 *
 * A kernel is a row of a table (test_shapes.c): which shapes it serves, how its weights are packed,
 * how it makes output rows from input rows. The walk takes every width up to 9, kernel up to 5 by
 * 5, stride up to 3, padding at the left and the right (none, same, uneven), input and output
 * channels up to 17; heights, and what happens vertically, are drawn. Then come larger shapes,
 * drawn. The reference is computed once for all output channels, and compared with each smaller
 * number. */
#ifndef MICA_TEST_SHAPES_H
#define MICA_TEST_SHAPES_H

#include "layer.h"

#ifndef TEST_FIRST
#define TEST_FIRST 0
#endif

enum { SMALL_CHANNELS = 17, SMALL_WIDTH = 9, SMALL_KERNEL = 5, SMALL_STRIDE = 3 };
enum { ROWS_MAX = 128, OUT_MAX = 1 << 16, BUFFER_MAX = 1 << 16 };

struct shape {
    int32_t in_h, in_w, in_c, out_h, out_w, out_c, kernel_h, kernel_w, stride_h, stride_w;
    int32_t dilation_h, dilation_w, pad_top, pad_bottom, pad_left, pad_right;
};

/* What a kernel computes, and so which reference it is compared with. */
enum family { CONV2D, DEPTHWISE, MAX_POOL, AVERAGE_POOL, FAMILIES };

struct row {
    const char *name;
    enum family family;
    bool (*serves)(const struct shape *);
    /* Lays the weights out where run() finds them; NULL: they stay as they are. */
    enum pack_verdict (*pack)(const struct shape *, const struct pack_layer *);
    int32_t (*scratch)(const struct shape *); /* bytes; NULL: none */
    /* Makes n output rows from the input rows that they need, NULL above and below the image. */
    void (*run)(const struct shape *, const struct pack_layer *, const int8_t *const *rows,
                void *scratch, int8_t *out, int32_t n);
    int32_t runs, refused; /* counted here */
};

/* ---- the reference --------------------------------------------------------------------------- */

static int8_t want[OUT_MAX];

static int8_t limit(int64_t x, const struct pack_layer *l)
{
    return (int8_t)(x < l->out_min ? l->out_min : x > l->out_max ? l->out_max : x);
}

/* One output of a convolution: input channels from `first` on, `n` of them. */
static int8_t convolve(const struct shape *s, const struct pack_layer *l, const int8_t *in,
                       int32_t y, int32_t x, int32_t o, int32_t first, int32_t n)
{
    int32_t acc = l->bias ? l->bias[o] : 0, tap = 0;
    for (int32_t ky = 0; ky < s->kernel_h; ky++)
        for (int32_t kx = 0; kx < s->kernel_w; kx++, tap += n) {
            const int32_t row = y * s->stride_h + ky * s->dilation_h - s->pad_top;
            const int32_t column = x * s->stride_w + kx * s->dilation_w - s->pad_left;
            if (row < 0 || row >= s->in_h || column < 0 || column >= s->in_w)
                continue;
            const int8_t *at = in + (row * s->in_w + column) * s->in_c + first;
            const int8_t *w = l->weights + o * l->channel_step + tap * l->tap_step;
            for (int32_t i = 0; i < n; i++)
                acc += w[i * l->tap_step] * (at[i] - l->in_zero);
        }
    return reference(l, o, acc);
}

static int8_t pool(const struct shape *s, const struct pack_layer *l, const int8_t *in, int32_t y,
                   int32_t x, int32_t c, bool largest)
{
    int32_t best = -128, sum = 0, n = 0;
    for (int32_t ky = 0; ky < s->kernel_h; ky++)
        for (int32_t kx = 0; kx < s->kernel_w; kx++) {
            const int32_t row = y * s->stride_h + ky - s->pad_top;
            const int32_t column = x * s->stride_w + kx - s->pad_left;
            if (row < 0 || row >= s->in_h || column < 0 || column >= s->in_w)
                continue;
            const int8_t value = in[(row * s->in_w + column) * s->in_c + c];
            best = value > best ? value : best;
            sum += value;
            n++;
        }
    return limit(largest ? best : (sum > 0 ? sum + n / 2 : sum - n / 2) / n, l);
}

static void compute_reference(enum family family, const struct shape *s, const struct pack_layer *l,
                              const int8_t *in)
{
    int8_t *out = want;
    for (int32_t y = 0; y < s->out_h; y++)
        for (int32_t x = 0; x < s->out_w; x++)
            for (int32_t o = 0; o < s->out_c; o++)
                *out++ = family == CONV2D      ? convolve(s, l, in, y, x, o, 0, s->in_c)
                         : family == DEPTHWISE ? convolve(s, l, in, y, x, o, o, 1)
                                               : pool(s, l, in, y, x, o, family == MAX_POOL);
}

/* ---- one kernel, one shape ------------------------------------------------------------------- */

static int32_t scratch[BUFFER_MAX / 4];
static int8_t made[OUT_MAX];

/* Noise up to the fence, which begins at `n`. */
static void refill(void *at, int32_t n)
{
    memset(at, (int)(draw_bits() & 0xFF), (size_t)n);
    memset((int8_t *)at + n, 0x5A, FENCE);
}

/* The whole image in strips of `strip` rows, for the first `channels` output channels of the
 * reference. */
static bool same_as_reference(const struct row *k, const struct shape *s,
                              const struct pack_layer *l, const int8_t *in, int32_t channels)
{
    const int8_t *rows[ROWS_MAX];
    const int32_t bytes = k->scratch ? k->scratch(s) : 0, strip = draw(1, s->out_h);
    const int32_t pixels = s->out_h * s->out_w;
    for (int32_t i = 0; i < (s->out_h - 1) * s->stride_h + (s->kernel_h - 1) * s->dilation_h + 1;
         i++) {
        const int32_t row = i - s->pad_top;
        rows[i] = row >= 0 && row < s->in_h ? in + row * s->in_w * s->in_c : NULL;
    }
    refill(scratch, bytes);
    refill(made, pixels * s->out_c);
    for (int32_t y = 0; y < s->out_h; y += strip)
        k->run(s, l, rows + y * s->stride_h, scratch, made + y * s->out_w * s->out_c,
               y + strip > s->out_h ? s->out_h - y : strip);
    for (int32_t i = 0; i < pixels; i++)
        if (memcmp(made + i * s->out_c, want + i * channels, (size_t)s->out_c))
            return false;
    return fence_holds(scratch, (size_t)bytes) && fence_holds(made, (size_t)(pixels * s->out_c));
}

static void check_row(struct row *k, const struct shape *s, const struct pack_layer *l,
                      const int8_t *in, int32_t channels)
{
    if (!k->serves(s))
        return;
    if (k->pack && k->pack(s, l) != PACK_OK) {
        k->refused++;
        return;
    }
    k->runs++;
    const bool good = same_as_reference(k, s, l, in, channels);
    CHECK(good);
    if (!good && checks_failed < 5)
        printf("%s: %dx%dx%d -> %dx%dx%d, %dx%d, stride %dx%d, padding %d %d %d %d\n", k->name,
               (int)s->in_h, (int)s->in_w, (int)s->in_c, (int)s->out_h, (int)s->out_w,
               (int)s->out_c, (int)s->kernel_h, (int)s->kernel_w, (int)s->stride_h,
               (int)s->stride_w, (int)s->pad_top, (int)s->pad_bottom, (int)s->pad_left,
               (int)s->pad_right);
}

/* ---- all kernels of a family, one shape ------------------------------------------------------ */

/* Sets the output's size; false where a window does not fit. */
static bool fits(struct shape *s)
{
    const int32_t free_h = s->in_h + s->pad_top + s->pad_bottom - (s->kernel_h - 1) * s->dilation_h;
    const int32_t free_w = s->in_w + s->pad_left + s->pad_right - (s->kernel_w - 1) * s->dilation_w;
    s->out_h = (free_h - 1) / s->stride_h + 1;
    s->out_w = (free_w - 1) / s->stride_w + 1;
    return free_h > 0 && free_w > 0;
}

static struct pack_layer draw_layer_of(enum family family, const struct shape *s, enum numbers kind)
{
    const int32_t taps = s->kernel_h * s->kernel_w * (family == CONV2D ? s->in_c : 1);
    struct pack_layer l = draw_layer(kind, s->out_c, taps);
    if (family == DEPTHWISE) {
        l.channel_step = 1;
        l.tap_step = s->out_c;
    }
    if (family >= MAX_POOL && !draw(0, 2)) {
        l.out_min = draw(-128, 0);
        l.out_max = draw(0, 127);
    }
    return l;
}

/* Output channels from `least` to those of the shape, which in all other families are the
 * input's. */
static void check_shape(struct row *table, int n, enum family family, struct shape s, int32_t least)
{
    static const enum numbers kinds[] = {TYPICAL, TINY, EXTREME, EVERY};
    const enum numbers kind = kinds[draw(0, 3)];
    if (family != CONV2D)
        s.out_c = least = s.in_c;
    const int32_t channels = s.out_c, in_n = s.in_h * s.in_w * s.in_c, odd = draw(0, 3);
    struct pack_layer l = draw_layer_of(family, &s, kind);
    int8_t *in = malloc((size_t)(in_n + odd));
    if (!in)
        abort();
    for (int32_t i = 0; i < in_n + odd; i++)
        in[i] = draw_number(kind, -128);
    compute_reference(family, &s, &l, in + odd);
    for (s.out_c = least; s.out_c <= channels; s.out_c++) {
        l.channels = s.out_c;
        for (int i = 0; i < n; i++)
            if (table[i].family == family)
                check_row(&table[i], &s, &l, in + odd, channels);
    }
    free(in);
}

/* ---- the walks ------------------------------------------------------------------------------- */

static void draw_vertical(struct shape *s)
{
    s->stride_h = draw(0, 2) ? s->stride_w : draw(1, SMALL_STRIDE);
    s->pad_top = draw(0, s->kernel_h - 1);
    s->pad_bottom = draw(0, s->kernel_h - 1);
    const int32_t least = s->kernel_h - s->pad_top - s->pad_bottom;
    s->in_h = draw(least > 1 ? least : 1, least > 1 ? least + 2 : 3);
    fits(s);
}

/* Every TEST_STRIDE-th shape from TEST_FIRST on, with one number of output channels or, if
 * TEST_EVERY, with all: as many runs as the stride, each with another first, are every shape. */
static void walk_small_shapes(struct row *table, int n, enum family family)
{
    enum { PADS = SMALL_KERNEL * SMALL_KERNEL };
    const int32_t shapes = SMALL_CHANNELS * SMALL_WIDTH * PADS * SMALL_STRIDE * PADS;
    for (int32_t i = TEST_FIRST; i < shapes; i += TEST_STRIDE) {
        struct shape s = {.in_h = SMALL_KERNEL, .stride_h = 1, .dilation_h = 1, .dilation_w = 1};
        int32_t rest = i;
        s.in_c = rest % SMALL_CHANNELS + 1, rest /= SMALL_CHANNELS;
        s.in_w = rest % SMALL_WIDTH + 1, rest /= SMALL_WIDTH;
        s.kernel_h = rest % SMALL_KERNEL + 1, rest /= SMALL_KERNEL;
        s.kernel_w = rest % SMALL_KERNEL + 1, rest /= SMALL_KERNEL;
        s.stride_w = rest % SMALL_STRIDE + 1, rest /= SMALL_STRIDE;
        s.pad_left = rest % SMALL_KERNEL, s.pad_right = rest / SMALL_KERNEL;
        if (s.pad_left >= s.kernel_w || s.pad_right >= s.kernel_w || !fits(&s))
            continue;
        draw_vertical(&s);
        s.out_c = TEST_EVERY ? SMALL_CHANNELS : draw(1, SMALL_CHANNELS);
        check_shape(table, n, family, s, TEST_EVERY ? 1 : s.out_c);
    }
}

/* Larger ones, with dilation; a part of them as networks have them most. */
static void walk_random_shapes(struct row *table, int n, enum family family)
{
    for (int i = 0; i < TEST_RANDOM / FAMILIES; i++) {
        const bool usual = draw(0, 1), dilates = family == CONV2D && !draw(0, 3);
        struct shape s = {.in_h = draw(1, 12), .in_w = draw(1, 24), .out_c = draw(1, 40)};
        s.kernel_h = usual ? 3 : draw(1, 7), s.kernel_w = usual ? 3 : draw(1, 7);
        s.stride_h = draw(1, 3), s.stride_w = usual ? s.stride_h : draw(1, 3);
        s.dilation_h = dilates ? draw(1, 3) : 1, s.dilation_w = dilates ? draw(1, 3) : 1;
        s.in_c = draw(0, 1) ? draw(1, 20) : 4 * draw(1, 12);
        if (family == CONV2D && !draw(0, 3)) {
            s.kernel_h = s.kernel_w = s.stride_h = s.stride_w = 1;
            s.in_c = 4 * draw(1, 40);
        }
        if (family == DEPTHWISE && !draw(0, 3)) {
            s.in_w = s.kernel_w = 1;
            s.kernel_h = draw(1, 12);
        }
        const int32_t most = WEIGHTS_MAX / 2 / (s.kernel_h * s.kernel_w * s.in_c);
        s.out_c = s.out_c > most ? most : s.out_c;
        s.pad_top = draw(0, s.kernel_h - 1), s.pad_bottom = draw(0, s.kernel_h - 1);
        s.pad_left = draw(0, s.kernel_w - 1), s.pad_right = draw(0, s.kernel_w - 1);
        if (!draw(0, 2))
            s.pad_top = s.pad_bottom = s.pad_left = s.pad_right = 0;
        if (fits(&s))
            check_shape(table, n, family, s, s.out_c);
    }
}

#endif
