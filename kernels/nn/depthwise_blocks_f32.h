/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_DEPTHWISE_BLOCKS_F32_H
#define MICA_DEPTHWISE_BLOCKS_F32_H

#include <stdint.h>

#include "clamp_value_f32.h"
#include "fpu.h"
#include "rom.h"
#include "rounding_f32.h"

enum { MICA_DEPTHWISE_TAPS = 25 };

/* in_c is at least 4 and kernel_h * kernel_w at most MICA_DEPTHWISE_TAPS. The stream has, for every
 * four channels, four weights a tap and then four biases, none of them -0; where channels are no
 * multiple of 4, the last four come at its end. All weights are finite. */
struct mica_depthwise_blocks_f32 {
    int16_t in_w, in_c, out_w;
    int16_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, pad_left;
    int16_t rectifier; /* as in mica_blocks_pixels() */
    float out_min, out_max;
    const float *stream;
};

/* Four pixels times fours of channels, for mica_depthwise_fours(). */
struct mica_depthwise_job {
    float *out[4];
    const float **tap, **tap_end; /* four pointers a tap, which move on with the channels */
    const float *stream_end;
    int32_t relu; /* 1: the least output is 0 */
    int32_t open; /* out: 1 where a sum may not be finite; then no four of it is limited */
};

#if MICA_FPU

/* clang-format off */

#define MICA_DEPTHWISE_PIXEL(from, a, b, c, d)                \
    "vldmia " from "!, {s16-s19} \n"                          \
    "vmul.f32 s24, s16, s20 \n"                               \
    "vmul.f32 s25, s17, s21 \n"                               \
    "vmul.f32 s26, s18, s22 \n"                               \
    "vmul.f32 s27, s19, s23 \n"                               \
    "vadd.f32 s" #a ", s" #a ", s24 \n"                       \
    "vadd.f32 s" #b ", s" #b ", s25 \n"                       \
    "vadd.f32 s" #c ", s" #c ", s26 \n"                       \
    "vadd.f32 s" #d ", s" #d ", s27 \n"
#define MICA_DEPTHWISE_FIRST(from, a, b, c, d)                \
    "vldmia " from "!, {s16-s19} \n"                          \
    "vmul.f32 s" #a ", s16, s20 \n"                           \
    "vmul.f32 s" #b ", s17, s21 \n"                           \
    "vmul.f32 s" #c ", s18, s22 \n"                           \
    "vmul.f32 s" #d ", s19, s23 \n"
#define MICA_DEPTHWISE_BIAS(a, b, c, d)                       \
    "vadd.f32 s" #a ", s" #a ", s20 \n"                       \
    "vadd.f32 s" #b ", s" #b ", s21 \n"                       \
    "vadd.f32 s" #c ", s" #c ", s22 \n"                       \
    "vadd.f32 s" #d ", s" #d ", s23 \n"
#define MICA_DEPTHWISE_RELU(to, a, b, c, d)                   \
    "vmov r4, r5, s" #a ", s" #b " \n"                        \
    "vmov r6, r7, s" #c ", s" #d " \n"                        \
    "bic r4, r4, r4, asr #31 \n"                              \
    "bic r5, r5, r5, asr #31 \n"                              \
    "bic r6, r6, r6, asr #31 \n"                              \
    "bic r7, r7, r7, asr #31 \n"                              \
    "stmia " to "!, {r4-r7} \n"

/* s0-s15: sums, pixel by pixel; s16-s19: inputs; s20-s23: weights; s24-s27: products. r0: stream,
 * r1: p, r2: tap_end, r3: relu, r4-r7: inputs, r8-r11: out, r12: the tap. The rectifier and the end
 * are those of mica_blocks_fours(). */
