/* SPDX-License-Identifier: Apache-2.0 */
/* stream.c - an ensemble as one stream of bits, in the cheapest of the forms that
 * kernels/tree/trees.h reads. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.gen.h"
#include "tree/tree.h"

enum {
    READ_BITS = 25,   /* what one unaligned word gives for certain */
    TABLE_MAX = 1024, /* keys of a table for all features */
    /* What reading a form costs more than a table: bytes of code, as arm-none-eabi-gcc 12 has
     * it. */
    CODE_LONG = 40,
    CODE_RANK = 40,
    CODE_WIDTH = 60
};

/* ---- keys ------------------------------------------------------------------------------------ */

/* The keys of numeric tests: all of them once, and those of each feature once. */
struct keys {
    int32_t n_tests, n_features;
    int32_t n, *key;           /* ascending */
    int32_t n_pairs, *of, *at; /* feature f has keys of[at[f]] to of[at[f + 1] - 1], ascending */
    int32_t *tests;            /* [n_features] */
};

struct pair {
    int32_t feature, key;
};

static int by_pair(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    if (x->feature != y->feature)
        return x->feature < y->feature ? -1 : 1;
    return x->key < y->key ? -1 : x->key > y->key;
}

static int by_key(const void *a, const void *b)
{
    const int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return x < y ? -1 : x > y;
}

static bool is_numeric(const struct forest *f, int32_t node)
{
    return f->feature[node] >= 0 && !(f->flags[node] & TREE_CATEGORIES);
}

static struct keys collect_keys(struct ctx *ctx, const struct forest *f)
{
    struct keys k = {.n_features = 1};
    struct pair *pair = NEWS(ctx, struct pair, (int64_t)f->n_tests + 1);
    for (int32_t i = 0; i < f->n_nodes; i++) {
        if (f->feature[i] >= k.n_features)
            k.n_features = f->feature[i] + 1;
        if (is_numeric(f, i))
            pair[k.n_tests++] = (struct pair){f->feature[i], f->key[i]};
    }
    qsort(pair, (size_t)k.n_tests, sizeof *pair, by_pair);
    k.tests = NEWS(ctx, int32_t, k.n_features);
    k.at = NEWS(ctx, int32_t, (int64_t)k.n_features + 1);
    k.of = NEWS(ctx, int32_t, (int64_t)k.n_tests + 1);
    k.key = NEWS(ctx, int32_t, (int64_t)k.n_tests + 1);
    for (int32_t i = 0; i < k.n_tests; i++) {
        k.tests[pair[i].feature]++;
        if (i && !by_pair(&pair[i - 1], &pair[i]))
            continue;
        k.of[k.n_pairs++] = pair[i].key;
        k.at[pair[i].feature + 1] = k.n_pairs;
    }
    for (int32_t i = 1; i <= k.n_features; i++)
        k.at[i] = k.at[i] > k.at[i - 1] ? k.at[i] : k.at[i - 1];
    memcpy(k.key, k.of, sizeof *k.key * (size_t)k.n_pairs);
    qsort(k.key, (size_t)k.n_pairs, sizeof *k.key, by_key);
    for (int32_t i = 0; i < k.n_pairs; i++)
        if (!i || k.key[i] != k.key[i - 1])
            k.key[k.n++] = k.key[i];
    return k;
}

static int32_t keys_of(const struct keys *k, int32_t feature)
{
    return k->at[feature + 1] - k->at[feature];
}

/* The place of a key among n ascending ones. */
static uint32_t place(const int32_t *key, int32_t n, int32_t wanted)
{
    int32_t low = 0;
    while (n > 1) {
        const int32_t half = n / 2;
        if (key[low + half] <= wanted)
            low += half;
        n -= half;
    }
    assert(key[low] == wanted);
    return (uint32_t)low;
}

/* The lowest key of a feature without its lower 16 bits, and how many bits its keys take above. */
static int32_t key_floor(const struct keys *k, int32_t feature)
{
    return (int32_t)((uint32_t)k->of[k->at[feature]] & 0xffff0000u);
}

