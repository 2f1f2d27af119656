/* SPDX-License-Identifier: Apache-2.0 */
/* cost.c - the order of a measurement of cost: the program that ships is weighed and run, then one
 * with marks between its steps says which step took what.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counting.h"

/* Inferences on the host, for a median. */
enum { HOST_RUNS = 15 };

/* ---- flash ----------------------------------------------------------------------------------- */

struct sizes {
    const struct cost_job *job;
    struct cost *cost;
};

static bool starts_with(const char *text, const char *word)
{
    return !strncmp(text, word, strlen(word));
}

/* Constants are named after the step that reads them: "conv2d_3_weights", "conv2d_3". */
static const char *behind_step(const struct cost_job *job, const char *name, int *step)
{
    const size_t prefix = strlen(job->run.name);

    if (job->run.weights && starts_with(name, job->run.name) && name[prefix] == '_')
        name += prefix + 1;
    for (int i = 0; i < job->n_layers; i++) {
        char own[96];
        const int n = snprintf(own, sizeof own, "%s_%d", job->layer[i].op, i);

        if (starts_with(name, own) && (!name[n] || name[n] == '_' || name[n] == '.')) {
            *step = i;
            return name + n;
        }
    }
    return NULL;
}

/* What training made is weights; all else that is constant is tables. */
static void add_object(void *user, const struct elf_symbol *symbol)
{
    const struct sizes *sizes = user;
    struct cost *cost = sizes->cost;
    const char *label;
    int step = 0;
    bool is_weights;

    if (symbol->type != ELF_OBJECT || !symbol->in_flash)
        return;
    label = behind_step(sizes->job, symbol->name, &step);
    is_weights = label && (starts_with(label, "_weights") || starts_with(label, "_stream") ||
                           starts_with(label, "_bias") || starts_with(label, "_values"));
    *(is_weights ? &cost->weight_bytes : &cost->table_bytes) += symbol->bytes;
    if (label && is_weights)
        cost->layer[step].weight_bytes += symbol->bytes;
    else if (label)
        cost->layer[step].table_bytes += symbol->bytes;
}

/* The linked model with what it calls; without a linker script of ours, the object files. */
static int weigh(const struct cost_job *job, const struct work *work, struct cost *cost,
                 struct measure_error *error)
{
    const struct target *target = job->run.target;
    const char *const files[] = {target->flash.bytes ? "alone.elf" : "model.o",
                                 !target->flash.bytes && job->run.weights ? "weights.o" : NULL};
    struct sizes sizes = {job, cost};
    struct footprint all = {0, 0, 0, 0};
    char path[PATH_BYTES];
    uint64_t flash;

    if (target->flash.bytes && build_alone(&job->run, work))
        return measure_fail(error, "%s: cannot link the model alone for %s", job->run.name,
                            target->core);
    for (int i = 0; i < 2 && files[i]; i++)
        if (elf_footprint(work_path(work, path, files[i]), target, &all) ||
            elf_symbols(path, add_object, &sizes))
            return measure_fail(error, "%s: cannot read what was linked", job->run.name);
    flash = all.code + all.constants + all.data;
    cost->code_bytes = flash - cost->weight_bytes - cost->table_bytes;
    cost->static_bytes = all.data + all.bss;
    return 0;
}

/* ---- runs ------------------------------------------------------------------------------------ */

static uint64_t count_instructions(const uint64_t *count)
{
    uint64_t sum = 0;

    for (int i = 0; i < COUNT_CLASSES; i++)
        sum += count[i];
    return sum;
}

/* Of several inferences the mean. */
static void average(uint64_t (*counts)[COUNT_ALL], int n_layers, size_t n)
{
    for (int i = 0; i < n_layers; i++)
        for (int k = 0; k < COUNT_ALL; k++)
            counts[i][k] = (counts[i][k] + n / 2) / n;
}

/* Runs what is linked with the plugin. */
static int run_counted(const struct cost_job *job, struct measure_job run, const struct work *work,
                       const struct cost *cost, uint64_t (*counts)[COUNT_ALL],
                       struct measure_report *report)
{
    run.emulator_flags = "-plugin ./count.so";
    if (count_prepare(&run, work, cost->table.isa, job->n_layers, &report->error) ||
        run_program(&run, work, report) || count_read(work, job->n_layers, counts, &report->error))
        return -1;
    average(counts, job->n_layers, run.n);
    return 0;
}

/* The program that ships: its bytes, its stack, its instructions. */
static int measure_shipped(const struct cost_job *job, const struct work *work, struct cost *cost,
                           uint64_t (*counts)[COUNT_ALL], struct measure_report *report)
{
    struct measure_job run = job->run;

    if (run.target->flash.bytes)
        run.model_flags = run.target->data == DATA_FLASH ? "-fstack-usage" : "-fcallgraph-info=su";
    if (build_program(&run, work, &report->error) || weigh(job, work, cost, &report->error))
        return -1;
    if (run.target->flash.bytes)
        cost->stack_bound = stack_bound(&run, work);
    if (cost->source == COST_COUNTED ? run_counted(job, run, work, cost, counts, report)
                                     : run_program(&run, work, report))
        return -1;
    cost->stack_bytes = report->stack_bytes;
    if (job_has_state(&run))
        cost->state_bytes = report->scratch_bytes;
    else
        cost->scratch_bytes = report->scratch_bytes;
    if (!run.options->share_io && !job_has_state(&run))
        cost->io_bytes = job_in_bytes(&run) + job_out_bytes(&run);
    return 0;
}

static int build_marked(const struct cost_job *job, struct measure_job *run, char *flags,
                        size_t room, const struct work *work, bool by_call,
                        struct measure_error *error)
{
    char path[PATH_BYTES];

