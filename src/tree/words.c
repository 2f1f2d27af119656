/* SPDX-License-Identifier: Apache-2.0 */
/* words.c - an ensemble as one or two words a test (mica_trees_step() in kernels/tree/trees.h): a
 * third more flash than the stream, and half its instructions. */
#include <stdlib.h>
#include <string.h>

#include "kernels.gen.h"
#include "tree/tree.h"

enum { KEYS_MAX = 64 }; /* of a table; more take two words a test */

static int by_key(const void *a, const void *b)
{
    const int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return x < y ? -1 : x > y;
}

/* The distinct keys, ascending; NULL: too many for a table. */
static int32_t *table_keys(struct ctx *ctx, const struct forest *f, int32_t *n)
{
    int32_t *key = NEWS(ctx, int32_t, f->n_tests + 1), all = 0;
    for (int32_t i = 0; i < f->n_nodes; i++)
        if (f->feature[i] >= 0)
            key[all++] = f->key[i];
    qsort(key, (size_t)all, sizeof *key, by_key);
    *n = 0;
    for (int32_t i = 0; i < all; i++)
        if (!i || key[i] != key[i - 1])
            key[(*n)++] = key[i];
    return *n <= KEYS_MAX ? key : NULL;
}

/* The table of keys and its fields: upper halves where the lower ones are all 0. */
static void set_keys(struct ctx *ctx, const int32_t *key, int32_t n, struct mica_trees *p,
                     struct tree_words *to)
{
    bool halves = true;
    for (int32_t i = 0; i < n; i++)
        halves = halves && !(key[i] & 0xffff);
    uint16_t *half = NEWS(ctx, uint16_t, n);
    uint32_t *word = NEWS(ctx, uint32_t, n);
    for (int32_t i = 0; i < n; i++) {
        half[i] = (uint16_t)((uint32_t)key[i] >> 16);
        word[i] = (uint32_t)key[i];
    }
    p->key_form = halves ? MICA_KEY_HALF : MICA_KEY_WORD;
    p->key_bits = (uint8_t)bits_for((uint32_t)n - 1);
    p->key_half = halves ? half : NULL;
    p->key_word = halves ? NULL : word;
    to->n_half = halves ? n : 0;
    to->n_key = halves ? 0 : n;
}

/* What each node is called by its parent: a leaf by its code, a test by its number of all tests. */
static const int32_t *name_nodes(struct ctx *ctx, const struct forest *f,
                                 const struct leaf_codes *c)
{
    int32_t *name = NEWS(ctx, int32_t, f->n_nodes), tests = 0;
    for (int32_t t = 0; t < f->n_trees; t++) {
        int32_t leaves = 0;
        for (int32_t i = f->root[t]; i < f->end[f->root[t]]; i++)
            name[i] = f->feature[i] >= 0 ? tests++ : c->code ? c->code[f->left[i]] : leaves++;
    }
    return name;
}

/* A child as its parent has it: SIZE_MAX where it does not fit into so many bits. */
static size_t child_of(const struct forest *f, const int32_t *name, int32_t node, int32_t child,
                       int bits)
{
    const bool leaf = f->feature[child] < 0;
    const int32_t value = leaf ? name[child] : name[child] - name[node] - 1;
    if (value >> (bits - 1))
        return SIZE_MAX;
    return (size_t)value | (size_t)leaf << (bits - 1);
}

/* The numbers of all leaves, tree after tree. */
static void list_numbers(struct ctx *ctx, const struct forest *f, struct leaf_codes *c)
{
    const int words = f->kind == LEAF_FLOAT32 || f->kind == LEAF_STEPS ? 1 : 2;
    uint32_t *number = NEWS(ctx, uint32_t, (int64_t)(f->n_nodes - f->n_tests) * f->width * words);
    for (int32_t i = 0; i < f->n_nodes; i++)
        for (int32_t j = 0; f->feature[i] < 0 && j < f->width; j++) {
            const double v = f->value[(int64_t)f->left[i] * f->width + j];
            const float narrow = (float)v;
            if (f->kind == LEAF_STEPS) {
                number[c->n_number++] = (uint32_t)f->fixed[f->left[i]];
                continue;
            }
            if (words == 1) {
                memcpy(&number[c->n_number++], &narrow, sizeof narrow);
                continue;
            }
            uint64_t bits;
            memcpy(&bits, &v, sizeof bits);
            number[c->n_number++] = (uint32_t)bits;
            number[c->n_number++] = (uint32_t)(bits >> 32);
        }
    c->number = number;
    c->form = MICA_LEAF_NUMBER;
}

