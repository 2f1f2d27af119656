/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_REQUANTIZE_TWICE_H
#define MICA_REQUANTIZE_TWICE_H

#include <stdint.h>

#include "high_product.h"

/* The requantisation of weight streams, with two roundings as in TensorFlow Lite Micro, in five
 * instructions. twice = 2 * accumulator, shift >= 1, half = 2^(shift - 1) + zero * 2^shift:
 * the high word of twice * multiplier, rounded, is the doubled product's rounded high half; the
 * second rounding divides by 2^shift with ties away from zero, for which a negative number needs
 * one less than a half. The zero point takes part in the same addition. Whoever made the stream has
 * proved that nothing overflows. */
MICA_HIGH_INLINE int8_t mica_requantize_twice(int32_t twice, int32_t multiplier, int32_t half,
                                              int32_t shift)
{
    int32_t x = mica_high_product(twice, multiplier, 1);
    x = (x + half - (twice < 0)) >> shift;
    return (int8_t)(x < -128 ? -128 : x > 127 ? 127 : x);
}

/* The same in assembly, on names of registers; temp is lost, x becomes the result. */
#define MICA_REQUANTIZE_TWICE(x, temp, multiplier, half, shift) \
    "add " temp ", " half ", " x ", asr #31 \n"                 \
    "smmlar " x ", " x ", " multiplier ", " temp " \n"          \
    "asr " x ", " x ", " shift " \n"                            \
    "ssat " x ", #8, " x " \n"

/* Where the zero point is -128, in four: what the sign is for moves negative numbers only, which
 * all become -128. */
#define MICA_REQUANTIZE_TWICE_RELU(x, temp, multiplier, half, shift) \
    "smmlar " x ", " x ", " multiplier ", " half " \n"               \
    "asr " x ", " x ", " shift " \n"                                 \
    "ssat " x ", #8, " x " \n"

/* Its roundings on Armv6-M, see mica_quads_pixels(): of the sum in r5, then of the result in r4. */
#define MICA_REQUANTIZE_V6M_FIRST "add r5, r11 \n"
#define MICA_REQUANTIZE_V6M_SECOND \
    "asrs r5, r4, #31 \n"          \
    "adds r4, r4, r5 \n"

#endif
