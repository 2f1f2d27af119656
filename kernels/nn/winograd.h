/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_WINOGRAD_H
#define MICA_WINOGRAD_H

#include <stdint.h>

#include "dsp.h"
#include "requantize_twice.h"
#include "rom.h"

/* Winograd's minimal filtering F(2x2, 3x3) in integers: four outputs of a 3x3 convolution of
 * stride 1, a tile, from the 4x4 inputs d under them with 16 multiplications a channel, not 36:
 *     Y = A' [(G g G') * (B' d B)] A, ' is transposed, * is element by element
 *         |1  0 -1  0|        |1    0   0|        |1 1  1  0|
 *     B' =|0  1  1  0|    G = |.5  .5  .5|    A' =|0 1 -1 -1|
 *         |0 -1  1  0|        |.5 -.5  .5|
 *         |0  1  0 -1|        |0    0   1|
 * With 2G for G the transformed weights are integers within 9 * 128, transformed inputs are within
 * 4 * 128, and the result is four times the sum. All sums are modulo 2^32, so it is exact wherever
 * four times the true sum fits in 32 bits, whatever those in between are.
 *
 * Inputs are as they come, not less their zero point: that is in the bias, and padding is a zero
 * point written out. Four tiles times pairs of output channels are computed at a time:
 *
 *     in       a step is two channels, steps 0, 1, 2, ... are channels (0,2) (1,3) (4,6) (5,7) ...:
 *              [step][position of 4x4][tile] words, a step's channels in its lanes
 *     stream   of a pair of output channels [position][step][channel of the pair] words of weights
 *              in the same lanes, then twice {2 * bias, multiplier, half, shift}, see
 *              mica_requantize_twice()
 */
enum { MICA_WINOGRAD_TILES = 4, MICA_WINOGRAD_STEP = 128 /* numbers */, MICA_WINOGRAD_SUMS = 256 };

struct mica_winograd {
    /* Where the four outputs of each tile go, [row * 2 + column][tile]. Those that are not wanted
     * go to that of [0][0], which is stored last. */
    int8_t *out[4][MICA_WINOGRAD_TILES];
    const int16_t *in, *in_end; /* where MICA_WINOGRAD_SUMS numbers of scratch follow */
    uint32_t rewind;            /* bytes from the end of a position to the start of the next */
    uint32_t entry; /* of the loop of eight steps: the first turn skips what is not there */
    const int32_t *stream_end;
};

/* Tiles side by side whose inputs are to be transformed: columns[4] for each column, its four rows,
 * `channels` (a multiple of 4) from there on. */
struct mica_winograd_run {
    const int8_t *const *columns, *const *columns_end;
    int16_t *temp, *temp_second;     /* 8 numbers a column, for each of two steps */
    int16_t *first_end, *second_end; /* there, where tiles end; 16 numbers a tile */
    uint32_t next; /* bytes from the end of the tiles of a step to the next step */
    int16_t *to;   /* the first tile in the order of mica_winograd() */
    int32_t channels;
};

#if MICA_DSP

/* clang-format off */

/* One step. r2-r5: sums of the first channel, r6-r9: of the second, r10 r11: their weights. */
#define MICA_WINOGRAD_STEP_BYTES 44
#define MICA_WINOGRAD_ONE_STEP    \
    "ldrd r10, r11, [r0], #8 \n"  \
    "ldrd r12, lr, [r1, #8] \n"   \
    "smlad r4, r12, r10, r4 \n"   \
    "smlad r8, r12, r11, r8 \n"   \
    "smlad r5, lr, r10, r5 \n"    \
    "smlad r9, lr, r11, r9 \n"    \
    "ldrd r12, lr, [r1], #256 \n" \
    "smlad r2, r12, r10, r2 \n"   \
    "smlad r6, r12, r11, r6 \n"   \
    "smlad r3, lr, r10, r3 \n"    \
    "smlad r7, lr, r11, r7 \n"
