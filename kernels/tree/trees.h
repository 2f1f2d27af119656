/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_TREES_H
#define MICA_TREES_H

#include <stdint.h>
#include <string.h>

#include "float_bits.h"
#include "rom.h"
#include "rom_far.h"

/* Ensembles of decision trees as a stream of bits. Trees follow each other; bits are taken from the
 * low end of each byte.
 *
 *     tree   length:length_bits node             in bytes, with what fills up the last one
 *     node   kind:2 feature:feature_bits missing:0..1 zero:0..1 set:0..1 threshold body
 *     body   kind 0: skip:skip_bits node node    skip is the length of the left node, in bits
 *            kind 1: leaf node                   the left side is a leaf
 *            kind 2: leaf node                   the right side is one; it stands first, too
 *            kind 3: leaf leaf                   of the left and of the right side
 *     leaf   code:leaf_bits, and where it is leaf_short or more, leaf_more bits behind it
 *
 * A row goes left where its number's key is at most the threshold's. Keys are integers in the order
 * of the numbers: of a float its bits, in which a negative one has all but the sign turned round.
 * Where no threshold is negative that is left out, for a negative float is a negative integer. NaN,
 * being the largest key, goes right unless a bit says left.
 *
 * The parameters are constants of the generated file: a compiler folds them into the code, and
 * drops what the ensemble at hand does not need. */
enum {                /* key_form */
       MICA_KEY_HALF, /* number of a key in the table key_half, its lower half being 0 */
       MICA_KEY_WORD, /* number of a key in the table key_word */
       MICA_KEY_BITS, /* the key less key_base */
       MICA_KEY_RANK, /* number of a key among those of its feature, which begin at first[feature] */
       MICA_KEY_WIDTH, /* the key less first[feature] * 2^16, in key_width[feature] bits, 1 at
                       least */
};
enum { MICA_X_FLOAT32, MICA_X_INT8, MICA_X_UINT8, MICA_X_INT16 }; /* x_form */
enum { MICA_MISSING_RIGHT, MICA_MISSING_LEFT, MICA_MISSING_BIT }; /* missing */
enum { MICA_LABEL_FIRST, MICA_LABEL_CUT, MICA_LABEL_SOFTMAX };    /* decide */
enum {                                                            /* leaf_form */
       MICA_LEAF_NUMBER,
       MICA_LEAF_FLOAT32,
       MICA_LEAF_FLOAT64,
       MICA_LEAF_RATIO,
       MICA_LEAF_STEPS
};

struct mica_trees {
    const uint16_t *stream;
    mica_far stream_far; /* instead of it where no pointer reaches: NULL elsewhere */
    const uint32_t *word;
    const uint32_t *root;
    uint8_t child_bits, steps;
    const uint16_t *key_half;
    const uint32_t *key_word;
    const uint16_t *first;
    const uint8_t *key_width;
    const uint32_t *set;
    uint8_t x_form, key_form, key_negative, missing, zero, sets, sets_down, stumps;
    uint8_t feature_bits, key_bits, set_bits, skip_bits, length_bits;
    uint8_t leaf_form, leaf_bits, leaf_more;
    int32_t key_base, leaf_short;
    int32_t n_trees, n_scores, n_labels, width;
    /* What the leaves add, and what is made of the sums. */
    const uint16_t *group;
    const uint8_t *share;
    const uint32_t *number;
    const uint16_t *output;
    const uint32_t *base;
    const int32_t *base_fixed;
    uint8_t path, one_output, share_bits, share_bytes, exponent_bits, number_zero, ratio_bits;
    uint8_t decide;
    int16_t scale, fixed_shift;
    int32_t exponent_base, ratio_base, bound, cut_fixed;
    uint32_t divisor, divisor_high, divisor_low, cut_high, cut_low;
    /* Of rounded leaves, see sums_rounded.h. */
    uint32_t packed_at;
    uint8_t packed_bits, certain;
    float unit;
};

/* The parameters that decide how much is read at once. A library of several ensembles has the
 * largest of each there, which are constants. */
#ifndef MICA_MOST
#define MICA_MOST(p) (p)
#endif

