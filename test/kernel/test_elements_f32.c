/* SPDX-License-Identifier: Apache-2.0 */
/* Float kernels without windows: sums over vectors, and element by element with the values where
 * comparisons and bounds matter. */
#include <float.h>
#include <math.h>
#include <stdint.h>

#include "add_f32.h"
#include "average_sums_f32.h"
#include "clamp_f32.h"
#include "dense_f32.h"
#include "hard_swish_f32.h"
#include "harness.h"
#include "leaky_relu_f32.h"
#include "mean_f32.h"
#include "mul_f32.h"
#include "relu_f32.h"
#include "softmax_f32.h"
#include "sub_f32.h"
#include "sum_f32.h"
#include "zero_f32.h"

static bool equal(const float *got, const float *want, int n)
{
    bool same = true;
    for (int i = 0; i < n; i++)
        same &= got[i] == want[i] || (isnan(got[i]) && isnan(want[i]));
    return same;
}

#define CHECK_EQUAL(got, ...)                                           \
    do {                                                                \
        const float want[] = {__VA_ARGS__};                             \
        CHECK(equal((got), want, (int)(sizeof want / sizeof want[0]))); \
    } while (0)

static void test_binary(void)
{
    const float a[4] = {1.5f, -2.0f, INFINITY, NAN}, b[4] = {0.25f, 8.0f, 1.0f, 1.0f};
    float out[4];
    struct mica_add_f32 add = {.a_step = 1, .b_step = 1, .out_min = -FLT_MAX, .out_max = FLT_MAX};
    mica_add_f32(&add, a, b, out, 4);
    CHECK_EQUAL(out, 1.75f, 6.0f, FLT_MAX, NAN);
    add.b_step = 0;
    add.out_max = 1.75f;
    mica_add_f32(&add, a, b, out, 4);
    CHECK_EQUAL(out, 1.75f, -1.75f, 1.75f, NAN);
    struct mica_sub_f32 sub = {.a_step = 0, .b_step = 1, .out_min = 0.0f, .out_max = FLT_MAX};
    mica_sub_f32(&sub, a, b, out, 3);
    CHECK_EQUAL(out, 1.25f, 0.0f, 0.5f);
    struct mica_mul_f32 mul = {.a_step = 1, .b_step = 1, .out_min = -6.0f, .out_max = FLT_MAX};
    mica_mul_f32(&mul, a, b, out, 4);
    CHECK_EQUAL(out, 0.375f, -6.0f, FLT_MAX, NAN);
}

static void test_unary(void)
{
    const float in[] = {-INFINITY, -4.0f, -1.5f, 0.0f, 1.5f, 8.0f, INFINITY, NAN};
    float out[8];
    mica_relu_f32(in, out, 8);
    CHECK_EQUAL(out, 0.0f, 0.0f, 0.0f, 0.0f, 1.5f, 8.0f, INFINITY, NAN);
    struct mica_clamp_f32 clamp = {.min = -1.0f, .max = 1.0f};
    mica_clamp_f32(&clamp, in, out, 8);
    CHECK_EQUAL(out, -1.0f, -1.0f, -1.0f, 0.0f, 1.0f, 1.0f, 1.0f, NAN);
    struct mica_leaky_relu_f32 leaky = {.alpha = 0.25f};
    mica_leaky_relu_f32(&leaky, in, out, 8);
    CHECK_EQUAL(out, -INFINITY, -1.0f, -0.375f, 0.0f, 1.5f, 8.0f, INFINITY, NAN);
    mica_hard_swish_f32(in, out, 8);
    CHECK_EQUAL(out, NAN, 0.0f, -0.375f, 0.0f, 1.125f, 8.0f, INFINITY, NAN);
    float same[8];
    memcpy(same, in, sizeof same);
    mica_hard_swish_f32(same, same, 8);
    CHECK(equal(same, out, 8));
}

static void test_dense(void)
{
    const float in[3] = {1.0f, -2.0f, 0.5f}, weights[6] = {1, 2, 3, -4, 5, 6}, bias[2] = {10, 20};
    float out[2];
    struct mica_dense_f32 p = {
        .in_n = 3, .out_n = 2, .out_min = -FLT_MAX, .out_max = FLT_MAX, .weights = weights};
    mica_dense_f32(&p, in, out);
    CHECK_EQUAL(out, -1.5f, -11.0f);
    p.bias = bias;
    p.out_max = 8.75f;
    mica_dense_f32(&p, in, out);
    CHECK_EQUAL(out, 8.5f, 8.75f);
    /* From first to last: the small one is lost between the large ones, the bias is not. */
    const float large[3] = {0x1p30f, 1.0f, -0x1p30f}, ones[3] = {1, 1, 1}, small = 0.5f;
    p = (struct mica_dense_f32){.in_n = 3,
                                .out_n = 1,
                                .out_min = -FLT_MAX,
                                .out_max = FLT_MAX,
                                .weights = ones,
                                .bias = &small};
    mica_dense_f32(&p, large, out);
    CHECK_EQUAL(out, 0.5f);
}

static void test_mean(void)
{
    const float in[6] = {1, 2, 3, 4, 5, 7};
    float sums[2] = {99, 99};
    struct mica_sum_f32 p = {.width = 2};
    mica_zero_f32(sums, 2);
    CHECK_EQUAL(sums, 0.0f, 0.0f);
    mica_sum_f32(&p, in, sums, 2);
    CHECK_EQUAL(sums, 4.0f, 6.0f);
    mica_sum_f32(&p, in + 4, sums, 1);
    CHECK_EQUAL(sums, 9.0f, 13.0f);
    struct mica_average_sums_f32 pool = {.divisor = 4.0f, .out_min = 0.0f, .out_max = 3.0f};
    float out[2];
    mica_average_sums_f32(&pool, sums, out, 2);
    CHECK_EQUAL(out, 2.25f, 3.0f);
    struct mica_mean_f32 mean = {.divisor = 3.0f};
    mica_mean_f32(&mean, sums, sums, 2);
    CHECK_EQUAL(sums, 3.0f, 13.0f / 3.0f);
}

/* Against double: each power is off by less than a unit, their sum by less than n of them. */
static void test_softmax(void)
{
    const float betas[] = {1.0f, 0.25f, 3.0f};
    for (int k = 0; k < 3; k++) {
        float in[50], out[50];
        double sum = 0.0;
        for (int i = 0; i < 50; i++) {
            in[i] = (float)(i * 37 % 50) * 0.375f - 4.0f;
            sum += exp((double)betas[k] * (double)in[i]);
        }
        struct mica_softmax_f32 p = {.beta = betas[k]};
        mica_softmax_f32(&p, in, out, 50);
        bool near = true;
        for (int i = 0; i < 50; i++) {
            double want = exp((double)betas[k] * (double)in[i]) / sum;
            near &= fabs((double)out[i] - want) <= 3e-6 * want;
        }
        CHECK(near);
        mica_softmax_f32(&p, in, in, 50);
        CHECK(equal(in, out, 50));
    }
    const float far[3] = {-1000.0f, 1000.0f, 1000.0f};
    float out[3];
    struct mica_softmax_f32 p = {.beta = 1.0f};
    mica_softmax_f32(&p, far, out, 3);
    CHECK_EQUAL(out, 0.0f, 0.5f, 0.5f);
    mica_softmax_f32(&p, far, out, 1);
    CHECK_EQUAL(out, 1.0f);
}

int main(void)
{
    test_binary();
    test_unary();
    test_dense();
    test_mean();
    test_softmax();
    return checks_end();
}
