/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_DOT_S8_H
#define MICA_DOT_S8_H

#include <stdint.h>

#include "rom.h"

/* The sum of w[i] * (in[i] - in_zero) up to the end of w; at least one. The factors are ints, whose
 * product 8-bit cores have an instruction sequence for. */
MICA_APART int32_t mica_dot_s8(const int8_t *w, const int8_t *end, const int8_t *in, int in_zero)
{
    int32_t sum = 0;
    do {
        sum += MICA_ROM_S8(w) * (int32_t)(*in - in_zero);
        w++, in++;
    } while (w != end);
    return sum;
}

#endif
