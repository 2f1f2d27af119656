/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_CLAMP_S8_H
#define MICA_CLAMP_S8_H

#include <stdint.h>

struct mica_clamp_s8 {
    int16_t out_min, out_max;
};

/* out[i] = in[i], limited to [out_min, out_max], for n elements. in and out may be the same
 * memory. */
static inline void mica_clamp_s8(const struct mica_clamp_s8 *p, const int8_t *in, int8_t *out,
                                 int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        const int x = in[i];
        out[i] = (int8_t)(x < p->out_min ? p->out_min : x > p->out_max ? p->out_max : x);
    }
}

#endif
