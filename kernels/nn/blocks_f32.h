/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_BLOCKS_F32_H
#define MICA_BLOCKS_F32_H

#include <stdint.h>

#include "clamp_value_f32.h"
#include "fpu.h"
#include "rom.h"
#include "rounding_f32.h"

/* Five pixels times fours of output channels in float32: the block under convolutions on cores with
 * an FPU. Twenty sums, five inputs and four weights are in registers, so that two loads serve
 * twenty products. Each output is summed tap by tap in the order of the reference, products and
 * sums are rounded on their own: the bits are those of the plain loops.
 *
 *     stream of a four   taps times four weights, then four biases, none of them -0
 *     in                 taps times five inputs, one a pixel; padding is zeros
 *
 * All weights are finite, so a padded tap adds a zero, which changes no sum: sums start as the
 * first product, and one that is -0 until the end meets a bias that is not. */
struct mica_blocks_f32 {
    float *out[5]; /* where the pixels' channels go */
    const float *in, *in_end;
    const float *stream_end;
    int32_t skip; /* taps that the first round of a loop of four leaves out */
    int32_t relu; /* 1: the least output is 0. Blocks that limit nothing set it to 0 */
    int32_t open; /* out: not 0 where a sum may not be finite, and so the rectifier wrong */
};

#if MICA_FPU

/* clang-format off */

#define MICA_BLOCKS_MUL(to, x, w) "vmul.f32 s" #to ",s" #x ",s" #w "\n"
#define MICA_BLOCKS_ADD(to, x)    "vadd.f32 s" #to ",s" #x "\n"
/* Short texts: C99 promises no more than 4095 characters in a literal.
 * Four channels of a pixel; a product is used two instructions later at the earliest. */
#define MICA_BLOCKS_PIXEL(x, a, b, c, d) \
    MICA_BLOCKS_MUL(29, x, 25)           \
    MICA_BLOCKS_MUL(30, x, 26)           \
    MICA_BLOCKS_MUL(31, x, 27)           \
    MICA_BLOCKS_ADD(a, 29)               \
    MICA_BLOCKS_MUL(29, x, 28)           \
    MICA_BLOCKS_ADD(b, 30)               \
    MICA_BLOCKS_ADD(c, 31)               \
    MICA_BLOCKS_ADD(d, 29)
#define MICA_BLOCKS_FIRST(x, a, b, c, d) \
    MICA_BLOCKS_MUL(a, x, 25)            \
    MICA_BLOCKS_MUL(b, x, 26)            \
    MICA_BLOCKS_MUL(c, x, 27)            \
    MICA_BLOCKS_MUL(d, x, 28)
#define MICA_BLOCKS_BIAS(a, b, c, d) \
    MICA_BLOCKS_ADD(a, 25)           \
    MICA_BLOCKS_ADD(b, 26)           \
    MICA_BLOCKS_ADD(c, 27)           \
    MICA_BLOCKS_ADD(d, 28)
#define MICA_BLOCKS_LOAD           \
    "vldmia r1!,{s20-s24}\n"     \
    "vldmia r0!,{s25-s28}\n"
#define MICA_BLOCKS_LOAD_FIRST     \
    "vldr s20, [r1] \n"           \
    "adds r1, r1, #20 \n"         \
    "vldmia r0!, {s25-s28} \n"
#define MICA_BLOCKS_TAP                  \
    MICA_BLOCKS_LOAD                     \
    MICA_BLOCKS_PIXEL(20, 0, 1, 2, 3)    \
    MICA_BLOCKS_PIXEL(21, 4, 5, 6, 7)    \
    MICA_BLOCKS_PIXEL(22, 8, 9, 10, 11)  \
    MICA_BLOCKS_PIXEL(23, 12, 13, 14, 15) \
    MICA_BLOCKS_PIXEL(24, 16, 17, 18, 19)
/* The rectifier, on integers: of finite floats the negative ones have the sign bit. */
#define MICA_BLOCKS_RELU(to, a, b, c, d)       \
    "vmov r4, r5, s" #a ", s" #b "\n"         \
    "vmov r6, r7, s" #c ", s" #d "\n"         \
    "bic r4,r4,r4,asr #31\n"               \
    "bic r5,r5,r5,asr #31\n"               \
    "bic r6,r6,r6,asr #31\n"               \
    "bic r7,r7,r7,asr #31\n"               \
    "stmia " to "!, {r4-r7}\n"

/* Overflows leave a flag, which is cleared first; the caller's is kept in p->open. r4 is free. */
#define MICA_BLOCKS_WATCH      \
    "vmrs r4, fpscr \n"        \
    "str r4, [r3, #40] \n"     \
    "bic r4, r4, #4 \n"        \
    "vmsr fpscr, r4 \n"
/* s20: a sum of one output of each pixel. */
#define MICA_BLOCKS_REPORT     \
    "vsub.f32 s20, s20, s20 \n" \
    "vcmp.f32 s20, s20 \n"     \
    "vmrs r4, fpscr \n"        \
    "ldr r5, [r3, #40] \n"     \
    "orr r5, r4, r5 \n"        \
    "vmsr fpscr, r5 \n"        \
    "ubfx r5, r4, #28, #1 \n"  \
    "and r4, r4, #4 \n"        \
    "orr r4, r4, r5 \n"        \
    "str r4, [r3, #40] \n"

