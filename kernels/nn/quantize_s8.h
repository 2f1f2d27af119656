/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_QUANTIZE_S8_H
#define MICA_QUANTIZE_S8_H

#include <stdint.h>

struct mica_quantize_s8 {
    float scale;
    int16_t out_zero;
};

/* out[i] = out_zero + in[i] / scale, rounded to the nearest integer with ties away from zero and
 * limited to int8, for n elements; NaN gives the lowest. As TFLite's reference QUANTIZE. */
static inline void mica_quantize_s8(const struct mica_quantize_s8 *p, const float *in, int8_t *out,
                                    int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        float x = in[i] / p->scale;
        x = x > 1000.0f ? 1000.0f : x > -1000.0f ? x : -1000.0f;
        int whole = (int)x;
        float part = x - (float)whole;
        whole += (part >= 0.5f) - (part <= -0.5f) + p->out_zero;
        out[i] = (int8_t)(whole < -128 ? -128 : whole > 127 ? 127 : whole);
    }
}

#endif
