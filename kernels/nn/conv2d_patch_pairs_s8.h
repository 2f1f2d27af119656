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
    int16_t relu;          /* 1: the output's zero point is -128 */
    const int32_t *stream; /* of mica_pairs(), taps filled up to a multiple of 4 */
};

/* Windows of three neighbours inside the image as bytes, one `window` bytes behind the other: of
 * each of `rows` rows, `run` bytes from `offset` on; from neighbour to neighbour `step` more. */
struct mica_conv2d_patches {
    int32_t offset, step, last, run, window, rows; /* last: run - 4, not negative */
};

#if MICA_DSP

/* clang-format off */

/* r9: from, r10: to. Words from the last, which overlaps, to the first. */
#define MICA_CONV2D_PATCHES_RUN \
    "mov r11, r5 \n"           \
    "1: ldr r12, [r9, r11] \n" \
    "str r12, [r10, r11] \n"   \
    "subs r11, r11, #4 \n"     \
    "bgt 1b \n"                \
    "ldr r12, [r9] \n"         \
    "add r9, r9, r4 \n"        \
    "str r12, [r10] \n"        \
    "add r10, r10, r7 \n"

MICA_BLOCK void mica_conv2d_patches(MICA_ARG const int8_t *const *rows,
                                    MICA_ARG const struct mica_conv2d_patches *p,
                                    MICA_ARG int8_t *to)
{
    __asm__("push {r4-r11, lr} \n"
            "ldm r1, {r3-r8} \n"
            "2: ldr r9, [r0], #4 \n"
            "add r9, r9, r3 \n"
            "mov r10, r2 \n"
            MICA_CONV2D_PATCHES_RUN
            MICA_CONV2D_PATCHES_RUN
            MICA_CONV2D_PATCHES_RUN
            "add r2, r2, r6 \n"
            "subs r8, r8, #1 \n"
            "bne 2b \n"
            "pop {r4-r11, pc} \n");
}

/* clang-format on */

#else

MICA_BLOCK void mica_conv2d_patches(const int8_t *const *rows, const struct mica_conv2d_patches *p,
                                    int8_t *to)
{
    for (int32_t y = 0; y < p->rows; y++, to += p->run)
        for (int32_t k = 0; k < 3; k++)
            for (int32_t i = 0; i < p->run; i++)
                to[k * p->window + i] = rows[y][p->offset + k * p->step + i];
}

#endif

/* The window of one pixel as bytes: its first column is `left`, and of its rows those from first to
 * last - 1 are inside the image. */
MICA_CALLED void mica_conv2d_patch(const struct mica_conv2d_patch_pairs_s8 *p,
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
    to += first * run + from;
    for (int32_t y = first; y < last; y++, to += run) {
        const int8_t *row = rows[y] + left * in_c + from;
        int32_t i = n - 4;
        if (i >= 0) { /* words, the last two of which overlap */
            for (; i > 0; i -= 4)
                memcpy(to + i, row + i, 4);
            memcpy(to, row, 4);
        } else {
            for (i = 0; i < n; i++)
                to[i] = row[i];
        }
    }
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
    struct mica_pairs job = mica_pairs_of(buffer, taps, p->relu);
    int8_t *const patch = (int8_t *)(buffer + 3 * taps);
    const int32_t run = p->kernel_w * p->in_c, reach = p->kernel_w + 2 * p->stride_w;
    struct mica_conv2d_patches three = {0, p->stride_w * p->in_c, run - 4, run, taps, p->kernel_h};
    int32_t x = 0, left = -p->pad_left, first = 0, last = 0;
    for (int32_t i = 0; i < 3 * taps; i++)
        patch[i] = 0; /* what fills the taps up stays so */
    for (n *= p->out_w; n > 0; n -= 3) {
        const int8_t *window[3] = {patch, patch + taps, patch + 2 * taps};
        for (int k = 0; k < 3; k++) {
            job.out[k] = k < n ? out : job.out[0];
            if (k >= n) {
                window[k] = patch; /* the first once more */
                continue;
            }
            out += p->out_c;
            if (x == 0) {
                for (first = 0; first < p->kernel_h && !rows[first];)
                    first++;
                for (last = p->kernel_h; last > first && !rows[last - 1];)
                    last--;
            }
            if (k == 0 && n >= 3 && left >= 0 && left + reach <= p->in_w && x + 3 < p->out_w &&
                run >= 4 && last - first == p->kernel_h) {
                three.offset = left * p->in_c;
                mica_conv2d_patches(rows, &three, patch);
                job.out[1] = out;
                job.out[2] = out + p->out_c;
                out += 2 * p->out_c;
                left += 3 * p->stride_w;
                x += 3;
                break;
            }
            mica_conv2d_patch(p, rows, first, last, left, patch + k * taps, taps);
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
