/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_DENSE_PAIRS_S8_H
#define MICA_DENSE_PAIRS_S8_H

#include <stdint.h>

#include "dsp.h"
#include "requantize_twice.h"
#include "rom.h"

struct mica_dense_pairs_s8 {
    int32_t in_n, out_n;
    const int32_t *stream; /* of mica_pairs(), taps filled up to a multiple of 8 */
};

/* One vector times fours of outputs, two pairs with the trick of mica_pairs(), so that a load of
 * inputs serves both. in: int16, lanes (0,2) (1,3) (4,6) (5,7) ..., taps a multiple of 8. The
 * stream has, for every eight taps, four words of the first pair and four of the second, then the
 * scales of the four outputs. One pair, of the one or two outputs that are left, comes without a
 * second. */
struct mica_dense_pairs {
    const int16_t *in, *in_end;
    int8_t *out;
    const int32_t *stream_end;
    uint32_t entry; /* where the first turn enters the loop of four steps of eight taps */
};

enum { MICA_DENSE_PAIRS_STEP_BYTES = 106, MICA_DENSE_PAIRS_PARAMETERS = 8 };

#if MICA_DSP

/* clang-format off */

/* Expands n bytes, a positive multiple of 8. */
MICA_BLOCK void mica_dense_expand(MICA_ARG const int8_t *from, MICA_ARG int16_t *to,
                                  MICA_ARG int32_t n)
{
    __asm__("push {r4-r7} \n"
            "add r12, r0, r2 \n"
            "1: ldr r3, [r0], #4 \n"
            "ldr r6, [r0], #4 \n"
            "sxtb16 r4, r3 \n"
            "sxtb16 r5, r3, ror #8 \n"
            "sxtb16 r7, r6, ror #8 \n"
            "sxtb16 r6, r6 \n"
            "stmia r1!, {r4-r7} \n"
            "cmp r0, r12 \n"
            "bne 1b \n"
            "pop {r4-r7} \n"
            "bx lr \n");
}

#define MICA_DENSE_PAIRS_TAPS(word, x, low, high)             \
    "smlad " high ", " x ", " word ", " high " \n"            \
    "sxtb16 " word ", " word " \n"                            \
    "smlad " low ", " x ", " word ", " low " \n"
#define MICA_DENSE_PAIRS_EIGHT(low, high)                     \
    "ldmia r0!, {r8-r11} \n"                                  \
    MICA_DENSE_PAIRS_TAPS("r8", "r4", low, high)              \
    MICA_DENSE_PAIRS_TAPS("r9", "r5", low, high)              \
    MICA_DENSE_PAIRS_TAPS("r10", "r6", low, high)             \
    MICA_DENSE_PAIRS_TAPS("r11", "r7", low, high)
#define MICA_DENSE_PAIRS_STEP                                 \
    "ldmia r1!, {r4-r7} \n"                                   \
    MICA_DENSE_PAIRS_EIGHT("r2", "r3")                        \
    MICA_DENSE_PAIRS_EIGHT("r12", "lr")
#define MICA_DENSE_PAIRS_OUT(sum, doubled)                    \
    "ldmia r0!, {r8-r11} \n"                                  \
    "add " sum ", r8, " sum ", " doubled " \n"                \
    MICA_REQUANTIZE_TWICE(sum, "r4", "r9", "r10", "r11")      \
    "strb " sum ", [r5], #1 \n"

/* r2 and r3: sums of the first pair, low and high; r12 and lr: of the second; r4-r7: inputs,
 * r8-r11: weights. On the stack: in, in_end, out, stream_end and the address to enter the loop. */
MICA_BLOCK void mica_dense_pairs(MICA_ARG const int32_t *stream,
                                 MICA_ARG const struct mica_dense_pairs *p)
{
    __asm__("push {r4-r11, lr} \n"
            "ldm r1, {r2-r6} \n"
            "adr.w r7, 1f \n"
            "add r6, r6, r7 \n"
            "orr r6, r6, #1 \n"
            "push {r2-r6} \n"
            "2: ldr r1, [sp] \n"
            "movs r2, #0 \n"
            "movs r3, #0 \n"
            "mov r12, #0 \n"
            "mov lr, #0 \n"
            "ldr pc, [sp, #16] \n"
            "1: \n"
            MICA_DENSE_PAIRS_STEP
            MICA_DENSE_PAIRS_STEP
            MICA_DENSE_PAIRS_STEP
            MICA_DENSE_PAIRS_STEP
            "ldr r4, [sp, #4] \n"
            "cmp r1, r4 \n"
            "bne.w 1b \n"
            "sub r3, r3, r2 \n"
            "sub lr, lr, r12 \n"
            "ldr r5, [sp, #8] \n"
            MICA_DENSE_PAIRS_OUT("r2", "lsl #1")
            MICA_DENSE_PAIRS_OUT("r3", "asr #7")
            MICA_DENSE_PAIRS_OUT("r12", "lsl #1")
            MICA_DENSE_PAIRS_OUT("lr", "asr #7")
            "str r5, [sp, #8] \n"
            "ldr r4, [sp, #12] \n"
            "cmp r0, r4 \n"
            "bne.w 2b \n"
            "add sp, sp, #20 \n"
            "pop {r4-r11, pc} \n");
}