MICA_FPU_BLOCK void mica_depthwise_fours(MICA_ARG const float *stream,
                                         MICA_ARG struct mica_depthwise_job *p)
{
    __asm__("push {r4-r11, lr} \n"
            "vpush {s16-s27} \n"
            "ldm r1, {r8-r11} \n"
            "ldr r2, [r1, #20] \n"
            "ldr r3, [r1, #28] \n"
            "2: ldr r12, [r1, #16] \n"
            "vldmia r0!, {s20-s23} \n"
            "ldm r12, {r4-r7} \n"
            MICA_DEPTHWISE_FIRST("r4", 0, 1, 2, 3)
            MICA_DEPTHWISE_FIRST("r5", 4, 5, 6, 7)
            MICA_DEPTHWISE_FIRST("r6", 8, 9, 10, 11)
            MICA_DEPTHWISE_FIRST("r7", 12, 13, 14, 15)
            "stmia r12!, {r4-r7} \n"
            "cmp r12, r2 \n"
            "beq 3f \n"
            "1: vldmia r0!, {s20-s23} \n"
            "ldm r12, {r4-r7} \n"
            MICA_DEPTHWISE_PIXEL("r4", 0, 1, 2, 3)
            MICA_DEPTHWISE_PIXEL("r5", 4, 5, 6, 7)
            MICA_DEPTHWISE_PIXEL("r6", 8, 9, 10, 11)
            MICA_DEPTHWISE_PIXEL("r7", 12, 13, 14, 15)
            "stmia r12!, {r4-r7} \n"
            "cmp r12, r2 \n"
            "bne 1b \n"
            "3: vldmia r0!, {s20-s23} \n"
            MICA_DEPTHWISE_BIAS(0, 1, 2, 3)
            MICA_DEPTHWISE_BIAS(4, 5, 6, 7)
            MICA_DEPTHWISE_BIAS(8, 9, 10, 11)
            MICA_DEPTHWISE_BIAS(12, 13, 14, 15)
            "vadd.f32 s16, s0, s1 \n"
            "vadd.f32 s17, s2, s3 \n"
            "vadd.f32 s18, s4, s5 \n"
            "vadd.f32 s19, s6, s7 \n"
            "vadd.f32 s16, s16, s8 \n"
            "vadd.f32 s17, s17, s9 \n"
            "vadd.f32 s18, s18, s10 \n"
            "vadd.f32 s19, s19, s11 \n"
            "vadd.f32 s16, s16, s12 \n"
            "vadd.f32 s17, s17, s13 \n"
            "vadd.f32 s18, s18, s14 \n"
            "vadd.f32 s19, s19, s15 \n"
            "vadd.f32 s16, s16, s17 \n"
            "vadd.f32 s18, s18, s19 \n"
            "vadd.f32 s16, s16, s18 \n"
            "vsub.f32 s16, s16, s16 \n"
            "vcmp.f32 s16, s16 \n"
            "vmrs APSR_nzcv, fpscr \n"
            "bvs 5f \n"
            "cmp r3, #0 \n"
            "beq 6f \n"
            MICA_DEPTHWISE_RELU("r11", 12, 13, 14, 15)
            MICA_DEPTHWISE_RELU("r10", 8, 9, 10, 11)
            MICA_DEPTHWISE_RELU("r9", 4, 5, 6, 7)
            MICA_DEPTHWISE_RELU("r8", 0, 1, 2, 3)
            "b 7f \n"
            "5: movs r4, #1 \n"
            "str r4, [r1, #32] \n"
            "6: vstmia r11!, {s12-s15} \n"
            "vstmia r10!, {s8-s11} \n"
            "vstmia r9!, {s4-s7} \n"
            "vstmia r8!, {s0-s3} \n"
            "7: ldr r4, [r1, #24] \n"
            "cmp r0, r4 \n"
            "bne.w 2b \n"
            "vpop {s16-s27} \n"
            "pop {r4-r11, pc} \n");
}

/* clang-format on */

#else

