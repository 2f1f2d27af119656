/* SPDX-License-Identifier: Apache-2.0 */
/* Linear sums against the formula in 64 bits: all pairs of bytes, then lengths, alignments, limits
 * and inputs that repeat. */
#include "layer.h"

#include "add_linear_s8.h"

enum { ALL = 256, LENGTH_MAX = 37 };

static int64_t product(int32_t multiplier, int8_t x)
{
    const int64_t wide = (int64_t)multiplier * x;
    return (wide - (int64_t)((uint64_t)wide & 255)) / 256;
}

static int8_t formula(const struct mica_add_linear_s8 *p, int8_t a, int8_t b)
{
    const int64_t sum = p->offset + product(p->a_multiplier, a) + product(p->b_multiplier, b);
    const int64_t rest = (int64_t)((uint64_t)sum & ((1 << 20) - 1)), x = (sum - rest) / (1 << 20);
    return (int8_t)(x < p->out_min ? p->out_min : x > p->out_max ? p->out_max : x);
}

/* Numbers of which no sum leaves 32 bits. */
static struct mica_add_linear_s8 draw_params(void)
{
    const int32_t limit = 1 << draw(10, 30), zero = 1024 * draw(-200 * 1024, 200 * 1024);
    struct mica_add_linear_s8 p = {draw(-limit, limit), draw(-limit, limit), zero, -128, 127, 1, 1};
    if (!draw(0, 2)) {
        p.out_min = (int16_t)draw(-128, 0);
        p.out_max = (int16_t)draw(0, 127);
    }
    return p;
}

static void check_pairs(void)
{
    int8_t a[ALL], b[ALL], out[ALL];
    const struct mica_add_linear_s8 p = draw_params();
    bool good = true;
    for (int i = 0; i < ALL; i++)
        a[i] = (int8_t)(i - 128);
    for (int k = 0; k < ALL; k++) {
        memset(b, k - 128, sizeof b);
        mica_add_linear_s8(&p, a, b, out, ALL);
        for (int i = 0; i < ALL; i++)
            good = good && out[i] == formula(&p, a[i], b[i]);
    }
    CHECK(good);
}

/* n elements from odd addresses, into memory of its own or over an input. */
static void check_run(int32_t n, int place)
{
    int8_t a[LENGTH_MAX + 3], b[LENGTH_MAX + 3], was[2][LENGTH_MAX + 3];
    struct mica_add_linear_s8 p = draw_params();
    int8_t *fresh = fenced((size_t)n), *x = a + draw(0, 3), *y = b + draw(0, 3);
    int8_t *out = place == 1 ? x : place == 2 ? y : fresh;
    p.a_step = place == 0 ? (int8_t)draw(0, 1) : 1;
    p.b_step = place == 0 ? (int8_t)draw(0, 1) : 1;
    for (int32_t i = 0; i < n; i++) {
        x[i] = was[0][i] = draw_number((enum numbers)draw(0, 2), -128);
        y[i] = was[1][i] = draw_number((enum numbers)draw(0, 2), -128);
    }
    mica_add_linear_s8(&p, x, y, out, n);
    bool good = fence_holds(fresh, (size_t)n);
    for (int32_t i = 0; i < n; i++)
        good = good && out[i] == formula(&p, was[0][i * p.a_step], was[1][i * p.b_step]);
    CHECK(good);
    free(fresh);
}

int main(void)
{
    for (int i = 0; i < 10 + TEST_RANDOM / 100; i++)
        check_pairs();
    for (int i = 0; i < 10 + TEST_RANDOM / 10; i++)
        for (int32_t n = 1; n <= LENGTH_MAX; n++)
            check_run(n, i % 3);
    return checks_end();
}
