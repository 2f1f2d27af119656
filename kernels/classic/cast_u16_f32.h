/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_CAST_U16_F32_H
#define MICA_CAST_U16_F32_H

#include <stdint.h>

/* out[i] = in[i] as a float */
static inline void mica_cast_u16_f32(const uint16_t *in, float *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        out[i] = (float)in[i];
}

#endif
