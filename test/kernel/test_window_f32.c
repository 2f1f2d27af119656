/* SPDX-License-Identifier: Apache-2.0 */
/* Float kernels over windows against the textbook's sums over an image with its padding written
 * out. Products with that padding are zeros, so both give the same bits. */
#include <float.h>
#include <stdint.h>

#include "average_pool_f32.h"
#include "conv2d_f32.h"
#include "depthwise_conv2d_f32.h"
#include "harness.h"
#include "max_pool_f32.h"
#include "window_f32.h"

enum { IMAGE_MAX = 9, CHANNELS_MAX = 4, KERNEL_MAX = 4, PADDED = IMAGE_MAX + 2 * KERNEL_MAX };

static uint32_t seed = 1;

static int draw(int from, int to)
{
    seed = seed * UINT32_C(1664525) + UINT32_C(1013904223);
    return from + (int)((seed >> 16) % (uint32_t)(to - from + 1));
}

static float draw_float(void)
{
    return (float)draw(-20000, 20000) * 0x1p-12f;
}

/* One random case: an image, and where a window of kernel x kernel may lie. */
struct image {
    int h, w, c, kernel_h, kernel_w, stride, dilation, pad_top, pad_left, out_h, out_w;
    float at[IMAGE_MAX * IMAGE_MAX * CHANNELS_MAX];
    float padded[PADDED][PADDED][CHANNELS_MAX];
    bool inside[PADDED][PADDED];
};

static void draw_image(struct image *m, int dilation_max)
{
    do {
        *m = (struct image){.h = draw(1, IMAGE_MAX),
                            .w = draw(1, IMAGE_MAX),
                            .c = draw(1, CHANNELS_MAX),
                            .kernel_h = draw(1, KERNEL_MAX),
                            .kernel_w = draw(1, KERNEL_MAX),
                            .stride = draw(1, 3),
                            .dilation = draw(1, dilation_max)};
        m->pad_top = draw(0, m->kernel_h - 1);
        m->pad_left = draw(0, m->kernel_w - 1);
        m->out_h = (m->h + 2 * m->pad_top - (m->kernel_h - 1) * m->dilation - 1) / m->stride + 1;
        m->out_w = (m->w + 2 * m->pad_left - (m->kernel_w - 1) * m->dilation - 1) / m->stride + 1;
    } while (m->h + 2 * m->pad_top <= (m->kernel_h - 1) * m->dilation ||
             m->w + 2 * m->pad_left <= (m->kernel_w - 1) * m->dilation);
    for (int y = 0; y < m->h; y++)
        for (int x = 0; x < m->w; x++)
            for (int c = 0; c < m->c; c++) {
                float v = draw_float();
                m->at[(y * m->w + x) * m->c + c] = v;
                m->padded[y + m->pad_top][x + m->pad_left][c] = v;
                m->inside[y + m->pad_top][x + m->pad_left] = true;
            }
}

static const float *const *rows_of(const struct image *m, int out_row, const float **rows)
{
    return mica_window_f32(rows, m->at, out_row * m->stride - m->pad_top, m->kernel_h, m->dilation,
                           m->h, m->w * m->c);
}

static float limit(float x, float min, float max)
{
    x = x > min ? x : min;
    return x < max ? x : max;
}

static void test_depthwise(void)
{
    static struct image m;
    draw_image(&m, 3);
    int multiplier = draw(1, 3), out_c = m.c * multiplier;
    float weights[KERNEL_MAX][KERNEL_MAX][CHANNELS_MAX * 3], bias[CHANNELS_MAX * 3];
    float packed[KERNEL_MAX * KERNEL_MAX * CHANNELS_MAX * 3], *to = packed;
    float out[IMAGE_MAX * 3 * CHANNELS_MAX * 3];
    for (int y = 0; y < m.kernel_h; y++)
        for (int x = 0; x < m.kernel_w; x++)
            for (int o = 0; o < out_c; o++)
                *to++ = weights[y][x][o] = draw_float();
    for (int o = 0; o < out_c; o++)
        bias[o] = draw_float();
    bool has_bias = draw(0, 1);
    struct mica_depthwise_conv2d_f32 p = {.in_w = (int16_t)m.w,
                                          .in_c = (int16_t)m.c,
                                          .out_w = (int16_t)m.out_w,
                                          .multiplier = (int16_t)multiplier,
                                          .kernel_h = (int16_t)m.kernel_h,
                                          .kernel_w = (int16_t)m.kernel_w,
                                          .stride_w = (int16_t)m.stride,
                                          .dilation_w = (int16_t)m.dilation,
                                          .pad_left = (int16_t)m.pad_left,
                                          .out_min = -8.0f,
                                          .out_max = FLT_MAX,
                                          .weights = packed,
                                          .bias = has_bias ? bias : NULL};
    bool same = true;
    for (int y = 0; y < m.out_h; y++) {
        const float *rows[KERNEL_MAX];
        mica_depthwise_conv2d_f32(&p, rows_of(&m, y, rows), out);
        for (int x = 0; x < m.out_w; x++)
            for (int o = 0; o < out_c; o++) {
                float sum = 0.0f;
                for (int ky = 0; ky < m.kernel_h; ky++)
                    for (int kx = 0; kx < m.kernel_w; kx++)
                        sum += weights[ky][kx][o] *
                               m.padded[y * m.stride + ky * m.dilation]
                                       [x * m.stride + kx * m.dilation][o / multiplier];
                sum += has_bias ? bias[o] : 0.0f;
                same &= out[x * out_c + o] == limit(sum, -8.0f, FLT_MAX);
            }
    }
    CHECK(same);
}

