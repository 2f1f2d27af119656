/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_DEPTHWISE_PLANAR_H
#define MICA_DEPTHWISE_PLANAR_H

#include <stdint.h>

#include "dsp.h"
#include "requantize_twice.h"
#include "rom.h"

/* Depthwise convolutions of any window, four outputs of a row at a time.
 *
 * The columns under such a block are kept as int16, one channel after the other, the rows of a
 * window in a ring of slots:
 *     [channel][slot 0..kernel_h - 1][words], a word's left column in its low half
 * Weights are words of two neighbouring taps, doubled, as mica_requantize_twice() takes the sums.
 * The stream is, a channel, {2 * bias}, the words of each kernel row, {multiplier, half, shift}.
 * Where an input channel gives several output channels, the first ones of all come first.
 *
 * Stride 1: the outputs' columns are `dilation` apart, so any dilation is none in every dilation-th
 * column. Words are columns (0,1) (2,3) ... of those, of which outputs 1 and 3 begin in the
 * middle; weights come for both, {w0, w1} {0, w0} {w2, w3} {w1, w2} ...
 * Other strides: weights {w0, w1} {w2, w3} ..., to which word j + 4 * i belongs, of output j and
 * taps 2i and 2i + 1; for stride 2 without dilation that is word j + i, one for several taps. */
struct mica_depthwise_planar {
    int32_t in_w, in_c, out_w, kernel_h, stride_h, stride_w, dilation_h, dilation_w, pad_left;
    int32_t multiplier; /* output channels of one input channel */
    int32_t chunk;      /* input channels worked on at a time */
    int32_t in_zero;
    int32_t steps; /* weights of a kernel row: words, or pairs of them */
    const int32_t *stream;
    /* What depends on the stride. */
    int32_t outputs; /* columns from one output of a block to the next */
    int32_t words;   /* of a row */
    int32_t apart;   /* words for the outputs of one weight: 4 where none are shared, or 1 */
    int32_t weights; /* words a step */
};

/* One block: where its outputs go, of which those that are not wanted are the first once more, for
 * output channels channel, channel + step, ... Then bytes: of a channel in the ring, from where the
 * walk through one ends to where the next one's starts, of its rows before and from the oldest one;
 * of the steps to skip, of those that a row's code has; from a step's words to those of the next
 * one, and on to the next row. */
struct mica_depthwise_planar_block {
    int8_t *out[4];
    int32_t channel, step;
    uint32_t pitch, next, head, tail, entry, words, rest;
    const int32_t *stream_end;
};

enum { MICA_DEPTHWISE_PLANAR_STEPS = 8 };

#if MICA_DSP

enum { MICA_DEPTHWISE_PLANAR_BYTES = 24, MICA_DEPTHWISE_PLANAR_STRIDE_BYTES = 32 };

/* clang-format off */

/* r0: stream, r1: ring, r2-r5: sums, r10: where a row begins, r11: the end of the rows, lr: the
 * bytes of rows at the ring's start that are still to come. On the stack: the block. */
#define MICA_DEPTHWISE_PLANAR_BLOCK(start, row) \
    __asm__("push {r4-r11, lr} \n"              \
            "sub sp, sp, #56 \n"                \
            "mov r12, sp \n"                    \
            "ldmia r2!, {r3-r9} \n"             \
            "stmia r12!, {r3-r9} \n"            \
            "ldmia r2!, {r3-r9} \n"             \
            "stmia r12!, {r3-r9} \n"            \
            "ldr r3, [sp, #40] \n"              \
            "adr.w r10, 1f \n"                  \
            "add r10, r10, r3 \n"               \
            "orr r10, r10, #1 \n"               \
            "2: ldr r2, [r0], #4 \n"            \
            "ldrd lr, r4, [sp, #32] \n"         \
            start                               \
            "add r11, r1, r4 \n"                \
            "mov r3, r2 \n"                     \
            "mov r4, r2 \n"                     \
            "mov r5, r2 \n"                     \
            "bx r10 \n"                         \
            ".p2align 2 \n"                     \
            "1: \n"                             \
            row                                 \
            "cmp r1, r11 \n"                    \
            "beq 3f \n"                         \
            "bx r10 \n"                         \
            "3: cmp lr, #0 \n"                  \
            "beq 4f \n"                         \
            "ldr r6, [sp, #24] \n"              \
            "sub r1, r1, r6 \n"                 \
            "add r11, r1, lr \n"                \
            "mov lr, #0 \n"                     \
            "bx r10 \n"                         \
            "4: ldmia r0!, {r6, r7, r8} \n"     \
            MICA_REQUANTIZE_TWICE("r2", "r9", "r6", "r7", "r8") \
            MICA_REQUANTIZE_TWICE("r3", "r9", "r6", "r7", "r8") \
            MICA_REQUANTIZE_TWICE("r4", "r9", "r6", "r7", "r8") \
            MICA_REQUANTIZE_TWICE("r5", "r9", "r6", "r7", "r8") \
            "ldrd r11, r12, [sp, #16] \n"       \
            "ldm sp, {r6-r9} \n"                \
            "strb r5, [r9, r11] \n"             \
            "strb r4, [r8, r11] \n"             \
            "strb r3, [r7, r11] \n"             \
            "strb r2, [r6, r11] \n"             \
            "add r11, r11, r12 \n"              \
            "str r11, [sp, #16] \n"             \
            "ldr r6, [sp, #28] \n"              \
            "ldr r7, [sp, #52] \n"              \
            "add r1, r1, r6 \n"                 \
            "cmp r0, r7 \n"                     \
            "bne 2b \n"                         \
            "add sp, sp, #56 \n"                \
            "pop {r4-r11, pc} \n")

