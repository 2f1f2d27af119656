/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_ZERO_S16_H
#define MICA_ZERO_S16_H

#include <stdint.h>

/* out[i] = 0 for n elements: the start of sums. */
static inline void mica_zero_s16(int16_t *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        out[i] = 0;
}

#endif
