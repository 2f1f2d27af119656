/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_FILL_F32_H
#define MICA_FILL_F32_H

#include <stdint.h>

struct mica_fill_f32 {
    float value;
};

/* out[i] = value for n elements of 32 bits. */
static inline void mica_fill_f32(const struct mica_fill_f32 *p, float *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        out[i] = p->value;
}

#endif