static int key_width(const struct keys *k, int32_t feature)
{
    const uint32_t most = (uint32_t)k->of[k->at[feature + 1] - 1] - (uint32_t)key_floor(k, feature);
    return most ? bits_for(most) : 1;
}

/* ---- the form of keys ------------------------------------------------------------------------ */

struct form {
    int form, bits; /* bits: of the widest key */
    int64_t total;  /* bits of all keys, of tables and of code */
};

static struct form table_form(const struct keys *k)
{
    bool halves = true;
    for (int32_t i = 0; i < k->n; i++)
        halves = halves && !(k->key[i] & 0xffff);
    const int bits = k->n ? bits_for((uint32_t)k->n - 1) : 0;
    return (struct form){halves ? MICA_KEY_HALF : MICA_KEY_WORD, bits,
                         (int64_t)k->n_tests * bits + (int64_t)k->n * (halves ? 16 : 32)};
}

static struct form bits_form(const struct keys *k)
{
    const int bits = bits_for((uint32_t)k->key[k->n - 1] - (uint32_t)k->key[0]);
    return (struct form){MICA_KEY_BITS, bits,
                         (int64_t)k->n_tests * bits + (bits > READ_BITS ? 8 * CODE_LONG : 0)};
}

static struct form rank_form(const struct keys *k)
{
    struct form f = {MICA_KEY_RANK, 0, 32 * (int64_t)k->n_pairs + 16 * k->n_features};
    for (int32_t i = 0; i < k->n_features; i++) {
        const int bits = keys_of(k, i) ? bits_for((uint32_t)keys_of(k, i) - 1) : 0;
        f.total += (int64_t)bits * k->tests[i];
        f.bits = bits > f.bits ? bits : f.bits;
    }
    f.total += 8 * CODE_RANK;
    return f;
}

static struct form width_form(const struct keys *k)
{
    struct form f = {MICA_KEY_WIDTH, 0, 24 * (int64_t)k->n_features + 8 * CODE_WIDTH};
    for (int32_t i = 0; i < k->n_features; i++) {
        const int bits = keys_of(k, i) ? key_width(k, i) : 0;
        f.total += (int64_t)bits * k->tests[i];
        f.bits = bits > f.bits ? bits : f.bits;
    }
    f.total += f.bits > READ_BITS ? 8 * CODE_LONG : 0;
    return f;
}

static struct form choose_form(const struct keys *k)
{
    struct form best = table_form(k);
    if (!k->n)
        return best;
    const struct form other[] = {bits_form(k), rank_form(k), width_form(k)};
    if (k->n > TABLE_MAX)
        best.total = INT64_MAX;
    for (int i = 0; i < 3; i++)
        if (other[i].total < best.total &&
            (other[i].form != MICA_KEY_RANK || (k->n_pairs < 4096 && other[i].bits < 16)))
            best = other[i];
    return best;
}

/* The tables of the form, and its fields in the parameters. */
static void set_form(struct ctx *ctx, const struct keys *k, struct form form, struct tree_stream *s)
{
    struct mica_trees *p = s->params;
    uint16_t *half = NEWS(ctx, uint16_t, k->n), *first = NEWS(ctx, uint16_t, k->n_features);
    uint32_t *word = NEWS(ctx, uint32_t, k->n_pairs);
    uint8_t *width = NEWS(ctx, uint8_t, k->n_features);
    p->key_form = (uint8_t)form.form;
    p->key_bits = (uint8_t)form.bits;
    p->key_base = form.form == MICA_KEY_BITS ? k->key[0] : 0;
    for (int32_t i = 0; i < k->n; i++)
        half[i] = (uint16_t)((uint32_t)k->key[i] >> 16);
    const int32_t *from = form.form == MICA_KEY_RANK ? k->of : k->key;
    s->n_half = form.form == MICA_KEY_HALF ? k->n : 0;
    s->n_word = form.form == MICA_KEY_RANK ? k->n_pairs : form.form == MICA_KEY_WORD ? k->n : 0;
    for (int32_t i = 0; i < s->n_word; i++)
        word[i] = (uint32_t)from[i];
    for (int32_t i = 0; i < k->n_features && form.form == MICA_KEY_RANK; i++)
        first[i] = (uint16_t)(k->at[i] << 4 |
                              (keys_of(k, i) ? bits_for((uint32_t)keys_of(k, i) - 1) : 0));
    for (int32_t i = 0; i < k->n_features && form.form == MICA_KEY_WIDTH; i++) {
        first[i] = keys_of(k, i) ? (uint16_t)((uint32_t)key_floor(k, i) >> 16) : 0;
        width[i] = (uint8_t)(keys_of(k, i) ? key_width(k, i) : 0);
    }
    s->n_first = form.form == MICA_KEY_RANK || form.form == MICA_KEY_WIDTH ? k->n_features : 0;
    s->n_width = form.form == MICA_KEY_WIDTH ? k->n_features : 0;
    p->key_half = s->n_half ? half : NULL;
    p->key_word = s->n_word ? word : NULL;
    p->first = s->n_first ? first : NULL;
    p->key_width = s->n_width ? width : NULL;
}

