/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_FLOAT_BITS_H
#define MICA_FLOAT_BITS_H

#include <stdint.h>

#include "rom.h"

/* The bits of a float, by one aligned load: memcpy() from a pointer that compilers know nothing of
 * becomes loads of bytes on cores that must align them.
 *
 * The bits of numbers that are not negative, read as an integer, are in the numbers' order; those
 * of negative numbers, read as an unsigned integer, are above all others and in the opposite
 * order. */
MICA_INLINE int32_t mica_float_bits(const float *x)
{
    union {
        float number;
        int32_t bits;
    } both;
    both.number = *x;
    return both.bits;
}

#endif
