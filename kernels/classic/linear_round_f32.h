/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_LINEAR_ROUND_F32_H
#define MICA_LINEAR_ROUND_F32_H

#include <stdint.h>

/* m * 2^exponent as the nearest float (ties to even), |m| being 0 or of 62 bits. */
static inline float mica_linear_round_f32(int64_t m, int32_t exponent)
{
    union {
        uint32_t bits;
        float value;
    } u = {0};
    uint64_t size = m < 0 ? 0u - (uint64_t)m : (uint64_t)m;
    int32_t e = exponent + 61 + 127, shift = 38;
    if (e > 254) {
        u.bits = UINT32_C(0x7f800000);
    } else if (size && e > -24) {
        if (e < 1) { /* as the fraction's highest bit adds 1 to the exponent, begin below it */
            shift += 1 - e;
            e = 1;
        }
        uint32_t fraction = (uint32_t)(size >> shift);
        uint64_t rest = size << (64 - shift), half = UINT64_C(1) << 63;
        u.bits = ((uint32_t)(e - 1) << 23) + fraction;
        u.bits += rest > half || (rest == half && (fraction & 1));
    }
    u.bits |= m < 0 ? UINT32_C(1) << 31 : 0;
    return u.value;
}

#endif
