/* SPDX-License-Identifier: Apache-2.0 */
/* heads.c - the functions of an estimator, NAME_predict() and its like, and the names of its
 * classes and features. */
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emit/emit.h"
#include "tree/tree.h"
#include "compile.h"

/* ---- names as C identifiers ------------------------------------------------------------------ */

static const char *identifier(struct ctx *ctx, const char *name)
{
    char *word = format(ctx, "%s", name);
    for (char *c = word; *c; c++)
        *c = isalnum((unsigned char)*c) ? (char)toupper((unsigned char)*c) : '_';
    return word;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Identifiers for a list of names: where two would be the same, all get their numbers. */
static const char **identifiers(struct ctx *ctx, const struct names *names)
{
    const char **word = NEWS(ctx, const char *, names->n);
    const char **sorted = NEWS(ctx, const char *, names->n);
    bool same = false;
    for (int i = 0; i < names->n; i++)
        sorted[i] = word[i] = identifier(ctx, names->at[i]);
    qsort(sorted, (size_t)names->n, sizeof *sorted, compare);
    for (int i = 1; i < names->n; i++)
        same |= !strcmp(sorted[i - 1], sorted[i]);
    for (int i = 0; i < names->n; i++)
        if (same || !*word[i])
            word[i] = format(ctx, "%d%s%s", i, *word[i] ? "_" : "", word[i]);
    return word;
}

static void emit_string(struct text *out, const char *s)
{
    text_add(out, "\"");
    for (; *s; s++) {
        const unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\' || c == '?')
            text_add(out, "\\%c", c);
        else if (c >= ' ' && c < 0x7f)
            text_bytes(out, s, 1);
        else
            text_add(out, "\\%03o", c);
    }
    text_add(out, "\"");
}

/* ---- classes and features -------------------------------------------------------------------- */

/* "CLASS", or "CLASS_0" where there are several labels. */
static const char *class_word(struct emit *e, int label, const char *word)
{
    return e->graph->n_labels == 1 ? word : format(e->ctx, "%s_%d", word, label);
}

static bool has_names(const struct names *c)
{
    char digits[16];
    for (int i = 0; i < c->n; i++) {
        snprintf(digits, sizeof digits, "%d", c->value ? (int)c->value[i] : i);
        if (strcmp(digits, c->at[i]))
            return true;
    }
    return false;
}

/* A number as C has it: its smallest integer has no literal. */
static const char *literal(struct ctx *ctx, int32_t value)
{
    return value == INT32_MIN ? "(-INT32_C(2147483647) - 1)" : format(ctx, "%" PRId32, value);
}

/* Enumerators are of type int, which has 16 bits on AVR; wider numbers are macros. */
static bool fits_enum(const struct names *names)
{
    for (int i = 0; names->value && i < names->n; i++)
        if (names->value[i] < -INT16_MAX || names->value[i] > INT16_MAX)
            return false;
    return true;
}

static void emit_numbers(struct emit *e, const char *type, const char *prefix,
                         const struct names *names)
{
    const char **word = identifiers(e->ctx, names);
    const bool is_enum = fits_enum(names);
    if (is_enum)
        text_add(e->out, "enum %s_%s {\n", e->name, type);
    for (int i = 0; i < names->n; i++) {
        const int32_t value = names->value ? names->value[i] : i;
        const char *sign = names->value && value < 0 && *word[i] == '_' ? "MINUS" : "";
        text_add(e->out, is_enum ? "    %s_%s_%s%s = %s,\n" : "#define %s_%s_%s%s %s\n", e->upper,
                 prefix, sign, word[i], literal(e->ctx, value));
    }
    if (is_enum)
        text_add(e->out, "};\n");
}

static void emit_class_header(struct emit *e, int label)
{
    const struct names *c = &e->graph->classes[label];
    const char *lower = class_word(e, label, "class"), *upper = class_word(e, label, "CLASS");
    text_add(e->out, "/* Classes, in the order in which scores and probabilities have them. */\n");
    text_add(e->out, "#define %s_N_%s %d\n", e->upper, class_word(e, label, "CLASSES"), c->n);
    emit_numbers(e, lower, upper, c);
    if (has_names(c))
        text_add(e->out,
                 "/* The name of a class by its number in the enum; \"\" where there is no such "
                 "class. */\nconst char *%s_%s_name(int32_t label);\n",
                 e->name, lower);
    text_add(e->out, "\n");
}

static void emit_feature_header(struct emit *e)
{
    const struct names *f = &e->graph->features;
    text_add(e->out, "#define %s_N_FEATURES %" PRId64 "\n", e->upper,
             tensor_elements(e->graph->input[0]));
    if (f->n) {
        emit_numbers(e, "feature", "FEATURE", f);
        text_add(e->out, "const char *%s_feature_name(int32_t feature);\n", e->name);
    }
    text_add(e->out, "\n");
}

static void emit_name_function(struct emit *e, const char *word, const char *number,
                               const struct names *names)
{
    text_add(e->out, "\nconst char *%s_%s_name(int32_t %s)\n{\n    switch (%s) {\n", e->name, word,
             number, number);
    for (int i = 0; i < names->n; i++) {
        text_add(e->out, "    case %s:\n        return ",
                 literal(e->ctx, names->value ? names->value[i] : i));
        emit_string(e->out, names->at[i]);
        text_add(e->out, ";\n");
    }
    text_add(e->out, "    default:\n        return \"\";\n    }\n}\n");
}

/* ---- functions ------------------------------------------------------------------------------- */

static bool returns_value(const struct tensor *out)
{
    return tensor_elements(out) == 1;
}

static void emit_prototype(struct emit *e, const struct tensor *out, const char *role)
{
    const struct tensor *in = e->graph->input[0];
    const char *type = dtype_c(out->type);
    text_add(e->out, "%s %s_%s(const %s in[%s_N_FEATURES]", returns_value(out) ? type : "void",
             e->name, role, dtype_c(in->type), e->upper);
    if (!returns_value(out))
        text_add(e->out, ", %s out[%" PRId64 "]", type, tensor_elements(out));
    text_add(e->out, ")");
}

static void emit_role_comment(struct emit *e, const struct tensor *out, const char *role)
{
    const bool label = out->type == DTYPE_INT32;
    if (!strcmp(role, "predict_certain"))
        text_add(e->out,
                 "/* What predict gives, and behind it 1 where that is proven to be the training "
                 "library's answer; else\n * 0: leaves have %d bits, and their rounding may have "
                 "decided. */\n",
                 e->ctx->options.leaf_bits);
    else if (!strcmp(role, "predict") && label)
        text_add(e->out, "/* The class of one row of features%s. */\n",
                 e->graph->n_labels ? ", as numbered above" : ": a number from 0 on");
    else if (!strcmp(role, "predict"))
        text_add(e->out, "/* The value predicted for one row of features. */\n");
    else if (!strcmp(role, "predict_proba"))
        text_add(e->out, "/* The probability of each class. */\n");
    else if (!strcmp(role, "decision_function"))
        text_add(e->out, "/* The scores that decide, before they become probabilities. */\n");
    else if (!strcmp(role, "score_samples"))
        text_add(e->out, "/* How normal the row is: the smaller, the more it is an outlier. */\n");
}

void emit_heads_figures(struct emit *e)
{
    const struct program *whole = e->program;
    text_add(e->out, "\n *\n *   flash      %" PRId64 " bytes of tables, and the code\n",
             constant_bytes(whole));
    text_add(e->out, " *   RAM        none: no state, and working memory on the stack (");
    for (int i = 0; i < e->graph->n_outputs; i++)
        text_add(e->out, "%s%s %" PRId32, i ? ", " : "", e->graph->role[i],
                 whole->head[i]->plan->bytes);
    text_add(e->out,
             " bytes)\n *\n"
             " * No heap, no library%s, functions that may be called from anywhere. This "
             "file and its source are\n * yours to use without obligations (0BSD).\n */\n",
             library_words(e));
}

/* A number of three digits that is no smaller. */
static double error_up(double error)
{
    char digits[32];
    for (double v = error;; v *= 1.001) {
        snprintf(digits, sizeof digits, "%.3g", v);
        if (strtod(digits, NULL) >= error)
            return strtod(digits, NULL);
    }
}

/* What rounding leaves costs. */
static void emit_error(struct emit *e, const struct tensor *out, const char *role)
{
    double absolute, relative;
    if (out->type == DTYPE_INT32)
        return;
    rounded_error(out, &absolute, &relative);
    const bool part = relative > 0;
    if (!isfinite(absolute + relative))
        fail(e->ctx, out->maker,
             "of what is computed from its trees no error can be stated: compile "
             "it without --leaf-bits");
    if (!(absolute > 0 || part))
        return;
    text_add(
        e->out,
        "/* By leaves of %d bits: for any row no further from the training library's than this,%s"
        "\n * and 1e-6 of itself. */\n#define %s_%s_%sERROR %.3gf\n",
        e->ctx->options.leaf_bits, part ? " as a part of it," : "", e->upper,
        name_upper(e->ctx, role), part ? "RELATIVE_" : "", error_up(part ? relative : absolute));
}

void emit_heads_header(struct emit *e)
{
    const struct graph *g = e->graph;
    emit_feature_header(e);
    for (int i = 0; i < g->n_labels; i++)
        emit_class_header(e, i);
    for (int i = 0; i < g->n_outputs; i++) {
        emit_role_comment(e, g->output[i], g->role[i]);
        emit_prototype(e, g->output[i], g->role[i]);
        text_add(e->out, ";\n");
        emit_error(e, g->output[i], g->role[i]);
    }
}

/* The first class and the step from class to class, where the numbers of the classes go evenly, and
 * near enough for products of 32 bits. */
static bool is_even(const struct names *c, int32_t *first, int32_t *step)
{
    *first = c->value ? c->value[0] : 0;
    *step = 1;
    if (!c->value || c->n < 2)
        return true;
    const int64_t reach = (int64_t)c->value[c->n - 1] - *first;
    if (reach < -INT32_MAX || reach > INT32_MAX || *first == INT32_MIN)
        return false;
    *step = (int32_t)(reach / (c->n - 1));
    for (int i = 0; i < c->n; i++)
        if (c->value[i] != *first + i * *step)
            return false;
    return true;
}

bool emit_heads_table(const struct emit *e)
{
    int32_t first, step;
    for (int i = 0; i < e->graph->n_labels; i++)
        if (!is_even(&e->graph->classes[i], &first, &step))
            return true;
    return false;
}

/* What the numbers of classes become that the model was trained with. */
static void emit_class_values(struct emit *e, int label)
{
    const struct names *c = &e->graph->classes[label];
    int32_t first, step;
    if (is_even(c, &first, &step)) {
        if (first != 0 || step != 1)
            text_add(e->out, "    out[%d] = %" PRId32 " + out[%d] * %" PRId32 ";\n", label, first,
                     label, step);
        return;
    }
    text_add(e->out, "    static const int32_t class_%d[] MICA_ROM = {", label);
    for (int i = 0; i < c->n; i++)
        text_add(e->out, "%s%s", i ? ", " : "", literal(e->ctx, c->value[i]));
    text_add(e->out, "};\n    out[%d] = MICA_ROM_S32(&class_%d[out[%d]]);\n", label, label, label);
}

static void emit_head(struct emit *e, const char *role)
{
    const struct tensor *out = e->graph->output[0];
    const bool value = returns_value(out);
    text_add(e->out, "\n");
    emit_prototype(e, out, role);
    text_add(e->out, "\n{\n");
    if (value)
        text_add(e->out, "    %s out[1];\n", dtype_c(out->type));
    if (e->program->plan->n) {
        text_add(e->out, "    union {\n");
        emit_members(e, "        ");
        text_add(e->out, "    } memory;\n");
        emit_offsets(e, 4);
        emit_locals(e, "memory.");
    }
    emit_steps(e);
    if (out->type == DTYPE_INT32)
        for (int i = 0; i < e->graph->n_labels; i++)
            emit_class_values(e, i);
    text_add(e->out, value ? "\n    return out[0];\n}\n" : "}\n");
}

void emit_heads(struct emit *e)
{
    const struct graph *g = e->graph;
    const struct program *whole = e->program;
    for (int i = 0; i < g->n_outputs; i++) {
        e->program = whole->head[i];
        e->graph = e->program->graph;
        emit_head(e, g->role[i]);
    }
    e->program = whole;
    e->graph = g;
    for (int i = 0; i < g->n_labels; i++)
        if (has_names(&g->classes[i]))
            emit_name_function(e, class_word(e, i, "class"), "label", &g->classes[i]);
    if (g->features.n)
        emit_name_function(e, "feature", "feature", &g->features);
}
