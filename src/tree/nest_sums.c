/* SPDX-License-Identifier: Apache-2.0 */
/* nest_sums.c - what leaves of nested ifs add, and when the sums decide.
 *
 * A leaf adds its numbers times 2^scale, rounded to integers, so that each number errs by at most
 * half a step; leaves whose numbers are multiples of 2^-scale err by nothing. With e leaves on the
 * row's way that were rounded, the difference of two sums errs by at most e steps. Where it is more
 * than e, the true sums differ by at least one step, which is far more than what the library's own
 * additions err by (checked below), and the label is certain. Where e is 0, all sums are multiples
 * of a step that float64 (or float32) holds exactly: equal sums are equal in the library, too, and
 * the first of them is its label. All else is left to the kernel.
 *
 * Softmax makes scores equal that differ by less than about 2^-22 in float32, 2^-50 in float64; it
 * is asked for steps of at least 2^-20.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tree/nest.h"

enum { SOFTMAX_SCALE_MAX = 20, EXACT_SCALE_MAX = 12, WORDS_MAX = 32 };

static const double *value_of(const struct forest *f, int32_t row)
{
    return f->value + (int64_t)row * f->width;
}

void nest_rows_are_values(struct nest *n)
{
    const struct forest *f = n->forest;
    for (int32_t i = 0; i < f->n_nodes; i++)
        n->row[i] = f->feature[i] < 0 ? f->left[i] : -1;
}

/* ---- one tree -------------------------------------------------------------------------------- */

bool nest_label(struct ctx *ctx, struct nest *n)
{
    const struct forest *f = n->forest;
    const struct trees *t = f->trees;
    double *score = NEWS(ctx, double, t->n_scores);
    if (f->n_trees != 1 || t->path)
        return false;
    n->sums = NEST_LABEL;
    n->n_sums = t->n_labels;
    n->exact = true;
    n->add = NEWS(ctx, int32_t, (int64_t)f->n_values * n->n_sums);
    for (int32_t i = 0; i < f->n_values; i++) {
        memcpy(score, t->base, sizeof *score * (size_t)t->n_scores);
        for (int32_t j = 0; j < f->width; j++) {
            double *sum = &score[f->output[0] + j];
            *sum += value_of(f, i)[j];
            if (t->sums == SUMS_FLOAT32)
                *sum = (double)(float)*sum;
        }
        for (int32_t k = 0; k < t->n_scores; k++)
            score[k] /= t->divisor;
        if (!trees_label(t, score, n->add + (int64_t)i * n->n_sums))
            return false;
    }
    nest_rows_are_values(n);
    return true;
}

/* ---- votes ----------------------------------------------------------------------------------- */

static bool is_multiple(double v, int scale)
{
    const double scaled = ldexp(v, scale);
    return scaled == rint(scaled);
}

static bool row_is_exact(const struct forest *f, int32_t row, int scale)
{
    for (int32_t j = 0; j < f->width; j++)
        if (!is_multiple(value_of(f, row)[j], scale))
            return false;
    return true;
}

static bool base_is_exact(const struct trees *t, int scale)
{
    for (int32_t k = 0; k < t->n_scores; k++)
        if (!is_multiple(t->base[k], scale))
            return false;
    return true;
}

/* The smallest scale at which nothing is rounded; -1: there is none. */
static int exact_scale(const struct forest *f)
{
    for (int scale = 0; scale <= EXACT_SCALE_MAX; scale++) {
        bool exact = base_is_exact(f->trees, scale);
        for (int32_t i = 0; i < f->n_values && exact; i++)
            exact = row_is_exact(f, i, scale);
        if (exact)
            return scale;
    }
    return -1;
}

