/* SPDX-License-Identifier: Apache-2.0 */
/* pack_pairs.c - streams of channel pairs, and what all streams need of a channel. */
#include "op/pack.h"

const char *pack_verdict_text(enum pack_verdict verdict)
{
    static const char *const texts[] = {
        [PACK_OK] = "packed",
        [PACK_RANGE] = "the activation leaves less than the range of int8",
        [PACK_SHIFT] = "a channel's scale is 1/2 or more",
        [PACK_BOUND] = "sums or their roundings may leave 32 bits",
        [PACK_PAIR] = "a channel does not fit beside another in 16 bits",
        [PACK_WIDTH] = "sums or their roundings may leave 24 bits",
    };
    return texts[verdict];
}

static int32_t weight(const struct pack_layer *l, int32_t channel, int32_t tap)
{
    return channel < l->channels && tap < l->taps
               ? l->weights[channel * l->channel_step + tap * l->tap_step]
               : 0;
}

/* The largest magnitude that a sum of raw inputs times the channel's weights can have. */
static int64_t sum_bound(const struct pack_layer *l, int32_t channel)
{
    int64_t bound = 0;
    for (int32_t i = 0; i < l->taps; i++) {
        const int32_t w = weight(l, channel, i);
        bound += 128 * (w < 0 ? -w : w);
    }
    return bound;
}

/* As pack_twice(), with the reason; shift: to the right. */
static enum pack_verdict twice(int64_t bound, int64_t multiplier, int shift, int32_t out_zero,
                               int32_t out[3])
{
    if (4 * bound > INT32_MAX) /* mica_high_product() */
        return PACK_BOUND;
    /* A channel that can only give zeros, as those that training left without weights do, has any
     * shift; 1 spares the proof below. */
    const int64_t high = ((2 * bound * multiplier) >> 32) + 1;
    if (multiplier == 0 || (shift > 0 && high < INT64_C(1) << (shift - 1))) {
        multiplier = 0;
        shift = 1;
    }
    if (shift < 1)
        return PACK_SHIFT;
    const int64_t half = (INT64_C(1) << (shift - 1)) + out_zero * (INT64_C(1) << shift);
    if (high + 1 + (half < 0 ? -half : half) > INT32_MAX)
        return PACK_BOUND;
    out[0] = (int32_t)multiplier;
    out[1] = (int32_t)half;
    out[2] = shift;
    return PACK_OK;
}

bool pack_twice(int64_t bound, int32_t multiplier, int shift, int32_t out_zero, int32_t out[3])
{
    return twice(bound, multiplier, -shift, out_zero, out) == PACK_OK;
}

enum pack_verdict pack_parameters(const struct pack_layer *l, int32_t channel, int32_t out[4])
{
    int64_t bias = l->bias ? l->bias[channel] : 0;
    for (int32_t i = 0; i < l->taps; i++)
        bias -= (int64_t)l->in_zero * weight(l, channel, i);
    const int64_t bound = sum_bound(l, channel) + (bias < 0 ? -bias : bias);
    if (l->out_min != -128 || l->out_max != 127)
        return PACK_RANGE;
    const enum pack_verdict verdict = twice(bound, l->multiplier[channel * l->scale_step],
                                            -l->shift[channel * l->scale_step], l->out_zero,
                                            out + 1);
    if (verdict == PACK_OK)
        out[0] = (int32_t)(2 * bias);
    return verdict;
}

static int32_t fill_up(int32_t n, int32_t to)
{
    return (n + to - 1) / to * to;
}

static int32_t pair_words(const struct pack_layer *l, int32_t fill)
{
    return fill_up(l->taps, fill) / 2 + 8;
}

int32_t pack_pairs_words(const struct pack_layer *l, int32_t fill)
{
    return (l->channels + 1) / 2 * pair_words(l, fill);
}

