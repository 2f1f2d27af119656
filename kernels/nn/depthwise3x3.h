/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_DEPTHWISE3X3_H
#define MICA_DEPTHWISE3X3_H

#include <stdint.h>

#include "dsp.h"
#include "planar.h"
#include "requantize_twice.h"
#include "rom.h"

/* A 3x3 depthwise convolution, a few output columns of some channels at a time.
 *
 * The eight input columns of such a block are kept as int16, one channel after the other, the last
 * three rows of each in a ring of slots:
 *     [channel][slot 0..2][column pair 0..3] words, a pair's left column in the low half
 * so that one pointer walks through all of it. The stream is, a channel,
 *     {2 * bias, multiplier, half, shift}, then for kernel rows 0, 1, 2, 0, 1
 *     {w0, w1} {w1, w2}, weights doubled
 * of which three rows are used, from the one that belongs to slot 0: nothing moves in the ring.
 * Sums are doubled all the way, as mica_requantize_twice() takes them. */
struct mica_depthwise3x3 {
    int32_t in_w, channels, out_w, pad_left, chunk, in_zero, relu;
    const int32_t *stream;
};

enum { MICA_DEPTHWISE3X3_CHANNEL = 14, MICA_DEPTHWISE3X3_RING = 24 }; /* words; numbers a channel */

/* One block: its output columns, where columns that are not wanted are the first once more, the
 * end of the ring, how many bytes of a channel's stream lie before the kernel row of slot 0, and
 * whether every channel's zero point of outputs is -128. */
struct mica_depthwise3x3_block {
    int8_t *out[6];
    const int16_t *ring_end;
    uint32_t first_row, relu;
};

#if MICA_DSP

/* clang-format off */

/* What blocks of all widths have in common. r0: ring, r1: stream, r2...: sums, r8-r11: the eight
 * columns, r12: {w0, w1}, lr: {w1, w2}. On the stack: the block. `first` are the products of the
 * first kernel row, which start from the bias in r7. */
#define MICA_DEPTHWISE3X3_BLOCK(first, next, sums, stored) \
    __asm__("push {r4-r11, lr} \n"                         \
            "ldm r2, {r2-r10} \n"                          \
            "cmp r10, #0 \n"                               \
            "adr.w r10, 2f \n"                             \
            "adr.w r11, 3f \n"                             \
            "it ne \n"                                     \
            "movne r10, r11 \n"                            \
            "orr r10, r10, #1 \n"                          \
            "push {r2-r10} \n"                             \
            "1: ldr r7, [r1] \n"                           \
            "ldr r8, [sp, #28] \n"                         \
            "add r1, r1, r8 \n"                            \
            "ldrd r12, lr, [r1], #8 \n"                    \
            "ldmia r0!, {r8-r11} \n"                       \
            first                                          \
            "ldrd r12, lr, [r1], #8 \n"                    \
            "ldmia r0!, {r8-r11} \n"                       \
            next                                           \
            "ldrd r12, lr, [r1], #8 \n"                    \
            "ldmia r0!, {r8-r11} \n"                       \
            next                                           \
            "ldr r8, [sp, #28] \n"                         \
            "sub r1, r1, r8 \n"                            \
            "sub r1, r1, #24 \n"                           \
            "ldmia r1!, {r8-r11} \n"                       \
            "ldr pc, [sp, #32] \n"                         \
            "2: \n"                                        \
            sums(MICA_DEPTHWISE3X3_OUT)                    \
            MICA_DEPTHWISE3X3_END(stored)                  \
            "3: \n"                                        \
            sums(MICA_DEPTHWISE3X3_OUT_RELU)               \
            MICA_DEPTHWISE3X3_END(stored))
#define MICA_DEPTHWISE3X3_END(stored) \
    stored                            \
    "add r1, r1, #40 \n"              \
    "ldr r8, [sp, #24] \n"            \
    "cmp r0, r8 \n"                   \
    "bne 1b \n"                       \
    "add sp, sp, #36 \n"              \
    "pop {r4-r11, pc} \n"
#define MICA_DEPTHWISE3X3_OUT(sum) MICA_REQUANTIZE_TWICE(sum, "r8", "r9", "r10", "r11")
#define MICA_DEPTHWISE3X3_OUT_RELU(sum) MICA_REQUANTIZE_TWICE_RELU(sum, "r8", "r9", "r10", "r11")

/* clang-format on */

#else

/* n neighbouring outputs of channel c, two or three, stored last to first. */
static inline void mica_depthwise3x3_few(const int16_t *in, const int32_t *stream,
                                         const int32_t *rows, int8_t *const *out, int32_t c,
                                         int stride, int n)
{
    const int32_t multiplier = MICA_ROM_S32(&stream[1]), half = MICA_ROM_S32(&stream[2]);
    const int32_t shift = MICA_ROM_S32(&stream[3]);
    int32_t sum0 = MICA_ROM_S32(stream), sum1 = sum0, sum2 = sum0;
    for (int slot = 0; slot < 3; slot++, in += 8, rows += 2) {
        const int32_t left = MICA_ROM_S32(&rows[0]), right = MICA_ROM_S32(&rows[1]);
        const int32_t w0 = (int16_t)left, w1 = (int16_t)right, w2 = right >> 16;
        sum0 += in[0] * w0 + in[1] * w1 + in[2] * w2;
        sum1 += in[stride] * w0 + in[stride + 1] * w1 + in[stride + 2] * w2;
        if (n > 2)
            sum2 += in[2 * stride] * w0 + in[2 * stride + 1] * w1 + in[2 * stride + 2] * w2;
    }
    if (n > 2)
        out[2][c] = mica_requantize_twice(sum2, multiplier, half, shift);
    out[1][c] = mica_requantize_twice(sum1, multiplier, half, shift);
    out[0][c] = mica_requantize_twice(sum0, multiplier, half, shift);
}

