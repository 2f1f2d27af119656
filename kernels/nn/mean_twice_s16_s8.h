/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_MEAN_TWICE_S16_S8_H
#define MICA_MEAN_TWICE_S16_S8_H

#include <stdint.h>

#include "requantize_twice.h"

struct mica_mean_twice_s16_s8 {
    int32_t offset; /* minus twice the input's zero point times the elements of one sum */
    int32_t multiplier, half, shift; /* as mica_requantize_twice() takes them */
};

/* Averages of sums, as mica_mean_s16_s8():
 *     out[i] = requantize_twice(2 * sums[i] + offset)
 * for n elements. Whoever chose the parameters has proved that nothing overflows. */
static inline void mica_mean_twice_s16_s8(const struct mica_mean_twice_s16_s8 *p,
                                          const int16_t *sums, int8_t *out, int32_t n)
{
    const int32_t multiplier = p->multiplier, half = p->half, shift = p->shift;
    for (int32_t i = 0; i < n; i++)
        out[i] = mica_requantize_twice(2 * (int32_t)sums[i] + p->offset, multiplier, half, shift);
}

#endif