/* Of fewer than 32 bits. */
MICA_INLINE uint32_t mica_trees_low(uint32_t bits)
{
    return ((uint32_t)1 << bits) - 1;
}

MICA_INLINE uint32_t mica_trees_mask(uint32_t bits)
{
    return bits > 31 ? ~(uint32_t)0 : ((uint32_t)1 << bits) - 1;
}

/* How many bits are read at once: what a read gives that costs little, and what is worth a longer
 * one. Cores that load a word from anywhere do; others load halves of words, two or three. */
#if defined(__AVR__)
enum { MICA_TREES_NEAR = 25, MICA_TREES_FAR = 25, MICA_TREES_START = 32 };
#elif (defined(__ARM_FEATURE_UNALIGNED) || defined(__i386__) || defined(__x86_64__)) && \
    defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define MICA_TREES_UNALIGNED
enum { MICA_TREES_NEAR = 25, MICA_TREES_FAR = 25, MICA_TREES_START = 32 };
#else
enum { MICA_TREES_NEAR = 17, MICA_TREES_FAR = 32, MICA_TREES_START = 0 };
#endif

#if defined(__AVR__)
/* 25 bits: long code on a core of 8 bits, which is there once. */
__attribute__((noinline, unused)) static uint32_t mica_bits_near(const uint8_t *from, uint8_t shift)
{
    return pgm_read_dword(from) >> shift;
}
#endif

/* The bits from `at` on: n of them are good, those above are not to be looked at. */
MICA_INLINE uint32_t mica_bits_read(const uint16_t *bits, uint32_t at, uint32_t n)
{
#if defined(__AVR__)
    const uint8_t *from = (const uint8_t *)bits + (at >> 3);
    const uint32_t w = mica_bits_near(from, at & 7);
    return n <= 25 ? w : w | (uint32_t)pgm_read_byte(from + 4) << 1 << (31 - (at & 7));
#elif defined(MICA_TREES_UNALIGNED)
    const uint8_t *from = (const uint8_t *)bits + (at >> 3);
    uint32_t w;
    memcpy(&w, from, sizeof w);
    w >>= at & 7;
    return n <= 25 ? w : w | (uint32_t)from[4] << 1 << (31 - (at & 7));
#else
    const uint16_t *from = bits + (at >> 4);
    const uint32_t w = (from[0] | (uint32_t)from[1] << 16) >> (at & 15);
    return n <= 17 ? w : w | (uint32_t)from[2] << 1 << (31 - (at & 15));
#endif
}

/* The same where a function finds the words of the stream. */
MICA_INLINE uint32_t mica_trees_read_far(const struct mica_trees *p, uint32_t at, uint32_t n)
{
    const mica_far_address from = p->stream_far(at >> 4);
#if defined(__AVR_HAVE_ELPM__)
    const uint32_t w = pgm_read_dword_far(from + (at >> 3 & 1)) >> (at & 7);
    if (n <= 25)
        return w;
    return w | (uint32_t)pgm_read_byte_far(from + (at >> 3 & 1) + 4) << 1 << (31 - (at & 7));
#else
    const uint32_t w = (MICA_ROM_U16(from) | (uint32_t)MICA_ROM_U16(from + 1) << 16) >> (at & 15);
    return n <= 17 ? w : w | (uint32_t)MICA_ROM_U16(from + 2) << 1 << (31 - (at & 15));
#endif
}

MICA_INLINE uint32_t mica_trees_read(const struct mica_trees *p, uint32_t at, uint32_t n)
{
    if (p->stream_far)
        return mica_trees_read_far(p, at, n);
    return mica_bits_read(p->stream, at, n);
}

/* The bits from a byte on where a tree starts: MICA_TREES_START of them, or its length at least. */
MICA_INLINE uint32_t mica_trees_start(const struct mica_trees *p, uint32_t byte)
{
    if (p->stream_far)
        return mica_trees_read_far(p, 8 * byte, 32);
#if defined(__AVR__)
    return pgm_read_dword((const uint8_t *)p->stream + byte);
#elif defined(MICA_TREES_UNALIGNED)
    uint32_t w;
    memcpy(&w, (const uint8_t *)p->stream + byte, sizeof w);
    return w;
#elif defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    const uint8_t *from = (const uint8_t *)p->stream + byte;
    uint32_t w = from[0];
    for (uint32_t i = 1; 8 * i < p->length_bits; i++)
        w |= (uint32_t)from[i] << 8 * i;
    return w;
#else
    return mica_trees_read(p, 8 * byte, p->length_bits);
#endif
}