/* The first step, which nothing is added to. */
#define MICA_WINOGRAD_FIRST       \
    "ldrd r10, r11, [r0], #8 \n"  \
    "ldrd r12, lr, [r1, #8] \n"   \
    "smuad r4, r12, r10 \n"       \
    "smuad r8, r12, r11 \n"       \
    "smuad r5, lr, r10 \n"        \
    "smuad r9, lr, r11 \n"        \
    "ldrd r12, lr, [r1], #256 \n" \
    "smuad r2, r12, r10 \n"       \
    "smuad r6, r12, r11 \n"       \
    "smuad r3, lr, r10 \n"        \
    "smuad r7, lr, r11 \n"
/* Column j of two tiles' products times A': sum_a, sum_b become those of the first row of A',
 * rest_a, rest_b of the second; at 16 * j from r1. */
#define MICA_WINOGRAD_COLUMN(sum_a, sum_b, rest_a, rest_b, row0, row1, row2, row3) \
    "ldrd " sum_a ", " sum_b ", [r1, #" row1 "] \n"                                \
    "ldrd " rest_a ", " rest_b ", [r1, #" row2 "] \n"                              \
    "add " sum_a ", " sum_a ", " rest_a " \n"                                      \
    "add " sum_b ", " sum_b ", " rest_b " \n"                                      \
    "ldrd r10, r11, [r1, #" row0 "] \n"                                            \
    "sub " rest_a ", " sum_a ", " rest_a ", lsl #1 \n"                             \
    "sub " rest_b ", " sum_b ", " rest_b ", lsl #1 \n"                             \
    "ldrd r12, lr, [r1, #" row3 "] \n"                                             \
    "add " sum_a ", " sum_a ", r10 \n"                                             \
    "add " sum_b ", " sum_b ", r11 \n"                                             \
    "sub " rest_a ", " rest_a ", r12 \n"                                           \
    "sub " rest_b ", " rest_b ", lr \n"
/* a += b, b = a - b as they were. */
#define MICA_WINOGRAD_BOTH(a, b)  \
    "add " a ", " a ", " b " \n" \
    "sub " b ", " a ", " b ", lsl #1 \n"
#define MICA_WINOGRAD_OUT(sum) MICA_REQUANTIZE_TWICE(sum, "r10", "r11", "r12", "lr")
/* The outputs of two tiles, those of the second in r3 r7 r5 r9, r12: the channel. */
#define MICA_WINOGRAD_STORE(at0, at1, at2, at3) \
    "ldr r12, [sp, #64] \n"                     \
    "ldrd r10, r11, [sp, #" at3 "] \n"          \
    "strb r9, [r11, r12] \n"                    \
    "strb r8, [r10, r12] \n"                    \
    "ldrd r10, r11, [sp, #" at2 "] \n"          \
    "strb r5, [r11, r12] \n"                    \
    "strb r4, [r10, r12] \n"                    \
    "ldrd r10, r11, [sp, #" at1 "] \n"          \
    "strb r7, [r11, r12] \n"                    \
    "strb r6, [r10, r12] \n"                    \
    "ldrd r10, r11, [sp, #" at0 "] \n"          \
    "strb r3, [r11, r12] \n"                    \
    "strb r2, [r10, r12] \n"

/* On the stack: out, the channel, in_end, rewind, the address to enter the loop, stream_end, in, a
 * return address. Products of a position are stored behind the inputs, a channel's 16 bytes apart:
 * where r1 has come to. */
