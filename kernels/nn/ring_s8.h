/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_RING_S8_H
#define MICA_RING_S8_H

#include <stdint.h>

/* Points rows[k] to row first + k * dilation of a ring of `depth` rows, counted from the oldest,
 * which lies at `slot`. No row is outside: streams have no padding in time. */
static inline const int8_t *const *mica_ring_s8(const int8_t **rows, const int8_t *ring, int slot,
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
