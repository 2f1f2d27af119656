/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_FLOAT_BITS_S16_H
#define MICA_FLOAT_BITS_S16_H

#include <stdint.h>

/* out[i] = in[i] as a float, made of integers: without a unit for floats this needs no library. */
static inline void mica_float_bits_s16(const int16_t *in, float *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        union {
            uint32_t bits;
            float value;
        } u = {0};
        uint32_t fraction = (uint32_t)(in[i] < 0 ? -(int32_t)in[i] : in[i]) << 8;
        if (fraction) {
            uint32_t exponent = 127 + 15;
            for (; !(fraction >> 23); fraction <<= 1)
                exponent--;
            u.bits = (in[i] < 0 ? UINT32_C(1) << 31 : 0) | exponent << 23 |
                     (fraction & UINT32_C(0x7fffff));
        }
        out[i] = u.value;
    }
}

#endif