MICA_FPU_BLOCK void mica_depthwise_fours(const float *stream, struct mica_depthwise_job *p)
{
    p->open = 1;
    for (int32_t o = 0; stream != p->stream_end; o += 4, stream += 4) {
        float sum[4][4] = {{0.0f}};
        for (const float **tap = p->tap; tap != p->tap_end; tap += 4, stream += 4)
            for (int k = 0; k < 4; k++)
                for (int c = 0; c < 4; c++)
                    sum[k][c] += MICA_ROM_F32(&stream[c]) * *tap[k]++;
        for (int k = 3; k >= 0; k--)
            for (int c = 0; c < 4; c++)
                p->out[k][o + c] = sum[k][c] + MICA_ROM_F32(&stream[c]);
    }
}

#endif

/* The inputs of one pixel under all taps; in the padding they are zeros. */
MICA_CALLED void mica_depthwise_taps(const struct mica_depthwise_blocks_f32 *p,
                                     const float *const *rows, int32_t left, const float *zeros,
                                     const float **tap)
{
    const int32_t step = p->dilation_w * p->in_c;
    for (int32_t ky = p->kernel_h; ky > 0; ky--, rows += p->dilation_h) {
        int32_t x = left, at = left * p->in_c;
        for (int32_t kx = p->kernel_w; kx > 0; kx--, x += p->dilation_w, at += step, tap += 4)
            *tap = *rows && x >= 0 && x < p->in_w ? *rows + at : zeros;
    }
}

/* A strip of n output rows of a depthwise convolution without multiplier: the window of the strip's
 * row s is rows[s * stride_h + ky * dilation_h], each [in_w][in_c] or, above and below the image,
 * NULL -> out[n][out_w][in_c]. zeros: in_c numbers. The arithmetic is that of
 * mica_depthwise_conv2d_f32(). */
static inline void mica_depthwise_blocks_f32(const struct mica_depthwise_blocks_f32 *p,
                                             const float *const *rows, float *zeros, float *out,
                                             int32_t n)
{
    const float *tap[4 * MICA_DEPTHWISE_TAPS];
    const int32_t taps = (int32_t)p->kernel_h * p->kernel_w, whole = p->in_c & ~3;
    struct mica_depthwise_job job = {
        .tap = tap, .tap_end = tap + 4 * taps, .relu = p->rectifier > 0};
    int32_t x = 0;
    for (int32_t i = 0; i < p->in_c; i++)
        zeros[i] = 0.0f;
    for (n *= p->out_w; n > 0; n -= 4) {
        float *to[4];
        for (int k = 0; k < 4; k++) {
            if (k >= n) { /* a copy of the first */
                to[k] = to[0];
                for (int32_t i = 0; i < 4 * taps; i += 4)
                    tap[i + k] = tap[i];
                continue;
            }
            mica_depthwise_taps(p, rows, x * p->stride_w - p->pad_left, zeros, tap + k);
            to[k] = out;
            out += p->in_c;
            if (++x == p->out_w) {
                x = 0;
                rows += p->stride_h;
            }
        }
        job.open = p->rectifier < 0;
        for (int k = 0; k < 4; k++)
            job.out[k] = to[k];
        job.stream_end = p->stream + whole / 4 * (4 * taps + 4);
        mica_depthwise_fours(p->stream, &job);
        if (whole < p->in_c) { /* back from channel `whole` to the last four */
            const float *last = job.stream_end;
            for (int32_t i = 0; i < 4 * taps; i++)
                tap[i] -= 4 - (p->in_c - whole);
            for (int k = 0; k < 4; k++)
                job.out[k] = to[k] + p->in_c - 4;
            job.stream_end += 4 * taps + 4;
            mica_depthwise_fours(last, &job);
        }
        for (int k = 0; k < 4 && job.open; k++)
            for (int32_t o = 0; o < p->in_c; o++)
                to[k][o] = mica_clamp_value_f32(to[k][o], p->out_min, p->out_max);
    }
}

#endif
