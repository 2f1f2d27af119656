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

/* One vector times pairs of outputs, with the stream and the trick of mica_pairs(); in: int16,
 * lanes (0,2) (1,3) (4,6) (5,7) ..., taps a multiple of 8. */
struct mica_dense_pairs {
    const int16_t *in, *in_end;
    int8_t *out;
    const int32_t *stream_end;
    uint32_t entry; /* where the first turn enters the loop of four steps of eight taps */
};

enum { MICA_DENSE_PAIRS_STEP_BYTES = 54, MICA_DENSE_PAIRS_PARAMETERS = 8 };

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

/* r2: low, r3: high. */
#define MICA_DENSE_PAIRS_TAPS(word, x) \
    "sxtb16 r12, " word " \n"         \
    "smlad r3, " x ", " word ", r3 \n" \
    "smlad r2, " x ", r12, r2 \n"
#define MICA_DENSE_PAIRS_STEP          \
    "ldmia r0!, {r8-r11} \n"          \
    "ldmia r1!, {r4-r7} \n"           \
    MICA_DENSE_PAIRS_TAPS("r8", "r4")  \
    MICA_DENSE_PAIRS_TAPS("r9", "r5")  \
    MICA_DENSE_PAIRS_TAPS("r10", "r6") \
    MICA_DENSE_PAIRS_TAPS("r11", "r7")
#define MICA_DENSE_PAIRS_OUT(sum, doubled)               \
    "ldmia r0!, {r8-r11} \n"                            \
    "add " sum ", r8, " sum ", " doubled " \n"          \
    MICA_REQUANTIZE_TWICE(sum, "r4", "r9", "r10", "r11") \
    "strb " sum ", [r5], #1 \n"

/* On the stack: in, in_end, out, stream_end and the address to enter the loop. */
MICA_BLOCK void mica_dense_pairs(MICA_ARG const int32_t *stream,
                                 MICA_ARG const struct mica_dense_pairs *p)
{
    __asm__("push {r4-r11, lr} \n"
            "ldm r1, {r2-r6} \n"
            "adr.w r7, 1f \n"
            "add r6, r6, r7 \n"
            "orr r6, r6, #1 \n"
            "push {r2-r6} \n"
            "mov lr, r3 \n"
            "2: ldr r1, [sp] \n"
            "movs r2, #0 \n"
            "movs r3, #0 \n"
            "ldr pc, [sp, #16] \n"
            "1: \n"
            MICA_DENSE_PAIRS_STEP
            MICA_DENSE_PAIRS_STEP
            MICA_DENSE_PAIRS_STEP
            MICA_DENSE_PAIRS_STEP
            "cmp r1, lr \n"
            "bne 1b \n"
            "sub r3, r3, r2 \n"
            "ldr r5, [sp, #8] \n"
            MICA_DENSE_PAIRS_OUT("r2", "lsl #1")
            MICA_DENSE_PAIRS_OUT("r3", "asr #7")
            "str r5, [sp, #8] \n"
            "ldr r4, [sp, #12] \n"
            "cmp r0, r4 \n"
            "bne 2b \n"
            "add sp, sp, #20 \n"
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

MICA_BLOCK void mica_dense_pairs(const int32_t *stream, const struct mica_dense_pairs *p)
{
    for (int8_t *out = p->out; stream != p->stream_end; out += 2) {
        int32_t sum[2] = {0, 0};
        for (const int16_t *in = p->in; in != p->in_end; in += 2, stream++) {
            const int32_t word = MICA_ROM_S32(stream);
            for (int lane = 0; lane < 2; lane++) {
                const int16_t v = (int16_t)(lane ? word >> 16 : word);
                const int8_t w0 = (int8_t)v;
                sum[0] += in[lane] * w0;
                sum[1] += in[lane] * ((v - w0) >> 8);
            }
        }
        for (int i = 0; i < 2; i++, stream += 4)
            out[i] = mica_requantize_twice(MICA_ROM_S32(&stream[0]) + 2 * sum[i],
                                           MICA_ROM_S32(&stream[1]), MICA_ROM_S32(&stream[2]),
                                           MICA_ROM_S32(&stream[3]));
    }
}

#endif

/* A fully connected layer: in[in_n] -> out[out_n]. buffer: in_n numbers, rounded up to a multiple
 * of 8, aligned to words. The arithmetic is that of mica_dense_s8(). */
static inline void mica_dense_pairs_s8(const struct mica_dense_pairs_s8 *p, const int8_t *in,
                                       int16_t *buffer, int8_t *out)
{
    const int32_t taps = (p->in_n + 7) & ~7, whole = p->in_n & ~7;
    const int32_t pair = taps / 2 + MICA_DENSE_PAIRS_PARAMETERS;
    struct mica_dense_pairs job = {buffer, buffer + taps, out, p->stream + p->out_n / 2 * pair,
                                   (uint32_t)(-(taps / 8) & 3) * MICA_DENSE_PAIRS_STEP_BYTES};
    if (whole)
        mica_dense_expand(in, buffer, whole);
    if (whole < taps) {
        int8_t rest[8];
        for (int32_t i = 0; i < 8; i++)
            rest[i] = whole + i < p->in_n ? in[whole + i] : 0;
        mica_dense_expand(rest, buffer + whole, 8);
    }
    if (p->out_n > 1)
        mica_dense_pairs(p->stream, &job);
    if (p->out_n % 2) { /* the low one of a pair whose other result nobody wants */
        int8_t last[2];
        const int32_t *stream = job.stream_end;
        job.out = last;
        job.stream_end += pair;
        mica_dense_pairs(stream, &job);
        out[p->out_n - 1] = last[0];
    }
}

#endif
