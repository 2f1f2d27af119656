/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_CLAMP_FOURS_S8_H
#define MICA_CLAMP_FOURS_S8_H

#include <stdint.h>

#include "word.h"
#include "dsp.h"

struct mica_clamp_fours_s8 {
    int16_t out_min, out_max;
};

/* out[i] = in[i], limited to [out_min, out_max], for n elements, as mica_clamp_s8(): four at a time
 * where there are instructions for it. in and out may be the same memory. */
static inline void mica_clamp_fours_s8(const struct mica_clamp_fours_s8 *p, const int8_t *in,
                                       int8_t *out, int32_t n)
{
    const int32_t min = p->out_min, max = p->out_max;
    int32_t i = 0;
#if MICA_DSP
    const uint32_t mins = (uint32_t)(min & 255) * UINT32_C(0x01010101);
    const uint32_t maxs = (uint32_t)(max & 255) * UINT32_C(0x01010101);
    for (; i + 8 <= n; i += 8, in += 8, out += 8) {
        const uint32_t a = mica_word_load(in), b = mica_word_load(in + 4);
        mica_word_store(out, mica_word_min(mica_word_max(a, mins), maxs));
        mica_word_store(out + 4, mica_word_min(mica_word_max(b, mins), maxs));
    }
#endif
    for (; i < n; i++) {
        const int32_t x = *in++;
        *out++ = (int8_t)(x < min ? min : x > max ? max : x);
    }
}

#endif
