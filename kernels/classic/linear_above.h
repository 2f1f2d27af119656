/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_LINEAR_ABOVE_H
#define MICA_LINEAR_ABOVE_H

#include <stdint.h>

/* Is a * 2^a_exponent > b * 2^b_exponent, both as mica_linear_sum() gives them? */
static inline int mica_linear_above(int64_t a, int32_t a_exponent, int64_t b, int32_t b_exponent)
{
    if (a_exponent == b_exponent || (a < 0) != (b < 0))
        return a > b;
    return a < 0 ? a_exponent < b_exponent : a_exponent > b_exponent;
}

#endif
