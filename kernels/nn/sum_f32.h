/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_SUM_F32_H
#define MICA_SUM_F32_H

#include <stdint.h>

struct mica_sum_f32 {
    int32_t width; /* neighbouring sums */
};

/* Adds n runs of `width` elements to as many sums, run by run: in[n][width] -> sums[width]. */
static inline void mica_sum_f32(const struct mica_sum_f32 *p, const float *in, float *sums,
                                int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        for (int32_t k = 0; k < p->width; k++)
            sums[k] += *in++;
}

#endif
