/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_MEAN_S16_S8_H
#define MICA_MEAN_S16_S8_H

#include <stdint.h>

#include "requantize.h"
#include "saturate.h"

struct mica_mean_s16_s8 {
    int32_t zero_sum; /* the input's zero point times the elements of one sum */
    int32_t multiplier;
    int8_t shift;
    int16_t out_zero;
};

/* out[i] = out_zero + requantize(sums[i] - zero_sum) for n elements, limited to int8. The division
 * by the number of elements is part of the multiplier, as in TFLite's reference MEAN. */
static inline void mica_mean_s16_s8(const struct mica_mean_s16_s8 *p, const int16_t *sums,
                                    int8_t *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        int32_t mean = mica_requantize(sums[i] - p->zero_sum, p->multiplier, p->shift);
        out[i] = mica_saturate_s8(mean, p->out_zero, -128, 127);
    }
}

#endif