/* `columns`: 3, 5 or 6. */
static inline void mica_depthwise3x3_portable(const int16_t *ring, const int32_t *stream,
                                              const struct mica_depthwise3x3_block *p, int columns,
                                              int stride)
{
    const int few = columns == 5 ? 2 : 3;
    for (int32_t c = 0; ring != p->ring_end; c++, ring += MICA_DEPTHWISE3X3_RING) {
        const int32_t *rows = stream + p->first_row / 4;
        if (columns > 3)
            mica_depthwise3x3_few(ring + stride * few, stream, rows, p->out + few, c, stride, 3);
        mica_depthwise3x3_few(ring, stream, rows, p->out, c, stride, few);
        stream += MICA_DEPTHWISE3X3_CHANNEL;
    }
}

#endif

/* One input row (NULL: padding) of a block into a slot: eight columns from x on, n channels. A slot
 * that was `used` in this block has its padding at the right already. */
static inline void mica_depthwise3x3_row(const struct mica_depthwise3x3 *p, const int8_t *row,
                                         int32_t x, int32_t n, const int8_t *padding, int used,
                                         int16_t *slot)
{
    const int32_t channels = p->channels, in_w = p->in_w;
    for (int32_t pair = 0, pairs; pair < 4; pair += pairs, x += 2 * pairs, slot += 2 * pairs) {
        const int8_t *left = padding, *right = padding;
        pairs = 1;
        if (!row) {
            pairs = 4;
        } else if (x >= 0 && x + 1 < in_w) {
            left = row + x * channels;
            right = left + channels;
            pairs = (in_w - x) >> 1;
            pairs = pairs < 4 - pair ? pairs : 4 - pair;
        } else if (used && x >= in_w) {
            continue;
        } else {
            left = x >= 0 && x < in_w ? row + x * channels : padding;
            right = x + 1 >= 0 && x + 1 < in_w ? row + (x + 1) * channels : padding;
        }
        const int32_t step = row ? 2 * channels : 0;
        if (n >= 4)
            mica_planar(left, right, slot, n & ~3, pairs, step);
        for (int32_t i = n & ~3; i < n; i++)
            for (int32_t k = 0; k < pairs; k++) {
                slot[MICA_DEPTHWISE3X3_RING * i + 2 * k] = left[k * step + i];
                slot[MICA_DEPTHWISE3X3_RING * i + 2 * k + 1] = right[k * step + i];
            }
    }
}

/* n output rows of `columns` output columns from `x` on and `channels` channels from the first. */
static inline void mica_depthwise3x3_blocks(
    const struct mica_depthwise3x3 *p, const int8_t *const *rows, int32_t channel, int32_t channels,
    int32_t x, int32_t columns, int32_t stride, int16_t *ring, int8_t *out, int32_t n,
    void (*block)(const int16_t *, const int32_t *, const struct mica_depthwise3x3_block *))
{
    const int8_t *padding = (int8_t *)(ring + MICA_DEPTHWISE3X3_RING * p->chunk);
    const int32_t *stream = p->stream + channel * MICA_DEPTHWISE3X3_CHANNEL;
    const int32_t all = p->channels, pitch = p->out_w * all;
    int32_t slot = 0, have = 0; /* rows of the strip in the ring so far */
    struct mica_depthwise3x3_block b = {
        {0, 0, 0, 0, 0, 0}, ring + MICA_DEPTHWISE3X3_RING * channels, 0, (uint32_t)p->relu};
    out += x * all + channel;
    for (int k = 0; k < columns; k++)
        b.out[k] = x + k < p->out_w ? out + k * all : out;
    for (int32_t y = 0; y < n; y++) {
        for (; have < y * stride + 3; have++) {
            const int8_t *row = rows[have];
            mica_depthwise3x3_row(p, row ? row + channel : row, x * stride - p->pad_left, channels,
                                  padding, have > 2, ring + 8 * slot);
            slot = slot == 2 ? 0 : slot + 1;
        }
        /* The next slot to fill holds the oldest row, that of kernel row 0. */
        b.first_row = slot ? 40 - 8 * (uint32_t)slot : 16;
        block(ring, stream, &b);
        for (int k = 0; k < columns; k++)
            b.out[k] += pitch;
    }
}

/* A strip of n output rows, in blocks of `columns` output columns and p->chunk channels. */
static inline void mica_depthwise3x3_strip(const struct mica_depthwise3x3 *p,
                                           const int8_t *const *rows, int16_t *buffer, int8_t *out,
                                           int32_t n, int32_t columns, int32_t stride,
                                           void (*block)(const int16_t *, const int32_t *,
                                                         const struct mica_depthwise3x3_block *))
{
    int16_t *padding = buffer + MICA_DEPTHWISE3X3_RING * p->chunk;
    for (int32_t i = 0; i < p->chunk; i += 2)
        *padding++ = (int16_t)((uint8_t)p->in_zero * 0x101);
    for (int32_t channel = 0; channel < p->channels; channel += p->chunk) {
        const int32_t rest = p->channels - channel;
        for (int32_t x = 0; x < p->out_w; x += columns)
            mica_depthwise3x3_blocks(p, rows, channel, rest < p->chunk ? rest : p->chunk, x,
                                     columns, stride, buffer, out, n, block);
    }
}

#endif
