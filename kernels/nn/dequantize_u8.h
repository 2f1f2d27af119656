/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_DEQUANTIZE_U8_H
#define MICA_DEQUANTIZE_U8_H

#include <stdint.h>

struct mica_dequantize_u8 {
    float scale;
    int16_t zero;
};

/* out[i] = scale * (in[i] - zero) for n elements; see mica_dequantize_s8. */
static inline void mica_dequantize_u8(const struct mica_dequantize_u8 *p, const uint8_t *in,
                                      float *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        out[i] = p->scale * (float)(in[i] - p->zero);
}

#endif
