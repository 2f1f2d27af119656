/* SPDX-License-Identifier: Apache-2.0 */
/* The kernels for cores that multiply bytes against the reference, bit for bit. Their assembly runs
 * in test_layers_on_cores.py, here their portable loops do. */
#include "layer.h"

#include "conv2d_bytes_s8.h"
#include "dense_bytes_s8.h"
#include "depthwise_bytes_s8.h"

struct shape {
    int32_t in_h, in_w, in_c, out_h, out_w, out_c, kernel_h, kernel_w, stride_h, stride_w;
    int32_t dilation_h, dilation_w, pad_top, pad_left;
};

enum { ROWS_MAX = 128 };

static int32_t scales[4 * CHANNELS_MAX];
static int8_t weights[WEIGHTS_MAX];
static int packed[PACK_WIDTH + 1];

/* The sum of one output; `first` is the input channel of the channel's first tap, `depth` their
 * number. */
static int32_t reference_sum(const struct shape *s, const struct pack_layer *l, const int8_t *in,
                             int32_t y, int32_t x, int32_t o, int32_t first, int32_t depth)
{
    int32_t acc = l->bias ? l->bias[o] : 0, tap = 0;
    for (int32_t ky = 0; ky < s->kernel_h; ky++)
        for (int32_t kx = 0; kx < s->kernel_w; kx++)
            for (int32_t i = 0; i < depth; i++, tap++) {
                const int32_t row = y * s->stride_h + ky * s->dilation_h - s->pad_top;
                const int32_t column = x * s->stride_w + kx * s->dilation_w - s->pad_left;
                const int32_t w = l->weights[o * l->channel_step + tap * l->tap_step];
                if (row >= 0 && row < s->in_h && column >= 0 && column < s->in_w)
                    acc += w * (in[(row * s->in_w + column) * s->in_c + first + i] - l->in_zero);
            }
    return acc;
}

static bool same_as_reference(const struct shape *s, const struct pack_layer *l, const int8_t *in,
                              const int8_t *out, bool depthwise)
{
    for (int32_t y = 0; y < s->out_h; y++)
        for (int32_t x = 0; x < s->out_w; x++)
            for (int32_t o = 0; o < s->out_c; o++)
                if (*out++ != reference(l, o,
                                        reference_sum(s, l, in, y, x, o, depthwise ? o : 0,
                                                      depthwise ? 1 : s->in_c)))
                    return false;
    return true;
}

static void run_conv(const struct shape *s, const struct pack_layer *l, const int8_t *const *rows,
                     int8_t *buffer, int8_t *out, int32_t n)
{
    const struct mica_conv2d_bytes_s8 p = {.in_w = (int16_t)s->in_w,
                                           .in_c = (int16_t)s->in_c,
                                           .out_w = (int16_t)s->out_w,
                                           .out_c = (int16_t)s->out_c,
                                           .kernel_h = (int16_t)s->kernel_h,
                                           .kernel_w = (int16_t)s->kernel_w,
                                           .stride_h = (int16_t)s->stride_h,
                                           .stride_w = (int16_t)s->stride_w,
                                           .dilation_h = (int16_t)s->dilation_h,
                                           .pad_left = (int16_t)s->pad_left,
                                           .in_zero = (int16_t)l->in_zero,
                                           .weights = weights,
                                           .scales = scales};
    mica_conv2d_bytes_s8(&p, rows, buffer, out, n);
}

static void run_depthwise(const struct shape *s, const struct pack_layer *l,
                          const int8_t *const *rows, int8_t *buffer, int8_t *out, int32_t n)
{
    const struct mica_depthwise_bytes_s8 p = {.in_w = (int16_t)s->in_w,
                                              .in_c = (int16_t)s->in_c,
                                              .out_w = (int16_t)s->out_w,
                                              .kernel_h = (int16_t)s->kernel_h,
                                              .kernel_w = (int16_t)s->kernel_w,
                                              .stride_h = (int16_t)s->stride_h,
                                              .stride_w = (int16_t)s->stride_w,
                                              .dilation_h = (int16_t)s->dilation_h,
                                              .dilation_w = (int16_t)s->dilation_w,
                                              .pad_left = (int16_t)s->pad_left,
                                              .in_zero = (int16_t)l->in_zero,
                                              .weights = weights,
                                              .scales = scales};
    mica_depthwise_bytes_s8(&p, rows, buffer, out, n);
}

