/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_COPY_F32_H
#define MICA_COPY_F32_H

#include <stdint.h>

/* out[i] = in[i] for n elements of float32. */
static inline void mica_copy_f32(const float *in, float *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        out[i] = in[i];
}

#endif
