/* SPDX-License-Identifier: Apache-2.0 */
/* nest_print.c - prints trees as nested ifs, and the label from their sums. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "tree/nest.h"

/* One printed function. */
struct print {
    struct ctx *ctx;
    struct text *out;
    const struct nest *nest;
    const struct call *call;
    const char *name, *params;
};

/* ---- tests ----------------------------------------------------------------------------------- */

static const char *bits(struct print *p, int32_t feature)
{
    return feature ? format(p->ctx, "mica_float_bits(x + %d)", (int)feature) : "mica_float_bits(x)";
}

/* Bits of the threshold; key is that of float_key(). */
static uint32_t key_bits(int32_t key)
{
    return key < 0 ? (uint32_t)key ^ UINT32_C(0x7fffffff) : (uint32_t)key;
}

/* x <= threshold. A NaN, whose bits are above those of infinity, goes right, or with missing_left
 * left: then right are only the bits from the threshold's next to infinity's. */
static const char *float_test(struct print *p, int32_t feature, int32_t key, bool missing_left)
{
    const char *x = bits(p, feature);
    const uint32_t at = key_bits(key);
    if (key >= 0 && !missing_left)
        return format(p->ctx, "%s <= 0x%" PRIx32, x, at);
    if (key >= 0)
        return format(p->ctx, "(uint32_t)%s - 0x%" PRIx32 "u >= 0x%" PRIx32 "u", x, at + 1,
                      UINT32_C(0x7f800000) - at);
    if (!missing_left)
        return format(p->ctx, "(uint32_t)%s >= 0x%" PRIx32 "u", x, at);
    return format(p->ctx, "(uint32_t)%s >= 0x%" PRIx32 "u || %s > 0x7f800000", x, at, x);
}

/* Zeros go where NaN does: |x| <= 1e-35f. */
static const char *zero_test(struct print *p, int32_t feature, const char *test, bool missing_left)
{
    const uint32_t zero = key_bits(float_key(1e-35f)) << 1;
    const char *x = format(p->ctx, "(uint32_t)%s << 1", bits(p, feature));
    if (missing_left)
        return format(p->ctx, "(%s) <= 0x%" PRIx32 "u || %s", x, zero, test);
    return format(p->ctx, "(%s) > 0x%" PRIx32 "u && (%s)", x, zero, test);
}

/* Words of a set without those that are 0 at its end. */
static uint32_t set_words(const uint32_t *set)
{
    uint32_t words = set[0];
    while (words && !set[words])
        words--;
    return words;
}

static const char *set_name(struct print *p, int32_t key)
{
    return format(p->ctx, "%s_set_%d", p->name, (int)key);
}

/* The category is in the set; sets of one word stand in the code, others in arrays. */
static const char *set_test(struct print *p, const char *category, int32_t key)
{
    const uint32_t *set = p->nest->forest->trees->set + key;
    const uint32_t words = set_words(set);
    if (words <= 1)
        return format(p->ctx, "mica_in_word(%s, 0x%" PRIx32 "u)", category, words ? set[1] : 0);
    return format(p->ctx, "mica_in_set(%s, %s, %" PRIu32 ")", category, set_name(p, key), words);
}

static const char *category_test(struct print *p, const struct forest *f, int32_t i)
{
    const char *x = bits(p, f->feature[i]);
    const char *down = f->flags[i] & TREE_ROUND_DOWN ? "_down" : "";
    const char *test = set_test(p, format(p->ctx, "mica_category%s(%s)", down, x), f->key[i]);
    if (f->flags[i] & TREE_MISSING_LEFT)
        return format(p->ctx, "%s > 0x7f800000 || %s", x, test);
    return test;
}

static const char *integer_test(struct print *p, const struct forest *f, int32_t i)
{
    const char *test = format(p->ctx, "x[%d] <= %d", (int)f->feature[i], (int)f->key[i]);
    if (f->flags[i] & TREE_CATEGORIES)
        test = set_test(p, format(p->ctx, "(uint32_t)x[%d]", (int)f->feature[i]), f->key[i]);
    if (!(f->flags[i] & TREE_ZERO_MISSING))
        return test;
    if (!(f->flags[i] & TREE_CATEGORIES) && nest_compares(f, i)) /* compilers warn of it */
        return format(p->ctx, f->flags[i] & TREE_MISSING_LEFT ? "x[%d] == 0" : "x[%d] != 0",
                      (int)f->feature[i]);
    return format(p->ctx, f->flags[i] & TREE_MISSING_LEFT ? "x[%d] == 0 || %s" : "x[%d] && %s",
                  (int)f->feature[i], test);
}

