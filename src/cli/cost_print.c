/* SPDX-License-Identifier: Apache-2.0 */
/* cost_print.c - the figures of `mica cost` for people, for pull requests and for programs. */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "cli/cost.h"

/* ---- tables -------------------------------------------------------------------------------------
 *
 * A table is rows of cells; text pads them to columns, Markdown puts bars between them. Columns
 * are sized by a first pass that prints nothing.
 */

enum { COLUMNS_MAX = 12 + 32, CELL_BYTES = 320 };

struct table {
    FILE *out; /* NULL: only measures */
    enum cost_form form;
    int column, row;
    int width[COLUMNS_MAX];
    unsigned left; /* columns that are not numbers */
};

static void cell(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void cell(struct table *t, const char *fmt, ...)
{
    char text[CELL_BYTES];
    va_list args;
    int i = t->column++;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (t->form == COST_MARKDOWN)
        for (char *c = text; *c; c++)
            *c = *c == '|' ? '/' : *c;
    if (!t->out) {
        if ((int)strlen(text) > t->width[i])
            t->width[i] = (int)strlen(text);
        return;
    }
    fputs(t->form == COST_MARKDOWN ? "| " : i ? "  " : "", t->out);
    const int pad = t->width[i] - (int)strlen(text);
    if (!(t->left >> i & 1))
        fprintf(t->out, "%*s", pad, "");
    fputs(text, t->out);
    if (t->left >> i & 1 && t->form == COST_MARKDOWN)
        fprintf(t->out, "%*s", pad, "");
    if (t->left >> i & 1 && t->form == COST_TEXT && t->width[i + 1])
        fprintf(t->out, "%*s", pad, "");
    if (t->form == COST_MARKDOWN)
        fputs(" ", t->out);
}

static void end_row(struct table *t)
{
    if (t->out)
        fputs(t->form == COST_MARKDOWN ? "|\n" : "\n", t->out);
    if (t->out && t->form == COST_MARKDOWN && t->row == 0) {
        for (int i = 0; i < t->column; i++)
            fputs(t->left >> i & 1 ? "|---" : "|--:", t->out);
        fputs("|\n", t->out);
    }
    t->row++;
    t->column = 0;
}

/* Calls fill() twice: for the widths, then to print. */
static void print_table(FILE *out, enum cost_form form, unsigned left,
                        void (*fill)(struct table *, const void *), const void *of)
{
    struct table t = {.form = form, .left = left};

    fill(&t, of);
    t.out = out;
    t.row = 0;
    fill(&t, of);
    fputs("\n", out);
}

/* ---- layers ---------------------------------------------------------------------------------- */

struct view {
    const struct cost_entry *entries;
    int n;
    double mhz;
};

static const char *shape(char *text, size_t room, const int32_t *dim, int rank)
{
    size_t n = 0;
    int from = 0;

    while (from < rank - 1 && dim[from] == 1)
        from++;
    text[0] = '\0';
    for (int i = from; i < rank && n < room; i++)
        n += (size_t)snprintf(text + n, room - n, "%s%d", i > from ? "x" : "", (int)dim[i]);
    return rank ? text : "1";
}

/* What a layer's share is a share of. */
static uint64_t effort(const struct cost *cost, const struct cost_layer *layer)
{
    return cost->source == COST_TIME ? layer->nanoseconds : layer->cycles;
}

static void effort_cells(struct table *t, const struct cost *cost, const struct cost_layer *layer)
{
    const uint64_t all = effort(cost, &cost->total), own = effort(cost, layer);

    if (cost->source == COST_COUNTED)
        cell(t, "%" PRIu64, layer->instructions);
    if (cost->source == COST_TIME)
        cell(t, "%.1f", (double)own / 1000);
    else
        cell(t, "%" PRIu64, own);
    if (layer->facts.macs)
        cell(t, "%.2f", (double)own / (double)layer->facts.macs);
    else
        cell(t, "-");
    cell(t, "%.1f %%", all ? 100 * (double)own / (double)all : 0);
}

static void fill_layers(struct table *t, const void *of)
{
    const struct cost *cost = &((const struct cost_entry *)of)->cost;
    const bool is_time = cost->source == COST_TIME;
    char in[64], out[64];

    cell(t, "step");
    cell(t, "operator");
    cell(t, "shape");
    cell(t, "MACs");
    cell(t, "weights");
    if (cost->source == COST_COUNTED)
        cell(t, "instructions");
    cell(t, is_time ? "microseconds" : "cycles");
    cell(t, is_time ? "ns/MAC" : "cycles/MAC");
    cell(t, "share");
    cell(t, "name");
    end_row(t);
    for (int i = 0; i < cost->n_layers; i++) {
        const struct cost_layer *layer = &cost->layer[i];
        const struct mica_layer *facts = &layer->facts;

        cell(t, "%d", i);
        cell(t, "%s", facts->op);
        cell(t, "%s -> %s", shape(in, sizeof in, facts->in_dim, facts->in_rank),
             shape(out, sizeof out, facts->out_dim, facts->out_rank));
        cell(t, "%" PRId64, facts->macs);
        cell(t, "%" PRIu64, layer->weight_bytes);
        effort_cells(t, cost, layer);
        cell(t, "%.60s%s", facts->name, strlen(facts->name) > 60 ? "..." : "");
        end_row(t);
    }
    cell(t, "%s", "");
    cell(t, "total");
    cell(t, "%s", "");
    cell(t, "%" PRId64, cost->total.facts.macs);
    cell(t, "%" PRIu64, cost->weight_bytes);
    effort_cells(t, cost, &cost->total);
    cell(t, "%s", "");
    end_row(t);
}

/* ---- totals, side by side -------------------------------------------------------------------- */

static void fill_totals(struct table *t, const void *of)
{
    const struct view *view = of;
    static const char *const head[] = {"core",  "optimize",   "instructions", "cycles", "ms",
                                       "flash", "code",       "weights",      "tables", "scratch",
                                       "state", "in and out", "stack",        "bound"};

    for (size_t i = 0; i < sizeof head / sizeof head[0]; i++)
        cell(t, "%s", head[i]);
    end_row(t);
    for (int i = 0; i < view->n; i++) {
        const struct cost_entry *e = &view->entries[i];
        const struct cost *c = &e->cost;

        cell(t, "%s", e->target.core);
        cell(t, "%s", cli_optimize_name(e->options.optimize));
        if (c->source == COST_COUNTED)
            cell(t, "%" PRIu64, c->total.instructions);
        else
            cell(t, "-");
        if (c->source == COST_TIME)
            cell(t, "-");
        else
            cell(t, "%" PRIu64, c->total.cycles);
        if (c->source == COST_TIME)
            cell(t, "%.3f", (double)c->total.nanoseconds * 1e-6);
        else if (view->mhz > 0)
            cell(t, "%.3f", (double)c->total.cycles / view->mhz / 1000);
        else
            cell(t, "-");
        const uint64_t bytes[] = {cost_flash(c),  c->code_bytes,    c->weight_bytes,
                                  c->table_bytes, c->scratch_bytes, c->state_bytes,
                                  c->io_bytes,    c->stack_bytes};
        for (size_t k = 0; k < sizeof bytes / sizeof bytes[0]; k++)
            cell(t, "%" PRIu64, bytes[k]);
        if (c->stack_bound)
            cell(t, "%" PRIu64, c->stack_bound);
        else
            cell(t, "-");
        end_row(t);
    }
}

static void print_source(FILE *out, const struct cost_entry *e)
{
    const struct cost *cost = &e->cost;

    if (cost->source == COST_COUNTED)
        fprintf(out, "Instructions are exact; cycles are an estimate: %s.\n\n", cost->table.error);
    else if (cost->source == COST_CYCLES)
        fprintf(out, "Cycles are those that the emulator (%s) counts.\n\n", e->target.emulator);
    else
        fprintf(out, "Time on this machine: the median of several runs, with its noise.\n\n");
}

static void print_ways(FILE *out, const struct cost_entry *e, enum cost_form form)
{
    const char *text = mica_text(e->m, MICA_WAYS);
    if (*text)
        fprintf(out, form == COST_MARKDOWN ? "```\n%s```\n\n" : "%s\n", text);
    else
        fprintf(out, "No operator of this model has more than one way to be computed.\n\n");
}

void cost_print(FILE *out, const struct cost_entry *entries, int n, enum cost_form form, double mhz,
                bool explain)
{
    const struct view view = {entries, n, mhz};
    const char *heading = form == COST_MARKDOWN ? "### " : "";

    for (int i = 0; i < n; i++) {
        fprintf(out, "%s%s on %s, for %s\n\n", heading, entries[i].model, entries[i].target.core,
                cli_optimize_name(entries[i].options.optimize));
        print_table(out, form,
                    1u << 1 | 1u << 2 |
                        (entries[i].cost.source == COST_COUNTED ? 1u << 9 : 1u << 8),
                    fill_layers, &entries[i]);
        print_source(out, &entries[i]);
        if (explain)
            print_ways(out, &entries[i], form);
    }
    fprintf(out, "%s%s: in all, bytes\n\n", heading, entries[0].model);
    print_table(out, form, 1u << 0 | 1u << 1, fill_totals, &view);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void json_string(FILE *out, const char *s)
{
    putc('"', out);
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            fprintf(out, "\\%c", *s);
        else if ((unsigned char)*s < ' ')
            fprintf(out, "\\u%04x", (unsigned char)*s);
        else
            putc(*s, out);
    }
    putc('"', out);
}

/* What was not measured is null. */
static void json_number(FILE *out, const char *key, bool known, uint64_t value)
{
    if (known)
        fprintf(out, "\"%s\": %" PRIu64 ", ", key, value);
    else
        fprintf(out, "\"%s\": null, ", key);
}

static void json_effort(FILE *out, const struct cost *cost, const struct cost_layer *layer)
{
    json_number(out, "instructions", cost->source == COST_COUNTED, layer->instructions);
    json_number(out, "cycles", cost->source != COST_TIME, layer->cycles);
    json_number(out, "nanoseconds", cost->source == COST_TIME, layer->nanoseconds);
    fprintf(out, "\"macs\": %" PRId64 ", \"weight_bytes\": %" PRIu64 ", \"table_bytes\": %" PRIu64,
            layer->facts.macs, layer->weight_bytes, layer->table_bytes);
}

static void json_counts(FILE *out, const struct cost *cost, const struct cost_layer *layer)
{
    if (cost->source != COST_COUNTED)
        return;
    fprintf(out, ", \"counts\": {");
    for (int i = 0, first = 1; i < COUNT_ALL; i++)
        if (layer->count[i]) {
            fprintf(out, "%s\"%s\": %" PRIu64, first ? "" : ", ", count_name(i), layer->count[i]);
            first = 0;
        }
    fprintf(out, "}");
}

static void json_shape(FILE *out, const char *key, const int32_t *dim, int rank)
{
    fprintf(out, "\"%s\": [", key);
    for (int i = 0; i < rank; i++)
        fprintf(out, "%s%d", i ? ", " : "", (int)dim[i]);
    fprintf(out, "], ");
}

static void json_layer(FILE *out, const struct cost *cost, int i)
{
    const struct cost_layer *layer = &cost->layer[i];
    const struct mica_layer *facts = &layer->facts;

    fprintf(out, "%s\n    {\"step\": %d, \"name\": ", i ? "," : "", i);
    json_string(out, facts->name);
    fprintf(out, ", \"operator\": \"%s\", \"type\": \"%s\", ", facts->op, facts->type);
    json_shape(out, "in_shape", facts->in_dim, facts->in_rank);
    json_shape(out, "out_shape", facts->out_dim, facts->out_rank);
    fprintf(out, "\n     ");
    json_effort(out, cost, layer);
    fprintf(out, ", \"live_bytes\": %" PRId64, facts->live_bytes);
    json_counts(out, cost, layer);
    fprintf(out, "}");
}

static void json_entry(FILE *out, const struct cost_entry *e, bool explain)
{
    static const char *const source[] = {"estimated", "emulated", "time"};
    const struct cost *c = &e->cost;

    fprintf(out, "{\n  \"model\": ");
    json_string(out, e->model);
    fprintf(out, ", \"target\": \"%s\", \"optimize\": \"%s\", \"cycles_are\": \"%s\",\n",
            e->target.core, cli_optimize_name(e->options.optimize), source[c->source]);
    fprintf(out, "  \"total\": {");
    json_effort(out, c, &c->total);
    fprintf(out,
            ",\n    \"code_bytes\": %" PRIu64 ", \"flash_bytes\": %" PRIu64
            ", \"static_bytes\": %" PRIu64 ", \"scratch_bytes\": %" PRIu64
            ", \"state_bytes\": %" PRIu64 ",\n    \"io_bytes\": %" PRIu64
            ", \"stack_bytes\": %" PRIu64 ", ",
            c->code_bytes, cost_flash(c), c->static_bytes, c->scratch_bytes, c->state_bytes,
            c->io_bytes, c->stack_bytes);
    json_number(out, "stack_bound_bytes", c->stack_bound != 0, c->stack_bound);
    fprintf(out, "\"mark_overhead\": %" PRId64, c->mark_overhead);
    json_counts(out, c, &c->total);
    fprintf(out, "},\n  \"layers\": [");
    for (int i = 0; i < c->n_layers; i++)
        json_layer(out, c, i);
    fprintf(out, "\n  ]");
    if (explain)
        fprintf(out, ",\n  \"ways\": %s", mica_text(e->m, MICA_WAYS_JSON));
    fprintf(out, "\n}");
}

void cost_print_json(FILE *out, const struct cost_entry *entries, int n, bool explain)
{
    fprintf(out, "[");
    for (int i = 0; i < n; i++) {
        fprintf(out, "%s", i ? ",\n" : "");
        json_entry(out, &entries[i], explain);
    }
    fprintf(out, "]\n");
}
