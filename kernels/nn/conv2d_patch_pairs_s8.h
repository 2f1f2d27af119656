/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_CONV2D_PATCH_PAIRS_S8_H
#define MICA_CONV2D_PATCH_PAIRS_S8_H

#include <stdint.h>
#include <string.h>

#include "expand3.h"
#include "pairs.h"

struct mica_conv2d_patch_pairs_s8 {
    int16_t in_w, in_c, out_w, out_c;
    int16_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, pad_left;
    int16_t in_zero;
    const int32_t *stream; /* of mica_pairs(), taps filled up to a multiple of 4 */
};

/* n bytes; where words need not be aligned, by words, the second overlapping the first. */
static inline void mica_conv2d_patch_run(int8_t *to, const int8_t *from, int32_t n)
{
    int32_t i = 0;
#if MICA_DSP
    if (n >= 4) {
        memcpy(to, from, 4);
        for (i = ((n - 1) & 3) + 1; i < n; i += 4)
            memcpy(to + i, from + i, 4);
        return;
    }
#endif
    for (; i < n; i++)
        to[i] = from[i];
}

/* The window of one pixel as bytes, its first column `left`. */
static inline void mica_conv2d_patch(const struct mica_conv2d_patch_pairs_s8 *p,
                                     const int8_t *const *rows, int32_t left, int8_t *to)
{
    const int32_t in_c = p->in_c, run = p->kernel_w * in_c, end = (p->in_w - left) * in_c;
    const int8_t zero = (int8_t)p->in_zero;
    int32_t first = left < 0 ? -left * in_c : 0, last = end < run ? end : run;
    left *= in_c;
    if (first >= last) /* all of it is padding */
        first = last = run;
    for (int32_t ky = p->kernel_h; ky > 0; ky--, rows += p->dilation_h, to += run) {
        const int8_t *row = *rows;
        const int32_t from = row ? first : run;
        for (int32_t i = 0; i < from; i++)
            to[i] = zero;
        if (from < last)
            mica_conv2d_patch_run(to + from, row + left + from, last - from);
        for (int32_t i = last; i < run; i++)
            to[i] = zero;
    }
}

/* A strip of n output rows of a 2-D convolution with any number of channels, best with few: the
 * window of the strip's row s is rows[s * stride_h + ky * dilation_h], each [in_w][in_c] or NULL
 * for padding -> out[n][out_w][out_c]. buffer, aligned to words: 9 bytes for each tap, their number
 * rounded up to a multiple of 4. The arithmetic is that of mica_conv2d_s8(). */
static inline void mica_conv2d_patch_pairs_s8(const struct mica_conv2d_patch_pairs_s8 *p,
                                              const int8_t *const *rows, int16_t *buffer,
                                              int8_t *out, int32_t n)
{
    const int32_t taps = ((int32_t)p->kernel_h * p->kernel_w * p->in_c + 3) & ~3;
    const int32_t left_end = p->out_w * p->stride_w - p->pad_left;
    struct mica_pairs job = mica_pairs_of(buffer, taps);
    int8_t *const patch = (int8_t *)(buffer + 3 * taps);
    int32_t left = -p->pad_left;
    for (int32_t i = 0; i < 3 * taps; i++)
        patch[i] = 0; /* what fills the taps up stays so */
    for (n *= p->out_w; n > 0; n -= 3) {
        const int8_t *window[3] = {patch, patch, patch}; /* where pixels end, the first once more */
        for (int k = 0; k < 3; k++) {
            job.out[k] = out;
            if (k >= n)
                continue;
            window[k] = patch + k * taps;
            mica_conv2d_patch(p, rows, left, patch + k * taps);
            out += p->out_c;
            left += p->stride_w;
            if (left == left_end) {
                left = -p->pad_left;
                rows += p->stride_h;
            }
        }
        mica_expand3(window[0], window[1], window[2], buffer, taps);
        mica_pairs_pixels(&job, p->stream, taps, p->out_c);
    }
}

#endif
