/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_MAX_POOL_FOURS_S8_H
#define MICA_MAX_POOL_FOURS_S8_H

#include <stdint.h>

#include "word.h"
#include "dsp.h"
#include "pool_window.h"

struct mica_max_pool_fours_s8 {
    int16_t in_w, channels, out_w;
    int16_t kernel_h, kernel_w, stride_w, pad_left;
    int16_t out_min, out_max;
};

#if MICA_DSP

/* The largest of a window in sixteen channels from `channel` on. */
MICA_CALLED void mica_max_sixteen(const struct mica_pool_window *w, int32_t channel, int8_t *out)
{
    const int32_t pitch = w->channels, at = w->at + channel;
    uint32_t a = UINT32_C(0x80808080), b = a, c = a, d = a;
    for (const int8_t *const *row = w->rows; row != w->rows_end; row++) {
        if (!*row)
            continue;
        const int8_t *in = *row + at;
        for (int32_t i = w->columns; i > 0; i--, in += pitch) {
            a = mica_word_max(a, mica_word_load(in));
            b = mica_word_max(b, mica_word_load(in + 4));
            c = mica_word_max(c, mica_word_load(in + 8));
            d = mica_word_max(d, mica_word_load(in + 12));
        }
    }
    mica_word_store(out, a);
    mica_word_store(out + 4, b);
    mica_word_store(out + 8, c);
    mica_word_store(out + 12, d);
}

/* The same in four. */
MICA_CALLED void mica_max_four(const struct mica_pool_window *w, int32_t channel, int8_t *out)
{
    const int32_t pitch = w->channels, at = w->at + channel;
    uint32_t best = UINT32_C(0x80808080);
    for (const int8_t *const *row = w->rows; row != w->rows_end; row++) {
        if (!*row)
            continue;
        const int8_t *in = *row + at;
        for (int32_t i = w->columns; i > 0; i--, in += pitch)
            best = mica_word_max(best, mica_word_load(in));
    }
    mica_word_store(out, best);
}

#elif MICA_V6M

/* out[i] = the largest of four taps' elements i, of n; out may be one of the taps. Four pointers,
 * an index and two values are what eight registers hold. */
MICA_CALLED void mica_max_taps(const int8_t *const taps[4], int8_t *out, int32_t n)
{
    const int8_t *a = taps[0], *b = taps[1], *c = taps[2], *d = taps[3];
    for (int32_t i = 0; i < n; i++) {
        int32_t best = a[i], x = b[i];
        best = x > best ? x : best;
        x = c[i];
        best = x > best ? x : best;
        x = d[i];
        best = x > best ? x : best;
        out[i] = (int8_t)best;
    }
}

/* All channels of one pixel, four pixels of its window at a time: the first four, then what they
 * gave and three more. */
static inline void mica_max_pixel(const struct mica_pool_window *w, int8_t *out)
{
    const int8_t *taps[4];
    int n = 0;
    for (const int8_t *const *row = w->rows; row != w->rows_end; row++)
        for (int32_t i = 0; i < w->columns && *row; i++) {
            taps[n++] = *row + w->at + i * w->channels;
            if (n < 4)
                continue;
            mica_max_taps(taps, out, w->channels);
            taps[0] = out;
            n = 1;
        }
    if (n == 1 && taps[0] == out)
        return;
    for (int k = n; k < 4; k++)
        taps[k] = taps[0];
    mica_max_taps(taps, out, w->channels);
}

#else

/* The largest of a window in four channels from `channel` on. */
MICA_CALLED void mica_max_four(const struct mica_pool_window *w, int32_t channel, int8_t *out)
{
    const int32_t pitch = w->channels, at = w->at + channel;
    int32_t a = -128, b = a, c = a, d = a;
    for (const int8_t *const *row = w->rows; row != w->rows_end; row++) {
        if (!*row)
            continue;
        const int8_t *in = *row + at;
        for (int32_t i = w->columns; i > 0; i--, in += pitch) {
            a = in[0] > a ? in[0] : a;
            b = in[1] > b ? in[1] : b;
            c = in[2] > c ? in[2] : c;
            d = in[3] > d ? in[3] : d;
        }
    }
    out[0] = (int8_t)a;
    out[1] = (int8_t)b;
    out[2] = (int8_t)c;
    out[3] = (int8_t)d;
}

#endif

#if !MICA_V6M

/* All channels of one pixel; the last four overlap with others where their number is no
 * multiple. */
static inline void mica_max_pixel(const struct mica_pool_window *w, int8_t *out)
{
    int32_t c = 0;
#if MICA_DSP
    for (; c + 16 <= w->channels; c += 16)
        mica_max_sixteen(w, c, out + c);
#endif
    for (; c + 4 <= w->channels; c += 4)
        mica_max_four(w, c, out + c);
    if (c < w->channels)
        mica_max_four(w, w->channels - 4, out + w->channels - 4);
}

#endif

/* One output row of max pooling, as mica_max_pool_s8(), of four channels and more:
 * rows[kernel_h] of [in_w][channels] -> out[out_w][channels]. */
static inline void mica_max_pool_fours_s8(const struct mica_max_pool_fours_s8 *p,
                                          const int8_t *const *rows, int8_t *out)
{
    const int32_t n = (int32_t)p->out_w * p->channels;
    struct mica_pool_window w = {rows, rows + p->kernel_h, 0, 0, p->channels};
    for (int32_t x = 0; x < p->out_w; x++) {
        mica_pool_move(&w, x * p->stride_w - p->pad_left, p->kernel_w, p->in_w);
        mica_max_pixel(&w, out + x * p->channels);
    }
    if (p->out_min > -128 || p->out_max < 127)
        mica_pool_clamp(out, n, p->out_min, p->out_max);
}

#endif
