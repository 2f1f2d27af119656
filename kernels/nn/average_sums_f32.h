/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_AVERAGE_SUMS_F32_H
#define MICA_AVERAGE_SUMS_F32_H

#include <stdint.h>

#include "clamp_value_f32.h"

struct mica_average_sums_f32 {
    float divisor; /* the elements of one sum */
    float out_min, out_max;
};

/* out[i] = clamp(sums[i] / divisor, out_min, out_max) for n elements: the end of average pooling
 * over a whole image. sums and out may be the same memory. */
static inline void mica_average_sums_f32(const struct mica_average_sums_f32 *p, const float *sums,
                                         float *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        out[i] = mica_clamp_value_f32(sums[i] / p->divisor, p->out_min, p->out_max);
}

#endif
