/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_PLANAR_H
#define MICA_PLANAR_H

#include <stdint.h>

#include "dsp.h"

/* Channels side by side, as images have them, to channels one after the other. Of two columns of n
 * channels, n a positive multiple of 4, a word {left, right} a channel, 48 bytes apart; so for
 * `pairs` pairs of columns, each `step` bytes behind the one before and a word behind it in `to`.
 * Columns need no alignment, `to` that of words. */
#if MICA_DSP

/* clang-format off */

MICA_BLOCK void mica_planar(MICA_ARG const int8_t *left, MICA_ARG const int8_t *right,
                            MICA_ARG int16_t *to, MICA_ARG int32_t n, MICA_ARG int32_t pairs,
                            MICA_ARG int32_t step)
{
    __asm__("push {r4-r11, lr} \n"
            "ldr r11, [sp, #36] \n" /* pairs */
            "2: mov r4, r0 \n"
            "mov r5, r1 \n"
            "mov r6, r2 \n"
            "add r7, r0, r3 \n"
            "1: ldr r8, [r4], #4 \n"
            "ldr r9, [r5], #4 \n"
            "sxtb16 r10, r8 \n" /* channels 0 and 2 */
            "sxtb16 r12, r9 \n"
            "pkhbt lr, r10, r12, lsl #16 \n"
            "pkhtb r10, r12, r10, asr #16 \n"
            "str lr, [r6] \n"
            "str r10, [r6, #96] \n"
            "sxtb16 r10, r8, ror #8 \n" /* channels 1 and 3 */
            "sxtb16 r12, r9, ror #8 \n"
            "pkhbt lr, r10, r12, lsl #16 \n"
            "pkhtb r10, r12, r10, asr #16 \n"
            "str lr, [r6, #48] \n"
            "str r10, [r6, #144] \n"
            "add r6, r6, #192 \n"
            "cmp r4, r7 \n"
            "bne 1b \n"
            "ldr r10, [sp, #40] \n" /* step */
            "add r0, r0, r10 \n"
            "add r1, r1, r10 \n"
            "add r2, r2, #4 \n"
            "subs r11, r11, #1 \n"
            "bne 2b \n"
            "pop {r4-r11, pc} \n");
}

/* clang-format on */

#else

MICA_BLOCK void mica_planar(const int8_t *left, const int8_t *right, int16_t *to, int32_t n,
                            int32_t pairs, int32_t step)
{
    for (; pairs > 0; pairs--, left += step, right += step, to += 2)
        for (int32_t i = 0; i < n; i++) {
            to[24 * i] = left[i];
            to[24 * i + 1] = right[i];
        }
}

#endif

#endif