/* The whole image in strips. */
static void run(const struct shape *s, const struct pack_layer *l, const int8_t *in, int8_t *buffer,
                int8_t *out, bool depthwise)
{
    const int8_t *rows[ROWS_MAX];
    const int32_t n = (s->out_h - 1) * s->stride_h + (s->kernel_h - 1) * s->dilation_h + 1;
    const int32_t strip = draw(1, s->out_h), out_row = s->out_w * s->out_c;
    for (int32_t i = 0; i < n; i++) {
        const int32_t row = i - s->pad_top;
        rows[i] = row >= 0 && row < s->in_h ? in + row * s->in_w * s->in_c : NULL;
    }
    for (int32_t y = 0; y < s->out_h; y += strip)
        (depthwise ? run_depthwise : run_conv)(s, l, rows + y * s->stride_h, buffer,
                                               out + y * out_row,
                                               y + strip > s->out_h ? s->out_h - y : strip);
}

static void check_shape(const struct shape *s, bool depthwise)
{
    const enum numbers kind = (enum numbers)draw(0, NUMBERS - 1);
    const int32_t taps = s->kernel_h * s->kernel_w * (depthwise ? 1 : s->in_c);
    struct pack_layer l = draw_layer(kind, s->out_c, taps);
    if (depthwise)
        l.channel_step = 1, l.tap_step = s->out_c;
    const enum pack_verdict verdict = pack_bytes_scales(&l, depthwise, scales);
    packed[verdict]++;
    if (verdict != PACK_OK)
        return;
    pack_bytes_rows(&l, depthwise, weights);
    const size_t in_n = (size_t)(s->in_h * s->in_w * s->in_c);
    const size_t out_n = (size_t)(s->out_h * s->out_w * s->out_c);
    const size_t buffer_n = (size_t)(depthwise ? s->in_c : 4 * taps);
    int8_t *in = malloc(in_n), *buffer = fenced(buffer_n), *out = fenced(out_n);
    if (!in)
        abort();
    for (size_t i = 0; i < in_n; i++)
        in[i] = draw_number(kind, -128);
    run(s, &l, in, buffer, out, depthwise);
    const bool good = same_as_reference(s, &l, in, out, depthwise) &&
                      fence_holds(buffer, buffer_n) && fence_holds(out, out_n);
    CHECK(good);
    if (!good && checks_failed < 5)
        printf("depthwise %d, numbers %d: %dx%dx%d -> %dx%dx%d, %dx%d, padding %d %d\n", depthwise,
               kind, (int)s->in_h, (int)s->in_w, (int)s->in_c, (int)s->out_h, (int)s->out_w,
               (int)s->out_c, (int)s->kernel_h, (int)s->kernel_w, (int)s->pad_top,
               (int)s->pad_left);
    free(in);
    free(buffer);
    free(out);
}

/* Draws the padding below and at the right and sets the output's size; false where a window does
 * not fit. */
static bool fits(struct shape *s)
{
    const int32_t pad_bottom = draw(0, s->kernel_h), pad_right = draw(0, s->kernel_w);
    const int32_t free_h = s->in_h + s->pad_top + pad_bottom - (s->kernel_h - 1) * s->dilation_h;
    const int32_t free_w = s->in_w + s->pad_left + pad_right - (s->kernel_w - 1) * s->dilation_w;
    s->out_h = (free_h - 1) / s->stride_h + 1;
    s->out_w = (free_w - 1) / s->stride_w + 1;
    return free_h > 0 && free_w > 0;
}

static void check_both(struct shape *s)
{
    if (s->dilation_w == 1 && fits(s))
        check_shape(s, false);
    s->out_c = s->in_c;
    if (fits(s))
        check_shape(s, true);
}

