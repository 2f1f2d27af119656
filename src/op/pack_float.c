/* SPDX-License-Identifier: Apache-2.0 */
/* pack_float.c - float32 weights in the order in which blocks of outputs read them. */
#include <math.h>

#include "op/pack.h"

bool pack_float_fits(const struct pack_float *l)
{
    for (int32_t o = 0; o < l->channels; o++)
        for (int32_t i = 0; i < l->taps; i++)
            if (!isfinite(l->weights[o * l->channel_step + i * l->tap_step]))
                return false;
    return true;
}

/* The weights and biases of channels from `first` on, `n` together; channels that are not there are
 * zeros. A bias of -0 becomes 0: it makes no difference to any sum but -0, which no sum of the
 * reference is. */
static float *pack_together(const struct pack_float *l, int32_t first, int32_t n, float *stream)
{
    for (int32_t i = 0; i <= l->taps; i++)
        for (int32_t o = first; o < first + n; o++) {
            float value = 0.0f;
            if (o < l->channels && i < l->taps)
                value = l->weights[o * l->channel_step + i * l->tap_step];
            else if (o < l->channels && l->bias && l->bias[o] != 0.0f)
                value = l->bias[o];
            *stream++ = value;
        }
    return stream;
}

int32_t pack_fours_floats(const struct pack_float *l)
{
    return (l->channels + 3) / 4 * 4 * (l->taps + 1);
}

void pack_fours(const struct pack_float *l, bool overlaps, float *stream)
{
    for (int32_t o = 0; o < l->channels; o += 4)
        stream = pack_together(l, overlaps && o + 4 > l->channels ? l->channels - 4 : o, 4, stream);
}

int32_t pack_eights_floats(const struct pack_float *l)
{
    return l->channels * (l->taps + 1);
}

void pack_eights(const struct pack_float *l, float *stream)
{
    for (int32_t o = 0, n; o < l->channels; o += n) {
        n = o + 8 <= l->channels ? 8 : 1;
        stream = pack_together(l, o, n, stream);
    }
}
