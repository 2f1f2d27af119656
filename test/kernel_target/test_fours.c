/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels that take elements four and more at a time, without windows: against the plain ones or
 * the formula, in every length around a word, from every address. */
#include "layer.h"

#include "average_inverse_s16_s8.h"
#include "clamp_fours_s8.h"
#include "fixed.h"
#include "mean_s16_s8.h"
#include "mean_twice_s16_s8.h"
#include "mul_fours_s8.h"
#include "mul_s8.h"
#include "softmax_s8.h"
#include "softmax_table_s8.h"
#include "sum_fours_s8.h"
#include "sum_fours_s8_s16.h"
#include "table_fours_s8.h"

enum { ALL = 256, LENGTH_MAX = 37, WIDTH_MAX = 40, PIXELS_MAX = 600, IN_MAX = 1 << 14 };

static int8_t input[IN_MAX + 4];

/* `n` drawn bytes at any address. */
static int8_t *draw_input(int32_t n)
{
    const enum numbers kind = (enum numbers)draw(0, 2);
    int8_t *at = input + draw(0, 3);
    for (int32_t i = 0; i < n; i++)
        at[i] = draw_number(kind, -128);
    return at;
}

/* ---- averages -------------------------------------------------------------------------------- */

/* Every sum of every count. */
static void check_inverse(void)
{
    const int32_t step = TEST_EVERY ? 1 : 7;
    for (int32_t count = 1; count <= MICA_INVERSE_MAX; count++) {
        const struct mica_average_inverse_s16_s8 p = {mica_inverse(count), -128, 127};
        bool good = true;
        for (int32_t sum = -128 * count; sum <= 127 * count; sum += sum % 5 ? 1 : step) {
            const int16_t in = (int16_t)sum;
            const int32_t half = sum > 0 ? count / 2 : -(count / 2);
            int8_t out;
            mica_average_inverse_s16_s8(&p, &in, &out, 1);
            good = good && out == (sum + half) / count;
        }
        CHECK(good);
    }
    const struct mica_average_inverse_s16_s8 narrow = {mica_inverse(2), -3, 4};
    const int16_t sums[5] = {3, -3, 100, -100, 0};
    int8_t *out = fenced(4);
    mica_average_inverse_s16_s8(&narrow, sums, out, 4);
    CHECK(out[0] == 2 && out[1] == -2 && out[2] == 4 && out[3] == -3 && fence_holds(out, 4));
    free(out);
}

/* All sums of a count, scales of every class. */
static void check_mean(int32_t count)
{
    const int32_t zero = draw(-128, 127), multiplier = draw_multiplier(), shift = -draw(1, 20);
    const int16_t out_zero = (int16_t)draw(-128, 127);
    const struct mica_mean_s16_s8 plain = {zero * count, multiplier, (int8_t)shift, out_zero};
    int32_t twice[3];
    if (!pack_twice(255 * count, multiplier, shift, out_zero, twice))
        return;
    const struct mica_mean_twice_s16_s8 p = {-2 * zero * count, twice[0], twice[1], twice[2]};
    int8_t *out = fenced(1), want;
    bool good = true;
    for (int32_t sum = -128 * count; sum <= 127 * count; sum++) {
        const int16_t in[2] = {(int16_t)sum, (int16_t)sum};
        mica_mean_s16_s8(&plain, in, &want, 1);
        mica_mean_twice_s16_s8(&p, in, out, 1);
        good = good && *out == want;
    }
    CHECK(good && fence_holds(out, 1));
    free(out);
}

/* n pixels of `width` channels onto sums that are there already. */
static void check_sums(int32_t width, int32_t n)
{
    const struct mica_sum_fours_s8 p = {width};
    const struct mica_sum_fours_s8_s16 p_s16 = {width};
    const int8_t *in = draw_input(width * n);
    const size_t bytes = (size_t)width * 4;
    int32_t *sums = fenced(bytes), want[WIDTH_MAX];
    int16_t *sums_s16 = fenced(bytes / 2);
    for (int32_t c = 0; c < width; c++)
        want[c] = sums[c] = sums_s16[c] = (int16_t)draw(-1, 0);
    for (int32_t i = 0; i < n * width; i++)
        want[i % width] += in[i];
    mica_sum_fours_s8(&p, in, sums, n);
    bool good = !memcmp(sums, want, bytes) && fence_holds(sums, bytes);
    if (n <= 255) {
        mica_sum_fours_s8_s16(&p_s16, in, sums_s16, n);
        for (int32_t c = 0; c < width; c++)
            good = good && sums_s16[c] == want[c];
    }
    CHECK(good && fence_holds(sums_s16, bytes / 2));
    free(sums);
    free(sums_s16);
}