/* The most that the size of a score can be. */
static double most_of(struct ctx *ctx, const struct forest *f)
{
    double *sum = NEWS(ctx, double, f->n_scores), *tree = NEWS(ctx, double, f->width), most = 0;
    for (int32_t k = 0; k < f->n_scores; k++)
        sum[k] = fabs(f->trees->base[k]);
    for (int32_t i = 0; i < f->n_trees; i++) {
        memset(tree, 0, sizeof *tree * (size_t)f->width);
        for (int32_t at = f->root[i]; at < f->end[f->root[i]]; at++)
            for (int32_t j = 0; f->feature[at] < 0 && j < f->width; j++)
                tree[j] = fmax(tree[j], fabs(value_of(f, f->left[at])[j]));
        for (int32_t j = 0; j < f->width; j++)
            sum[f->output[i] + j] += tree[j];
    }
    for (int32_t k = 0; k < f->n_scores; k++)
        most = fmax(most, sum[k]);
    return most;
}

/* The library's own additions must err by far less than a step, and be exact where all numbers are
 * multiples of a step. */
static bool steps_are_coarse(const struct forest *f, double most, int scale)
{
    const struct trees *t = f->trees;
    const double steps = ldexp(most, scale);
    const double roundoff = t->sums == SUMS_FLOAT32 ? 0x1p-24 : 0x1p-53;
    if (t->decide == DECIDE_SOFTMAX && scale > SOFTMAX_SCALE_MAX)
        return false;
    return 4.0 * (f->n_trees + 2) * steps * roundoff < 1;
}

static bool is_vote(const struct forest *f)
{
    const struct trees *t = f->trees;
    if (t->path || t->decide == DECIDE_CUT || f->width != f->n_scores || f->width < 2 ||
        (t->decide == DECIDE_SOFTMAX && t->divisor != 1))
        return false;
    for (int32_t i = 0; i < f->n_trees; i++)
        if (f->output[i] != 0)
            return false;
    return true;
}

/* Numbers of all leaves in steps, the last column being 1 where one was rounded. */
static int32_t *steps_of(struct ctx *ctx, const struct forest *f, int scale)
{
    const int32_t width = f->width + 1;
    int32_t *steps = NEWS(ctx, int32_t, (int64_t)f->n_values * width);
    for (int32_t i = 0; i < f->n_values; i++) {
        for (int32_t j = 0; j < f->width; j++)
            steps[i * (int64_t)width + j] = (int32_t)rint(ldexp(value_of(f, i)[j], scale));
        steps[i * (int64_t)width + f->width] = !row_is_exact(f, i, scale);
    }
    return steps;
}

/* Every tree adds at least low[tree][column] whatever its leaf, which can as well be there from the
 * start: then most leaves add to fewer sums. first: of each column before the first tree; last:
 * what it can become. */
static int32_t *lows_of(struct ctx *ctx, const struct forest *f, const int32_t *steps,
                        int64_t *first, int64_t *last)
{
    const int32_t width = f->width + 1;
    int32_t *low = NEWS(ctx, int32_t, (int64_t)f->n_trees * width);
    for (int32_t i = 0; i < f->n_trees; i++) {
        for (int32_t j = 0; j < width; j++) {
            int32_t least = INT32_MAX, most = INT32_MIN;
            for (int32_t at = f->root[i]; at < f->end[f->root[i]]; at++) {
                if (f->feature[at] >= 0)
                    continue;
                const int32_t v = steps[(int64_t)f->left[at] * width + j];
                least = v < least ? v : least;
                most = v > most ? v : most;
            }
            low[(int64_t)i * width + j] = least;
            first[j] += least;
            last[j] += most;
        }
    }
    return low;
}

/* All scores of a label may be moved together: the least can be 0. */
static int64_t move_groups(const struct trees *t, int64_t *first, int64_t *last)
{
    int64_t most = 0;
    for (int32_t g = 0, k = 0; g < t->n_labels; k += t->group[g], g++) {
        int64_t least = INT64_MAX;
        for (int32_t j = k; j < k + t->group[g]; j++)
            least = first[j] < least ? first[j] : least;
        for (int32_t j = k; j < k + t->group[g]; j++) {
            first[j] -= least;
            last[j] -= least;
            most = last[j] > most ? last[j] : most;
        }
    }
    return most;
}

static void start_columns(const struct forest *f, int scale, int64_t *first, int64_t *last)
{
    for (int32_t k = 0; k < f->n_scores; k++)
        first[k] = last[k] = (int64_t)rint(ldexp(f->trees->base[k], scale));
    first[f->n_scores] = last[f->n_scores] = !base_is_exact(f->trees, scale);
}