MICA_INLINE int32_t mica_trees_key(const struct mica_trees *p, const void *x, uint32_t feature)
{
    if (p->x_form == MICA_X_INT8)
        return ((const int8_t *)x)[feature];
    if (p->x_form == MICA_X_UINT8)
        return ((const uint8_t *)x)[feature];
    if (p->x_form == MICA_X_INT16)
        return ((const int16_t *)x)[feature];
    /* In bytes: in the stream, the number stands two bits up already. */
    const void *number = (const char *)x + (feature << 2);
    int32_t key = mica_float_bits(number);
    if (p->key_negative)
        key ^= (int32_t)((uint32_t)(key >> 31) >> 1);
    return key;
}

/* The threshold whose bits are the lowest of w; *bits is how many they are. */
MICA_INLINE int32_t mica_trees_threshold(const struct mica_trees *p, uint32_t feature, uint32_t w,
                                         uint32_t *bits)
{
    *bits = p->key_bits;
    if (p->key_form == MICA_KEY_HALF)
        return (int32_t)((uint32_t)MICA_ROM_U16(p->key_half + (w & mica_trees_low(*bits))) << 16);
    if (p->key_form == MICA_KEY_WORD)
        return (int32_t)MICA_ROM_U32(p->key_word + (w & mica_trees_low(*bits)));
    if (p->key_form == MICA_KEY_BITS)
        return (int32_t)((uint32_t)p->key_base + (w & mica_trees_mask(*bits)));
    const uint32_t first = MICA_ROM_U16(p->first + feature);
    if (p->key_form == MICA_KEY_RANK) {
        *bits = first & 15;
        w &= ((uint32_t)1 << *bits) - 1;
        return (int32_t)MICA_ROM_U32(p->key_word + (first >> 4) + w);
    }
    *bits = MICA_ROM_U8(p->key_width + feature);
    return (int32_t)((first << 16) + (w << (32 - *bits) >> (32 - *bits)));
}

/* Does a number that is NaN, or a zero that stands for it, come here? */
MICA_INLINE uint32_t mica_trees_missing(const struct mica_trees *p, int32_t key, uint32_t zero)
{
    if (!p->zero)
        return key > 0x7f800000;
    if (p->x_form != MICA_X_FLOAT32)
        return zero && !key;
    const uint32_t size = (uint32_t)(p->key_negative && key < 0 ? ~key : key) & 0x7fffffff;
    return size > 0x7f800000 || (zero && size <= 0x0554ad2e); /* 1e-35f */
}

/* 1 where the category, that is the number without its fraction, is not in the set; with sets_down
 * no number below 0 is. */
MICA_SHARED uint32_t mica_trees_outside(const struct mica_trees *p, const void *x, uint32_t feature,
                                        uint32_t set)
{
    const uint32_t *at = p->set + set, words = MICA_ROM_U32(at);
    int32_t category;
    if (p->x_form == MICA_X_FLOAT32) {
        const float v = ((const float *)x)[feature];
        const int32_t inside = p->sets_down ? v >= 0.0f : v > -1.0f;
        category = inside && v < 2147483648.0f ? (int32_t)v : -1;
    } else {
        category = mica_trees_key(p, x, feature);
    }
    if (category < 0 || (uint32_t)category >> 5 >= words)
        return 1;
    return !(MICA_ROM_U32(at + 1 + (category >> 5)) >> (category & 31) & 1);
}

/* Which side a row takes at a test. NaN is above all thresholds: only on the right side need one
 * ask for it. */
