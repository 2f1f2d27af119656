/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_DEQUANTIZE_F16_H
#define MICA_DEQUANTIZE_F16_H

#include <stdint.h>
#include <string.h>

/* float16 to float32 for n elements, exactly; by the bits, for processors know no float16. */
static inline void mica_dequantize_f16(const uint16_t *in, float *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        uint32_t sign = (uint32_t)(in[i] & 0x8000) << 16;
        uint32_t exponent = in[i] >> 10 & 31, fraction = in[i] & 1023;
        uint32_t bits;
        if (exponent == 31) { /* infinity, NaN */
            bits = UINT32_C(0x7F800000) | fraction << 13;
        } else if (exponent) {
            bits = (exponent + 112) << 23 | fraction << 13;
        } else { /* fraction * 2^-24, which float32 holds as a normal number */
            exponent = fraction ? 113 : 0;
            while (fraction && !(fraction & 1024)) {
                fraction <<= 1;
                exponent--;
            }
            bits = exponent << 23 | (fraction & 1023) << 13;
        }
        bits |= sign;
        memcpy(&out[i], &bits, sizeof bits);
    }
}

#endif
