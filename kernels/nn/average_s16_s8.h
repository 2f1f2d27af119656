/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_AVERAGE_S16_S8_H
#define MICA_AVERAGE_S16_S8_H

#include <stdint.h>

#include "divide_s8.h"

struct mica_average_s16_s8 {
    int32_t count; /* the elements of one sum */
    int16_t out_min, out_max;
};

/* out[i] = sums[i] / count for n elements, rounded as average pooling does. */
static inline void mica_average_s16_s8(const struct mica_average_s16_s8 *p, const int16_t *sums,
                                       int8_t *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        out[i] = mica_divide_s8(sums[i], p->count, p->out_min, p->out_max);
}

#endif
