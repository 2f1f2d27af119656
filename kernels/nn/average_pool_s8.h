/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_AVERAGE_POOL_S8_H
#define MICA_AVERAGE_POOL_S8_H

#include <stdint.h>

#include "divide_s8.h"

struct mica_average_pool_s8 {
    int16_t in_w, channels, out_w;
    int16_t kernel_h, kernel_w, stride_w, pad_left;
    int16_t out_min, out_max;
};

/* One output row of average pooling: rows[kernel_h] of [in_w][channels] -> out[out_w][channels].
 * The sum is divided by the number of elements; padding counts for neither. Input and output have
 * the same scale and zero point. */
static inline void mica_average_pool_s8(const struct mica_average_pool_s8 *p,
                                        const int8_t *const *rows, int8_t *out)
{
    for (int x = 0; x < p->out_w; x++) {
        const int left = x * p->stride_w - p->pad_left;
        for (int c = 0; c < p->channels; c++) {
            int32_t sum = 0, n = 0;
            for (int ky = 0; ky < p->kernel_h; ky++) {
                for (int column = left; column < left + p->kernel_w; column++) {
                    if (!rows[ky] || column < 0 || column >= p->in_w)
                        continue;
                    sum += rows[ky][(int32_t)column * p->channels + c];
                    n++;
                }
            }
            *out++ = mica_divide_s8(sum, n, p->out_min, p->out_max);
        }
    }
}

#endif
