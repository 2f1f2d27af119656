/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_REQUANTIZE_S16_S8_H
#define MICA_REQUANTIZE_S16_S8_H

#include <stdint.h>

#include "requantize.h"

struct mica_requantize_s16_s8 {
    int32_t in_zero, out_zero, multiplier;
    int8_t shift;
};

/* out[i] = out_zero + requantize(in[i] - in_zero), limited to int8, for n elements, as TFLite's
 * reference QUANTIZE between integers. */
static inline void mica_requantize_s16_s8(const struct mica_requantize_s16_s8 *p, const int16_t *in,
                                          int8_t *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        int32_t x = mica_requantize(in[i] - p->in_zero, p->multiplier, p->shift);
        x = (int32_t)((uint32_t)x + (uint32_t)p->out_zero); /* wraps as the reference's sum */
        out[i] = (int8_t)(x < -128 ? -128 : x > 127 ? 127 : x);
    }
}

#endif
