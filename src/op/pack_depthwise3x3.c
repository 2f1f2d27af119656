/* SPDX-License-Identifier: Apache-2.0 */
/* pack_depthwise3x3.c - streams of depthwise convolutions with a 3x3 kernel. */
#include <assert.h>

#include "op/pack.h"

enum { CHANNEL_WORDS = 14 };

int32_t pack_depthwise3x3_words(const struct pack_layer *l)
{
    return l->channels * CHANNEL_WORDS;
}

static uint32_t doubled(const struct pack_layer *l, int32_t channel, int32_t tap)
{
    return (uint32_t)(2 * l->weights[channel * l->channel_step + tap * l->tap_step]) & 0xFFFF;
}

enum pack_verdict pack_depthwise3x3(const struct pack_layer *l, int32_t *stream)
{
    assert(l->taps == 9);
    for (int32_t c = 0; c < l->channels; c++) {
        const enum pack_verdict verdict = pack_parameters(l, c, stream);
        if (verdict != PACK_OK)
            return verdict;
        stream += 4;
        for (int32_t row = 0; row < 5; row++, stream += 2) {
            const int32_t tap = row % 3 * 3;
            const uint32_t w1 = doubled(l, c, tap + 1);
            stream[0] = (int32_t)(doubled(l, c, tap) | w1 << 16);
            stream[1] = (int32_t)(w1 | doubled(l, c, tap + 2) << 16);
        }
    }
    return PACK_OK;
}

int32_t pack_depthwise3x3_buffer(int32_t chunk)
{
    return 48 * chunk + (chunk + 1) / 2 * 2;
}
