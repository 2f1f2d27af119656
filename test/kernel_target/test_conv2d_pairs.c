/* SPDX-License-Identifier: Apache-2.0 */
/* Convolutions by channel pairs, by quads of pixels and window by window against the reference,
 * bit for bit. */
#include "layer.h"

#include "conv2d_1x1_pairs_s8.h"
#include "conv2d_pairs_s8.h"
#include "conv2d_patch_pairs_s8.h"
#include "conv2d_quads_s8.h"
#include "conv2d_window_fours_s8.h"
#include "conv2d_window_pairs_s8.h"

struct shape {
    int32_t in_h, in_w, in_c, out_h, out_w, out_c, kernel_h, kernel_w, stride_h, stride_w;
    int32_t dilation_h, dilation_w, pad_top, pad_left;
};

enum { ROWS_MAX = 128, STREAM_MAX = 1 << 16 };

static int32_t stream[STREAM_MAX], scales[4 * CHANNELS_MAX];
static int8_t weights[WEIGHTS_MAX];
static int packed[PACK_PAIR + 1];

static int32_t reference_sum(const struct shape *s, const struct pack_layer *l, const int8_t *in,
                             int32_t y, int32_t x, int32_t o)
{
    const int8_t *w = l->weights + o * l->taps;
    int32_t acc = l->bias ? l->bias[o] : 0;
    for (int32_t ky = 0; ky < s->kernel_h; ky++)
        for (int32_t kx = 0; kx < s->kernel_w; kx++, w += s->in_c) {
            const int32_t row = y * s->stride_h + ky * s->dilation_h - s->pad_top;
            const int32_t column = x * s->stride_w + kx * s->dilation_w - s->pad_left;
            if (row < 0 || row >= s->in_h || column < 0 || column >= s->in_w)
                continue;
            for (int32_t i = 0; i < s->in_c; i++)
                acc += w[i] * (in[(row * s->in_w + column) * s->in_c + i] - l->in_zero);
        }
    return acc;
}

static bool same_as_reference(const struct shape *s, const struct pack_layer *l, const int8_t *in,
                              const int8_t *out)
{
    for (int32_t y = 0; y < s->out_h; y++)
        for (int32_t x = 0; x < s->out_w; x++)
            for (int32_t o = 0; o < s->out_c; o++)
                if (*out++ != reference(l, o, reference_sum(s, l, in, y, x, o)))
                    return false;
    return true;
}

/* Rows of the whole image as a strip takes them: NULL above and below. */
static void point_rows(const struct shape *s, const int8_t *in, const int8_t **rows)
{
    const int32_t n = (s->out_h - 1) * s->stride_h + (s->kernel_h - 1) * s->dilation_h + 1;
    for (int32_t i = 0; i < n; i++) {
        const int32_t row = i - s->pad_top;
        rows[i] = row >= 0 && row < s->in_h ? in + row * s->in_w * s->in_c : NULL;
    }
}

enum kernel { PATCH, PAIRS, ONE_BY_ONE, QUADS, WINDOW_PAIRS, WINDOW_FOURS };