/* Channels 1..9 on both sides, widths 1..9, kernels 1..5 both ways, strides 1..3, all paddings. */
static void check_small_shapes(void)
{
    enum { SHAPES = 9 * 9 * 9 * 25 * 3 * 7 };
    for (int32_t i = 0; i < SHAPES; i += TEST_STRIDE) {
        struct shape s = {.in_h = draw(1, 4), .dilation_h = 1, .dilation_w = 1};
        int32_t rest = i;
        s.in_c = rest % 9 + 1, rest /= 9;
        s.out_c = rest % 9 + 1, rest /= 9;
        s.in_w = rest % 9 + 1, rest /= 9;
        s.kernel_h = rest % 5 + 1, rest /= 5;
        s.kernel_w = rest % 5 + 1, rest /= 5;
        s.stride_w = rest % 3 + 1, rest /= 3;
        s.stride_h = draw(1, 3);
        s.pad_left = rest;
        s.pad_top = draw(0, s.kernel_h);
        if (s.pad_left <= s.kernel_w + 1)
            check_both(&s);
    }
}

/* Larger ones, with dilation. */
static void check_random_shapes(void)
{
    for (int i = 0; i < TEST_RANDOM; i++) {
        struct shape s = {.in_h = draw(1, 8), .in_w = draw(1, 14)};
        s.kernel_h = draw(1, 5), s.kernel_w = draw(1, 5);
        s.stride_h = draw(1, 3), s.stride_w = draw(1, 3);
        s.dilation_h = draw(0, 2) ? 1 : draw(1, 3), s.dilation_w = draw(0, 2) ? 1 : draw(1, 3);
        s.pad_top = draw(0, (s.kernel_h - 1) * s.dilation_h);
        s.pad_left = draw(0, (s.kernel_w - 1) * s.dilation_w);
        s.in_c = draw(1, 20);
        s.out_c = draw(1, 20);
        check_both(&s);
    }
}

static void check_dense(int32_t inputs, int32_t outputs)
{
    const enum numbers kind = (enum numbers)draw(0, NUMBERS - 1);
    const struct pack_layer l = draw_layer(kind, outputs, inputs);
    const enum pack_verdict verdict = pack_bytes_scales(&l, false, scales);
    int8_t in[700], *out = fenced((size_t)outputs);
    packed[verdict]++;
    for (int32_t i = 0; i < inputs; i++)
        in[i] = draw_number(kind, -128);
    if (verdict == PACK_OK) {
        const struct mica_dense_bytes_s8 p = {inputs, outputs, weights, scales};
        bool same = true;
        pack_bytes_twos(&l, weights);
        mica_dense_bytes_s8(&p, in, out);
        for (int32_t o = 0; o < outputs; o++) {
            int32_t acc = l.bias ? l.bias[o] : 0;
            for (int32_t i = 0; i < inputs; i++)
                acc += l.weights[o * inputs + i] * (in[i] - l.in_zero);
            same &= out[o] == reference(&l, o, acc);
        }
        CHECK(same && fence_holds(out, (size_t)outputs));
    }
    free(out);
}

/* The verdict of one channel of `taps` equal weights. */
static enum pack_verdict verdict_of(int8_t weight, int32_t taps, int32_t bias, int8_t shift)
{
    struct pack_layer l = draw_layer(TYPICAL, 1, taps);
    memset(layer_weights, weight, (size_t)taps);
    layer_bias[0] = bias;
    layer_multiplier[0] = 1 << 30;
    layer_shift[0] = shift;
    l.bias = layer_bias;
    l.in_zero = l.out_zero = 0;
    return pack_bytes_scales(&l, false, scales);
}

/* 24 bits hold a sum below 2^23, and no more. */
static void check_edges(void)
{
    CHECK(verdict_of(127, 516, (1 << 23) - 1 - 516 * 127 * 128, -9) == PACK_OK);
    CHECK(verdict_of(127, 516, (1 << 23) - 516 * 127 * 128, -9) == PACK_WIDTH);
    CHECK(verdict_of(-127, 516, 516 * 127 * 128 - (1 << 23), -9) == PACK_WIDTH);
    CHECK(verdict_of(127, 516, 0, -16) == PACK_OK);
    CHECK(verdict_of(127, 516, 0, -17) == PACK_SHIFT);
}

int main(void)
{
    check_edges();
    check_small_shapes();
    check_random_shapes();
    for (int32_t inputs = 1; inputs <= 700; inputs += 1 + inputs / 20)
        for (int32_t outputs = 1; outputs <= 9; outputs++)
            check_dense(inputs, outputs);
    CHECK(packed[PACK_OK] > 4 * (packed[PACK_BOUND] + packed[PACK_WIDTH] + packed[PACK_SHIFT]));
    return checks_end();
}
