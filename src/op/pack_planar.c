/* SPDX-License-Identifier: Apache-2.0 */
/* pack_planar.c - streams of depthwise convolutions of any window. */
#include <assert.h>

#include "op/pack.h"

static bool shares_words(const struct pack_planar *w)
{
    return w->stride_w == 2 && w->dilation_w == 1;
}

int32_t pack_planar_steps(const struct pack_planar *w)
{
    return w->stride_w == 1 ? w->kernel_w / 2 + 1 : (w->kernel_w + 1) / 2;
}

/* Words of a row in the ring. */
static int32_t ring_words(const struct pack_planar *w)
{
    const int32_t steps = pack_planar_steps(w);
    return w->stride_w == 1 ? steps + 1 : shares_words(w) ? steps + 3 : 4 * steps;
}

static int32_t channel_words(const struct pack_planar *w)
{
    return w->kernel_h * pack_planar_steps(w) * (w->stride_w == 1 ? 2 : 1) + 4;
}

int32_t pack_planar_words(const struct pack_layer *l, const struct pack_planar *w)
{
    return l->channels * channel_words(w);
}

int32_t pack_planar_buffer(const struct pack_planar *w, int32_t chunk)
{
    return 4 * w->kernel_h * ring_words(w) * chunk + (chunk + 1) / 2 * 2;
}

/* Two neighbouring taps of a kernel row, doubled; 0 for those outside. */
static int32_t word(const struct pack_layer *l, int32_t channel, const struct pack_planar *w,
                    int32_t ky, int32_t kx)
{
    uint32_t lanes[2] = {0, 0};
    for (int32_t i = 0; i < 2; i++)
        if (kx + i >= 0 && kx + i < w->kernel_w)
            lanes[i] = (uint32_t)(2 * l->weights[channel * l->channel_step +
                                                 (ky * w->kernel_w + kx + i) * l->tap_step]) &
                       0xFFFF;
    return (int32_t)(lanes[0] | lanes[1] << 16);
}

enum pack_verdict pack_planar(const struct pack_layer *l, const struct pack_planar *w,
                              int32_t *stream)
{
    assert(l->taps == w->kernel_h * w->kernel_w && l->channels % w->multiplier == 0);
    const int32_t steps = pack_planar_steps(w);
    for (int32_t i = 0; i < l->channels; i++) {
        const int32_t inputs = l->channels / w->multiplier;
        const int32_t channel = i % inputs * w->multiplier + i / inputs;
        int32_t scales[4];
        const enum pack_verdict verdict = pack_parameters(l, channel, scales);
        if (verdict != PACK_OK)
            return verdict;
        *stream++ = scales[0];
        for (int32_t at = 0; at < w->kernel_h * steps; at++) {
            *stream++ = word(l, channel, w, at / steps, at % steps * 2);
            if (w->stride_w == 1)
                *stream++ = word(l, channel, w, at / steps, at % steps * 2 - 1);
        }
        for (int k = 1; k < 4; k++)
            *stream++ = scales[k];
    }
    return PACK_OK;
}
