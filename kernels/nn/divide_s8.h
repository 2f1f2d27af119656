/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_DIVIDE_S8_H
#define MICA_DIVIDE_S8_H

#include <stdint.h>

/* sum / n, rounded to the nearest integer with ties away from zero and limited to [min, max], a
 * part of int8: how TFLite's reference averages. */
static inline int8_t mica_divide_s8(int32_t sum, int32_t n, int min, int max)
{
    sum = (sum > 0 ? sum + n / 2 : sum - n / 2) / n;
    return (int8_t)(sum < min ? min : sum > max ? max : sum);
}

#endif
