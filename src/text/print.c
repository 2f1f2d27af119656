/* SPDX-License-Identifier: Apache-2.0 */
/* print.c - a graph in its text form (docs/ir.md). parse.c reads everything printed here back. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/form.h"
#include "compile.h"

enum { COLUMNS = 100, INDENT = 4, WORD_BYTES = 40 };

/* Control characters, quotes and everything beyond ASCII are escaped, so that a name is one word
 * in any encoding, whatever bytes a model file holds. */
static void print_name(struct text *out, const char *name)
{
    text_bytes(out, "\"", 1);
    for (const char *s = name ? name : ""; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            text_add(out, "\\%c", c);
        else if (c >= ' ' && c < 0x7f)
            text_bytes(out, s, 1);
        else
            text_add(out, "\\x%02x", c);
    }
    text_bytes(out, "\"", 1);
}

/* ---- numbers --------------------------------------------------------------------------------- */

/* A NaN other than the usual quiet one carries its bits: a constant must survive the round trip
 * bit for bit. Most trained weights need eight or nine digits, so shorter ones are hardly tried. */
static void float32_word(char *word, float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (x != x) {
        snprintf(word, WORD_BYTES, bits == 0x7fc00000 ? "nan" : "nan(%08" PRIx32 ")", bits);
        return;
    }
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(word, WORD_BYTES, "%.*g", digits, (double)x);
        if (strtof(word, NULL) == x)
            return;
    }
}

static void float64_word(char *word, double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (x != x) {
        snprintf(word, WORD_BYTES, bits == 0x7ff8000000000000 ? "nan" : "nan(%016" PRIx64 ")",
                 bits);
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(word, WORD_BYTES, "%.*g", digits, x);
        if (strtod(word, NULL) == x)
            return;
    }
}

/* Element i of `data` as a word. */
static void element_word(char *word, struct form form, const void *data, int64_t i)
{
    const unsigned char *at = (const unsigned char *)data + i * form.bytes;
    union {
        int8_t s8;
        int16_t s16;
        int32_t s32;
        int64_t s64;
        uint8_t u8;
        uint16_t u16;
        uint32_t u32;
        uint64_t u64;
        float f32;
        double f64;
    } v;
    memcpy(&v, at, (size_t)form.bytes);

    if (form.kind == FORM_FLOAT && form.bytes == 4) {
        float32_word(word, v.f32);
    } else if (form.kind == FORM_FLOAT) {
        float64_word(word, v.f64);
    } else if (form.kind == FORM_HEX) {
        snprintf(word, WORD_BYTES, "%0*x", form.bytes * 2, form.bytes == 1 ? v.u8 : v.u16);
    } else if (form.is_signed) {
        int64_t x = form.bytes == 1   ? v.s8
                    : form.bytes == 2 ? v.s16
                    : form.bytes == 4 ? v.s32
                                      : v.s64;
        snprintf(word, WORD_BYTES, "%" PRId64, x);
    } else {
        uint64_t x = form.bytes == 1   ? v.u8
                     : form.bytes == 2 ? v.u16
                     : form.bytes == 4 ? v.u32
                                       : v.u64;
        snprintf(word, WORD_BYTES, "%" PRIu64, x);
    }
}

/* ---- lists ----------------------------------------------------------------------------------- */

/* A list in brackets: in the line where it stands, or, if too long for that, in rows of its own. */
struct list {
    struct text *out;
    char row[COLUMNS + 1];
    int n;
    bool in_rows;
};

static int column(const struct text *out)
{
    size_t at = out->len;
    while (at > 0 && out->at[at - 1] != '\n')
        at--;
    return (int)(out->len - at < COLUMNS ? out->len - at : COLUMNS);
}

static void list_flush(struct list *l)
{
    text_add(l->out, "%s\n%*s%s", l->in_rows ? "" : "[", INDENT, "", l->row);
    l->in_rows = true;
    l->n = 0;
}

static void list_add(struct list *l, const char *word)
{
    int len = (int)strlen(word);
    if (l->n > 0 && INDENT + l->n + 1 + len > COLUMNS)
        list_flush(l);
    l->n += snprintf(l->row + l->n, sizeof l->row - (size_t)l->n, "%s%s", l->n ? " " : "", word);
}

static void list_end(struct list *l)
{
    if (!l->in_rows && (l->n == 0 || column(l->out) + l->n + 2 <= COLUMNS)) {
        text_add(l->out, "[%.*s]", l->n, l->row);
    } else {
        list_flush(l);
        text_add(l->out, "\n]");
    }
}

static void print_elements(struct text *out, enum dtype type, int64_t n, const void *data)
{
    struct list list = {.out = out};
    for (int64_t i = 0; i < n; i++) {
        char word[WORD_BYTES];
        element_word(word, form_of(type), data, i);
        list_add(&list, word);
    }
    list_end(&list);
}

static void print_ints(struct text *out, int n, const int32_t *at)
{
    text_add(out, "[");
    for (int i = 0; i < n; i++)
        text_add(out, "%s%" PRId32, i ? "," : "", at[i]);
    text_add(out, "]");
}

