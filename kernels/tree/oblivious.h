/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_OBLIVIOUS_H
#define MICA_OBLIVIOUS_H

#include <stdint.h>
#include <string.h>

#include "float64.h"
#include "rom.h"

/* Symmetric trees: all nodes of a level make the same test, x > border, so that the answers are the
 * bits of the number of a leaf; the first test gives bit 0.
 *
 * Tests compare integers: the bits of a float32 in the order of the numbers. They are made once for
 * each column that is tested, together with what is to happen to NaN. A tree's tests stand in the
 * array from the last one to the first. A test is the number of a pair of column and border, where
 * that takes less than pairs in the order of the tests.
 *
 * A leaf is a row of `width` float64, in two arrays of their high and low words. Where many leaves
 * are zeros, only others have rows: bit i % 32 of the word mask[i / 32] tells whether leaf i of the
 * tree has one, and `row` counts those before the word.
 *
 * The parameters are constants of the generated file: a compiler folds them into the code, and
 * drops what the ensemble at hand does not need. */
struct mica_oblivious {
    int32_t n_trees, width, n_columns;
    int32_t same_depth; /* of all trees, where `depth` is NULL */
    const uint8_t *depth;
    const uint8_t *column8; /* of the input: one of the two, or both NULL where it is i */
    const uint16_t *column16;
    const uint8_t *missing; /* bit set: NaN is above all borders; NULL: below, in every column */
    const uint8_t *test8;   /* pair of each test: one of the two, or both NULL where it is i */
    const uint16_t *test16;
    const uint8_t *feature8; /* of each pair, numbers of columns: one of the two */
    const uint16_t *feature16;
    const uint16_t *key16; /* upper halves of borders whose lower halves are 0, or */
    const int32_t *key32;
    const uint32_t *high, *low;
    const uint32_t *mask;
    const uint16_t *row;
    /* What is made of the sums. */
    const uint32_t *base; /* float64, the low words first; NULL: 0 */
    const int32_t *base_fixed;
    const int32_t *cut_fixed;       /* NULL: the label is the number of the largest sum */
    const uint32_t *cut;            /* float64, the low words first */
    uint32_t scale_high, scale_low; /* 0: scores are sums */
    int32_t bound;
    int16_t fixed_shift;
    uint8_t key_negative;
};

/* ---- leaves ---------------------------------------------------------------------------------- */

/* What the input's columns are as integers. */
MICA_SHARED void mica_oblivious_keys(const struct mica_oblivious *p, const float *x, int32_t *keys)
{
    for (int32_t i = 0; i < p->n_columns; i++) {
        int32_t key, column = i;
        if (p->column8)
            column = MICA_ROM_U8(p->column8 + i);
        else if (p->column16)
            column = MICA_ROM_U16(p->column16 + i);
        memcpy(&key, x + column, sizeof key);
        if ((key & 0x7fffffff) > 0x7f800000)
            key = p->missing && (MICA_ROM_U8(p->missing + (i >> 3)) >> (i & 7) & 1)
                      ? 0x7fffffff
                      : -0x7fffffff - 1;
        else if (p->key_negative)
            key ^= (int32_t)((uint32_t)(key >> 31) >> 1);
        keys[i] = key;
    }
}

MICA_SHARED uint32_t mica_oblivious_ones(uint32_t w)
{
    w -= w >> 1 & 0x55555555;
    w = (w & 0x33333333) + (w >> 2 & 0x33333333);
    return ((w + (w >> 4)) & 0x0f0f0f0f) * 0x01010101 >> 24;
}

/* Where a walk over the trees is. */
struct mica_oblivious_place {
    int32_t tree, test, leaf; /* leaf: of this tree the first, or the word of `mask` */
};

/* The row of the leaf where the next tree ends; -1: all its numbers are 0. */
MICA_SHARED int32_t mica_oblivious_next(const struct mica_oblivious *p, const int32_t *keys,
                                        struct mica_oblivious_place *at)
{
    const int32_t depth = p->depth ? MICA_ROM_U8(p->depth + at->tree) : p->same_depth;
    const int32_t first = at->leaf, end = at->test + depth;
    int32_t leaf = 0;
    for (int32_t i = at->test; i < end; i++) {
        int32_t pair = i;
        if (p->test8)
            pair = MICA_ROM_U8(p->test8 + i);
        else if (p->test16)
            pair = MICA_ROM_U16(p->test16 + i);
        const int32_t feature = p->feature8 ? MICA_ROM_U8(p->feature8 + pair)
                                            : MICA_ROM_U16(p->feature16 + pair);
        const int32_t key = p->key16 ? (int32_t)((uint32_t)MICA_ROM_U16(p->key16 + pair) << 16)
                                     : MICA_ROM_S32(p->key32 + pair);
        leaf = leaf << 1 | (keys[feature] > key);
    }
    at->tree++;
    at->test = end;
    if (!p->mask) {
        at->leaf += (int32_t)1 << depth;
        return first + leaf;
    }
    at->leaf += depth > 5 ? (int32_t)1 << (depth - 5) : 1;
    const int32_t word = first + (leaf >> 5);
    const uint32_t mask = MICA_ROM_U32(p->mask + word), bit = (uint32_t)1 << (leaf & 31);
    return mask & bit ? MICA_ROM_U16(p->row + word) + (int32_t)mica_oblivious_ones(mask & (bit - 1))
                      : -1;
}