/* ---- bits ------------------------------------------------------------------------------------ */

struct writer {
    const struct forest *f;
    const struct keys *k;
    const struct mica_trees *p;
    const struct leaf_codes *leaves;
    uint16_t *halves;
    int64_t at; /* in bits */
};

static void put(struct writer *w, uint64_t value, int bits)
{
    assert(bits == 64 || value >> bits == 0);
    for (int i = 0; i < bits; i++, w->at++)
        w->halves[w->at >> 4] |= (uint16_t)((value >> i & 1) << (w->at & 15));
}

static int key_bits(const struct writer *w, int32_t node)
{
    const int32_t feature = w->f->feature[node];
    if (w->f->flags[node] & TREE_CATEGORIES)
        return w->p->set_bits;
    if (w->p->key_form == MICA_KEY_RANK)
        return bits_for((uint32_t)keys_of(w->k, feature) - 1);
    return w->p->key_form == MICA_KEY_WIDTH ? key_width(w->k, feature) : w->p->key_bits;
}

static uint32_t key_code(const struct writer *w, int32_t node)
{
    const int32_t feature = w->f->feature[node], key = w->f->key[node];
    const struct keys *k = w->k;
    if (w->f->flags[node] & TREE_CATEGORIES)
        return (uint32_t)key;
    switch (w->p->key_form) {
    case MICA_KEY_BITS:
        return (uint32_t)key - (uint32_t)k->key[0];
    case MICA_KEY_RANK:
        return place(k->of + k->at[feature], keys_of(k, feature), key);
    case MICA_KEY_WIDTH:
        return (uint32_t)key - (uint32_t)key_floor(k, feature);
    default:
        return place(k->key, k->n, key);
    }
}

static int leaf_bits(const struct writer *w, int32_t node)
{
    const struct leaf_codes *c = w->leaves;
    return c->code && c->more && c->code[w->f->left[node]] >= c->shorter ? c->bits + c->more
                                                                         : c->bits;
}

static uint64_t number_bits(const struct writer *w, int32_t value)
{
    const struct mica_trees *p = w->p;
    const double v = w->f->value[value];
    const float single = (float)v;
    uint64_t bits;
    uint32_t word;
    memcpy(&bits, &v, sizeof bits);
    memcpy(&word, &single, sizeof word);
    if (w->leaves->form == MICA_LEAF_STEPS)
        return (uint64_t)w->f->fixed[value];
    if (w->leaves->form == MICA_LEAF_RATIO)
        return (uint64_t)((uint32_t)w->f->num[value] - (uint32_t)p->ratio_base) << p->ratio_bits |
               (uint64_t)(w->f->den[value] - 1);
    if (w->leaves->form == MICA_LEAF_FLOAT32) {
        const uint64_t exponent = v == 0 ? 0 : (word >> 23 & 255) - (uint32_t)p->exponent_base;
        return (word & 0x7fffff) | exponent << 23 |
               (uint64_t)(word >> 31) << (23 + p->exponent_bits);
    }
    const uint64_t exponent = v == 0 ? 0
                                     : (uint64_t)((int64_t)(bits >> 52 & 2047) - p->exponent_base);
    return (bits >> 32 & 0xfffff) | exponent << 20 | bits >> 63 << (20 + p->exponent_bits) |
           (bits & 0xffffffff) << (21 + p->exponent_bits);
}

