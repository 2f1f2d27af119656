/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_SHIFT_F32_H
#define MICA_SHIFT_F32_H

#include <stdint.h>

/* Moves n elements to the front, by `by` places: room for new rows behind the old ones. */
static inline void mica_shift_f32(float *at, int32_t by, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        at[i] = at[i + by];
}

#endif