/* s0-s19: sums, pixel by pixel; s20-s24: inputs; s25-s28: weights; s29-s31: products. r0: stream,
 * r1: in, r2: in_end, r3: p, r8-r12: out, lr: relu. Pixels are stored last to first: where there
 * are fewer than five, the others are copies of the first. The loop is entered in its middle, taps
 * of 168 bytes further on.
 *
 * Weights are finite. So an input that is not makes every output of its pixel infinite or none,
 * and one output of each tells; what else is not finite was an overflow. */
MICA_FPU_BLOCK void mica_blocks_fours(MICA_ARG const float *stream,
                                      MICA_ARG struct mica_blocks_f32 *p)
{
    __asm__("push {r4-r11, lr} \n"
            "vpush {s16-s31} \n"
            "mov r3, r1 \n"
            "ldm r3, {r8-r12} \n"
            "ldr r2, [r3, #24] \n"
            "ldr lr, [r3, #36] \n"
            MICA_BLOCKS_WATCH
            "4: ldr r1, [r3, #20] \n"
            MICA_BLOCKS_LOAD
            MICA_BLOCKS_FIRST(20, 0, 1, 2, 3)
            MICA_BLOCKS_FIRST(21, 4, 5, 6, 7)
            MICA_BLOCKS_FIRST(22, 8, 9, 10, 11)
            MICA_BLOCKS_FIRST(23, 12, 13, 14, 15)
            MICA_BLOCKS_FIRST(24, 16, 17, 18, 19)
            "cmp r1, r2 \n"
            "beq.w 3f \n"
            "ldr r4, [r3, #32] \n"
            "movs r5, #168 \n"
            "muls r4, r5, r4 \n"
            "add pc, r4 \n"
            "nop.n \n" /* what pc is above */
            "1: \n"
            ".rept 4 \n"
            MICA_BLOCKS_TAP
            ".endr \n"
            "cmp r1, r2 \n"
            "bne.w 1b \n"
            "3: vldmia r0!, {s25-s28} \n"
            MICA_BLOCKS_BIAS(0, 1, 2, 3)
            MICA_BLOCKS_BIAS(4, 5, 6, 7)
            MICA_BLOCKS_BIAS(8, 9, 10, 11)
            MICA_BLOCKS_BIAS(12, 13, 14, 15)
            MICA_BLOCKS_BIAS(16, 17, 18, 19)
            "cmp lr, #0 \n"
            "beq 6f \n"
            MICA_BLOCKS_RELU("r12", 16, 17, 18, 19)
            MICA_BLOCKS_RELU("r11", 12, 13, 14, 15)
            MICA_BLOCKS_RELU("r10", 8, 9, 10, 11)
            MICA_BLOCKS_RELU("r9", 4, 5, 6, 7)
            MICA_BLOCKS_RELU("r8", 0, 1, 2, 3)
            "b 7f \n"
            "6: vstmia r12!, {s16-s19} \n"
            "vstmia r11!, {s12-s15} \n"
            "vstmia r10!, {s8-s11} \n"
            "vstmia r9!, {s4-s7} \n"
            "vstmia r8!, {s0-s3} \n"
            "7: ldr r4, [r3, #28] \n"
            "cmp r0, r4 \n"
            "bne.w 4b \n"
            "vadd.f32 s20, s0, s4 \n"
            MICA_BLOCKS_ADD(20, 8)
            MICA_BLOCKS_ADD(20, 12)
            MICA_BLOCKS_ADD(20, 16)
            MICA_BLOCKS_REPORT
            "vpop {s16-s31} \n"
            "pop {r4-r11, pc} \n");
}

/* The same for the first of the pixels alone. */
MICA_FPU_BLOCK void mica_blocks_first(MICA_ARG const float *stream,
                                      MICA_ARG struct mica_blocks_f32 *p)
{
    __asm__("push {r4-r8, lr} \n"
            "vpush {s20-s31} \n"
            "mov r3, r1 \n"
            "ldr r8, [r3] \n"
            "ldr r2, [r3, #24] \n"
            "ldr lr, [r3, #36] \n"
            MICA_BLOCKS_WATCH
            "4: ldr r1, [r3, #20] \n"
            MICA_BLOCKS_LOAD_FIRST
            MICA_BLOCKS_FIRST(20, 0, 1, 2, 3)
            "cmp r1, r2 \n"
            "beq 3f \n"
            "1: \n"
            MICA_BLOCKS_LOAD_FIRST
            MICA_BLOCKS_PIXEL(20, 0, 1, 2, 3)
            "cmp r1, r2 \n"
            "bne 1b \n"
            "3: vldmia r0!, {s25-s28} \n"
            MICA_BLOCKS_BIAS(0, 1, 2, 3)
            "cmp lr, #0 \n"
            "beq 6f \n"
            MICA_BLOCKS_RELU("r8", 0, 1, 2, 3)
            "b 7f \n"
            "6: vstmia r8!, {s0-s3} \n"
            "7: ldr r4, [r3, #28] \n"
            "cmp r0, r4 \n"
            "bne 4b \n"
            "vmov.f32 s20, s0 \n"
            MICA_BLOCKS_REPORT
            "vpop {s20-s31} \n"
            "pop {r4-r8, pc} \n");
}

