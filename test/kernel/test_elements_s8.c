/* SPDX-License-Identifier: Apache-2.0 */
/* int8 kernels without windows, against the references' formulas written out over whole ranges. */
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "add_s8.h"
#include "average_s8.h"
#include "clamp_s8.h"
#include "copy_steps_f32.h"
#include "copy_steps_s8.h"
#include "dense_f64_s8.h"
#include "dense_s8.h"
#include "dequantize_f16.h"
#include "dequantize_s16.h"
#include "dequantize_s8.h"
#include "dequantize_u8.h"
#include "fill_s8.h"
#include "harness.h"
#include "mean_s8.h"
#include "mul_s8.h"
#include "quantize_s16.h"
#include "quantize_s8.h"
#include "quantize_u8.h"
#include "requantize_s16_s8.h"
#include "requantize_s8_s16.h"
#include "sum_s8.h"
#include "table_s8.h"
#include "zero_s32.h"

enum { ALL = 256 };

static int8_t every[ALL]; /* -128 .. 127 */

static int limit(long x, int min, int max)
{
    return (int)(x < min ? min : x > max ? max : x);
}

/* Both inputs over all their values, each way of stepping. */
static void test_add(void)
{
    struct mica_add_s8 p = {.a_zero = 3,
                            .b_zero = -100,
                            .out_zero = -7,
                            .out_min = -90,
                            .out_max = 120,
                            .a_step = 1,
                            .b_step = 0,
                            .a_shift = 0,
                            .b_shift = -2,
                            .out_shift = -18,
                            .b_sign = 1,
                            .a_multiplier = 1073741824,
                            .b_multiplier = 1500000001,
                            .out_multiplier = 1300000003};
    bool sums = true, differences = true;
    for (int i = 0; i < ALL; i++) {
        int8_t sum[ALL], difference[ALL], b = every[i];
        p.b_sign = 1, p.a_step = 1, p.b_step = 0;
        mica_add_s8(&p, every, &b, sum, ALL);
        p.b_sign = -1, p.a_step = 0, p.b_step = 1;
        mica_add_s8(&p, &b, every, difference, ALL);
        for (int k = 0; k < ALL; k++) {
            int32_t x = mica_requantize((every[k] - 3) * (1 << 20), p.a_multiplier, 0);
            int32_t y = mica_requantize((b + 100) * (1 << 20), p.b_multiplier, -2);
            int32_t z = mica_requantize(x + y, p.out_multiplier, -18);
            sums &= sum[k] == limit(z - 7L, -90, 120);
            x = mica_requantize((b - 3) * (1 << 20), p.a_multiplier, 0);
            y = mica_requantize((every[k] + 100) * (1 << 20), p.b_multiplier, -2);
            z = mica_requantize(x - y, p.out_multiplier, -18);
            differences &= difference[k] == limit(z - 7L, -90, 120);
        }
    }
    CHECK(sums);
    CHECK(differences);
}

static void test_mul(void)
{
    struct mica_mul_s8 p = {.a_zero = -5,
                            .b_zero = 9,
                            .out_zero = 11,
                            .out_min = -128,
                            .out_max = 100,
                            .a_step = 1,
                            .b_step = 0,
                            .shift = -6,
                            .multiplier = 1700000007};
    bool same = true;
    for (int i = 0; i < ALL; i++) {
        int8_t out[ALL], b = every[i];
        mica_mul_s8(&p, every, &b, out, ALL);
        for (int k = 0; k < ALL; k++) {
            long z = mica_requantize((every[k] + 5) * (b - 9), p.multiplier, -6) + 11L;
            same &= out[k] == limit(z, -128, 100);
        }
    }
    CHECK(same);
}

