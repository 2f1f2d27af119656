/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_REQUANTIZE_TWICE_H
#define MICA_REQUANTIZE_TWICE_H

#include <stdint.h>

#include "high_product.h"

/* The requantisation of weight streams with one rounding, ties up, in four instructions.
 * twice = 2 * accumulator, shift >= 1, half = 2^(shift - 1) + zero * 2^shift: dropping the low word
 * of twice * multiplier first does not change a floor, and the zero point takes part in the same
 * addition. Whoever made the stream has proved that nothing overflows. */
MICA_HIGH_INLINE int8_t mica_requantize_twice(int32_t twice, int32_t multiplier, int32_t half,
                                              int32_t shift)
{
    int32_t x = mica_high_product(twice, multiplier, 0);
    x = (x + half) >> shift;
    return (int8_t)(x < -128 ? -128 : x > 127 ? 127 : x);
}

/* The same in assembly, on names of registers; x becomes the result. */
#define MICA_REQUANTIZE_TWICE(x, temp, multiplier, half, shift) \
    "smmla " x ", " x ", " multiplier ", " half " \n"           \
    "asr " x ", " x ", " shift " \n"                            \
    "ssat " x ", #8, " x " \n"

/* The same where the zero point is -128, which with two roundings spares an instruction. */
#define MICA_REQUANTIZE_TWICE_RELU MICA_REQUANTIZE_TWICE

/* Its roundings on Armv6-M, see mica_quads_pixels(): of the sum in r5, then of the result in r4. */
#define MICA_REQUANTIZE_V6M_FIRST  ""
#define MICA_REQUANTIZE_V6M_SECOND ""

#endif
