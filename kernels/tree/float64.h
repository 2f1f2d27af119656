/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_FLOAT64_H
#define MICA_FLOAT64_H

#include <stdint.h>
#include <string.h>

#include "rom.h"

/* Float64 arithmetic made of integers: the bits of IEEE 754's binary64, rounded to nearest even,
 * for finite numbers whose results are finite. Ensembles whose library sums in float64 use it, so
 * that sums are the library's where double has 32 bits, and nobody links a library for floats.
 *
 * A number is its bits. While it is worked on, its significand has ten bits more than are stored,
 * with the leading one at bit 62; the last of them tells whether anything was lost behind it. */

/* Armv6-M has no division, and its library's takes 280 bytes: quotients are made bit by bit. */
#if !defined(MICA_DIVIDES)
#if defined(__arm__) && defined(__ARM_ARCH) && __ARM_ARCH < 7 && !defined(__ARM_FEATURE_IDIV)
#define MICA_DIVIDES 0
#else
#define MICA_DIVIDES 1
#endif
#endif

MICA_INLINE uint64_t mica_f64_significand(uint64_t a)
{
    const uint64_t fraction = a << 10 & UINT64_C(0x3fffffffffffffff);
    return (uint32_t)(a >> 52) & 2047 ? fraction | UINT64_C(1) << 62 : fraction;
}

/* Numbers below 2^-1022 have exponent 0, which means that of 1 without the leading one. */
MICA_INLINE int32_t mica_f64_exponent(uint64_t a)
{
    const int32_t e = (int32_t)(a >> 52) & 2047;
    return e ? e : 1;
}

/* The number nearest to m * 2^(e - 1085), with the sign of `sign`. A carry out of the fraction goes
 * on into the exponent, as it should. */
MICA_SHARED uint64_t mica_f64_round(uint64_t sign, uint64_t m, int32_t e)
{
    if (!m)
        return 0;
    while (!(m >> 62) && e > 1)
        m <<= 1, e--;
    while (m >> 63 || e < 1)
        m = m >> 1 | (m & 1), e++;
    const uint32_t rest = (uint32_t)m & 1023;
    m >>= 10;
    m += rest > 512 || (rest == 512 && (m & 1));
    return (sign >> 63 << 63) + m + ((uint64_t)(e - 1) << 52);
}

/* s 2^-d, the last bit telling whether anything was lost. Shifts of 64 bits are calls on small
 * cores. */
MICA_INLINE uint64_t mica_f64_down(uint64_t s, int32_t d)
{
    uint32_t high = (uint32_t)(s >> 32), low = (uint32_t)s, lost = 0;
    for (; d > 31; d -= 32, low = high, high = 0)
        lost |= low;
    lost |= low << 1 << (31 - d);
    low = low >> d | high << 1 << (31 - d);
    return (uint64_t)(high >> d) << 32 | low | (lost != 0);
}

/* a + b, |a| >= |b|. `positive`: neither has a sign. */
MICA_INLINE uint64_t mica_f64_join(uint64_t a, uint64_t b, int32_t positive)
{
    const uint64_t m = mica_f64_significand(a), s = mica_f64_significand(b);
    const int32_t e = mica_f64_exponent(a);
    if (!s)
        return m ? a : a & b; /* -0 only of -0 and -0 */
    const uint64_t t = mica_f64_down(s, e - mica_f64_exponent(b));
    if (positive)
        return mica_f64_round(0, m + t, e);
    return mica_f64_round(a, (a ^ b) >> 63 ? m - t : m + t, e);
}

MICA_SHARED uint64_t mica_f64_add(uint64_t a, uint64_t b)
{
    const int32_t swap = b << 1 > a << 1;
    return mica_f64_join(swap ? b : a, swap ? a : b, 0);
}

/* m * 2^(e - 1085) divided by n, m < 2^63 and 1 <= n < 2^16: the bits above 1 in digits of 16 or
 * one by one, and then as many as are wanted. */
MICA_SHARED uint64_t mica_f64_quotient(uint64_t sign, uint64_t m, int32_t e, uint32_t n)
{
    uint64_t q = 0;
    uint32_t rest = 0;
    if (!m)
        return sign >> 63 << 63;
    for (; !(m >> 54); m <<= 8)
        e -= 8;
    for (; !(m >> 62); m <<= 1)
        e--;
    if (n == 1)
        return mica_f64_round(sign, m, e);
#if MICA_DIVIDES
    for (int32_t i = 0; i < 4; i++, m <<= 16) {
        rest = rest << 16 | (uint32_t)(m >> 48);
        q = q << 16 | rest / n;
        rest %= n;
    }
#else
    for (int32_t i = 0; i < 64; i++, m <<= 1) {
        rest = rest << 1 | (uint32_t)(m >> 63);
        q <<= 1;
        if (rest >= n) {
            rest -= n;
            q |= 1;
        }
    }
#endif
    for (; !(q >> 62); e--) {
        rest <<= 1;
        q <<= 1;
        if (rest >= n) {
            rest -= n;
            q |= 1;
        }
    }
    return mica_f64_round(sign, q | (rest != 0), e);
}

MICA_SHARED uint64_t mica_f64_divide(uint64_t a, uint32_t n)
{
    return mica_f64_quotient(a, mica_f64_significand(a), mica_f64_exponent(a), n);
}

/* a / b, of which b is above 0 and has its leading one: 63 bits, one after the other. */
MICA_SHARED uint64_t mica_f64_over(uint64_t a, uint64_t b)
{
    uint64_t m = mica_f64_significand(a), q = 0;
    const uint64_t d = mica_f64_significand(b);
    int32_t e = mica_f64_exponent(a) - mica_f64_exponent(b) + 1023;
    if (!m)
        return a;
    for (; !(m >> 62); m <<= 1)
        e--;
    for (int32_t i = 0; i < 63; i++, m <<= 1) {
        q <<= 1;
        if (m >= d) {
            m -= d;
            q |= 1;
        }
    }
    return mica_f64_round(a, q | (m != 0), e);
}

/* The integer k divided by n. */
MICA_SHARED uint64_t mica_f64_ratio(int32_t k, uint32_t n)
{
    return mica_f64_quotient(k < 0 ? UINT64_C(1) << 63 : 0,
                             (uint64_t)(k < 0 ? 0u - (uint32_t)k : (uint32_t)k) << 31, 1085 - 31,
                             n);
}

/* Integers in the order of the numbers. */
MICA_INLINE int64_t mica_f64_order(uint64_t a)
{
    const int64_t size = (int64_t)(a << 1 >> 1);
    return a >> 63 ? -size : size;
}

/* Where double has 32 bits, the nearest of its numbers. */
MICA_SHARED void mica_f64_store(uint64_t a, double *to)
{
#if defined(__SIZEOF_DOUBLE__) && __SIZEOF_DOUBLE__ == 4
    const int32_t e = mica_f64_exponent(a) - 896;
    uint64_t m = mica_f64_significand(a);
    uint32_t bits = 255ul << 23;
    if (e < 255) {
        for (int32_t i = e; i < 1 && m; i++)
            m = m >> 1 | (m & 1);
        const uint64_t half = UINT64_C(1) << 38, rest = m & (2 * half - 1);
        bits = (uint32_t)(m >> 39);
        bits += rest > half || (rest == half && (bits & 1));
        bits += e < 1 ? 0 : (uint32_t)(e - 1) << 23;
    }
    bits |= (uint32_t)(a >> 63) << 31;
    memcpy(to, &bits, sizeof bits);
#else
    memcpy(to, &a, sizeof a);
#endif
}

#endif
