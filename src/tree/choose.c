/* SPDX-License-Identifier: Apache-2.0 */
/* choose.c - which kernel runs an ensemble, and what it is given. */
#include <math.h>
#include <string.h>

#include "kernels.gen.h"
#include "tree/nest.h"
#include "tree/tree.h"

/* ---- constants ------------------------------------------------------------------------------- */

static const void *bytes(struct lower *l, const char *label, enum dtype type, int64_t n,
                         const void *data)
{
    return n && data ? lower_constant(l, label, type, n, data) : NULL;
}

static void register_tables(struct lower *l, const struct forest *f, const struct tree_stream *s)
{
    struct mica_trees *p = s->params;
    const struct trees *t = f->trees;
    p->word = bytes(l, "nodes", DTYPE_UINT32, s->n_tests_words, p->word);
    p->root = bytes(l, "roots", DTYPE_UINT32, s->n_root, p->root);
    p->stream = bytes(l, "nodes", DTYPE_UINT16, s->n_stream, p->stream);
    p->key_half = bytes(l, "thresholds", DTYPE_UINT16, s->n_half, p->key_half);
    p->key_word = bytes(l, "thresholds", DTYPE_UINT32, s->n_word, p->key_word);
    p->first = bytes(l, "first", DTYPE_UINT16, s->n_first, p->first);
    p->key_width = bytes(l, "width", DTYPE_UINT8, s->n_width, p->key_width);
    p->set = bytes(l, "sets", DTYPE_UINT32, t->n_sets, p->set);
    p->share = bytes(l, "shares", DTYPE_UINT8, s->leaves.n_share, s->leaves.share);
    p->number = bytes(l, "values", DTYPE_UINT32, s->leaves.n_number, s->leaves.number);
}

static const uint16_t *narrow(struct lower *l, const char *label, const int32_t *from, int32_t n)
{
    uint16_t *to = NEWS(l->ctx, uint16_t, n);
    for (int32_t i = 0; i < n; i++)
        to[i] = (uint16_t)from[i];
    return lower_constant(l, label, DTYPE_UINT16, n, to);
}

/* To which score each tree adds: all to the first, one after the other, or as a table says. */
static void set_outputs(struct lower *l, const struct forest *f, struct mica_trees *p)
{
    bool in_turn = f->width == 1, one = true;
    for (int32_t i = 0; i < f->n_trees; i++) {
        in_turn = in_turn && f->output[i] == i % f->n_scores;
        one = one && f->output[i] == 0;
    }
    p->one_output = one;
    if (!one && !in_turn)
        p->output = narrow(l, "outputs", f->output, f->n_trees);
}

/* Where sums of integers begin, where it is not 0. */
static void set_base_fixed(struct lower *l, const struct forest *f, struct mica_trees *p)
{
    bool any = false;
    for (int32_t i = 0; i < f->n_scores; i++)
        any = any || f->base_fixed[i] != 0;
    p->base_fixed = any ? lower_constant(l, "base", DTYPE_INT32, f->n_scores, f->base_fixed) : NULL;
}

/* The scores before the first tree, where they are not all 0. */
static void set_base(struct lower *l, const struct forest *f, struct mica_trees *p)
{
    const struct trees *t = f->trees;
    const int32_t words = t->sums == SUMS_FLOAT32 ? 1 : 2;
    uint32_t *base = NEWS(l->ctx, uint32_t, words * t->n_scores);
    bool any = false;
    for (int32_t i = 0; i < t->n_scores; i++) {
        const float single = (float)t->base[i];
        if (words == 1)
            memcpy(&base[i], &single, sizeof single);
        uint64_t bits;
        memcpy(&bits, &t->base[i], sizeof bits);
        if (words == 2) {
            base[2 * i] = (uint32_t)bits;
            base[2 * i + 1] = (uint32_t)(bits >> 32);
        }
        any = any || bits != 0;
    }
    if (any)
        p->base = lower_constant(l, "base", DTYPE_UINT32, words * t->n_scores, base);
}

/* ---- how the sums of integers decide --------------------------------------------------------- */

/* The high word of the leaf's number, as far as the kernel reads it. */
static uint32_t high_word(const struct mica_trees *p, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    uint32_t high = (uint32_t)(bits >> 32);
    if (p->leaf_form != MICA_LEAF_FLOAT64)
        return high;
    if (v == 0)
        high |= (uint32_t)p->exponent_base << 20;
    return high & ~mica_trees_mask(mica_sums_unread(p));
}

/* How far the kernel's integers may be from the library's sums: what the kernel itself makes of
 * each leaf, the worst of each tree. */
