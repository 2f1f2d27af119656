/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_LEAKY_RELU_F32_H
#define MICA_LEAKY_RELU_F32_H

#include <stdint.h>

struct mica_leaky_relu_f32 {
    float alpha;
};

/* out[i] = in[i] above 0, alpha * in[i] elsewhere, for n elements. in and out may be the same
 * memory. */
static inline void mica_leaky_relu_f32(const struct mica_leaky_relu_f32 *p, const float *in,
                                       float *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        out[i] = in[i] > 0.0f ? in[i] : in[i] * p->alpha;
}

#endif
