/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_VOTES_H
#define MICA_VOTES_H

#include <stdint.h>

#include "float64.h"
#include "rom.h"
#include "trees.h"

/* Trees that vote: the numbers of a leaf are shares k/n that make 1 (in each group of scores, where
 * labels are many). A leaf's number below n_scores means all for that class; above it is a place in
 * the table `share`, whose entries are
 *
 *     last:1 class:share_bits count:7 - share_bits        count 0: the next share_bytes have it
 *
 * for each class that has a share, n being the sum of the counts of a group. */
struct mica_share {
    const uint8_t *at; /* the next one */
    uint32_t class, count, last;
};

MICA_INLINE void mica_votes_share(const struct mica_trees *p, struct mica_share *s)
{
    const uint32_t byte = MICA_ROM_U8(s->at++), room = 7u - p->share_bits;
    s->last = byte >> 7;
    s->class = byte >> room & mica_trees_mask(p->share_bits);
    s->count = byte & mica_trees_mask(room);
    if (s->count)
        return;
    s->count = MICA_ROM_U8(s->at++);
    if (p->share_bytes > 1)
        s->count |= (uint32_t)MICA_ROM_U8(s->at++) << 8;
}

/* count / n in steps of 2^-scale, rounded down. */
MICA_INLINE uint32_t mica_votes_steps(const struct mica_trees *p, uint32_t count, uint32_t n)
{
#if MICA_DIVIDES
    return (count << p->scale) / n;
#else
    uint32_t steps = 0;
    for (int32_t i = 0; i <= p->scale; i++, count <<= 1) {
        steps <<= 1;
        if (count >= n) {
            count -= n;
            steps |= 1;
        }
    }
    return steps;
#endif
}

/* Shares have no sign. */
static inline uint64_t mica_votes_join(uint64_t a, uint64_t b)
{
    const int32_t swap = b > a;
    return mica_f64_join(swap ? b : a, swap ? a : b, 1);
}

/* Adds the shares at `at`: rounded down to steps of 2^-scale, or else as the library does. */
static inline uint32_t mica_votes_add(const struct mica_trees *p, const uint8_t *at,
                                      uint32_t *fixed, uint64_t *exact)
{
    struct mica_share s = {at, 0, 0, 0};
    uint32_t n = 0;
    do {
        mica_votes_share(p, &s);
        n += s.count;
    } while (!s.last);
    if (p->n_labels > 1)
        n /= (uint32_t)p->n_labels;
    s.at = at;
    do {
        mica_votes_share(p, &s);
        if (fixed)
            fixed[s.class] += mica_votes_steps(p, s.count, n);
        else
            exact[s.class] = mica_votes_join(exact[s.class], mica_f64_ratio((int32_t)s.count, n));
    } while (!s.last);
    return n > 1;
}

/* Sums the votes of all trees, into `fixed` or else into `exact`, which are zeros. Returns how many
 * of them were shared between classes. */
static inline uint32_t mica_votes_sum(const struct mica_trees *p, const void *x, uint32_t *fixed,
                                      uint64_t *exact)
{
    const uint32_t classes = (uint32_t)p->n_scores;
    uint32_t at = 0, shared = 0;
    for (int32_t i = 0; i < p->n_trees; i++) {
        const uint32_t leaf = mica_trees_next(p, x, &at, 0), code = mica_trees_code(p, leaf);
        if (p->share && code >= classes)
            shared += mica_votes_add(p, p->share + (code - classes), fixed, exact);
        else if (fixed)
            fixed[code] += (uint32_t)1 << p->scale;
        else
            exact[code] = mica_votes_join(exact[code], UINT64_C(1023) << 52);
    }
    return shared;
}

#endif
