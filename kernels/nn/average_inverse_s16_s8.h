/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_AVERAGE_INVERSE_S16_S8_H
#define MICA_AVERAGE_INVERSE_S16_S8_H

#include <stdint.h>

#include "inverse.h"

struct mica_average_inverse_s16_s8 {
    int32_t inverse; /* mica_inverse() of the elements of one sum, at most MICA_INVERSE_MAX */
    int16_t out_min, out_max;
};

/* out[i] = sums[i] / count for n elements, rounded as average pooling does, as
 * mica_average_s16_s8(). */
static inline void mica_average_inverse_s16_s8(const struct mica_average_inverse_s16_s8 *p,
                                               const int16_t *sums, int8_t *out, int32_t n)
{
    const int32_t inverse = p->inverse;
    const int min = p->out_min, max = p->out_max;
    for (int32_t i = 0; i < n; i++) {
        const int x = mica_inverse_times(sums[i], inverse);
        out[i] = (int8_t)(x < min ? min : x > max ? max : x);
    }
}

#endif