static void put_leaf(struct writer *w, int32_t node)
{
    const struct leaf_codes *c = w->leaves;
    const int32_t value = w->f->left[node];
    if (!c->code) {
        put(w, number_bits(w, value), c->bits);
        return;
    }
    const int32_t code = c->code[value];
    if (!c->more || code < c->shorter) {
        put(w, (uint64_t)code, c->bits);
        return;
    }
    const uint32_t above = (uint32_t)(code - c->shorter);
    put(w, (uint64_t)c->shorter + (above >> c->more), c->bits);
    put(w, above & ((1u << c->more) - 1), c->more);
}

/* 0: no leaf, 1: one on the left, 2: on the right, 3: two; see kernels/tree/trees.h. */
static int node_kind(const struct forest *f, int32_t node)
{
    return (f->feature[f->left[node]] < 0 ? 1 : 0) + (f->feature[f->right[node]] < 0 ? 2 : 0);
}

static int head_bits(const struct mica_trees *p)
{
    return 2 + p->feature_bits + (p->missing == MICA_MISSING_BIT) + p->zero + p->sets;
}

/* The length of each node with what is below, children first. */
static int64_t *measure(struct ctx *ctx, const struct writer *w, int skip_bits)
{
    const struct forest *f = w->f;
    int64_t *length = NEWS(ctx, int64_t, f->n_nodes);
    for (int32_t i = f->n_nodes - 1; i >= 0; i--)
        length[i] = f->feature[i] < 0 ? leaf_bits(w, i)
                                      : head_bits(w->p) + key_bits(w, i) + length[f->left[i]] +
                                            length[f->right[i]] + (node_kind(f, i) ? 0 : skip_bits);
    return length;
}

static int skip_bits(const int64_t *length, const struct forest *f)
{
    int64_t most = 0;
    for (int32_t i = 0; i < f->n_nodes; i++)
        if (f->feature[i] >= 0 && !node_kind(f, i) && length[f->left[i]] > most)
            most = length[f->left[i]];
    return most >> 32 ? 64 : bits_for((uint32_t)most);
}

/* A tree in bytes, with its length in front. */
static int64_t tree_bytes(int64_t length, int length_bits)
{
    return (length_bits + length + 7) / 8;
}

static int length_bits(const int64_t *length, const struct forest *f)
{
    int bits = 0;
    for (int32_t i = 0; i < f->n_trees; i++)
        while (f->feature[f->root[i]] >= 0 && tree_bytes(length[f->root[i]], bits) >> bits)
            bits++;
    return bits;
}

static void put_test(struct writer *w, int32_t i, const int64_t *length)
{
    const struct forest *f = w->f;
    const struct mica_trees *p = w->p;
    const int kind = node_kind(f, i);
    put(w, (uint64_t)kind, 2);
    put(w, (uint64_t)f->feature[i], p->feature_bits);
    if (p->missing == MICA_MISSING_BIT)
        put(w, (f->flags[i] & TREE_MISSING_LEFT) != 0, 1);
    if (p->zero)
        put(w, (f->flags[i] & TREE_ZERO_MISSING) != 0, 1);
    if (p->sets)
        put(w, (f->flags[i] & TREE_CATEGORIES) != 0, 1);
    put(w, key_code(w, i), key_bits(w, i));
    if (!kind)
        put(w, (uint64_t)length[f->left[i]], p->skip_bits);
    else
        put_leaf(w, kind == 2 ? f->right[i] : f->left[i]);
    if (kind == 3)
        put_leaf(w, f->right[i]);
}

