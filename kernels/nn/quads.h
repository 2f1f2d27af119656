/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_QUADS_H
#define MICA_QUADS_H

#include <stdint.h>

#include "dsp.h"
#include "requantize_twice.h"

/* Four pixels times one output channel, for cores that multiply 32 by 32 bits to 32 and no more.
 *
 * A word holds two pixels, x0 + 2^16 * x1, so that one multiplication by a weight gives both
 * products. Of two taps the products' sums are within +-32512 as long as no two neighbouring
 * weights are -128, so 16 bits hold each: the word's high half, rounded, is what the second pixel
 * gets.
 *     word = x0 * w + 2^16 * x1 * w over two taps
 *     all  += word                    modulo 2^32
 *     high += (word + 2^15) >> 16     the second pixel's sum, exactly
 *     all - 2^16 * high               the first pixel's, exactly
 * Inputs are as they come, not less their zero point: that is in the bias, and padding is a zero
 * point written out.
 *
 *     in         taps times two words, pixels (0,1) and (2,3)
 *     weights    a channel's taps, filled up with zeros to a multiple of 4
 *     scales     {2 * bias, multiplier, half, shift} a channel, see mica_requantize_twice() */
struct mica_quads {
    int8_t *out[4]; /* where the pixels' channels go */
    const int32_t *in, *in_end;
    const int8_t *weights;
    const int32_t *scales;
    int32_t channels;
};

#if MICA_V6M

/* clang-format off */

/* Two taps. r0: weights, r1: in, r2 r3: high, r8 r9: all; the bit that a shift drops last is the
 * carry, which rounds. */
#define MICA_QUADS_TAPS(first, second) \
    "ldrb r4, [r0, #" first "] \n"     \
    "sxtb r4, r4 \n"                   \
    "ldmia r1!, {r5, r6} \n"           \
    "muls r5, r4, r5 \n"               \
    "muls r6, r4, r6 \n"               \
    "ldrb r4, [r0, #" second "] \n"    \
    "sxtb r4, r4 \n"                   \
    "ldmia r1!, {r7} \n"               \
    "muls r7, r4, r7 \n"               \
    "adds r5, r5, r7 \n"               \
    "ldmia r1!, {r7} \n"               \
    "muls r7, r4, r7 \n"               \
    "adds r6, r6, r7 \n"               \
    "add r8, r5 \n"                    \
    "asrs r5, r5, #16 \n"              \
    "adcs r2, r5 \n"                   \
    "add r9, r6 \n"                    \
    "asrs r6, r6, #16 \n"              \
    "adcs r3, r6 \n"

/* One output from its sum on the stack. r0: the multiplier's low half, r1: its high, r2: shift, r7:
 * the channel, r8: bias, r9: half; the steps are those of mica_high_product(). */
#define MICA_QUADS_OUT(sum, out)      \
    "ldr r4, [sp, #" sum "] \n"       \
    "add r4, r8 \n"                   \
    "sxth r5, r4 \n"                  \
    "subs r4, r4, r5 \n"              \
    "asrs r4, r4, #16 \n"             \
    "mov r6, r5 \n"                   \
    "muls r6, r0, r6 \n"              \
    "asrs r6, r6, #16 \n"             \
    "muls r5, r1, r5 \n"              \
    "adds r5, r5, r6 \n"              \
    "mov r6, r4 \n"                   \
    "muls r6, r0, r6 \n"              \
    "adds r5, r5, r6 \n"              \
    MICA_REQUANTIZE_V6M_FIRST         \
    "asrs r5, r5, #15 \n"             \
    "muls r4, r1, r4 \n"              \
    "lsls r4, r4, #1 \n"              \
    "adds r4, r4, r5 \n"              \
    MICA_REQUANTIZE_V6M_SECOND        \
    "add r4, r9 \n"                   \
    "asrs r4, r2 \n"                  \
    "sxtb r5, r4 \n"                  \
    "cmp r5, r4 \n"                   \
    "beq 4f \n"                       \
    "asrs r4, r4, #31 \n"             \
    "movs r5, #127 \n"                \
    "eors r5, r4 \n"                  \
    "4: ldr r6, [sp, #" out "] \n"    \
    "strb r5, [r6, r7] \n"

/* All channels of four pixels, which are stored last to first: where there are fewer, the others
 * are copies of the first. On the stack: four sums, out[4], in, channels, the current channel.
 * r10: in_end, r11: 2^14, r12: weights, lr: scales. */