static const char *test_text(struct print *p, int32_t i)
{
    const struct forest *f = p->nest->forest;
    const bool missing_left = f->flags[i] & TREE_MISSING_LEFT && !p->nest->guarded;
    if (f->trees->x_type != DTYPE_FLOAT32)
        return integer_test(p, f, i);
    const char *test = f->flags[i] & TREE_CATEGORIES
                           ? category_test(p, f, i)
                           : float_test(p, f->feature[i], f->key[i], missing_left);
    if (f->flags[i] & TREE_ZERO_MISSING)
        return zero_test(p, f->feature[i], test, f->flags[i] & TREE_MISSING_LEFT);
    return test;
}

/* ---- trees ----------------------------------------------------------------------------------- */

static const char *float_text(struct print *p, int32_t as_bits)
{
    float v;
    memcpy(&v, &as_bits, sizeof v);
    return format(p->ctx, "%af", (double)v);
}

static void print_leaf(struct print *p, int32_t i, const char *end)
{
    const struct nest *n = p->nest;
    const int32_t *add = n->add + (int64_t)n->row[i] * n->n_sums;
    for (int32_t j = 0; j < n->n_sums; j++) {
        if (n->sums == NEST_LABEL)
            text_add(p->out, "out[%d] = %d; ", (int)j, (int)add[j]);
        else if (n->sums == NEST_FLOAT)
            text_add(p->out, "a += %s; ", float_text(p, add[j]));
        else if (!add[j])
            continue;
        else if (n->sums == NEST_PACKED)
            text_add(p->out, "a%d += 0x%" PRIx32 "u; ", (int)j, (uint32_t)add[j]);
        else
            text_add(p->out, "a %s %" PRId32 "; ",
                     add[j] < 0 ? "-=" : "+=", add[j] < 0 ? -add[j] : add[j]);
    }
    text_add(p->out, "%s;\n", end);
}

static bool is_likely(const struct forest *f, int32_t a, int32_t b)
{
    return f->weight[a] > f->weight[b];
}

/* The larger side of a test follows the if, the smaller stands inside it: so braces are nested no
 * deeper than the logarithm of the tests, however deep the tree, and so is this recursion. Every
 * leaf ends with `end`. */
static void print_tree(struct print *p, int32_t i, const char *end, int indent)
{
    const struct nest *n = p->nest;
    const struct forest *f = n->forest;
    while (n->row[i] < 0) {
        const int32_t left = n->left[i], right = n->right[i];
        const bool in_left = n->tests[left] < n->tests[right] ||
                             (n->tests[left] == n->tests[right] && !is_likely(f, right, left));
        const int32_t inside = in_left ? left : right, behind = in_left ? right : left;
        const char *likely = is_likely(f, inside, behind)   ? "MICA_LIKELY"
                             : is_likely(f, behind, inside) ? "MICA_UNLIKELY"
                                                            : "";
        text_add(p->out, "%*sif (%s%s(%s)%s) {\n", indent, "", likely, in_left ? "" : "(!",
                 test_text(p, i), in_left ? "" : ")");
        print_tree(p, inside, end, indent + 4);
        text_add(p->out, "%*s}\n", indent, "");
        i = behind;
    }
    text_add(p->out, "%*s", indent, "");
    print_leaf(p, i, end);
}

static void print_trees(struct print *p, const struct nest_part *part)
{
    const struct nest *n = p->nest;
    for (int32_t i = part->tree; i < part->tree + part->n_trees; i++) {
        const int32_t root = n->root[n->order[i]];
        const char *end = format(p->ctx, "goto tree_%d", (int)n->order[i] + 1);
        if (n->row[root] >= 0) {
            text_add(p->out, "    ");
            print_leaf(p, root, "");
            continue;
        }
        print_tree(p, root, n->sums == NEST_LABEL ? "return" : end, 4);
        if (n->sums != NEST_LABEL)
            text_add(p->out, "tree_%d:;\n", (int)n->order[i] + 1);
    }
}

