/* SPDX-License-Identifier: Apache-2.0 */
/* measure.c - the order of a measurement: check the tools, build, weigh, run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

int measure_tools(const struct target *target, struct measure_error *error)
{
    if (!target_has_compiler(target))
        return measure_fail(error, "%s needs %s, which is not installed: apt install %s",
                            target->core, target->compiler, target->compiler_package);
    if (!target_has_emulator(target))
        return measure_fail(error, "%s needs %s, which is not installed: apt install %s",
                            target->core, target->emulator, target->emulator_package);
    return 0;
}

static uint64_t flash_bytes(const struct footprint *footprint)
{
    return footprint->code + footprint->constants + footprint->data;
}

/* A program of the model alone holds the model and what it calls of the libraries. */
static void weigh_library(const struct measure_job *job, const struct work *work,
                          struct measure_report *report)
{
    struct footprint alone = {0, 0, 0, 0};
    char path[PATH_BYTES];

    if (!job->target->flash.bytes || build_alone(job, work) ||
        elf_footprint(work_path(work, path, "alone.elf"), job->target, &alone))
        return;
    report->library_known = true;
    if (flash_bytes(&alone) > flash_bytes(&report->model))
        report->library = flash_bytes(&alone) - flash_bytes(&report->model);
}

static int weigh(const struct measure_job *job, const struct work *work,
                 struct measure_report *report)
{
    char path[PATH_BYTES];

    /* A host whose object files are not ELF has no figures, and needs none. */
    if (!job->target->flash.bytes)
        elf_footprint(work_path(work, path, "model.o"), job->target, &report->model);
    else if (elf_footprint(work_path(work, path, "model.o"), job->target, &report->model))
        return measure_fail(&report->error, "%s: cannot read the object file", job->name);
    if (job->weights)
        elf_footprint(work_path(work, path, "weights.o"), job->target, &report->model);
    weigh_library(job, work, report);
    return 0;
}

/* The least stack that a run takes, by the compiler's table of frames (function, bytes): the frame
 * of NAME_run and the largest of those below it. */
static uint64_t least_stack(const struct measure_job *job, const struct work *work)
{
    struct measure_error unread;
    unsigned long long run = 0, below = 0, bytes;
    char name[FACT_BYTES], *table;
    size_t n;

    snprintf(name, sizeof name, ":%s_run\t", job->name);
    table = work_read(work, "model.su", &n, &unread);
    for (char *line = table; line && *line; line += strcspn(line, "\n") + 1) {
        char *tab = line + strcspn(line, "\t\n");

        if (*tab != '\t')
            break;
        bytes = strtoull(tab + 1, NULL, 10);
        if (tab - line + 1 >= (long)strlen(name) &&
            !memcmp(tab + 1 - strlen(name), name, strlen(name)))
            run = bytes;
        else if (bytes > below)
            below = bytes;
        if (!strchr(line, '\n'))
            break;
    }
    free(table);
    return run + below;
}

/* A stack that grows into other memory does not always end in a message, so what can be known is
 * said before. */
static int check_stack(const struct measure_job *job, const struct work *work,
                       struct measure_error *error)
{
    const struct target *target = job->target;
    struct footprint program = {0, 0, 0, 0};
    char path[PATH_BYTES];
    uint64_t taken;

    if (!target->ram.bytes || elf_footprint(work_path(work, path, "program.elf"), target, &program))
        return 0;
    taken = program.data + program.bss + least_stack(job, work);
    if (taken <= target->ram.bytes)
        return 0;
    return fail_too_large(job, true, taken - target->ram.bytes, error);
}

int measure_run(const struct measure_job *job, struct measure_report *report)
{
    struct work work;
    int result;

    memset(report, 0, sizeof *report);
    if (job->n > UINT32_MAX)
        return measure_fail(&report->error, "%s: too many inferences", job->name);
    if (measure_tools(job->target, &report->error) || work_open(&work, &report->error))
        return -1;
    result = build_program(job, &work, &report->error);
    if (!result)
        result = weigh(job, &work, report);
    if (!result)
        result = check_stack(job, &work, &report->error);
    if (!result)
        result = run_program(job, &work, report);
    work_close(&work);
    return result;
}
