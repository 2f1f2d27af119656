/* SPDX-License-Identifier: Apache-2.0 */
/* cost.c - `mica cost`: what a model costs on cores that nobody has to own. */
#include <stdlib.h>
#include <string.h>

#include "cli/cost.h"
#include "cli/report.h"

enum { ENTRIES_MAX = 32 };

static const char help[] =
    "usage: mica cost MODEL [--target CORE[,CORE...]] [--optimize speed|balanced|size|ram[,...]]\n"
    "                 [--mhz N] [--wait-states N] [--json | --markdown] [--explain] [--ways LIST]\n"
    "                 [--input X.npy]\n"
    "                 [--profile PROFILE] [--share-io] [--by-row] [--keep-input]\n"
    "                 [--keep-channels] [--stream AXIS] [--functions NAME]\n"
    "                 [--input-type T] [--finite] [--leaf-bits N] [--float64]\n"
    "                 [--report F]\n"
    "\n"
    "Compiles the model for each core and objective, runs it under the core's emulator and says\n"
    "what it costs, in all and by layer: instructions (exact), cycles (estimated from a table of\n"
    "the core; on avr counted), flash (of the linked code, to the byte), RAM and stack.\n"
    "docs/cost.md says where every figure comes from and how far off the estimates are.\n"
    "\n"
    "  MODEL            a .tflite or .onnx file, a .json of XGBoost or CatBoost, a .txt of\n"
    "                   LightGBM, or a graph in the text form (docs/ir.md)\n"
    "  --target CORES   one or several of `mica targets`, with commas (default: cortex-m4);\n"
    "                   host gives time on this machine instead of instructions\n"
    "  --optimize O     speed (default), balanced, size or ram, or several: speed,size\n"
    "  --mhz N          adds milliseconds at that clock\n"
    "  --wait-states N  of the flash: each taken branch and each constant read waits (default: 0)\n"
    "  --json           for programs; docs/cost.md has the schema\n"
    "  --markdown       tables for a pull request\n"
    "  --explain        why each layer got its kernel: the ways it could go, what each is\n"
    "                   estimated to cost, and why it lost or does not fit\n"
    "  --ways LIST      takes these ways of --explain wherever they fit: plain, or pairs,plain\n"
    "  --report F       also writes a page: time by layer, memory over time, flash, all cores and\n"
    "                   objectives side by side; one file that needs no other and no network\n"
    "  -i, --input F    the input, NAME=F where there are several; without one, made-up values.\n"
    "                   int8 layers take the same time for most inputs, trees do not: with an "
    "axis\n"
    "                   of N inputs in front, counts are the mean of N runs\n"
    "  --functions NAME the function of an estimator to measure (default: its first)\n"
    "  --profile, --share-io, --by-row, --keep-input, --keep-channels, --stream, --input-type,\n"
    "  --finite, --leaf-bits, --float64: as in mica compile\n"
    "\n"
    "Exit status: 0 done; 1 the model or an array was refused, or a compiler or emulator is\n"
    "missing; 2 wrong use.\n";

uint64_t cost_flash(const struct cost *cost)
{
    return cost->code_bytes + cost->weight_bytes + cost->table_bytes;
}

uint64_t cost_ram(const struct cost *cost)
{
    return cost->static_bytes + cost->scratch_bytes + cost->state_bytes + cost->io_bytes +
           (cost->stack_bound ? cost->stack_bound : cost->stack_bytes);
}

/* ---- one entry ------------------------------------------------------------------------------- */