/* The arrays of sets of more than a word, each once. */
static void print_sets(struct print *p)
{
    const struct forest *f = p->nest->forest;
    bool *done = NEWS(p->ctx, bool, f->trees->n_sets + 1), *met = NEWS(p->ctx, bool, f->n_nodes);
    for (int32_t i = 0; i < f->n_trees; i++)
        met[p->nest->root[i]] = true;
    for (int32_t i = 0; i < f->n_nodes; i++) {
        if (!met[i] || p->nest->row[i] >= 0)
            continue;
        met[p->nest->left[i]] = met[p->nest->right[i]] = true;
        if (!(f->flags[i] & TREE_CATEGORIES) || done[f->key[i]])
            continue;
        const uint32_t *set = f->trees->set + f->key[i], words = set_words(set);
        done[f->key[i]] = true;
        if (words < 2)
            continue;
        text_add(p->out, "static const uint32_t %s[%" PRIu32 "] MICA_ROM = {",
                 set_name(p, f->key[i]), words);
        for (uint32_t w = 1; w <= words; w++)
            text_add(p->out, w > 1 ? ", 0x%" PRIx32 "u" : "0x%" PRIx32 "u", set[w]);
        text_add(p->out, "};\n");
    }
}

/* ---- functions of some trees ----------------------------------------------------------------- */

static const char *x_type(const struct nest *n)
{
    return dtype_c(n->forest->trees->x_type);
}

static bool has_tests(const struct nest *n, const struct nest_part *part)
{
    for (int32_t i = part->tree; i < part->tree + part->n_trees; i++)
        if (n->row[n->root[n->order[i]]] < 0)
            return true;
    return false;
}

static const char *sum_type(const struct nest *n)
{
    return n->sums == NEST_FLOAT ? "float" : n->sums == NEST_PACKED ? "uint32_t" : "int32_t";
}

/* "uint32_t a0 = ..., a1 = ...;", the values being those of `from`, or the start. */
static void print_sums(struct print *p, const char *from)
{
    const struct nest *n = p->nest;
    for (int32_t j = 0; j < n->n_sums; j++) {
        text_add(p->out, j ? ", a%d = " : "    uint32_t a%d = ", (int)j);
        if (from)
            text_add(p->out, "%s[%d]", from, (int)j);
        else
            text_add(p->out, "0x%" PRIx32, (uint32_t)n->start[j]);
    }
    text_add(p->out, ";\n");
}

static void print_part(struct print *p, int32_t i)
{
    const struct nest *n = p->nest;
    const char *type = sum_type(n);
    if (n->sums == NEST_PACKED) {
        text_add(p->out, "MICA_NEST_PART void %s_%d(const %s *x, uint32_t *sum)\n{\n", p->name,
                 (int)i, x_type(n));
        print_sums(p, "sum");
    } else {
        text_add(p->out, "MICA_NEST_PART %s %s_%d(const %s *x, %s a)\n{\n", type, p->name, (int)i,
                 x_type(n), type);
    }
    if (!has_tests(n, &n->part[i]))
        text_add(p->out, "    (void)x;\n");
    print_trees(p, &n->part[i]);
    for (int32_t j = 0; j < n->n_sums && n->sums == NEST_PACKED; j++)
        text_add(p->out, "    sum[%d] = a%d;\n", (int)j, (int)j);
    text_add(p->out, n->sums == NEST_PACKED ? "}\n\n" : "    return a;\n}\n\n");
}

/* ---- the label ------------------------------------------------------------------------------- */

static const char *start_text(struct print *p, int32_t k)
{
    const struct nest *n = p->nest;
    return n->sums == NEST_FLOAT ? float_text(p, n->start[k])
                                 : format(p->ctx, "%" PRId32, n->start[k]);
}

/* The function's arguments are the kernel's: the row, memory to work in, the labels. */
static const char *argument(struct print *p, int i)
{
    const int n = p->call->kernel->n_args;
    return i == 0 ? "row" : i == n - 1 ? "out" : format(p->ctx, "work_%d", i);
}

/* Where `test` says that the sums decide nothing, the kernel does, or that part of it which sums as
 * the library does. */
static void print_kernel(struct print *p, const char *test)
{
    const struct kernel *kernel = p->call->kernel;
    text_add(p->out, "    if (%s) {\n        %s(%s", test,
             p->nest->redo ? p->nest->redo : kernel->name, p->params);
    for (int i = 0; i < kernel->n_args; i++)
        if (!p->nest->redo || i == 0 || i >= kernel->n_args - 2)
            text_add(p->out, ", %s", argument(p, i));
    text_add(p->out, ");\n        return;\n    }\n");
}

static void print_head(struct print *p)
{
    const struct kernel *kernel = p->call->kernel;
    const int last = kernel->n_args - 1;
    text_add(p->out, "static void %s(const void *row", p->name);
    for (int i = 1; i <= last; i++)
        text_add(p->out, ", %s *%s", dtype_c(kernel->args[i].type), argument(p, i));
    text_add(p->out, ")\n{\n    const %s *x = row;\n", x_type(p->nest));
    for (int i = 1; i < last; i++)
        if (p->nest->exact || (p->nest->redo && i < last - 1))
            text_add(p->out, "    (void)%s;\n", argument(p, i));
}

