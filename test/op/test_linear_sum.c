/* SPDX-License-Identifier: Apache-2.0 */
/* Sums as linear functions: what is found is right for every pair of bytes, nearly every pair of
 * scales has one, and where there cannot be one none is found. */
#include <math.h>
#include <stdlib.h>

#include "add_linear_s8.h"
#include "add_s8.h"
#include "harness.h"
#include "op/linear_sum.h"

enum { ALL = 256, SETS = 300 };

static uint32_t seed = 7;

static double draw_unit(void)
{
    seed = seed * UINT32_C(1664525) + UINT32_C(1013904223);
    return (seed >> 8) / 16777216.0;
}

static int draw(int from, int to)
{
    return from + (int)(draw_unit() * (to - from + 1));
}

static int32_t quantize(double real, int8_t *shift)
{
    int exponent;
    const double fraction = frexp(real, &exponent);
    int64_t q = llround(fraction * 0x1p31);
    if (q == INT64_C(1) << 31) {
        q /= 2;
        exponent++;
    }
    *shift = (int8_t)exponent;
    return (int32_t)q;
}

/* A sum of tensors of the given scales. */
static struct mica_add_s8 draw_sum(const double scale[3], double slope[2])
{
    const double twice = 2 * (scale[0] > scale[1] ? scale[0] : scale[1]);
    struct mica_add_s8 p = {.a_zero = (int16_t)draw(-128, 127),
                            .b_zero = (int16_t)draw(-128, 127),
                            .out_zero = (int16_t)draw(-128, 127),
                            .out_min = -128,
                            .out_max = 127,
                            .a_step = 1,
                            .b_step = 1,
                            .b_sign = (int8_t)(draw(0, 1) ? 1 : -1)};
    if (draw(0, 1))
        p.out_min = p.out_zero;
    p.a_multiplier = quantize(scale[0] / twice, &p.a_shift);
    p.b_multiplier = quantize(scale[1] / twice, &p.b_shift);
    p.out_multiplier = quantize(twice / (0x1p20 * scale[2]), &p.out_shift);
    slope[0] = scale[0] / scale[2];
    slope[1] = scale[1] / scale[2] * p.b_sign;
    return p;
}

/* The reference kernel over all pairs of bytes; then both kernels' bytes are compared. */
static bool find_and_compare(const struct mica_add_s8 *p, const double slope[2], bool *same)
{
    static int8_t want[ALL * ALL], a[ALL], b[ALL], out[ALL];
    struct linear linear;
    for (int i = 0; i < ALL; i++)
        b[i] = (int8_t)(i - 128);
    for (int i = 0; i < ALL; i++) {
        for (int k = 0; k < ALL; k++)
            a[k] = (int8_t)(i - 128);
        mica_add_s8(p, a, b, want + ALL * i, ALL);
    }
    if (!linear_find(slope, want, p->out_min, p->out_max, &linear))
        return false;
    const struct mica_add_linear_s8 fast = {
        linear.multiplier[0], linear.multiplier[1], linear.offset, p->out_min, p->out_max, 1, 1};
    *same = true;
    for (int i = 0; i < ALL; i++) {
        for (int k = 0; k < ALL; k++)
            a[k] = (int8_t)(i - 128);
        mica_add_linear_s8(&fast, a, b, out, ALL);
        for (int k = 0; k < ALL; k++)
            *same = *same && out[k] == want[ALL * i + k];
    }
    return true;
}

int main(void)
{
    int found = 0;
    for (int i = 0; i < SETS; i++) {
        const double scale[3] = {exp(draw_unit() * 2), exp(draw_unit() * 2),
                                 exp(1 + draw_unit() * 2)}; /* slopes up to 2.7 */
        double slope[2];
        const struct mica_add_s8 p = draw_sum(scale, slope);
        bool same = false;
        if (find_and_compare(&p, slope, &same)) {
            found++;
            CHECK(same);
        }
    }
    printf("%d of %d sums are linear\n", found, SETS);
    CHECK(found > SETS * 9 / 10);

    /* A slope that no 32-bit multiplier holds, and bytes that no line goes through. */
    static int8_t bent[ALL * ALL];
    struct linear linear;
    CHECK(!linear_find((const double[]){4.0, 0.5}, bent, -128, 127, &linear));
    for (int i = 0; i < ALL * ALL; i++)
        bent[i] = (int8_t)((int64_t)i * i % 100);
    CHECK(!linear_find((const double[]){0.5, 0.5}, bent, -128, 127, &linear));
    return checks_end();
}
