/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_AVERAGE_POOL_F32_H
#define MICA_AVERAGE_POOL_F32_H

#include <stdint.h>

#include "clamp_value_f32.h"

struct mica_average_pool_f32 {
    int16_t in_w, channels, out_w;
    int16_t kernel_h, kernel_w, stride_w, pad_left;
    float out_min, out_max;
};

/* One output row of average pooling: rows[kernel_h] of [in_w][channels] -> out[out_w][channels].
 * The sum, by rows and then columns, is divided by the number of elements; padding counts for
 * neither. */
static inline void mica_average_pool_f32(const struct mica_average_pool_f32 *p,
                                         const float *const *rows, float *out)
{
    for (int x = 0; x < p->out_w; x++) {
        const int left = x * p->stride_w - p->pad_left;
        for (int c = 0; c < p->channels; c++) {
            float sum = 0.0f;
            int32_t n = 0;
            for (int ky = 0; ky < p->kernel_h; ky++) {
                for (int column = left; column < left + p->kernel_w; column++) {
                    if (!rows[ky] || column < 0 || column >= p->in_w)
                        continue;
                    sum += rows[ky][(int32_t)column * p->channels + c];
                    n++;
                }
            }
            *out++ = mica_clamp_value_f32(sum / (float)n, p->out_min, p->out_max);
        }
    }
}

#endif
