/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_SUM_PIXELS_H
#define MICA_SUM_PIXELS_H

#include <stdint.h>

#include "word.h"
#include "dsp.h"

/* Channels whose sums are made together, and of how many pixels: 16 bits hold 255 * -128. */
#if MICA_DSP
enum { MICA_SUM_CHANNELS = 16, MICA_SUM_MOST = 255 };
#else
enum { MICA_SUM_CHANNELS = 4, MICA_SUM_MOST = 0x7FFF };
#endif

#if MICA_DSP

/* sums[MICA_SUM_CHANNELS] of n pixels, at most MICA_SUM_MOST, that lie `pitch` bytes apart. */
MICA_CALLED MICA_IN_ORDER void mica_sum_pixels(const int8_t *in, int32_t pitch, int32_t n,
                                               int32_t *sums)
{
    uint32_t even[4] = {0, 0, 0, 0}, odd[4] = {0, 0, 0, 0};
    for (; n > 0; n--, in += pitch) {
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
    for (int k = 0; k < 4; k++, sums += 4) {
        sums[0] = mica_word_low(even[k]);
        sums[1] = mica_word_low(odd[k]);
        sums[2] = mica_word_high(even[k]);
        sums[3] = mica_word_high(odd[k]);
    }
}

/* The sum of n neighbouring bytes. USADA8 adds four bytes without sign to 32 bits. */
MICA_SHARED int32_t mica_sum_run(const int8_t *in, int32_t n)
{
    uint32_t sum = 0;
    int32_t i = 0;
    for (; i + 8 <= n; i += 8) {
        sum = mica_word_sum(sum, mica_word_load(in + i));
        sum = mica_word_sum(sum, mica_word_load(in + i + 4));
    }
    int32_t rest = (int32_t)(sum - (uint32_t)i * 128);
    for (; i < n; i++)
        rest += in[i];
    return rest;
}

#else

MICA_CALLED void mica_sum_pixels(const int8_t *in, int32_t pitch, int32_t n, int32_t *sums)
{
    int32_t a = 0, b = 0, c = 0, d = 0;
    for (; n > 0; n--, in += pitch) {
        a += in[0];
        b += in[1];
        c += in[2];
        d += in[3];
    }
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
}

MICA_SHARED int32_t mica_sum_run(const int8_t *in, int32_t n)
{
    int32_t sum = 0, i = 0;
    for (; i + 4 <= n; i += 4)
        sum += in[i] + in[i + 1] + in[i + 2] + in[i + 3];
    for (; i < n; i++)
        sum += in[i];
    return sum;
}

#endif

/* The sum of one channel. */
MICA_SHARED int32_t mica_sum_channel(const int8_t *in, int32_t pitch, int32_t n)
{
    int32_t sum = 0;
    for (; n > 0; n--, in += pitch)
        sum += *in;
    return sum;
}

#endif