static void print_guard(struct print *p)
{
    struct text *test = text_new(p->ctx);
    for (int32_t i = 0; i < p->nest->forest->n_features; i++)
        if (nest_guards(p->nest, i))
            text_add(test, "%s%s > 0x7f800000", test->len ? " ||\n        " : "", bits(p, i));
    text_add(p->out, "    /* NaN */\n");
    print_kernel(p, test->at);
}

static void print_packed(struct print *p)
{
    const struct nest *n = p->nest;
    const struct trees *t = n->forest->trees;
    const int words = (int)n->n_sums - !n->exact;
    const char *rounded = n->n_parts == 1 ? format(p->ctx, "a%d", words)
                                          : format(p->ctx, "sum[%d]", words);
    print_sums(p, NULL);
    if (n->n_parts == 1) {
        print_trees(p, &n->part[0]);
        text_add(p->out, "    const uint32_t sum[] = {");
        for (int i = 0; i < words; i++)
            text_add(p->out, i ? ", a%d" : "a%d", i);
        text_add(p->out, "};\n");
    } else {
        text_add(p->out, "    uint32_t sum[] = {");
        for (int32_t j = 0; j < n->n_sums; j++)
            text_add(p->out, j ? ", a%d" : "a%d", (int)j);
        text_add(p->out, "};\n");
        for (int32_t i = 0; i < n->n_parts; i++)
            text_add(p->out, "    %s_%d(x, sum);\n", p->name, (int)i);
    }
    text_add(p->out, "    uint32_t lead;\n");
    for (int32_t g = 0, word = 0; g < t->n_labels; word += (t->group[g] + 1) / 2, g++) {
        const char *from = word ? format(p->ctx, "sum + %d", (int)word) : "sum";
        text_add(p->out, "    out[%d] = mica_first_packed(%s, %d, &lead);\n", (int)g, from,
                 (int)(t->group[g] + 1) / 2);
        if (!n->exact)
            print_kernel(p, format(p->ctx, "%s && lead <= %s", rounded, rounded));
    }
}

static void print_sum(struct print *p, const char *into, int32_t score)
{
    const struct nest *n = p->nest;
    const char *from = start_text(p, score);
    for (int32_t i = 0; i < n->n_parts; i++)
        if (n->part[i].score == score)
            from = format(p->ctx, "%s_%d(x, %s)", p->name, (int)i, from);
    text_add(p->out, "    %s = %s;\n", into, from);
}

/* The only sum, `a`, by functions or in place. */
static void print_one_sum(struct print *p)
{
    const struct nest *n = p->nest;
    if (n->n_parts > 1) {
        print_sum(p, format(p->ctx, "const %s a", sum_type(n)), 0);
        return;
    }
    text_add(p->out, "    %s a = %s;\n", sum_type(n), start_text(p, 0));
    print_trees(p, &n->part[0]);
}

static void print_lead(struct print *p)
{
    const struct nest *n = p->nest;
    const int unit = 1 << n->rounded_bits;
    print_one_sum(p);
    if (n->exact) {
        text_add(p->out, "    out[0] = a > 0;\n");
        return;
    }
    text_add(p->out,
             "    const int32_t rounded = (int32_t)((uint32_t)a & %du), lead = a - rounded;\n"
             "    out[0] = lead > 0;\n",
             unit - 1);
    print_kernel(
        p, format(p->ctx, "rounded && lead <= rounded * %d && lead >= rounded * -%d", unit, unit));
}

static const char *cut_test(struct print *p)
{
    const struct forest *f = p->nest->forest;
    float cut = (float)f->cut;
    if ((double)cut < f->cut)
        cut = nextafterf(cut, INFINITY);
    return format(p->ctx, "%af", (double)cut);
}

/* Of rounded leaves: does this label make all of them uncertain? */
static void print_certain(struct print *p, int32_t label, const char *test)
{
    const struct nest *n = p->nest;
    if (n->certain)
        text_add(p->out, "    out[%d] %s %s;\n", (int)n->forest->trees->n_labels,
                 label ? "&=" : "=", test);
}

static void print_cut(struct print *p, const char *sum, int32_t label)
{
    const struct nest *n = p->nest;
    if (n->sums == NEST_FLOAT) {
        text_add(p->out, "    out[%d] = %s >= %s;\n", (int)label, sum, cut_test(p));
        return;
    }
    text_add(p->out, "    out[%d] = %s > 0;\n", (int)label, sum);
    if (n->rounded) {
        print_certain(
            p, label,
            format(p->ctx, "%s > %d || %s < -%d", sum, (int)n->slack, sum, (int)n->slack));
        return;
    }
    print_kernel(p,
                 format(p->ctx, "%s <= %d && %s >= -%d", sum, (int)n->slack, sum, (int)n->slack));
}

