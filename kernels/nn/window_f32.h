/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_WINDOW_F32_H
#define MICA_WINDOW_F32_H

#include <stddef.h>
#include <stdint.h>

/* Points rows[k] to input row first + k * dilation, or to NULL where there is no such row: that is
 * padding, and the kernel skips it. Rows are `pitch` elements apart. */
static inline const float *const *mica_window_f32(const float **rows, const float *in, int first,
                                                  int kernel, int dilation, int rows_in,
                                                  int32_t pitch)
{
    for (int k = 0; k < kernel; k++) {
        int row = first + k * dilation;
        rows[k] = row >= 0 && row < rows_in ? in + row * pitch : NULL;
    }
    return rows;
}

#endif
