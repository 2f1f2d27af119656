/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_SATURATE_H
#define MICA_SATURATE_H

#include <stdint.h>

/* x + zero, limited to [min, max], a part of int8. The sum wraps as the reference's does. */
static inline int8_t mica_saturate_s8(int32_t x, int zero, int min, int max)
{
    x = (int32_t)((uint32_t)x + (uint32_t)(int32_t)zero);
    return (int8_t)(x < min ? min : x > max ? max : x);
}

#endif
