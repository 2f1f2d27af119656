/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_LINEAR_FEATURES_S16_H
#define MICA_LINEAR_FEATURES_S16_H

#include <stdint.h>

#include "linear_sum.h"

/* Features as 15-bit numbers for a first, cheap sum in integers: x = out * 2^(exponent - 141), cut.
 * `exponent` is the largest exponent field of a feature, or `least` if that is above it. Adds up
 * |out|, and returns `exponent`, or 255 where some x is no finite number. */
static inline int32_t mica_linear_features_s16(const float *x, int32_t n, int32_t least,
                                               int16_t *out, int32_t *size)
{
    uint32_t most = 0;
    for (int32_t i = 0; i < n; i++) {
        const uint32_t bits = mica_bits_f32(x[i]) & UINT32_C(0x7fffffff);
        most = bits > most ? bits : most;
    }
    int32_t exponent = mica_exponent_f32(most);
    exponent = exponent > least ? exponent : least;
    for (int32_t i = 0; i < n; i++) {
        const uint32_t bits = mica_bits_f32(x[i]);
        const int32_t shift = 9 + exponent - mica_exponent_f32(bits);
        const int32_t part = shift > 24 ? 0 : (int32_t)(mica_fraction_f32(bits) >> shift);
        *size += part;
        out[i] = (int16_t)(bits >> 31 ? -part : part);
    }
    return exponent;
}

#endif
