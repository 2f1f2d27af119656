/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_WIDEN_U8_S16_H
#define MICA_WIDEN_U8_S16_H

#include <stdint.h>

/* out[i] = in[i] */
static inline void mica_widen_u8_s16(const uint8_t *in, int16_t *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        out[i] = in[i];
}

#endif
