/* SPDX-License-Identifier: Apache-2.0 */
/* report.c - `mica cost --report`: the figures as one page that needs nothing but a browser.
 *
 * The page is src/report/page/, which the command carries. In index.html, @@NAME@@ stands for the
 * file NAME beside it, or (data) for the figures, an object with
 *
 *     version, mhz   0: no clock was given
 *     costs          what --json prints
 *     sources        for each cost the emulator, and how far off estimated cycles are
 *     plans          what `mica inspect --json` prints, each text once
 *     plan_of        for each cost the number of its plan
 */
#include <stdlib.h>
#include <string.h>

#include "cli/report.h"

/* The files, as tools/bytes.c writes them. */
#define FILES(FILE_)                \
    FILE_(index_html, "index.html") \
    FILE_(style_css, "style.css")   \
    FILE_(text_js, "text.js")       \
    FILE_(figures_js, "figures.js") \
    FILE_(layers_js, "layers.js")   \
    FILE_(memory_js, "memory.js")   \
    FILE_(main_js, "main.js")

#define DECLARE(symbol, name)                   \
    extern const unsigned char page_##symbol[]; \
    extern const size_t page_##symbol##_bytes;
FILES(DECLARE)

static const struct file {
    const char *name;
    const unsigned char *text;
    const size_t *bytes;
} files[] = {
#define ROW(symbol, name) {name, page_##symbol, &page_##symbol##_bytes},
    FILES(ROW)};

/* ---- figures --------------------------------------------------------------------------------- */

/* In JSON a '<' stands in strings only, where the escape means the same: nothing in the names of a
 * model can end the script element that holds the figures. */
static void put_escaped(FILE *out, const char *json, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (json[i] == '<')
            fputs("\\u003c", out);
        else
            putc(json[i], out);
}

static int put_costs(FILE *out, const struct cost_entry *entries, int n)
{
    char *json = NULL;
    size_t bytes = 0;
    FILE *costs = open_memstream(&json, &bytes);

    if (!costs)
        return -1;
    cost_print_json(costs, entries, n, false);
    const int failed = fclose(costs);
    if (!failed)
        put_escaped(out, json, bytes);
    free(json);
    return failed ? -1 : 0;
}

/* The first entry with the same plan as entry i. */
static int plan_like(const struct cost_entry *entries, int i)
{
    const char *plan = mica_text(entries[i].m, MICA_JSON);
    int k = 0;

    while (strcmp(mica_text(entries[k].m, MICA_JSON), plan) != 0)
        k++;
    return k;
}

static int plan_number(const struct cost_entry *entries, int i)
{
    const int like = plan_like(entries, i);
    int number = 0;

    for (int k = 0; k < like; k++)
        number += plan_like(entries, k) == k;
    return number;
}

static void put_plans(FILE *out, const struct cost_entry *entries, int n)
{
    fputs(",\n\"plan_of\": [", out);
    for (int i = 0; i < n; i++)
        fprintf(out, "%s%d", i ? ", " : "", plan_number(entries, i));
    fputs("],\n\"plans\": [", out);
    for (int i = 0; i < n; i++) {
        const char *plan = mica_text(entries[i].m, MICA_JSON);
        if (plan_like(entries, i) != i)
            continue;
        fputs(i ? ",\n" : "", out);
        put_escaped(out, plan, strlen(plan));
    }
    fputs("]", out);
}

/* The texts come from target/, which keeps to letters that JSON takes as they are. */
static void put_sources(FILE *out, const struct cost_entry *entries, int n)
{
    fputs(",\n\"sources\": [", out);
    for (int i = 0; i < n; i++) {
        const struct cost *cost = &entries[i].cost;
        fprintf(out, "%s\n  {\"emulator\": \"%s\", \"error\": \"%s\"}", i ? "," : "",
                entries[i].target.emulator, cost->source == COST_COUNTED ? cost->table.error : "");
    }
    fputs("]", out);
}

static int put_figures(FILE *out, const struct cost_entry *entries, int n, double mhz)
{
    fprintf(out, "{\"version\": \"%s\", \"mhz\": %.17g,\n\"costs\": ", MICA_VERSION, mhz);
    if (put_costs(out, entries, n))
        return -1;
    put_sources(out, entries, n);
    put_plans(out, entries, n);
    fputs("}", out);
    return 0;
}

/* ---- the page -------------------------------------------------------------------------------- */

static const struct file *file_find(const char *name, size_t n)
{
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (strlen(files[i].name) == n && !memcmp(files[i].name, name, n))
            return &files[i];
    return NULL;
}

static const char *next_mark(const char *from, const char *end)
{
    while (from + 1 < end && memcmp(from, "@@", 2) != 0)
        from++;
    return from + 1 < end ? from : end;
}

static int put_page(FILE *out, const struct cost_entry *entries, int n, double mhz)
{
    const char *at = (const char *)page_index_html, *end = at + page_index_html_bytes;

    while (at < end) {
        const char *name = next_mark(at, end);
        fwrite(at, 1, (size_t)(name - at), out);
        if (name == end)
            break;
        name += 2;
        const char *after = next_mark(name, end);
        const struct file *file = file_find(name, (size_t)(after - name));
        if (file)
            fwrite(file->text, 1, *file->bytes, out);
        else if (put_figures(out, entries, n, mhz))
            return -1;
        at = after + 2;
    }
    return 0;
}

int report_write(const char *path, const struct cost_entry *entries, int n, double mhz)
{
    char *page = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&page, &bytes);
    int failed = !out || put_page(out, entries, n, mhz);

    if (out && fclose(out))
        failed = 1;
    int status = CLI_OK;
    if (failed)
        status = cli_refuse("out of memory");
    else if (cli_write_file(path, page, bytes))
        status = CLI_REFUSED;
    free(page);
    return status;
}
