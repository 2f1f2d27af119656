/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_INVERSE_H
#define MICA_INVERSE_H

#include <stdint.h>

#include "rom.h"

enum { MICA_INVERSE_MAX = 255, MICA_INVERSE_BITS = 24 };

/* What averages of n bytes are multiplied by instead of divided: m = (2^24 + e) / n, 0 < e <= n. */
MICA_SHARED int32_t mica_inverse(int32_t n)
{
    return ((INT32_C(1) << MICA_INVERSE_BITS) / n) + 1;
}

/* sum / n rounded to the nearest integer with ties away from zero, for a sum of n bytes:
 *     floor((sum * m + 2^23) / 2^24)
 * A tie k + 1/2 becomes (k + 1/2) (2^24 + e) + 2^23, which is above the next integer if k >= 0 and
 * below it otherwise, as it should be. A sum that is no tie is at least 1/2n away from one and is
 * moved by up to 128.5 e / 2^24, which is less while 128.5 n^2 < 2^23: up to n = 255. The product
 * may leave 32 bits by up to 128 e; that the result then is right modulo 2^32 suffices, because
 * the sum with 2^23 is within them. */
MICA_SHARED int8_t mica_inverse_times(int32_t sum, int32_t inverse)
{
    const uint32_t product = (uint32_t)sum * (uint32_t)inverse + (UINT32_C(1) << 23);
    return (int8_t)((int32_t)product >> MICA_INVERSE_BITS);
}

#endif
