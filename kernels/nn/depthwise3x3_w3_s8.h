/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_DEPTHWISE3X3_W3_S8_H
#define MICA_DEPTHWISE3X3_W3_S8_H

#include <stdint.h>

#include "depthwise3x3.h"

struct mica_depthwise3x3_w3_s8 {
    int16_t in_w, channels, out_w, pad_left;
    int16_t chunk; /* channels worked on at a time */
    int16_t in_zero;
    int16_t relu;          /* 1: the output's zero point is -128 */
    const int32_t *stream; /* of mica_depthwise3x3() */
};

#if MICA_DSP

/* clang-format off */

#define MICA_DEPTHWISE3X3_W3_S8_FIRST \
    "smlad r2, r8, r12, r7 \n"        \
    "smlatb r3, r8, r12, r7 \n"       \
    "smlad r4, r9, r12, r7 \n"        \
    "smlabt r2, r9, lr, r2 \n"        \
    "smlad r3, r9, lr, r3 \n"         \
    "smlabt r4, r10, lr, r4 \n"
#define MICA_DEPTHWISE3X3_W3_S8_NEXT \
    "smlad r2, r8, r12, r2 \n"       \
    "smlatb r3, r8, r12, r3 \n"      \
    "smlad r4, r9, r12, r4 \n"       \
    "smlabt r2, r9, lr, r2 \n"       \
    "smlad r3, r9, lr, r3 \n"        \
    "smlabt r4, r10, lr, r4 \n"
#define MICA_DEPTHWISE3X3_W3_S8_SUMS(of) of("r2") of("r3") of("r4")

MICA_BLOCK void mica_depthwise3x3_w3_s8_block(MICA_ARG const int16_t *ring,
                               MICA_ARG const int32_t *stream,
                               MICA_ARG const struct mica_depthwise3x3_block *p)
{
    MICA_DEPTHWISE3X3_BLOCK(
        MICA_DEPTHWISE3X3_W3_S8_FIRST, MICA_DEPTHWISE3X3_W3_S8_NEXT,
        MICA_DEPTHWISE3X3_W3_S8_SUMS,
        "ldm sp, {r8-r10} \n"
        "strb r4, [r10], #1 \n"
        "strb r3, [r9], #1 \n"
        "strb r2, [r8], #1 \n"
        "stm sp, {r8-r10} \n");
}

/* clang-format on */

#else

MICA_BLOCK void mica_depthwise3x3_w3_s8_block(const int16_t *ring, const int32_t *stream,
                                              const struct mica_depthwise3x3_block *p)
{
    mica_depthwise3x3_portable(ring, stream, p, 3, 1);
}

#endif

/* A strip of n output rows of a 3x3 depthwise convolution of stride 1: the window of the strip's
 * row s is rows[s], rows[s + 1], rows[s + 2], each [in_w][channels] or NULL for padding ->
 * out[n][out_w][channels]. Three columns at a time.
 * buffer, aligned to words: 49 bytes for each of `chunk` channels, made even. The arithmetic is
 * that of mica_depthwise_conv2d_s8(). */
static inline void mica_depthwise3x3_w3_s8(const struct mica_depthwise3x3_w3_s8 *p,
                                           const int8_t *const *rows, int16_t *buffer, int8_t *out,
                                           int32_t n)
{
    const struct mica_depthwise3x3 job = {p->in_w,  p->channels, p->out_w, p->pad_left,
                                          p->chunk, p->in_zero,  p->relu,  p->stream};
    mica_depthwise3x3_strip(&job, rows, buffer, out, n, 3, 1, mica_depthwise3x3_w3_s8_block);
}

#endif
