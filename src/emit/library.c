/* SPDX-License-Identifier: Apache-2.0 */
/* library.c - the kernels of several models, each once: LIBRARY.h and LIBRARY.c.
 *
 * The functions that models call become external, under the library's name; what they are made of
 * stays static. Ensembles of trees are walked by one function that reads its parameters when it
 * runs; those that are the same in all models are constants of the library, so that its code does
 * what these models need and no more. */
#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "emit/emit.h"
#include "compile.h"

enum { FIELDS_MAX = 64 };

struct library {
    struct ctx *ctx;
    struct emit *model; /* of each model; its ctx is the library's, whose errors are reported */
    int n_models;
    struct shared shared[FILES_MAX]; /* in the order of their names */
    int n_shared;
    struct files files;
    const char *params[FILES_MAX]; /* the structs that the functions take */
    int n_params;
    const struct kernel *folded; /* one of those whose parameters are constants elsewhere */
    const void *same;            /* parameters of one of its calls */
    bool is_same[FIELDS_MAX];    /* for each field: in all calls */
    uint8_t most[FIELDS_MAX];    /* for each field of a byte: the largest of all calls */
};

/* ---- what there is --------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct shared *)a)->function, ((const struct shared *)b)->function);
}

static void collect_functions(struct library *l)
{
    struct shared found[FILES_MAX];
    for (int m = 0; m < l->n_models; m++) {
        const int n = emit_shared(&l->model[m], found);
        for (int i = 0; i < n; i++) {
            int k = 0;
            while (k < l->n_shared && strcmp(l->shared[k].function, found[i].function) != 0)
                k++;
            assert(k < FILES_MAX);
            l->shared[k] = found[i];
            l->n_shared += k == l->n_shared;
        }
    }
    qsort(l->shared, (size_t)l->n_shared, sizeof *l->shared, by_name);
    for (int i = 0; i < l->n_shared; i++)
        files_add(&l->files, l->shared[i].file);
}

/* Compares the parameters of a call with those before. */
static void add_params(struct library *l, struct emit *e, const struct call *c)
{
    const bool first = !l->folded;
    assert(first || !strcmp(l->folded->params_name, c->kernel->params_name));
    if (first) {
        l->folded = c->kernel;
        l->same = c->params;
    }
    for (int i = 0; c->kernel->fields[i].name; i++) {
        const struct field *f = &c->kernel->fields[i];
        assert(i < FIELDS_MAX);
        if (f->type == FIELD_UINT8) {
            const uint8_t number = *((const uint8_t *)c->params + f->offset);
            l->most[i] = number > l->most[i] ? number : l->most[i];
        }
        const char *value = field_value(e, NULL, f, c->params), *other = value;
        if (f->type < FIELD_FAR)
            other = field_value(e, NULL, f, l->same);
        const bool equal = value ? f->type < FIELD_FAR && !strcmp(value, other) : true;
        l->is_same[i] = (first || l->is_same[i]) && equal;
    }
}

/* Which parameters are the same wherever the kernels fold them. Such kernels take one struct. */
static void find_same(struct library *l)
{
    for (int m = 0; m < l->n_models; m++) {
        const struct program *p = l->model[m].program;
        for (int i = 0; i < p->n_steps; i++)
            for (int k = 0; k < p->step[i].n_calls; k++)
                if (p->step[i].call[k]->kernel->folds && call_is_shared(l->ctx, p->step[i].call[k]))
                    add_params(l, &l->model[m], p->step[i].call[k]);
    }
}

/* ---- the texts of kernels -------------------------------------------------------------------- */

static const char *const specifiers[] = {"static inline ", "MICA_INLINE ", "MICA_SHARED "};

/* Where a line of the text begins that has these words first; NULL: nowhere. */
static const char *find_line(const char *text, const char *first)
{
    for (const char *at = text; (at = strstr(at, first)) != NULL; at++)
        if (at == text || at[-1] == '\n')
            return at;
    return NULL;
}

