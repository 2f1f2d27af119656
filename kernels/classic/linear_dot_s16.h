/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_LINEAR_DOT_S16_H
#define MICA_LINEAR_DOT_S16_H

#include <stdint.h>
#include <string.h>

#include "dsp.h"
#include "rom.h"

#if MICA_DSP
/* Two products at a time; numbers of 16 bits may lie at any even address. */
static inline int64_t mica_linear_pair_s16(int64_t sum, const int16_t *x, const int16_t *coef)
{
    uint32_t a, b;
    memcpy(&a, x, sizeof a);
    memcpy(&b, coef, sizeof b);
    __asm__("smlald %Q0, %R0, %1, %2" : "+r"(sum) : "r"(a), "r"(b));
    return sum;
}

MICA_CALLED int64_t mica_linear_dot_s16(const int16_t *x, int32_t n, const int16_t *coef)
{
    const int16_t *const end = x + n, *const eights = x + n / 8 * 8;
    int64_t sum = 0;
    for (; x != eights; x += 8, coef += 8) {
        sum = mica_linear_pair_s16(sum, x, coef);
        sum = mica_linear_pair_s16(sum, x + 2, coef + 2);
        sum = mica_linear_pair_s16(sum, x + 4, coef + 4);
        sum = mica_linear_pair_s16(sum, x + 6, coef + 6);
    }
    while (x != end)
        sum += *x++ * (int32_t)*coef++;
    return sum;
}
#else
static inline int64_t mica_linear_dot_s16(const int16_t *x, int32_t n, const int16_t *coef)
{
    int64_t sum = 0;
    int32_t left = n;
    for (; left >= 2; left -= 2, x += 2, coef += 2) { /* two products fit 32 bits */
        int32_t pair = x[0] * (int32_t)MICA_ROM_S16(&coef[0]);
        pair += x[1] * (int32_t)MICA_ROM_S16(&coef[1]);
        sum += pair;
    }
    return left ? sum + x[0] * (int32_t)MICA_ROM_S16(coef) : sum;
}
#endif

/* An intercept in the units of the sum. */
static inline int64_t mica_linear_intercept_s16(int32_t intercept, int32_t shift)
{
    return shift < 0 ? (int64_t)intercept * ((int32_t)1 << -shift)
                     : intercept >> (shift > 31 ? 31 : shift);
}

#endif