/* Five runs of n floats into the order of mica_blocks_f32. r3-r7: from. */
MICA_FPU_BLOCK void mica_interleave5(MICA_ARG const float *const *from, MICA_ARG float *to,
                                     MICA_ARG int32_t n)
{
    __asm__("push {r4-r11, lr} \n"
            "ldm r0, {r3-r7} \n"
            "lsrs r2, r2, #1 \n"
            "bcc 2f \n"
            "add r2, r2, #1 \n"
            "b 3f \n"
            "2: ldr r8, [r3], #4 \n"
            "ldr r9, [r4], #4 \n"
            "ldr r10, [r5], #4 \n"
            "ldr r11, [r6], #4 \n"
            "ldr r12, [r7], #4 \n"
            "stmia r1!, {r8-r12} \n"
            "3: ldr r8, [r3], #4 \n"
            "ldr r9, [r4], #4 \n"
            "ldr r10, [r5], #4 \n"
            "ldr r11, [r6], #4 \n"
            "ldr r12, [r7], #4 \n"
            "stmia r1!, {r8-r12} \n"
            "subs r2, r2, #1 \n"
            "bne 2b \n"
            "pop {r4-r11, pc} \n");
}

/* clang-format on */

#else

static inline void mica_blocks_sum(const float *stream, struct mica_blocks_f32 *p, int pixels)
{
    p->relu = 0;
    p->open = 1;
    for (int32_t o = 0; stream != p->stream_end; o += 4, stream += 4) {
        float sum[5][4] = {{0.0f}};
        for (const float *in = p->in; in != p->in_end; in += 5, stream += 4)
            for (int k = 0; k < pixels; k++)
                for (int c = 0; c < 4; c++)
                    sum[k][c] += MICA_ROM_F32(&stream[c]) * in[k];
        for (int k = pixels - 1; k >= 0; k--)
            for (int c = 0; c < 4; c++)
                p->out[k][o + c] = sum[k][c] + MICA_ROM_F32(&stream[c]);
    }
}

MICA_FPU_BLOCK void mica_blocks_fours(const float *stream, struct mica_blocks_f32 *p)
{
    mica_blocks_sum(stream, p, 5);
}

MICA_FPU_BLOCK void mica_blocks_first(const float *stream, struct mica_blocks_f32 *p)
{
    mica_blocks_sum(stream, p, 1);
}

MICA_FPU_BLOCK void mica_interleave5(const float *const *from, float *to, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        for (int k = 0; k < 5; k++)
            *to++ = from[k][i];
}

#endif

/* All `channels` of the five pixels at p->out, or of the first alone, but not limited where
 * p->relu is 0 or p->open comes back. */
MICA_CALLED void mica_blocks_channels(struct mica_blocks_f32 *p, const float *stream, int32_t taps,
                                      int32_t channels, int pixels)
{
    const int32_t whole = channels & ~3, four = 4 * taps + 4;
    p->stream_end = stream + whole / 4 * four;
    p->open = 0;
    if (whole)
        (pixels == 5 ? mica_blocks_fours : mica_blocks_first)(stream, p);
    if (whole < channels) {
        struct mica_blocks_f32 rest = *p;
        float last[5][4];
        for (int k = 0; k < 5; k++)
            rest.out[k] = last[k];
        rest.stream_end = p->stream_end + four;
        (pixels == 5 ? mica_blocks_fours : mica_blocks_first)(p->stream_end, &rest);
        for (int k = pixels - 1; k >= 0; k--)
            for (int32_t o = whole; o < channels; o++)
                p->out[k][o] = last[k][o - whole];
        p->relu = rest.relu;
        p->open |= rest.open;
    }
}

/* The same between min and max; stream as above, the last four filled up. The blocks limit what is
 * finite from below, where min is 0 and max the largest float (rectifier 1), or need not limit it
 * (rectifier 0); with rectifier -1 all is done here. */
static inline void mica_blocks_pixels(struct mica_blocks_f32 *p, const float *stream, int32_t taps,
                                      int32_t channels, int pixels, int rectifier, float min,
                                      float max)
{
    p->relu = rectifier > 0;
    mica_blocks_channels(p, stream, taps, channels, pixels);
    if (!p->open && rectifier >= 0)
        return;
    if (p->relu) { /* it may have taken what is no number for a negative one */
        p->relu = 0;
        mica_blocks_channels(p, stream, taps, channels, pixels);
    }
    for (int k = 0; k < pixels; k++)
        for (int32_t o = 0; o < channels; o++)
            p->out[k][o] = mica_clamp_value_f32(p->out[k][o], min, max);
}

#endif