/* Rows of packed words: leaves of one value may add different rows in different trees, the trees'
 * lows being different. */
static void pack_rows(struct ctx *ctx, struct nest *n, const int32_t *steps, const int32_t *low)
{
    const struct forest *f = n->forest;
    const int32_t width = f->width + 1;
    const int32_t words = n->n_sums - !n->exact;
    int32_t leaves = 0;
    for (int32_t i = 0; i < f->n_nodes; i++)
        leaves += f->feature[i] < 0;
    n->add = NEWS(ctx, int32_t, (int64_t)leaves * n->n_sums);
    leaves = 0;
    for (int32_t i = 0; i < f->n_trees; i++) {
        for (int32_t at = f->root[i]; at < f->end[f->root[i]]; at++) {
            n->row[at] = -1;
            if (f->feature[at] >= 0)
                continue;
            uint32_t *add = (uint32_t *)n->add + (int64_t)leaves * n->n_sums;
            const int32_t *from = steps + (int64_t)f->left[at] * width;
            for (int32_t g = 0, k = 0, half = 0; g < f->trees->n_labels; g++, half += half & 1)
                for (int32_t j = 0; j < f->trees->group[g]; j++, k++, half++)
                    add[half / 2] += (uint32_t)(from[k] - low[(int64_t)i * width + k])
                                     << (half & 1 ? 16 : 0);
            if (!n->exact)
                add[words] = (uint32_t)(from[f->width] - low[(int64_t)i * width + f->width]);
            n->row[at] = leaves++;
        }
    }
}

static int32_t words_of(const struct trees *t)
{
    int32_t words = 0;
    for (int32_t g = 0; g < t->n_labels; g++)
        words += (t->group[g] + 1) / 2;
    return words;
}

bool nest_packed(struct ctx *ctx, struct nest *n)
{
    const struct forest *f = n->forest;
    const struct trees *t = f->trees;
    const double most = most_of(ctx, f);
    int exponent = 0;
    if (!is_vote(f) || words_of(t) > WORDS_MAX || !(most > 0))
        return false;
    frexp(most, &exponent);
    const int exact = exact_scale(f);
    int64_t *first = NEWS(ctx, int64_t, f->width + 1), *last = NEWS(ctx, int64_t, f->width + 1);
    int32_t *steps = NULL, *low = NULL;
    n->exact = exact >= 0 && exact + exponent < 16;
    n->scale = n->exact ? exact : 17 - exponent;
    for (;; n->scale--) {
        start_columns(f, n->scale, first, last);
        steps = steps_of(ctx, f, n->scale);
        low = lows_of(ctx, f, steps, first, last);
        if (move_groups(t, first, last) <= UINT16_MAX)
            break;
        if (n->exact) {
            n->exact = false;
            n->scale = 18 - exponent;
        }
    }
    if (!steps_are_coarse(f, most, n->scale))
        return false;
    n->sums = NEST_PACKED;
    n->n_sums = words_of(t) + !n->exact;
    n->start = NEWS(ctx, int32_t, n->n_sums);
    for (int32_t g = 0, k = 0, half = 0; g < t->n_labels; g++, half += half & 1)
        for (int32_t j = 0; j < t->group[g]; j++, k++, half++)
            ((uint32_t *)n->start)[half / 2] += (uint32_t)first[k] << (half & 1 ? 16 : 0);
    if (!n->exact)
        n->start[n->n_sums - 1] = (int32_t)first[f->width];
    pack_rows(ctx, n, steps, low);
    return true;
}

/* ---- two classes ----------------------------------------------------------------------------- */

/* The second class's number less the first's in steps, and below it in bits of its own the count of
 * rounded leaves: both take one addition. */
