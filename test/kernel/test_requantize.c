/* SPDX-License-Identifier: Apache-2.0 */
/* Requantisation of every profile and saturation, against the references' formulas written out. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "harness.h"
#include "requantize.h"
#include "saturate.h"
#include "scale_f64.h"

#undef MICA_REQUANTIZE_H
#define mica_requantize single_requantize
#include "../../kernels/profile/single/requantize.h"
#undef mica_requantize

/* gemmlowp's SaturatingRoundingDoublingHighMul: a nudge by the sign, then C's truncation. */
static int32_t high_multiply(int32_t a, int32_t b)
{
    int64_t product = (int64_t)a * b;
    int64_t nudge = product >= 0 ? INT64_C(1) << 30 : 1 - (INT64_C(1) << 30);
    return (int32_t)((product + nudge) / (INT64_C(1) << 31));
}

/* gemmlowp's RoundingDivideByPOT: ties away from zero. */
static int32_t divide_by_power(int32_t x, int exponent)
{
    int64_t half = exponent ? INT64_C(1) << (exponent - 1) : 0;
    int64_t size = llabs((int64_t)x) + half;
    int32_t rounded = (int32_t)(size >> exponent);
    return x < 0 ? -rounded : rounded;
}

static int32_t two_roundings(int32_t x, int32_t multiplier, int shift)
{
    int32_t wide = (int32_t)((uint32_t)x * (shift > 0 ? UINT32_C(1) << shift : 1));
    return divide_by_power(high_multiply(wide, multiplier), shift < 0 ? -shift : 0);
}

/* floor(x * multiplier * 2^(shift - 31) + 1/2): one rounding, ties up. */
static int32_t one_rounding(int32_t x, int32_t multiplier, int shift)
{
    int64_t unit = INT64_C(1) << (31 - shift);
    int64_t sum = (int64_t)x * multiplier + unit / 2;
    return (int32_t)(sum / unit - (sum % unit < 0));
}

/* SplitMix64. */
static uint64_t draw(void)
{
    static uint64_t state = 20240607;
    uint64_t z = state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

/* All sizes are as likely: values near zero matter as much as large ones. */
static int32_t draw_number(void)
{
    return (int32_t)(uint32_t)draw() >> (draw() % 32);
}

static void test_two_roundings(void)
{
    bool same = true;
    for (int i = 0; i < 3000000; i++) {
        int32_t x = draw_number();
        int32_t m = (int32_t)(INT32_C(1) << 30 | (int32_t)(draw() & 0x3FFFFFFF));
        int shift = (int)(draw() % 62) - 31;
        int32_t want = two_roundings(x, m, shift);
        same &= mica_requantize(x, m, shift) == want;
    }
    CHECK(same);
    CHECK(mica_requantize(0, 0, 0) == 0);
    CHECK(mica_requantize(INT32_MIN, INT32_MAX, 0) == -INT32_MAX);
    CHECK(mica_requantize(1, INT32_C(1) << 30, 0) == 1);  /* 1/2: up */
    CHECK(mica_requantize(-1, INT32_C(1) << 30, 0) == 0); /* -1/2: up as well, at first */
    CHECK(mica_requantize(-3, INT32_C(1) << 30, -1) == -1);
    CHECK(mica_requantize(-6, INT32_C(1) << 30, -1) == -2); /* -3/2 in the second: away from 0 */
}

static void test_one_rounding(void)
{
    bool same = true;
    for (int i = 0; i < 3000000; i++) {
        int shift = (int)(draw() % 62) - 31;
        int32_t x = draw_number() >> (shift > 0 ? shift : 0);
        int32_t m = (int32_t)(INT32_C(1) << 30 | (int32_t)(draw() & 0x3FFFFFFF));
        same &= single_requantize(x, m, shift) == one_rounding(x, m, shift);
    }
    CHECK(same);
    CHECK(single_requantize(-1, INT32_C(1) << 30, 0) == 0);
    CHECK(single_requantize(-6, INT32_C(1) << 30, -1) == -1); /* -3/2: up */
}

/* What converting a double to int32 gives on x86: INT32_MIN where it does not fit. */
static int32_t from_double(double x)
{
    return x > INT32_MAX || x < INT32_MIN ? INT32_MIN : (int32_t)x;
}

static bool scales_as_double(int32_t x, double scale)
{
    int exponent;
    int64_t bits = (int64_t)ldexp(frexp(scale, &exponent), 53);
    int32_t got = mica_scale_f64(x, (int32_t)(bits >> 32), (uint32_t)bits, 53 - exponent);
    return got == from_double(round((double)x * scale));
}

static void test_scale_f64(void)
{
    bool same = true, ties = true;
    for (int i = 0; i < 2000000; i++) {
        double scale = ldexp(1.0 + ldexp((double)(draw() >> 12), -52), (int)(draw() % 92) - 62);
        same &= scales_as_double(draw_number(), scale);
    }
    CHECK(same);
    /* Scales whose products lie a hair below a tie, where float64's own rounding decides. */
    for (int32_t x = 1; x < 2000; x++)
        for (int32_t half = 1; half < 256; half += 2) {
            double scale = half / (2.0 * x);
            ties &= scales_as_double(x, scale) && scales_as_double(-x, scale);
            ties &= scales_as_double(x, nextafter(scale, 0)) &&
                    scales_as_double(x, nextafter(scale, 1e9));
        }
    CHECK(ties);
    CHECK(scales_as_double(INT32_MIN, 1.0) && scales_as_double(INT32_MAX, 1.0));
    CHECK(scales_as_double(INT32_MAX, 1.5) && scales_as_double(-5, 1e15));
    CHECK(mica_scale_f64(123, 0, 0, 1) == 0);
}

static void test_saturate(void)
{
    bool same = true;
    for (int32_t x = -400; x <= 400; x++)
        for (int zero = -128; zero < 128; zero++) {
            int32_t all = x + zero < -128 ? -128 : x + zero > 127 ? 127 : x + zero;
            int32_t part = all < -3 ? -3 : all > 99 ? 99 : all;
            same &= mica_saturate_s8(x, zero, -128, 127) == all;
            same &= mica_saturate_s8(x, zero, -3, 99) == part;
        }
    CHECK(same);
    CHECK(mica_saturate_s8(INT32_MAX, 1, -128, 127) == -128); /* wraps as the reference's sum */
    CHECK(mica_saturate_s8(INT32_MIN, 0, -128, 127) == -128);
}

int main(void)
{
    test_two_roundings();
    test_one_rounding();
    test_scale_f64();
    test_saturate();
    return checks_end();
}