/* Two columns of n channels, n a positive multiple of 4, from each pair of pointers to words
 * {left, right}, channels `pitch` bytes apart; so for `words` pairs, a word apart. */
MICA_BLOCK void mica_depthwise_planar_words(MICA_ARG const int8_t *const *columns,
                                            MICA_ARG int16_t *to, MICA_ARG int32_t n,
                                            MICA_ARG int32_t words, MICA_ARG uint32_t pitch)
{
    __asm__("push {r4-r11, lr} \n"
            "ldr r11, [sp, #36] \n"
            "2: ldrd r4, r5, [r0], #8 \n"
            "mov r6, r1 \n"
            "add r1, r1, #4 \n"
            "add r7, r4, r2 \n"
            "1: ldr r8, [r4], #4 \n"
            "ldr r9, [r5], #4 \n"
            "sxtb16 r10, r8 \n" /* channels 0 and 2 */
            "sxtb16 r12, r9 \n"
            "pkhbt lr, r10, r12, lsl #16 \n"
            "pkhtb r10, r12, r10, asr #16 \n"
            "str lr, [r6] \n"
            "str r10, [r6, r11, lsl #1] \n"
            "add r6, r6, r11 \n"
            "sxtb16 r10, r8, ror #8 \n" /* channels 1 and 3 */
            "sxtb16 r12, r9, ror #8 \n"
            "pkhbt lr, r10, r12, lsl #16 \n"
            "pkhtb r10, r12, r10, asr #16 \n"
            "str lr, [r6] \n"
            "str r10, [r6, r11, lsl #1] \n"
            "add r6, r6, r11 \n"
            "cmp r4, r7 \n"
            "add r6, r6, r11, lsl #1 \n"
            "bne 1b \n"
            "subs r3, r3, #1 \n"
            "bne 2b \n"
            "pop {r4-r11, pc} \n");
}

/* clang-format on */

#else

enum { MICA_DEPTHWISE_PLANAR_BYTES = 1, MICA_DEPTHWISE_PLANAR_STRIDE_BYTES = 1 };

MICA_BLOCK void mica_depthwise_planar_words(const int8_t *const *columns, int16_t *to, int32_t n,
                                            int32_t words, uint32_t pitch)
{
    for (; words > 0; words--, columns += 2, to += 2) {
        const int8_t *left = columns[0], *right = columns[1];
        int16_t *at = to;
        for (int32_t i = 0; i < n; i++, at += pitch / 2) {
            at[0] = left[i];
            at[1] = right[i];
        }
    }
}

/* The outputs of one channel, the first last. */
MICA_SHARED void mica_depthwise_planar_out(const int32_t *sums, const int32_t *stream,
                                           int8_t *const *out, int32_t channel)
{
    for (int j = 3; j >= 0; j--)
        out[j][channel] = mica_requantize_twice(sums[j], MICA_ROM_S32(&stream[0]),
                                                MICA_ROM_S32(&stream[1]), MICA_ROM_S32(&stream[2]));
}

#endif

/* Points to the columns of the words of a row under the block from output x on; those that are not
 * there are padding. */
MICA_SHARED void mica_depthwise_planar_columns(const struct mica_depthwise_planar *p,
                                               const int8_t *row, int32_t x, const int8_t *padding,
                                               const int8_t **to)
{
    int32_t first = x * p->stride_w - p->pad_left;
    for (int32_t word = 0; word < p->words; first += 2 * p->dilation_w)
        for (int32_t at = first, k = 0; k < p->apart; k++, at += p->stride_w, word++)
            for (int32_t side = at, i = 0; i < 2; i++, side += p->dilation_w)
                *to++ = row && side >= 0 && side < p->in_w ? row + side * p->in_c : padding;
}

