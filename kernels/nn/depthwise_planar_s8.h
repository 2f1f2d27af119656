/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_DEPTHWISE_PLANAR_S8_H
#define MICA_DEPTHWISE_PLANAR_S8_H

#include <stdint.h>

#include "depthwise_planar.h"

struct mica_depthwise_planar_s8 {
    int16_t in_w, in_c, out_w, kernel_h;
    int16_t stride_h, dilation_h, dilation_w, pad_left;
    int16_t multiplier; /* output channels of one input channel */
    int16_t chunk;      /* input channels worked on at a time */
    int16_t in_zero;
    int16_t steps;         /* kernel_w / 2 + 1, at most MICA_DEPTHWISE_PLANAR_STEPS */
    const int32_t *stream; /* of mica_depthwise_planar(), for stride 1 */
};

#if MICA_DSP

/* clang-format off */

#define MICA_DEPTHWISE_PLANAR_STEP(next) \
    "ldrd r6, r7, [r0], #8 \n"           \
    "ldrd r8, r9, [r1], #" next " \n"    \
    "smlad r2, r8, r6, r2 \n"            \
    "smlad r3, r8, r7, r3 \n"            \
    "smlad r4, r9, r6, r4 \n"            \
    "smlad r5, r9, r7, r5 \n"

MICA_BLOCK void mica_depthwise_planar_s8_block(MICA_ARG const int32_t *stream,
                               MICA_ARG const int16_t *ring,
                               MICA_ARG const struct mica_depthwise_planar_block *p)
{
    MICA_DEPTHWISE_PLANAR_BLOCK("",
        ".rept 7 \n"
        MICA_DEPTHWISE_PLANAR_STEP("4")
        ".endr \n"
        MICA_DEPTHWISE_PLANAR_STEP("8"));
}

/* clang-format on */

#else

MICA_BLOCK void mica_depthwise_planar_s8_block(const int32_t *stream, const int16_t *ring,
                                               const struct mica_depthwise_planar_block *p)
{
    const int32_t steps = MICA_DEPTHWISE_PLANAR_STEPS - (int32_t)p->entry;
    for (int32_t c = p->channel; stream != p->stream_end; c += p->step, ring += p->next / 2) {
        const int32_t bias = MICA_ROM_S32(stream++);
        int32_t sum0 = bias, sum1 = bias, sum2 = bias, sum3 = bias;
        const int16_t *end = ring + p->tail / 2;
        for (uint32_t head = p->head;; head = 0) {
            for (; ring != end; ring += 2) {
                int32_t last = 0; /* what the odd outputs' words hold besides is there already */
                for (int32_t i = steps; i > 0; i--, stream += 2, ring += 2) {
                    const int32_t w = MICA_ROM_S32(stream), w0 = (int16_t)w, w1 = w >> 16;
                    sum0 += ring[0] * w0 + ring[1] * w1;
                    sum1 += ring[0] * last + ring[1] * w0;
                    sum2 += ring[2] * w0 + ring[3] * w1;
                    sum3 += ring[2] * last + ring[3] * w0;
                    last = w1;
                }
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

/* A strip of n output rows of a depthwise convolution of stride 1 across: the window of the strip's
 * row s is rows[s * stride_h + ky * dilation_h], each [in_w][in_c] or NULL for padding ->
 * out[n][out_w][in_c * multiplier]. buffer, aligned to words, for each of `chunk` channels:
 * 4 * kernel_h * (steps + 1) bytes and one, made even. The arithmetic is that of
 * mica_depthwise_conv2d_s8(). */
static inline void mica_depthwise_planar_s8(const struct mica_depthwise_planar_s8 *p,
                                            const int8_t *const *rows, int16_t *buffer, int8_t *out,
                                            int32_t n)
{
    const struct mica_depthwise_planar job = {.in_w = p->in_w,
                                              .in_c = p->in_c,
                                              .out_w = p->out_w,
                                              .kernel_h = p->kernel_h,
                                              .stride_h = p->stride_h,
                                              .stride_w = 1,
                                              .dilation_h = p->dilation_h,
                                              .dilation_w = p->dilation_w,
                                              .pad_left = p->pad_left,
                                              .multiplier = p->multiplier,
                                              .chunk = p->chunk,
                                              .in_zero = p->in_zero,
                                              .steps = p->steps,
                                              .stream = p->stream,
                                              .outputs = p->dilation_w,
                                              .words = p->steps + 1,
                                              .apart = 1,
                                              .weights = 2};
    mica_depthwise_planar_strip(&job, rows, buffer, out, n, mica_depthwise_planar_s8_block);
}

#endif