/* One pair. r12: in_end, lr: out. */
MICA_BLOCK void mica_dense_pair(MICA_ARG const int32_t *stream,
                                MICA_ARG const struct mica_dense_pairs *p)
{
    __asm__("push {r4-r11, lr} \n"
            "ldr r12, [r1, #4] \n"
            "ldr lr, [r1, #8] \n"
            "ldr r1, [r1] \n"
            "movs r2, #0 \n"
            "movs r3, #0 \n"
            "1: ldmia r1!, {r4-r7} \n"
            MICA_DENSE_PAIRS_EIGHT("r2", "r3")
            "cmp r1, r12 \n"
            "bne 1b \n"
            "sub r3, r3, r2 \n"
            "mov r5, lr \n"
            MICA_DENSE_PAIRS_OUT("r2", "lsl #1")
            MICA_DENSE_PAIRS_OUT("r3", "asr #7")
            "pop {r4-r11, pc} \n");
}

/* clang-format on */

#else

MICA_BLOCK void mica_dense_expand(const int8_t *from, int16_t *to, int32_t n)
{
    for (int32_t i = 0; i < n; i += 4) {
        to[i] = from[i];
        to[i + 1] = from[i + 2];
        to[i + 2] = from[i + 1];
        to[i + 3] = from[i + 3];
    }
}

static inline void mica_dense_sums(const int32_t *stream, const struct mica_dense_pairs *p,
                                   int pairs)
{
    int32_t sum[4] = {0, 0, 0, 0};
    for (const int16_t *in = p->in; in != p->in_end; in += 8)
        for (int k = 0; k < 2 * pairs; k += 2)
            for (int i = 0; i < 8; i++) {
                const int16_t lane = (int16_t)(MICA_ROM_S32(stream) >> 16 * (i % 2));
                const int8_t low = (int8_t)lane;
                sum[k] += in[i] * low;
                sum[k + 1] += in[i] * ((lane - low) >> 8);
                stream += i % 2;
            }
    for (int i = 0; i < 2 * pairs; i++, stream += 4)
        p->out[i] = mica_requantize_twice(MICA_ROM_S32(&stream[0]) + 2 * sum[i],
                                          MICA_ROM_S32(&stream[1]), MICA_ROM_S32(&stream[2]),
                                          MICA_ROM_S32(&stream[3]));
}

MICA_BLOCK void mica_dense_pair(const int32_t *stream, const struct mica_dense_pairs *p)
{
    mica_dense_sums(stream, p, 1);
}

MICA_BLOCK void mica_dense_pairs(const int32_t *stream, const struct mica_dense_pairs *p)
{
    const int32_t four = (int32_t)(p->in_end - p->in) + 2 * MICA_DENSE_PAIRS_PARAMETERS;
    struct mica_dense_pairs job = *p;
    for (; stream != p->stream_end; stream += four, job.out += 4)
        mica_dense_sums(stream, &job, 2);
}

#endif

/* out_n outputs of a vector of `taps` in the order above. */
static inline void mica_dense_outputs(const int32_t *stream, const int16_t *in, int32_t taps,
                                      int8_t *out, int32_t out_n)
{
    const int32_t pair = taps / 2 + MICA_DENSE_PAIRS_PARAMETERS, left = out_n % 4;
    struct mica_dense_pairs job = {in, in + taps, out, stream + out_n / 4 * 2 * pair,
                                   (uint32_t)(-(taps / 8) & 3) * MICA_DENSE_PAIRS_STEP_BYTES};
    int8_t last[4];
    if (out_n > 3)
        mica_dense_pairs(stream, &job);
    if (left == 0)
        return;
    stream = job.stream_end;
    job.out = last;
    if (left < 3) {
        mica_dense_pair(stream, &job);
    } else {
        job.stream_end += 2 * pair;
        mica_dense_pairs(stream, &job);
    }
    for (int32_t i = 0; i < left; i++)
        out[out_n - left + i] = last[i];
}

/* A fully connected layer: in[in_n] -> out[out_n]. buffer: in_n numbers, rounded up to a multiple
 * of 8, aligned to words. The arithmetic is that of mica_dense_s8(). */
static inline void mica_dense_pairs_s8(const struct mica_dense_pairs_s8 *p, const int8_t *in,
                                       int16_t *buffer, int8_t *out)
{
    const int32_t taps = (p->in_n + 7) & ~7, whole = p->in_n & ~7;
    if (whole)
        mica_dense_expand(in, buffer, whole);
    if (whole < taps) {
        int8_t rest[8];
        for (int32_t i = 0; i < 8; i++)
            rest[i] = whole + i < p->in_n ? in[whole + i] : 0;
        mica_dense_expand(rest, buffer + whole, 8);
    }
    mica_dense_outputs(p->stream, buffer, taps, out, p->out_n);
}

#endif
