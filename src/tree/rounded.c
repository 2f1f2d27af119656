/* SPDX-License-Identifier: Apache-2.0 */
/* rounded.c - leaves rounded to a few bits, and how far that leads from the library's sums.
 *
 * A leaf becomes a whole number of steps above the lowest leaf of all, so that N bits hold it. The
 * error of each leaf is known. In each tree it lies between a least and a most; these add up to the
 * ends of an interval for each score, whose middle goes into the base. What is left, half the width
 * of the interval and what rounding the base adds, bounds the distance from the exact sum.
 *
 * The library's own sum errs, too: each of its additions rounds by at most u of its result, which
 * lies between what the smallest and the largest leaves so far make. An average is divided, which
 * rounds once more.
 *
 * A step is never so small that a sum could leave 30 bits: sums are integers of 32. Ensembles of
 * thousands of trees, and values far from 0, so get leaves of fewer bits than were asked for.
 */
#include <math.h>
#include <string.h>

#include "tree/tree.h"

enum { SUM_BITS = 29, CUT_MAX = 1 << 30 };

/* So close can two scores be that a softmax makes equal: kernels/tree/softmax_near.h argues for
 * float32; of float64 see trees_label.h. */
static double softmax_gap(const struct trees *t)
{
    if (t->decide != DECIDE_SOFTMAX)
        return 0;
    return t->sums == SUMS_FLOAT32 ? 0x1p-22 : 0x1p-50;
}

/* What is known of one score: where its sum can be, and the library's roundings on the way. */
struct score {
    double low, high;             /* the exact sum, of the trees so far */
    double error_low, error_high; /* steps make more than the exact sum by so much */
    double roundings;
    double size; /* of all that is added here: the arithmetic of this file errs by parts of it */
    int32_t added;
};

static double roundoff(const struct trees *t)
{
    return t->sums == SUMS_FLOAT32 ? 0x1p-24 : 0x1p-53;
}

/* The smallest and the largest leaf, of all trees. */
static void range_of(const struct forest *f, double *low, double *high)
{
    *low = INFINITY;
    *high = -INFINITY;
    for (int32_t i = 0; i < f->n_nodes; i++) {
        if (f->feature[i] >= 0)
            continue;
        *low = fmin(*low, f->value[f->left[i]]);
        *high = fmax(*high, f->value[f->left[i]]);
    }
}

static double steps_of(double value, double low, double step, double most)
{
    return fmin(fmax(rint((value - low) / step), 0), most);
}

static void add_tree(const struct forest *f, int32_t tree, double lowest, double step,
                     struct score *s)
{
    double low = INFINITY, high = -INFINITY, error_low = INFINITY, error_high = -INFINITY;
    for (int32_t at = f->root[tree]; at < f->end[f->root[tree]]; at++) {
        if (f->feature[at] >= 0)
            continue;
        const double v = f->value[f->left[at]];
        const double error = lowest + rint((v - lowest) / step) * step - v;
        low = fmin(low, v);
        high = fmax(high, v);
        error_low = fmin(error_low, error);
        error_high = fmax(error_high, error);
    }
    s->low += low;
    s->high += high;
    s->error_low += error_low;
    s->error_high += error_high;
    s->added++;
    s->size += fmax(fabs(lowest), fmax(fabs(low), fabs(high)));
    s->roundings += roundoff(f->trees) * fmax(fabs(s->low), fabs(s->high));
}

static struct score *scores_of(struct ctx *ctx, const struct forest *f, double lowest, double step)
{
    const struct trees *t = f->trees;
    struct score *score = NEWS(ctx, struct score, t->n_scores);
    for (int32_t k = 0; k < t->n_scores; k++)
        score[k] = (struct score){t->base[k], t->base[k], .size = fabs(t->base[k])};
    for (int32_t i = 0; i < f->n_trees; i++)
        add_tree(f, i, lowest, step, &score[f->output[i]]);
    return score;
}

/* The library's roundings of a score: each is of a sum that has those before it; and the division,
 * whose quotient may be subnormal. Besides, what the arithmetic here may err by. */