static void set_roots(struct ctx *ctx, const struct forest *f, const int32_t *name,
                      const struct leaf_codes *c, struct mica_trees *p, struct tree_words *to)
{
    uint32_t *root = NEWS(ctx, uint32_t, 2 * (int64_t)f->n_trees), leaves = 0;
    for (int32_t t = 0; t < f->n_trees; t++) {
        root[2 * t] = (uint32_t)(name[f->root[t]] * p->steps);
        root[2 * t + 1] = c->code ? 0 : leaves;
        for (int32_t i = f->root[t]; i < f->end[f->root[t]]; i++)
            leaves += f->feature[i] < 0;
    }
    p->root = root;
    to->n_root = 2 * f->n_trees;
}

static bool set_words(struct ctx *ctx, const struct forest *f, const int32_t *name,
                      const int32_t *keys, int32_t n_keys, struct mica_trees *p,
                      struct tree_words *to)
{
    uint32_t *word = NEWS(ctx, uint32_t, (int64_t)f->n_tests * p->steps);
    const int bits = p->child_bits, left = 32 - bits, right = left - bits;
    for (int32_t i = 0; i < f->n_nodes; i++) {
        if (f->feature[i] < 0)
            continue;
        const size_t l = child_of(f, name, i, f->left[i], bits);
        const size_t r = child_of(f, name, i, f->right[i], bits);
        if (l == SIZE_MAX || r == SIZE_MAX)
            return false;
        uint32_t w = (uint32_t)f->feature[i] | (uint32_t)l << left | (uint32_t)r << right;
        int head = p->feature_bits;
        if (p->steps == 1) {
            const int32_t *at = bsearch(&f->key[i], keys, (size_t)n_keys, sizeof *keys, by_key);
            w |= (uint32_t)(at - keys) << head;
            head += p->key_bits;
        } else {
            word[to->n_word + 1] = (uint32_t)f->key[i];
        }
        if (p->missing == MICA_MISSING_BIT)
            w |= (uint32_t)((f->flags[i] & TREE_MISSING_LEFT) != 0) << head;
        word[to->n_word] = w;
        to->n_word += p->steps;
    }
    p->word = word;
    return true;
}

bool words_trees(struct ctx *ctx, const struct forest *f, struct mica_trees *p,
                 struct leaf_codes *c, struct tree_words *to)
{
    int32_t n_keys, features = 1;
    for (int32_t t = 0; t < f->n_trees; t++)
        if (f->feature[f->root[t]] < 0)
            return false;
    if (f->tests_categories || f->tests_zero_missing)
        return false;
    for (int32_t i = 0; i < f->n_nodes; i++)
        features = f->feature[i] >= features ? f->feature[i] + 1 : features;
    const int32_t *name = name_nodes(ctx, f, c), *keys = table_keys(ctx, f, &n_keys);
    struct mica_trees made = *p;
    stream_flags(f, &made);
    made.feature_bits = (uint8_t)bits_for((uint32_t)features - 1);
    for (made.steps = keys ? 1 : 2; made.steps <= 2; made.steps++) {
        *to = (struct tree_words){0};
        made.key_bits = 0;
        if (made.steps == 1)
            set_keys(ctx, keys, n_keys, &made, to);
        const int head = made.feature_bits + made.key_bits +
                         (made.missing == MICA_MISSING_BIT ? 1 : 0);
        made.child_bits = (uint8_t)((32 - head) / 2);
        if (made.child_bits < 2 || !set_words(ctx, f, name, keys, n_keys, &made, to)) {
            made.key_half = NULL;
            made.key_word = NULL;
            continue;
        }
        made.leaf_form = MICA_LEAF_NUMBER;
        if (!c->code) {
            list_numbers(ctx, f, c);
            made.exponent_bits = made.number_zero = made.ratio_bits = 0;
            made.exponent_base = made.ratio_base = 0;
        }
        *p = made;
        set_roots(ctx, f, name, c, p, to);
        return true;
    }
    return false;
}