bool nest_lead(struct ctx *ctx, struct nest *n)
{
    const struct forest *f = n->forest;
    const struct trees *t = f->trees;
    const double most = most_of(ctx, f);
    int exponent = 0;
    if (!is_vote(f) || t->n_labels != 1 || f->width != 2 || !(most > 0))
        return false;
    frexp(2 * most, &exponent);
    const int exact = exact_scale(f);
    n->exact = exact >= 0 && exact + exponent < 30;
    while (!n->exact && 1 << n->rounded_bits <= f->n_trees + 1)
        n->rounded_bits++;
    n->scale = n->exact ? exact : 30 - n->rounded_bits - exponent;
    while (!n->exact && !steps_are_coarse(f, most, n->scale))
        n->scale--; /* coarser steps: more rows are left to the kernel, but none is wrong */
    if (!steps_are_coarse(f, most, n->scale))
        return false;
    n->sums = NEST_LEAD;
    n->n_sums = 1;
    n->add = NEWS(ctx, int32_t, f->n_values);
    n->start = NEWS(ctx, int32_t, 1);
    const int32_t unit = 1 << n->rounded_bits;
    for (int32_t i = 0; i < f->n_values; i++) {
        const double *v = value_of(f, i);
        n->add[i] = (int32_t)rint(ldexp(v[1] - v[0], n->scale)) * unit;
        n->add[i] += !n->exact && !row_is_exact(f, i, n->scale);
    }
    n->start[0] = (int32_t)rint(ldexp(t->base[1] - t->base[0], n->scale)) * unit;
    n->start[0] += !n->exact && !base_is_exact(t, n->scale);
    nest_rows_are_values(n);
    return true;
}

/* ---- one score after the other --------------------------------------------------------------- */

static bool is_scalar(const struct forest *f)
{
    const struct trees *t = f->trees;
    for (int32_t g = 0; g < t->n_labels; g++)
        if ((t->decide == DECIDE_CUT) != (t->group[g] == 1))
            return false;
    return f->width == 1;
}

bool nest_float(struct ctx *ctx, struct nest *n)
{
    return is_scalar(n->forest) && n->forest->trees->decide != DECIDE_SOFTMAX &&
           nest_add_floats(ctx, n);
}

bool nest_add_floats(struct ctx *ctx, struct nest *n)
{
    const struct forest *f = n->forest;
    const struct trees *t = f->trees;
    if (t->sums != SUMS_FLOAT32 || t->path || t->divisor != 1)
        return false;
    for (int32_t k = 0; k < t->n_scores; k++)
        if (t->base[k] != (double)(float)t->base[k])
            return false;
    n->sums = NEST_FLOAT;
    n->n_sums = 1;
    n->exact = true;
    n->add = NEWS(ctx, int32_t, f->n_values);
    n->start = NEWS(ctx, int32_t, t->n_scores);
    for (int32_t i = 0; i < f->n_values; i++) {
        const float v = (float)f->value[i];
        memcpy(&n->add[i], &v, sizeof v);
    }
    for (int32_t k = 0; k < t->n_scores; k++) {
        const float v = (float)t->base[k];
        memcpy(&n->start[k], &v, sizeof v);
    }
    nest_rows_are_values(n);
    return true;
}

/* What leaves of a path add depends on their depth. */
static void path_rows(struct ctx *ctx, struct nest *n)
{
    const struct forest *f = n->forest;
    int32_t *depth = NEWS(ctx, int32_t, f->n_nodes);
    n->add = NEWS(ctx, int32_t, f->n_nodes);
    for (int32_t i = 0; i < f->n_nodes; i++) {
        n->row[i] = -1;
        if (f->feature[i] >= 0) {
            depth[i + 1] = depth[f->right[i]] = depth[i] + 1;
            continue;
        }
        n->row[i] = i;
        n->add[i] = f->fixed[f->left[i]] + (int32_t)ldexp(depth[i] + 1, f->scale);
    }
}