static double roundings_of(const struct trees *t, const struct score *s)
{
    const double u = roundoff(t), most = fmax(fabs(s->low), fabs(s->high));
    const double least = t->sums == SUMS_FLOAT32 ? 0x1p-149 : 0x1p-1074;
    const double divided = t->divisor != 1 ? u * most + least * t->divisor : 0;
    return (s->roundings + divided) * (1 + 2 * u * (s->added + 2)) +
           (s->added + 4) * 0x1p-52 * s->size;
}

static double step_of(struct ctx *ctx, const struct forest *f, int bits, double low, double high)
{
    const struct score *s = scores_of(ctx, f, low, 1);
    double reach = 0;
    for (int32_t k = 0; k < f->n_scores; k++)
        reach = fmax(reach, fmax(fabs(s[k].low), fabs(s[k].high)));
    const double step = fmax((high - low) / (ldexp(1, bits) - 1), ldexp(reach, -SUM_BITS));
    return step > 0 ? step : 1; /* all leaves and all bases are 0 */
}

/* The ensemble of integers: steps instead of numbers. */
static const struct forest *forest_of(struct ctx *ctx, const struct trees *from, double low,
                                      double step, double most)
{
    struct trees *t = copy_bytes(ctx, from, sizeof *t);
    double *value = NEWS(ctx, double, t->n_values);
    for (int32_t i = 0; i < t->n_values; i++)
        value[i] = steps_of(from->value[i], low, step, most);
    t->value = value;
    t->base = NEWS(ctx, double, t->n_scores);
    t->sums = SUMS_FLOAT64;
    t->cut = 0;
    return prepare_trees(ctx, t);
}

/* The cut in steps. A cut that no sum comes near is as good at the end of the range. */
static int32_t cut_of(double cut, double step, double *error)
{
    const double steps = rint(cut / step);
    *error = 0;
    if (fabs(steps) >= CUT_MAX)
        return steps > 0 ? CUT_MAX : -CUT_MAX;
    *error = fabs(steps * step - cut);
    return (int32_t)steps;
}

/* Whole steps up to which nothing is certain. */
static int32_t slack_of(double distance, double step)
{
    const double steps = floor(distance / step * (1 + 0x1p-40));
    return steps < CUT_MAX ? (int32_t)steps : INT32_MAX;
}

/* What sums begin with: the base, less the middle of the leaves' errors, with the lowest leaf of
 * each tree. That may be beyond 32 bits, of which the lower ones are kept: the sum itself is
 * not. Returns how far the worst score may be from the library's. */
static double set_base(const struct forest *f, const struct score *s, double low, double step,
                       int32_t *base)
{
    const struct trees *t = f->trees;
    double worst = 0;
    for (int32_t k = 0; k < t->n_scores; k++) {
        const double start = t->base[k] + s[k].added * low - (s[k].error_low + s[k].error_high) / 2;
        const double steps = rint(start / step), half = (s[k].error_high - s[k].error_low) / 2;
        base[k] = (int32_t)(uint32_t)(int64_t)steps;
        worst = fmax(worst, half + fabs(steps * step - start) + roundings_of(t, &s[k]));
    }
    return worst;
}

const struct rounded *round_leaves(struct ctx *ctx, const struct forest *f, int bits)
{
    const struct trees *t = f->trees;
    double low, high, off;
    range_of(f, &low, &high);
    const double step = step_of(ctx, f, bits, low, high);
    const struct score *s = scores_of(ctx, f, low, step);
    const struct forest *integers = forest_of(ctx, t, low, step, rint((high - low) / step));
    struct forest *made = copy_bytes(ctx, integers, sizeof *made);
    int32_t *fixed = NEWS(ctx, int32_t, made->n_values), *base = NEWS(ctx, int32_t, t->n_scores);
    int32_t most = 0;
    for (int32_t i = 0; i < made->n_values; i++) {
        fixed[i] = (int32_t)made->value[i];
        most = fixed[i] > most ? fixed[i] : most;
    }
    const double worst = set_base(f, s, low, step, base);
    made->kind = LEAF_STEPS;
    made->is_vote = false;
    made->scale = 0;
    made->fixed = fixed;
    made->base_fixed = base;
    made->cut_fixed = cut_of(f->cut, step, &off);
    made->bound = t->decide == DECIDE_CUT ? slack_of(worst + off, step)
                                          : slack_of(2 * worst + softmax_gap(t), step);
    struct rounded *r = NEW(ctx, struct rounded);
    *r = (struct rounded){made, bits_for((uint32_t)most), step / t->divisor, worst / t->divisor};
    return r;
}

