/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_SCALE_F64_H
#define MICA_SCALE_F64_H

#include <stdint.h>

/* x * scale, rounded to the nearest integer with ties away from zero, where x * scale is first
 * rounded to float64: round(x * scale) of C's doubles, in integers. What does not fit gives
 * INT32_MIN, as converting such a double does on the x86 that LiteRT's results come from.
 * scale = (high * 2^32 + low) * 2^-shift with 2^20 <= high < 2^21, the 53 bits of a float64, or 0;
 * shift: 1..115.
 * The product has `bits` bits, of which float64 keeps 53. That first rounding changes the result
 * only where it lifts the product onto a tie, so half of its unit is added beside the half of the
 * second. */
static inline int32_t mica_scale_f64(int32_t x, int32_t high, uint32_t low, int shift)
{
    if (x == 0 || high == 0)
        return 0;
    uint32_t size = x < 0 ? 0u - (uint32_t)x : (uint32_t)x;
    uint64_t bottom = (uint64_t)size * low;
    uint64_t top = (uint64_t)size * (uint32_t)high + (bottom >> 32);
    bottom &= UINT32_MAX; /* |x * scale| = (top * 2^32 + bottom) * 2^-shift */
    int bits = 32;
    for (uint64_t rest = top; rest; rest >>= 1)
        bits++;
    if (shift > bits + 1) /* below a half even after the first rounding */
        return 0;
    if (bits - shift > 32)
        return INT32_MIN;
    uint64_t high_half = 0, low_half = 0;
    if (shift > 32)
        high_half = UINT64_C(1) << (shift - 33);
    else
        low_half = UINT64_C(1) << (shift - 1);
    if (bits >= 86)
        high_half += UINT64_C(1) << (bits - 86);
    else if (bits > 53)
        low_half += UINT64_C(1) << (bits - 54);
    bottom += low_half;
    top += high_half + (bottom >> 32);
    bottom &= UINT32_MAX;
    uint64_t result = shift >= 32 ? top >> (shift - 32) : top << (32 - shift) | bottom >> shift;
    if (result > INT32_MAX)
        return INT32_MIN;
    return x < 0 ? -(int32_t)result : (int32_t)result;
}

#endif
