/* SPDX-License-Identifier: Apache-2.0 */
/* table.c - prices of kernels: target/CLASS.kernels, written by bench/kernel_costs.py.
 *
 *     cores = cortex-m4                     whom the file is for
 *     code pairs.h O2 512                   bytes of a kernel file's functions
 *     kernel dense_pairs_s8 O2 21*call 34.5*pair.call ...
 *
 * A kernel's line is a sum of products: a number of instructions, times quantities with dots
 * between them. */
#include <stdlib.h>
#include <string.h>

#include "choose/choose.h"

/* The word at *at, which moves behind it and the blanks that follow; its length, 0 at the line's
 * end. */
static size_t next_word(const char **at, const char **word)
{
    *word = *at;
    const size_t n = strcspn(*at, " \n");
    *at += n;
    *at += strspn(*at, " ");
    return n;
}

static bool is_word(const char *word, size_t n, const char *want)
{
    return strlen(want) == n && !memcmp(word, want, n);
}

static const char *next_line(const char *at)
{
    at += strcspn(at, "\n");
    return *at ? at + 1 : NULL;
}

static bool serves(const char *text, const char *core)
{
    for (const char *line = text; line; line = next_line(line)) {
        const char *at = line, *word;
        size_t n = next_word(&at, &word);
        if (!is_word(word, n, "cores"))
            continue;
        while ((n = next_word(&at, &word)) > 0)
            if (is_word(word, n, core))
                return true;
    }
    return false;
}

struct prices prices_of(const struct mica_options *options)
{
    struct prices p = {NULL, options->optimize == MICA_OPTIMIZE_SPEED ? "O2" : "Os"};
    for (const struct cost_file *f = cost_files; f->name && !p.table; f++)
        if (serves(f->text, options->target))
            p.table = f->text;
    return p;
}

/* What follows "KIND NAME LEVEL"; NULL: there is no such line. */
static const char *find(const struct prices *p, const char *kind, const char *name)
{
    for (const char *line = p->table; line; line = next_line(line)) {
        const char *at = line, *word = line;
        size_t n = next_word(&at, &word);
        if (!is_word(word, n, kind))
            continue;
        n = next_word(&at, &word);
        if (!is_word(word, n, name))
            continue;
        n = next_word(&at, &word);
        if (is_word(word, n, p->level))
            return at;
    }
    return NULL;
}

/* The product of quantities "a.b.c" of n characters. */
static double product(const struct facts *f, const char *at, size_t n)
{
    double result = 1;
    for (const char *end = at + n; at < end;) {
        size_t len = 0;
        while (at + len < end && at[len] != '.')
            len++;
        result *= quantity(f, at, len);
        at += len + (at + len < end);
    }
    return result;
}

double price_call(const struct prices *p, const struct facts *f)
{
    const char *at = find(p, "kernel", f->call->kernel->name + strlen("mica_"));
    if (!at)
        return -1;
    double sum = 0;
    const char *word;
    for (size_t n; (n = next_word(&at, &word)) > 0;) {
        char *star;
        const double factor = strtod(word, &star);
        if (*star == '*')
            sum += factor * product(f, star + 1, n - (size_t)(star + 1 - word));
    }
    return sum;
}

double price_file(const struct prices *p, const char *file)
{
    const char *at = find(p, "code", file);
    return at ? strtod(at, NULL) : 0;
}
