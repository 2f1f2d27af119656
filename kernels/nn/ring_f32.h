/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_RING_F32_H
#define MICA_RING_F32_H

#include <stdint.h>

/* Points rows[k] to row first + k * dilation of a ring of `depth` rows, counted from the oldest,
 * which lies at `slot`. No row is outside: streams have no padding in time. */
static inline const float *const *mica_ring_f32(const float **rows, const float *ring, int slot,
                                                int first, int kernel, int dilation, int depth,
                                                int32_t pitch)
{
    for (int k = 0; k < kernel; k++) {
        int row = slot + first + k * dilation;
        rows[k] = ring + (row < depth ? row : row - depth) * pitch;
    }
    return rows;
}

#endif
