/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_HIGH_PRODUCT_H
#define MICA_HIGH_PRODUCT_H

#include <stdint.h>

#include "dsp.h"
#include "rom.h"

/* What a few instructions around a high product are inlined with. Where that is one instruction,
 * gcc at -Os must not make calls of them; on Armv6-M it is some twenty. */
#if MICA_V6M
#define MICA_HIGH_INLINE static inline
#else
#define MICA_HIGH_INLINE MICA_INLINE
#endif

/* floor((twice * multiplier + half * 2^31) / 2^32) for an even number within +-2^30, multiplier >=
 * 0 and half 0 or 1. Cores that multiply 32 by 32 bits to 32 get there with four products of
 * 16-bit parts, where a product of 64 bits would be a call: with twice / 2 = high * 2^16 + low,
 * low signed, everything below the highest product fits in 32 bits. */
static inline int32_t mica_high_product(int32_t twice, int32_t multiplier, int half)
{
#if MICA_V6M
    const int32_t x = twice >> 1, low = (int16_t)x, high = (x - low) >> 16;
    const int32_t m_low = multiplier & 0xFFFF, m_high = multiplier >> 16;
    const int32_t middle = low * m_high + high * m_low + ((low * m_low) >> 16);
    return high * m_high * 2 + ((middle + half * (INT32_C(1) << 14)) >> 15);
#else
    const int64_t product = (int64_t)twice * multiplier;
    return (int32_t)(product >> 32) + (half & (int32_t)((uint32_t)product >> 31));
#endif
}

#endif
