/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_POOL_WINDOW_H
#define MICA_POOL_WINDOW_H

#include <stdint.h>

#include "rom.h"

/* The part of a window that lies in the image: `columns` neighbouring pixels from element `at` on,
 * in those of the rows that are not NULL. */
struct mica_pool_window {
    const int8_t *const *rows, *const *rows_end;
    int32_t at, columns, channels;
};

/* Moves it to the window whose first column is `left`, which is in the padding where negative. */
MICA_SHARED void mica_pool_move(struct mica_pool_window *w, int32_t left, int32_t kernel_w,
                                int32_t in_w)
{
    const int32_t first = left < 0 ? 0 : left;
    const int32_t end = left + kernel_w < in_w ? left + kernel_w : in_w;
    w->at = first * w->channels;
    w->columns = end - first;
}

/* Limits n outputs to [min, max]. */
MICA_SHARED void mica_pool_clamp(int8_t *out, int32_t n, int min, int max)
{
    for (int32_t i = 0; i < n; i++)
        out[i] = (int8_t)(out[i] < min ? min : out[i] > max ? max : out[i]);
}

#endif
