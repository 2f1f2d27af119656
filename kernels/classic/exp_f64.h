/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_EXP_F64_H
#define MICA_EXP_F64_H

#include <stdint.h>

/* 2^k. Powers of float's range one after the other: so it needs nothing of how a double is made, and
 * is right where that is a float of 32 bits (AVR), too. */
static inline double mica_power2_f64(int k)
{
    double y = 1.0;
    for (; k > 126; k -= 126)
        y *= (double)0x1p126f;
    for (; k < -126; k += 126)
        y *= (double)0x1p-126f;
    union {
        uint32_t bits;
        float value;
    } u = {(uint32_t)(k + 127) << 23};
    return y * (double)u.value;
}

/* e^x. x = k * ln 2 + r with |r| <= ln 2 / 2, ln 2 being in two parts, the first of which has nine
 * bits, so that its product with k is exact. e^r = 1 + r + r^2 / 2 + r^3 * q(r), where q meets the
 * true function in the Chebyshev points (computed in 60 digits, 2.4e-15 relative error of e^r). Where
 * double is a float (AVR), about 1e-7. */
static inline double mica_exp_f64(double x)
{
    if (x != x)
        return x;
    x = x > 710.0 ? 710.0 : x < -760.0 ? -760.0 : x;
    const int k = (int)(x * 1.4426950408889634 + (x < 0.0 ? -0.5 : 0.5));
    const double high = x - (double)k * 0.693359375, low = (double)k * -2.1219444005469058e-4;
    const double r = high - low, square = r * r;
    double q = 2.7607536363986005e-07;
    q = 2.7617588912043476e-06 + r * q;
    q = 2.4801549577524245e-05 + r * q;
    q = 0.00019841224563426756 + r * q;
    q = 0.0013888888897955845 + r * q;
    q = 0.008333333344216036 + r * q;
    q = 0.041666666666663264 + r * q;
    q = 0.1666666666666258 + r * q;
    return (1.0 + (high + (square * (0.5 + r * q) - low))) * mica_power2_f64(k);
}

#endif
