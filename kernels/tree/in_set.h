/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_IN_SET_H
#define MICA_IN_SET_H

#include <stdint.h>

#include "rom.h"

/* The category that a float is, given its bits: the number without its fraction. What is in no set,
 * as negative numbers and NaN, is category 2^32 - 1. */
MICA_SHARED uint32_t mica_category(int32_t bits)
{
    const uint32_t size = (uint32_t)bits & 0x7fffffff, exponent = size >> 23;
    const uint32_t fraction = (size & 0x7fffff) | 0x800000;
    if (exponent < 127)
        return 0; /* between -1 and 1 */
    if (bits < 0 || exponent > 157)
        return 0xffffffff;
    return exponent > 150 ? fraction << (exponent - 150) : fraction >> (150 - exponent);
}

/* The same where no number below 0 is in a set. */
MICA_SHARED uint32_t mica_category_down(int32_t bits)
{
    return (uint32_t)bits > 0x80000000u ? 0xffffffffu : mica_category(bits);
}

/* Is the bit of a category set? */
MICA_SHARED int mica_in_word(uint32_t category, uint32_t word)
{
    return category < 32 && (word >> category & 1) != 0;
}

MICA_SHARED int mica_in_set(uint32_t category, const uint32_t *set, uint32_t words)
{
    return category >> 5 < words &&
           mica_in_word(category & 31, MICA_ROM_U32(set + (category >> 5)));
}

#endif
