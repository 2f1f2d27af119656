/* SPDX-License-Identifier: Apache-2.0 */
/* int8 kernels over windows (convolutions, pools) against plain loops over whole images, for drawn
 * shapes, strides, dilations and paddings. */
#include <stdint.h>
#include <stdlib.h>

#include "average_pool_s8.h"
#include "conv2d_s8.h"
#include "depthwise_conv2d_s8.h"
#include "harness.h"
#include "max_pool_s8.h"
#include "window_s8.h"

enum { EXTENT_MAX = 9, CHANNELS_MAX = 8, KERNEL_MAX = 4, BYTES = 1 << 14, ROUNDS = 3000 };

static uint32_t state = 1;

static int draw(int min, int max)
{
    state = state * UINT32_C(1664525) + UINT32_C(1013904223);
    return min + (int)((state >> 8) % (uint32_t)(max - min + 1));
}

/* One drawn layer: in[h][w][c] under windows of kernel_h times kernel_w. */
struct layer {
    int h, w, c, kernel_h, kernel_w, stride, dilation, top, left, out_h, out_w;
    int zero, out_zero, min, max;
    int8_t in[BYTES], weights[BYTES];
    int32_t bias[CHANNELS_MAX * 4], multiplier[CHANNELS_MAX * 4];
    int8_t shift[CHANNELS_MAX * 4];
};

static struct layer layer;

static void draw_layer(int dilation_max)
{
    struct layer *l = &layer;
    l->h = draw(1, EXTENT_MAX), l->w = draw(1, EXTENT_MAX), l->c = draw(1, CHANNELS_MAX);
    l->kernel_h = draw(1, KERNEL_MAX), l->kernel_w = draw(1, KERNEL_MAX);
    l->stride = draw(1, 3), l->dilation = draw(1, dilation_max);
    l->top = draw(0, l->kernel_h - 1), l->left = draw(0, l->kernel_w - 1);
    l->out_h = draw(1, (l->h - 1 + l->top) / l->stride + 1);
    l->out_w = draw(1, (l->w - 1 + l->left) / l->stride + 1);
    l->zero = draw(-128, 127), l->out_zero = draw(-128, 127);
    l->min = draw(-128, 0), l->max = draw(0, 127);
    for (int i = 0; i < BYTES; i++) {
        l->in[i] = (int8_t)draw(-128, 127);
        l->weights[i] = (int8_t)draw(-127, 127);
    }
    for (int i = 0; i < CHANNELS_MAX * 4; i++) {
        l->bias[i] = draw(-20000, 20000);
        l->multiplier[i] = INT32_C(1) << 30 | draw(0, (1 << 24) - 1) << 6;
        l->shift[i] = (int8_t)draw(-10, -5);
    }
}

/* The element under a tap of the window of output (y, x), NULL where that is padding. */
static const int8_t *tap(int y, int x, int ky, int kx, int channel)
{
    const struct layer *l = &layer;
    int row = y * l->stride - l->top + ky * l->dilation;
    int column = x * l->stride - l->left + kx * l->dilation;
    if (row < 0 || row >= l->h || column < 0 || column >= l->w)
        return NULL;
    return &l->in[(row * l->w + column) * l->c + channel];
}

/* The sum of one output over `channels` input channels; `at` says where its weights lie. */
static int32_t sum_taps(int y, int x, int channel, int channels, int first, int tap_step,
                        int channel_step)
{
    const struct layer *l = &layer;
    int32_t sum = 0;
    for (int ky = 0; ky < l->kernel_h; ky++)
        for (int kx = 0; kx < l->kernel_w; kx++)
            for (int i = 0; i < channels; i++) {
                const int8_t *in = tap(y, x, ky, kx, channel + i);
                int at = first + (ky * l->kernel_w + kx) * tap_step + i * channel_step;
                sum += in ? l->weights[at] * (*in - l->zero) : 0;
            }
    return sum;
}

static int8_t finish(int32_t sum, int o)
{
    const struct layer *l = &layer;
    int32_t x = mica_requantize(sum + l->bias[o], l->multiplier[o], l->shift[o]) + l->out_zero;
    return (int8_t)(x < l->min ? l->min : x > l->max ? l->max : x);
}

static const int8_t *const *rows_of(int y, const int8_t **rows)
{
    const struct layer *l = &layer;
    return mica_window_s8(rows, l->in, y * l->stride - l->top, l->kernel_h, l->dilation, l->h,
                          l->w * l->c);
}