/* 256 * w1 + w0 of one tap; false where that leaves 16 bits. */
static bool pack_tap(const struct pack_layer *l, int32_t low, int32_t high, int32_t tap,
                     uint32_t *lane)
{
    const int32_t w0 = weight(l, low, tap), w1 = high < 0 ? 0 : weight(l, high, tap);
    const int32_t v = 256 * w1 + w0;
    *lane = (uint32_t)v & 0xFFFF;
    return v >= INT16_MIN;
}

/* One pair of channels: from each four of its words to the next `step` words, scales behind all
 * words. high is -1 where low is the last. */
static enum pack_verdict pack_pair(const struct pack_layer *l, int32_t low, int32_t high,
                                   int32_t taps, int32_t step, int32_t *words, int32_t *scales)
{
    if (high >= 0 && sum_bound(l, high) >= INT32_C(1) << 23)
        return PACK_PAIR;
    for (int32_t i = 0; i < taps; i += 4)
        for (int32_t k = 0; k < 2; k++) {
            uint32_t first, second;
            if (!pack_tap(l, low, high, i + k, &first) ||
                !pack_tap(l, low, high, i + k + 2, &second))
                return PACK_PAIR;
            words[i / 8 * step + i % 8 / 2 + k] = (int32_t)(first | second << 16);
        }
    enum pack_verdict verdict = pack_parameters(l, low, scales);
    if (verdict == PACK_OK)
        verdict = pack_parameters(l, high < 0 ? low : high, scales + 4);
    return verdict;
}

enum pack_verdict pack_pairs(const struct pack_layer *l, int32_t fill, int32_t *stream)
{
    const int32_t taps = fill_up(l->taps, fill), words = pair_words(l, fill);
    enum pack_verdict verdict = PACK_OK;
    for (int32_t o = 0, together = 1; o < l->channels; o += 2 * together) {
        together = fill == 8 && o + 2 < l->channels ? 2 : 1;
        for (int32_t i = 0; i < together && verdict == PACK_OK; i++) {
            const int32_t low = o + 2 * i, high = low + 1 < l->channels ? low + 1 : -1;
            verdict = pack_pair(l, low, high, taps, 4 * together, stream + 4 * i,
                                stream + together * taps / 2 + 8 * i);
        }
        stream += together * words;
    }
    return verdict;
}

int32_t pack_quads_taps(int32_t taps)
{
    return fill_up(taps, 4);
}

enum pack_verdict pack_scales(const struct pack_layer *l, int32_t *scales)
{
    enum pack_verdict verdict = PACK_OK;
    for (int32_t o = 0; o < l->channels && verdict == PACK_OK; o++, scales += 4)
        verdict = pack_parameters(l, o, scales);
    return verdict;
}

enum pack_verdict pack_quads(const struct pack_layer *l, int8_t *weights, int32_t *scales)
{
    const int32_t taps = pack_quads_taps(l->taps);
    for (int32_t o = 0; o < l->channels; o++) {
        for (int32_t i = 0; i < taps; i++)
            *weights++ = (int8_t)weight(l, o, i);
        for (int32_t i = 0; i < taps; i += 2)
            if (weight(l, o, i) == -128 && weight(l, o, i + 1) == -128)
                return PACK_PAIR;
    }
    return pack_scales(l, scales);
}

int32_t pack_conv2d_quads_buffer(int32_t taps, int32_t run)
{
    return 8 * pack_quads_taps(taps) + fill_up(run, 4);
}

int32_t pack_conv2d_1x1_pairs_buffer(int32_t in_c)
{
    return 6 * in_c;
}

int32_t pack_conv2d_pairs_buffer(int32_t taps, int32_t in_c)
{
    return 6 * taps + in_c;
}

int32_t pack_conv2d_patch_pairs_buffer(int32_t taps)
{
    return 9 * fill_up(taps, 4);
}

int32_t pack_dense_pairs_buffer(int32_t in_n)
{
    return 2 * fill_up(in_n, 8);
}