    run->source = job->marked_source;
    if (marks_header(run, work, job->n_layers, by_call, error))
        return -1;
    snprintf(flags, room, "-include %s", work_path(work, path, "marks.h"));
    run->model_flags = flags;
    return build_program(run, work, error);
}

/* Layers by labels and the plugin. */
static int measure_labels(const struct cost_job *job, const struct work *work, struct cost *cost,
                          uint64_t (*counts)[COUNT_ALL], struct measure_report *report)
{
    struct measure_job run = job->run;
    char flags[PATH_BYTES + 16];
    uint64_t shipped = 0, marked = 0;

    for (int i = 0; i < job->n_layers; i++)
        shipped += count_instructions(counts[i]);
    memset(counts, 0, sizeof *counts * (size_t)job->n_layers);
    if (build_marked(job, &run, flags, sizeof flags, work, false, &report->error) ||
        run_counted(job, run, work, cost, counts, report))
        return -1;
    for (int i = 0; i < job->n_layers; i++) {
        struct cost_layer *layer = &cost->layer[i];

        memcpy(layer->count, counts[i], sizeof layer->count);
        layer->instructions = count_instructions(layer->count);
        layer->cycles = cycles_estimate(&cost->table, layer->count, job->wait_states);
        marked += layer->instructions;
    }
    cost->mark_overhead = (int64_t)(marked - shipped);
    return 0;
}

static int compare_times(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* Layers by calls that read a clock; n runs of the same input. */
static int measure_calls(const struct cost_job *job, const struct work *work, struct cost *cost,
                         size_t n, struct measure_report *report)
{
    const int steps = job->n_layers < 2 ? 2 : job->n_layers;
    struct measure_job run = job->run;
    char flags[PATH_BYTES + 16], *harness = marks_harness(run.target, steps, &report->error);
    const size_t in = job_in_bytes(&run), out = job_out_bytes(&run);
    uint64_t *time = calloc(n * (size_t)steps + n, sizeof *time);
    unsigned char *inputs = malloc(n * in + 1), *outputs = malloc(n * out + 1);
    int result = -1;

    run.harness = harness;
    run.n = n;
    run.in = inputs;
    run.out = outputs;
    for (size_t k = 0; inputs && k < n; k++)
        memcpy(inputs + k * in, job->run.in, in);
    if (harness && time && inputs && outputs)
        result = build_marked(job, &run, flags, sizeof flags, work, true, &report->error) ||
                         run_program(&run, work, report) ||
                         marks_read(work, n * (size_t)steps, time, &report->error)
                     ? -1
                     : 0;
    for (int i = 0; !result && i < job->n_layers; i++) {
        uint64_t *of = time + n * (size_t)steps;

        for (size_t k = 0; k < n; k++)
            of[k] = time[k * (size_t)steps + (size_t)i];
        qsort(of, n, sizeof *of, compare_times);
        *(cost->source == COST_TIME ? &cost->layer[i].nanoseconds
                                    : &cost->layer[i].cycles) = of[n / 2];
    }
    free(harness);
    free(time);
    free(inputs);
    free(outputs);
    return result;
}

/* ---- all ------------------------------------------------------------------------------------- */

static void add_up(struct cost *cost)
{
    struct cost_layer *total = &cost->total;

    memset(total, 0, sizeof *total);
    for (int i = 0; i < cost->n_layers; i++) {
        const struct cost_layer *layer = &cost->layer[i];

        total->facts.macs += layer->facts.macs;
        total->facts.parameters += layer->facts.parameters;
        total->instructions += layer->instructions;
        total->cycles += layer->cycles;
        total->nanoseconds += layer->nanoseconds;
        for (int k = 0; k < COUNT_ALL; k++)
            total->count[k] += layer->count[k];
    }
    total->weight_bytes = cost->weight_bytes;
    total->table_bytes = cost->table_bytes;
}

static int measure(const struct cost_job *job, const struct work *work, struct cost *cost,
                   struct measure_report *report)
{
    uint64_t(*counts)[COUNT_ALL] = calloc((size_t)job->n_layers + 1, sizeof *counts);
    int result = counts ? measure_shipped(job, work, cost, counts, report)
                        : measure_fail(&report->error, "out of memory");

    if (!result)
        result = cost->source == COST_COUNTED
                     ? measure_labels(job, work, cost, counts, report)
                     : measure_calls(job, work, cost, cost->source == COST_TIME ? HOST_RUNS : 1,
                                     report);
    free(counts);
    return result;
}

int cost_measure(const struct cost_job *job, struct cost *cost, struct measure_error *error)
{
    const struct target *target = job->run.target;
    struct measure_report report;
    struct work work;
    int found = cycles_find(target->core, &cost->table, error);

    memset(&report, 0, sizeof report);
    cost->layer = calloc((size_t)job->n_layers + 1, sizeof *cost->layer);
    if (!cost->layer)
        return measure_fail(error, "out of memory");
    cost->n_layers = job->n_layers;
    for (int i = 0; i < job->n_layers; i++)
        cost->layer[i].facts = job->layer[i];
    cost->source = !found ? COST_COUNTED : target->data == DATA_FLASH ? COST_CYCLES : COST_TIME;
    if (found < 0 || measure_tools(target, error) || work_open(&work, error))
        return -1;
    if (measure(job, &work, cost, &report)) {
        *error = report.error;
        work_close(&work);
        return -1;
    }
    work_close(&work);
    add_up(cost);
    return 0;
}

void cost_free(struct cost *cost)
{
    free(cost->layer);
    cost->layer = NULL;
}