static bool conv2d_agrees(void)
{
    const struct layer *l = &layer;
    const int groups = draw(1, 2) == 2 && l->c % 2 == 0 ? 2 : 1, out_c = groups * draw(1, 4);
    const int group_in = l->c / groups, group_out = out_c / groups;
    const int taps = l->kernel_h * l->kernel_w * group_in;
    struct mica_conv2d_s8 p = {.in_w = (int16_t)l->w,
                               .in_c = (int16_t)l->c,
                               .out_w = (int16_t)l->out_w,
                               .out_c = (int16_t)out_c,
                               .kernel_h = (int16_t)l->kernel_h,
                               .kernel_w = (int16_t)l->kernel_w,
                               .stride_w = (int16_t)l->stride,
                               .dilation_w = (int16_t)l->dilation,
                               .pad_left = (int16_t)l->left,
                               .group_in = (int16_t)group_in,
                               .group_out = (int16_t)group_out,
                               .in_zero = (int16_t)l->zero,
                               .out_zero = (int16_t)l->out_zero,
                               .out_min = (int16_t)l->min,
                               .out_max = (int16_t)l->max,
                               .weights = l->weights,
                               .bias = l->bias,
                               .multiplier = l->multiplier,
                               .shift = l->shift};
    bool same = true;
    for (int y = 0; y < l->out_h; y++) {
        const int8_t *rows[KERNEL_MAX];
        int8_t out[2 * EXTENT_MAX * CHANNELS_MAX * 4];
        mica_conv2d_s8(&p, rows_of(y, rows), out);
        for (int x = 0; x < l->out_w; x++)
            for (int o = 0; o < out_c; o++) {
                int32_t sum = sum_taps(y, x, o / group_out * group_in, group_in, o * taps, group_in,
                                       1);
                same &= out[x * out_c + o] == finish(sum, o);
            }
    }
    return same;
}

static bool depthwise_agrees(void)
{
    const struct layer *l = &layer;
    const int each = draw(1, 4), out_c = l->c * each;
    struct mica_depthwise_conv2d_s8 p = {.in_w = (int16_t)l->w,
                                         .in_c = (int16_t)l->c,
                                         .out_w = (int16_t)l->out_w,
                                         .kernel_h = (int16_t)l->kernel_h,
                                         .kernel_w = (int16_t)l->kernel_w,
                                         .stride_w = (int16_t)l->stride,
                                         .dilation_w = (int16_t)l->dilation,
                                         .pad_left = (int16_t)l->left,
                                         .channel_out = (int16_t)each,
                                         .in_zero = (int16_t)l->zero,
                                         .out_zero = (int16_t)l->out_zero,
                                         .out_min = (int16_t)l->min,
                                         .out_max = (int16_t)l->max,
                                         .weights = l->weights,
                                         .bias = l->bias,
                                         .multiplier = l->multiplier,
                                         .shift = l->shift};
    bool same = true;
    for (int y = 0; y < l->out_h; y++) {
        const int8_t *rows[KERNEL_MAX];
        int8_t out[2 * EXTENT_MAX * CHANNELS_MAX * 4];
        mica_depthwise_conv2d_s8(&p, rows_of(y, rows), out);
        for (int x = 0; x < l->out_w; x++)
            for (int o = 0; o < out_c; o++)
                same &= out[x * out_c + o] == finish(sum_taps(y, x, o / each, 1, o, out_c, 0), o);
    }
    return same;
}

/* The largest and the rounded average, in long arithmetic. */
static void pool_one(int y, int x, int c, int *largest, int *average)
{
    const struct layer *l = &layer;
    int sum = 0, n = 0;
    *largest = -128;
    for (int ky = 0; ky < l->kernel_h; ky++)
        for (int kx = 0; kx < l->kernel_w; kx++) {
            const int8_t *in = tap(y, x, ky, kx, c);
            if (!in)
                continue;
            sum += *in;
            n++;
            *largest = *in > *largest ? *in : *largest;
        }
    int size = n ? (2 * abs(sum) + n) / (2 * n) : 0; /* ties away from zero */
    *average = sum < 0 ? -size : size;
}

static int limit(int x)
{
    return x < layer.min ? layer.min : x > layer.max ? layer.max : x;
}

static bool pools_agree(void)
{
    const struct layer *l = &layer;
    struct mica_max_pool_s8 p = {.in_w = (int16_t)l->w,
                                 .channels = (int16_t)l->c,
                                 .out_w = (int16_t)l->out_w,
                                 .kernel_h = (int16_t)l->kernel_h,
                                 .kernel_w = (int16_t)l->kernel_w,
                                 .stride_w = (int16_t)l->stride,
                                 .pad_left = (int16_t)l->left,
                                 .out_min = (int16_t)l->min,
                                 .out_max = (int16_t)l->max};
    struct mica_average_pool_s8 q = {p.in_w,     p.channels, p.out_w,   p.kernel_h, p.kernel_w,
                                     p.stride_w, p.pad_left, p.out_min, p.out_max};
    bool same = true;
    for (int y = 0; y < l->out_h; y++) {
        const int8_t *rows[KERNEL_MAX];
        int8_t best[2 * EXTENT_MAX * CHANNELS_MAX], mean[2 * EXTENT_MAX * CHANNELS_MAX];
        mica_max_pool_s8(&p, rows_of(y, rows), best);
        mica_average_pool_s8(&q, rows_of(y, rows), mean);
        for (int x = 0; x < l->out_w; x++)
            for (int c = 0; c < l->c; c++) {
                int largest, average;
                pool_one(y, x, c, &largest, &average);
                same &= best[x * l->c + c] == limit(largest);
                same &= mean[x * l->c + c] == limit(average);
            }
    }
    return same;
}

int main(void)
{
    bool conv2d = true, depthwise = true, pools = true;
    for (int i = 0; i < ROUNDS; i++) {
        draw_layer(3);
        conv2d &= conv2d_agrees();
        depthwise &= depthwise_agrees();
        draw_layer(1);
        pools &= pools_agree();
    }
    CHECK(conv2d);
    CHECK(depthwise);
    CHECK(pools);
    return checks_end();
}