/* The whole image in strips of `strip` rows. */
static void run(enum kernel kernel, const struct shape *s, const struct pack_layer *l,
                const int8_t *in, void *buffer, int8_t *out, int32_t strip)
{
    const int8_t *rows[ROWS_MAX];
    const struct mica_conv2d_pairs_s8 pairs = {.in_w = (int16_t)s->in_w,
                                               .in_c = (int16_t)s->in_c,
                                               .out_w = (int16_t)s->out_w,
                                               .out_c = (int16_t)s->out_c,
                                               .kernel_h = (int16_t)s->kernel_h,
                                               .kernel_w = (int16_t)s->kernel_w,
                                               .stride_h = (int16_t)s->stride_h,
                                               .stride_w = (int16_t)s->stride_w,
                                               .dilation_h = (int16_t)s->dilation_h,
                                               .dilation_w = (int16_t)s->dilation_w,
                                               .pad_left = (int16_t)s->pad_left,
                                               .in_zero = (int16_t)l->in_zero,
                                               .relu = l->out_zero == -128,
                                               .stream = stream};
    const struct mica_conv2d_patch_pairs_s8 patch = {pairs.in_w,     pairs.in_c,     pairs.out_w,
                                                     pairs.out_c,    pairs.kernel_h, pairs.kernel_w,
                                                     pairs.stride_h, pairs.stride_w, pairs.pad_left,
                                                     pairs.in_zero,  pairs.relu,     stream};
    const struct mica_conv2d_1x1_pairs_s8 one = {pairs.in_c, pairs.out_c, pairs.relu, stream};
    const struct mica_conv2d_quads_s8 quads = {pairs.in_w,
                                               pairs.in_c,
                                               pairs.out_w,
                                               pairs.out_c,
                                               pairs.kernel_h,
                                               pairs.kernel_w,
                                               pairs.stride_h,
                                               pairs.stride_w,
                                               pairs.dilation_h,
                                               pairs.dilation_w,
                                               pairs.pad_left,
                                               pairs.in_zero,
                                               (int16_t)pack_quads_taps(l->taps),
                                               weights,
                                               scales};
    const struct mica_conv2d_window_pairs_s8 window = {
        pairs.in_w,     pairs.in_c,     pairs.out_w,    pairs.out_c,      pairs.kernel_h,
        pairs.kernel_w, pairs.stride_h, pairs.stride_w, pairs.dilation_h, pairs.dilation_w,
        pairs.pad_left, pairs.in_zero,  stream};
    const struct mica_conv2d_window_fours_s8 fours = {
        pairs.in_w,       pairs.in_c,     pairs.out_w,
        pairs.out_c,      pairs.kernel_h, pairs.kernel_w,
        pairs.stride_h,   pairs.stride_w, pairs.dilation_h,
        pairs.dilation_w, pairs.pad_left, pairs.in_zero,
        l->weights,       scales};
    point_rows(s, in, rows);
    for (int32_t y = 0; y < s->out_h; y += strip, out += strip * s->out_w * s->out_c) {
        const int32_t n = y + strip > s->out_h ? s->out_h - y : strip;
        if (kernel == PATCH)
            mica_conv2d_patch_pairs_s8(&patch, rows + y * s->stride_h, buffer, out, n);
        else if (kernel == PAIRS)
            mica_conv2d_pairs_s8(&pairs, rows + y * s->stride_h, buffer, out, n);
        else if (kernel == WINDOW_PAIRS)
            mica_conv2d_window_pairs_s8(&window, rows + y * s->stride_h, buffer, out, n);
        else if (kernel == WINDOW_FOURS)
            mica_conv2d_window_fours_s8(&fours, rows + y * s->stride_h, buffer, out, n);
        else if (kernel == QUADS)
            mica_conv2d_quads_s8(&quads, rows + y * s->stride_h, (int32_t *)buffer, out, n);
        else
            mica_conv2d_1x1_pairs_s8(&one, in + y * s->in_w * s->in_c, buffer, out, n * s->in_w);
    }
}

static size_t buffer_bytes(enum kernel kernel, const struct shape *s, const struct pack_layer *l)
{
    return (size_t)(kernel == PATCH   ? pack_conv2d_patch_pairs_buffer(l->taps)
                    : kernel == QUADS ? pack_conv2d_quads_buffer(l->taps, s->kernel_w * s->in_c)
                    : kernel == WINDOW_PAIRS ? pack_dense_pairs_buffer(l->taps)
                    : kernel == WINDOW_FOURS ? l->taps
                    : kernel == PAIRS        ? pack_conv2d_pairs_buffer(l->taps, s->in_c)
                                             : pack_conv2d_1x1_pairs_buffer(s->in_c));
}

static void check_kernel(enum kernel kernel, const struct shape *s, const struct pack_layer *l,
                         const int8_t *in)
{
    const size_t n = buffer_bytes(kernel, s, l), out_n = (size_t)(s->out_h * s->out_w * s->out_c);
    void *buffer = fenced(n);
    int8_t *out = fenced(out_n);
    run(kernel, s, l, in, buffer, out, draw(1, s->out_h));
    const bool good = same_as_reference(s, l, in, out) && fence_holds(buffer, n) &&
                      fence_holds(out, out_n);
    CHECK(good);
    if (!good && checks_failed < 5)
        printf("kernel %d: %dx%dx%d -> %dx%dx%d, %dx%d, stride %dx%d, padding %d %d\n", kernel,
               (int)s->in_h, (int)s->in_w, (int)s->in_c, (int)s->out_h, (int)s->out_w,
               (int)s->out_c, (int)s->kernel_h, (int)s->kernel_w, (int)s->stride_h,
               (int)s->stride_w, (int)s->pad_top, (int)s->pad_left);
    free(buffer);
    free(out);
}