/* ---- what comes of it ------------------------------------------------------------------------ */

/* Of probabilities: where scores s move by up to B, ln p of a softmax moves by no more than 2 B
 * (1 - p), so p by B / 2; a logistic moves by B / 4; of logistics divided by their sum each
 * moves by a factor of at most e^B, and the quotient by no more than a softmax's. */
static double error_of_link(const struct node *n, double error, double *relative)
{
    const int32_t kind = ((const struct attr_link *)n->attr)->kind;
    switch (kind) {
    case LINK_LOGISTIC:
    case LINK_LOGISTIC_PAIR:
    case LINK_LOGISTIC_F32:
        return error / 4;
    case LINK_SOFTMAX:
    case LINK_SOFTMAX_F32:
    case LINK_OVR:
        return error / 2;
    case LINK_AFFINE:
        return error * fabs(((const double *)n->in[1]->data)[0]);
    case LINK_EXP:
        *relative = expm1(error);
        return 0;
    default: /* those that move numbers by no more than they are moved */
        return error;
    }
}

/* How errors of inputs meet in the output of a node; links come after it. A weighted median
 * moves by no more than its numbers. Of what else may be done to scores there is no bound. */
static double join_errors(const struct node *n, double a, double b)
{
    static const enum op_kind keeps[] = {OP_cast,          OP_link, OP_reshape,         OP_slice,
                                         OP_concat,        OP_mean, OP_weighted_median, OP_linear,
                                         OP_scale_features};
    if (a == 0 && b == 0)
        return 0;
    if (node_is(n, OP_add) || node_is(n, OP_sub))
        return a + b;
    for (size_t i = 0; i < sizeof keeps / sizeof keeps[0]; i++)
        if (node_is(n, keeps[i]))
            return fmax(a, b);
    return INFINITY;
}

/* The most that a row of coefficients makes of numbers of size 1: members of an ensemble are
 * added so. */
static double largest_row(const struct tensor *coef)
{
    const double *at = coef->data;
    double most = 0;
    for (int32_t k = 0; k < coef->dim[0]; k++) {
        double sum = 0;
        for (int32_t i = 0; i < coef->dim[1]; i++)
            sum += fabs(*at++);
        most = fmax(most, sum);
    }
    return most;
}

/* The most that a step of scaling makes of a number of size 1. */
static double largest_scale(const struct tensor *numbers, int32_t op)
{
    double most = 0;
    if (!numbers || op == SCALE_ADD || op == SCALE_SUB)
        return 1;
    for (int64_t i = 0; i < tensor_elements(numbers); i++) {
        const double by = fabs(((const double *)numbers->data)[i]);
        most = fmax(most, op == SCALE_MUL ? by : 1 / by);
    }
    return most;
}

void rounded_error(const struct tensor *t, double *absolute, double *relative)
{
    const struct node *n = t->maker;
    if (!n || node_is(n, OP_trees) || t->error > 0) {
        *absolute = t->error;
        *relative = 0;
        return;
    }
    *absolute = *relative = 0;
    for (int i = 0; i < n->n_in; i++) {
        double a = 0, r = 0;
        if (n->in[i])
            rounded_error(n->in[i], &a, &r);
        *absolute = join_errors(n, *absolute, a);
        *relative = join_errors(n, *relative, r);
    }
    if (node_is(n, OP_link))
        *absolute = error_of_link(n, *absolute, relative);
    if (node_is(n, OP_scale_features)) {
        const struct attr_scale_features *a = n->attr;
        *absolute *= largest_scale(n->in[1], a->first_op);
        *absolute *= largest_scale(n->n_in > 2 ? n->in[2] : NULL, a->second_op);
        *relative = *relative > 0 ? INFINITY : 0;
    }
    if (node_is(n, OP_linear)) {
        *absolute *= largest_row(n->in[1]);
        *relative = *relative > 0 ? INFINITY : 0;
    }
}
