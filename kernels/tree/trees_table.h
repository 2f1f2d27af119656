/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_TREES_TABLE_H
#define MICA_TREES_TABLE_H

#include <stdint.h>

#include "float_bits.h"
#include "rom.h"

/* An ensemble of few distinct tests as a table of its labels, one for every outcome of all tests. A
 * number that is above a threshold moves on by a step; the thresholds of one feature have the same
 * step, those of the next the product of the counts before. */
struct mica_trees_table {
    const uint16_t *feature; /* NULL: test i is of feature i */
    const int32_t *key;      /* NULL: all thresholds are same_key */
    const uint16_t *step;    /* NULL: test i has step 2^i */
    const uint8_t *label;    /* label_bits each, 1, 2, 4 or 8, from the low end of each byte */
    int32_t same_key, n_tests;
    uint8_t x_bytes;      /* 4: float32, 1: int8 or uint8, 2: int16 */
    uint8_t x_signed;     /* int8, not uint8 */
    uint8_t key_negative; /* there are thresholds below 0 */
    uint8_t label_bits;
};

/* Numbers as integers in the same order; NaN is above all others. */
MICA_INLINE int32_t mica_trees_table_key(const struct mica_trees_table *p, const void *x,
                                         int32_t feature)
{
    if (p->x_bytes == 1)
        return p->x_signed ? ((const int8_t *)x)[feature] : ((const uint8_t *)x)[feature];
    if (p->x_bytes == 2)
        return ((const int16_t *)x)[feature];
    const int32_t bits = mica_float_bits((const float *)x + feature);
    return p->key_negative && bits < 0 ? (int32_t)(0x80000000 - (uint32_t)bits) - 1 : bits;
}

MICA_INLINE void mica_trees_table_at(const struct mica_trees_table *p, uint32_t cell,
                                     int32_t *label)
{
    const uint32_t at = cell * p->label_bits;
    const uint32_t byte = MICA_ROM_U8(p->label + (at >> 3));
    *label = (int32_t)(byte >> (at & 7) & ((1u << p->label_bits) - 1));
}

MICA_INLINE void mica_trees_table(const struct mica_trees_table *p, const void *x, int32_t *label)
{
    uint32_t cell = 0;
    for (int32_t i = p->n_tests - 1; i >= 0; i--) {
        const int32_t feature = p->feature ? (int32_t)MICA_ROM_U16(p->feature + i) : i;
        const int32_t key = p->key ? MICA_ROM_S32(p->key + i) : p->same_key;
        const uint32_t above = mica_trees_table_key(p, x, feature) > key;
        if (!p->step)
            cell = cell * 2 + above;
        else if (above)
            cell += MICA_ROM_U16(p->step + i);
    }
    mica_trees_table_at(p, cell, label);
}

#endif