static int32_t kernel_bound(struct ctx *ctx, const struct forest *f, const struct mica_trees *p)
{
    double *error = NEWS(ctx, double, f->n_values * f->width), most = 0;
    double *score = NEWS(ctx, double, f->n_scores), *tree = NEWS(ctx, double, f->width);
    bool *used = NEWS(ctx, bool, f->n_values); /* others may leave the integers' range */
    for (int32_t i = 0; i < f->n_nodes; i++)
        if (f->feature[i] < 0)
            used[f->left[i]] = true;
    for (int32_t i = 0; i < f->n_values * f->width; i++)
        error[i] = !used[i / f->width] ? 0
                                       : fabs((double)mica_sums_word(p, high_word(p, f->value[i])) -
                                              ldexp(f->value[i], f->scale));
    for (int32_t i = 0; i < f->n_trees; i++) {
        memset(tree, 0, sizeof *tree * (size_t)f->width);
        for (int32_t at = f->root[i]; at < f->end[f->root[i]]; at++)
            for (int32_t j = 0; f->feature[at] < 0 && j < f->width; j++)
                tree[j] = fmax(tree[j], error[f->left[at] * f->width + j]);
        for (int32_t j = 0; j < f->width; j++)
            score[f->output[i] + j] += tree[j];
    }
    for (int32_t i = 0; i < f->n_scores; i++)
        most = fmax(most, score[i]);
    most += f->roundings + 1.5;      /* base and cut are rounded, and what is added here */
    most += ldexp(1, f->scale - 53); /* so close can scores be that a softmax makes equal */
    return most < 0x1p29 ? (int32_t)ceil(most) : 1 << 29;
}

static uint8_t decide_of(const struct trees *t)
{
    return t->decide == DECIDE_CUT       ? MICA_LABEL_CUT
           : t->decide == DECIDE_SOFTMAX ? MICA_LABEL_SOFTMAX
                                         : MICA_LABEL_FIRST;
}

static void set_decision(struct lower *l, const struct forest *f, struct mica_trees *p)
{
    const struct trees *t = f->trees;
    const float single = (float)f->cut;
    uint64_t cut;
    memcpy(&cut, &f->cut, sizeof cut);
    p->decide = decide_of(t);
    p->cut_high = t->decide == DECIDE_CUT ? (uint32_t)(cut >> 32) : 0;
    p->cut_low = t->decide == DECIDE_CUT ? (uint32_t)cut : 0;
    p->cut_fixed = t->decide == DECIDE_CUT ? f->cut_fixed : 0;
    if (t->sums == SUMS_FLOAT32) {
        p->cut_high = p->cut_low = 0;
        p->cut_fixed = 0;
        if (t->decide == DECIDE_CUT)
            memcpy(&p->cut_low, &single, sizeof single);
        return;
    }
    p->scale = (int16_t)f->scale;
    p->fixed_shift = (int16_t)(1023 + 31 - f->scale);
    p->bound = kernel_bound(l->ctx, f, p);
    set_base_fixed(l, f, p);
}

/* ---- the kernels ----------------------------------------------------------------------------- */

static struct call *bind(struct lower *l, const struct kernel *kernel, const struct mica_trees *p,
                         enum dtype type, bool fixed)
{
    struct node *n = l->step->node;
    struct call *c = lower_call(l, kernel, p);
    call_bind(c, n->in[TREES_X], 0);
    if (fixed)
        call_bind(c, lower_temp(l, DTYPE_INT32, p->n_scores), 0);
    call_bind(c, lower_temp(l, type, p->n_scores), 0);
    call_bind(c, n->out[0], 0);
    return c;
}

/* Nested ifs before the kernel. */
static void set_code(struct lower *l, struct call *c, struct nest *nest)
{
    const char *redo = c->kernel == &kernel_trees_votes   ? "mica_votes_redo"
                       : c->kernel == &kernel_trees_label ? "mica_label_redo"
                                                          : NULL;
    if (nest)
        c->code = nest_code(l->ctx, nest, redo);
}

static bool is_whole(double divisor)
{
    return divisor == floor(divisor) && divisor <= UINT16_MAX;
}

/* Sums of float64 are divided by any number; that is slower, and float32 has it only for
 * integers. */
static void set_divisor(struct lower *l, const struct trees *t, struct mica_trees *p)
{
    uint64_t bits;
    memcpy(&bits, &t->divisor, sizeof bits);
    if (is_whole(t->divisor)) {
        p->divisor = (uint32_t)t->divisor;
        return;
    }
    if (t->sums == SUMS_FLOAT32 || t->divisor < 0x1p-1022)
        fail(l->ctx, l->step->node, "its divisor is %g, and must be a whole number up to 65535",
             t->divisor);
    p->divisor_high = (uint32_t)(bits >> 32);
    p->divisor_low = (uint32_t)bits;
}