/* The definition of a function, behind "static inline": "void mica_x(...". */
static const char *find_function(const char *text, const char *name)
{
    const size_t n = strlen(name);
    for (size_t s = 0; s < sizeof specifiers / sizeof *specifiers; s++) {
        const char *at = text;
        while ((at = find_line(at, specifiers[s])) != NULL) {
            at += strlen(specifiers[s]);
            const char *paren = strchr(at, '(');
            if (paren && paren - at > (ptrdiff_t)n && !strncmp(paren - n, name, n) &&
                !isalnum((unsigned char)paren[-(ptrdiff_t)n - 1]) &&
                paren[-(ptrdiff_t)n - 1] != '_')
                return at;
        }
    }
    return NULL;
}

static const char *text_of(const struct library *l, const struct kernel_file *file)
{
    return file->text[l->ctx->options.profile];
}

static const char *signature_of(const struct library *l, const struct shared *s)
{
    const char *at = find_function(text_of(l, kernel_file_find(s->file)), s->function);
    assert(at);
    return at;
}

/* "struct mica_x {" and where it ends. */
static const char *find_struct(struct library *l, const char *text, const char *name,
                               const char **end)
{
    const char *at = find_line(text, format(l->ctx, "struct %s {", name));
    if (at)
        *end = strstr(at, "\n};\n") + 4;
    return at;
}

static void find_params(struct library *l)
{
    static const char start[] = "const struct ";
    for (int i = 0; i < l->n_shared; i++) {
        const char *at = signature_of(l, &l->shared[i]), *from = strstr(at, start);
        if (!from || from > strchr(at, ')'))
            continue;
        from += sizeof start - 1;
        const char *name = format(l->ctx, "%.*s", (int)strcspn(from, " "), from);
        int k = 0;
        while (k < l->n_params && strcmp(l->params[k], name) != 0)
            k++;
        l->params[k] = name;
        l->n_params += k == l->n_params;
    }
}

/* ---- LIBRARY.h ------------------------------------------------------------------------------- */

static const char *external_name(const struct library *l, const char *function)
{
    static const char prefix[] = "mica_";
    assert(!strncmp(function, prefix, sizeof prefix - 1));
    return format(l->ctx, "%s_%s", l->ctx->options.name, function + sizeof prefix - 1);
}

static void hash(uint32_t *h, const char *text)
{
    for (; *text; text++)
        *h = (*h ^ (unsigned char)*text) * 16777619u;
    *h = (*h ^ 255) * 16777619u;
}

/* A number of what the library must know of a model: the functions and the parameters that it may
 * take for constants. */
static uint32_t fingerprint(struct emit *e)
{
    struct shared shared[FILES_MAX];
    const int n = emit_shared(e, shared);
    uint32_t h = 2166136261u;
    hash(&h, MICA_VERSION);
    for (int i = 0; i < n; i++)
        hash(&h, shared[i].function);
    for (int i = 0; i < e->program->n_steps; i++) {
        for (int k = 0; k < e->program->step[i].n_calls; k++) {
            const struct call *c = e->program->step[i].call[k];
            if (!c->kernel->folds || !call_is_shared(e->ctx, c))
                continue;
            for (const struct field *f = c->kernel->fields; f->name; f++) {
                const char *value = field_value(e, NULL, f, c->params);
                hash(&h, !value ? "" : f->type < FIELD_FAR ? value : "pointer");
            }
        }
    }
    return h ? h : 1;
}

static const char *fingerprint_name(struct ctx *ctx, const char *library, const char *model)
{
    return format(ctx, "%s_FOR_%s", name_upper(ctx, library), model);
}

void emit_library_include(struct emit *e)
{
    const char *library = e->ctx->options.library;
    text_add(
        e->out,
        "\n#include \"%s.h\"\n\n#if %s != 0x%08" PRIx32
        "\n#error \"%s.h was made for another %s.c: take both from one run of mica\"\n#endif\n",
        library, fingerprint_name(e->ctx, library, e->name), fingerprint(e), library, e->name);
}

static void put_banner(const struct library *l, struct text *out, const char *extension)
{
    text_add(out, "/* %s%s - generated by mica %s; do not edit. The kernels of",
             l->ctx->options.name, extension, MICA_VERSION);
    for (int m = 0; m < l->n_models; m++)
        text_add(out, "%s%s", m ? ", " : " ", l->model[m].name);
    text_add(out, ". */\n");
}

