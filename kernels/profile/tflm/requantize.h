/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_REQUANTIZE_H
#define MICA_REQUANTIZE_H

#include <stdint.h>

/* x * multiplier * 2^(shift - 31) with two roundings, as gemmlowp, TensorFlow Lite Micro and
 * LiteRT's reference kernels do: the high half of the doubled product rounded to nearest, then a
 * division by 2^-shift rounded with ties away from zero. multiplier >= 0, so the first rounding is
 * a plain floor(... + 1/2); x * 2^shift wraps as it does there. shift: -31..30. */
static inline int32_t mica_requantize(int32_t x, int32_t multiplier, int shift)
{
    int right = shift < 0 ? -shift : 0;
    int32_t wide = (int32_t)((uint32_t)x << (shift > 0 ? shift : 0));
    int32_t high = (int32_t)(((int64_t)wide * multiplier + (INT32_C(1) << 30)) >> 31);
    int32_t mask = (int32_t)((UINT32_C(1) << right) - 1);
    int32_t rest = high & mask;
    return (high >> right) + (rest > (mask >> 1) + (high < 0));
}

#endif
