/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_REQUANTIZE_H
#define MICA_REQUANTIZE_H

#include <stdint.h>

/* x * multiplier * 2^(shift - 31) with one rounding, ties up, as ruy and CMSIS-NN's
 * single-rounding build do. multiplier >= 0, shift: -31..30. */
static inline int32_t mica_requantize(int32_t x, int32_t multiplier, int shift)
{
    int64_t product = (int64_t)x * multiplier;
    return (int32_t)((product + (INT64_C(1) << (30 - shift))) >> (31 - shift));
}

#endif
