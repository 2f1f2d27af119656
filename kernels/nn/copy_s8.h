/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_COPY_S8_H
#define MICA_COPY_S8_H

#include <stdint.h>

/* out[i] = in[i] for n elements of 8 bits. */
static inline void mica_copy_s8(const int8_t *in, int8_t *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        out[i] = in[i];
}

#endif
