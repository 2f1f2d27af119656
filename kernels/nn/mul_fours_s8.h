/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_MUL_FOURS_S8_H
#define MICA_MUL_FOURS_S8_H

#include <stdint.h>

#include "dsp.h"
#include "requantize_twice.h"

struct mica_mul_fours_s8 {
    int32_t multiplier, half, shift; /* as mica_requantize_twice() takes them */
    int16_t a_zero, b_zero, out_min, out_max;
    int8_t a_step, b_step; /* 1, or 0 where one element serves the whole run */
};

#if MICA_DSP

/* clang-format off */

#define MICA_MUL_OUT(x)                                   \
    MICA_REQUANTIZE_TWICE(x, "r3", "r6", "r7", "r8")     \
    "strb " x ", [r2], #1 \n"

/* n elements, a positive multiple of 4. constants: {-a_zero in both halves of a word, -b_zero in
 * both, multiplier, half, shift}. The limits are those of int8. */
MICA_BLOCK void mica_mul_words(MICA_ARG const int8_t *a, MICA_ARG const int8_t *b,
                               MICA_ARG int8_t *out, MICA_ARG const int32_t *constants,
                               MICA_ARG int32_t n)
{
    __asm__("push {r4-r11, lr} \n"
            "ldr lr, [sp, #36] \n"
            "add lr, r0, lr \n"
            "ldmia r3, {r4-r8} \n"
            "1: ldr r3, [r0], #4 \n"
            "ldr r9, [r1], #4 \n"
            "sxtab16 r10, r4, r3 \n" /* elements 0 and 2 */
            "sxtab16 r3, r4, r3, ror #8 \n"
            "sxtab16 r12, r5, r9 \n"
            "sxtab16 r9, r5, r9, ror #8 \n"
            "sadd16 r10, r10, r10 \n" /* twice the products */
            "sadd16 r3, r3, r3 \n"
            "smulbb r11, r10, r12 \n"
            "smultt r10, r10, r12 \n"
            "smulbb r12, r3, r9 \n"
            "smultt r9, r3, r9 \n"
            MICA_MUL_OUT("r11")
            MICA_MUL_OUT("r12")
            MICA_MUL_OUT("r10")
            MICA_MUL_OUT("r9")
            "cmp r0, lr \n"
            "bne 1b \n"
            "pop {r4-r11, pc} \n");
}

/* clang-format on */

/* How many of n elements are done four at a time. */
static inline int32_t mica_mul_words_of(const struct mica_mul_fours_s8 *p, const int8_t *a,
                                        const int8_t *b, int8_t *out, int32_t n)
{
    const uint32_t a_zero = (uint32_t)-p->a_zero & 0xFFFF, b_zero = (uint32_t)-p->b_zero & 0xFFFF;
    const int32_t constants[5] = {(int32_t)(a_zero | a_zero << 16),
                                  (int32_t)(b_zero | b_zero << 16), p->multiplier, p->half,
                                  p->shift};
    n = p->a_step == 1 && p->b_step == 1 && p->out_min == -128 && p->out_max == 127 ? n & ~3 : 0;
    if (n)
        mica_mul_words(a, b, out, constants, n);
    return n;
}

#endif

/* out[i] = (a[i] - a_zero) * (b[i] - b_zero) for n elements, as mica_mul_s8():
 *     out = clamp(requantize_twice(2 * product), out_min, out_max)
 * Whoever chose the parameters has proved that nothing overflows. */
static inline void mica_mul_fours_s8(const struct mica_mul_fours_s8 *p, const int8_t *a,
                                     const int8_t *b, int8_t *out, int32_t n)
{
    const int32_t multiplier = p->multiplier, half = p->half, shift = p->shift;
    const int32_t a_zero = p->a_zero, b_zero = p->b_zero;
    const int a_step = p->a_step, b_step = p->b_step, min = p->out_min, max = p->out_max;
    int32_t i = 0;
#if MICA_DSP
    i = mica_mul_words_of(p, a, b, out, n);
#endif
    a += i * a_step;
    b += i * b_step;
    for (; i < n; i++, a += a_step, b += b_step) {
        const int32_t twice = 2 * (*a - a_zero) * (*b - b_zero);
        const int x = mica_requantize_twice(twice, multiplier, half, shift);
        out[i] = (int8_t)(x < min ? min : x > max ? max : x);
    }
}

#endif