/* The model is compiled into e->m; the marked one into `marked`. */
static int measure(struct cost_entry *e, struct mica *marked, const struct cli_tensors *t,
                   unsigned wait_states)
{
    struct mica_tensor hop = t->input[0];
    struct cost_job job = {
        .run = {.target = &e->target,
                .name = e->options.name,
                .header = mica_text(e->m, MICA_HEADER),
                .source = mica_text(e->m, MICA_SOURCE),
                .weights = mica_text(e->m, MICA_WEIGHTS),
                .options = &e->options,
                .n_inputs = t->n_inputs,
                .n_outputs = t->n_outputs,
                .input = t->input,
                .output = t->output,
                .n = t->stream.rows ? 1 : t->n,
                .in = t->in,
                .out = t->out},
        .marked_source = mica_text(marked, MICA_SOURCE),
        .wait_states = wait_states,
    };
    struct mica_layer *layer, one;
    struct measure_error error;

    if (t->stream.rows) { /* an output takes the rows of one hop */
        hop.bytes = (size_t)t->stream.hop * t->row_bytes;
        job.run.input = &hop;
    }
    while (!mica_layer(e->m, job.n_layers, &one))
        job.n_layers++;
    layer = calloc((size_t)job.n_layers + 1, sizeof *layer);
    if (!layer)
        return cli_refuse("out of memory");
    for (int i = 0; i < job.n_layers; i++)
        mica_layer(e->m, i, &layer[i]);
    job.layer = layer;
    int status = CLI_OK;
    if (job.n_layers == 0)
        status = cli_refuse("%s: nothing is left to compute; it costs nothing", e->model);
    else if (cost_measure(&job, &e->cost, &error))
        status = cli_refuse("%s", error.text);
    free(layer);
    return status;
}

int cost_entry_measure(struct cost_entry *e, const struct cli_files *inputs, unsigned wait_states)
{
    const struct cli_files none = {0};
    struct cli_tensors tensors = {0};
    struct mica *marked = NULL;
    struct mica_tensor first;
    int status = CLI_OK;

    e->m = cli_load(e->model);
    if (e->m && !mica_output(e->m, 0, &first) && first.role && !e->options.functions)
        e->options.functions = first.role; /* what a function costs that is linked alone */
    struct mica_options options = e->options;
    options.mark_steps = 1;
    if (e->m)
        marked = cli_load(e->model);
    if (!e->m || !marked)
        status = CLI_REFUSED;
    else if (mica_compile(e->m, &e->options))
        status = cli_refuse("%s", mica_error(e->m));
    else if (mica_compile(marked, &options))
        status = cli_refuse("%s", mica_error(marked));
    if (status == CLI_OK)
        status = inputs && inputs->n ? cli_tensors_read(&tensors, e->m, "cost", inputs, &none)
                                     : cli_tensors_random(&tensors, e->m);
    if (status == CLI_OK)
        status = measure(e, marked, &tensors, wait_states);
    cli_tensors_free(&tensors);
    mica_free(marked);
    return status;
}

void cost_entry_free(struct cost_entry *e)
{
    cost_free(&e->cost);
    mica_free(e->m);
    e->m = NULL;
}

/* ---- the command ----------------------------------------------------------------------------- */

/* Takes the next word of a list with commas; 1, 0: none is left, -1: too long. */
static int next_word(const char **list, char *word, size_t room)
{
    size_t n = strcspn(*list, ",");
    if (!n)
        return **list ? -1 : 0;
    if (n >= room)
        return -1;
    memcpy(word, *list, n);
    word[n] = '\0';
    *list += n + ((*list)[n] == ',' && (*list)[n + 1]);
    return 1;
}

static int add_entries(struct cost_entry *entries, int *n, const struct target *target,
                       const char *objectives, const struct cost_entry *like)
{
    char word[16];
    int found;

    while ((found = next_word(&objectives, word, sizeof word)) > 0) {
        struct cost_entry *e = &entries[*n];
        const int optimize = cli_optimize_find(word);
        if (optimize < 0)
            break;
        if (*n == ENTRIES_MAX)
            return cli_usage("cost", "more than %d cores and objectives", ENTRIES_MAX);
        *e = *like;
        e->target = *target;
        e->options.optimize = (enum mica_optimize)optimize;
        if (optimize != MICA_OPTIMIZE_RAM) /* it is said for the others of the list */
            e->options.by_row = e->options.keep_input = 0;
        e->options.target = e->target.core;
        ++*n;
    }
    if (found)
        return cli_usage("cost",
                         "--optimize: speed, balanced, size or ram, with commas between them");
    return CLI_OK;
}

