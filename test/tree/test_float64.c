/* SPDX-License-Identifier: Apache-2.0 */
/* Float64 made of integers against the host's double: random operands, and all pairs of hostile
 * ones. */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "float64.h"
#include "harness.h"

static uint64_t state = 88172645463325252u;

static uint64_t random64(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static uint64_t bits_of(double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

static double number_of(uint64_t bits)
{
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static long wrong_add, wrong_divide, wrong_over, wrong_ratio, wrong_order, compared;

static void compare(double a, double b)
{
    if (!isfinite(a) || !isfinite(b) || !isfinite(a + b))
        return;
    compared++;
    wrong_add += mica_f64_add(bits_of(a), bits_of(b)) != bits_of(a + b);
    const int64_t x = mica_f64_order(bits_of(a)), y = mica_f64_order(bits_of(b));
    wrong_order += (x < y) != (a < b) || (x == y) != (a == b);
}

static void divide(double a, uint32_t n)
{
    if (isfinite(a))
        wrong_divide += mica_f64_divide(bits_of(a), n) != bits_of(a / n);
}

/* By any divisor that is above 0 and no denormal, unless the quotient leaves the numbers. */
static void divide_by(double a, double b)
{
    b = fabs(b);
    if (isfinite(a) && isfinite(b) && b >= DBL_MIN && isfinite(a / b))
        wrong_over += mica_f64_over(bits_of(a), bits_of(b)) != bits_of(a / b);
}

/* Exponents near each other, so that additions cancel, carry and round. */
static double near_one(int spread)
{
    const uint64_t r = random64();
    const uint64_t e = 1023 + random64() % (uint64_t)spread - (uint64_t)spread / 2;
    uint64_t fraction = r & UINT64_C(0xfffffffffffff);
    if (random64() % 4 == 0) /* few bits: ties */
        fraction &= UINT64_C(0xfffff0000000f) | (random64() & random64() & random64());
    return number_of((random64() & 1) << 63 | e << 52 | fraction);
}

static void test_random(void)
{
    for (long i = 0; i < 3000000; i++) {
        const int spread = 1 + (int)(random64() % 130);
        compare(near_one(spread), near_one(spread));
        compare(number_of(random64()), number_of(random64()));
        if (i % 4 == 0)
            compare(number_of(random64() & UINT64_C(0x800fffffffffffff)),
                    number_of(random64() & UINT64_C(0x803fffffffffffff)));
    }
    for (long i = 0; i < 1000000; i++) {
        const uint32_t n = 1 + (uint32_t)(random64() & 0x7ffffffe) % (1u << (1 + random64() % 15));
        const int32_t k = (int32_t)(random64() & 0xffffffff) >> (1 + random64() % 30);
        divide_by(near_one(60), near_one(60));
        divide_by(near_one(3), 1 + (double)n / 65536);
        divide_by(number_of(random64()), number_of(random64()));
        divide_by(number_of(random64() & UINT64_C(0x801fffffffffffff)), near_one(100));
        divide(near_one(60), n);
        divide(number_of(random64()), n);
        divide(number_of(random64() & UINT64_C(0x801fffffffffffff)), n);
        wrong_ratio += mica_f64_ratio(k, n) != bits_of((double)k / n);
    }
}

static void test_hostile(void)
{
    static const double size[] = {
        0,
        DBL_TRUE_MIN,
        3 * DBL_TRUE_MIN,
        DBL_MIN,
        DBL_MIN - DBL_TRUE_MIN,
        1,
        1 + DBL_EPSILON,
        1.5,
        2,
        0x1p52,
        0x1p53,
        0x1.fffffffffffffp52,
        0x1p-52,
        0x1p-53,
        0x1p-54,
        0x1.8p-53,
        0x1.0000000000001p-53,
        0x1p100,
        DBL_MAX / 2,
        0.1,
        3,
        1.0 / 3,
    };
    enum { N = sizeof size / sizeof size[0] };
    static const uint32_t n[] = {1, 2, 3, 5, 7, 10, 100, 255, 1000, 32768, 65535};
    for (int i = 0; i < 2 * N; i++) {
        const double a = i < N ? size[i] : -size[i - N];
        for (int j = 0; j < 2 * N; j++) {
            const double b = j < N ? size[j] : -size[j - N];
            for (int step = -2; step <= 2; step++)
                compare(a, number_of(bits_of(b) + (uint64_t)(b == 0 ? 0 : step)));
            divide_by(a, b);
        }
        for (size_t j = 0; j < sizeof n / sizeof n[0]; j++)
            divide(a, n[j]);
    }
    for (int32_t k = -300; k < 300; k++)
        for (uint32_t d = 1; d < 300; d++)
            if (k)
                wrong_ratio += mica_f64_ratio(k, d) != bits_of((double)k / d);
}

int main(void)
{
    test_random();
    test_hostile();
    CHECK(compared > 5000000);
    CHECK(wrong_add == 0);
    CHECK(wrong_order == 0);
    CHECK(wrong_divide == 0);
    CHECK(wrong_over == 0);
    CHECK(wrong_ratio == 0);
    return checks_end();
}
