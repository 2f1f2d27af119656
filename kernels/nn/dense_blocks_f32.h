/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_DENSE_BLOCKS_F32_H
#define MICA_DENSE_BLOCKS_F32_H

#include <stdint.h>

#include "clamp_value_f32.h"
#include "fpu.h"
#include "rom.h"
#include "rounding_f32.h"

/* The stream has, for every eight outputs, eight weights an input and then eight biases; for each
 * of the outputs that are left its weights and bias. */
struct mica_dense_blocks_f32 {
    int32_t in_n, out_n;
    float out_min, out_max;
    const float *stream;
};

#if MICA_FPU

/* clang-format off */

#define MICA_DENSE_MUL(to, w, x)  "vmul.f32 s" #to ", s" #w ", s" #x " \n"
#define MICA_DENSE_ADD(to, x)     "vadd.f32 s" #to ", s" #to ", s" #x " \n"
#define MICA_DENSE_INPUT(x)       \
    "vldmia r0!, {s8-s15} \n"     \
    MICA_DENSE_MUL(20, 8, x)      \
    MICA_DENSE_MUL(21, 9, x)      \
    MICA_DENSE_MUL(22, 10, x)     \
    MICA_DENSE_MUL(23, 11, x)     \
    MICA_DENSE_ADD(0, 20)         \
    MICA_DENSE_ADD(1, 21)         \
    MICA_DENSE_ADD(2, 22)         \
    MICA_DENSE_ADD(3, 23)         \
    MICA_DENSE_MUL(20, 12, x)     \
    MICA_DENSE_MUL(21, 13, x)     \
    MICA_DENSE_MUL(22, 14, x)     \
    MICA_DENSE_MUL(23, 15, x)     \
    MICA_DENSE_ADD(4, 20)         \
    MICA_DENSE_ADD(5, 21)         \
    MICA_DENSE_ADD(6, 22)         \
    MICA_DENSE_ADD(7, 23)

/* Sums of eight outputs and their biases; returns the stream behind them. s0-s7: sums, s8-s15:
 * weights, s16-s19: inputs, s20-s23: products. */
MICA_NAKED const float *mica_dense_eight(MICA_ARG const float *stream, MICA_ARG const float *in,
                                         MICA_ARG int32_t n, MICA_ARG float *sums)
{
    __asm__("push {r4, lr} \n"
            "vpush {s16-s23} \n"
            "movs r12, #0 \n"
            "vmov s0, r12 \n"
            "vmov s1, r12 \n"
            "vmov s2, r12 \n"
            "vmov s3, r12 \n"
            "vmov s4, r12 \n"
            "vmov s5, r12 \n"
            "vmov s6, r12 \n"
            "vmov s7, r12 \n"
            "ands r12, r2, #3 \n"
            "add r4, r1, r2, lsl #2 \n"
            "beq 2f \n"
            "1: vldmia r1!, {s16} \n"
            MICA_DENSE_INPUT(16)
            "subs r12, r12, #1 \n"
            "bne 1b \n"
            "2: cmp r1, r4 \n"
            "beq 4f \n"
            "3: vldmia r1!, {s16-s19} \n"
            MICA_DENSE_INPUT(16)
            MICA_DENSE_INPUT(17)
            MICA_DENSE_INPUT(18)
            MICA_DENSE_INPUT(19)
            "cmp r1, r4 \n"
            "bne 3b \n"
            "4: vldmia r0!, {s8-s15} \n"
            MICA_DENSE_ADD(0, 8)
            MICA_DENSE_ADD(1, 9)
            MICA_DENSE_ADD(2, 10)
            MICA_DENSE_ADD(3, 11)
            MICA_DENSE_ADD(4, 12)
            MICA_DENSE_ADD(5, 13)
            MICA_DENSE_ADD(6, 14)
            MICA_DENSE_ADD(7, 15)
            "vstmia r3, {s0-s7} \n"
            "vpop {s16-s23} \n"
            "pop {r4, pc} \n");
}

/* clang-format on */

#else

static inline const float *mica_dense_eight(const float *stream, const float *in, int32_t n,
                                            float *sums)
{
    for (int k = 0; k < 8; k++)
        sums[k] = 0.0f;
    for (int32_t i = 0; i < n; i++, stream += 8)
        for (int k = 0; k < 8; k++)
            sums[k] += MICA_ROM_F32(&stream[k]) * in[i];
    for (int k = 0; k < 8; k++)
        sums[k] += MICA_ROM_F32(&stream[k]);
    return stream + 8;
}

#endif

/* A fully connected layer, eight outputs at a time: in[in_n] -> out[out_n]. The arithmetic is that
 * of mica_dense_f32(). */
static inline void mica_dense_blocks_f32(const struct mica_dense_blocks_f32 *p, const float *in,
                                         float *out)
{
    const float *stream = p->stream;
    int32_t o = 0;
    for (; o + 8 <= p->out_n; o += 8)
        stream = mica_dense_eight(stream, in, p->in_n, out + o);
    for (; o < p->out_n; o++, stream++) {
        float sum = 0.0f;
        for (int32_t i = 0; i < p->in_n; i++, stream++)
            sum += MICA_ROM_F32(stream) * in[i];
        out[o] = sum + MICA_ROM_F32(stream);
    }
    for (o = 0; o < p->out_n; o++)
        out[o] = mica_clamp_value_f32(out[o], p->out_min, p->out_max);
}

#endif
