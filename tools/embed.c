/* SPDX-License-Identifier: Apache-2.0 */
/* embed.c - build tool: turns kernels/ and target/ into tables that the library and command link.
 *
 *     embed OUT_DIR FILE...
 *
 * Of every kernels/nn/NAME.h it learns the text, the files it includes, the fields of its parameter
 * struct (struct mica_FILE is in FILE.h) and the arguments of its kernel mica_NAME, and writes
 *     kernels.gen.h         extern const struct kernel kernel_NAME;
 *     kernels.gen.c         texts, fields, arguments, one table
 *     kernel_calls.gen.h    one typed call of each kernel; compiled once a profile
 *     targets.gen.c         the facts of target/NAME.target
 *     kernel_costs.gen.c    what kernels cost, of target/CLASS.kernels
 * so that a kernel's own file is the only place that says what it takes. Files under
 * kernels/profile/PROFILE/ are texts that differ by profile. What it does not understand it
 * refuses with file and line: the style of kernels is strict on purpose (CONTRIBUTING.md).
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILES_MAX = 256, FIELDS_MAX = 64, ARGS_MAX = 12, NEEDS_MAX = 12, TEXT_MAX = 1 << 16 };

struct entry {
    char type[32], name[32];
};

struct source {
    char stem[48];
    int profile; /* -1: the same in all */
    char *text;
    size_t len;
    int n_needs, n_system, n_fields, n_args;
    char needs[NEEDS_MAX][64], system[NEEDS_MAX][64];
    struct entry field[FIELDS_MAX], arg[ARGS_MAX]; /* arg: after the parameters */
    bool is_kernel, has_params, folds;
    char params[48]; /* the file whose struct the parameters are */
};

static const char *const profiles[] = {"tflm", "single", "litert"};
enum { PROFILES = 3 };

static struct source sources[FILES_MAX];
static int n_sources;
static const char *path;
static int line_number;

static void die(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fprintf(stderr, "%s:%d: ", path ? path : "embed", line_number);
    vfprintf(stderr, fmt, args);
    fprintf(stderr, "\n");
    va_end(args);
    exit(1);
}

static FILE *open_or_die(const char *dir, const char *name, const char *mode)
{
    char full[4096];
    snprintf(full, sizeof full, "%s%s%s", dir, *dir ? "/" : "", name);
    FILE *f = fopen(full, mode);
    if (!f)
        die("cannot open %s", full);
    return f;
}

/* "dir/NAME.ext" -> "NAME" */
static void stem_of(char *stem, size_t room, const char *full)
{
    const char *slash = strrchr(full, '/');
    snprintf(stem, room, "%s", slash ? slash + 1 : full);
    char *dot = strrchr(stem, '.');
    if (dot)
        *dot = '\0';
}

static void add_text(struct source *s, const char *line)
{
    size_t n = strlen(line);
    if (s->len + n + 1 > TEXT_MAX)
        die("kernel files are at most %d bytes", TEXT_MAX);
    memcpy(s->text + s->len, line, n + 1);
    s->len += n;
}

/* "int16_t in_w, in_c;" or "const int8_t *weights; // comment" -> fields */
static void parse_fields(struct source *s, const char *line)
{
    char copy[512], *end;
    snprintf(copy, sizeof copy, "%s", line);
    end = strchr(copy, ';');
    if (!end)
        return; /* a line of comment */
    *end = '\0';
    char *at = copy + strspn(copy, " "), *names = strchr(at, ' ');
    if (!strncmp(at, "/*", 2) || !strncmp(at, "*", 1))
        return;
    if (names && !strncmp(at, "const ", 6))
        names = strchr(at + 6, ' ');
    if (!names)
        die("a field is TYPE NAME[, NAME];");
    *names++ = '\0';
    for (char *name = strtok(names, ", "); name; name = strtok(NULL, ", ")) {
        if (s->n_fields == FIELDS_MAX)
            die("more than %d fields", FIELDS_MAX);
        struct entry *e = &s->field[s->n_fields++];
        bool pointer = *name == '*';
        snprintf(e->type, sizeof e->type, "%s%s", at, pointer ? " *" : "");
        snprintf(e->name, sizeof e->name, "%s", name + pointer);
    }
}

