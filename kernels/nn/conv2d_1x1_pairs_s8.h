/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_CONV2D_1X1_PAIRS_S8_H
#define MICA_CONV2D_1X1_PAIRS_S8_H

#include <stdint.h>

#include "expand3.h"
#include "pairs.h"

struct mica_conv2d_1x1_pairs_s8 {
    int16_t in_c, out_c;
    int16_t relu;          /* 1: the output's zero point is -128 */
    const int32_t *stream; /* of mica_pairs(), in_c taps, out_c channels */
};

/* A convolution with a 1x1 kernel and stride 1 on n pixels that lie together: in[n][in_c] ->
 * out[n][out_c]. in_c is a multiple of 4. buffer: 3 * in_c numbers, aligned to words.
 * The arithmetic is that of mica_conv2d_s8(). */
static inline void mica_conv2d_1x1_pairs_s8(const struct mica_conv2d_1x1_pairs_s8 *p,
                                            const int8_t *in, int16_t *buffer, int8_t *out,
                                            int32_t n)
{
    const int32_t in_c = p->in_c, out_c = p->out_c;
    struct mica_pairs job = mica_pairs_of(buffer, in_c, p->relu);
    for (; n > 0; n -= 3) {
        const int32_t second = n > 1, third = n > 2 ? 2 : 0; /* or the first once more */
        job.out[0] = out;
        job.out[1] = out + second * out_c;
        job.out[2] = out + third * out_c;
        mica_expand3(in, in + second * in_c, in + third * in_c, buffer, in_c);
        mica_pairs_pixels(&job, p->stream, in_c, out_c);
        in += 3 * in_c;
        out += 3 * out_c;
    }
}

#endif
