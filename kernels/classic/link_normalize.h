/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_LINK_NORMALIZE_H
#define MICA_LINK_NORMALIZE_H

#include <stdint.h>

/* out[i] = x[i] / sum of x, and 1 / n where the sum is 0; x may be out. */
static inline void mica_link_normalize(const double *x, double *out, int32_t n)
{
    double sum = 0.0;
    for (int32_t i = 0; i < n; i++)
        sum += x[i];
    for (int32_t i = 0; i < n; i++)
        out[i] = sum == 0.0 ? 1.0 / (double)n : x[i] / sum;
}

#endif