/* "static inline void mica_x(const struct mica_x *p, const int8_t *in, int32_t n)" -> arguments.
 * Kernels of one family may take the struct of a file that they share. */
static void parse_arguments(struct source *s, char *signature)
{
    char *open = strchr(signature, '('), *close = strchr(signature, ')');
    *close = '\0';
    for (char *arg = strtok(open + 1, ","); arg; arg = strtok(NULL, ",")) {
        arg += strspn(arg, " \n");
        char *name = arg + strlen(arg);
        while (name > arg && name[-1] != ' ' && name[-1] != '*')
            name--;
        if (!strncmp(arg, "const struct ", 13)) {
            s->has_params = true;
            snprintf(s->params, sizeof s->params, "%.*s", (int)strcspn(arg + 18, " "), arg + 18);
            continue;
        }
        /* A helper of kernels: no kernel changes a struct or takes a function. */
        if (!strncmp(arg, "struct ", 7) || strstr(arg, "(*"))
            return;
        if (s->n_args == ARGS_MAX)
            die("more than %d arguments", ARGS_MAX);
        struct entry *e = &s->arg[s->n_args++];
        snprintf(e->name, sizeof e->name, "%s", name);
        *name = '\0';
        snprintf(e->type, sizeof e->type, "%s", arg);
    }
    s->is_kernel = true;
}

/* `#include "x.h"` or `#include <x.h>` outside every #if */
static void parse_include(struct source *s, const char *line)
{
    bool local = line[9] == '"';
    int *n = local ? &s->n_needs : &s->n_system;
    size_t len = strcspn(line + 10, "\">");
    if (*n == NEEDS_MAX || len >= 64)
        die("more than %d includes, or a name too long", NEEDS_MAX);
    memcpy(local ? s->needs[*n] : s->system[*n], line + 10, len);
    (*n)++;
}

/* The licence and the include guard do not belong to the text; nor do includes, which the emitter
 * prints once for all. */
static bool is_frame(struct source *s, const char *line, bool outer)
{
    if (line_number == 1) {
        if (!strstr(line, "SPDX-License-Identifier: 0BSD"))
            die("kernels start with their licence, 0BSD");
        return true;
    }
    if (!outer)
        return false;
    if (!strncmp(line, "#include", 8)) {
        parse_include(s, line);
        return true;
    }
    return !strncmp(line, "#ifndef MICA_", 13) || !strncmp(line, "#endif", 6) ||
           (!strncmp(line, "#define MICA_", 13) && strstr(line, "_H\n"));
}

/* Where in the file a line stands: inside the kernel's struct, inside its signature. */
struct place {
    bool in_struct, in_signature;
    char signature[1024];
};

static void learn(struct source *s, struct place *at, const char *line)
{
    char head[96];
    snprintf(head, sizeof head, "struct mica_%s {", s->stem);
    if (!strncmp(line, head, strlen(head)))
        at->in_struct = true;
    else if (line[0] == '}')
        at->in_struct = false;
    else if (at->in_struct)
        parse_fields(s, line);
    for (int i = 0; i < 2; i++) {
        snprintf(head, sizeof head, "%s void mica_%s(", i ? "MICA_INLINE" : "static inline",
                 s->stem);
        if (strncmp(line, head, strlen(head)) != 0)
            continue;
        at->in_signature = true;
        s->folds = i;
    }
    if (!at->in_signature)
        return;
    if (strlen(at->signature) + strlen(line) >= sizeof at->signature)
        die("a signature too long");
    strcat(at->signature, line);
    if (strchr(line, ')')) {
        at->in_signature = false;
        parse_arguments(s, at->signature);
    }
}

