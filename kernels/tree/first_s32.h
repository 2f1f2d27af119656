/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_FIRST_S32_H
#define MICA_FIRST_S32_H

#include <stdint.h>

#include "rom.h"

/* The first largest of n sums between -2^30 and 2^30, and by how much it leads. */
MICA_SHARED int32_t mica_first_s32(const int32_t *sum, int n, int32_t *lead)
{
    int32_t best = 0, second = -0x40000000;
    for (int i = 1; i < n; i++) {
        if (sum[i] > sum[best]) {
            second = sum[best];
            best = i;
        } else if (sum[i] > second) {
            second = sum[i];
        }
    }
    *lead = sum[best] - second;
    return best;
}

#endif