/* Is it of interest how far the largest sum leads? */
static bool has_lead(const struct nest *n)
{
    return !n->rounded || n->certain;
}

static void print_scores(struct print *p)
{
    const struct nest *n = p->nest;
    const struct trees *t = n->forest->trees;
    if (t->n_scores == 1) {
        print_one_sum(p);
        if (!n->is_value)
            print_cut(p, "a", 0);
        else if (n->sums == NEST_FLOAT)
            text_add(p->out, "    out[0] = a;\n");
        else
            text_add(p->out, "    out[0] = (float)a * %af;\n", (double)(float)n->unit);
        return;
    }
    text_add(p->out, "    %s sum[%d];\n", sum_type(n), (int)t->n_scores);
    for (int32_t k = 0; k < t->n_scores; k++)
        print_sum(p, format(p->ctx, "sum[%d]", (int)k), k);
    if (t->decide != DECIDE_CUT && n->sums == NEST_FIXED && has_lead(n))
        text_add(p->out, "    int32_t lead;\n");
    for (int32_t g = 0, k = 0; g < t->n_labels; k += t->group[g], g++) {
        const char *from = k ? format(p->ctx, "sum + %d", (int)k) : "sum";
        if (t->decide == DECIDE_CUT) {
            print_cut(p, format(p->ctx, "sum[%d]", (int)k), g);
        } else if (n->sums == NEST_FLOAT || !has_lead(n)) {
            text_add(p->out, "    out[%d] = mica_first_%s(%s, %d);\n", (int)g,
                     n->sums == NEST_FLOAT ? "f32" : "sum", from, (int)t->group[g]);
        } else {
            text_add(p->out, "    out[%d] = mica_first_s32(%s, %d, &lead);\n", (int)g, from,
                     (int)t->group[g]);
            if (n->rounded)
                print_certain(p, g, format(p->ctx, "lead > %d", (int)n->slack));
            else
                print_kernel(p, format(p->ctx, "lead <= %d", (int)n->slack));
        }
    }
}

static void print(struct ctx *ctx, struct text *out, const struct call *call, const char *name,
                  const char *params)
{
    const struct nest *n = call->code->data;
    struct print p = {ctx, out, n, call, name, params};
    const bool cut = n->n_parts > 1 || (n->n_sums == 1 && n->forest->n_scores > 1 &&
                                        n->sums != NEST_LEAD && n->sums != NEST_LABEL);
    if (n->forest->tests_categories)
        print_sets(&p);
    for (int32_t i = 0; i < n->n_parts && cut; i++)
        print_part(&p, i);
    if (n->is_value && n->sums == NEST_FIXED)
        text_add(out, "/* The value errs by at most %.2g and 2^-22 of itself. */\n", n->error);
    print_head(&p);
    if (n->guarded)
        print_guard(&p);
    if (n->sums == NEST_LABEL)
        print_trees(&p, &n->part[0]);
    else if (n->sums == NEST_PACKED)
        print_packed(&p);
    else if (n->sums == NEST_LEAD)
        print_lead(&p);
    else
        print_scores(&p);
    text_add(out, "}\n");
}

const struct code *nest_code(struct ctx *ctx, struct nest *n, const char *redo)
{
    static const char *const first[] = {[NEST_PACKED] = "first_packed.h",
                                        [NEST_FIXED] = "first_s32.h",
                                        [NEST_FLOAT] = "first_f32.h"};
    const struct trees *t = n->forest->trees;
    const char **files = NEWS(ctx, const char *, 5);
    int count = 0;
    files[count++] = "nest.h";
    if (t->x_type == DTYPE_FLOAT32)
        files[count++] = "float_bits.h";
    if (n->forest->tests_categories)
        files[count++] = "in_set.h";
    if (n->sums != NEST_LABEL && n->sums != NEST_LEAD && t->decide != DECIDE_CUT && !n->is_value)
        files[count++] = has_lead(n) ? first[n->sums] : "first_sum.h";
    struct code *c = NEW(ctx, struct code);
    n->redo = redo;
    *c = (struct code){.name = "nest",
                       .print = print,
                       .files = files,
                       .needs_kernel = !n->exact,
                       .data = n,
                       .calls = redo};
    return c;
}
