/* SPDX-License-Identifier: Apache-2.0 */
/* Labels of a float32 softmax with near ties, as cores without a unit for floats find them, against
 * the same steps with exponentials that are the nearest float32, and with the host's expf. */
#define MICA_FLOAT_UNIT 0
#include <math.h>

#include "harness.h"
#include "softmax_near.h"

static uint64_t state = 0x9e3779b97f4a7c15u;

static uint32_t random32(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32);
}

static float nearest_exp(float d)
{
    return (float)exp((double)d);
}

static int first_of_softmax(const float *x, int n, float (*power)(float))
{
    float e[8], most = x[0];
    double sum = 0;
    int best = 0;
    for (int i = 1; i < n; i++)
        most = fmaxf(most, x[i]);
    for (int i = 0; i < n; i++) {
        e[i] = power(x[i] - most);
        sum += (double)e[i];
    }
    for (int i = 0; i < n; i++)
        e[i] /= (float)sum;
    for (int i = 1; i < n; i++)
        if (e[i] > e[best])
            best = i;
    return best;
}

static int first_here(const float *x, int n)
{
    int best = 0;
    for (int i = 1; i < n; i++)
        if (x[i] > x[best])
            best = i;
    for (int i = 0; i < best; i++)
        if (mica_softmax_equal(x, n, x[best], x[i]))
            return i;
    return best;
}

/* Scores of which several lie a few steps below the largest. */
static void test_near_ties(void)
{
    long wrong = 0, unlike_expf = 0, not_largest = 0;
    for (long row = 0; row < 2000000; row++) {
        float x[8];
        const int n = 2 + (int)(random32() % 7);
        const float scale = ldexpf(1, (int)(random32() % 12) - 8);
        for (int i = 0; i < n; i++)
            x[i] = ((float)random32() * 0x1p-31f - 1) * scale * 4;
        int best = 0;
        for (int i = 1; i < n; i++)
            if (x[i] > x[best])
                best = i;
        for (int i = 0; i < best; i++) {
            if (random32() % 2)
                continue;
            x[i] = x[best];
            if (random32() % 2)
                x[i] -= (float)(random32() % 64) * 0x1p-28f;
            for (uint32_t k = random32() % 4; k > 0; k--)
                x[i] = nextafterf(x[i], -INFINITY);
        }
        const int want = first_of_softmax(x, n, nearest_exp);
        best = 0;
        for (int i = 1; i < n; i++)
            if (x[i] > x[best])
                best = i;
        not_largest += want != best;
        wrong += first_here(x, n) != want;
        unlike_expf += first_here(x, n) != first_of_softmax(x, n, expf);
    }
    CHECK(not_largest > 10000);
    CHECK(wrong == 0);
    CHECK(unlike_expf <= not_largest / 5000); /* where expf does not give the nearest number */
}

/* Quotients near 1 and of all numbers, against the host's division. */
static void test_quotients(void)
{
    long wrong = 0;
    for (long i = 0; i < 1000000; i++) {
        const uint32_t low = 1u << 23, near = i % 2 ? low : 2 * low - 64;
        const uint32_t s = i < 256 ? near + (uint32_t)i / 4 : low + random32() % (low + 1);
        uint32_t q[3];
        float f[3];
        for (uint32_t j = 0; j < 3; j++) {
            q[j] = mica_softmax_quotient((1u << 24) - j, s);
            f[j] = ((float)(1 << 24) - (float)j) / (float)s;
        }
        for (int j = 1; j < 3; j++)
            wrong += (q[0] > q[j]) != (f[0] > f[j]) || (q[0] < q[j]);
    }
    CHECK(wrong == 0);
}

static void test_exponentials(void)
{
    long wrong = 0;
    for (long i = 0; i < 1000000; i++) {
        const float t = (float)random32() * 0x1p-32f * ldexpf(1, (int)(random32() % 8) - 3);
        const double want = rint(ldexp((double)(float)exp(-(double)t), 48));
        const double got = (double)mica_softmax_power(t);
        wrong += fabs(got - floor(want)) > 1 && t < 31;
    }
    CHECK(wrong <= 30); /* within 2^-41 of the middle of two numbers either may be taken */
    CHECK(mica_softmax_power(0) == UINT64_C(1) << 48);
    CHECK(mica_softmax_power(100) == 0);
}

int main(void)
{
    test_near_ties();
    test_quotients();
    test_exponentials();
    return checks_end();
}