MICA_INLINE uint32_t mica_trees_side(const struct mica_trees *p, const void *x, uint32_t feature,
                                     uint32_t w, uint32_t flags, uint32_t *bits)
{
    const int32_t key = mica_trees_key(p, x, feature);
    const uint32_t left = p->missing == MICA_MISSING_BIT ? flags & 1 : p->missing;
    const uint32_t rest = flags >> (p->missing == MICA_MISSING_BIT);
    uint32_t right = 0;
    if (p->sets && rest >> p->zero & 1) {
        *bits = p->set_bits;
        right = mica_trees_outside(p, x, feature, w & mica_trees_mask(p->set_bits));
    } else if (key > mica_trees_threshold(p, feature, w, bits)) {
        right = 1;
    }
    if ((right || p->zero) && (p->missing || p->zero) && mica_trees_missing(p, key, rest & 1))
        right = !left;
    return right;
}

MICA_INLINE uint32_t mica_trees_leaf_bits(const struct mica_trees *p, uint32_t w)
{
    if (!p->leaf_more || (w & mica_trees_mask(p->leaf_bits)) < (uint32_t)p->leaf_short)
        return p->leaf_bits;
    return (uint32_t)p->leaf_bits + p->leaf_more;
}

/* Has a compiler keep one value of `at` in a register, where it would carry its sums with several
 * constants through the loop: 2 to 7 % of the instructions. It does nothing. */
#if defined(__GNUC__)
#define MICA_TREES_ONE(at) __asm__("" : "+r"(at))
#else
#define MICA_TREES_ONE(at) (void)(at)
#endif

/* The bits of a test before those of its kind: of the head, and the most that a key has. */
MICA_INLINE uint32_t mica_trees_head(const struct mica_trees *p)
{
    return 2u + p->feature_bits + (uint32_t)(p->missing == MICA_MISSING_BIT) + p->zero + p->sets;
}

MICA_INLINE uint32_t mica_trees_key_bits(const struct mica_trees *p)
{
    return p->set_bits > p->key_bits ? p->set_bits : p->key_bits;
}

/* How many bits of a test are read first: with what tells the length of a leaf, and the skip, where
 * that costs no more. */
MICA_INLINE uint32_t mica_trees_first(const struct mica_trees *p)
{
    const uint32_t head = mica_trees_head(MICA_MOST(p)), leaf_bits = MICA_MOST(p)->leaf_bits;
    const uint32_t test = head + mica_trees_key_bits(MICA_MOST(p));
    const uint32_t leaf = test + (MICA_MOST(p)->leaf_more ? leaf_bits : 0);
    const uint32_t skip = test + MICA_MOST(p)->skip_bits;
    if (test > MICA_TREES_FAR)
        return head;
    const uint32_t first = leaf > MICA_TREES_FAR ? test : leaf;
    const uint32_t good = first > MICA_TREES_NEAR ? MICA_TREES_FAR : MICA_TREES_NEAR;
    return skip > first && skip <= good ? skip : first;
}

/* What follows the bits of a key, which are the lowest of w where `first` of them were read: n bits
 * from `at` on. */
MICA_INLINE uint32_t mica_trees_rest(const struct mica_trees *p, uint32_t at, uint32_t w,
                                     uint32_t bits, uint32_t n)
{
    const uint32_t test = mica_trees_head(MICA_MOST(p)) + mica_trees_key_bits(MICA_MOST(p));
    return test + n <= mica_trees_first(p) ? w >> bits : mica_trees_read(p, at, n);
}

/* Where the leaf is that x comes to from the node at `at`, of which w is what is read first; *depth
 * counts the tests. */
MICA_SHARED uint32_t mica_trees_walk(const struct mica_trees *p, const void *x, uint32_t at,
                                     uint32_t w, uint32_t *depth)
{
    const uint32_t head = mica_trees_head(p), first = mica_trees_first(p);
    for (;; w = mica_trees_read(p, at, first)) {
        uint32_t bits;
        const uint32_t kind = w & 3, feature = w >> 2 & mica_trees_low(p->feature_bits);
        const uint32_t flag = w >> 2 >> p->feature_bits;
        at += head;
        w = first > mica_trees_head(MICA_MOST(p))
                ? w >> head
                : mica_trees_read(p, at, mica_trees_key_bits(MICA_MOST(p)));
        uint32_t right = mica_trees_side(p, x, feature, w, flag, &bits);
        at += bits;
        MICA_TREES_ONE(at);
        if (p->path)
            ++*depth;
        if (!kind) {
            if (right)
                at += mica_trees_rest(p, at, w, bits, MICA_MOST(p)->skip_bits) &
                      mica_trees_low(p->skip_bits);
            at += p->skip_bits;
            continue;
        }
        if (kind == 2)
            right ^= 1;
        if (!right)
            return at;
        at += mica_trees_leaf_bits(p, mica_trees_rest(p, at, w, bits, MICA_MOST(p)->leaf_bits));
        if (kind == 3)
            return at;
    }
}

