/* SPDX-License-Identifier: Apache-2.0 */
/* Fixed-point functions and the int8 softmax: against the real functions, and against rows that
 * TensorFlow Lite Micro gave. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "fixed.h"
#include "harness.h"
#include "softmax_s8.h"

static void test_fixed(void)
{
    CHECK(mica_fixed_divide(5, 1) == 3 && mica_fixed_divide(-5, 1) == -3);
    CHECK(mica_fixed_divide(4, 3) == 1 && mica_fixed_divide(-4, 3) == -1);
    CHECK(mica_fixed_divide(3, 3) == 0 && mica_fixed_divide(-3, 3) == 0);
    CHECK(mica_fixed_divide(INT32_MIN, 31) == -1 && mica_fixed_divide(INT32_MAX, 31) == 1);
    CHECK(mica_fixed_divide(INT32_MIN, 0) == INT32_MIN);
    CHECK(mica_fixed_multiply(INT32_MIN, INT32_MIN) == INT32_MAX);
    CHECK(mica_fixed_multiply(INT32_C(1) << 30, INT32_C(1) << 30) == INT32_C(1) << 29);
    CHECK(mica_fixed_multiply(-1, INT32_C(1) << 30) == 0);
    CHECK(mica_fixed_shift(INT32_MAX / 2 + 1, 1) == INT32_MAX);
    CHECK(mica_fixed_shift(INT32_MIN / 2 - 1, 1) == INT32_MIN);
    CHECK(mica_fixed_shift(-3, 4) == -48 && mica_fixed_shift(INT32_MIN / 2, 1) == INT32_MIN);
}

/* Within the remainder of a polynomial of the fourth degree at 1/8 from its centre,
 * (1/8)^5 / 120 = 2.55e-7, over all of both formats. */
static void test_exp(void)
{
    double worst[2] = {0, 0};
    for (int before = 4; before <= 5; before++)
        for (int64_t x = 0; x >= INT32_MIN; x -= 5003) {
            double want = exp(ldexp((double)x, before - 31));
            double got = ldexp((double)mica_fixed_exp((int32_t)x, before), -31);
            worst[before - 4] = fmax(worst[before - 4], fabs(got - want));
        }
    CHECK(worst[0] < 2.6e-7);
    CHECK(worst[1] < 2.6e-7);
    CHECK(mica_fixed_exp(0, 5) == INT32_MAX);
}

static void test_reciprocal(void)
{
    double worst = 0;
    for (int64_t x = 0; x <= INT32_MAX; x += 4999) {
        double want = 2.0 / (1.0 + ldexp((double)x, -31));
        double got = ldexp((double)mica_fixed_reciprocal((int32_t)x), -29);
        worst = fmax(worst, fabs(got - want));
    }
    CHECK(worst < 2e-8);
}

/* The parameters for a scale times beta, as the compiler computes them. */
static struct mica_softmax_s8 params(double scale)
{
    int shift;
    double fraction = frexp(scale * (double)(INT32_C(1) << 26), &shift);
    return (struct mica_softmax_s8){.multiplier = (int32_t)round(ldexp(fraction, 31)),
                                    .shift = (int8_t)shift,
                                    .difference_min = -(int32_t)((INT64_C(31) << 26) >> shift)};
}

static void test_rows(void)
{
    static const struct {
        double scale;
        int n;
        int8_t in[8], want[8];
    } rows[] = {
        {0.1f,
         8,
         {-128, -60, 0, 10, 40, 100, 127, 127},
         {-128, -128, -128, -128, -128, -120, -4, -4}},
        {0.00390625f, 5, {-128, -64, 0, 64, 127}, {-99, -90, -80, -66, -49}},
        {1.0f, 7, {5, 4, 3, 2, 1, 0, -1}, {34, -68, -106, -120, -125, -127, -128}},
        {0.1f, 1, {-7}, {127}},
        {0.1f, 2, {-128, -128}, {0, 0}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct mica_softmax_s8 p = params(rows[i].scale);
        int8_t out[8], in_place[8];
        memcpy(in_place, rows[i].in, sizeof in_place);
        mica_softmax_s8(&p, rows[i].in, out, rows[i].n);
        mica_softmax_s8(&p, in_place, in_place, rows[i].n);
        CHECK(!memcmp(out, rows[i].want, (size_t)rows[i].n));
        CHECK(!memcmp(in_place, rows[i].want, (size_t)rows[i].n));
    }
}

/* At most one step from the real softmax, for drawn rows of all lengths up to 4095. */
static void test_real(void)
{
    static int8_t in[4095], out[4095];
    uint32_t state = 7;
    int worst = 0;
    for (int n = 1; n <= 4095; n = n * 3 / 2 + 1)
        for (int round_of = 0; round_of < 20; round_of++) {
            double scale = ldexp(1.0, -(round_of % 10)), sum = 0;
            struct mica_softmax_s8 p = params(scale);
            int max = -128;
            for (int i = 0; i < n; i++) {
                state = state * UINT32_C(1664525) + UINT32_C(1013904223);
                in[i] = (int8_t)((int32_t)(state >> 24) - 128);
                max = in[i] > max ? in[i] : max;
            }
            for (int i = 0; i < n; i++)
                sum += exp(scale * (in[i] - max));
            mica_softmax_s8(&p, in, out, n);
            for (int i = 0; i < n; i++) {
                int want = (int)round(256 * exp(scale * (in[i] - max)) / sum) - 128;
                int step = abs(out[i] - (want > 127 ? 127 : want));
                worst = step > worst ? step : worst;
            }
        }
    CHECK(worst <= 1);
    /* Where all are equal and many, each share is below half a step. */
    memset(in, 5, sizeof in);
    struct mica_softmax_s8 p = params(1.0);
    mica_softmax_s8(&p, in, out, 4095);
    CHECK(out[0] == -128 && out[4094] == -128);
    mica_softmax_s8(&p, in, out, 511);
    CHECK(out[0] == -127 && out[510] == -127); /* 256/511 */
}

int main(void)
{
    test_fixed();
    test_exp();
    test_reciprocal();
    test_rows();
    test_real();
    return checks_end();
}
