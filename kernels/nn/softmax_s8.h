/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_SOFTMAX_S8_H
#define MICA_SOFTMAX_S8_H

#include <stdint.h>

#include "fixed.h"
#include "requantize.h"

struct mica_softmax_s8 {
    int32_t multiplier; /* brings beta * scale * difference to Q5.26 */
    int8_t shift;
    int32_t difference_min; /* below it e^x counts for nothing */
};

/* out[i] = e^(in[i] - max) / sum of the same, over n elements (at most 4095), with the scale 1/256
 * and the zero point -128. Powers in Q0.31, their sum in Q12.19, as TFLite's reference SOFTMAX.
 * in and out may be the same memory. */
static inline void mica_softmax_s8(const struct mica_softmax_s8 *p, const int8_t *in, int8_t *out,
                                   int32_t n)
{
    int8_t max = in[0];
    for (int32_t i = 1; i < n; i++)
        max = in[i] > max ? in[i] : max;
    int32_t sum = 0;
    for (int32_t i = 0; i < n; i++) {
        int32_t x = in[i] - max;
        if (x >= p->difference_min)
            sum += mica_fixed_divide(mica_fixed_exp(mica_requantize(x, p->multiplier, p->shift), 5),
                                     12);
    }
    int headroom = 0; /* leading zeros of the sum, which is at least 1 */
    while (((uint32_t)sum << headroom & UINT32_C(0x80000000)) == 0)
        headroom++;
    const int32_t over_one = (int32_t)(((uint32_t)sum << headroom) & INT32_MAX);
    const int32_t reciprocal = mica_fixed_shift(mica_fixed_reciprocal(over_one), 1);
    const int bits = 35 - headroom;
    for (int32_t i = 0; i < n; i++) {
        int32_t x = in[i] - max, share = 0;
        if (x >= p->difference_min && bits < 32) {
            x = mica_fixed_exp(mica_requantize(x, p->multiplier, p->shift), 5);
            share = mica_fixed_divide(mica_fixed_multiply(reciprocal, x), bits);
        }
        out[i] = (int8_t)(share > 255 ? 127 : share - 128);
    }
}

#endif
