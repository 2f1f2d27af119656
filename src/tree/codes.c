/* SPDX-License-Identifier: Apache-2.0 */
/* codes.c - leaves as bits: votes, numbers of a table, or numbers that stand in the stream. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.gen.h"
#include "tree/tree.h"

enum { READ_BITS = 25 }; /* what one unaligned word gives for certain */

int bits_for(uint32_t most)
{
    int bits = 0;
    for (; most; most >>= 1)
        bits++;
    return bits;
}

/* How many leaves have each value. */
static int32_t *count_values(struct ctx *ctx, const struct forest *f)
{
    int32_t *count = NEWS(ctx, int32_t, f->n_values);
    for (int32_t i = 0; i < f->n_nodes; i++)
        if (f->feature[i] < 0)
            count[f->left[i]]++;
    return count;
}

/* ---- votes ----------------------------------------------------------------------------------- */

/* The bytes of a leaf's shares, see kernels/tree/votes.h; returns how many. */
static int32_t put_shares(const struct forest *f, const struct mica_trees *p, int32_t value,
                          uint8_t *to)
{
    const int32_t *num = f->num + (int64_t)value * f->width;
    const int room = 7 - p->share_bits;
    int32_t n = 0, last = 0;
    for (int32_t j = 0; j < f->width; j++)
        if (num[j])
            last = j;
    for (int32_t j = 0; j <= last; j++) {
        if (!num[j])
            continue;
        const bool in_byte = num[j] < 1 << room;
        to[n++] = (uint8_t)((j == last ? 128 : 0) | j << room | (in_byte ? num[j] : 0));
        for (int b = 0; !in_byte && b < p->share_bytes; b++)
            to[n++] = (uint8_t)(num[j] >> 8 * b);
    }
    return n;
}

/* Codes up to `most`; those below `shorter` may be short. Takes the cheapest split. */
static void split_votes(struct leaf_codes *c, int64_t n_pure, int64_t n_shared, int32_t most)
{
    c->bits = bits_for((uint32_t)c->shorter - (n_shared ? 0 : 1));
    c->more = 0;
    c->total = c->bits * n_pure;
    if (!n_shared)
        return;
    int64_t best = INT64_MAX;
    const int first = c->bits;
    for (int bits = first; bits < first + 4; bits++) {
        int more = 0;
        while (((int64_t)(1 << bits) - c->shorter) << more <= most)
            more++;
        const int64_t total = bits * (n_pure + n_shared) + more * n_shared;
        if (total >= best || bits + more > READ_BITS)
            continue;
        best = c->total = total;
        c->bits = bits;
        c->more = more;
    }
}

bool codes_votes(struct ctx *ctx, const struct forest *f, struct mica_trees *p,
                 struct leaf_codes *c)
{
    const int32_t *count = count_values(ctx, f);
    int32_t *code = NEWS(ctx, int32_t, f->n_values), most = 1, n_pure = 0, n_shared = 0;
    if (f->width > 128)
        return false;
    for (int64_t i = 0; i < (int64_t)f->n_values * f->width; i++)
        most = f->num[i] > most ? f->num[i] : most;
    p->share_bits = (uint8_t)bits_for((uint32_t)f->width - 1);
    p->share_bytes = most > UINT8_MAX ? 2 : 1;
    const int trees = 32 - bits_for((uint32_t)f->n_trees), counts = 32 - bits_for((uint32_t)most);
    p->scale = (int16_t)(trees < counts ? trees : counts);
    p->scale = p->scale > 24 ? 24 : p->scale;
    uint8_t *share = NEWS(ctx, uint8_t, (int64_t)f->n_values * f->width * 3);
    c->form = MICA_LEAF_NUMBER;
    c->shorter = f->n_scores;
    int32_t last = 0;
    for (int32_t i = 0; i < f->n_values; i++) {
        code[i] = f->pure[i];
        if (f->pure[i] >= 0) {
            n_pure += count[i];
            continue;
        }
        n_shared += count[i];
        last = c->n_share;
        code[i] = f->n_scores + last;
        c->n_share += put_shares(f, p, i, share + last);
    }
    c->code = code;
    c->share = share;
    split_votes(c, n_pure, n_shared, last);
    c->total += 8 * (int64_t)c->n_share;
    return true;
}

