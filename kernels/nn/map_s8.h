/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_MAP_S8_H
#define MICA_MAP_S8_H

#include <stddef.h>
#include <stdint.h>

#include "rom.h"

/* Points rows[k] to input row first + k * dilation, or to NULL where there is no such row: that is
 * padding, and the kernel skips it. Row r lies at mem + at[r]. */
static inline const int8_t *const *mica_map_s8(const int8_t **rows, const int8_t *mem,
                                               const uint16_t *at, int first, int kernel,
                                               int dilation, int rows_in)
{
    for (int k = 0; k < kernel; k++) {
        int row = first + k * dilation;
        rows[k] = row >= 0 && row < rows_in ? mem + MICA_ROM_U16(&at[row]) : NULL;
    }
    return rows;
}

#endif
