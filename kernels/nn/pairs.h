/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_PAIRS_H
#define MICA_PAIRS_H

#include <stdint.h>

#include "dsp.h"
#include "requantize_twice.h"
#include "rom.h"

/* Three pixels times pairs of output channels: the block under all convolutions.
 *
 * Two channels share a 16-bit lane, v = 256 * w1 + w0, so weights take one byte each and two
 * products of a tap cost two multiplications and no unpacking but SXTB16, which gives w0:
 *     low  = sum of x * w0        high = sum of x * v = 256 * (sum of x * w1) + low, modulo 2^32
 *     sum of x * w1 = (high - low) / 256, exact where that sum is below 2^23
 * Inputs are as they come, not less their zero point: that is in the bias, and padding is a zero
 * point written out.
 *
 *     stream of a pair   taps / 2 words, lanes taps (0,2) (1,3) (4,6) (5,7) ..., then twice
 *                        {2 * bias, multiplier, half, shift}, see mica_requantize_twice()
 *     in                 taps / 2 times three words, a pixel each, lanes in the same order
 *
 * taps is a multiple of 4; stream and in are aligned to words. */
struct mica_pairs {
    int8_t *out[3]; /* where the pixels' channels go */
    const int16_t *in, *in_end;
    const int32_t *stream_end;
    uint32_t entry; /* of the loop of four steps of four taps: the first turn skips what is not */
    uint32_t relu;  /* 1: every channel's zero point of outputs is -128 */
};

enum { MICA_PAIRS_STEP_BYTES = 64, MICA_PAIRS_PARAMETERS = 8 };

#if MICA_DSP

/* clang-format off */

/* r2 r3 r7: low of the three pixels, r11 r12 lr: high, r4-r6: the pixels, r10: w0 of two taps. */
#define MICA_PAIRS_TAPS(word)         \
    "ldmia r1!, {r4, r5, r6} \n"      \
    "sxtb16 r10, " word " \n"         \
    "smlad r2, r4, r10, r2 \n"        \
    "smlad r11, r4, " word ", r11 \n" \
    "smlad r3, r5, r10, r3 \n"        \
    "smlad r12, r5, " word ", r12 \n" \
    "smlad r7, r6, r10, r7 \n"        \
    "smlad lr, r6, " word ", lr \n"
#define MICA_PAIRS_STEP                \
    "ldrd r8, r9, [r0], #8 \n"        \
    MICA_PAIRS_TAPS("r8")              \
    MICA_PAIRS_TAPS("r9")
/* The first step, which nothing is added to. */
#define MICA_PAIRS_FIRST               \
    "ldrd r8, r9, [r0], #8 \n"        \
    "ldmia r1!, {r4, r5, r6} \n"      \
    "sxtb16 r10, r8 \n"               \
    "smuad r2, r4, r10 \n"            \
    "smuad r11, r4, r8 \n"            \
    "smuad r3, r5, r10 \n"            \
    "smuad r12, r5, r8 \n"            \
    "smuad r7, r6, r10 \n"            \
    "smuad lr, r6, r8 \n"             \
    MICA_PAIRS_TAPS("r9")
#define MICA_PAIRS_OUT(requantize, sum, temp, doubled) \
    "add " sum ", r1, " sum ", " doubled " \n"         \
    requantize(sum, temp, "r8", "r9", "r10")
/* A pair's end. Shifting high - low right by 7, not 8, doubles the sum on the way. Pixels are
 * stored last to first: where there are fewer than three, the others are copies of the first. */
#define MICA_PAIRS_END(requantize)                  \
    "ldmia r0!, {r1, r8, r9, r10} \n"               \
    "sub r11, r11, r2 \n"                           \
    "sub r12, r12, r3 \n"                           \
    "sub lr, lr, r7 \n"                             \
    MICA_PAIRS_OUT(requantize, "r2", "r4", "lsl #1") \
    MICA_PAIRS_OUT(requantize, "r3", "r4", "lsl #1") \
    MICA_PAIRS_OUT(requantize, "r7", "r4", "lsl #1") \
    "ldm sp, {r4, r5, r6} \n"                       \
    "strb r7, [r6], #1 \n"                          \
    "strb r3, [r5], #1 \n"                          \
    "strb r2, [r4], #1 \n"                          \
    "ldmia r0!, {r1, r8, r9, r10} \n"               \
    MICA_PAIRS_OUT(requantize, "r11", "r2", "asr #7") \
    MICA_PAIRS_OUT(requantize, "r12", "r2", "asr #7") \
    MICA_PAIRS_OUT(requantize, "lr", "r2", "asr #7") \
    "strb lr, [r6], #1 \n"                          \
    "strb r12, [r5], #1 \n"                         \
    "strb r11, [r4], #1 \n"                         \
    "stm sp, {r4, r5, r6} \n"                       \
    "ldr r1, [sp, #20] \n"                          \
    "cmp r0, r1 \n"                                 \
    "bne 2b \n"                                     \
    "add sp, sp, #32 \n"                            \
    "pop {r4-r11, pc} \n"