static int list_entries(struct cost_entry *entries, int *n, const char *cores,
                        const char *objectives, const struct cost_entry *like)
{
    struct measure_error error;
    struct target target;
    char word[64];
    int found, status = CLI_OK;

    while (status == CLI_OK && (found = next_word(&cores, word, sizeof word)) != 0) {
        if (found < 0)
            return cli_usage("cost", "--target: cores with commas between them");
        if (target_find(word, &target, &error))
            return cli_usage("cost", "%s", error.text);
        status = add_entries(entries, n, &target, objectives, like);
    }
    if (status == CLI_OK && *n == 0)
        status = cli_usage("cost", "--target: which core?");
    return status;
}

static bool read_number(const char *text, double most, double *to)
{
    char *end;
    *to = strtod(text, &end);
    return end != text && !*end && *to >= 0 && *to <= most;
}

int cmd_cost(int argc, char **argv)
{
    const char *cores = "cortex-m4", *objectives = "speed", *mhz = "0", *waits = "0";
    const char *report = NULL;
    int json = 0, markdown = 0, explain = 0, n = 0;
    struct cost_entry like = {.options = {.name = "model"}};
    struct cli_files inputs = {0};
    const struct cli_flag flags[] = {
        {"--target", CLI_TEXT, &cores},
        {"--optimize", CLI_TEXT, &objectives},
        {"--mhz", CLI_TEXT, &mhz},
        {"--wait-states", CLI_TEXT, &waits},
        {"--json", CLI_SWITCH, &json},
        {"--markdown", CLI_SWITCH, &markdown},
        {"--explain", CLI_SWITCH, &explain},
        {"--ways", CLI_TEXT, &like.options.ways},
        {"--input -i", CLI_FILES, &inputs},
        {"--profile", CLI_PROFILE, &like.options.profile},
        {"--report", CLI_TEXT, &report},
        {"--share-io", CLI_SWITCH, &like.options.share_io},
        {"--by-row", CLI_SWITCH, &like.options.by_row},
        {"--keep-input", CLI_SWITCH, &like.options.keep_input},
        {"--keep-channels", CLI_SWITCH, &like.options.keep_channels},
        {"--stream", CLI_NUMBER, &like.options.stream_axis},
        {"--functions", CLI_TEXT, &like.options.functions},
        {"--finite", CLI_SWITCH, &like.options.finite},
        {"--leaf-bits", CLI_NUMBER, &like.options.leaf_bits},
        {"--float64", CLI_SWITCH, &like.options.float64},
        {"--input-type", CLI_TEXT, &like.options.input_type},
        {NULL, CLI_SWITCH, NULL},
    };
    double clock, wait_states;
    int status = cli_parse(argc, argv, help, flags, &like.model);

    if (status >= 0)
        return status;
    if (!read_number(mhz, 100000, &clock))
        return cli_usage("cost", "--mhz %s: a number of megahertz", mhz);
    if (!read_number(waits, 100, &wait_states))
        return cli_usage("cost", "--wait-states %s: a number of cycles", waits);
    if (like.options.functions && strchr(like.options.functions, ','))
        return cli_usage("cost", "--functions %s: one function at a time", like.options.functions);
    struct cost_entry *entries = calloc(ENTRIES_MAX + 1, sizeof *entries);
    if (!entries)
        return cli_refuse("out of memory");
    status = list_entries(entries, &n, cores, objectives, &like);
    for (int i = 0; status == CLI_OK && i < n; i++)
        entries[i].options.target = entries[i].target.core;
    for (int i = 0; status == CLI_OK && i < n; i++)
        status = cost_entry_measure(&entries[i], &inputs, (unsigned)wait_states);
    if (status == CLI_OK && json)
        cost_print_json(stdout, entries, n, explain);
    else if (status == CLI_OK)
        cost_print(stdout, entries, n, markdown ? COST_MARKDOWN : COST_TEXT, clock, explain);
    if (status == CLI_OK && report)
        status = report_write(report, entries, n, clock);
    for (int i = 0; i < n; i++)
        cost_entry_free(&entries[i]);
    free(entries);
    return status;
}
