/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_EXPAND3_H
#define MICA_EXPAND3_H

#include <stdint.h>

#include "dsp.h"

/* Three runs of n bytes, n a positive multiple of 4, into the order of mica_pairs(): int16, a word
 * of each run in turn, lanes (0,2) (1,3) (4,6) ... Runs need no alignment, `to` that of words. */
#if MICA_DSP

/* clang-format off */

MICA_BLOCK void mica_expand3(MICA_ARG const int8_t *x0, MICA_ARG const int8_t *x1,
                             MICA_ARG const int8_t *x2, MICA_ARG int16_t *to, MICA_ARG int32_t n)
{
    __asm__("push {r4-r9} \n"
            "ldr r12, [sp, #24] \n"
            "add r12, r0, r12 \n"
            "1: ldr r4, [r0], #4 \n"
            "ldr r5, [r1], #4 \n"
            "ldr r6, [r2], #4 \n"
            "sxtb16 r7, r4 \n"
            "sxtb16 r8, r5 \n"
            "sxtb16 r9, r6 \n"
            "stmia r3!, {r7, r8, r9} \n"
            "sxtb16 r7, r4, ror #8 \n"
            "sxtb16 r8, r5, ror #8 \n"
            "sxtb16 r9, r6, ror #8 \n"
            "stmia r3!, {r7, r8, r9} \n"
            "cmp r0, r12 \n"
            "bne 1b \n"
            "pop {r4-r9} \n"
            "bx lr \n");
}

/* clang-format on */

#else

MICA_BLOCK void mica_expand3(const int8_t *x0, const int8_t *x1, const int8_t *x2, int16_t *to,
                             int32_t n)
{
    const int8_t *const x[3] = {x0, x1, x2};
    for (int32_t i = 0; i < n; i += 4, to += 12)
        for (int k = 0; k < 3; k++) {
            to[2 * k] = x[k][i];
            to[2 * k + 1] = x[k][i + 2];
            to[2 * k + 6] = x[k][i + 1];
            to[2 * k + 7] = x[k][i + 3];
        }
}

#endif

#endif