static void test_conv(void)
{
    static struct image m;
    draw_image(&m, 3);
    int groups = m.c % 2 ? 1 : draw(1, 2), group_in = m.c / groups, group_out = draw(1, 3);
    int out_c = group_out * groups, taps = m.kernel_h * m.kernel_w * group_in;
    float weights[6 * KERNEL_MAX * KERNEL_MAX * CHANNELS_MAX], bias[6];
    float out[IMAGE_MAX * 3 * 6];
    for (int i = 0; i < out_c * taps; i++)
        weights[i] = draw_float();
    for (int o = 0; o < out_c; o++)
        bias[o] = draw_float();
    struct mica_conv2d_f32 p = {.in_w = (int16_t)m.w,
                                .in_c = (int16_t)m.c,
                                .out_w = (int16_t)m.out_w,
                                .out_c = (int16_t)out_c,
                                .kernel_h = (int16_t)m.kernel_h,
                                .kernel_w = (int16_t)m.kernel_w,
                                .stride_w = (int16_t)m.stride,
                                .dilation_w = (int16_t)m.dilation,
                                .pad_left = (int16_t)m.pad_left,
                                .group_in = (int16_t)group_in,
                                .group_out = (int16_t)group_out,
                                .out_min = -FLT_MAX,
                                .out_max = 6.0f,
                                .weights = weights,
                                .bias = bias};
    bool same = true;
    for (int y = 0; y < m.out_h; y++) {
        const float *rows[KERNEL_MAX];
        mica_conv2d_f32(&p, rows_of(&m, y, rows), out);
        for (int x = 0; x < m.out_w; x++)
            for (int o = 0; o < out_c; o++) {
                float sum = 0.0f;
                for (int i = 0; i < taps; i++) {
                    int ky = i / group_in / m.kernel_w, kx = i / group_in % m.kernel_w;
                    sum += weights[o * taps + i] *
                           m.padded[y * m.stride + ky * m.dilation][x * m.stride + kx * m.dilation]
                                   [o / group_out * group_in + i % group_in];
                }
                same &= out[x * out_c + o] == limit(sum + bias[o], -FLT_MAX, 6.0f);
            }
    }
    CHECK(same);
}

static void test_pools(void)
{
    static struct image m;
    draw_image(&m, 1);
    struct mica_max_pool_f32 most = {.in_w = (int16_t)m.w,
                                     .channels = (int16_t)m.c,
                                     .out_w = (int16_t)m.out_w,
                                     .kernel_h = (int16_t)m.kernel_h,
                                     .kernel_w = (int16_t)m.kernel_w,
                                     .stride_w = (int16_t)m.stride,
                                     .pad_left = (int16_t)m.pad_left,
                                     .out_min = -2.0f,
                                     .out_max = 4.0f};
    struct mica_average_pool_f32 mean = {.in_w = most.in_w,
                                         .channels = most.channels,
                                         .out_w = most.out_w,
                                         .kernel_h = most.kernel_h,
                                         .kernel_w = most.kernel_w,
                                         .stride_w = most.stride_w,
                                         .pad_left = most.pad_left,
                                         .out_min = -2.0f,
                                         .out_max = 4.0f};
    float largest[IMAGE_MAX * 3 * CHANNELS_MAX], average[IMAGE_MAX * 3 * CHANNELS_MAX];
    bool same_max = true, same_mean = true;
    for (int y = 0; y < m.out_h; y++) {
        const float *rows[KERNEL_MAX];
        mica_max_pool_f32(&most, rows_of(&m, y, rows), largest);
        mica_average_pool_f32(&mean, rows_of(&m, y, rows), average);
        for (int i = 0; i < m.out_w * m.c; i++) {
            float max = -FLT_MAX, sum = 0.0f;
            int n = 0;
            for (int k = 0; k < m.kernel_h * m.kernel_w; k++) {
                int row = y * m.stride + k / m.kernel_w;
                int column = i / m.c * m.stride + k % m.kernel_w;
                if (!m.inside[row][column])
                    continue;
                float v = m.padded[row][column][i % m.c];
                max = v > max ? v : max;
                sum += v;
                n++;
            }
            same_max &= largest[i] == limit(max, -2.0f, 4.0f);
            same_mean &= average[i] == limit(sum / (float)n, -2.0f, 4.0f);
        }
    }
    CHECK(same_max);
    CHECK(same_mean);
}

int main(void)
{
    for (int i = 0; i < 500; i++) {
        test_depthwise();
        test_conv();
        test_pools();
    }
    return checks_end();
}