static void check_shape(const struct shape *s, enum numbers kind)
{
    const struct pack_layer l = draw_layer(kind, s->out_c, s->kernel_h * s->kernel_w * s->in_c);
    const enum pack_verdict verdict = pack_pairs(&l, 4, stream);
    const int32_t in_n = s->in_h * s->in_w * s->in_c;
    int8_t *in = malloc((size_t)in_n);
    for (int32_t i = 0; i < in_n; i++)
        in[i] = draw_number(kind, -128);
    const bool one = s->kernel_h * s->kernel_w * s->stride_h * s->stride_w == 1 &&
                     s->out_h == s->in_h && s->out_w == s->in_w;
    const int first = s->dilation_h * s->dilation_w > 1 ? PAIRS : PATCH;
    const int last = s->in_c % 4 ? PATCH : one ? ONE_BY_ONE : PAIRS;
    packed[verdict]++;
    for (int kernel = first; kernel <= last && verdict == PACK_OK; kernel++)
        check_kernel((enum kernel)kernel, s, &l, in);
    if (s->out_c > 1 && pack_quads(&l, weights, scales) == PACK_OK)
        check_kernel(QUADS, s, &l, in);
    if (s->in_c % 8 == 0 && s->out_c % 2 == 0 && pack_pairs(&l, 8, stream) == PACK_OK)
        check_kernel(WINDOW_PAIRS, s, &l, in);
    if (s->out_c >= 4 && pack_scales(&l, scales) == PACK_OK)
        check_kernel(WINDOW_FOURS, s, &l, in);
    free(in);
}

/* Draws the padding below and at the right and sets the output's size; false where a window does
 * not fit. */
static bool fits(struct shape *s)
{
    const int32_t pad_bottom = draw(0, s->kernel_h - 1), pad_right = draw(0, s->kernel_w - 1);
    const int32_t free_h = s->in_h + s->pad_top + pad_bottom - (s->kernel_h - 1) * s->dilation_h;
    const int32_t free_w = s->in_w + s->pad_left + pad_right - (s->kernel_w - 1) * s->dilation_w;
    s->out_h = (free_h - 1) / s->stride_h + 1;
    s->out_w = (free_w - 1) / s->stride_w + 1;
    return free_h > 0 && free_w > 0;
}

/* Channels 1..17 on both sides, widths 1..9, kernels 1..5 both ways, strides 1..3, all paddings. */
static void check_small_shapes(void)
{
    enum { SHAPES = 17 * 17 * 9 * 25 * 3 * 5 };
    for (int32_t i = 0; i < SHAPES; i += TEST_STRIDE) {
        struct shape s = {.in_h = draw(1, 4), .dilation_h = 1, .dilation_w = 1};
        int32_t rest = i;
        s.in_c = rest % 17 + 1, rest /= 17;
        s.out_c = rest % 17 + 1, rest /= 17;
        s.in_w = rest % 9 + 1, rest /= 9;
        s.kernel_h = rest % 5 + 1, rest /= 5;
        s.kernel_w = rest % 5 + 1, rest /= 5;
        s.stride_w = rest % 3 + 1, rest /= 3;
        s.stride_h = draw(1, 3);
        s.pad_left = rest;
        s.pad_top = draw(0, s.kernel_h - 1);
        if (s.pad_left < s.kernel_w && fits(&s))
            check_shape(&s, (enum numbers)draw(0, NUMBERS - 1));
    }
}

/* Larger ones, with dilation. */
static void check_random_shapes(void)
{
    for (int i = 0; i < TEST_RANDOM; i++) {
        struct shape s = {.in_h = draw(1, 12), .in_w = draw(1, 20)};
        s.kernel_h = draw(1, 5), s.kernel_w = draw(1, 5);
        s.stride_h = draw(1, 3), s.stride_w = draw(1, 3);
        s.dilation_h = draw(0, 2) ? 1 : draw(1, 3), s.dilation_w = draw(0, 2) ? 1 : draw(1, 3);
        s.pad_top = draw(0, (s.kernel_h - 1) * s.dilation_h);
        s.pad_left = draw(0, (s.kernel_w - 1) * s.dilation_w);
        s.in_c = draw(0, 1) ? draw(1, 12) : 4 * draw(1, 8);
        s.out_c = draw(1, 20);
        if (!draw(0, 3)) {
            s.kernel_h = s.kernel_w = s.stride_h = s.stride_w = 1;
            s.pad_top = s.pad_left = 0;
            s.in_c = 4 * draw(1, 40);
        }
        if (fits(&s))
            check_shape(&s, (enum numbers)draw(0, NUMBERS - 1));
    }
}

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
    check_small_shapes();
    check_random_shapes();
    CHECK(packed[PACK_OK] > 50 * (packed[PACK_BOUND] + packed[PACK_PAIR] + packed[PACK_SHIFT]));
    return checks_end();
}
