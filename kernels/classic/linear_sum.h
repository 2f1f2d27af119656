/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_LINEAR_SUM_H
#define MICA_LINEAR_SUM_H

#include <stdint.h>

#include "rom.h"

/* Coefficients of linear models are kept as a float32, which is the coefficient with all bits of
 * its fraction behind the 24th taken away, and those bits: |c| = |coef| + low * u * 2^-32, where u
 * is the unit in the last place of coef. So a sum that need not be exact reads half of the memory.
 */

/* The bits of a float. */
static inline uint32_t mica_bits_f32(float x)
{
    union {
        float value;
        uint32_t bits;
    } u = {x};
    return u.bits;
}

/* The exponent field that a float of these bits has; that of the smallest floats is 1. */
static inline int32_t mica_exponent_f32(uint32_t bits)
{
    int32_t e = (int32_t)(bits >> 23 & 255);
    return e ? e : 1;
}

/* Its fraction, as an integer of up to 24 bits. */
static inline uint32_t mica_fraction_f32(uint32_t bits)
{
    uint32_t fraction = bits & UINT32_C(0x7fffff);
    return bits >> 23 & 255 ? fraction | UINT32_C(0x800000) : fraction;
}

/* The largest sum of the exponent fields of a feature and its coefficient, the intercept's (the
 * last coefficient, whose feature is 1) included. Products that are 0 do not count. */
static inline int32_t mica_linear_exponent(const float *x, int32_t n, const float *coef)
{
    int32_t most = 0;
    for (int32_t i = 0; i <= n; i++) {
        uint32_t a = i < n ? mica_bits_f32(x[i]) : UINT32_C(0x3f800000);
        uint32_t b = mica_bits_f32(MICA_ROM_F32(&coef[i]));
        int32_t e = mica_exponent_f32(a) + mica_exponent_f32(b);
        if (a << 1 && e > most)
            most = e;
    }
    return most;
}

/* The sum of n products and the intercept, in integers: m * 2^exponent. Each product is cut to 61
 * bits and aligned with the largest one, so that the error is below n + 1 units of 2^-61 of that
 * one, where a sum in float64 rounds at 2^-53. m has 62 bits, or is 0. */
static inline int64_t mica_linear_sum(const float *x, int32_t n, const float *coef,
                                      const uint32_t *low, int32_t *exponent)
{
    const int32_t most = mica_linear_exponent(x, n, coef);
    int64_t high = 0, carry = 0; /* the sum is high * 2^32 + carry, units of 2^(most - 315) */
    for (int32_t i = 0; i <= n; i++) {
        uint32_t a = i < n ? mica_bits_f32(x[i]) : UINT32_C(0x3f800000);
        uint32_t b = mica_bits_f32(MICA_ROM_F32(&coef[i]));
        int32_t shift = most - mica_exponent_f32(a) - mica_exponent_f32(b);
        if (!(a << 1) || shift > 62)
            continue;
        uint32_t fraction = mica_fraction_f32(a);
        uint64_t product = (uint64_t)fraction * mica_fraction_f32(b) << 15;
        product += (uint64_t)fraction * MICA_ROM_U32(&low[i]) >> 17;
        product >>= shift;
        if ((a ^ b) >> 31) {
            high -= (int32_t)(product >> 32);
            carry -= (uint32_t)product;
        } else {
            high += (int32_t)(product >> 32);
            carry += (uint32_t)product;
        }
    }
    high += carry >> 32;
    uint32_t rest = (uint32_t)carry;
    const int is_negative = high < 0;
    if (is_negative) {
        high = rest ? ~high : -high;
        rest = 0u - rest;
    }
    *exponent = most - 315;
    for (; high >> 30; high >>= 1, ++*exponent)
        rest = (uint32_t)high << 31 | rest >> 1;
    int64_t m = high << 32 | rest;
    if (m == 0)
        *exponent = -1000; /* below every other */
    else
        for (; !(m >> 61); m <<= 1)
            --*exponent;
    return is_negative ? -m : m;
}

#endif
