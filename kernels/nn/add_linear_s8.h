/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_ADD_LINEAR_S8_H
#define MICA_ADD_LINEAR_S8_H

#include <stdint.h>

#include "dsp.h"
#include "product_s8.h"

struct mica_add_linear_s8 {
    int32_t a_multiplier, b_multiplier, offset; /* of the output's 2^-20 */
    int16_t out_min, out_max;
    int8_t a_step, b_step; /* 1, or 0 where one element serves the whole run */
};

#if MICA_DSP

/* clang-format off */

/* n elements, a positive multiple of 4; constants: a_multiplier, b_multiplier, offset. Inputs stay
 * where they are in a word, at the top of its halves, which makes them 2^8 times as large: SMLAWx
 * drops 16 bits of the product. The limits are those of int8. */
MICA_BLOCK void mica_add_linear_words(MICA_ARG const int8_t *a, MICA_ARG const int8_t *b,
                                      MICA_ARG int8_t *out, MICA_ARG const int32_t *constants,
                                      MICA_ARG int32_t n)
{
    __asm__("push {r4-r11, lr} \n"
            "ldr lr, [sp, #36] \n"
            "add lr, r0, lr \n"
            "ldmia r3, {r4, r5, r6} \n"
            "mov r3, #0xFF00FF00 \n"
            "1: ldr r7, [r0], #4 \n"
            "ldr r8, [r1], #4 \n"
            "and r9, r3, r7, lsl #8 \n" /* elements 0 and 2 */
            "and r10, r3, r8, lsl #8 \n"
            "and r7, r7, r3 \n" /* elements 1 and 3 */
            "and r8, r8, r3 \n"
            "smlawb r11, r4, r9, r6 \n"
            "smlawb r12, r4, r7, r6 \n"
            "smlawb r11, r5, r10, r11 \n"
            "smlawb r12, r5, r8, r12 \n"
            "ssat r11, #8, r11, asr #20 \n"
            "ssat r12, #8, r12, asr #20 \n"
            "strb r11, [r2], #1 \n"
            "strb r12, [r2], #1 \n"
            "smlawt r11, r4, r9, r6 \n"
            "smlawt r12, r4, r7, r6 \n"
            "smlawt r11, r5, r10, r11 \n"
            "smlawt r12, r5, r8, r12 \n"
            "ssat r11, #8, r11, asr #20 \n"
            "ssat r12, #8, r12, asr #20 \n"
            "strb r11, [r2], #1 \n"
            "strb r12, [r2], #1 \n"
            "cmp r0, lr \n"
            "bne 1b \n"
            "pop {r4-r11, pc} \n");
}

/* clang-format on */

/* How many of n elements are done four at a time. */
static inline int32_t mica_add_linear_fours(const struct mica_add_linear_s8 *p, const int8_t *a,
                                            const int8_t *b, int8_t *out, int32_t n)
{
    n = p->a_step == 1 && p->b_step == 1 && p->out_min == -128 && p->out_max == 127 ? n & ~3 : 0;
    if (n)
        mica_add_linear_words(a, b, out, &p->a_multiplier, n);
    return n;
}

#endif

/* out[i] = a[i] +- b[i] for n elements:
 *     out = clamp((offset + floor(a * a_multiplier / 2^8) + floor(b * b_multiplier / 2^8)) >> 20)
 * Zero points and the half that rounds are in the offset. Whoever chose the three numbers has
 * tried all 65,536 pairs of inputs and found what mica_add_s8() gives. */
static inline void mica_add_linear_s8(const struct mica_add_linear_s8 *p, const int8_t *a,
                                      const int8_t *b, int8_t *out, int32_t n)
{
    const int32_t a_multiplier = p->a_multiplier, b_multiplier = p->b_multiplier;
    const int32_t offset = p->offset, min = p->out_min, max = p->out_max;
    const int a_step = p->a_step, b_step = p->b_step;
    int32_t i = 0;
#if MICA_DSP
    i = mica_add_linear_fours(p, a, b, out, n);
#endif
    a += i * a_step;
    b += i * b_step;
    for (; i < n; i++, a += a_step, b += b_step) {
        const int32_t sum = offset + mica_product_s8(a_multiplier, *a) +
                            mica_product_s8(b_multiplier, *b);
        const int32_t x = sum >> 20;
        out[i] = (int8_t)(x < min ? min : x > max ? max : x);
    }
}

#endif
