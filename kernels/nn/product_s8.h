/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_PRODUCT_S8_H
#define MICA_PRODUCT_S8_H

#include <stdint.h>

/* floor(multiplier * x / 2^8), which fits in 32 bits. Cores that give the high word of a product
 * need one multiplication for it; others two that stay in 32 bits, where 64 would be a call. */
static inline int32_t mica_product_s8(int32_t multiplier, int8_t x)
{
#if defined(__AVR__) || defined(__ARM_ARCH_6M__) || defined(__ARM_ARCH_8M_BASE__)
    const int32_t low = (int32_t)(multiplier & 0xFFFF) * x;
    return (multiplier >> 16) * x * 256 + (low >> 8);
#else
    return (int32_t)(((int64_t)multiplier * (x * (INT32_C(1) << 24))) >> 32);
#endif
}

#endif
