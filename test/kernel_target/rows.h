/* SPDX-License-Identifier: Apache-2.0 */
/* rows.h - kernels that slide a window over an image, against the reference, bit for bit.
 *
 * A kernel is a row of its family's table (rows_conv2d.h, rows_depthwise.h, rows_pool.h): which
 * shapes it serves, how its weights are packed, how it makes output rows from input rows. The
 * reference is computed once for all output channels of a shape, and compared with each smaller
 * number. */
#ifndef MICA_TEST_ROWS_H
#define MICA_TEST_ROWS_H

#include "shapes.h"

/* Takes the rows whose names hold this. */
#ifndef TEST_ROW
#define TEST_ROW ""
#endif

/* Output rows for a kernel to make. */
struct job {
    const struct shape *s;
    const struct pack_layer *l;
    const int8_t *const *rows; /* of the input, that they need; NULL above and below the image */
    void *buffer;
    int8_t *out;
    int32_t n;
};

struct row {
    const char *name;
    bool (*serves)(const struct shape *); /* NULL: all shapes */
    /* Lays the weights out where run() finds them; NULL: they stay as they are. */
    enum pack_verdict (*pack)(const struct shape *, const struct pack_layer *);
    int32_t (*scratch)(const struct shape *); /* bytes; NULL: none */
    void (*run)(const struct job *);
    int32_t narrow;        /* 1: refuses a part of the layers that are drawn */
    int32_t runs, refused; /* counted here */
};

/* The kernels of a family. */
struct table {
    enum family family;
    struct row *rows;
    int n;
};

#define TABLE(family, rows)                                 \
    {                                                       \
        family, rows, (int)(sizeof(rows) / sizeof(rows)[0]) \
    }

/* Where rows lay out weights. */
static int32_t packed_stream[1 << 16], packed_scales[4 * CHANNELS_MAX];
static int8_t packed_weights[WEIGHTS_MAX];

/* The fields of parameters, which most kernels have, for a job `j`. */
#define I16(x) ((int16_t)(x))
#define IMAGE  .in_w = I16(j->s->in_w), .out_w = I16(j->s->out_w), .pad_left = I16(j->s->pad_left)
#define WINDOW                                                               \
    IMAGE, .kernel_h = I16(j->s->kernel_h), .kernel_w = I16(j->s->kernel_w), \
           .stride_w = I16(j->s->stride_w)
#define STRIP \
    WINDOW, .in_c = I16(j->s->in_c), .stride_h = I16(j->s->stride_h), .in_zero = I16(j->l->in_zero)
#define PLAIN                                                                             \
    WINDOW, .in_c = I16(j->s->in_c), .dilation_w = I16(j->s->dilation_w),                 \
            .in_zero = I16(j->l->in_zero), .out_zero = I16(j->l->out_zero),               \
            .out_min = I16(j->l->out_min), .out_max = I16(j->l->out_max),                 \
            .weights = j->l->weights, .bias = j->l->bias, .multiplier = j->l->multiplier, \
            .shift = j->l->shift

/* Rows for kernels that make one, dilated ones apart. */
static inline const int8_t *const *row_window(const struct job *j, int32_t y)
{
    static const int8_t *window[ROWS_MAX];
    for (int32_t k = 0; k < j->s->kernel_h; k++)
        window[k] = j->rows[y * j->s->stride_h + k * j->s->dilation_h];
    return window;
}

static inline bool is_3x3(const struct shape *s)
{
    return s->kernel_h == 3 && s->kernel_w == 3 && s->dilation_h == 1 && s->dilation_w == 1;
}

/* ---- the reference --------------------------------------------------------------------------- */

static int8_t want[OUT_MAX];

static inline int8_t limit(int64_t x, const struct pack_layer *l)
{
    return (int8_t)(x < l->out_min ? l->out_min : x > l->out_max ? l->out_max : x);
}

