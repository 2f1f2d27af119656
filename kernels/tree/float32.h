/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_FLOAT32_H
#define MICA_FLOAT32_H

#include <stdint.h>

#include "float_bits.h"
#include "rom.h"

/* Float32 sums and comparisons: by the core's unit for floats, or where it has none, made of
 * integers, so that trees link no library for floats. AVR has its library's, which is written in
 * assembly, and shorter. The bits are the same: rounded to nearest even, of finite numbers whose
 * results are finite. */
#if !defined(MICA_FLOAT_UNIT)
#if (defined(__arm__) && !defined(__ARM_FP)) || (defined(__riscv) && !defined(__riscv_flen))
#define MICA_FLOAT_UNIT 0
#else
#define MICA_FLOAT_UNIT 1
#endif
#endif

/* The number nearest to m 2^(e - 156), with the sign of `sign`; m < 2^31. A carry out of the
 * fraction goes on into the exponent, as it should. */
MICA_SHARED uint32_t mica_f32_round(uint32_t sign, uint32_t m, int32_t e)
{
    while (!(m >> 29) && e > 1)
        m <<= 1, e--;
    if (m >> 30)
        m = m >> 1 | (m & 1), e++;
    const uint32_t rest = m & 63;
    m >>= 6;
    m += rest > 32 || (rest == 32 && (m & 1));
    return (sign & 0x80000000) + m + ((uint32_t)(e - 1) << 23);
}

/* With the leading one, which numbers below 2^-126 do not have, at bit 29. */
MICA_INLINE uint32_t mica_f32_significand(uint32_t a)
{
    const uint32_t m = a << 6 & 0x1fffffff;
    return a << 1 >> 24 ? m | 0x20000000 : m;
}

MICA_INLINE int32_t mica_f32_exponent(uint32_t a)
{
    const int32_t e = (int32_t)(a << 1 >> 24);
    return e ? e : 1;
}

/* a + b of the numbers whose bits these are. */
MICA_SHARED uint32_t mica_f32_add(uint32_t a, uint32_t b)
{
    if (b << 1 > a << 1) {
        const uint32_t swap = a;
        a = b;
        b = swap;
    }
    const int32_t e = mica_f32_exponent(a), d = e - mica_f32_exponent(b);
    const uint32_t s = mica_f32_significand(b);
    uint32_t m = mica_f32_significand(a), t = d > 31 ? 0 : s >> d;
    t |= d > 31 ? s != 0 : t << d != s;
    m = (a ^ b) >> 31 ? m - t : m + t;
    return m ? mica_f32_round(a, m, e) : a & b & 0x80000000; /* -0 only of -0 and -0 */
}

MICA_INLINE float mica_f32_of(uint32_t bits)
{
    union {
        uint32_t bits;
        float number;
    } both;
    both.bits = bits;
    return both.number;
}

MICA_INLINE float mica_f32_plus(float a, float b)
{
#if MICA_FLOAT_UNIT
    return a + b;
#else
    return mica_f32_of(mica_f32_add((uint32_t)mica_float_bits(&a), (uint32_t)mica_float_bits(&b)));
#endif
}

/* a > b */
MICA_INLINE int32_t mica_f32_above(float a, float b)
{
#if MICA_FLOAT_UNIT
    return a > b;
#else
    const int32_t p = mica_float_bits(&a), q = mica_float_bits(&b);
    return (p < 0 ? -(p & 0x7fffffff) : p) > (q < 0 ? -(q & 0x7fffffff) : q);
#endif
}

#endif
