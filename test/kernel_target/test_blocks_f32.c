/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of float32 outputs against the plain kernels, bit for bit: convolutions, depthwise
 * convolutions and dense layers. */
#include "shapes.h"

#include <fenv.h>
#include <float.h>
#include <math.h>

#include "conv2d_blocks_f32.h"
#include "conv2d_f32.h"
#include "dense_blocks_f32.h"
#include "dense_f32.h"
#include "depthwise_blocks_f32.h"
#include "depthwise_conv2d_f32.h"

enum { STREAM_MAX = 1 << 16, INPUTS_MAX = 64 };

static float stream[STREAM_MAX], plain_weights[STREAM_MAX], plain_bias[CHANNELS_MAX];

/* What numbers a layer has: of one magnitude; of very different ones, with zeros of both signs; so
 * small and so large that they leave the normal numbers; and inputs that are none. */
enum floats { EVEN, UNEVEN, FARAWAY, STRANGE, FLOATS };

static float draw_float(enum floats kind, bool is_input)
{
    const float strange[] = {INFINITY, -INFINITY, NAN, -NAN, FLT_MAX, -FLT_MAX};
    const float x = (float)draw(-(1 << 23), 1 << 23);
    if (kind == EVEN)
        return x * 0x1p-20f;
    if (kind == UNEVEN)
        return draw(0, 3) ? ldexpf(x, draw(-40, 0)) : draw(0, 1) ? 0.0f : -0.0f;
    if (kind == FARAWAY)
        return ldexpf(x, draw(0, 15) ? draw(-100, -70) : 40);
    return is_input && !draw(0, 19) ? strange[draw(0, 5)] : x * 0x1p-20f;
}

static bool same_floats(const float *a, const float *b, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        if (memcmp(&a[i], &b[i], sizeof *a) && !(isnan(a[i]) && isnan(b[i])))
            return false;
    return true;
}

static struct pack_float draw_weights(enum floats kind, int32_t channels, int32_t taps)
{
    for (int32_t i = 0; i < channels * taps; i++)
        plain_weights[i] = draw_float(kind, false);
    for (int32_t o = 0; o < channels; o++)
        plain_bias[o] = draw_float(kind, false);
    return (struct pack_float){.channels = channels,
                               .taps = taps,
                               .channel_step = taps,
                               .tap_step = 1,
                               .weights = plain_weights,
                               .bias = draw(0, 7) ? plain_bias : NULL};
}

/* The range of an activation and how kernels are told of it. */
static int16_t draw_range(float *min, float *max)
{
    const int kind = draw(0, 3);
    *min = kind == 0 ? -FLT_MAX : kind == 3 ? -1.0f : 0.0f;
    *max = kind < 2 ? FLT_MAX : kind == 2 ? 6.0f : 1.0f;
    return (int16_t)(kind < 2 ? kind : -1);
}

static void point_float_rows(const struct shape *s, const float *in, const float **to)
{
    const void *rows[ROWS_MAX];
    const int32_t n = point_rows(s, in, s->in_w * s->in_c * (int32_t)sizeof *in, rows);
    for (int32_t i = 0; i < n; i++)
        to[i] = rows[i];
}

/* The rows of one window, as plain kernels take them. */
static const float *const *window_rows(const struct shape *s, const float *const *rows, int32_t y,
                                       const float **window)
{
    for (int32_t ky = 0; ky < s->kernel_h; ky++)
        window[ky] = rows[y * s->stride_h + ky * s->dilation_h];
    return window;
}

/* The fields of parameters that both kernels have, and those of the plain ones. */
#define BLOCKS(s)                                                                         \
    .in_w = (int16_t)(s)->in_w, .in_c = (int16_t)(s)->in_c, .out_w = (int16_t)(s)->out_w, \
    .kernel_h = (int16_t)(s)->kernel_h, .kernel_w = (int16_t)(s)->kernel_w,               \
    .stride_h = (int16_t)(s)->stride_h, .stride_w = (int16_t)(s)->stride_w,               \
    .pad_left = (int16_t)(s)->pad_left, .dilation_h = (int16_t)(s)->dilation_h,           \
    .dilation_w = (int16_t)(s)->dilation_w, .stream = stream
#define PLAIN(p, l)                                                                   \
    .in_w = (p).in_w, .in_c = (p).in_c, .out_w = (p).out_w, .kernel_h = (p).kernel_h, \
    .kernel_w = (p).kernel_w, .stride_w = (p).stride_w, .dilation_w = (p).dilation_w, \
    .pad_left = (p).pad_left, .out_min = (p).out_min, .out_max = (p).out_max,         \
    .weights = (l)->weights, .bias = (l)->bias

