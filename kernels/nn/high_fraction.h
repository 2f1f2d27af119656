/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_HIGH_FRACTION_H
#define MICA_HIGH_FRACTION_H

#include <stdint.h>

#include "dsp.h"

/* floor((a * b + 2^30) / 2^31) for a and b below 2^31: mica_fixed_multiply() of numbers that are
 * not negative. Where a product of 64 bits would be a call, four of 16-bit parts: what lies below
 * the highest of them fits in 32 bits, with 2^14 to spare for the half. */
static inline uint32_t mica_high_fraction(uint32_t a, uint32_t b)
{
#if MICA_V6M || defined(__AVR__)
    const uint32_t a_low = a & 0xFFFF, a_high = a >> 16, b_low = b & 0xFFFF, b_high = b >> 16;
    const uint32_t middle = a_low * b_high + a_high * b_low + ((a_low * b_low) >> 16);
    return a_high * b_high * 2 + ((middle + (UINT32_C(1) << 14)) >> 15);
#else
    return (uint32_t)(((uint64_t)a * b + (UINT32_C(1) << 30)) >> 31);
#endif
}

#endif
