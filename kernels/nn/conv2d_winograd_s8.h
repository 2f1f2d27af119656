/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_CONV2D_WINOGRAD_S8_H
#define MICA_CONV2D_WINOGRAD_S8_H

#include <stdint.h>

#include "winograd.h"

struct mica_conv2d_winograd_s8 {
    int16_t in_w, in_c, out_w, out_c;
    int16_t pad_left, in_zero;
    const int32_t *stream; /* of mica_winograd() */
};

/* Points to the four rows of each column of a run of tiles, the first at column x of the input:
 * rows[i] or, for those that are not there, padding. Returns the end. */
static inline const int8_t **mica_conv2d_winograd_columns(const struct mica_conv2d_winograd_s8 *p,
                                                          const int8_t *const *rows, int32_t n_rows,
                                                          const int8_t *padding, int32_t x,
                                                          int32_t tiles, const int8_t **to)
{
    const int8_t *from[4];
    int32_t step[4];
    for (int i = 0; i < 4; i++) {
        const int there = i < n_rows && rows[i];
        from[i] = there ? rows[i] : padding;
        step[i] = there ? p->in_c : 0;
    }
    for (const int32_t end = x + 2 * tiles + 2; x < end; x++, to += 4) {
        const int inside = x >= 0 && x < p->in_w;
        to[0] = inside ? from[0] + x * step[0] : padding;
        to[1] = inside ? from[1] + x * step[1] : padding;
        to[2] = inside ? from[2] + x * step[2] : padding;
        to[3] = inside ? from[3] + x * step[3] : padding;
    }
    return to;
}

/* A strip of n output rows of a 3x3 convolution of stride 1, in_c a multiple of 4: the window of
 * the strip's row s is rows[s], rows[s + 1], rows[s + 2], each [in_w][in_c] or NULL for padding ->
 * out[n][out_w][out_c]. buffer, aligned to words: 129 bytes for each input channel, and 512. The
 * arithmetic is that of mica_conv2d_s8(). */
static inline void mica_conv2d_winograd_s8(const struct mica_conv2d_winograd_s8 *p,
                                           const int8_t *const *rows, int16_t *buffer, int8_t *out,
                                           int32_t n)
{
    const int8_t *columns[4 * (2 * MICA_WINOGRAD_TILES + 2)];
    struct mica_winograd job = mica_winograd_of(buffer, p->in_c, p->stream);
    const int32_t pitch = (int32_t)p->out_w * p->out_c;
    int16_t *temp = buffer + (job.in_end - buffer), *padding = temp + MICA_WINOGRAD_SUMS;
    for (int i = 0; i < p->in_c; i += 2)
        padding[i / 2] = (int16_t)((uint8_t)p->in_zero * 0x101);
    for (int32_t x = 0, y = 0; y < n;) {
        int32_t tiles = 0;
        while (tiles < MICA_WINOGRAD_TILES && y < n) {
            int32_t run = (p->out_w - x + 1) >> 1;
            run = run < MICA_WINOGRAD_TILES - tiles ? run : MICA_WINOGRAD_TILES - tiles;
            struct mica_winograd_run r = {.columns = columns,
                                          .temp = temp,
                                          .temp_second = temp + 16 * run + 16,
                                          .first_end = temp + 16 * run,
                                          .second_end = temp + 32 * run + 16,
                                          .next = 256 - 4 * (uint32_t)run,
                                          .to = buffer + 2 * tiles,
                                          .channels = p->in_c};
            r.columns_end = mica_conv2d_winograd_columns(p, rows + y, n + 2 - y, (int8_t *)padding,
                                                         x - p->pad_left, run, columns);
            mica_winograd_inputs(&r);
            for (; run > 0; run--, tiles++, x += 2) {
                int8_t *at = out + y * pitch + x * p->out_c;
                const int right = x + 1 < p->out_w, below = y + 1 < n;
                job.out[0][tiles] = at;
                job.out[1][tiles] = right ? at + p->out_c : job.out[0][0];
                job.out[2][tiles] = below ? at + pitch : job.out[0][0];
                job.out[3][tiles] = right && below ? at + pitch + p->out_c : job.out[0][0];
            }
            if (x >= p->out_w) {
                x = 0;
                y += 2;
            }
        }
        for (; tiles < MICA_WINOGRAD_TILES; tiles++)
            for (int k = 0; k < 4; k++)
                job.out[k][tiles] = job.out[0][0];
        mica_winograd_tiles(&job, p->stream, p->out_c);
    }
}

#endif
