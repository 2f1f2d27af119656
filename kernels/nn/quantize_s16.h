/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_QUANTIZE_S16_H
#define MICA_QUANTIZE_S16_H

#include <stdint.h>

#include "round_f32.h"

struct mica_quantize_s16 {
    float scale;
    int32_t out_zero;
};

/* out[i] = out_zero + in[i] / scale, rounded to the nearest integer with ties away from zero and
 * limited to int16, for n elements; NaN gives the lowest. As TFLite's reference QUANTIZE. */
static inline void mica_quantize_s16(const struct mica_quantize_s16 *p, const float *in,
                                     int16_t *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        int32_t x = mica_round_f32(in[i] / p->scale) + p->out_zero;
        out[i] = (int16_t)(x < -32768 ? -32768 : x > 32767 ? 32767 : x);
    }
}

#endif