/* The same ensembles as words, for speed: two a test, or one where the keys are in a table. Trees
 * have two words in `root`: where they begin, and the number of their first leaf.
 *
 *     word   feature:feature_bits key:key_bits missing:0..1 ... right:child_bits left:child_bits
 *     word   key, where steps is 2
 *     child  the tests between this one and the next that come first; or with the top bit set, the
 *            number of a leaf, less that of the first one */
MICA_SHARED uint32_t mica_trees_step(const struct mica_trees *p, const void *x, uint32_t at,
                                     uint32_t *depth)
{
    const uint32_t head = (uint32_t)p->feature_bits + (p->steps > 1 ? 0 : p->key_bits);
    const uint32_t left = 32u - p->child_bits, right = left - p->child_bits;
    for (;;) {
        const uint32_t w = MICA_ROM_U32(p->word + at);
        const int32_t key = mica_trees_key(p, x, w & mica_trees_mask(p->feature_bits));
        uint32_t child = w >> left, bits;
        const int32_t threshold = p->steps > 1
                                      ? (int32_t)MICA_ROM_U32(p->word + at + 1)
                                      : mica_trees_threshold(p, 0, w >> p->feature_bits, &bits);
        if (key > threshold && !(p->missing && key > 0x7f800000 &&
                                 (p->missing == MICA_MISSING_LEFT || (w >> head & 1))))
            child = w >> right & mica_trees_mask(p->child_bits);
        at += p->steps;
        if (p->path)
            ++*depth;
        if (child >> (p->child_bits - 1))
            return child & mica_trees_mask((uint32_t)p->child_bits - 1);
        at += child * p->steps;
    }
}

/* The leaf of the tree at *at, which moves on to the next tree: where it stands, or in words, its
 * number. */
MICA_INLINE uint32_t mica_trees_next(const struct mica_trees *p, const void *x, uint32_t *at,
                                     uint32_t *depth)
{
    if (p->word) {
        const uint32_t *root = p->root + 2 * (*at)++;
        return MICA_ROM_U32(root + 1) + mica_trees_step(p, x, MICA_ROM_U32(root), depth);
    }
    const uint32_t node = 8 * *at + p->length_bits, first = mica_trees_first(p);
    uint32_t w = mica_trees_start(p, *at);
    const uint32_t length = w & mica_trees_low(p->length_bits);
    if (p->stumps && !length) {
        *at += (p->length_bits + mica_trees_leaf_bits(p, mica_trees_read(p, node, p->leaf_bits)) +
                7) >>
               3;
        return node;
    }
    *at += length;
    w = MICA_TREES_START >= MICA_MOST(p)->length_bits + first ? w >> p->length_bits
                                                              : mica_trees_read(p, node, first);
    return mica_trees_walk(p, x, node, w, depth);
}

/* The number of a leaf where leaves are numbered. */
MICA_INLINE uint32_t mica_trees_code(const struct mica_trees *p, uint32_t leaf)
{
    if (p->word)
        return leaf;
    const uint32_t w = mica_trees_read(p, leaf, (uint32_t)p->leaf_bits + p->leaf_more);
    const uint32_t code = w & mica_trees_mask(p->leaf_bits);
    if (!p->leaf_more || code < (uint32_t)p->leaf_short)
        return code;
    return (uint32_t)p->leaf_short + ((code - (uint32_t)p->leaf_short) << p->leaf_more |
                                      (w >> p->leaf_bits & mica_trees_mask(p->leaf_more)));
}

#endif
