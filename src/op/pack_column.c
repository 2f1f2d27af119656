/* SPDX-License-Identifier: Apache-2.0 */
/* pack_column.c - streams of depthwise convolutions whose kernel is one column wide. */
#include <assert.h>

#include "op/pack.h"

int32_t pack_column_words(const struct pack_layer *l)
{
    return l->channels / 4 * (l->taps + 16);
}

enum pack_verdict pack_column(const struct pack_layer *l, int32_t *stream)
{
    assert(l->channels % 4 == 0);
    for (int32_t c = 0; c < l->channels; c += 4) {
        for (int32_t tap = 0; tap < l->taps; tap++) {
            uint32_t word = 0;
            for (int32_t k = 3; k >= 0; k--)
                word = word << 8 |
                       (uint8_t)l->weights[(c + k) * l->channel_step + tap * l->tap_step];
            *stream++ = (int32_t)word;
        }
        for (int32_t k = 0; k < 4; k++, stream += 4) {
            const enum pack_verdict verdict = pack_parameters(l, c + k, stream);
            if (verdict != PACK_OK)
                return verdict;
        }
    }
    return PACK_OK;
}