MICA_BLOCK void mica_winograd(MICA_ARG const int32_t *stream,
                              MICA_ARG const struct mica_winograd *p)
{
    __asm__("push {r4-r11, lr} \n"
            "sub sp, sp, #92 \n"
            "mov r12, sp \n"
            "ldmia r1!, {r2-r9} \n"
            "stmia r12!, {r2-r9} \n"
            "ldmia r1!, {r2-r9} \n"
            "stmia r12!, {r2-r9} \n"
            "ldm r1, {r3-r7} \n" /* in, in_end, rewind, entry, stream_end */
            "mov r1, r3 \n"
            "mov r8, r3 \n"
            "mov r3, r4 \n"
            "mov r4, r5 \n"
            "adr.w r5, 1f \n"
            "add r5, r5, r6 \n"
            "orr r5, r5, #1 \n"
            "mov r6, r7 \n"
            "mov r7, r8 \n"
            "movs r2, #0 \n"
            "stm r12, {r2-r7} \n"
            "2: \n"
            MICA_WINOGRAD_FIRST
            "ldr pc, [sp, #76] \n"
            ".p2align 2 \n"
            "1: \n"
            ".rept 8 \n"
            MICA_WINOGRAD_ONE_STEP
            ".endr \n"
            "ldr r10, [sp, #68] \n"
            "cmp r1, r10 \n"
            "blo 1b \n"
            "add r11, r1, #256 \n"
            "stm r1, {r2-r5} \n"
            "stm r11, {r6-r9} \n"
            "sub r12, r1, r10 \n"
            "ldr r11, [sp, #72] \n"
            "sub r1, r1, r11 \n"
            "cmp r12, #240 \n" /* the last position */
            "bne 2b \n"
            "add r1, r10, #8 \n"
            "3: bl 4f \n"
            MICA_WINOGRAD_STORE("8", "24", "40", "56")
            "sub r1, r1, #8 \n"
            "bl 4f \n"
            MICA_WINOGRAD_STORE("0", "16", "32", "48")
            "add r12, r12, #1 \n"
            "str r12, [sp, #64] \n"
            "add r0, r0, #16 \n"
            "add r1, r1, #264 \n"
            "lsls r12, r12, #31 \n"
            "bne 3b \n"
            "ldr r10, [sp, #80] \n"
            "ldr r1, [sp, #84] \n"
            "cmp r0, r10 \n"
            "bne 2b \n"
            "add sp, sp, #92 \n"
            "pop {r4-r11, pc} \n"
            /* The outputs of two tiles, of a channel's products at r1. */
            "4: str lr, [sp, #88] \n"
            MICA_WINOGRAD_COLUMN("r2", "r3", "r4", "r5", "16", "80", "144", "208")
            MICA_WINOGRAD_COLUMN("r6", "r7", "r8", "r9", "32", "96", "160", "224")
            MICA_WINOGRAD_BOTH("r2", "r6")
            MICA_WINOGRAD_BOTH("r3", "r7")
            MICA_WINOGRAD_BOTH("r4", "r8")
            MICA_WINOGRAD_BOTH("r5", "r9")
            "ldrd r10, r11, [r1, #0] \n"
            "ldrd r12, lr, [r1, #64] \n"
            "add r2, r2, r10 \n"
            "add r3, r3, r11 \n"
            "add r2, r2, r12 \n"
            "add r3, r3, lr \n"
            "add r4, r4, r12 \n"
            "add r5, r5, lr \n"
            "ldrd r10, r11, [r1, #128] \n"
            "ldrd r12, lr, [r1, #192] \n"
            "add r2, r2, r10 \n"
            "add r3, r3, r11 \n"
            "sub r4, r4, r10 \n"
            "sub r5, r5, r11 \n"
            "sub r4, r4, r12 \n"
            "sub r5, r5, lr \n"
            "ldrd r10, r11, [r1, #48] \n"
            "ldrd r12, lr, [r1, #112] \n"
            "sub r6, r6, r10 \n"
            "sub r7, r7, r11 \n"
            "sub r6, r6, r12 \n"
            "sub r7, r7, lr \n"
            "sub r8, r8, r12 \n"
            "sub r9, r9, lr \n"
            "ldrd r10, r11, [r1, #176] \n"
            "ldrd r12, lr, [r1, #240] \n"
            "sub r6, r6, r10 \n"
            "sub r7, r7, r11 \n"
            "add r8, r8, r10 \n"
            "add r9, r9, r11 \n"
            "add r8, r8, r12 \n"
            "add r9, r9, lr \n"
            "ldm r0, {r10, r11, r12, lr} \n"
            "add r2, r10, r2, asr #1 \n"
            "add r3, r10, r3, asr #1 \n"
            "add r4, r10, r4, asr #1 \n"
            "add r5, r10, r5, asr #1 \n"
            "add r6, r10, r6, asr #1 \n"
            "add r7, r10, r7, asr #1 \n"
            "add r8, r10, r8, asr #1 \n"
            "add r9, r10, r9, asr #1 \n"
            MICA_WINOGRAD_OUT("r2")
            MICA_WINOGRAD_OUT("r3")
            MICA_WINOGRAD_OUT("r4")
            MICA_WINOGRAD_OUT("r5")
            MICA_WINOGRAD_OUT("r6")
            MICA_WINOGRAD_OUT("r7")
            MICA_WINOGRAD_OUT("r8")
            MICA_WINOGRAD_OUT("r9")
            "ldr pc, [sp, #88] \n");
}