MICA_NAKED void mica_quads_pixels(MICA_ARG const struct mica_quads *p)
{
    __asm__(".syntax unified \n"
            "push {r4-r7, lr} \n"
            "mov r4, r8 \n"
            "mov r5, r9 \n"
            "mov r6, r10 \n"
            "mov r7, r11 \n"
            "push {r4-r7} \n"
            "sub sp, #48 \n"
            "ldmia r0!, {r1-r4} \n"
            "add r5, sp, #16 \n"
            "stmia r5!, {r1-r4} \n"
            "ldmia r0!, {r1-r5} \n"
            "str r1, [sp, #32] \n"
            "str r5, [sp, #36] \n"
            "mov r10, r2 \n"
            "mov r0, r3 \n"
            "mov lr, r4 \n"
            "movs r6, #0 \n"
            "str r6, [sp, #40] \n"
            "movs r6, #1 \n"
            "lsls r6, r6, #14 \n"
            "mov r11, r6 \n"
            "2: ldr r1, [sp, #32] \n"
            "movs r2, #0 \n"
            "movs r3, #0 \n"
            "mov r8, r2 \n"
            "mov r9, r2 \n"
            "1: \n"
            MICA_QUADS_TAPS("0", "1")
            MICA_QUADS_TAPS("2", "3")
            "adds r0, r0, #4 \n"
            "cmp r1, r10 \n"
            "bne 1b \n"
            "mov r12, r0 \n"
            "lsls r5, r2, #16 \n"
            "mov r4, r8 \n"
            "subs r4, r4, r5 \n"
            "mov r5, r2 \n"
            "lsls r7, r3, #16 \n"
            "mov r6, r9 \n"
            "subs r6, r6, r7 \n"
            "mov r7, r3 \n"
            "mov r0, sp \n"
            "stmia r0!, {r4-r7} \n"
            "mov r3, lr \n"
            "ldmia r3!, {r4, r5, r6} \n"
            "ldmia r3!, {r2} \n"
            "mov lr, r3 \n"
            "asrs r4, r4, #1 \n"
            "mov r8, r4 \n"
            "mov r9, r6 \n"
            "uxth r0, r5 \n"
            "lsrs r1, r5, #16 \n"
            "ldr r7, [sp, #40] \n"
            MICA_QUADS_OUT("12", "28")
            MICA_QUADS_OUT("8", "24")
            MICA_QUADS_OUT("4", "20")
            MICA_QUADS_OUT("0", "16")
            "adds r7, r7, #1 \n"
            "str r7, [sp, #40] \n"
            "ldr r6, [sp, #36] \n"
            "mov r0, r12 \n"
            "cmp r7, r6 \n"
            "beq 3f \n"
            "b 2b \n"
            "3: add sp, #48 \n"
            "pop {r4-r7} \n"
            "mov r8, r4 \n"
            "mov r9, r5 \n"
            "mov r10, r6 \n"
            "mov r11, r7 \n"
            "pop {r4-r7, pc} \n");
}

/* clang-format on */

#else

static inline void mica_quads_taps(int32_t x0, int32_t x1, int32_t w0, int32_t w1, uint32_t *all,
                                   int32_t *high)
{
    const uint32_t word = (uint32_t)x0 * (uint32_t)w0 + (uint32_t)x1 * (uint32_t)w1;
    *all += word;
    *high += (int32_t)(word + 0x8000) >> 16;
}

/* The outputs o of two pixels, from the words of their sums. */
static inline void mica_quads_out(int8_t *const out[2], int32_t o, uint32_t all, int32_t high,
                                  const int32_t scale[4])
{
    const int32_t low = (int32_t)(all - ((uint32_t)high << 16)), bias = scale[0];
    const int32_t multiplier = scale[1], half = scale[2], shift = scale[3];
    out[1][o] = mica_requantize_twice(bias + 2 * high, multiplier, half, shift);
    out[0][o] = mica_requantize_twice(bias + 2 * low, multiplier, half, shift);
}

/* Two channels, o and p + o; their weights are `taps` apart. */
MICA_CALLED MICA_IN_ORDER void mica_quads_pair(const struct mica_quads *p, int32_t o)
{
    const int32_t *in = p->in, *const in_end = p->in_end, *const scales = p->scales + 4 * o;
    const int32_t taps = (int32_t)(in_end - in) / 2;
    const int8_t *w = p->weights + o * taps, *v = w + taps;
    uint32_t w01 = 0, w23 = 0, v01 = 0, v23 = 0;
    int32_t w1 = 0, w3 = 0, v1 = 0, v3 = 0;
    for (; in != in_end; in += 4, w += 2, v += 2) {
        mica_quads_taps(in[0], in[2], w[0], w[1], &w01, &w1);
        mica_quads_taps(in[1], in[3], w[0], w[1], &w23, &w3);
        mica_quads_taps(in[0], in[2], v[0], v[1], &v01, &v1);
        mica_quads_taps(in[1], in[3], v[0], v[1], &v23, &v3);
    }
    mica_quads_out(p->out + 2, o, w23, w3, scales);
    mica_quads_out(p->out, o, w01, w1, scales);
    mica_quads_out(p->out + 2, o + 1, v23, v3, scales + 4);
    mica_quads_out(p->out, o + 1, v01, v1, scales + 4);
}

/* All channels of four pixels, which are stored last to first: where there are fewer, the others
 * are copies of the first. An odd last channel goes together with the one before, once more. */
static inline void mica_quads_pixels(const struct mica_quads *p)
{
    int32_t o = 0;
    for (; o + 1 < p->channels; o += 2)
        mica_quads_pair(p, o);
    if (o < p->channels)
        mica_quads_pair(p, o - 1);
}

#endif

/* Four runs of n bytes into the order of mica_quads_pixels(). */
MICA_CALLED void mica_expand4(const int8_t *x0, const int8_t *x1, const int8_t *x2,
                              const int8_t *x3, int32_t *to, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        *to++ = x0[i] + x1[i] * (INT32_C(1) << 16);
        *to++ = x2[i] + x3[i] * (INT32_C(1) << 16);
    }
}

#endif
