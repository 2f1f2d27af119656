/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_EXP_F32_H
#define MICA_EXP_F32_H

#include <stdint.h>

#include "rounding_f32.h"

/* 2^k for -126 <= k <= 127, from the bits of its exponent. */
static inline float mica_power2_f32(int k)
{
    union {
        uint32_t bits;
        float value;
    } u = {(uint32_t)(k + 127) << 23};
    return u.value;
}

/* e^x. x = k * ln 2 + r with |r| <= ln 2 / 2 (Cody and Waite: ln 2 in two parts, the first of nine
 * bits, so that its product with k is exact), and e^r = 1 + r + r^2 / 2 + r^3 * q(r), where q is
 * the minimax polynomial for the relative error (Remez in 60 digits, 2^-27.7). The worst error over
 * all floats is 0.913 units in the last place (a subnormal result's: its own unit), against 0.5 for
 * a correctly rounded function. */
static inline float mica_exp_f32(float x)
{
    if (x != x)
        return x;
    /* Beyond these the result is infinite or 0, and k would leave the two factors below. */
    x = x > 89.0f ? 89.0f : x < -104.0f ? -104.0f : x;
    int k = (int)(x * 1.44269504f + (x < 0.0f ? -0.5f : 0.5f));
    float high = x - (float)k * 0.693359375f, low = (float)k * -2.12194440e-4f;
    float r = high - low, square = r * r;
    float q = 0.166664809f + r * (0.0416655056f + r * (0.00837306958f + r * 0.00140385621f));
    float y = 1.0f + (high + (square * (0.5f + r * q) - low));
    /* Two factors: 2^128 and the subnormal powers are not floats of the form above. Only the last
     * product can round, and then only to a subnormal. */
    int half = k / 2;
    return y * mica_power2_f32(half) * mica_power2_f32(k - half);
}

#endif
