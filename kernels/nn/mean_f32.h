/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_MEAN_F32_H
#define MICA_MEAN_F32_H

#include <stdint.h>

struct mica_mean_f32 {
    float divisor; /* the elements of one sum */
};

/* out[i] = sums[i] / divisor for n elements. sums and out may be the same memory. */
static inline void mica_mean_f32(const struct mica_mean_f32 *p, const float *sums, float *out,
                                 int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        out[i] = sums[i] / p->divisor;
}

#endif