/* ---- sums ------------------------------------------------------------------------------------ */

/* A number in steps of 2^-scale, of its high word alone. */
MICA_SHARED int32_t mica_oblivious_steps(const struct mica_oblivious *p, uint32_t high)
{
    const int32_t down = p->fixed_shift - (int32_t)(high >> 20 & 2047);
    const int32_t m = (int32_t)((high & 0xfffff) | 0x100000);
    const int32_t v = down > 31 ? 0 : down < 0 ? m << -down : m >> down;
    return high >> 31 ? -v : v;
}

/* Sums of all trees in steps, from base_fixed on. */
MICA_SHARED void mica_oblivious_fixed(const struct mica_oblivious *p, const int32_t *keys,
                                      int32_t *sum)
{
    struct mica_oblivious_place at = {0, 0, 0};
    for (int32_t j = 0; j < p->width; j++)
        sum[j] = p->base_fixed ? MICA_ROM_S32(p->base_fixed + j) : 0;
    for (int32_t i = 0; i < p->n_trees; i++) {
        const int32_t row = mica_oblivious_next(p, keys, &at);
        for (int32_t j = 0; row >= 0 && j < p->width; j++)
            sum[j] += mica_oblivious_steps(p, MICA_ROM_U32(p->high + row * p->width + j));
    }
}

/* Sums of all trees as the library forms them: in float64, from 0 on. */
MICA_SHARED void mica_oblivious_exact(const struct mica_oblivious *p, const int32_t *keys,
                                      uint64_t *sum)
{
    struct mica_oblivious_place at = {0, 0, 0};
    for (int32_t j = 0; j < p->width; j++)
        sum[j] = 0;
    for (int32_t i = 0; i < p->n_trees; i++) {
        const int32_t row = mica_oblivious_next(p, keys, &at);
        for (int32_t j = 0; row >= 0 && j < p->width; j++) {
            const int32_t number = row * p->width + j;
            sum[j] = mica_f64_add(sum[j], (uint64_t)MICA_ROM_U32(p->high + number) << 32 |
                                              MICA_ROM_U32(p->low + number));
        }
    }
}

/* a * b, both finite and b positive. The lower half of the product only tells whether it is 0. */
MICA_SHARED uint64_t mica_oblivious_times(uint64_t a, uint64_t b)
{
    uint64_t m = mica_f64_significand(a), n = mica_f64_significand(b);
    int32_t e = mica_f64_exponent(a) + mica_f64_exponent(b) - 1023;
    if (!m)
        return 0;
    while (!(m >> 62))
        m <<= 1, e--;
    while (!(n >> 62))
        n <<= 1, e--;
    const uint64_t low = (m & 0xffffffff) * (n & 0xffffffff);
    const uint64_t one = (m >> 32) * (n & 0xffffffff), two = (m & 0xffffffff) * (n >> 32);
    const uint64_t middle = (low >> 32) + (one & 0xffffffff) + (two & 0xffffffff);
    const uint64_t high = (m >> 32) * (n >> 32) + (one >> 32) + (two >> 32) + (middle >> 32);
    const uint64_t rest = (middle << 32) | (low & 0xffffffff);
    return mica_f64_round(a, high << 2 | rest >> 62 | (rest << 2 != 0), e);
}

/* The score of a sum: the sum times a factor, and a number added. */
MICA_SHARED uint64_t mica_oblivious_score(const struct mica_oblivious *p, uint64_t sum, int32_t j)
{
    if (p->scale_high)
        sum = mica_oblivious_times(sum, (uint64_t)p->scale_high << 32 | p->scale_low);
    if (p->base)
        sum = mica_f64_add(sum, (uint64_t)MICA_ROM_U32(p->base + 2 * j + 1) << 32 |
                                    MICA_ROM_U32(p->base + 2 * j));
    return sum;
}

#endif
