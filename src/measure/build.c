/* SPDX-License-Identifier: Apache-2.0 */
/* build.c - compiles a generated model with the program around it for a core, and links them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* Room that the link reserves for the stack; far above what any model needs. */
enum { STACK_BYTES = 16384, COMPILE_SECONDS = 120, NAME_BYTES = 256 };

static void add_object(struct args *args, const struct work *work, const char *name)
{
    char path[PATH_BYTES];

    args_add(args, "%s", work_path(work, path, name));
}

/* Runs a compiler; its messages are in `log` of the work directory. */
static int run_compiler(const struct args *args, const struct work *work)
{
    char log[PATH_BYTES];
    struct process process = {
        .args = args, .log = work_path(work, log, "log"), .seconds = COMPILE_SECONDS};

    process_run(&process);
    return process.outcome == PROCESS_EXITED && process.code == 0 ? 0 : -1;
}

/* What the compiler said, as much as a terminal shows well. */
static int compiler_failed(const struct measure_job *job, const struct work *work, const char *what,
                           struct measure_error *error)
{
    size_t n;
    char *log = work_read(work, "log", &n, error);

    if (!log)
        return measure_fail(error, "%s could not be started", job->target->compiler);
    measure_fail(error, "%s: %s failed:\n%.1500s", what, job->target->compiler, log);
    free(log);
    return -1;
}

/* Writes a source file to the work directory and compiles it. */
static int compile(const struct measure_job *job, const struct work *work, const char *source,
                   const char *text, const char *flags, const char *more, const char *object,
                   struct measure_error *error)
{
    struct args *args;
    int result;

    if (work_write(work, source, text, strlen(text), error))
        return -1;
    args = malloc(sizeof *args);
    if (!args)
        return measure_fail(error, "out of memory");
    args_start(args, job->target->compiler);
    args_split(args, job->target->compile_flags);
    args_split(args, flags);
    args_split(args, more ? more : "");
    if (job->target->ram.bytes)
        args_add(args, "-fstack-usage");
    args_add(args, "-c");
    add_object(args, work, source);
    args_add(args, "-o");
    add_object(args, work, object);
    result = run_compiler(args, work);
    free(args);
    return result ? compiler_failed(job, work, source, error) : 0;
}

/* Standard C also keeps the compiler from contracting products and sums of floats, which would give
 * other bits than `mica eval`. What is written for speed is compiled for it, but for the nested ifs
 * of estimators: there -O2 gains a few in a hundred instructions for up to a third more flash. */
static int compile_model(const struct measure_job *job, const struct work *work,
                         struct measure_error *error)
{
    const bool is_estimator = job->output[0].role != NULL;
    const char *flags = job->options->optimize == MICA_OPTIMIZE_SPEED && !is_estimator
                            ? "-std=c99 -O2"
                            : "-std=c99 -Os";
    char header[NAME_BYTES], source[NAME_BYTES], weights[NAME_BYTES];

    if (strlen(job->name) + sizeof "_weights.c" > NAME_BYTES)
        return measure_fail(error, "%s: the name is too long", job->name);
    snprintf(header, sizeof header, "%s.h", job->name);
    snprintf(source, sizeof source, "%s.c", job->name);
    snprintf(weights, sizeof weights, "%s_weights.c", job->name);
    if (work_write(work, header, job->header, strlen(job->header), error) ||
        compile(job, work, source, job->source, flags, job->model_flags, "model.o", error))
        return -1;
    if (!job->weights)
        return 0;
    return compile(job, work, weights, job->weights, flags, NULL, "weights.o", error);
}

static int compile_harness(const struct measure_job *job, const struct work *work,
                           struct measure_error *error)
{
    char *text = harness_text(job, error);
    int result;

    if (!text)
        return -1;
    result = compile(job, work, "harness.c", text, "-std=gnu99 -Os", NULL, "harness.o", error);
    free(text);
    return result;
}

/* ---- linking --------------------------------------------------------------------------------- */

static void add_memory(struct args *args, const char *name, const struct memory *memory)
{
    args_add(args, "-Wl,--defsym=__%s=0x%lx", name, (unsigned long)memory->origin);
    args_add(args, "-Wl,--defsym=__%s_size=0x%lx", name, (unsigned long)memory->bytes);
}

