/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_SUM_FOURS_S8_S16_H
#define MICA_SUM_FOURS_S8_S16_H

#include <stdint.h>

#include "sum_pixels.h"

struct mica_sum_fours_s8_s16 {
    int32_t width; /* neighbouring sums */
};

/* For at most 255 elements a sum, which 16 bits hold. Adds n runs of `width` elements to
 * as many sums, as mica_sum_s8_s16() does, many sums at a time: in[n][width] -> sums[width]. */
static inline void mica_sum_fours_s8_s16(const struct mica_sum_fours_s8_s16 *p, const int8_t *in,
                                         int16_t *sums, int32_t n)
{
    const int32_t width = p->width;
    if (width == 1) {
        sums[0] = (int16_t)(sums[0] + mica_sum_run(in, n));
        return;
    }
    const int32_t whole = width - width % MICA_SUM_CHANNELS;
    for (int32_t c = 0; c < whole; c += MICA_SUM_CHANNELS)
        for (int32_t done = 0, some; done < n; done += some) {
            int32_t part[MICA_SUM_CHANNELS];
            some = n - done < MICA_SUM_MOST ? n - done : MICA_SUM_MOST;
            mica_sum_pixels(in + done * width + c, width, some, part);
            for (int k = 0; k < MICA_SUM_CHANNELS; k++)
                sums[c + k] = (int16_t)(sums[c + k] + part[k]);
        }
    for (int32_t c = whole; c < width; c++)
        sums[c] = (int16_t)(sums[c] + mica_sum_channel(in + c, width, n));
}

#endif
