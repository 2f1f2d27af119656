/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_DEPTHWISE_COLUMN_S8_H
#define MICA_DEPTHWISE_COLUMN_S8_H

#include <stdint.h>

#include "dsp.h"
#include "requantize_twice.h"
#include "rom.h"

/* The stream has, for every four channels, a word of their weights for each tap, the first
 * channel's lowest, then four times {2 * bias, multiplier, half, shift}. */
struct mica_depthwise_column_s8 {
    int16_t channels, taps;
    const int32_t *stream;
};

#if MICA_DSP

/* clang-format off */

#define MICA_DEPTHWISE_COLUMN_OUT(sum)                      \
    "ldmia r1!, {r8-r11} \n"                                \
    "add " sum ", r8, " sum ", lsl #1 \n"                   \
    MICA_REQUANTIZE_TWICE(sum, "r8", "r9", "r10", "r11")    \
    "strb " sum ", [r2], #1 \n"

/* Four channels of a tap. */
#define MICA_DEPTHWISE_COLUMN_WIDEN(in, weights)  \
    "sxtb16 r2, " in ", ror #8 \n"                \
    "sxtb16 " in ", " in " \n"                    \
    "sxtb16 lr, " weights ", ror #8 \n"           \
    "sxtb16 " weights ", " weights " \n"
#define MICA_DEPTHWISE_COLUMN_TAP(in, weights)    \
    MICA_DEPTHWISE_COLUMN_WIDEN(in, weights)      \
    "smlabb r4, " in ", " weights ", r4 \n"       \
    "smlabb r5, r2, lr, r5 \n"                    \
    "smlatt r6, " in ", " weights ", r6 \n"       \
    "smlatt r7, r2, lr, r7 \n"

/* r0: rows, r1: stream, r3: end of rows, r4-r7: sums, r8 and r9: inputs, r10 and r11: weights, r12:
 * the channel, r2 and lr: every second channel. The first tap starts the sums; then one, if an odd
 * number is left, and the others by twos. On the stack: rows, out; number of channels. */
MICA_BLOCK void mica_depthwise_column(MICA_ARG const int8_t *const *rows,
                                      MICA_ARG const int32_t *stream, MICA_ARG int8_t *out,
                                      MICA_ARG int32_t taps, MICA_ARG int32_t channels)
{
    __asm__("push {r0, r2, r4-r11, lr} \n"
            "add r3, r0, r3, lsl #2 \n"
            "mov r12, #0 \n"
            "2: ldr r0, [sp] \n"
            "ldr r8, [r0], #4 \n"
            "ldr r10, [r1], #4 \n"
            "ldr r8, [r8, r12] \n"
            MICA_DEPTHWISE_COLUMN_WIDEN("r8", "r10")
            "smulbb r4, r8, r10 \n"
            "smulbb r5, r2, lr \n"
            "smultt r6, r8, r10 \n"
            "smultt r7, r2, lr \n"
            "subs r11, r3, r0 \n"
            "beq 3f \n"
            "lsls r11, r11, #29 \n"
            "bpl 1f \n"
            "ldr r8, [r0], #4 \n"
            "ldr r10, [r1], #4 \n"
            "ldr r8, [r8, r12] \n"
            MICA_DEPTHWISE_COLUMN_TAP("r8", "r10")
            "cmp r0, r3 \n"
            "beq 3f \n"
            "1: ldmia r0!, {r8, r9} \n"
            "ldmia r1!, {r10, r11} \n"
            "ldr r8, [r8, r12] \n"
            "ldr r9, [r9, r12] \n"
            MICA_DEPTHWISE_COLUMN_TAP("r8", "r10")
            MICA_DEPTHWISE_COLUMN_TAP("r9", "r11")
            "cmp r0, r3 \n"
            "bne 1b \n"
            "3: ldr r2, [sp, #4] \n"
            "add r2, r2, r12 \n"
            MICA_DEPTHWISE_COLUMN_OUT("r4")
            MICA_DEPTHWISE_COLUMN_OUT("r5")
            MICA_DEPTHWISE_COLUMN_OUT("r6")
            MICA_DEPTHWISE_COLUMN_OUT("r7")
            "ldr lr, [sp, #44] \n"
            "add r12, r12, #4 \n"
            "cmp r12, lr \n"
            "bne 2b \n"
            "add sp, sp, #8 \n"
            "pop {r4-r11, pc} \n");
}

/* clang-format on */

#else

MICA_BLOCK void mica_depthwise_column(const int8_t *const *rows, const int32_t *stream, int8_t *out,
                                      int32_t taps, int32_t channels)
{
    for (int32_t c = 0; c < channels; c += 4) {
        int32_t sum[4] = {0, 0, 0, 0};
        for (int32_t i = 0; i < taps; i++) {
            const int32_t w = MICA_ROM_S32(stream++);
            const int8_t *in = rows[i] + c;
            sum[0] += in[0] * (int8_t)w;
            sum[1] += in[1] * (int8_t)(w >> 8);
            sum[2] += in[2] * (int8_t)(w >> 16);
            sum[3] += in[3] * (w >> 24);
        }
        for (int k = 0; k < 4; k++, stream += 4)
            *out++ = mica_requantize_twice(MICA_ROM_S32(&stream[0]) + 2 * sum[k],
                                           MICA_ROM_S32(&stream[1]), MICA_ROM_S32(&stream[2]),
                                           MICA_ROM_S32(&stream[3]));
    }
}

#endif

/* One output pixel of a depthwise convolution whose kernel is one column wide, as over time:
 * rows[taps] of [channels], none of them padding -> out[channels]; channels are a multiple of 4.
 * The arithmetic is that of mica_depthwise_conv2d_s8(). */
static inline void mica_depthwise_column_s8(const struct mica_depthwise_column_s8 *p,
                                            const int8_t *const *rows, int8_t *out)
{
    mica_depthwise_column(rows, p->stream, out, p->taps, p->channels);
}

#endif