static void start_link(struct args *args, const struct measure_job *job, const struct work *work)
{
    const struct target *target = job->target;

    args_start(args, target->compiler);
    args_split(args, target->compile_flags);
    add_object(args, work, "model.o");
    if (job->weights)
        add_object(args, work, "weights.o");
    if (target->data == DATA_FILES && target->flash.bytes) {
        add_memory(args, "flash", &target->flash);
        add_memory(args, "ram", &target->ram);
        args_add(args, "-Wl,--defsym=__stack_size=%d", STACK_BYTES);
    }
}

/* The number at the end of `word` in a message, for instance "address 0x". */
static bool number_after(const char *text, const char *word, int base, unsigned long long *number)
{
    const char *at = strstr(text, word);

    if (!at)
        return false;
    *number = strtoull(at + strlen(word), NULL, base);
    return true;
}

/* Bytes that one line of the linker's messages says are too many; 0: the line says nothing. */
static unsigned long long line_excess(const struct target *target, const char *line, bool *is_ram)
{
    const struct memory *memory;
    unsigned long long number, end;

    *is_ram = strstr(line, "region `ram'") || strstr(line, "region `data'");
    memory = *is_ram ? &target->ram : &target->flash;
    end = (unsigned long long)memory->origin + memory->bytes;
    if (strstr(line, "' overflowed by ") && number_after(line, "overflowed by ", 10, &number))
        return number;
    if (strstr(line, "is not within region") && number_after(line, "address 0x", 16, &number) &&
        number > end)
        return number - end;
    return 0;
}

int fail_too_large(const struct measure_job *job, bool is_ram, uint64_t excess,
                   struct measure_error *error)
{
    const struct target *target = job->target;

    return measure_fail(
        error, "%s does not fit the %s of %s, which has %lu bytes: %llu bytes too many", job->name,
        is_ram ? "RAM" : "flash", target->machine,
        (unsigned long)(is_ram ? target->ram : target->flash).bytes, (unsigned long long)excess);
}

static int link_failed(const struct measure_job *job, const struct work *work,
                       struct measure_error *error)
{
    unsigned long long most[2] = {0, 0};
    size_t n;
    char *log = work_read(work, "log", &n, error);

    for (char *line = log; line && *line;) {
        char *end = line + strcspn(line, "\n");
        char *next = *end ? end + 1 : end;
        unsigned long long excess;
        bool is_ram;

        *end = '\0';
        excess = line_excess(job->target, line, &is_ram);
        if (excess > most[is_ram])
            most[is_ram] = excess;
        if (next > end)
            *end = '\n';
        line = next;
    }
    free(log);
    if (most[0])
        return fail_too_large(job, false, most[0], error);
    if (most[1])
        return fail_too_large(job, true, most[1], error);
    return compiler_failed(job, work, "linking", error);
}

int build_program(const struct measure_job *job, const struct work *work,
                  struct measure_error *error)
{
    struct args *args;
    int result;

    if (compile_model(job, work, error) || compile_harness(job, work, error))
        return -1;
    args = malloc(sizeof *args);
    if (!args)
        return measure_fail(error, "out of memory");
    start_link(args, job, work);
    add_object(args, work, "harness.o");
    args_add(args, "-o");
    add_object(args, work, "program.elf");
    args_split(args, job->target->link_flags);
    result = run_compiler(args, work);
    free(args);
    return result ? link_failed(job, work, error) : 0;
}

int build_alone(const struct measure_job *job, const struct work *work)
{
    struct args *args = malloc(sizeof *args);
    int result;

    if (!args)
        return -1;
    start_link(args, job, work);
    args_add(args, "-nostartfiles");
    args_add(args, "-Wl,--entry=%s_%s", job->name, job_entry(job));
    args_add(args, "-Wl,--gc-sections");
    args_add(args, "-o");
    add_object(args, work, "alone.elf");
    args_split(args, job->target->link_flags);
    result = run_compiler(args, work);
    free(args);
    return result;
}
