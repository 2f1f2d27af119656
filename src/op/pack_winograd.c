/* SPDX-License-Identifier: Apache-2.0 */
/* pack_winograd.c - streams of transformed weights for 3x3 convolutions (kernels/nn/winograd.h).
 *
 * The kernel's sums are modulo 2^32, and four times a channel's sum, which pack_parameters() proves
 * to be within 32 bits, is what it needs of them; transformed weights are within 9 * 128. */
#include <assert.h>

#include "op/pack.h"

enum { POSITIONS = 16 };

static int32_t pair_words(const struct pack_layer *l)
{
    return POSITIONS * (l->taps / 9) + 8;
}

int32_t pack_winograd_words(const struct pack_layer *l)
{
    return (l->channels + 1) / 2 * pair_words(l);
}

/* 2G g 2G' of one channel of inputs; taps of a position are that many channels apart. */
static void transform(const struct pack_layer *l, int32_t channel, int32_t input,
                      int32_t to[POSITIONS])
{
    static const int twice_g[4][3] = {{2, 0, 0}, {1, 1, 1}, {1, -1, 1}, {0, 0, 2}};
    const int32_t inputs = l->taps / 9;
    const int8_t *w = l->weights + channel * l->channel_step + input * l->tap_step;
    for (int i = 0; i < POSITIONS; i++) {
        to[i] = 0;
        for (int tap = 0; tap < 9; tap++)
            to[i] += twice_g[i / 4][tap / 3] * twice_g[i % 4][tap % 3] *
                     w[tap * inputs * l->tap_step];
    }
}

/* The weights of one of a pair's channels: every second word. */
static void pack_channel(const struct pack_layer *l, int32_t channel, int32_t *stream)
{
    const int32_t inputs = l->taps / 9;
    for (int32_t i = 0; i < inputs; i += 4)
        for (int32_t k = i; k < i + 2; k++, stream += 2) {
            int32_t low[POSITIONS], high[POSITIONS];
            transform(l, channel, k, low);
            transform(l, channel, k + 2, high);
            for (int at = 0; at < POSITIONS; at++)
                stream[at * inputs] = (int32_t)(((uint32_t)low[at] & 0xFFFF) | (uint32_t)high[at]
                                                                                   << 16);
        }
}

enum pack_verdict pack_winograd(const struct pack_layer *l, int32_t *stream)
{
    assert(l->taps % 36 == 0);
    for (int32_t o = 0; o < l->channels; o += 2, stream += pair_words(l)) {
        const int32_t second = o + 1 < l->channels ? o + 1 : o;
        int32_t *scales = stream + pair_words(l) - 8;
        enum pack_verdict verdict = pack_parameters(l, o, scales);
        if (verdict == PACK_OK)
            verdict = pack_parameters(l, second, scales + 4);
        if (verdict != PACK_OK)
            return verdict;
        pack_channel(l, o, stream);
        pack_channel(l, second, stream + 1);
    }
    return PACK_OK;
}

int32_t pack_conv2d_winograd_buffer(int32_t in_c)
{
    return 129 * in_c + 512;
}
