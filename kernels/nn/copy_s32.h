/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_COPY_S32_H
#define MICA_COPY_S32_H

#include <stdint.h>

/* out[i] = in[i] for n integers of 32 bits. */
static inline void mica_copy_s32(const int32_t *in, int32_t *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        out[i] = in[i];
}

#endif
