/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_CONV2D_PATCH_PAIRS_S8_H
#define MICA_CONV2D_PATCH_PAIRS_S8_H

#include <stdint.h>
#include <string.h>

#include "expand3.h"
#include "pairs.h"

struct mica_conv2d_patch_pairs_s8 {
    int16_t in_w, in_c, out_w, out_c;
    int16_t kernel_h, kernel_w, stride_h, stride_w, pad_left;
    int16_t in_zero;
    const int32_t *stream; /* of mica_pairs(), taps filled up to a multiple of 4 */
};

/* n bytes of each of some rows, from `offset` on, `pitch` bytes apart; where there are enough, by
 * words, the last two of which overlap. */
MICA_CALLED void mica_conv2d_patch_rows(const int8_t *const *rows, int32_t offset, int32_t n,
                                        int8_t *to, int32_t pitch, int32_t count)
{
    for (; count > 0; count--, to += pitch) {
        const int8_t *from = *rows++ + offset;
        int32_t i = n - 4;
        if (i >= 0) {
            for (; i > 0; i -= 4)
                memcpy(to + i, from + i, 4);
            memcpy(to, from, 4);
        } else {
            for (i = 0; i < n; i++)
                to[i] = from[i];
        }
    }
}

/* The window of one pixel as bytes: its first column is `left`, and of its rows those from first to
 * last - 1 are inside the image. */
static inline void mica_conv2d_patch(const struct mica_conv2d_patch_pairs_s8 *p,
                                     const int8_t *const *rows, int32_t first, int32_t last,
                                     int32_t left, int8_t *to, int32_t taps)
{
    const int32_t in_c = p->in_c, run = p->kernel_w * in_c;
    int32_t from = 0, n = run; /* of a row of the window, what is inside */
    if (left < 0 || left + p->kernel_w > p->in_w || last - first < p->kernel_h) {
        const uint32_t zeros = (uint8_t)p->in_zero * UINT32_C(0x01010101);
        for (int32_t i = 0; i < taps; i += 4)
            memcpy(to + i, &zeros, 4);
        from = left < 0 ? -left * in_c : 0;
        n = (p->in_w - left) * in_c;
        n = (n < run ? n : run) - from;
    }
    if (n > 0)
        mica_conv2d_patch_rows(rows + first, left * in_c + from, n, to + first * run + from, run,
                               last - first);
}

/* A strip of n output rows of a 2-D convolution with any number of channels, best with few: the
 * window of the strip's row s is rows[s * stride_h + ky], each [in_w][in_c] or, above and below the
 * image, NULL -> out[n][out_w][out_c]. buffer, aligned to words: 9 bytes for each tap, their number
 * rounded up to a multiple of 4. The arithmetic is that of mica_conv2d_s8(). */
static inline void mica_conv2d_patch_pairs_s8(const struct mica_conv2d_patch_pairs_s8 *p,
                                              const int8_t *const *rows, int16_t *buffer,
                                              int8_t *out, int32_t n)
{
    const int32_t taps = ((int32_t)p->kernel_h * p->kernel_w * p->in_c + 3) & ~3;
    struct mica_pairs job = mica_pairs_of(buffer, taps);
    int8_t *const patch = (int8_t *)(buffer + 3 * taps);
    int32_t x = 0, left = -p->pad_left, first = 0, last = 0;
    for (int32_t i = 0; i < 3 * taps; i++)
        patch[i] = 0; /* what fills the taps up stays so */
    for (n *= p->out_w; n > 0; n -= 3) {
        const int8_t *window[3] = {patch, patch, patch}; /* or the first once more */
        for (int k = 0; k < 3; k++) {
            job.out[k] = k < n ? out : job.out[0];
            if (k >= n)
                continue;
            if (x == 0) {
                for (first = 0; first < p->kernel_h && !rows[first];)
                    first++;
                for (last = p->kernel_h; last > first && !rows[last - 1];)
                    last--;
            }
            window[k] = patch + k * taps;
            mica_conv2d_patch(p, rows, first, last, left, patch + k * taps, taps);
            out += p->out_c;
            left += p->stride_w;
            if (++x == p->out_w) {
                x = 0;
                left = -p->pad_left;
                rows += p->stride_h;
            }
        }
        mica_expand3(window[0], window[1], window[2], buffer, taps);
        mica_pairs_pixels(&job, p->stream, taps, p->out_c);
    }
}

#endif
