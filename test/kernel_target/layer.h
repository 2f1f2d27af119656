/* SPDX-License-Identifier: Apache-2.0 */
/* layer.h - random layers for kernels that read weight streams, and the reference's arithmetic
 * written out as TensorFlow Lite Micro defines it, to compare with bit for bit.
 *
 * The programs here run on the host, where kernels are portable loops, and on emulated cores,
 * where they are assembly (test_kernel_target.py). TEST_STRIDE thins out the walk over all small
 * shapes; 1 is every shape. */
#ifndef MICA_TEST_LAYER_H
#define MICA_TEST_LAYER_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../harness.h"
#include "op/pack.h"

#ifndef TEST_STRIDE
#define TEST_STRIDE 101
#endif
#ifndef TEST_RANDOM
#define TEST_RANDOM 1000
#endif
#ifndef TEST_SINGLE
#define TEST_SINGLE 0
#endif
/* 1: what is sampled otherwise is taken whole. */
#ifndef TEST_EVERY
#define TEST_EVERY 0
#endif

static uint32_t seed = 1;

static inline uint32_t draw_bits(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed;
}

static int32_t draw(int32_t from, int32_t to)
{
    return (int32_t)(from + (int64_t)(draw_bits() % ((int64_t)to - from + 1)));
}

/* ---- memory whose ends are watched ----------------------------------------------------------- */

enum { FENCE = 16 };

/* Exactly n bytes for a kernel, aligned to words, filled with noise, a fence behind them. */
static inline void *fenced(size_t n)
{
    int8_t *at = malloc(n + FENCE);
    if (!at)
        abort();
    for (size_t i = 0; i < n; i++)
        at[i] = (int8_t)draw_bits();
    memset(at + n, 0x5A, FENCE);
    return at;
}

static bool fence_holds(const void *at, size_t n)
{
    for (int i = 0; i < FENCE; i++)
        if (((const int8_t *)at)[n + (size_t)i] != 0x5A)
            return false;
    return true;
}

/* ---- the reference --------------------------------------------------------------------------- */

static int32_t doubling_high_multiply(int32_t a, int32_t b)
{
    if (a == b && a == INT32_MIN)
        return INT32_MAX;
    const int64_t ab = (int64_t)a * b, nudge = ab >= 0 ? 1 << 30 : 1 - (1 << 30);
    return (int32_t)((ab + nudge) / (INT64_C(1) << 31));
}

static int32_t divide_by_power(int32_t x, int exponent)
{
    const int32_t mask = (int32_t)((INT64_C(1) << exponent) - 1), rest = x & mask;
    return (x >> exponent) + (rest > (mask >> 1) + (x < 0));
}

static inline int8_t reference(const struct pack_layer *l, int32_t channel, int32_t acc)
{
    const int32_t multiplier = l->multiplier[channel * l->scale_step];
    const int shift = l->shift[channel * l->scale_step];
    int64_t y;
    if (l->single)
        y = ((int64_t)acc * multiplier + (INT64_C(1) << (30 - shift))) >> (31 - shift);
    else
        y = divide_by_power(
            doubling_high_multiply(acc * (1 << (shift > 0 ? shift : 0)), multiplier),
            shift < 0 ? -shift : 0);
    y += l->out_zero;
    return (int8_t)(y < l->out_min ? l->out_min : y > l->out_max ? l->out_max : y);
}

/* ---- random layers --------------------------------------------------------------------------- */

enum { CHANNELS_MAX = 64, WEIGHTS_MAX = 1 << 16 };

static int8_t layer_weights[WEIGHTS_MAX], layer_shift[CHANNELS_MAX];
static int32_t layer_bias[CHANNELS_MAX], layer_multiplier[CHANNELS_MAX];

/* What numbers a layer has: TYPICAL ones; TINY ones, with shifts of 1 to 3 that show an error of 1
 * in a sum; EXTREME ones, all at the ends of their ranges; shifts of EVERY class. */
enum numbers { TYPICAL, TINY, EXTREME, EVERY, NUMBERS };

static int8_t draw_number(enum numbers kind, int32_t min)
{
    if (kind == TINY)
        return (int8_t)draw(-3, 3);
    if (kind == EXTREME)
        return (int8_t)(draw(0, 1) ? 127 : min);
    return (int8_t)draw(min, 127);
}

static int draw_shift(enum numbers kind, int32_t taps)
{
    int typical = 7;
    while (taps >> (2 * (typical - 7)))
        typical++;
    if (kind == TINY)
        return -draw(1, 3);
    if (kind == EVERY)
        return -draw(1, 31);
    return -draw(typical - 2, typical + 2);
}

static int32_t draw_multiplier(void)
{
    const int32_t edges[] = {1 << 30, INT32_MAX, (1 << 30) + 1, 0};
    return draw(0, 15) ? draw(1 << 30, INT32_MAX) : edges[draw(0, 3)];
}

/* A layer of `channels` channels whose weights lie as [channel][tap]. */
static inline struct pack_layer draw_layer(enum numbers kind, int32_t channels, int32_t taps)
{
    for (int32_t i = 0; i < channels * taps; i++)
        layer_weights[i] = draw_number(kind, -127);
    for (int32_t o = 0; o < channels; o++) {
        layer_bias[o] = kind == TINY ? draw(-9, 9) : draw(-20000, 20000);
        layer_multiplier[o] = draw_multiplier();
        layer_shift[o] = (int8_t)draw_shift(kind, taps);
    }
    return (struct pack_layer){.channels = channels,
                               .taps = taps,
                               .channel_step = taps,
                               .tap_step = 1,
                               .scale_step = 1,
                               .weights = layer_weights,
                               .bias = draw(0, 7) ? layer_bias : NULL,
                               .multiplier = layer_multiplier,
                               .shift = layer_shift,
                               .in_zero = draw(-128, 127),
                               .out_zero = draw(0, 2) ? draw(-128, 127) : -128,
                               .out_min = -128,
                               .out_max = 127,
                               .single = TEST_SINGLE};
}

#endif