/* Per channel and per tensor; the float64 kernel against float64. */
static void test_dense(void)
{
    enum { IN = 7, OUT = 5 };
    int8_t weights[OUT * IN], in[IN], out[OUT], out_f64[OUT];
    int32_t bias[OUT], multiplier[OUT], high[OUT], low[OUT];
    int8_t shift[OUT], shift_f64[OUT];
    double scale[OUT];
    uint32_t state = 5;
    bool fixed = true, f64 = true, one_scale = true;
    for (int round_of = 0; round_of < 2000; round_of++) {
        for (int i = 0; i < OUT * IN; i++) {
            state = state * UINT32_C(1664525) + UINT32_C(1013904223);
            weights[i] = (int8_t)((int32_t)(state >> 24) - 127 - (state >> 24 == 255));
            in[i % IN] = (int8_t)((int32_t)(state >> 16 & 255) - 128);
            bias[i % OUT] = (int32_t)(state >> 12 & 0xFFFF) - 32768;
            multiplier[i % OUT] = INT32_C(1) << 30 | (int32_t)(state >> 2);
            shift[i % OUT] = (int8_t)(-6 - (int)(state >> 9 & 7));
        }
        for (int o = 0; o < OUT; o++) {
            scale[o] = ldexp(multiplier[o] / 3.0, shift[o] - 31);
            int exponent;
            int64_t bits = (int64_t)ldexp(frexp(scale[o], &exponent), 53);
            high[o] = (int32_t)(bits >> 32), low[o] = (int32_t)(uint32_t)bits;
            shift_f64[o] = (int8_t)(53 - exponent);
        }
        struct mica_dense_s8 p = {.in_n = IN,
                                  .out_n = OUT,
                                  .in_zero = 4,
                                  .out_zero = -9,
                                  .out_min = -100,
                                  .out_max = 127,
                                  .channel_step = 1,
                                  .weights = weights,
                                  .bias = bias,
                                  .multiplier = multiplier,
                                  .shift = shift};
        struct mica_dense_f64_s8 q = {.in_n = IN,
                                      .out_n = OUT,
                                      .in_zero = 4,
                                      .out_zero = -9,
                                      .out_min = -100,
                                      .out_max = 127,
                                      .channel_step = 1,
                                      .weights = weights,
                                      .bias = bias,
                                      .scale_high = high,
                                      .scale_low = low,
                                      .shift = shift_f64};
        mica_dense_s8(&p, in, out);
        mica_dense_f64_s8(&q, in, out_f64);
        int8_t out_one[OUT];
        p.channel_step = 0, p.bias = NULL;
        mica_dense_s8(&p, in, out_one);
        for (int o = 0; o < OUT; o++) {
            int32_t sum = 0;
            for (int i = 0; i < IN; i++)
                sum += weights[o * IN + i] * (in[i] - 4);
            long z = mica_requantize(sum + bias[o], multiplier[o], shift[o]) - 9L;
            fixed &= out[o] == limit(z, -100, 127);
            z = lround((sum + bias[o]) * scale[o]) - 9L;
            f64 &= out_f64[o] == limit(z, -100, 127);
            z = mica_requantize(sum, multiplier[0], shift[0]) - 9L;
            one_scale &= out_one[o] == limit(z, -100, 127);
        }
    }
    CHECK(fixed);
    CHECK(f64);
    CHECK(one_scale);
}

static void test_sums(void)
{
    int32_t sums[3];
    const int8_t in[9] = {1, -128, 127, 2, -128, 127, 3, -128, 127};
    struct mica_sum_s8 three = {.width = 3}, one = {.width = 1};
    mica_zero_s32(sums, 3);
    mica_sum_s8(&three, in, sums, 3);
    CHECK(sums[0] == 6 && sums[1] == -384 && sums[2] == 381);
    mica_sum_s8(&one, in, sums, 9);
    CHECK(sums[0] == 9 && sums[1] == -384);

    bool same = true;
    struct mica_average_s8 average = {.out_min = -128, .out_max = 127};
    for (average.count = 1; average.count <= 50; average.count++)
        for (int32_t sum = -128 * average.count; sum <= 127 * average.count; sum++) {
            int8_t out;
            mica_average_s8(&average, &sum, &out, 1);
            same &= out == lround((double)sum / average.count);
        }
    CHECK(same);
    average = (struct mica_average_s8){.count = 2, .out_min = -3, .out_max = 4};
    const int32_t some[4] = {3, -3, 100, -100};
    int8_t out[4];
    mica_average_s8(&average, some, out, 4);
    CHECK(out[0] == 2 && out[1] == -2 && out[2] == 4 && out[3] == -3);
    /* 60 / 12 with the division in the multiplier: 2^30 << 3 / 12, shift 1 - 3. */
    struct mica_mean_s8 mean = {
        .zero_sum = -24, .multiplier = 715827882, .shift = -2, .out_zero = 7};
    const int32_t sum = 36;
    mica_mean_s8(&mean, &sum, out, 1);
    CHECK(out[0] == 12);
}

static void test_moves(void)
{
    int8_t table[ALL], out[ALL];
    for (int i = 0; i < ALL; i++)
        table[i] = (int8_t)(i * 7 % 256 - 128);
    struct mica_table_s8 t = {.table = table};
    mica_table_s8(&t, every, out, ALL);
    CHECK(!memcmp(out, table + 128, 128) && !memcmp(out + 128, table, 128));
    struct mica_clamp_s8 clamp = {.out_min = -3, .out_max = 5};
    mica_clamp_s8(&clamp, every, out, ALL);
    CHECK(out[0] == -3 && out[124] == -3 && out[126] == -2 && out[133] == 5 && out[255] == 5);
    struct mica_copy_steps_s8 back = {.in_step = -2, .out_step = 1};
    mica_copy_steps_s8(&back, every + 255, out, 128);
    CHECK(out[0] == 127 && out[1] == 125 && out[127] == -127);
    struct mica_fill_s8 fill = {.value = -9};
    mica_fill_s8(&fill, out, 4);
    struct mica_copy_steps_s8 spread = {.in_step = 1, .out_step = 3};
    mica_copy_steps_s8(&spread, every, out, 2);
    CHECK(out[0] == -128 && out[1] == -9 && out[2] == -9 && out[3] == -127);
    const float from[4] = {1, 2, 3, 4};
    float to[2];
    struct mica_copy_steps_f32 backwards = {.in_step = -3, .out_step = 1};
    mica_copy_steps_f32(&backwards, from + 3, to, 2);
    CHECK(to[0] == 4 && to[1] == 1);
}