/* One output of a convolution: input channels from `first` on, `n` of them. */
static inline int8_t convolve(const struct shape *s, const struct pack_layer *l, const int8_t *in,
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

static inline int8_t pool(const struct shape *s, const struct pack_layer *l, const int8_t *in,
                          int32_t y, int32_t x, int32_t c, bool largest)
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

static inline void compute_reference(enum family family, const struct shape *s,
                                     const struct pack_layer *l, const int8_t *in)
{
    int8_t *out = want;
    for (int32_t y = 0; y < s->out_h; y++)
        for (int32_t x = 0; x < s->out_w; x++)
            for (int32_t o = 0; o < s->out_c; o++)
                *out++ = family == CONV2D      ? convolve(s, l, in, y, x, o, 0, s->in_c)
                         : family == DEPTHWISE ? convolve(s, l, in, y, x, o, o / s->multiplier, 1)
                                               : pool(s, l, in, y, x, o, family == MAX_POOL);
}

/* ---- one kernel, one shape ------------------------------------------------------------------- */

static int32_t scratch[1 << 14];
static int8_t made[OUT_MAX];

/* Noise up to the fence, which begins at `n`. */
static inline void refill(void *at, int32_t n)
{
    memset(at, (int)(draw_bits() & 0xFF), (size_t)n);
    memset((int8_t *)at + n, 0x5A, FENCE);
}

/* The whole image in strips, for the first out_c of `channels` output channels of the reference. */
static inline bool same_as_reference(const struct row *k, const struct shape *s,
                                     const struct pack_layer *l, const int8_t *in, int32_t channels)
{
    const void *rows[ROWS_MAX];
    const int8_t *strip_rows[ROWS_MAX];
    const int32_t bytes = k->scratch ? k->scratch(s) : 0, strip = draw(1, s->out_h);
    const int32_t pixels = s->out_h * s->out_w;
    const int32_t rows_n = point_rows(s, in, s->in_w * s->in_c, rows);
    for (int32_t i = 0; i < rows_n; i++)
        strip_rows[i] = rows[i];
    if (bytes > (int32_t)sizeof scratch - FENCE)
        abort();
    refill(scratch, bytes);
    refill(made, pixels * s->out_c);
    for (int32_t y = 0; y < s->out_h; y += strip)
        k->run(&(struct job){s, l, strip_rows + y * s->stride_h, scratch,
                             made + y * s->out_w * s->out_c,
                             y + strip > s->out_h ? s->out_h - y : strip});
    for (int32_t i = 0; i < pixels; i++)
        if (memcmp(made + i * s->out_c, want + i * channels, (size_t)s->out_c))
            return false;
    return fence_holds(scratch, (size_t)bytes) && fence_holds(made, (size_t)(pixels * s->out_c));
}

static inline bool is_chosen(const struct row *k)
{
    return strstr(k->name, TEST_ROW) != NULL;
}

static inline bool serves(const struct row *k, const struct shape *s)
{
    return is_chosen(k) && (!k->serves || k->serves(s));
}

static inline void check_row(struct row *k, const struct shape *s, const struct pack_layer *l,
                             const int8_t *in, int32_t channels)
{
    if (k->pack && k->pack(s, l) != PACK_OK) {
        k->refused++;
        return;
    }
    k->runs++;
    const bool good = same_as_reference(k, s, l, in, channels);
    CHECK(good);
    if (!good && checks_failed < 5)
        print_shape(k->name, s);
}

/* ---- all kernels of a family, one shape ------------------------------------------------------ */

static inline struct pack_layer draw_layer_of(enum family family, const struct shape *s,
                                              enum numbers kind)
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

/* A layer with output channels from `least` to those of the shape. */
static inline void check_layer(const struct table *t, struct shape s, int32_t least,
                               struct pack_layer l, enum numbers kind)
{
    const int32_t channels = s.out_c, in_n = s.in_h * s.in_w * s.in_c, odd = draw(0, 3);
    int8_t *in = malloc((size_t)(in_n + odd));
    if (!in)
        abort();
    for (int32_t i = 0; i < in_n + odd; i++)
        in[i] = draw_number(kind, -128);
    compute_reference(t->family, &s, &l, in + odd);
    for (s.out_c = least; s.out_c <= channels; s.out_c++) {
        l.channels = s.out_c;
        for (int i = 0; i < t->n; i++)
            if (serves(&t->rows[i], &s))
                check_row(&t->rows[i], &s, &l, in + odd, channels);
    }
    free(in);
}

/* A layer of the shape for all kernels, if there are any. */
static inline void check_table(const struct table *t, const struct shape *s, int32_t least)
{
    const enum numbers kind = (enum numbers)draw(0, NUMBERS - 1);
    bool any = false;
    struct shape each = *s;
    for (each.out_c = least; each.out_c <= s->out_c; each.out_c++)
        for (int i = 0; i < t->n; i++)
            any = any || serves(&t->rows[i], &each);
    if (any)
        check_layer(t, *s, least, draw_layer_of(t->family, s, kind), kind);
}

/* Nearly all layers must have been taken; of few, all but one. */
static inline void check_counts(const struct table *t)
{
    for (int i = 0; i < t->n; i++) {
        const struct row *k = &t->rows[i];
        if (!is_chosen(k))
            continue;
        printf("%s: %d layers, %d refused\n", k->name, (int)k->runs, (int)k->refused);
        CHECK(k->runs > 0 && k->refused <= 1 + k->runs / (k->narrow ? 2 : 20));
    }
}

#endif