static void run_conv(const struct shape *s, const struct pack_float *l, const float *const *rows,
                     float *buffer, float *got, float *want)
{
    const float *window[ROWS_MAX];
    struct mica_conv2d_blocks_f32 p = {BLOCKS(s), .out_c = (int16_t)s->out_c};
    p.rectifier = draw_range(&p.out_min, &p.out_max);
    const struct mica_conv2d_f32 plain = {PLAIN(p, l), .out_c = p.out_c, .group_in = p.in_c,
                                          .group_out = p.out_c};
    const int32_t strip = draw(1, s->out_h), row = s->out_w * s->out_c;
    pack_fours(l, false, stream);
    for (int32_t y = 0; y < s->out_h; y++)
        mica_conv2d_f32(&plain, window_rows(s, rows, y, window), want + y * row);
    for (int32_t y = 0; y < s->out_h; y += strip)
        mica_conv2d_blocks_f32(&p, rows + y * s->stride_h, buffer, got + y * row,
                               y + strip > s->out_h ? s->out_h - y : strip);
}

static void run_depthwise(const struct shape *s, const struct pack_float *l,
                          const float *const *rows, float *buffer, float *got, float *want)
{
    const float *window[ROWS_MAX];
    struct mica_depthwise_blocks_f32 p = {BLOCKS(s)};
    p.rectifier = draw_range(&p.out_min, &p.out_max);
    const struct mica_depthwise_conv2d_f32 plain = {PLAIN(p, l), .multiplier = 1};
    const int32_t strip = draw(1, s->out_h), row = s->out_w * s->out_c;
    pack_fours(l, true, stream);
    for (int32_t y = 0; y < s->out_h; y++)
        mica_depthwise_conv2d_f32(&plain, window_rows(s, rows, y, window), want + y * row);
    for (int32_t y = 0; y < s->out_h; y += strip)
        mica_depthwise_blocks_f32(&p, rows + y * s->stride_h, buffer, got + y * row,
                                  y + strip > s->out_h ? s->out_h - y : strip);
}

/* A convolution, or that of every channel by itself. */
static void check_layer(enum family family, const struct shape *s)
{
    const enum floats kind = (enum floats)draw(0, FLOATS - 1);
    const bool depthwise = family == DEPTHWISE;
    const int32_t taps = s->kernel_h * s->kernel_w * (depthwise ? 1 : s->in_c);
    struct pack_float l = draw_weights(kind, s->out_c, taps);
    if (depthwise)
        l.channel_step = 1, l.tap_step = s->out_c;
    const int32_t in_n = s->in_h * s->in_w * s->in_c, out_n = s->out_h * s->out_w * s->out_c;
    const size_t buffer_bytes = sizeof(float) * (size_t)(s->in_c + (depthwise ? 0 : 5 * taps));
    const size_t in_bytes = sizeof(float) * (size_t)in_n, out_bytes = sizeof(float) * (size_t)out_n;
    float *in = malloc(in_bytes), *buffer = fenced(buffer_bytes);
    float *got = fenced(out_bytes), *want = fenced(out_bytes);
    const float *rows[ROWS_MAX];
    if (!in)
        abort();
    for (int32_t i = 0; i < in_n; i++)
        in[i] = draw_float(kind, true);
    point_float_rows(s, in, rows);
    (depthwise ? run_depthwise : run_conv)(s, &l, rows, buffer, got, want);
    const bool good = same_floats(got, want, out_n) && fence_holds(got, out_bytes) &&
                      fence_holds(buffer, buffer_bytes);
    CHECK(good);
    if (!good && checks_failed < 5)
        print_shape(depthwise ? "depthwise" : "conv2d", s);
    free(in);
    free(buffer);
    free(got);
    free(want);
}

static void check_shape(enum family family, const struct shape *s, int32_t least)
{
    struct shape each = *s;
    if (family == DEPTHWISE &&
        (s->multiplier > 1 || s->in_c < 4 || s->kernel_h * s->kernel_w > MICA_DEPTHWISE_TAPS))
        return;
    for (each.out_c = least; each.out_c <= s->out_c; each.out_c++)
        check_layer(family, &each);
}

static void check_dense(int32_t inputs, int32_t outputs)
{
    const enum floats kind = (enum floats)draw(0, FLOATS - 1);
    const struct pack_float l = draw_weights(kind, outputs, inputs);
    struct mica_dense_blocks_f32 p = {.in_n = inputs, .out_n = outputs, .stream = stream};
    float in[INPUTS_MAX], want[CHANNELS_MAX];
    const size_t bytes = sizeof(float) * (size_t)outputs;
    float *got = fenced(bytes);
    draw_range(&p.out_min, &p.out_max);
    for (int32_t i = 0; i < inputs; i++)
        in[i] = draw_float(kind, true);
    const struct mica_dense_f32 plain = {inputs, outputs, p.out_min, p.out_max, l.weights, l.bias};
    pack_eights(&l, stream);
    mica_dense_blocks_f32(&p, in, got);
    mica_dense_f32(&plain, in, want);
    CHECK(same_floats(got, want, outputs) && fence_holds(got, bytes));
    free(got);
}