static void read_kernel(FILE *f, struct source *s)
{
    char line[512];
    struct place at = {0};
    int depth = 0; /* of #if; the guard is 1 */
    for (line_number = 1; fgets(line, sizeof line, f); line_number++) {
        depth += !strncmp(line, "#if", 3);
        bool outer = depth <= 1;
        depth -= !strncmp(line, "#endif", 6);
        if (is_frame(s, line, outer) || (!s->len && line[0] == '\n'))
            continue;
        add_text(s, line);
        learn(s, &at, line);
    }
    while (s->len > 1 && s->text[s->len - 1] == '\n' && s->text[s->len - 2] == '\n')
        s->text[--s->len] = '\0';
}

static void put_bytes(FILE *out, const char *name, const char *text, size_t len)
{
    fprintf(out, "static const char %s[] = {", name);
    for (size_t i = 0; i < len; i++)
        fprintf(out, "%s%d,", i % 24 ? "" : "\n    ", text[i]);
    fprintf(out, "0};\n");
}

static const char *field_type(const char *type)
{
    static const char *const names[][2] = {
        {"int8_t", "INT8"},
        {"uint8_t", "UINT8"},
        {"int16_t", "INT16"},
        {"int32_t", "INT32"},
        {"uint32_t", "UINT32"},
        {"float", "FLOAT"},
        {"double", "DOUBLE"},
        {"mica_far", "FAR"},
        {"const int8_t *", "PTR_INT8"},
        {"const uint8_t *", "PTR_UINT8"},
        {"const int16_t *", "PTR_INT16"},
        {"const uint16_t *", "PTR_UINT16"},
        {"const int32_t *", "PTR_INT32"},
        {"const uint32_t *", "PTR_UINT32"},
        {"const float *", "PTR_FLOAT"},
        {"const double *", "PTR_DOUBLE"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (!strcmp(names[i][0], type))
            return names[i][1];
    die("a parameter of type '%s' is not known", type);
    return NULL;
}

/* The element type at the start of an argument's type. */
static const char *element_type(const char *type)
{
    static const char *const names[][2] = {
        {"int8_t", "INT8"},    {"uint8_t", "UINT8"},   {"int16_t", "INT16"}, {"uint16_t", "UINT16"},
        {"int32_t", "INT32"},  {"uint32_t", "UINT32"}, {"float", "FLOAT32"}, {"int64_t", "INT64"},
        {"double", "FLOAT64"}, {"void", "COUNT"}, /* any: the parameters say which */
    };
    type += strncmp(type, "const ", 6) ? 0 : 6;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (!strncmp(names[i][0], type, strlen(names[i][0])))
            return names[i][1];
    die("an argument of type '%s' is not known", type);
    return NULL;
}

static const char *arg_kind(const char *type)
{
    if (!strcmp(type, "int32_t "))
        return "COUNT";
    if (strncmp(type, "const ", 6))
        return "OUTPUT";
    return strstr(type, "*const *") ? "ROWS" : "INPUT";
}

static void put_call(FILE *out, const struct source *s)
{
    fprintf(out, "void CALL(%s)(const void *p, void *const *a, int32_t n)\n{\n", s->stem);
    fprintf(out, "    (void)p, (void)n;\n    mica_%s(", s->stem);
    if (s->has_params)
        fprintf(out, "p%s", s->n_args ? ", " : "");
    for (int i = 0; i < s->n_args; i++) {
        const char *kind = arg_kind(s->arg[i].type);
        if (!strcmp(kind, "COUNT"))
            fprintf(out, "n");
        else if (!strcmp(kind, "ROWS"))
            fprintf(out, "(%s)a[%d]", s->arg[i].type, i);
        else
            fprintf(out, "a[%d]", i);
        fprintf(out, "%s", i + 1 < s->n_args ? ", " : "");
    }
    fprintf(out, ");\n}\n");
}

/* The file that has the struct of a kernel's parameters. */
static const struct source *params_of(const struct source *s)
{
    for (int i = 0; i < n_sources; i++)
        if (!strcmp(sources[i].stem, s->params))
            return &sources[i];
    die("no file has struct mica_%s", s->params);
    return NULL;
}

static void put_fields(FILE *out, const struct source *s)
{
    fprintf(out, "static const struct field fields_%s[] = {\n", s->stem);
    for (int i = 0; i < s->n_fields; i++)
        fprintf(out, "    {\"%s\", FIELD_%s, offsetof(struct mica_%s, %s)},\n", s->field[i].name,
                field_type(s->field[i].type), s->stem, s->field[i].name);
    fprintf(out, "    {NULL, FIELD_INT8, 0}};\n");
}

static void put_kernel(FILE *out, const struct source *s)
{
    fprintf(out, "#include \"%s.h\"\n", s->stem);
    for (int p = 0; p < PROFILES; p++)
        fprintf(out, "kernel_call %s_call_%s;\n", profiles[p], s->stem);
    fprintf(out, "static const struct kernel_arg args_%s[] = {", s->stem);
    for (int i = 0; i < s->n_args; i++)
        fprintf(out, "{ARG_%s, DTYPE_%s}, ", arg_kind(s->arg[i].type),
                element_type(s->arg[i].type));
    fprintf(out, "};\nconst struct kernel kernel_%s = {\"mica_%s\", \"%s.h\", ", s->stem, s->stem,
            s->stem);
    if (s->has_params)
        fprintf(out, "\"mica_%s\", sizeof(struct mica_%s), fields_%s", s->params, s->params,
                s->params);
    else
        fprintf(out, "NULL, 0, NULL");
    fprintf(out, ", %s, %d, args_%s, {", s->folds ? "true" : "false", s->n_args, s->stem);
    for (int p = 0; p < PROFILES; p++)
        fprintf(out, "%s_call_%s, ", profiles[p], s->stem);
    fprintf(out, "}};\n\n");
}

static void put_list(FILE *out, const char *kind, const char *stem, int n, char list[][64])
{
    fprintf(out, "static const char *const %s_%s[] = {", kind, stem);
    for (int i = 0; i < n; i++)
        fprintf(out, "\"%s\", ", list[i]);
    fprintf(out, "NULL};\n");
}

/* The number of a file's text for a profile; what a profile does not have is as in the first
 * one. */
static int text_of(const struct source *s, int profile)
{
    for (int i = 0; i < n_sources; i++)
        if (sources[i].profile == profile && !strcmp(sources[i].stem, s->stem))
            return profile + 1;
    return s->profile + 1;
}

static void put_files(FILE *out)
{
    for (int i = 0; i < n_sources; i++) {
        const struct source *s = &sources[i];
        char name[96];
        if (s->profile <= 0) { /* the other profiles need what the first one does */
            put_list(out, "needs", s->stem, s->n_needs, sources[i].needs);
            put_list(out, "system", s->stem, s->n_system, sources[i].system);
        }
        snprintf(name, sizeof name, "text_%s_%d", s->stem, s->profile + 1);
        put_bytes(out, name, s->text, s->len);
    }
    fprintf(out, "\nstatic const struct kernel_file files[] = {\n");
    for (int i = 0; i < n_sources; i++) {
        const struct source *s = &sources[i];
        if (s->profile > 0)
            continue;
        fprintf(out, "    {\"%s.h\", {", s->stem);
        for (int p = 0; p < PROFILES; p++)
            fprintf(out, "text_%s_%d, ", s->stem, text_of(s, p));
        fprintf(out, "}, needs_%s, system_%s},\n", s->stem, s->stem);
    }
    fprintf(out, "};\n\nconst struct kernel_file *kernel_file_find(const char *name)\n{\n"
                 "    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)\n"
                 "        if (!strcmp(files[i].name, name))\n            return &files[i];\n"
                 "    return NULL;\n}\n");
}

/* Does a kernel take the struct of this file? */
static bool is_params(const struct source *s)
{
    for (int i = 0; i < n_sources; i++)
        if (sources[i].is_kernel && sources[i].has_params && params_of(&sources[i]) == s)
            return true;
    return false;
}

static void write_kernels(const char *dir)
{
    FILE *h = open_or_die(dir, "kernels.gen.h", "w");
    FILE *c = open_or_die(dir, "kernels.gen.c", "w");
    FILE *calls = open_or_die(dir, "kernel_calls.gen.h", "w");
    fprintf(h, "#include \"ir.h\"\n");
    fprintf(c, "#include <string.h>\n\n#include \"kernels.gen.h\"\n\n");
    for (int i = 0; i < n_sources; i++) {
        if (!sources[i].is_kernel)
            continue;
        fprintf(h, "#include \"%s.h\"\nextern const struct kernel kernel_%s;\n", sources[i].stem,
                sources[i].stem);
        fprintf(calls, "#include \"%s.h\"\n", sources[i].stem);
    }
    for (int i = 0; i < n_sources; i++)
        if (is_params(&sources[i])) {
            fprintf(c, "#include \"%s.h\"\n", sources[i].stem);
            put_fields(c, &sources[i]);
        }
    for (int i = 0; i < n_sources; i++)
        if (sources[i].is_kernel)
            put_kernel(c, &sources[i]);
    fprintf(calls, "#include \"ir.h\"\n\n");
    for (int i = 0; i < n_sources; i++)
        if (sources[i].is_kernel) {
            fprintf(calls, "kernel_call CALL(%s);\n", sources[i].stem);
            put_call(calls, &sources[i]);
        }
    put_files(c);
    if (fclose(h) | fclose(c) | fclose(calls))
        die("cannot write to %s", dir);
}

/* The texts of all files with an extension, as a table that ends with NULL. */
static void write_table(FILE *out, const char *type, const char *table, const char *extension,
                        int n, char **files)
{
    char stem[64];
    static char text[TEXT_MAX];
    for (int i = 0; i < n; i++) {
        if (!strstr(files[i], extension))
            continue;
        path = files[i];
        FILE *f = open_or_die("", files[i], "r");
        size_t len = fread(text, 1, sizeof text, f);
        fclose(f);
        char name[96];
        snprintf(name, sizeof name, "%s_%d", table, i);
        put_bytes(out, name, text, len);
    }
    fprintf(out, "\nconst struct %s %s[] = {\n", type, table);
    for (int i = 0; i < n; i++) {
        if (!strstr(files[i], extension))
            continue;
        stem_of(stem, sizeof stem, files[i]);
        fprintf(out, "    {\"%s\", %s_%d},\n", stem, table, i);
    }
    fprintf(out, "    {NULL, NULL},\n};\n\n");
}

static void write_targets(const char *dir, int n, char **files)
{
    FILE *out = open_or_die(dir, "targets.gen.c", "w");
    fprintf(out, "#include \"measure/measure.h\"\n\n");
    write_table(out, "target_file", "target_files", ".target", n, files);
    write_table(out, "target_file", "cycle_files", ".cycles", n, files);
    if (fclose(out))
        die("cannot write to %s", dir);
    out = open_or_die(dir, "kernel_costs.gen.c", "w");
    fprintf(out, "#include \"choose/choose.h\"\n\n");
    write_table(out, "cost_file", "cost_files", ".kernels", n, files);
    if (fclose(out))
        die("cannot write to %s", dir);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        die("usage: embed OUT_DIR FILE...");
    char **targets = malloc(sizeof *targets * (size_t)argc);
    int n_targets = 0;
    for (int i = 2; i < argc; i++) {
        path = argv[i];
        line_number = 0;
        if (strstr(path, ".target") || strstr(path, ".cycles") || strstr(path, ".kernels")) {
            targets[n_targets++] = argv[i];
            continue;
        }
        if (n_sources == FILES_MAX)
            die("more than %d kernel files", FILES_MAX);
        struct source *s = &sources[n_sources++];
        stem_of(s->stem, sizeof s->stem, path);
        s->text = calloc(1, TEXT_MAX);
        s->profile = -1;
        for (int p = 0; p < PROFILES; p++) {
            char folder[64];
            snprintf(folder, sizeof folder, "profile/%s/", profiles[p]);
            if (strstr(path, folder))
                s->profile = p;
        }
        FILE *f = open_or_die("", path, "r");
        read_kernel(f, s);
        fclose(f);
    }
    write_kernels(argv[1]);
    write_targets(argv[1], n_targets, targets);
    free(targets);
    return 0;
}
