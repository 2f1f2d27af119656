/* SPDX-License-Identifier: Apache-2.0 */
/* pack_bytes.c - layers for cores that multiply bytes: sums of 24 bits, products without signs. */
#include "op/pack.h"

enum { WIDTH = 1 << 23, OFFSET = 128 };

static int32_t weight(const struct pack_layer *l, int32_t channel, int32_t tap)
{
    return channel < l->channels ? l->weights[channel * l->channel_step + tap * l->tap_step] : 0;
}

/* {bias, multiplier, half, step} of a channel. */
static enum pack_verdict pack_scale(const struct pack_layer *l, int32_t channel, bool with_signs,
                                    int32_t scale[4])
{
    const enum pack_verdict verdict = pack_parameters(l, channel, scale);
    if (verdict != PACK_OK)
        return verdict;
    int64_t bound = 0, weights = 0, bias = scale[0] / 2;
    for (int32_t i = 0; i < l->taps; i++) {
        const int32_t w = weight(l, channel, i);
        bound += OFFSET * (w < 0 ? -w : w);
        weights += w;
    }
    bound += bias < 0 ? -bias : bias;
    const int64_t product = ((bound * scale[1]) >> 31) + 2; /* and both roundings */
    const int32_t shift = scale[3], half = scale[2];
    if (bound >= WIDTH || (shift <= 8 && product + (half < 0 ? -half : half) >= WIDTH))
        return PACK_WIDTH;
    if (shift > 16)
        return PACK_SHIFT;
    if (!with_signs)
        bias -= OFFSET * weights;
    scale[0] = (int32_t)bias;
    scale[3] = shift > 8 ? 256 + (1 << (16 - shift)) : 1 << (8 - shift);
    return PACK_OK;
}

enum pack_verdict pack_bytes_scales(const struct pack_layer *l, bool with_signs, int32_t *scales)
{
    enum pack_verdict verdict = PACK_OK;
    for (int32_t o = 0; o < l->channels && verdict == PACK_OK; o++, scales += 4)
        verdict = pack_scale(l, o, with_signs, scales);
    return verdict;
}

void pack_bytes_rows(const struct pack_layer *l, bool with_signs, int8_t *weights)
{
    for (int32_t o = 0; o < l->channels; o++)
        for (int32_t i = 0; i < l->taps; i++)
            *weights++ = (int8_t)(uint8_t)(weight(l, o, i) + (with_signs ? 0 : OFFSET));
}

int32_t pack_bytes_twos_size(const struct pack_layer *l)
{
    return (l->channels + 1) / 2 * 2 * l->taps;
}

void pack_bytes_twos(const struct pack_layer *l, int8_t *weights)
{
    for (int32_t o = 0; o < l->channels; o += 2)
        for (int32_t i = 0; i < l->taps; i++)
            for (int32_t k = 0; k < 2; k++)
                *weights++ = (int8_t)(uint8_t)(weight(l, o + k, i) + OFFSET);
}
