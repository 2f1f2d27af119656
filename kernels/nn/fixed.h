/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_FIXED_H
#define MICA_FIXED_H

#include <stdint.h>

#include "rom.h"

/* Fixed-point functions after gemmlowp, which TFLite's integer SOFTMAX, LOGISTIC and TANH are built
 * from. Qm.n: a 32-bit integer with n bits after the point, m before it and a sign. */

/* x / 2^bits, rounded to the nearest integer with ties away from zero; bits: 0..31. */
MICA_SHARED int32_t mica_fixed_divide(int32_t x, int bits)
{
    int32_t mask = (int32_t)((UINT32_C(1) << bits) - 1);
    return (x >> bits) + ((x & mask) > (mask >> 1) + (x < 0));
}

/* The product of two numbers of which one has no bit before the point: the high half of the doubled
 * product, rounded, ties up. The sum of both factors' m is the result's. */
MICA_SHARED int32_t mica_fixed_multiply(int32_t a, int32_t b)
{
    if (a == INT32_MIN && b == INT32_MIN)
        return INT32_MAX;
    return (int32_t)(((int64_t)a * b + (INT32_C(1) << 30)) >> 31);
}

/* x * 2^bits, limited to 32 bits. */
MICA_SHARED int32_t mica_fixed_shift(int32_t x, int bits)
{
    if (x > INT32_MAX >> bits)
        return INT32_MAX;
    if (x < INT32_MIN >> bits)
        return INT32_MIN;
    return (int32_t)((uint32_t)x << bits);
}

/* e^x for x <= 0 in Q4.27 (`before` 4) or Q5.26 (`before` 5); the result is in Q0.31. x is split
 * into a part in [-1/4, 0), whose power is a polynomial of the fourth degree around -1/8, and bits
 * of 1/4, 1/2, 1, .. 16, whose powers are constants. */
MICA_SHARED int32_t mica_fixed_exp(int32_t x, int before)
{
    const uint32_t quarter = UINT32_C(1) << (29 - before);
    const int32_t part = (int32_t)((uint32_t)x & (quarter - 1)) - (int32_t)quarter;
    const uint32_t bits = (uint32_t)part - (uint32_t)x;
    const int32_t y = (int32_t)((uint32_t)part << before) + (INT32_C(1) << 28);
    const int32_t y2 = mica_fixed_multiply(y, y);
    const int32_t y3 = mica_fixed_multiply(y2, y);
    const int32_t y4 = mica_fixed_divide(mica_fixed_multiply(y2, y2), 2);
    const int32_t third = mica_fixed_multiply(y4 + y3, INT32_C(715827883)); /* * 1/3 */
    const int32_t tail = mica_fixed_divide(third + y2, 1);
    const int32_t centre = INT32_C(1895147668); /* e^(-1/8) */
    int32_t power = centre + mica_fixed_multiply(centre, y + tail);
    if (x == 0)
        return INT32_MAX;
    if (bits & quarter)
        power = mica_fixed_multiply(power, INT32_C(1672461947)); /* e^(-1/4) */
    if (bits & quarter << 1)
        power = mica_fixed_multiply(power, INT32_C(1302514674)); /* e^(-1/2) */
    if (bits & quarter << 2)
        power = mica_fixed_multiply(power, INT32_C(790015084)); /* e^-1 */
    if (bits & quarter << 3)
        power = mica_fixed_multiply(power, INT32_C(290630308)); /* e^-2 */
    if (bits & quarter << 4)
        power = mica_fixed_multiply(power, INT32_C(39332535)); /* e^-4 */
    if (bits & quarter << 5)
        power = mica_fixed_multiply(power, INT32_C(720401)); /* e^-8 */
    if (bits & quarter << 6)
        power = mica_fixed_multiply(power, INT32_C(242)); /* e^-16 */
    return power;
}

/* 2 / (1 + x) for 0 <= x < 1 in Q0.31; the result is in Q2.29. Three steps of Newton and Raphson's
 * division from 48/17 - 32/17 * (1 + x)/2. */
MICA_SHARED int32_t mica_fixed_reciprocal(int32_t x)
{
    const int32_t half = (int32_t)(((int64_t)x + INT32_MAX + 1) / 2);
    int32_t y = INT32_C(1515870810) + mica_fixed_multiply(half, -INT32_C(1010580540));
    for (int i = 0; i < 3; i++) {
        int32_t error = (INT32_C(1) << 29) - mica_fixed_multiply(half, y);
        y += mica_fixed_shift(mica_fixed_multiply(y, error), 2);
    }
    return y;
}

#endif