#define MICA_WINOGRAD_TIMES_B(op, a0, a1, a2, a3, b0, b1, b2, b3, to0, to1, to2, to3) \
    op " r2, " a0 ", " b0 " \n"                                                       \
    op " r3, " a1 ", " b1 " \n"                                                       \
    op " r4, " a2 ", " b2 " \n"                                                       \
    op " r5, " a3 ", " b3 " \n"                                                       \
    "str r2, [r1, #" to0 "] \n"                                                       \
    "str r3, [r1, #" to1 "] \n"                                                       \
    "str r4, [r1, #" to2 "] \n"                                                       \
    "str r5, [r1, #" to3 "] \n"

/* The transformed inputs of a run. First B' d, four channels of a column at a time, to temp: of
 * each step a column's rows 0, 2, 3, 1. Then times B, where r2-r5 and r6-r9 are a tile's columns 0
 * and 1, and r10-lr 2, then 3. On the stack: the run, and the channel. */
MICA_BLOCK void mica_winograd_inputs(MICA_ARG const struct mica_winograd_run *run)
{
    __asm__("push {r4-r11, lr} \n"
            "ldm r0, {r2-r10} \n"
            "movs r11, #0 \n"
            "push {r2-r11} \n"
            "1: ldr r1, [sp, #36] \n"
            "ldrd r0, lr, [sp] \n"
            "ldrd r2, r12, [sp, #8] \n"
            "sub r3, r12, #32 \n"
            "str r3, [sp, #16] \n"
            "2: ldmia r0!, {r3-r6} \n"
            "ldr r3, [r3, r1] \n"
            "ldr r4, [r4, r1] \n"
            "ldr r5, [r5, r1] \n"
            "ldr r6, [r6, r1] \n"
            "sxtb16 r7, r3 \n"
            "sxtb16 r8, r4 \n"
            "sxtb16 r9, r5 \n"
            "sxtb16 r10, r6 \n"
            "ssub16 r7, r7, r9 \n"
            "sadd16 r11, r8, r9 \n"
            "ssub16 r9, r9, r8 \n"
            "ssub16 r10, r8, r10 \n"
            "stmia r2!, {r7, r9, r10, r11} \n"
            "sxtb16 r7, r3, ror #8 \n"
            "sxtb16 r8, r4, ror #8 \n"
            "sxtb16 r9, r5, ror #8 \n"
            "sxtb16 r10, r6, ror #8 \n"
            "ssub16 r7, r7, r9 \n"
            "sadd16 r11, r8, r9 \n"
            "ssub16 r9, r9, r8 \n"
            "ssub16 r10, r8, r10 \n"
            "stmia r12!, {r7, r9, r10, r11} \n"
            "cmp r0, lr \n"
            "bne 2b \n"
            "add r1, r1, #4 \n"
            "str r1, [sp, #36] \n"
            "ldr r0, [sp, #8] \n"
            "ldr r1, [sp, #28] \n"
            "add r2, r1, #512 \n"
            "str r2, [sp, #28] \n"
            "3: ldmia r0!, {r2-r9} \n"
            "ldmia r0!, {r10, r11, r12, lr} \n"
            MICA_WINOGRAD_TIMES_B("ssub16", "r2", "r3", "r4", "r5", "r10", "r11", "r12", "lr",
                                  "0", "128", "192", "64")
            MICA_WINOGRAD_TIMES_B("sadd16", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr",
                                  "16", "144", "208", "80")
            MICA_WINOGRAD_TIMES_B("ssub16", "r10", "r11", "r12", "lr", "r6", "r7", "r8", "r9",
                                  "32", "160", "224", "96")
            "ldm r0, {r10, r11, r12, lr} \n"
            MICA_WINOGRAD_TIMES_B("ssub16", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr",
                                  "48", "176", "240", "112")
            "sub r0, r0, #16 \n"
            "ldr r2, [sp, #16] \n"
            "add r1, r1, #4 \n"
            "cmp r0, r2 \n"
            "bne 3b \n"
            "ldrd r3, r4, [sp, #20] \n"
            "str r3, [sp, #16] \n"
            "cmp r0, r3 \n"
            "add r0, r0, #32 \n"
            "add r1, r1, r4 \n"
            "bne 3b \n"
            "ldrd r2, r3, [sp, #32] \n"
            "cmp r2, r3 \n"
            "bne 1b \n"
            "add sp, sp, #40 \n"
            "pop {r4-r11, pc} \n");
}

