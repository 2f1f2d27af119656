/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_COPY_F64_H
#define MICA_COPY_F64_H

#include <stdint.h>

/* out[i] = in[i] for n elements of float64; where double is shorter (AVR), of that. */
static inline void mica_copy_f64(const double *in, double *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        out[i] = in[i];
}

#endif