/* Every tie and its two neighbours, and what lies far outside. */
static void test_quantize(void)
{
    const float scale = 0.037f;
    struct mica_quantize_s8 s8 = {.scale = scale, .out_zero = -5};
    struct mica_quantize_u8 u8 = {.scale = scale, .out_zero = 200};
    struct mica_quantize_s16 s16 = {.scale = scale, .out_zero = 31};
    bool same = true;
    for (int k = -70000; k <= 70000; k++)
        for (int side = -1; side <= 1; side++) {
            float x = (float)(k / 2.0) * scale;
            x = side ? nextafterf(x, side < 0 ? -FLT_MAX : FLT_MAX) : x;
            long q = lround((double)roundf(x / scale));
            int8_t as_s8;
            uint8_t as_u8;
            int16_t as_s16;
            mica_quantize_s8(&s8, &x, &as_s8, 1);
            mica_quantize_u8(&u8, &x, &as_u8, 1);
            mica_quantize_s16(&s16, &x, &as_s16, 1);
            same &= as_s8 == limit(q - 5, -128, 127) && as_u8 == limit(q + 200, 0, 255) &&
                    as_s16 == limit(q + 31, -32768, 32767);
        }
    CHECK(same);
    const float far[5] = {INFINITY, -INFINITY, FLT_MAX, -FLT_MAX, NAN};
    int8_t out[5];
    mica_quantize_s8(&s8, far, out, 5);
    CHECK(out[0] == 127 && out[1] == -128 && out[2] == 127 && out[3] == -128 && out[4] == -128);

    bool words = true;
    struct mica_requantize_s8_s16 up = {
        .in_zero = 3, .out_zero = -40, .multiplier = 1600000000, .shift = 7};
    struct mica_requantize_s16_s8 down = {
        .in_zero = -40, .out_zero = 3, .multiplier = 1441151881, .shift = -6};
    for (int i = 0; i < ALL; i++) {
        int16_t wide;
        int8_t narrow;
        mica_requantize_s8_s16(&up, &every[i], &wide, 1);
        mica_requantize_s16_s8(&down, &wide, &narrow, 1);
        words &= wide == mica_requantize(every[i] - 3, 1600000000, 7) - 40 && narrow == every[i];
    }
    CHECK(words);
}

/* The value of a float16 by its definition. */
static float half(uint16_t bits)
{
    int exponent = bits >> 10 & 31, fraction = bits & 1023;
    float size = exponent == 31 ? (fraction ? NAN : INFINITY)
                 : exponent     ? ldexpf((float)(1024 + fraction), exponent - 25)
                                : ldexpf((float)fraction, -24);
    return bits & 0x8000 ? -size : size;
}

static void test_dequantize(void)
{
    bool bytes = true, halves = true;
    struct mica_dequantize_s8 s8 = {.scale = 0.1f, .zero = -7};
    struct mica_dequantize_u8 u8 = {.scale = 0.1f, .zero = 130};
    struct mica_dequantize_s16 s16 = {.scale = 0.1f, .zero = 5};
    for (int i = 0; i < ALL; i++) {
        float out[3];
        uint8_t byte = (uint8_t)i;
        int16_t word = (int16_t)(i * 257 - 32768);
        mica_dequantize_s8(&s8, &every[i], &out[0], 1);
        mica_dequantize_u8(&u8, &byte, &out[1], 1);
        mica_dequantize_s16(&s16, &word, &out[2], 1);
        bytes &= out[0] == (float)((double)0.1f * (every[i] + 7)) &&
                 out[1] == (float)((double)0.1f * (i - 130)) &&
                 out[2] == (float)((double)0.1f * (word - 5));
    }
    CHECK(bytes);
    for (uint32_t bits = 0; bits <= UINT16_MAX; bits++) {
        uint16_t in = (uint16_t)bits;
        float out, want = half(in);
        mica_dequantize_f16(&in, &out, 1);
        halves &= isnan(want) ? isnan(out) : out == want && signbit(out) == signbit(want);
    }
    CHECK(halves);
}

int main(void)
{
    for (int i = 0; i < ALL; i++)
        every[i] = (int8_t)(i - 128);
    test_add();
    test_mul();
    test_dense();
    test_sums();
    test_moves();
    test_quantize();
    test_dequantize();
    return checks_end();
}