/* clang-format on */

#else

enum { MICA_WINOGRAD_STEP_BYTES = 0 };

/* The sums of one position: of both channels of a pair, of all tiles, 16 numbers apart. */
MICA_AS_WRITTEN static inline void mica_winograd_position(const int32_t *stream, const int16_t *in,
                                                          const int16_t *end, uint32_t *sums)
{
    uint32_t a0 = 0, a1 = 0, a2 = 0, a3 = 0, b0 = 0, b1 = 0, b2 = 0, b3 = 0;
    for (; in < end; in += MICA_WINOGRAD_STEP, stream += 2) {
        const int32_t a = MICA_ROM_S32(&stream[0]), b = MICA_ROM_S32(&stream[1]);
        const int32_t a_low = (int16_t)a, a_high = a >> 16, b_low = (int16_t)b, b_high = b >> 16;
        a0 += (uint32_t)(in[0] * a_low);
        a0 += (uint32_t)(in[1] * a_high);
        b0 += (uint32_t)(in[0] * b_low);
        b0 += (uint32_t)(in[1] * b_high);
        a1 += (uint32_t)(in[2] * a_low);
        a1 += (uint32_t)(in[3] * a_high);
        b1 += (uint32_t)(in[2] * b_low);
        b1 += (uint32_t)(in[3] * b_high);
        a2 += (uint32_t)(in[4] * a_low);
        a2 += (uint32_t)(in[5] * a_high);
        b2 += (uint32_t)(in[4] * b_low);
        b2 += (uint32_t)(in[5] * b_high);
        a3 += (uint32_t)(in[6] * a_low);
        a3 += (uint32_t)(in[7] * a_high);
        b3 += (uint32_t)(in[6] * b_low);
        b3 += (uint32_t)(in[7] * b_high);
    }
    sums[0] = a0;
    sums[16] = a1;
    sums[32] = a2;
    sums[48] = a3;
    sums[64] = b0;
    sums[80] = b1;
    sums[96] = b2;
    sums[112] = b3;
}

/* A position's sums times A' and A, and requantisation, to `channel` of one tile's outputs. */
static inline void mica_winograd_tile(const uint32_t *m, const int32_t *stream,
                                      const struct mica_winograd *p, int32_t channel, int tile)
{
    const uint32_t sum1 = m[1] + m[5] + m[9], rest1 = m[5] - m[9] - m[13];
    const uint32_t sum2 = m[2] + m[6] + m[10], rest2 = m[6] - m[10] - m[14];
    const uint32_t y[4] = {m[0] + m[4] + m[8] + sum1 + sum2, sum1 - sum2 - m[3] - m[7] - m[11],
                           m[4] - m[8] - m[12] + rest1 + rest2,
                           rest1 - rest2 - m[7] + m[11] + m[15]};
    const int32_t bias = MICA_ROM_S32(&stream[0]), multiplier = MICA_ROM_S32(&stream[1]);
    const int32_t half = MICA_ROM_S32(&stream[2]), shift = MICA_ROM_S32(&stream[3]);
    for (int k = 3; k >= 0; k--)
        p->out[k][tile][channel] = mica_requantize_twice(bias + ((int32_t)y[k] >> 1), multiplier,
                                                         half, shift);
}

MICA_BLOCK void mica_winograd(const int32_t *stream, const struct mica_winograd *p)
{
    const int32_t pair = 2 * (int32_t)((p->in_end - p->in) / MICA_WINOGRAD_STEP);
    for (int32_t channel = 0; stream != p->stream_end; stream += 8, channel += 2) {
        uint32_t sums[2 * MICA_WINOGRAD_TILES * 16];
        for (int k = 0; k < 16; k++, stream += pair)
            mica_winograd_position(stream, p->in + 8 * k, p->in_end, sums + k);
        for (int tile = MICA_WINOGRAD_TILES - 1; tile >= 0; tile--)
            for (int i = 0; i < 2 && (!tile || p->out[0][tile] != p->out[0][0]); i++)
                mica_winograd_tile(sums + 64 * i + 16 * tile, stream + 4 * i, p, channel + i, tile);
    }
}

