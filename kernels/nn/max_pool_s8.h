/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_MAX_POOL_S8_H
#define MICA_MAX_POOL_S8_H

#include <stdint.h>

struct mica_max_pool_s8 {
    int16_t in_w, channels, out_w;
    int16_t kernel_h, kernel_w, stride_w, pad_left;
    int16_t out_min, out_max;
};

/* One output row of max pooling: rows[kernel_h] of [in_w][channels] -> out[out_w][channels].
 *     out = clamp(the largest of the window, padding left out, out_min, out_max) */
static inline void mica_max_pool_s8(const struct mica_max_pool_s8 *p, const int8_t *const *rows,
                                    int8_t *out)
{
    for (int x = 0; x < p->out_w; x++) {
        const int left = x * p->stride_w - p->pad_left;
        for (int c = 0; c < p->channels; c++) {
            int best = p->out_min;
            for (int ky = 0; ky < p->kernel_h; ky++) {
                for (int column = left; column < left + p->kernel_w; column++) {
                    if (!rows[ky] || column < 0 || column >= p->in_w)
                        continue;
                    const int8_t in = rows[ky][(int32_t)column * p->channels + c];
                    best = in > best ? in : best;
                }
            }
            *out++ = (int8_t)(best > p->out_max ? p->out_max : best);
        }
    }
}

#endif
