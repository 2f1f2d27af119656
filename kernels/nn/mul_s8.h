/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_MUL_S8_H
#define MICA_MUL_S8_H

#include <stdint.h>

#include "requantize.h"
#include "saturate.h"

struct mica_mul_s8 {
    int16_t a_zero, b_zero, out_zero, out_min, out_max;
    int8_t a_step, b_step; /* 1, or 0 where one element serves the whole run */
    int8_t shift;
    int32_t multiplier;
};

/* out[i] = clamp(out_zero + requantize((a[i] - a_zero) * (b[i] - b_zero)), out_min, out_max) for n
 * elements, as TFLite's reference MUL does. */
static inline void mica_mul_s8(const struct mica_mul_s8 *p, const int8_t *a, const int8_t *b,
                               int8_t *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++, a += p->a_step, b += p->b_step) {
        int32_t product = (int32_t)(*a - p->a_zero) * (*b - p->b_zero);
        product = mica_requantize(product, p->multiplier, p->shift);
        out[i] = mica_saturate_s8(product, p->out_zero, p->out_min, p->out_max);
    }
}

#endif
