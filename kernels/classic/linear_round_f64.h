/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_LINEAR_ROUND_F64_H
#define MICA_LINEAR_ROUND_F64_H

#include <stdint.h>

#include "linear_round_f32.h"

/* m * 2^exponent as the nearest double, |m| being 0 or of 62 bits; a float where the compiler has no larger double (AVR). */
static inline double mica_linear_round_f64(int64_t m, int32_t exponent)
{
    if (sizeof(double) != sizeof(uint64_t))
        return mica_linear_round_f32(m, exponent);
    union {
        uint64_t bits;
        double value;
    } u = {0};
    uint64_t size = m < 0 ? 0u - (uint64_t)m : (uint64_t)m;
    if (size) { /* sums of products of floats are far from the ends of float64 */
        uint64_t fraction = size >> 9;
        uint32_t rest = (uint32_t)size & 511;
        u.bits = ((uint64_t)(uint32_t)(exponent + 61 + 1022) << 52) + fraction;
        u.bits += rest > 256 || (rest == 256 && (fraction & 1));
    }
    u.bits |= m < 0 ? UINT64_C(1) << 63 : 0;
    return u.value;
}

#endif