/* Before the structs, some of which are called as the function is. */
static void put_names(const struct library *l, struct text *out)
{
    text_add(out, "/* Under the library's name, so that a program can have several. */\n");
    for (int i = 0; i < l->n_shared; i++)
        text_add(out, "#define %s %s\n", l->shared[i].function,
                 external_name(l, l->shared[i].function));
    text_add(out, "\n");
}

static void put_prototypes(struct library *l, struct text *out)
{
    for (int i = 0; i < l->n_shared; i++) {
        const char *at = signature_of(l, &l->shared[i]);
        text_add(out, "%.*s;\n", (int)(strchr(at, ')') + 1 - at), at);
    }
}

static void put_header(struct library *l, struct text *out)
{
    const char *upper = name_upper(l->ctx, l->ctx->options.name);
    put_banner(l, out, ".h");
    text_add(out, "#ifndef %s_H\n#define %s_H\n\n#include <stdint.h>\n\n", upper, upper);
    for (int m = 0; m < l->n_models; m++)
        text_add(out, "#define %s 0x%08" PRIx32 "\n",
                 fingerprint_name(l->ctx, l->ctx->options.name, l->model[m].name),
                 fingerprint(&l->model[m]));
    text_add(out, "\n");
    put_names(l, out);
    files_add(&l->files, "rom.h");
    for (int i = 0; i < l->files.n; i++)
        if (is_library_header(l->files.at[i]))
            text_add(out, "%s\n", text_of(l, l->files.at[i]));
    text_add(out, "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n");
    for (int i = 0; i < l->n_params; i++) {
        for (int k = 0; k < l->files.n; k++) {
            const char *end, *at = find_struct(l, text_of(l, l->files.at[k]), l->params[i], &end);
            if (at)
                text_add(out, "%.*s\n", (int)(end - at), at);
        }
    }
    put_prototypes(l, out);
    text_add(out, "\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n");
}

/* ---- LIBRARY.c ------------------------------------------------------------------------------- */

/* The number of a field that is the same in all models; -1: it is none. */
static int find_field(const struct library *l, const char *name, size_t n)
{
    for (int f = 0; l->folded && l->folded->fields[f].name; f++)
        if (strlen(l->folded->fields[f].name) == n && !strncmp(l->folded->fields[f].name, name, n))
            return l->is_same[f] ? f : -1;
    return -1;
}

static size_t word_length(const char *at)
{
    size_t n = 0;
    while (isalnum((unsigned char)at[n]) || at[n] == '_')
        n++;
    return n;
}

/* In files whose p are the folded parameters, p->field becomes MICA_SAME(p)->field where it is the
 * same in all models. */
static void put_code(const struct library *l, struct text *out, const char *from, const char *to)
{
    const char *done = from;
    for (const char *at = from; (at = strstr(at, "p->")) != NULL && at < to; at += 3) {
        const size_t n = word_length(at + 3);
        if ((at > from && word_length(at - 1) > 1) || find_field(l, at + 3, n) < 0)
            continue;
        text_bytes(out, done, (size_t)(at - done));
        text_add(out, "MICA_SAME(p)");
        done = at + 1;
    }
    text_bytes(out, done, (size_t)(to - done));
}

static void put_plain(const struct library *l, struct text *out, const char *from, const char *to)
{
    (void)l;
    text_bytes(out, from, (size_t)(to - from));
}

/* The text without the structs that are in the header, and without "static" where it is so. */
static void put_file(struct library *l, struct text *out, const struct kernel_file *file)
{
    const char *at = text_of(l, file), *params = l->folded ? l->folded->params_name : "";
    const bool folds = l->folded && strstr(at, format(l->ctx, "const struct %s *p", params));
    void (*const put)(const struct library *, struct text *, const char *,
                      const char *) = folds ? put_code : put_plain;
    const char *const text_end = at + strlen(at);
    while (at < text_end) {
        const char *cut = text_end, *next = text_end;
        for (int i = 0; i < l->n_params; i++) {
            const char *end, *found = find_struct(l, at, l->params[i], &end);
            if (found && found < cut) {
                cut = found;
                next = end;
            }
        }
        for (int i = 0; i < l->n_shared; i++) {
            const char *found = find_function(at, l->shared[i].function), *line = found;
            while (line && line > at && line[-1] != '\n')
                line--;
            if (line && line < cut) {
                cut = line;
                next = found;
            }
        }
        put(l, out, at, cut);
        at = next;
    }
    text_add(out, "\n");
}

