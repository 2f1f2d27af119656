/* SPDX-License-Identifier: Apache-2.0 */
/* leaves.c - what the numbers of leaves are: ratios of small integers where they can be. */
#include <math.h>
#include <string.h>

#include "tree/tree.h"

enum { DEN_MAX = UINT16_MAX, NUM_MAX = 1 << 30 };

/* ---- equal rows ------------------------------------------------------------------------------ */

static uint64_t hash_bytes(const void *bytes, size_t n)
{
    const unsigned char *at = bytes;
    uint64_t h = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < n; i++)
        h = (h ^ at[i]) * UINT64_C(1099511628211);
    return h ^ h >> 29;
}

int32_t leaves_unify(struct ctx *ctx, double *value, int32_t n, int32_t width, int32_t *id)
{
    const size_t row = sizeof *value * (size_t)width;
    uint32_t mask = 1;
    while (mask < 2 * (uint32_t)n)
        mask = mask * 2 + 1;
    int32_t *slot = NEWS(ctx, int32_t, (int64_t)mask + 1); /* number of a row plus 1; 0: free */
    int32_t count = 0;
    for (int32_t i = 0; i < n; i++) {
        const double *from = value + (int64_t)i * width;
        uint32_t at = (uint32_t)hash_bytes(from, row) & mask;
        while (slot[at] && memcmp(value + (int64_t)(slot[at] - 1) * width, from, row) != 0)
            at = (at + 1) & mask;
        if (!slot[at]) {
            memmove(value + (int64_t)count * width, from, row);
            slot[at] = ++count;
        }
        id[i] = slot[at] - 1;
    }
    return count;
}

/* ---- ratios ---------------------------------------------------------------------------------- */

/* The ratio of the smallest integers that float64 rounds to v: the convergents of its continued
 * fraction come in order of their denominators, and where v is such a ratio rounded, the ratio is
 * among them. False: there is none of integers so small. */
static bool ratio_of(double v, int32_t *num, int32_t *den)
{
    double rest = fabs(v);
    int64_t p0 = 0, q0 = 1, p1 = 1, q1 = 0;
    for (int i = 0; i < 40; i++) {
        const double whole = floor(rest);
        if (whole > NUM_MAX)
            return false;
        const int64_t p = (int64_t)whole * p1 + p0, q = (int64_t)whole * q1 + q0;
        if (p > NUM_MAX || q > DEN_MAX)
            return false;
        if ((double)p / (double)q == fabs(v)) {
            *num = (int32_t)(v < 0 ? -p : p);
            *den = (int32_t)q;
            return true;
        }
        p0 = p1, q0 = q1, p1 = p, q1 = q;
        rest = 1 / (rest - whole);
    }
    return false;
}

static int64_t gcd(int64_t a, int64_t b)
{
    while (b) {
        const int64_t r = a % b;
        a = b;
        b = r;
    }
    return a;
}

/* All numbers of a leaf over one denominator. */
static bool row_ratio(const double *v, int32_t width, int32_t *num, int32_t *den)
{
    int64_t common = 1;
    for (int32_t j = 0; j < width; j++) {
        int32_t q;
        if ((v[j] == 0 && signbit(v[j])) || !ratio_of(v[j], &num[j], &q))
            return false;
        common = common / gcd(common, q) * q;
        if (common > DEN_MAX)
            return false;
    }
    *den = (int32_t)common;
    for (int32_t j = 0; j < width; j++) {
        const double wanted = rint(v[j] * (double)common);
        if (fabs(wanted) > NUM_MAX || wanted / (double)common != v[j])
            return false;
        num[j] = (int32_t)wanted;
    }
    return true;
}

/* The numbers of every group are no less than 0 and make 1. */
static bool row_is_vote(const struct trees *t, const int32_t *num, int32_t den)
{
    int32_t at = 0;
    for (int32_t g = 0; g < t->n_labels; g++) {
        int64_t sum = 0;
        for (int32_t j = 0; j < t->group[g]; j++, at++) {
            if (num[at] < 0)
                return false;
            sum += num[at];
        }
        if (sum != den)
            return false;
    }
    return true;
}

static int32_t pure_number(const double *v, int32_t width)
{
    int32_t pure = -1;
    for (int32_t j = 0; j < width; j++) {
        if (v[j] == 0)
            continue;
        if (v[j] != 1 || pure >= 0)
            return -1;
        pure = j;
    }
    return pure;
}

void leaves_classify(struct ctx *ctx, struct forest *f)
{
    const struct trees *t = f->trees;
    const int32_t width = f->width;
    int32_t *num = NEWS(ctx, int32_t, (int64_t)f->n_values * width);
    int32_t *den = NEWS(ctx, int32_t, f->n_values), *pure = NEWS(ctx, int32_t, f->n_values);
    bool ratio = t->sums == SUMS_FLOAT64 && !t->path, vote = width == t->n_scores;
    for (int32_t i = 0; i < f->n_values; i++) {
        const double *v = f->value + (int64_t)i * width;
        pure[i] = pure_number(v, width);
        ratio = ratio && row_ratio(v, width, num + (int64_t)i * width, &den[i]);
        vote = vote && ratio && row_is_vote(t, num + (int64_t)i * width, den[i]);
    }
    for (int32_t i = 0; i < t->n_scores; i++)
        vote = vote && t->base[i] == 0;
    f->kind = t->path                   ? LEAF_PATH
              : t->sums == SUMS_FLOAT32 ? LEAF_FLOAT32
              : ratio                   ? LEAF_RATIO
                                        : LEAF_FLOAT64;
    f->is_vote = ratio && vote;
    f->num = num;
    f->den = den;
    f->pure = pure;
}
