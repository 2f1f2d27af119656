/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_SUM_S8_S16_H
#define MICA_SUM_S8_S16_H

#include <stdint.h>

struct mica_sum_s8_s16 {
    int32_t width; /* neighbouring sums */
};

/* For at most 255 elements a sum, which 16 bits hold. Adds n runs of `width` elements to as many
 * sums, run by run: in[n][width] -> sums[width]. */
static inline void mica_sum_s8_s16(const struct mica_sum_s8_s16 *p, const int8_t *in, int16_t *sums,
                                   int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        for (int32_t k = 0; k < p->width; k++)
            sums[k] = (int16_t)(sums[k] + *in++);
}

#endif