bool nest_fixed(struct ctx *ctx, struct nest *n)
{
    const struct forest *f = n->forest;
    const struct trees *t = f->trees;
    const double softmax_gap = t->decide == DECIDE_SOFTMAX
                                   ? ceil(ldexp(1, f->scale - SOFTMAX_SCALE_MAX))
                                   : 0;
    if (!is_scalar(f) || f->bound + softmax_gap >= 1 << 28 ||
        (t->decide == DECIDE_SOFTMAX && t->divisor != 1) ||
        (t->decide == DECIDE_CUT && labs(f->cut_fixed) >= INT32_MAX / 2))
        return false;
    n->sums = NEST_FIXED;
    n->n_sums = 1;
    n->start = NEWS(ctx, int32_t, t->n_scores);
    for (int32_t k = 0; k < t->n_scores; k++)
        n->start[k] = f->base_fixed[k] - (t->decide == DECIDE_CUT ? f->cut_fixed : 0);
    n->slack = (t->decide == DECIDE_CUT ? f->bound : 2 * f->bound) + (int32_t)softmax_gap;
    if (t->path) {
        path_rows(ctx, n);
        return true;
    }
    n->add = NEWS(ctx, int32_t, f->n_values);
    memcpy(n->add, f->fixed, sizeof *n->add * (size_t)f->n_values);
    nest_rows_are_values(n);
    return true;
}

/* ---- rounded leaves -------------------------------------------------------------------------- */

static int32_t least_steps(const struct forest *f, int32_t tree)
{
    int32_t least = INT32_MAX;
    for (int32_t at = f->root[tree]; at < f->end[f->root[tree]]; at++)
        if (f->feature[at] < 0 && f->fixed[f->left[at]] < least)
            least = f->fixed[f->left[at]];
    return least;
}

/* The steps of the leaf of a tree where most rows end. */
static int32_t commonest_steps(const struct forest *f, int32_t tree)
{
    int32_t best = -1;
    for (int32_t at = f->root[tree]; at < f->end[f->root[tree]]; at++)
        if (f->feature[at] < 0 && (best < 0 || f->weight[at] > f->weight[best]))
            best = at;
    return f->fixed[f->left[best]];
}

/* Can the steps of one leaf of each tree stand in the sums from the start? Where that is the
 * commonest one, it adds nothing, and others add or subtract less, which stands in an instruction.
 * Numbers of more than 16 bits do not, and are loaded from memory: there leaves of different trees
 * that add the same share it, as long as no sum leaves 32 bits on its way. */
static bool starts_with_leaves(struct ctx *ctx, const struct forest *f)
{
    int64_t *least = NEWS(ctx, int64_t, f->n_scores);
    bool far = false;
    for (int32_t i = 0; i < f->n_trees; i++)
        far |= (least[f->output[i]] += least_steps(f, i)) > 1 << 30;
    for (int32_t i = 0; i < f->n_values && !far; i++)
        if (f->fixed[i] > UINT16_MAX)
            return false;
    return true;
}

/* Sums of integers decide alone. All of them lie where sums of whole ensembles do: those that start
 * with leaves are such sums, of other rows. */
bool nest_rounded(struct ctx *ctx, struct nest *n)
{
    const struct forest *f = n->forest;
    const struct trees *t = f->trees;
    if (!n->is_value && !is_scalar(f))
        return false;
    n->sums = NEST_FIXED;
    n->n_sums = 1;
    n->exact = n->rounded = true;
    n->slack = f->bound;
    n->start = copy_bytes(ctx, f->base_fixed, sizeof *n->start * (size_t)t->n_scores);
    n->add = NEWS(ctx, int32_t, f->n_nodes);
    const bool leaves = starts_with_leaves(ctx, f);
    for (int32_t i = 0; i < f->n_trees; i++) {
        const int32_t common = leaves ? commonest_steps(f, i) : 0;
        int32_t *start = &n->start[f->output[i]];
        *start = (int32_t)((uint32_t)*start + (uint32_t)common);
        for (int32_t at = f->root[i]; at < f->end[f->root[i]]; at++) {
            n->row[at] = f->feature[at] < 0 ? at : -1;
            if (f->feature[at] < 0)
                n->add[at] = f->fixed[f->left[at]] - common;
        }
    }
    for (int32_t k = 0; k < t->n_scores && t->decide == DECIDE_CUT && !n->is_value; k++)
        n->start[k] -= f->cut_fixed;
    return true;
}