/* On AVR no array exceeds 32767 bytes, and there is little flash. */
static bool words_fit(const struct lower *l, const struct forest *f)
{
    const int64_t numbers = f->is_vote ? 0 : (int64_t)(f->n_nodes - f->n_tests) * f->width;
    return !core_has_program_memory(l->ctx->options.target) ||
           (8 * (int64_t)f->n_tests <= INT16_MAX && 8 * numbers <= INT16_MAX);
}

/* As words where speed counts and they hold it, else as a stream. What --optimize speed gives a
 * label, nested ifs, only need the stream for rows that they leave undecided. */
static void write_trees(struct lower *l, const struct forest *f, struct leaf_codes c,
                        struct tree_stream *s, const struct nest *nest)
{
    struct tree_words w;
    struct leaf_codes words = c.code && !c.packed ? c : (struct leaf_codes){0};
    if (l->ctx->options.optimize == MICA_OPTIMIZE_SPEED && !nest && words_fit(l, f) &&
        words_trees(l->ctx, f, s->params, &words, &w)) {
        s->leaves = words;
        s->n_tests_words = w.n_word;
        s->n_root = w.n_root;
        s->n_half = w.n_half;
        s->n_word = w.n_key;
        return;
    }
    stream_trees(l->ctx, l->step->node, f, c, s);
}

static void lower_votes(struct lower *l, const struct forest *f, struct tree_stream *s,
                        const struct leaf_codes *c, enum gives gives, struct nest *nest)
{
    struct mica_trees *p = s->params;
    write_trees(l, f, *c, s, nest);
    register_tables(l, f, s);
    if (gives == GIVES_LABEL)
        set_code(l, bind(l, &kernel_trees_votes, p, DTYPE_INT64, true), nest);
    else
        bind(l, &kernel_trees_fractions, p, DTYPE_INT64, false);
}

static void lower_sums(struct lower *l, const struct forest *f, struct tree_stream *s,
                       enum gives gives, struct nest *nest)
{
    struct mica_trees *p = s->params;
    struct leaf_codes c = {0};
    const bool label = gives == GIVES_LABEL, narrow_sums = f->trees->sums == SUMS_FLOAT32;
    codes_numbers(l->ctx, f, !label, p, &c);
    write_trees(l, f, c, s, nest);
    set_outputs(l, f, p);
    set_base(l, f, p);
    if (label)
        set_decision(l, f, p);
    register_tables(l, f, s);
    struct call *call;
    if (narrow_sums)
        call = bind(l, label ? &kernel_trees_label_f32 : &kernel_trees_scores_f32, p, DTYPE_FLOAT32,
                    false);
    else
        call = bind(l, label ? &kernel_trees_label : &kernel_trees_scores, p, DTYPE_INT64, label);
    set_code(l, call, nest);
}

/* ---- one tree -------------------------------------------------------------------------------- */

/* The label that the library gives where a row comes to a leaf of these numbers. */
static int32_t label_of(const struct forest *f, const double *number)
{
    const struct trees *t = f->trees;
    int32_t best = 0;
    double most = 0;
    for (int32_t i = 0; i < t->n_scores; i++) {
        const int32_t j = i - t->output[0];
        double sum = t->base[i] + (j >= 0 && j < t->width ? number[j] : 0);
        if (t->sums == SUMS_FLOAT32)
            sum = (float)sum;
        if (t->decide == DECIDE_CUT)
            return sum >= f->cut;
        sum /= t->divisor;
        if (!i || sum > most) {
            most = sum;
            best = i;
        }
    }
    return best;
}

/* A single tree's leaves can be labels, and need no sums; tests between equal labels go. False: the
 * label takes more than one leaf to know. */
static bool lower_class(struct lower *l, const struct forest *f, struct nest *nest)
{
    const struct trees *t = f->trees;
    static const double zero = 0;
    static const int32_t one = 1, first = 0;
    if (t->n_trees != 1 || t->n_labels != 1 || t->path || t->decide == DECIDE_SOFTMAX)
        return false;
    struct trees *labels = NEW(l->ctx, struct trees);
    double *value = NEWS(l->ctx, double, t->n_values);
    for (int32_t i = 0; i < t->n_values; i++)
        value[i] = label_of(f, t->value + (int64_t)i * t->width);
    *labels = *t;
    labels->width = labels->n_scores = 1;
    labels->value = value;
    labels->base = &zero;
    labels->group = &one;
    labels->output = &first;
    labels->sums = SUMS_FLOAT64;
    labels->decide = DECIDE_ARGMAX;
    labels->divisor = 1;
    f = prepare_trees(l->ctx, labels);
    int32_t *code = NEWS(l->ctx, int32_t, f->n_values), most = 0;
    for (int32_t i = 0; i < f->n_values; i++) {
        code[i] = (int32_t)f->value[i];
        most = code[i] > most ? code[i] : most;
    }
    struct mica_trees params = {.n_trees = 1};
    struct tree_stream s = {.params = &params};
    const struct leaf_codes c = {
        .form = MICA_LEAF_NUMBER, .bits = bits_for((uint32_t)most), .code = code};
    stream_trees(l->ctx, l->step->node, f, c, &s);
    register_tables(l, f, &s);
    struct call *call = lower_call(l, &kernel_trees_class, &params);
    call_bind(call, l->step->node->in[TREES_X], 0);
    call_bind(call, l->step->node->out[0], 0);
    set_code(l, call, nest);
    return true;
}