/* On the stack: out[3], in, in_end, stream_end, the address to enter the loop and that of the
 * pair's end. */
MICA_BLOCK void mica_pairs(MICA_ARG const int32_t *stream, MICA_ARG const struct mica_pairs *p)
{
    __asm__("push {r4-r11, lr} \n"
            "ldm r1, {r2-r9} \n"
            "adr.w r10, 1f \n"
            "add r8, r8, r10 \n"
            "orr r8, r8, #1 \n"
            "cmp r9, #0 \n"
            "adr.w r9, 3f \n"
            "adr.w r10, 4f \n"
            "it ne \n"
            "movne r9, r10 \n"
            "orr r9, r9, #1 \n"
            "push {r2-r9} \n"
            "2: ldr r1, [sp, #12] \n"
            MICA_PAIRS_FIRST
            "ldr pc, [sp, #24] \n"
            "1: \n"
            MICA_PAIRS_STEP
            MICA_PAIRS_STEP
            MICA_PAIRS_STEP
            MICA_PAIRS_STEP
            "ldr r8, [sp, #16] \n"
            "cmp r1, r8 \n"
            "bne 1b \n"
            "ldr pc, [sp, #28] \n"
            "3: \n"
            MICA_PAIRS_END(MICA_REQUANTIZE_TWICE)
            "4: \n"
            MICA_PAIRS_END(MICA_REQUANTIZE_TWICE_RELU));
}

/* clang-format on */

#else

MICA_BLOCK void mica_pairs(const int32_t *stream, const struct mica_pairs *p)
{
    for (int32_t o = 0; stream != p->stream_end; o += 2) {
        int32_t sum[2][3] = {{0, 0, 0}, {0, 0, 0}};
        for (const int16_t *in = p->in; in != p->in_end; in += 6, stream++) {
            const int32_t word = MICA_ROM_S32(stream);
            for (int lane = 0; lane < 2; lane++) {
                const int16_t v = (int16_t)(lane ? word >> 16 : word);
                const int8_t w0 = (int8_t)v;
                for (int k = 0; k < 3; k++) {
                    sum[0][k] += in[2 * k + lane] * w0;
                    sum[1][k] += in[2 * k + lane] * ((v - w0) >> 8);
                }
            }
        }
        for (int i = 0; i < 2; i++, stream += 4)
            for (int k = 0; k < 3; k++)
                p->out[k][o + i] = mica_requantize_twice(
                    MICA_ROM_S32(&stream[0]) + 2 * sum[i][k], MICA_ROM_S32(&stream[1]),
                    MICA_ROM_S32(&stream[2]), MICA_ROM_S32(&stream[3]));
    }
}

#endif

/* What stays the same from pixels to pixels. One step comes before the loop; where there is no
 * other, the loop is entered behind its four. */
static inline struct mica_pairs mica_pairs_of(const int16_t *in, int32_t taps, int relu)
{
    const uint32_t skipped = (uint32_t)(taps == 4 ? 4 : -(taps / 4 - 1) & 3);
    const struct mica_pairs p = {
        {0, 0, 0}, in, in + 3 * taps, 0, skipped * MICA_PAIRS_STEP_BYTES, (uint32_t)relu};
    return p;
}

/* All `channels` of three pixels, to p->out; returns the stream behind them. An odd last channel is
 * the low one of a pair whose other result nobody wants. */
static inline const int32_t *mica_pairs_pixels(struct mica_pairs *p, const int32_t *stream,
                                               int32_t taps, int32_t channels)
{
    const int32_t pair = taps / 2 + MICA_PAIRS_PARAMETERS;
    p->stream_end = stream + (channels >> 1) * pair;
    if (channels > 1)
        mica_pairs(stream, p);
    if (channels & 1) {
        int8_t last[3][2], *const out[3] = {p->out[0], p->out[1], p->out[2]};
        stream = p->stream_end;
        for (int k = 0; k < 3; k++)
            p->out[k] = last[k];
        p->stream_end += pair;
        mica_pairs(stream, p);
        for (int k = 2; k >= 0; k--)
            out[k][channels - 1] = last[k][0];
    }
    return p->stream_end;
}

#endif
