/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_SUMS_ROUNDED_H
#define MICA_SUMS_ROUNDED_H

#include <stdint.h>

#include "rom.h"
#include "trees.h"

/* Sums of trees whose leaves are rounded to whole steps, counted from the lowest leaf on. A leaf
 * has its steps
 *
 *     where it stands, leaf_bits of them; or a number, and for that the steps
 *     in a table behind the trees, which begins at the bit packed_at and has packed_bits for each;
 *     or, where tests are words, in the table `number`.
 *
 * Sums are taken modulo 2^32, since what they begin with may be beyond the range that they end
 * in. */
MICA_INLINE uint32_t mica_rounded_steps(const struct mica_trees *p, uint32_t leaf)
{
    if (p->leaf_form == MICA_LEAF_STEPS)
        return mica_trees_read(p, leaf, p->leaf_bits) & mica_trees_mask(p->leaf_bits);
    const uint32_t code = mica_trees_code(p, leaf), bits = p->packed_bits;
    if (p->number)
        return MICA_ROM_U32(p->number + code);
    return mica_trees_read(p, p->packed_at + code * bits, bits) & mica_trees_mask(bits);
}

MICA_INLINE void mica_sums_rounded(const struct mica_trees *p, const void *x, int32_t *sum)
{
    uint32_t at = 0;
    int32_t score = 0;
    for (int32_t i = 0; i < p->n_scores; i++)
        sum[i] = p->base_fixed ? MICA_ROM_S32(p->base_fixed + i) : 0;
    for (int32_t i = 0; i < p->n_trees; i++) {
        const uint32_t leaf = mica_trees_next(p, x, &at, 0);
        if (p->output)
            score = MICA_ROM_U16(p->output + i);
        sum[score] = (int32_t)((uint32_t)sum[score] + mica_rounded_steps(p, leaf));
        if (!p->output && !p->one_output && ++score == p->n_scores)
            score = 0;
    }
}

#endif
