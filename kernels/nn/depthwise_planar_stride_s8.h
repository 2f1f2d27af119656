/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_DEPTHWISE_PLANAR_STRIDE_S8_H
#define MICA_DEPTHWISE_PLANAR_STRIDE_S8_H

#include <stdint.h>

#include "depthwise_planar.h"

struct mica_depthwise_planar_stride_s8 {
    int16_t in_w, in_c, out_w, kernel_h;
    int16_t stride_h, stride_w, dilation_h, dilation_w, pad_left;
    int16_t multiplier; /* output channels of one input channel */
    int16_t chunk;      /* input channels worked on at a time */
    int16_t in_zero;
    int16_t steps;         /* kernel_w / 2 rounded up, at most MICA_DEPTHWISE_PLANAR_STEPS */
    const int32_t *stream; /* of mica_depthwise_planar() */
};

#if MICA_DSP

/* clang-format off */

#define MICA_DEPTHWISE_PLANAR_STRIDE_STEP \
    "ldr r6, [r0], #4 \n"                 \
    "ldrd r7, r8, [r1] \n"                \
    "smlad r2, r7, r6, r2 \n"             \
    "smlad r3, r8, r6, r3 \n"             \
    "ldrd r7, r8, [r1, #8] \n"            \
    "add.w r1, r1, r9 \n"                 \
    "smlad r4, r7, r6, r4 \n"             \
    "smlad r5, r8, r6, r5 \n"

MICA_BLOCK void mica_depthwise_planar_stride_s8_block(MICA_ARG const int32_t *stream,
                               MICA_ARG const int16_t *ring,
                               MICA_ARG const struct mica_depthwise_planar_block *p)
{
    MICA_DEPTHWISE_PLANAR_BLOCK(
        "ldrd r9, r12, [sp, #44] \n",
        ".rept 8 \n"
        MICA_DEPTHWISE_PLANAR_STRIDE_STEP
        ".endr \n"
        "add r1, r1, r12 \n");
}

/* clang-format on */

#else

MICA_BLOCK void mica_depthwise_planar_stride_s8_block(const int32_t *stream, const int16_t *ring,
                                                      const struct mica_depthwise_planar_block *p)
{
    const int32_t steps = MICA_DEPTHWISE_PLANAR_STEPS - (int32_t)p->entry;
    const uint32_t words = p->words / 2, rest = p->rest / 2;
    for (int32_t c = p->channel; stream != p->stream_end; c += p->step, ring += p->next / 2) {
        const int32_t bias = MICA_ROM_S32(stream++);
        int32_t sum0 = bias, sum1 = bias, sum2 = bias, sum3 = bias;
        const int16_t *end = ring + p->tail / 2;
        for (uint32_t head = p->head;; head = 0) {
            for (; ring != end; ring += rest)
                for (int32_t i = steps; i > 0; i--, stream++, ring += words) {
                    const int32_t w = MICA_ROM_S32(stream), w0 = (int16_t)w, w1 = w >> 16;
                    sum0 += ring[0] * w0 + ring[1] * w1;
                    sum1 += ring[2] * w0 + ring[3] * w1;
                    sum2 += ring[4] * w0 + ring[5] * w1;
                    sum3 += ring[6] * w0 + ring[7] * w1;
                }
            if (!head)
                break;
            ring -= p->pitch / 2;
            end = ring + head / 2;
        }
        const int32_t sums[4] = {sum0, sum1, sum2, sum3};
        mica_depthwise_planar_out(sums, stream, p->out, c);
        stream += 3;
    }
}

#endif

/* A strip of n output rows of a depthwise convolution of any stride: the window of the strip's row
 * s is rows[s * stride_h + ky * dilation_h], each [in_w][in_c] or NULL for padding ->
 * out[n][out_w][in_c * multiplier]. buffer, aligned to words, for each of `chunk` channels:
 * 16 * kernel_h * steps bytes, for stride 2 without dilation 4 * kernel_h * (steps + 3), and one,
 * made even. The arithmetic is that of mica_depthwise_conv2d_s8(). */
static inline void mica_depthwise_planar_stride_s8(const struct mica_depthwise_planar_stride_s8 *p,
                                                   const int8_t *const *rows, int16_t *buffer,
                                                   int8_t *out, int32_t n)
{
    const int shared = p->stride_w == 2 && p->dilation_w == 1;
    const struct mica_depthwise_planar job = {.in_w = p->in_w,
                                              .in_c = p->in_c,
                                              .out_w = p->out_w,
                                              .kernel_h = p->kernel_h,
                                              .stride_h = p->stride_h,
                                              .stride_w = p->stride_w,
                                              .dilation_h = p->dilation_h,
                                              .dilation_w = p->dilation_w,
                                              .pad_left = p->pad_left,
                                              .multiplier = p->multiplier,
                                              .chunk = p->chunk,
                                              .in_zero = p->in_zero,
                                              .steps = p->steps,
                                              .stream = p->stream,
                                              .outputs = 1,
                                              .words = shared ? p->steps + 3 : 4 * p->steps,
                                              .apart = shared ? 1 : 4,
                                              .weights = 1};
    mica_depthwise_planar_strip(&job, rows, buffer, out, n, mica_depthwise_planar_stride_s8_block);
}

#endif