/* One input row (NULL: padding) of n channels into a slot. */
MICA_SHARED void mica_depthwise_planar_row(const struct mica_depthwise_planar *p, const int8_t *row,
                                           int32_t x, int32_t n, const int8_t *padding,
                                           int16_t *slot)
{
    const int8_t *columns[2 * 4 * MICA_DEPTHWISE_PLANAR_STEPS];
    const int32_t pitch = 2 * p->words * p->kernel_h;
    mica_depthwise_planar_columns(p, row, x, padding, columns);
    if (n >= 4)
        mica_depthwise_planar_words(columns, slot, n & ~3, p->words, 2 * (uint32_t)pitch);
    for (int32_t i = n & ~3; i < n; i++)
        for (int32_t k = 0; k < 2 * p->words; k++)
            slot[pitch * i + k] = columns[k][i];
}

/* Words of a channel's stream. */
MICA_SHARED int32_t mica_depthwise_planar_channel(const struct mica_depthwise_planar *p)
{
    return p->kernel_h * p->steps * p->weights + 4;
}

/* n output rows of the outputs x, x + p->outputs, ..., and `channels` input channels from the
 * first. The rows of the windows of every classes-th output row are shared. */
MICA_SHARED void mica_depthwise_planar_blocks(
    const struct mica_depthwise_planar *p, const int8_t *const *rows, int32_t channel,
    int32_t channels, int32_t x, int16_t *ring, const int8_t *padding, int8_t *out, int32_t n,
    void (*block)(const int32_t *, const int16_t *, const struct mica_depthwise_planar_block *))
{
    const int32_t classes = p->dilation_h == 1 ? 1 : p->stride_h == 1 ? p->dilation_h : n;
    const int32_t advance = p->dilation_h == 1 ? p->stride_h : 1;
    const int32_t all = p->in_c * p->multiplier, words = mica_depthwise_planar_channel(p);
    const uint32_t row_bytes = 4 * (uint32_t)p->words;
    struct mica_depthwise_planar_block b = {
        .step = p->multiplier,
        .pitch = (uint32_t)p->kernel_h * row_bytes,
        .entry = (uint32_t)(MICA_DEPTHWISE_PLANAR_STEPS - p->steps) *
                 (p->weights == 2 ? MICA_DEPTHWISE_PLANAR_BYTES
                                  : MICA_DEPTHWISE_PLANAR_STRIDE_BYTES),
        .words = 4 * (uint32_t)p->apart,
        .rest = 4 * (uint32_t)(p->words - p->steps * p->apart)};
    for (int32_t start = 0; start < classes; start++) {
        int32_t slot = 0, have = 0; /* rows of these windows so far */
        for (int32_t y = start, first = 0; y < n; y += classes, first += advance) {
            for (; have < first + p->kernel_h; have++) {
                const int8_t *row = rows[start * p->stride_h + have * p->dilation_h];
                if (have >= first)
                    mica_depthwise_planar_row(p, row ? row + channel : row, x, channels, padding,
                                              ring + 2 * p->words * slot);
                slot = slot + 1 == p->kernel_h ? 0 : slot + 1;
            }
            /* The next slot to fill holds the oldest row. */
            b.head = (uint32_t)slot * row_bytes;
            b.tail = b.pitch - b.head;
            b.next = slot ? b.pitch : 0;
            for (int32_t j = 0, at = x; j < 4; j++, at += p->outputs)
                b.out[j] = out + (y * p->out_w + (at < p->out_w ? at : x)) * all;
            for (int32_t k = 0; k < p->multiplier; k++) {
                const int32_t *stream = p->stream + (k * p->in_c + channel) * words;
                b.channel = channel * p->multiplier + k;
                b.stream_end = stream + channels * words;
                block(stream, ring + b.head / 2, &b);
            }
        }
    }
}

/* A strip of n output rows. */
MICA_SHARED void mica_depthwise_planar_strip(
    const struct mica_depthwise_planar *p, const int8_t *const *rows, int16_t *buffer, int8_t *out,
    int32_t n,
    void (*block)(const int32_t *, const int16_t *, const struct mica_depthwise_planar_block *))
{
    int16_t *padding = buffer + 2 * p->words * p->kernel_h * p->chunk;
    for (int32_t i = 0; i < p->chunk; i += 2)
        padding[i / 2] = (int16_t)((uint8_t)p->in_zero * 0x101);
    for (int32_t channel = 0; channel < p->in_c; channel += p->chunk) {
        const int32_t rest = p->in_c - channel;
        for (int32_t first = 0; first < p->outputs && first < p->out_w; first++)
            for (int32_t x = first; x < p->out_w; x += 4 * p->outputs)
                mica_depthwise_planar_blocks(p, rows, channel, rest < p->chunk ? rest : p->chunk, x,
                                             buffer, (int8_t *)padding, out, n, block);
    }
}

#endif
