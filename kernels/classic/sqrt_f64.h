/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_SQRT_F64_H
#define MICA_SQRT_F64_H

#include <stdint.h>

/* The square root of 1 <= x < 2^31, by Newton's method from a first guess good to 4 %: three steps
 * give 24 bits, four all of float64. */
static inline double mica_sqrt_f64(double x)
{
    union {
        float value;
        uint32_t bits;
    } u = {(float)x};
    u.bits = (u.bits >> 1) + UINT32_C(0x1fbb4f2e);
    double y = (double)u.value;
    for (int i = 0; i < 4; i++)
        y = 0.5 * (y + x / y);
    return y;
}

#endif