/* ---- numbered leaves ------------------------------------------------------------------------- */

struct frequency {
    int32_t value, count;
};

static int by_count(const void *a, const void *b)
{
    const struct frequency *x = a, *y = b;
    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    return x->value < y->value ? -1 : x->value > y->value;
}

/* Numbers the values, the most frequent first, and takes the cheapest split of short and long. */
static const struct frequency *number_values(struct ctx *ctx, const struct forest *f,
                                             struct leaf_codes *c)
{
    const int32_t n = f->n_values, *count = count_values(ctx, f);
    struct frequency *order = NEWS(ctx, struct frequency, n);
    int64_t *before = NEWS(ctx, int64_t, (int64_t)n + 1); /* leaves of the first values */
    int32_t *code = NEWS(ctx, int32_t, n);
    for (int32_t i = 0; i < n; i++)
        order[i] = (struct frequency){i, count[i]};
    qsort(order, (size_t)n, sizeof *order, by_count);
    for (int32_t i = 0; i < n; i++) {
        code[order[i].value] = i;
        before[i + 1] = before[i] + order[i].count;
    }
    c->form = MICA_LEAF_NUMBER;
    c->code = code;
    c->bits = bits_for((uint32_t)n - 1);
    c->more = 0;
    c->shorter = n;
    c->total = c->bits * before[n];
    for (int bits = 1; bits < 12; bits++)
        for (int32_t shorter = 1; shorter < 1 << bits && shorter < n; shorter++) {
            int more = 0;
            while ((int64_t)((1 << bits) - shorter) << more < n - shorter)
                more++;
            const int64_t total = bits * before[n] + more * (before[n] - before[shorter]);
            if (total >= c->total || bits + more > READ_BITS)
                continue;
            c->total = total;
            c->bits = bits;
            c->more = more;
            c->shorter = shorter;
        }
    return order;
}

/* ---- numbers in the stream ------------------------------------------------------------------- */

static uint64_t bits_of(const struct forest *f, int32_t value)
{
    uint64_t bits;
    uint32_t word;
    const float single = (float)f->value[value];
    memcpy(&bits, &f->value[value], sizeof bits);
    memcpy(&word, &single, sizeof word);
    return f->kind == LEAF_FLOAT32 ? word : bits;
}

/* Exponents of all numbers but 0 as codes from 0 on, or from 1 where some number is 0. */
static void set_exponents(const struct forest *f, struct mica_trees *p)
{
    const bool narrow = f->kind == LEAF_FLOAT32;
    int32_t low = INT16_MAX, high = 0;
    for (int32_t i = 0; i < f->n_values; i++) {
        if (f->value[i] == 0) {
            p->number_zero = 1;
            continue;
        }
        const uint64_t bits = bits_of(f, i);
        const int32_t e = narrow ? (int32_t)(bits >> 23 & 255) : (int32_t)(bits >> 52 & 2047);
        low = e < low ? e : low;
        high = e > high ? e : high;
    }
    low = low > high ? high : low;
    p->exponent_base = low - p->number_zero;
    p->exponent_bits = (uint8_t)bits_for((uint32_t)(high - p->exponent_base));
}

static int64_t leaves_of(const struct forest *f)
{
    return (int64_t)f->n_nodes - f->n_tests;
}

