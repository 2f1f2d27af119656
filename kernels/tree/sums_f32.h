/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_SUMS_F32_H
#define MICA_SUMS_F32_H

#include <stdint.h>

#include "float32.h"
#include "rom.h"
#include "trees.h"

/* Sums of trees whose library adds in float32, in that very arithmetic. Leaves are numbered, or
 *
 *     fraction:23 exponent:exponent_bits sign:1     the exponent is less exponent_base;
 *                                                   with number_zero, 0 means that it is 0 */
MICA_INLINE float mica_sums_number_f32(const struct mica_trees *p, uint32_t leaf, int32_t j)
{
    uint32_t bits;
    if (p->leaf_form == MICA_LEAF_FLOAT32) {
        const uint32_t w = mica_trees_read(p, leaf, p->leaf_bits);
        const uint32_t above = 8u - p->exponent_bits, size = mica_trees_mask(31 - above);
        bits = (uint32_t)((int32_t)(w << above) >> above) & (size | 0x80000000);
        if (!p->number_zero || (bits & size) >> 23)
            bits += (uint32_t)p->exponent_base << 23;
    } else {
        bits = MICA_ROM_U32(p->number + (int32_t)mica_trees_code(p, leaf) * p->width + j);
    }
    return mica_f32_of(bits);
}

static inline void mica_sums_f32(const struct mica_trees *p, const void *x, float *sum)
{
    uint32_t at = 0;
    int32_t first = 0;
    for (int32_t i = 0; i < p->n_scores; i++) {
        sum[i] = mica_f32_of(p->base ? MICA_ROM_U32(p->base + i) : 0);
    }
    for (int32_t i = 0; i < p->n_trees; i++) {
        const uint32_t leaf = mica_trees_next(p, x, &at, 0);
        if (p->output)
            first = MICA_ROM_U16(p->output + i);
        for (int32_t j = 0; j < p->width; j++)
            sum[first + j] = mica_f32_plus(sum[first + j], mica_sums_number_f32(p, leaf, j));
        if (!p->output && !p->one_output && ++first == p->n_scores)
            first = 0;
    }
}

#endif
