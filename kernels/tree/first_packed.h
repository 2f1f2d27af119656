/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_FIRST_PACKED_H
#define MICA_FIRST_PACKED_H

#include <stdint.h>

#include "rom.h"

/* The first largest of the 16-bit sums of which each of n words holds two, the lower half first,
 * and by how much it leads. Its number stands below each sum in a key, counted downwards, so that
 * of equal sums the first has the largest key. */
MICA_SHARED int32_t mica_first_packed(const uint32_t *sum, int n, uint32_t *lead)
{
    uint32_t best = 0, second = 0, number = 0xffff;
    for (int i = 0; i < n; i++, number -= 2) {
        const uint32_t low = sum[i] << 16 | number, high = (sum[i] & 0xffff0000) | (number - 1);
        if (low > best) {
            second = best;
            best = low;
        } else if (low > second) {
            second = low;
        }
        if (high > best) {
            second = best;
            best = high;
        } else if (high > second) {
            second = high;
        }
    }
    *lead = (best >> 16) - (second >> 16);
    return (int32_t)(0xffff - (best & 0xffff));
}

#endif