/* Ratios of one number a leaf: false where they take more than a word. */
static bool set_ratios(const struct forest *f, struct mica_trees *p, int *bits)
{
    int32_t den = 1, low = INT32_MAX, high = INT32_MIN;
    for (int32_t i = 0; i < f->n_values; i++) {
        den = f->den[i] > den ? f->den[i] : den;
        low = f->num[i] < low ? f->num[i] : low;
        high = f->num[i] > high ? f->num[i] : high;
    }
    p->ratio_bits = (uint8_t)(den > 1 ? bits_for((uint32_t)den - 1) : 1);
    p->ratio_base = low;
    *bits = p->ratio_bits + bits_for((uint32_t)high - (uint32_t)low);
    if (*bits > 32)
        p->ratio_bits = 0;
    return *bits <= 32;
}

static void fill_table(struct ctx *ctx, const struct forest *f, const struct mica_trees *p,
                       const struct frequency *order, struct leaf_codes *c)
{
    const int words = f->kind == LEAF_FLOAT32 || p->ratio_bits ? 1 : 2;
    c->n_number = f->n_values * f->width * words;
    uint32_t *number = NEWS(ctx, uint32_t, c->n_number);
    for (int32_t i = 0; i < f->n_values; i++)
        for (int32_t j = 0; j < f->width; j++) {
            const int32_t from = order[i].value * f->width + j, to = (i * f->width + j) * words;
            if (p->ratio_bits) {
                number[to] = (uint32_t)(f->num[from] - p->ratio_base) << p->ratio_bits |
                             (uint32_t)(f->den[from] - 1);
                continue;
            }
            const uint64_t bits = bits_of(f, from);
            number[to] = (uint32_t)bits;
            if (words == 2)
                number[to + 1] = (uint32_t)(bits >> 32);
        }
    c->number = number;
}

void codes_numbers(struct ctx *ctx, const struct forest *f, bool ratios, struct mica_trees *p,
                   struct leaf_codes *c)
{
    int bits = 64, form = MICA_LEAF_FLOAT64;
    if (ratios && f->kind == LEAF_RATIO && f->width == 1 && set_ratios(f, p, &bits)) {
        form = MICA_LEAF_RATIO;
    } else {
        set_exponents(f, p);
        form = f->kind == LEAF_FLOAT32 ? MICA_LEAF_FLOAT32 : MICA_LEAF_FLOAT64;
        bits = p->exponent_bits + (f->kind == LEAF_FLOAT32 ? 24 : 53);
    }
    const struct frequency *order = number_values(ctx, f, c);
    const int word = form == MICA_LEAF_FLOAT64 ? 64 : 32;
    c->total += (int64_t)f->n_values * f->width * word;
    if (f->width > 1 || f->kind == LEAF_PATH || c->total <= bits * leaves_of(f)) {
        p->exponent_bits = p->number_zero = 0;
        p->exponent_base = 0;
        fill_table(ctx, f, p, order, c);
        return;
    }
    *c = (struct leaf_codes){.form = form, .bits = bits, .total = bits * leaves_of(f)};
}

/* ---- steps ----------------------------------------------------------------------------------- */

/* What looking up a number takes beside the table: bytes of code, as arm-none-eabi-gcc 12 has
 * it. */
enum { CODE_TABLE = 40 };

void codes_steps(struct ctx *ctx, const struct forest *f, int bits, struct leaf_codes *c)
{
    const struct frequency *order = number_values(ctx, f, c);
    const int64_t table = (int64_t)f->n_values * bits;
    if (c->total + table + 8 * CODE_TABLE >= bits * leaves_of(f) || table > INT32_MAX / 16) {
        *c = (struct leaf_codes){
            .form = MICA_LEAF_STEPS, .bits = bits, .total = bits * leaves_of(f)};
        return;
    }
    int32_t *packed = NEWS(ctx, int32_t, f->n_values);
    for (int32_t i = 0; i < f->n_values; i++)
        packed[i] = f->fixed[order[i].value];
    c->total += table;
    c->packed = packed;
    c->n_packed = f->n_values;
    c->packed_bits = bits;
}