/* Weights must be finite: in a padding, infinity would make what is not a number. */
static void check_refusals(void)
{
    const float bad[] = {INFINITY, -INFINITY, NAN};
    const struct pack_float l = draw_weights(EVEN, 4, 9);
    CHECK(pack_float_fits(&l));
    for (int i = 0; i < 3; i++) {
        plain_weights[35] = bad[i];
        CHECK(!pack_float_fits(&l));
    }
}

/* A 1x1 layer of one input channel and four output channels. */
static void run_four(int32_t pixels, const float *in, const float *weights, float min, float *got)
{
    const struct pack_float l = {4, 1, 1, 1, weights, NULL};
    const struct mica_conv2d_blocks_f32 p = {.in_w = (int16_t)pixels,
                                             .in_c = 1,
                                             .out_w = (int16_t)pixels,
                                             .out_c = 4,
                                             .kernel_h = 1,
                                             .kernel_w = 1,
                                             .stride_h = 1,
                                             .stride_w = 1,
                                             .dilation_h = 1,
                                             .dilation_w = 1,
                                             .rectifier = min == 0.0f,
                                             .out_min = min,
                                             .out_max = FLT_MAX,
                                             .stream = stream};
    float buffer[6];
    pack_fours(&l, false, stream);
    mica_conv2d_blocks_f32(&p, &in, buffer, got, 1);
}

/* An input that is not finite, at one pixel alone: the block must see each. */
static void check_inputs_alone(void)
{
    const float weights[] = {1.0f, 1.0f, 1.0f, 1.0f}, strange[] = {INFINITY, -INFINITY, NAN, -NAN};
    for (int32_t pixels = 1; pixels <= 5; pixels++)
        for (int32_t k = 0; k < pixels; k++)
            for (int32_t kind = 0; kind < 8; kind++) {
                const float min = kind < 4 ? 0.0f : -FLT_MAX;
                float in[5], got[20];
                for (int32_t i = 0; i < 5; i++)
                    in[i] = i == k ? strange[kind & 3] : 2.0f;
                run_four(pixels, in, weights, min, got);
                for (int32_t i = 0; i < 4 * pixels; i++) {
                    const float want = mica_clamp_value_f32(in[i / 4], min, FLT_MAX);
                    CHECK(same_floats(&got[i], &want, 1));
                }
            }
}

/* What a program knows of overflows so far survives a layer, and a layer without one adds none. */
static void check_flag(void)
{
#ifdef FE_OVERFLOW /* not where floats are software */
    const float weights[] = {1.0f, 2.0f, 3.0f, -4.0f}, in[] = {1.0f, 2.0f, 3.0f, 4.0f, 5.0f};
    float got[20];
    for (int32_t pixels = 1; pixels <= 5; pixels += 4) {
        feclearexcept(FE_OVERFLOW);
        run_four(pixels, in, weights, 0.0f, got);
        CHECK(!fetestexcept(FE_OVERFLOW));
        feraiseexcept(FE_OVERFLOW);
        run_four(pixels, in, weights, 0.0f, got);
        CHECK(fetestexcept(FE_OVERFLOW));
    }
#endif
}

/* Infinity in one output of a block alone: the block must see each. */
static void check_alone(void)
{
    const float *rows[1];
    float in[20], buffer[6], got[20], weights[4];
    for (int k = 0; k < 5; k++)
        for (int c = 0; c < 4; c++) {
            for (int i = 0; i < 4; i++)
                weights[i] = i == c ? -2.0f : 0.0f;
            for (int i = 0; i < 5; i++)
                in[i] = i == k ? FLT_MAX : 1.0f;
            run_four(5, in, weights, -FLT_MAX, got);
            for (int i = 0; i < 20; i++)
                CHECK(got[i] == (i % 4 != c ? 0.0f : i / 4 == k ? -FLT_MAX : -2.0f));
        }
    for (int at = 0; at < 16; at++) {
        const struct pack_float l = {4, 1, 1, 4, weights, NULL};
        struct mica_depthwise_blocks_f32 p = {4, 4, 4, 1, 1,        1,       1,
                                              1, 1, 0, 0, -FLT_MAX, FLT_MAX, stream};
        for (int i = 0; i < 4; i++)
            weights[i] = -2.0f;
        for (int i = 0; i < 16; i++)
            in[i] = i == at ? FLT_MAX : 1.0f;
        rows[0] = in;
        pack_fours(&l, true, stream);
        mica_depthwise_blocks_f32(&p, rows, buffer, got, 1);
        for (int i = 0; i < 16; i++)
            CHECK(got[i] == (i == at ? -FLT_MAX : -2.0f));
    }
}

int main(void)
{
    check_refusals();
    check_alone();
    check_inputs_alone();
    check_flag();
    walk_shapes(DEPTHWISE + 1, check_shape);
    for (int32_t inputs = 1; inputs <= INPUTS_MAX; inputs++)
        for (int32_t outputs = 1; outputs <= 40; outputs += 1 + TEST_STRIDE / 200)
            check_dense(inputs, outputs);
    return checks_end();
}
