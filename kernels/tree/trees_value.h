/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_TREES_VALUE_H
#define MICA_TREES_VALUE_H

#include <stdint.h>

#include "float_bits.h"
#include "rom.h"

/* The value that trees predict, as their nested ifs compute it (which stand for this kernel in the
 * generated code): integers of unit each, or floats, are added in the order of the trees. A node
 * whose `leaf` is not negative is a leaf and adds add[leaf]. */
struct mica_trees_value {
    const int32_t *root, *feature, *key, *left, *right, *leaf;
    const int32_t *add;          /* integers, or the bits of floats */
    const uint8_t *missing_left; /* of each node: NaN goes left */
    int32_t n_trees, start;
    float unit;      /* 0: floats are added */
    uint8_t x_bytes; /* 4: float32, 1: int8 or uint8, 2: int16 */
    uint8_t x_signed;
};

MICA_INLINE int32_t mica_trees_value_right(const struct mica_trees_value *p, const void *x,
                                           int32_t node)
{
    const int32_t feature = MICA_ROM_S32(p->feature + node), key = MICA_ROM_S32(p->key + node);
    if (p->x_bytes == 1)
        return (p->x_signed ? ((const int8_t *)x)[feature] : ((const uint8_t *)x)[feature]) > key;
    if (p->x_bytes == 2)
        return ((const int16_t *)x)[feature] > key;
    const int32_t bits = mica_float_bits((const float *)x + feature);
    if (bits > 0x7f800000)
        return !MICA_ROM_U8(p->missing_left + node);
    return (bits < 0 ? (int32_t)(0x80000000 - (uint32_t)bits) - 1 : bits) > key;
}

MICA_INLINE float mica_trees_value_float(int32_t bits)
{
    union {
        int32_t bits;
        float number;
    } both;
    both.bits = bits;
    return both.number;
}

MICA_INLINE void mica_trees_value(const struct mica_trees_value *p, const void *x, float *out)
{
    int32_t sum = p->start;
    float number = mica_trees_value_float(p->start);
    for (int32_t i = 0; i < p->n_trees; i++) {
        int32_t at = MICA_ROM_S32(p->root + i), leaf;
        while ((leaf = MICA_ROM_S32(p->leaf + at)) < 0)
            at = mica_trees_value_right(p, x, at) ? MICA_ROM_S32(p->right + at)
                                                  : MICA_ROM_S32(p->left + at);
        const int32_t add = MICA_ROM_S32(p->add + leaf);
        if (p->unit > 0)
            sum += add;
        else
            number += mica_trees_value_float(add);
    }
    *out = p->unit > 0 ? (float)sum * p->unit : number;
}

#endif