/* ---- rounded leaves -------------------------------------------------------------------------- */

static void refuse_rounding(struct lower *l, const struct forest *f)
{
    struct node *n = l->step->node;
    if (f->trees->path)
        fail(l->ctx, n,
             "the depth of its leaves counts, which cannot be rounded: compile it "
             "without --leaf-bits");
    if (f->width != 1)
        fail(l->ctx, n,
             "each of its leaves has %d numbers, as votes for classes do: --leaf-bits is "
             "for boosted ensembles and regressions, whose leaves have one",
             (int)f->width);
}

/* The kernel of what is wanted, and in front of it nested ifs where they serve. */
static void lower_rounded(struct lower *l, const struct forest *exact, enum gives gives)
{
    refuse_rounding(l, exact);
    const struct rounded *r = round_leaves(l->ctx, exact, l->ctx->options.leaf_bits);
    const struct forest *f = r->forest;
    const bool label = gives != GIVES_SCORES, single = l->step->node->out[0]->type == DTYPE_FLOAT32;
    struct mica_trees params = {.n_trees = f->n_trees,
                                .n_scores = f->n_scores,
                                .n_labels = f->trees->n_labels,
                                .width = 1,
                                .decide = decide_of(f->trees)};
    struct mica_trees *p = &params;
    struct tree_stream s = {.params = p};
    struct leaf_codes c = {0};
    struct nest *nest = design_rounded(l, r, gives);
    codes_steps(l->ctx, f, r->bits, &c);
    write_trees(l, f, c, &s, nest);
    set_outputs(l, f, p);
    set_base_fixed(l, f, p);
    if (label && f->trees->n_labels > 1)
        p->group = narrow(l, "groups", f->trees->group, f->trees->n_labels);
    if (label) {
        p->cut_fixed = f->trees->decide == DECIDE_CUT ? f->cut_fixed : 0;
        p->bound = f->bound;
        p->certain = gives == GIVES_CERTAIN;
    } else {
        if (!(r->unit > 0x1p-100 && r->unit < 0x1p60))
            fail(l->ctx, l->step->node, "a step of its rounded leaves is %g: scale its targets",
                 r->unit);
        p->unit = (float)r->unit;
        l->step->node->out[0]->error = r->error;
    }
    register_tables(l, f, &s);
    struct call *call = bind(l,
                             label    ? &kernel_trees_label_rounded
                             : single ? &kernel_trees_values_rounded
                                      : &kernel_trees_scores_rounded,
                             p, DTYPE_INT32, false);
    if (nest)
        call->code = nest_code(l->ctx, nest, NULL);
}

void choose_trees(struct lower *l, const struct forest *f, enum gives gives)
{
    const struct trees *t = f->trees;
    if (l->ctx->options.leaf_bits) {
        lower_rounded(l, f, gives);
        return;
    }
    if (gives == GIVES_CERTAIN)
        fail(l->ctx, l->step->node,
             "every label is certain but of leaves that are rounded: add "
             "--leaf-bits");
    struct nest *nest = gives == GIVES_LABEL ? design_nest(l, f) : NULL;
    if (gives == GIVES_LABEL && design_table(l, f, nest))
        return;
    if (gives == GIVES_SCORES && l->step->node->out[0]->type == DTYPE_FLOAT32) {
        nest_value_lower(l, f);
        return;
    }
    struct mica_trees params = {.n_trees = f->n_trees,
                                .n_scores = f->n_scores,
                                .n_labels = t->n_labels,
                                .width = f->width,
                                .path = t->path};
    struct tree_stream s = {.params = &params};
    struct leaf_codes c = {0};
    set_divisor(l, t, &params);
    if (gives == GIVES_LABEL && lower_class(l, f, nest))
        return;
    if (t->n_labels > 1 && gives == GIVES_LABEL)
        params.group = narrow(l, "groups", t->group, t->n_labels);
    const bool votes = f->is_vote && is_whole(t->divisor) &&
                       (gives == GIVES_SCORES || t->decide == DECIDE_ARGMAX);
    if (votes && codes_votes(l->ctx, f, &params, &c))
        lower_votes(l, f, &s, &c, gives, nest);
    else
        lower_sums(l, f, &s, gives, nest);
}