/* ---- products -------------------------------------------------------------------------------- */

static bool draw_mul(struct mica_mul_s8 *plain, struct mica_mul_fours_s8 *p)
{
    int32_t twice[3];
    *plain = (struct mica_mul_s8){.a_zero = (int16_t)draw(-128, 127),
                                  .b_zero = (int16_t)draw(-128, 127),
                                  .out_zero = (int16_t)(draw(0, 3) ? draw(-128, 127) : -128),
                                  .out_min = -128,
                                  .out_max = 127,
                                  .a_step = 1,
                                  .b_step = 1,
                                  .shift = (int8_t)-draw(1, 24),
                                  .multiplier = draw_multiplier()};
    if (!draw(0, 3)) {
        plain->out_min = (int16_t)draw(-128, 0);
        plain->out_max = (int16_t)draw(0, 127);
    }
    if (!pack_twice(255 * 255, plain->multiplier, plain->shift, plain->out_zero, twice))
        return false;
    *p = (struct mica_mul_fours_s8){
        twice[0],       twice[1], twice[2], plain->a_zero, plain->b_zero, plain->out_min,
        plain->out_max, 1,        1};
    return true;
}

static void check_mul_pairs(void)
{
    struct mica_mul_s8 plain;
    struct mica_mul_fours_s8 p;
    int8_t a[ALL], b[ALL], out[ALL];
    const bool drawn = draw_mul(&plain, &p);
    const struct pack_layer l = {.multiplier = &plain.multiplier,
                                 .shift = &plain.shift,
                                 .out_zero = plain.out_zero,
                                 .out_min = plain.out_min,
                                 .out_max = plain.out_max,
                                 .single = TEST_SINGLE};
    bool good = true;
    for (int i = 0; i < ALL; i++)
        a[i] = (int8_t)(i - 128);
    for (int k = 0; k < ALL && drawn; k++) {
        memset(b, k - 128, sizeof b);
        mica_mul_fours_s8(&p, a, b, out, ALL);
        for (int i = 0; i < ALL; i++)
            good = good &&
                   out[i] == reference(&l, 0, (a[i] - plain.a_zero) * (k - 128 - plain.b_zero));
    }
    CHECK(good);
}

/* Into memory of its own or over an input; an input may be one element. */
static void check_mul_run(int32_t n, int place)
{
    struct mica_mul_s8 plain;
    struct mica_mul_fours_s8 p;
    int8_t a[LENGTH_MAX + 3], b[LENGTH_MAX + 3], want[LENGTH_MAX];
    if (!draw_mul(&plain, &p))
        return;
    int8_t *fresh = fenced((size_t)n), *x = a + draw(0, 3), *y = b + draw(0, 3);
    int8_t *out = place == 1 ? x : place == 2 ? y : fresh;
    p.a_step = plain.a_step = place == 0 ? (int8_t)draw(0, 1) : 1;
    p.b_step = plain.b_step = place == 0 ? (int8_t)draw(0, 1) : 1;
    for (int32_t i = 0; i < n; i++) {
        x[i] = draw_number((enum numbers)draw(0, 2), -128);
        y[i] = draw_number((enum numbers)draw(0, 2), -128);
    }
    mica_mul_s8(&plain, x, y, want, n);
    mica_mul_fours_s8(&p, x, y, out, n);
    CHECK(!memcmp(out, want, (size_t)n) && fence_holds(fresh, (size_t)n));
    free(fresh);
}

/* ---- functions of one byte ------------------------------------------------------------------- */