/* Tests stand in the order of their nodes, whose leaves came with them. */
static void put_tree(struct writer *w, int32_t root, const int64_t *length)
{
    const struct forest *f = w->f;
    const bool stump = f->feature[root] < 0;
    const int64_t bytes = stump ? 0 : tree_bytes(length[root], w->p->length_bits);
    put(w, (uint64_t)bytes, w->p->length_bits);
    if (stump)
        put_leaf(w, root);
    for (int32_t i = root; i < f->end[root]; i++)
        if (f->feature[i] >= 0)
            put_test(w, i, length);
    w->at = (w->at + 7) / 8 * 8;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static uint8_t missing_form(const struct forest *f)
{
    if (!f->tests_missing_left)
        return MICA_MISSING_RIGHT;
    return f->tests_missing_left == f->n_tests ? MICA_MISSING_LEFT : MICA_MISSING_BIT;
}

void stream_flags(const struct forest *f, struct mica_trees *p)
{
    static const uint8_t forms[DTYPE_COUNT] = {
        [DTYPE_INT8] = MICA_X_INT8, [DTYPE_UINT8] = MICA_X_UINT8, [DTYPE_INT16] = MICA_X_INT16};
    int32_t last_set = 0;
    p->x_form = forms[f->trees->x_type]; /* of all others, float32: 0 */
    p->key_negative = f->has_negative_key;
    p->missing = missing_form(f);
    p->zero = f->tests_zero_missing > 0;
    p->sets = f->tests_categories > 0;
    for (int32_t i = 0; i < f->n_nodes; i++) {
        if (f->flags[i] & TREE_CATEGORIES && f->key[i] > last_set)
            last_set = f->key[i];
        p->sets_down |= (f->flags[i] & TREE_ROUND_DOWN) != 0;
    }
    p->set = p->sets ? f->trees->set : NULL;
    p->set_bits = (uint8_t)bits_for((uint32_t)last_set);
    for (int32_t i = 0; i < f->n_trees; i++)
        p->stumps |= f->feature[f->root[i]] < 0;
}

static void set_lengths(struct ctx *ctx, const struct node *n, struct writer *w,
                        struct mica_trees *p, const int64_t **length)
{
    int bits = 0;
    for (*length = measure(ctx, w, 0); skip_bits(*length, w->f) > bits;) {
        bits = skip_bits(*length, w->f);
        *length = measure(ctx, w, bits);
    }
    const int tree = length_bits(*length, w->f);
    if (bits > READ_BITS || tree > READ_BITS || head_bits(p) > READ_BITS)
        fail(ctx, n, "one of its trees takes more than %d bits: train smaller ones",
             1 << READ_BITS);
    p->skip_bits = (uint8_t)bits;
    p->length_bits = (uint8_t)tree;
}

void stream_trees(struct ctx *ctx, const struct node *n, const struct forest *f,
                  struct leaf_codes leaves, struct tree_stream *s)
{
    struct mica_trees *p = s->params;
    const struct keys k = collect_keys(ctx, f);
    struct writer w = {.f = f, .k = &k, .p = p, .leaves = &s->leaves};
    const int64_t *length;
    s->leaves = leaves;
    p->leaf_form = (uint8_t)leaves.form;
    p->leaf_bits = (uint8_t)leaves.bits;
    p->leaf_more = (uint8_t)leaves.more;
    p->leaf_short = leaves.more ? leaves.shorter : 0;
    stream_flags(f, p);
    p->feature_bits = (uint8_t)bits_for((uint32_t)k.n_features - 1);
    set_form(ctx, &k, choose_form(&k), s);
    set_lengths(ctx, n, &w, p, &length);
    int64_t bytes = 0;
    for (int32_t i = 0; i < f->n_trees; i++)
        bytes += tree_bytes(length[f->root[i]], p->length_bits);
    const int64_t trees = 8 * bytes;
    p->packed_at = leaves.packed ? (uint32_t)trees : 0;
    p->packed_bits = (uint8_t)leaves.packed_bits;
    bytes += ((int64_t)leaves.n_packed * leaves.packed_bits + 7) / 8;
    if (bytes > INT32_MAX / 8)
        fail(ctx, n, "it takes %lld bytes: no microcontroller holds it", (long long)bytes);
    s->n_stream = (int32_t)((bytes + 1) / 2) + 2; /* reading may look beyond the end */
    w.halves = NEWS(ctx, uint16_t, s->n_stream);
    for (int32_t i = 0; i < f->n_trees; i++)
        put_tree(&w, f->root[i], length);
    assert(w.at == trees);
    for (int32_t i = 0; i < leaves.n_packed; i++)
        put(&w, (uint64_t)leaves.packed[i], leaves.packed_bits);
    p->stream = w.halves;
}
