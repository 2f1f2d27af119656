/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_FIRST_SUM_H
#define MICA_FIRST_SUM_H

#include <stdint.h>

#include "rom.h"

/* The first largest of n sums. */
MICA_SHARED int32_t mica_first_sum(const int32_t *sum, int n)
{
    int32_t best = 0;
    for (int i = 1; i < n; i++)
        if (sum[i] > sum[best])
            best = i;
    return best;
}

#endif
