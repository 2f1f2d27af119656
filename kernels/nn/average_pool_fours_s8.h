/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_AVERAGE_POOL_FOURS_S8_H
#define MICA_AVERAGE_POOL_FOURS_S8_H

#include <stdint.h>

#include "word.h"
#include "dsp.h"
#include "inverse.h"
#include "pool_window.h"

struct mica_average_pool_fours_s8 {
    int16_t in_w, channels, out_w;
    int16_t kernel_h, kernel_w, stride_w, pad_left;
    int16_t out_min, out_max;
};

#if MICA_DSP

/* The averages of bytes 0 and 2, whose sums are `even`, and of bytes 1 and 3. */
static inline void mica_average_bytes(uint32_t even, uint32_t odd, int32_t inverse, int8_t *out)
{
    out[0] = mica_inverse_times(mica_word_low(even), inverse);
    out[1] = mica_inverse_times(mica_word_low(odd), inverse);
    out[2] = mica_inverse_times(mica_word_high(even), inverse);
    out[3] = mica_inverse_times(mica_word_high(odd), inverse);
}

/* The averages of a window in sixteen channels from `channel` on. */
MICA_CALLED MICA_IN_ORDER void mica_average_sixteen(const struct mica_pool_window *w,
                                                    int32_t channel, int32_t inverse, int8_t *out)
{
    const int32_t pitch = w->channels, at = w->at + channel;
    uint32_t even[4] = {0, 0, 0, 0}, odd[4] = {0, 0, 0, 0};
    for (const int8_t *const *row = w->rows; row != w->rows_end; row++) {
        if (!*row)
            continue;
        const int8_t *in = *row + at;
        for (int32_t i = w->columns; i > 0; i--, in += pitch) {
            const uint32_t a = mica_word_load(in), b = mica_word_load(in + 4);
            even[0] = mica_word_add_even(even[0], a);
            odd[0] = mica_word_add_odd(odd[0], a);
            even[1] = mica_word_add_even(even[1], b);
            odd[1] = mica_word_add_odd(odd[1], b);
            const uint32_t c = mica_word_load(in + 8), d = mica_word_load(in + 12);
            even[2] = mica_word_add_even(even[2], c);
            odd[2] = mica_word_add_odd(odd[2], c);
            even[3] = mica_word_add_even(even[3], d);
            odd[3] = mica_word_add_odd(odd[3], d);
        }
    }
    mica_average_bytes(even[0], odd[0], inverse, out);
    mica_average_bytes(even[1], odd[1], inverse, out + 4);
    mica_average_bytes(even[2], odd[2], inverse, out + 8);
    mica_average_bytes(even[3], odd[3], inverse, out + 12);
}

/* The same in four. */
MICA_CALLED void mica_average_four(const struct mica_pool_window *w, int32_t channel,
                                   int32_t inverse, int8_t *out)
{
    const int32_t pitch = w->channels, at = w->at + channel;
    uint32_t even = 0, odd = 0;
    for (const int8_t *const *row = w->rows; row != w->rows_end; row++) {
        if (!*row)
            continue;
        const int8_t *in = *row + at;
        for (int32_t i = w->columns; i > 0; i--, in += pitch) {
            const uint32_t word = mica_word_load(in);
            even = mica_word_add_even(even, word);
            odd = mica_word_add_odd(odd, word);
        }
    }
    mica_average_bytes(even, odd, inverse, out);
}

#else

MICA_CALLED void mica_average_four(const struct mica_pool_window *w, int32_t channel,
                                   int32_t inverse, int8_t *out)
{
    const int32_t pitch = w->channels, at = w->at + channel;
    int32_t a = 0, b = 0, c = 0, d = 0;
    for (const int8_t *const *row = w->rows; row != w->rows_end; row++) {
        if (!*row)
            continue;
        const int8_t *in = *row + at;
        for (int32_t i = w->columns; i > 0; i--, in += pitch) {
            a += in[0];
            b += in[1];
            c += in[2];
            d += in[3];
        }
    }
    out[0] = mica_inverse_times(a, inverse);
    out[1] = mica_inverse_times(b, inverse);
    out[2] = mica_inverse_times(c, inverse);
    out[3] = mica_inverse_times(d, inverse);
}

#endif

/* All channels of one pixel; the last four overlap with others where their number is no
 * multiple. */
static inline void mica_average_pixel(const struct mica_pool_window *w, int32_t inverse,
                                      int8_t *out)
{
    int32_t c = 0;
#if MICA_DSP
    for (; c + 16 <= w->channels; c += 16)
        mica_average_sixteen(w, c, inverse, out + c);
#endif
    for (; c + 4 <= w->channels; c += 4)
        mica_average_four(w, c, inverse, out + c);
    if (c < w->channels)
        mica_average_four(w, w->channels - 4, inverse, out + w->channels - 4);
}

/* One output row of average pooling, as mica_average_pool_s8(), of four channels and more and
 * windows of at most MICA_INVERSE_MAX elements: rows[kernel_h] of [in_w][channels] ->
 * out[out_w][channels]. Channels go four to two words, or four registers, through the window. */
static inline void mica_average_pool_fours_s8(const struct mica_average_pool_fours_s8 *p,
                                              const int8_t *const *rows, int8_t *out)
{
    const int32_t n = (int32_t)p->out_w * p->channels;
    struct mica_pool_window w = {rows, rows + p->kernel_h, 0, 0, p->channels};
    int32_t n_rows = 0, columns = 0, inverse = 0;
    for (int32_t i = 0; i < p->kernel_h; i++)
        n_rows += rows[i] != 0;
    for (int32_t x = 0; x < p->out_w; x++) {
        mica_pool_move(&w, x * p->stride_w - p->pad_left, p->kernel_w, p->in_w);
        if (w.columns != columns)
            inverse = mica_inverse(n_rows * w.columns);
        columns = w.columns;
        mica_average_pixel(&w, inverse, out + x * p->channels);
    }
    if (p->out_min > -128 || p->out_max < 127)
        mica_pool_clamp(out, n, p->out_min, p->out_max);
}

#endif
