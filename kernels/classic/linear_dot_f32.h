/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_LINEAR_DOT_F32_H
#define MICA_LINEAR_DOT_F32_H

#include <stdint.h>

#include "rom.h"

/* The sum of |x|. */
static inline float mica_linear_size_f32(const float *x, int32_t n)
{
    float size = 0.0f;
    for (int32_t i = 0; i < n; i++)
        size += x[i] < 0.0f ? -x[i] : x[i];
    return size;
}

/* The sum of coef * x and the intercept behind the coefficients, in two chains and any fusing of
 * products and sums: the bound of its error holds for all. */
static inline float mica_linear_dot_f32(const float *x, int32_t n, const float *coef)
{
    float even = 0.0f, odd = 0.0f;
    int32_t left = n;
    for (; left >= 4; left -= 4, x += 4, coef += 4) {
        even += MICA_ROM_F32(&coef[0]) * x[0];
        odd += MICA_ROM_F32(&coef[1]) * x[1];
        even += MICA_ROM_F32(&coef[2]) * x[2];
        odd += MICA_ROM_F32(&coef[3]) * x[3];
    }
    for (; left > 0; left--)
        even += MICA_ROM_F32(coef++) * *x++;
    return even + (odd + MICA_ROM_F32(coef));
}

#endif