static void check_bytes(int32_t n, bool in_place)
{
    int8_t table[ALL], was[LENGTH_MAX];
    int8_t *in = draw_input(n), *fresh = fenced((size_t)n), *out = in_place ? in : fresh;
    const struct mica_table_fours_s8 look = {table};
    const struct mica_clamp_fours_s8 clamp = {(int16_t)draw(-128, 0), (int16_t)draw(0, 127)};
    for (int i = 0; i < ALL; i++)
        table[i] = (int8_t)(i * 7 + 3);
    memcpy(was, in, (size_t)n);
    mica_table_fours_s8(&look, in, out, n);
    bool good = true;
    for (int32_t i = 0; i < n; i++)
        good = good && out[i] == table[(uint8_t)was[i]];
    memcpy(in, was, (size_t)n);
    mica_clamp_fours_s8(&clamp, in, out, n);
    for (int32_t i = 0; i < n; i++)
        good = good && out[i] == (was[i] < clamp.out_min   ? clamp.out_min
                                  : was[i] > clamp.out_max ? clamp.out_max
                                                           : was[i]);
    CHECK(good && fence_holds(fresh, (size_t)n));
    free(fresh);
}

/* ---- softmax --------------------------------------------------------------------------------- */

/* Fractions at the ends of their ranges and between them. */
static void check_fraction(void)
{
    const int32_t edges[] = {0, 1, 0xFFFF, 0x10000, 0x7FFF0000, INT32_MAX};
    bool good = true;
    for (int i = 0; i < 100 + TEST_RANDOM; i++) {
        const int32_t a = draw(0, 3) ? draw(0, INT32_MAX) : edges[draw(0, 5)];
        const int32_t b = draw(0, 3) ? draw(0, INT32_MAX) >> draw(0, 30) : edges[draw(0, 5)];
        good = good &&
               mica_high_fraction((uint32_t)a, (uint32_t)b) == (uint32_t)mica_fixed_multiply(a, b);
    }
    CHECK(good);
}

/* The table as the compiler makes it, for a multiplier and shift as it finds them; what lies behind
 * it is not zero. */
static void check_softmax(int32_t n)
{
    const int shift = draw(1, 27);
    const struct mica_softmax_s8 plain = {draw(1 << 30, INT32_MAX), (int8_t)shift,
                                          -(int32_t)((INT64_C(31) << 26) >> shift)};
    int32_t powers[ALL];
    struct mica_softmax_table_s8 p = {0, powers};
    for (int32_t x = 0; x < ALL && -x >= plain.difference_min; x++) {
        powers[x] = mica_fixed_exp(mica_requantize(-x, plain.multiplier, shift), 5);
        if (powers[x] >= 1 << 11)
            p.n_powers = x + 1;
    }
    for (int32_t x = p.n_powers; x < ALL; x++)
        powers[x] = INT32_MAX;
    int8_t *in = draw_input(n), *want = fenced((size_t)n), *out = fenced((size_t)n);
    mica_softmax_s8(&plain, in, want, n);
    mica_softmax_table_s8(&p, in, out, n);
    CHECK(!memcmp(out, want, (size_t)n) && fence_holds(out, (size_t)n));
    mica_softmax_table_s8(&p, in, in, n);
    CHECK(!memcmp(in, want, (size_t)n));
    free(want);
    free(out);
}

int main(void)
{
    check_inverse();
    check_fraction();
    for (int32_t count = 1; count <= 255; count += TEST_EVERY ? 1 : 13)
        check_mean(count);
    for (int32_t width = 1; width <= WIDTH_MAX; width++)
        for (int32_t n = 1; n <= 12; n++)
            check_sums(width, n);
    for (int32_t n = 13; n <= PIXELS_MAX; n += TEST_EVERY ? 1 : 41)
        check_sums(draw(1, IN_MAX / PIXELS_MAX), n);
    for (int i = 0; i < 10 + TEST_RANDOM / 50; i++)
        check_mul_pairs();
    for (int i = 0; i < 6 + TEST_RANDOM / 10; i++)
        for (int32_t n = 1; n <= LENGTH_MAX; n++) {
            check_mul_run(n, i % 3);
            check_bytes(n, i % 2);
        }
    for (int32_t n = 1; n <= 4095; n += 1 + n * (TEST_EVERY ? 1 : 8) / 64)
        for (int i = 0; i < 4; i++)
            check_softmax(n);
    return checks_end();
}