/* B' of four numbers, each `step` behind the one before. */
MICA_INLINE void mica_winograd_line(int d0, int d1, int d2, int d3, int16_t *to, int step)
{
    to[0] = (int16_t)(d0 - d2);
    to[step] = (int16_t)(d1 + d2);
    to[2 * step] = (int16_t)(d2 - d1);
    to[3 * step] = (int16_t)(d1 - d3);
}

/* B' d of a column of one tile, then, for a row, times B; where channels 4q, 4q + 2 are lanes of
 * step 2q and the others of the next. */
static inline void mica_winograd_column(const int8_t *const *column, int32_t channels, int16_t *to)
{
    static const uint8_t lane[4] = {0, MICA_WINOGRAD_STEP, 1, MICA_WINOGRAD_STEP + 1};
    const int8_t *d0 = column[0], *d1 = column[1], *d2 = column[2], *d3 = column[3];
    for (int32_t i = 0; i < channels; i += 4, to += 2 * MICA_WINOGRAD_STEP)
        for (int k = 0; k < 4; k++)
            mica_winograd_line(d0[i + k], d1[i + k], d2[i + k], d3[i + k], to + lane[k], 32);
}

static inline void mica_winograd_row(int32_t channels, int16_t *at)
{
    for (int32_t i = 0; i < channels; i += 2, at += MICA_WINOGRAD_STEP)
        for (int k = 0; k < 2; k++)
            mica_winograd_line(at[k], at[k + 8], at[k + 16], at[k + 24], at + k, 8);
}

MICA_BLOCK void mica_winograd_inputs(const struct mica_winograd_run *run)
{
    int16_t *to = run->to;
    for (const int8_t *const *columns = run->columns; columns + 8 != run->columns_end;
         columns += 8, to += 2) {
        for (int k = 0; k < 4; k++)
            mica_winograd_column(columns + 4 * k, run->channels, to + 8 * k);
        for (int k = 0; k < 4; k++)
            mica_winograd_row(run->channels, to + 32 * k);
    }
}

#endif

/* What stays the same from tiles to tiles. One step comes before the loop. */
static inline struct mica_winograd mica_winograd_of(const int16_t *in, int32_t channels,
                                                    const int32_t *stream)
{
    const int32_t steps = channels / 2;
    const struct mica_winograd p = {.in = in,
                                    .in_end = in + MICA_WINOGRAD_STEP * steps,
                                    .rewind = (uint32_t)steps * 256 - 16,
                                    .entry = (uint32_t)(-(steps - 1) & 7) *
                                             MICA_WINOGRAD_STEP_BYTES,
                                    .stream_end = stream};
    return p;
}

/* All `channels` of four tiles. An odd last channel is the first of a pair whose other result
 * nobody wants. */
static inline void mica_winograd_tiles(struct mica_winograd *p, const int32_t *stream,
                                       int32_t channels)
{
    const int32_t pair = (int32_t)((p->in_end - p->in) / MICA_WINOGRAD_STEP) * 32 + 8;
    p->stream_end = stream + (channels >> 1) * pair;
    if (channels > 1)
        mica_winograd(stream, p);
    if (channels & 1) {
        int8_t last[4][MICA_WINOGRAD_TILES][2];
        struct mica_winograd one = *p;
        for (int k = 0; k < 4; k++)
            for (int tile = 0; tile < MICA_WINOGRAD_TILES; tile++)
                one.out[k][tile] = last[k][tile];
        one.stream_end = p->stream_end + pair;
        mica_winograd(p->stream_end, &one);
        for (int k = 3; k >= 0; k--)
            for (int tile = MICA_WINOGRAD_TILES - 1; tile >= 0; tile--)
                p->out[k][tile][channels - 1] = last[k][tile][0];
    }
}

#endif
