/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_DENSE_FOURS_S8_H
#define MICA_DENSE_FOURS_S8_H

#include <stdint.h>

#include "dsp.h"
#include "requantize_twice.h"

struct mica_dense_fours_s8 {
    int32_t in_n, out_n;
    const int8_t *weights; /* [out_n][in_n] */
    const int32_t *scales; /* [out_n][4]: {2 * bias, multiplier, half, shift} */
};

#if MICA_V6M

/* clang-format off */

/* sums[k] = weights[k * n ..] times in[n], for four k. r0-r3: ends of the rows of weights, r4: end
 * of in, r5: -n and up, r6: the input, r8-r11: sums. */
MICA_NAKED void mica_dense_four(MICA_ARG const int8_t *weights, MICA_ARG const int8_t *in,
                                MICA_ARG int32_t n, MICA_ARG int32_t *sums)
{
    __asm__(".syntax unified \n"
            "push {r4-r7, lr} \n"
            "mov r4, r8 \n"
            "mov r5, r9 \n"
            "mov r6, r10 \n"
            "mov r7, r11 \n"
            "push {r3-r7} \n"
            "adds r4, r1, r2 \n"
            "rsbs r5, r2, #0 \n"
            "adds r0, r0, r2 \n"
            "adds r1, r0, r2 \n"
            "mov r6, r2 \n"
            "adds r2, r1, r6 \n"
            "adds r3, r2, r6 \n"
            "movs r7, #0 \n"
            "mov r8, r7 \n"
            "mov r9, r7 \n"
            "mov r10, r7 \n"
            "mov r11, r7 \n"
            "1: ldrsb r6, [r4, r5] \n"
            "ldrsb r7, [r0, r5] \n"
            "muls r7, r6, r7 \n"
            "add r8, r7 \n"
            "ldrsb r7, [r1, r5] \n"
            "muls r7, r6, r7 \n"
            "add r9, r7 \n"
            "ldrsb r7, [r2, r5] \n"
            "muls r7, r6, r7 \n"
            "add r10, r7 \n"
            "ldrsb r7, [r3, r5] \n"
            "muls r7, r6, r7 \n"
            "add r11, r7 \n"
            "adds r5, r5, #1 \n"
            "bne 1b \n"
            "pop {r3} \n"
            "mov r4, r8 \n"
            "mov r5, r9 \n"
            "mov r6, r10 \n"
            "mov r7, r11 \n"
            "stmia r3!, {r4-r7} \n"
            "pop {r4-r7} \n"
            "mov r8, r4 \n"
            "mov r9, r5 \n"
            "mov r10, r6 \n"
            "mov r11, r7 \n"
            "pop {r4-r7, pc} \n");
}

/* clang-format on */

#else

MICA_CALLED MICA_IN_ORDER void mica_dense_four(const int8_t *weights, const int8_t *in, int32_t n,
                                               int32_t *sums)
{
    const int8_t *w0 = weights, *w1 = w0 + n, *w2 = w1 + n, *w3 = w2 + n;
    const int8_t *const whole = in + (n & ~3), *const end = in + n;
    int32_t sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
    for (; in != whole; in += 4, w0 += 4, w1 += 4, w2 += 4, w3 += 4) {
        const int32_t a = in[0], b = in[1], c = in[2], d = in[3];
        sum0 += a * w0[0] + b * w0[1] + c * w0[2] + d * w0[3];
        sum1 += a * w1[0] + b * w1[1] + c * w1[2] + d * w1[3];
        sum2 += a * w2[0] + b * w2[1] + c * w2[2] + d * w2[3];
        sum3 += a * w3[0] + b * w3[1] + c * w3[2] + d * w3[3];
    }
    for (; in != end; in++) {
        sum0 += *in * *w0++;
        sum1 += *in * *w1++;
        sum2 += *in * *w2++;
        sum3 += *in * *w3++;
    }
    sums[0] = sum0;
    sums[1] = sum1;
    sums[2] = sum2;
    sums[3] = sum3;
}

#endif

/* A fully connected layer of at least four outputs, four at a time; of the last four some may be
 * computed twice: in[in_n] -> out[out_n]. For cores without the DSP extension. Inputs are as they
 * come, their zero point is in the bias. The arithmetic is that of mica_dense_s8(). */
static inline void mica_dense_fours_s8(const struct mica_dense_fours_s8 *p, const int8_t *in,
                                       int8_t *out)
{
    for (int32_t o = 0; o < p->out_n; o += 4) {
        const int32_t first = o + 4 > p->out_n ? p->out_n - 4 : o;
        const int32_t *scale = p->scales + 4 * first;
        int32_t sums[4];
        mica_dense_four(p->weights + first * p->in_n, in, p->in_n, sums);
        for (int k = 0; k < 4; k++, scale += 4)
            out[first + k] = mica_requantize_twice(scale[0] + 2 * sums[k], scale[1], scale[2],
                                                   scale[3]);
    }
}

#endif
