/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_ADD_S8_H
#define MICA_ADD_S8_H

#include <stdint.h>

#include "requantize.h"
#include "saturate.h"

struct mica_add_s8 {
    int16_t a_zero, b_zero, out_zero, out_min, out_max;
    int8_t a_step, b_step; /* 1, or 0 where one element serves the whole run */
    int8_t a_shift, b_shift, out_shift;
    int8_t b_sign; /* 1: a + b; -1: a - b */
    int32_t a_multiplier, b_multiplier, out_multiplier;
};

/* out[i] = a[i] +- b[i] for n elements, in a common fixed point of 20 bits more than int8 holds:
 * both inputs are brought to twice the larger scale, added and brought to the output's, each step
 * rounded, as TFLite's reference ADD and SUB do. */
static inline void mica_add_s8(const struct mica_add_s8 *p, const int8_t *a, const int8_t *b,
                               int8_t *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++, a += p->a_step, b += p->b_step) {
        int32_t x = mica_requantize((*a - p->a_zero) * (INT32_C(1) << 20), p->a_multiplier,
                                    p->a_shift);
        int32_t y = mica_requantize((*b - p->b_zero) * (INT32_C(1) << 20), p->b_multiplier,
                                    p->b_shift);
        int32_t sum = mica_requantize(x + p->b_sign * y, p->out_multiplier, p->out_shift);
        out[i] = mica_saturate_s8(sum, p->out_zero, p->out_min, p->out_max);
    }
}

#endif
