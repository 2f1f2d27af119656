/* SPDX-License-Identifier: Apache-2.0 */
/* linear_sum.c - an int8 sum of two tensors as one linear function of their bytes.
 *
 * The reference rounds each input, their sum and the result. All of that is within some 2^-19 of a
 * linear function, so that there nearly always is one that gives the same byte for every pair of
 * bytes; which is tried, since there are but 65,536 pairs. */
#include <math.h>

#include "op/linear_sum.h"

enum { FRACTION_BITS = 20, INPUT_BITS = 8, NEIGHBOURS = 3 };

/* floor(multiplier * x / 2^8) for all x. */
static void products(int64_t multiplier, int64_t out[256])
{
    for (int x = -128; x < 128; x++) {
        const int64_t product = multiplier * x;
        out[x + 128] = (product - (product & ((1 << INPUT_BITS) - 1))) / (1 << INPUT_BITS);
    }
}

/* The offsets that are right for all pairs are an interval; false where it is empty. An output at
 * a limit bounds the offset from one side only. */
static bool find_offset(const int64_t multiplier[2], const int8_t *want, int32_t min, int32_t max,
                        int64_t *offset)
{
    int64_t of_a[256], of_b[256], from = INT32_MIN, to = INT32_MAX;
    products(multiplier[0], of_a);
    products(multiplier[1], of_b);
    for (int a = 0; a < 256; a++) {
        for (int b = 0; b < 256; b++) {
            const int64_t sum = of_a[a] + of_b[b], unit = INT64_C(1) << FRACTION_BITS;
            const int64_t low = want[256 * a + b] * unit - sum, high = low + unit - 1;
            if (want[256 * a + b] > min && low > from)
                from = low;
            if (want[256 * a + b] < max && high < to)
                to = high;
        }
        if (from > to)
            return false;
    }
    *offset = from + (to - from) / 2;
    return true;
}

static int64_t magnitude(int64_t x)
{
    return x < 0 ? -x : x;
}

bool linear_find(const double slope[2], const int8_t *want, int32_t min, int32_t max,
                 struct linear *found)
{
    int64_t base[2];
    for (int i = 0; i < 2; i++) {
        const double scaled = ldexp(slope[i], FRACTION_BITS + INPUT_BITS);
        if (!(fabs(scaled) < 0x1p30))
            return false;
        base[i] = llround(scaled);
    }
    for (int distance = 0; distance <= NEIGHBOURS; distance++)
        for (int da = -distance; da <= distance; da++)
            for (int db = -distance; db <= distance; db++) {
                const int64_t near[2] = {base[0] + da, base[1] + db};
                int64_t offset;
                if (da > -distance && da < distance && db > -distance && db < distance)
                    continue; /* tried with a smaller distance */
                if (!find_offset(near, want, min, max, &offset))
                    continue;
                if ((magnitude(near[0]) + magnitude(near[1])) / 2 + magnitude(offset) >
                    INT32_MAX - 2)
                    continue;
                *found = (struct linear){{(int32_t)near[0], (int32_t)near[1]}, (int32_t)offset};
                return true;
            }
    return false;
}