/* The initialiser of a struct of parameters; `value` gives a field as text, or NULL. */
static void put_struct(struct library *l, struct text *out, const char *name,
                       const char *(*value)(struct library *, int field))
{
    text_add(out, "static const struct %s %s = {", l->folded->params_name, name);
    size_t column = 0;
    for (int f = 0; l->folded->fields[f].name; f++) {
        const char *v = l->folded->fields[f].type < FIELD_FAR ? value(l, f) : NULL;
        if (!v)
            continue; /* null pointers are so by themselves */
        const char *text = format(l->ctx, ".%s = %s,", l->folded->fields[f].name, v);
        const bool wrap = !column || column + strlen(text) + 1 > 98;
        text_add(out, wrap ? "\n    %s" : " %s", text);
        column = wrap ? 4 + strlen(text) : column + 1 + strlen(text);
    }
    text_add(out, "\n};\n");
}

static const char *same_value(struct library *l, int field)
{
    return l->is_same[field] ? field_value(&l->model[0], NULL, &l->folded->fields[field], l->same)
                             : NULL;
}

static const char *most_value(struct library *l, int field)
{
    const struct field *f = &l->folded->fields[field];
    return f->type == FIELD_UINT8 ? format(l->ctx, "%d", l->most[field]) : NULL;
}

static void put_folded(struct library *l, struct text *out)
{
    if (!l->folded)
        return;
    text_add(out,
             "/* What all models have in common of their parameters is part of the code; so are "
             "the largest widths. */\n");
    put_struct(l, out, "mica_same", same_value);
    put_struct(l, out, "mica_most", most_value);
    text_add(out, "#define MICA_SAME(p) ((void)(p), &mica_same)\n"
                  "#define MICA_MOST(p) ((void)(p), &mica_most)\n\n");
}

static void put_source(struct library *l, struct text *out)
{
    put_banner(l, out, ".c");
    text_add(out, "#include \"%s.h\"\n\n", l->ctx->options.name);
    emit_system_includes(out, &l->files);
    text_add(out, "\n");
    put_folded(l, out);
    for (int i = 0; i < l->files.n; i++)
        if (!is_library_header(l->files.at[i]) && *text_of(l, l->files.at[i]))
            put_file(l, out, l->files.at[i]);
}

/* ---- all of it ------------------------------------------------------------------------------- */

static void check(const struct library *l, struct ctx *const *model)
{
    for (int m = 0; m < l->n_models; m++) {
        const struct mica_options *o = &model[m]->options;
        if (strcmp(o->library, l->ctx->options.name) != 0)
            fail(l->ctx, NULL, "'%s' was compiled for the library '%s'", o->name, o->library);
        if (o->profile != l->ctx->options.profile)
            fail(l->ctx, NULL,
                 "'%s' and '%s' have different profiles, whose kernels differ: give each its own "
                 "library",
                 l->model[0].name, o->name);
        if (!strcmp(name_upper(l->ctx, o->name), name_upper(l->ctx, l->ctx->options.name)))
            fail(l->ctx, NULL, "a model has the library's name '%s': choose another", o->name);
        for (int i = 0; i < m; i++)
            if (!strcmp(name_upper(l->ctx, o->name), name_upper(l->ctx, l->model[i].name)))
                fail(l->ctx, NULL, "two models are called '%s': choose other names", o->name);
    }
}

void emit_library(struct ctx *ctx, struct ctx *const *model, int n, struct text *header,
                  struct text *source)
{
    struct library *l = NEW(ctx, struct library);
    l->ctx = ctx;
    l->n_models = n;
    l->model = NEWS(ctx, struct emit, n);
    ctx->options.library = ctx->options.name;
    for (int m = 0; m < n; m++)
        l->model[m] = (struct emit){.ctx = ctx,
                                    .whole = model[m]->program,
                                    .program = model[m]->program,
                                    .graph = model[m]->graph,
                                    .name = model[m]->options.name};
    check(l, model);
    collect_functions(l);
    find_params(l);
    find_same(l);
    put_header(l, header);
    put_source(l, source);
}
