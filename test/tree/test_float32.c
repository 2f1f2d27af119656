/* SPDX-License-Identifier: Apache-2.0 */
/* Float32 made of integers, as on cores without a unit for floats, against the host's float. */
#define MICA_FLOAT_UNIT 0
#include <math.h>
#include <string.h>

#include "float32.h"
#include "harness.h"

static uint32_t state = 2463534242u;

static uint32_t random32(void)
{
    state ^= state << 13;
    state ^= state >> 17;
    return state ^= state << 5;
}

static uint32_t bits_of(float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

static long wrong_sum, wrong_order, compared;

static void compare(float a, float b)
{
    if (!isfinite(a) || !isfinite(b) || !isfinite(a + b))
        return;
    compared++;
    wrong_sum += bits_of(mica_f32_plus(a, b)) != bits_of(a + b);
    wrong_order += mica_f32_above(a, b) != (a > b);
}

/* Operands of any size, of sizes close to each other, and pairs that nearly cancel. */
static void test_random(void)
{
    for (long i = 0; i < 3000000; i++) {
        const float a = mica_f32_of(random32());
        const uint32_t near = (bits_of(a) & 0x7f800000) + ((random32() % 64) << 23) - (32u << 23);
        const float b = mica_f32_of(random32());
        const float c = mica_f32_of((near & 0x7f800000) | (random32() & 0x807fffff));
        compare(a, b);
        compare(a, c);
        compare(a, -mica_f32_of(bits_of(a) + random32() % 8));
        compare(a, mica_f32_of((bits_of(a) & 0xff800000) | (random32() & 0x7fffff)));
    }
    CHECK(compared > 10000000);
    CHECK(wrong_sum == 0);
    CHECK(wrong_order == 0);
}

static void test_hostile(void)
{
    static const uint32_t size[] = {0,          1,          2,          0x7fffff,   0x800000,
                                    0x800001,   0xffffff,   0x1000000,  0x3f800000, 0x3f800001,
                                    0x3f7fffff, 0x33800000, 0x33800001, 0x33000000, 0x337fffff,
                                    0x34000000, 0x4b800000, 0x4b7fffff, 0x7f7fffff, 0x7f000000};
    const int n = (int)(sizeof size / sizeof *size);
    for (int i = 0; i < 2 * n; i++)
        for (int j = 0; j < 2 * n; j++)
            compare(mica_f32_of(size[i / 2] | (uint32_t)(i % 2) << 31),
                    mica_f32_of(size[j / 2] | (uint32_t)(j % 2) << 31));
    CHECK(wrong_sum == 0);
    CHECK(wrong_order == 0);
}

int main(void)
{
    test_random();
    test_hostile();
    return checks_end();
}