/* ---- tensors and nodes ----------------------------------------------------------------------- */

/* Zero points of all channels are nearly always the same one. */
static void print_quant(struct text *out, const struct quant *q)
{
    if (q->n == 0)
        return;
    if (q->n > 1) {
        text_add(out, " axis=%d scale=", q->axis);
        print_elements(out, DTYPE_FLOAT32, q->n, q->scale);
    } else {
        char word[WORD_BYTES];
        float32_word(word, q->scale[0]);
        text_add(out, " scale=%s", word);
    }
    int same = 1;
    while (same < q->n && q->zero[same] == q->zero[0])
        same++;
    text_add(out, " zero=");
    if (same == q->n)
        text_add(out, "%" PRId32, q->zero[0]);
    else
        print_elements(out, DTYPE_INT32, q->n, q->zero);
}

static void print_tensor(struct text *out, const struct tensor *t)
{
    text_add(out, "%s %%%d ", t->is_variable ? "variable" : t->data ? "const" : "tensor", t->index);
    print_name(out, t->name);
    text_add(out, " %s ", dtype_name(t->type));
    print_ints(out, t->rank, t->dim);
    print_quant(out, &t->quant);
    if (t->base)
        text_add(out, " view of %%%d", t->base->index);
    if (t->data) {
        text_add(out, " = ");
        print_elements(out, t->type, form_count(t), t->data);
    }
    text_add(out, "\n");
}

/* What is 0, false, none or empty is not written: a convolution without padding says nothing of
 * padding. A negative zero is not 0 here. */
static void print_attribute(struct text *out, const struct attr_field *f, const void *at)
{
    char word[WORD_BYTES];
    switch (f->type) {
    case ATTR_INT:
        if (*(const int32_t *)at != 0)
            text_add(out, " %s=%" PRId32, f->name, *(const int32_t *)at);
        break;
    case ATTR_BOOL:
        if (*(const bool *)at)
            text_add(out, " %s=true", f->name);
        break;
    case ATTR_FLOAT:
        float32_word(word, *(const float *)at);
        if (strcmp(word, "0"))
            text_add(out, " %s=%s", f->name, word);
        break;
    case ATTR_INTS: {
        const struct int_list *list = at;
        if (list->n) {
            text_add(out, " %s=", f->name);
            print_ints(out, list->n, list->at);
        }
        break;
    }
    case ATTR_ACTIVATION:
        if (*(const enum activation *)at != ACT_NONE)
            text_add(out, " %s=%s", f->name, activation_name(*(const enum activation *)at));
        break;
    case ATTR_ENUM:
        if (*(const int32_t *)at != 0)
            text_add(out, " %s=%s", f->name, f->words[*(const int32_t *)at]);
        break;
    }
}

static void print_node(struct text *out, const struct node *n)
{
    text_add(out, "node ");
    print_name(out, n->name);
    text_add(out, " %s", n->op->name);
    for (const struct attr_field *f = n->op->attrs; f && f->name; f++)
        print_attribute(out, f, (const char *)n->attr + f->offset);
    text_add(out, " :");
    for (int k = 0; k < n->n_in; k++)
        if (n->in[k])
            text_add(out, " %%%d", n->in[k]->index);
        else
            text_add(out, " -");
    text_add(out, " ->");
    for (int k = 0; k < n->n_out; k++)
        text_add(out, " %%%d", n->out[k]->index);
    text_add(out, "\n");
}

/* features ["x" "y"], classes ["a" "b"] or classes ["10" "20"] = [10 20] */
static void print_names(struct text *out, const char *keyword, const struct names *names)
{
    text_add(out, "%s [", keyword);
    for (int i = 0; i < names->n; i++) {
        text_bytes(out, " ", i > 0);
        print_name(out, names->at[i]);
    }
    text_add(out, "]");
    if (names->value) {
        text_add(out, " = ");
        print_elements(out, DTYPE_INT32, names->n, names->value);
    }
    text_add(out, "\n");
}

void print_graph(struct text *out, const struct graph *g)
{
    text_add(out, "mica-ir 1\ngraph ");
    print_name(out, g->name);
    text_add(out, "\n");
    if (g->features.n)
        print_names(out, "features", &g->features);
    for (int i = 0; i < g->n_labels; i++)
        print_names(out, "classes", &g->classes[i]);
    for (int i = 0; i < g->n_tensors; i++) {
        assert(g->tensor[i]->index == i);
        print_tensor(out, g->tensor[i]);
    }
    for (int i = 0; i < g->n_inputs; i++)
        text_add(out, "input %%%d\n", g->input[i]->index);
    for (int i = 0; i < g->n_nodes; i++)
        print_node(out, g->node[i]);
    for (int i = 0; i < g->n_outputs; i++)
        text_add(out, "output %%%d%s%s\n", g->output[i]->index, g->role ? " " : "",
                 g->role ? g->role[i] : "");
}
