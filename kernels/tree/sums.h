/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_SUMS_H
#define MICA_SUMS_H

#include <stdint.h>

#include "float64.h"
#include "rom.h"
#include "trees.h"

/* Numbers of leaves, as the high and the low word of a float64.
 *
 *     float64   fraction:20 exponent:exponent_bits sign:1 fraction:32
 *               the exponent is less exponent_base; with number_zero, 0 means that it is 0
 *     ratio     den - 1:ratio_bits, num - ratio_base in the other bits
 *     number    of a row in the table `number`: `width` float64, the low word first, or where
 *               ratio_bits is not 0, a ratio
 */
struct mica_number {
    uint32_t high, low;
};

/* What comes before the low word; instead of that, whether the number is other than 0. Of 0, the
 * exponent is wrong. */
MICA_INLINE struct mica_number mica_sums_high(const struct mica_trees *p, uint32_t leaf)
{
    struct mica_number v = {0, 0};
    const uint32_t above = 11u - p->exponent_bits, size = mica_trees_mask(31 - above);
    const uint32_t w = mica_trees_read(p, leaf, 32 - above);
    v.high = (uint32_t)((int32_t)(w << above) >> above) & (size | 0x80000000);
    v.low = !p->number_zero || (v.high & size) >> 20;
    v.high += (uint32_t)p->exponent_base << 20;
    return v;
}

/* Number j of a leaf, to the last bit. */
MICA_INLINE uint64_t mica_sums_number(const struct mica_trees *p, uint32_t leaf, int32_t j)
{
    if (p->leaf_form == MICA_LEAF_FLOAT64) {
        const struct mica_number v = mica_sums_high(p, leaf);
        const uint32_t low = mica_trees_read(p, leaf + 21 + p->exponent_bits, 32);
        return (uint64_t)(v.low ? v.high : v.high & 0x800fffff) << 32 | low;
    }
    if (p->ratio_bits) {
        uint32_t w;
        if (p->leaf_form == MICA_LEAF_RATIO)
            w = mica_trees_read(p, leaf, p->leaf_bits) & mica_trees_mask(p->leaf_bits);
        else
            w = MICA_ROM_U32(p->number + mica_trees_code(p, leaf));
        return mica_f64_ratio((int32_t)(w >> p->ratio_bits) + p->ratio_base,
                              (w & mica_trees_mask(p->ratio_bits)) + 1);
    }
    const uint32_t *at = p->number + 2 * ((int32_t)mica_trees_code(p, leaf) * p->width + j);
    return (uint64_t)MICA_ROM_U32(at + 1) << 32 | MICA_ROM_U32(at);
}

/* A number in steps of 2^-scale, all bits turned round where it is negative: `fraction` has it in
 * the highest bits, `sign` is the highest bit, and the steps are 1.fraction 2^(31 - down). */
MICA_INLINE int32_t mica_sums_steps(uint32_t fraction, int32_t down, uint32_t sign)
{
    const uint32_t size = down > 31 ? 0 : (fraction >> 1 | 0x80000000) >> down;
    return (int32_t)size ^ (int32_t)sign >> 31;
}

/* Of the high word alone. */
MICA_INLINE int32_t mica_sums_word(const struct mica_trees *p, uint32_t high)
{
    return mica_sums_steps(high << 12, p->fixed_shift - (int32_t)(high >> 20 & 2047), high);
}

/* How many bits of a float64's high word stay unread, so that one read of 25 has the others. */
MICA_INLINE uint32_t mica_sums_unread(const struct mica_trees *p)
{
    return p->exponent_bits > 4 && p->exponent_bits < 8 ? p->exponent_bits - 4u : 0;
}

/* Where the number is 0, its exponent is wrong: who takes the sums has to know how far it leads
 * astray. */
MICA_INLINE int32_t mica_sums_fixed(const struct mica_trees *p, uint32_t leaf, int32_t j)
{
    if (p->leaf_form != MICA_LEAF_FLOAT64) {
        const int32_t at = (int32_t)mica_trees_code(p, leaf) * p->width + j;
        return mica_sums_word(p, MICA_ROM_U32(p->number + 2 * at + 1));
    }
    const uint32_t unread = mica_sums_unread(p), bits = 20 - unread;
    const uint32_t w = mica_trees_read(p, leaf + unread, bits + p->exponent_bits + 1);
    const uint32_t exponent = w >> bits & mica_trees_mask(p->exponent_bits);
    return mica_sums_steps(w << (32 - bits), p->fixed_shift - p->exponent_base - (int32_t)exponent,
                           w << (31 - bits - p->exponent_bits));
}

MICA_INLINE uint64_t mica_sums_base(const struct mica_trees *p, int32_t i)
{
    return (uint64_t)MICA_ROM_U32(p->base + 2 * i + 1) << 32 | MICA_ROM_U32(p->base + 2 * i);
}

/* A sum divided as the library divides it: by an integer, or where `divisor` is 0, by a float64. */
MICA_INLINE uint64_t mica_sums_divide(const struct mica_trees *p, uint64_t sum)
{
    if (p->divisor)
        return p->divisor > 1 ? mica_f64_divide(sum, p->divisor) : sum;
    return mica_f64_over(sum, (uint64_t)p->divisor_high << 32 | p->divisor_low);
}

/* What a leaf adds to a score, as the library adds it. Of a path it is (d + c) - 1 with d tests
 * above the leaf plus 1. */
MICA_INLINE uint64_t mica_sums_exact(const struct mica_trees *p, uint32_t leaf, int32_t j,
                                     uint32_t depth)
{
    const uint64_t v = mica_sums_number(p, leaf, j);
    if (!p->path)
        return v;
    return mica_f64_add(mica_f64_add(mica_f64_ratio((int32_t)depth + 1, 1), v), UINT64_C(3071)
                                                                                    << 52);
}

/* The sums of all scores: in steps of 2^-scale, or else as the library forms them. */
static inline void mica_sums_add(const struct mica_trees *p, const void *x, int32_t *fixed,
                                 uint64_t *exact)
{
    uint32_t at = 0;
    int32_t first = 0;
    for (int32_t i = 0; i < p->n_scores; i++) {
        if (fixed)
            fixed[i] = p->base_fixed ? MICA_ROM_S32(p->base_fixed + i) : 0;
        else
            exact[i] = p->base ? mica_sums_base(p, i) : 0;
    }
    for (int32_t i = 0; i < p->n_trees; i++) {
        uint32_t depth = 0;
        const uint32_t leaf = mica_trees_next(p, x, &at, &depth);
        if (p->output)
            first = MICA_ROM_U16(p->output + i);
        for (int32_t j = 0; j < p->width; j++) {
            if (!fixed)
                exact[first + j] = mica_f64_add(exact[first + j],
                                                mica_sums_exact(p, leaf, j, depth));
            else
                fixed[first + j] += mica_sums_fixed(p, leaf, j) +
                                    (p->path ? (int32_t)depth << p->scale : 0);
        }
        if (!p->output && !p->one_output && ++first == p->n_scores)
            first = 0;
    }
}

#endif
