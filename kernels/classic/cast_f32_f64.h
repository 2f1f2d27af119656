/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_CAST_F32_F64_H
#define MICA_CAST_F32_F64_H

#include <stdint.h>

/* out[i] = in[i] as a double */
static inline void mica_cast_f32_f64(const float *in, double *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        out[i] = (double)in[i];
}

#endif
