/* SPDX-License-Identifier: Apache-2.0 */
/* run.c - runs a linked program under the emulator of its core and collects what it wrote. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* Bytes that a core takes as its first vectors; Armv8-M has 16 words. */
enum { VECTOR_BYTES = 64 };

static int seconds(const struct measure_job *job)
{
    return job->seconds ? job->seconds : MEASURE_SECONDS;
}

/* The first lines of what the program and its emulator printed. When a program crashes, simavr
 * waits for a debugger, and says so when it is ended. */
static int emulator_failed(const struct process *process, const struct measure_job *job,
                           const struct work *work, struct measure_error *error)
{
    const struct target *target = job->target;
    const char *emulator = *target->emulator ? target->emulator : "the program";
    struct measure_error unread;
    size_t n;
    char *log = work_read(work, "run.log", &n, &unread);
    const char *said = log ? log : "";

    if (process->outcome == PROCESS_TIMED_OUT && strstr(said, "avr_gdb_init"))
        measure_fail(error, "%s on %s: the program crashed", job->name, target->core);
    else if (process->outcome == PROCESS_TIMED_OUT)
        measure_fail(error, "%s on %s: stopped after the time limit of %d s", job->name,
                     target->core, seconds(job));
    else if (process->outcome == PROCESS_NOT_STARTED)
        measure_fail(error, "%s could not be started", emulator);
    else if (process->outcome == PROCESS_KILLED)
        measure_fail(error, "%s on %s: %s was killed by signal %d:\n%.300s", job->name,
                     target->core, emulator, process->code, said);
    else
        measure_fail(error, "%s on %s: the program crashed (exit status %d):\n%.300s", job->name,
                     target->core, process->code, said);
    free(log);
    return -1;
}

static int emulate(const struct measure_job *job, const struct work *work, struct args *args,
                   struct measure_error *error)
{
    char log[PATH_BYTES];
    struct process process = {.args = args,
                              .dir = work->dir,
                              .log = work_path(work, log, "run.log"),
                              .seconds = seconds(job)};

    process_run(&process);
    if (process.outcome == PROCESS_EXITED && process.code == 0)
        return 0;
    return emulator_failed(&process, job, work, error);
}

/* Splits what n inferences wrote into outputs and trailer. */
static int collect(const struct measure_job *job, const uint8_t *bytes, size_t n_bytes, size_t n,
                   uint8_t *out, struct measure_report *report)
{
    const size_t out_bytes = job_out_bytes(job);
    struct trailer trailer;

    if (n_bytes != n * out_bytes + TRAILER_BYTES)
        return measure_fail(
            &report->error, "%s on %s: the program ended after %lu of %lu inferences", job->name,
            job->target->core, (unsigned long)(n_bytes / (out_bytes ? out_bytes : 1)),
            (unsigned long)n);
    memcpy(out, bytes, n * out_bytes);
    trailer = trailer_read(bytes + n * out_bytes);
    if (trailer.stack_bytes == UINT32_MAX)
        return measure_fail(&report->error, "%s on %s: the stack ran into other memory", job->name,
                            job->target->core);
    report->scratch_bytes = trailer.scratch_bytes;
    if (trailer.stack_bytes > report->stack_bytes)
        report->stack_bytes = trailer.stack_bytes;
    report->starts++;
    return 0;
}

/* ---- data in files --------------------------------------------------------------------------- */

static int write_inputs(const struct measure_job *job, const struct work *work,
                        struct measure_error *error)
{
    const size_t n = job->n * job_in_bytes(job);
    uint8_t *bytes = malloc(COUNT_BYTES + n);
    int result;

    if (!bytes)
        return measure_fail(error, "out of memory");
    number_write(bytes, (uint32_t)job->n);
    memcpy(bytes + COUNT_BYTES, job->in, n);
    result = work_write(work, "input.bin", bytes, COUNT_BYTES + n, error);
    free(bytes);
    return result;
}

/* A machine that starts from another memory than its flash gets a copy of the vectors there. */
static int add_vectors(const struct measure_job *job, const struct work *work, struct args *args,
                       struct measure_error *error)
{
    const struct target *target = job->target;
    char path[PATH_BYTES];
    uint8_t *image;
    uint32_t used;
    int result;

    if (target->vectors == target->flash.origin)
        return 0;
    image = calloc(1, target->flash.bytes);
    if (!image || elf_image(work_path(work, path, "program.elf"), target, image, &used))
        result = measure_fail(error, "%s: cannot read the linked program", job->name);
    else
        result = work_write(work, "vectors.bin", image, VECTOR_BYTES, error);
    free(image);
    args_add(args, "-device");
    args_add(args, "loader,file=vectors.bin,addr=0x%lx,force-raw=on",
             (unsigned long)target->vectors);
    return result;
}

static int run_by_files(const struct measure_job *job, const struct work *work, struct args *args,
                        struct measure_report *report)
{
    const struct target *target = job->target;
    size_t n = 0;
    char *bytes;
    int result;

    if (*target->emulator) {
        args_start(args, target->emulator);
        args_split(args, target->emulator_flags);
        args_add(args, "program.elf");
    } else {
        args_start(args, "./program.elf");
    }
    args_split(args, job->emulator_flags ? job->emulator_flags : "");
    if (add_vectors(job, work, args, &report->error) || write_inputs(job, work, &report->error) ||
        emulate(job, work, args, &report->error))
        return -1;
    bytes = work_read(work, "output.bin", &n, &report->error);
    if (!bytes)
        return -1;
    result = collect(job, (const uint8_t *)bytes, n, job->n, job->out, report);
    free(bytes);
    return result;
}

/* ---- data in flash --------------------------------------------------------------------------- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes, in place, the hexadecimal digits behind every '='; all else is the emulator's talk. */
static size_t decode(char *text)
{
    uint8_t *to = (uint8_t *)text;

    for (const char *at = text; *at;) {
        if (*at++ != '=')
            continue;
        while (hex_digit(at[0]) >= 0 && hex_digit(at[1]) >= 0) {
            *to++ = (uint8_t)(hex_digit(at[0]) << 4 | hex_digit(at[1]));
            at += 2;
        }
    }
    return (size_t)(to - (uint8_t *)text);
}

enum { HEX_DATA = 0, HEX_END = 1, HEX_UPPER_ADDRESS = 4, HEX_LINE = 32 };

static char *hex_record(char *to, unsigned type, uint32_t address, const uint8_t *bytes, unsigned n)
{
    unsigned sum = n + (address >> 8 & 255) + (address & 255) + type;

    to += sprintf(to, ":%02X%04X%02X", n, (unsigned)(address & 0xffff), type);
    for (unsigned i = 0; i < n; i++) {
        to += sprintf(to, "%02X", bytes[i]);
        sum += bytes[i];
    }
    return to + sprintf(to, "%02X\n", -sum & 255);
}

/* Intel HEX, the one form in which the emulator takes a flash made by others than the linker. */
static int write_hex(const struct work *work, const uint8_t *image, uint32_t n,
                     struct measure_error *error)
{
    /* A record takes 12 characters beside its data. */
    char *text = malloc((size_t)n * 2 + (n / HEX_LINE + n / 65536 + 4) * 16);
    char *to = text;
    int result;

    if (!text)
        return measure_fail(error, "out of memory");
    for (uint32_t at = 0; at < n; at += HEX_LINE) {
        const uint8_t upper[2] = {(uint8_t)(at >> 24), (uint8_t)(at >> 16)};

        if (at % 65536 == 0)
            to = hex_record(to, HEX_UPPER_ADDRESS, 0, upper, 2);
        to = hex_record(to, HEX_DATA, at, image + at, n - at < HEX_LINE ? n - at : HEX_LINE);
    }
    to = hex_record(to, HEX_END, 0, NULL, 0);
    result = work_write(work, "program.hex", text, (size_t)(to - text), error);
    free(text);
    return result;
}

/* Runs the inferences [first, first + n) with their inputs behind the program, at `used`. */
static int run_batch(const struct measure_job *job, const struct work *work, struct args *args,
                     uint8_t *image, uint32_t used, size_t first, size_t n,
                     struct measure_report *report)
{
    const size_t in_bytes = job_in_bytes(job);
    const struct target *target = job->target;
    size_t got;
    char *log;
    int result;

    number_write(image + used, (uint32_t)n);
    memcpy(image + used + COUNT_BYTES, (const uint8_t *)job->in + first * in_bytes, n * in_bytes);
    number_write(image + target->flash.bytes - RECORD_BYTES, target->flash.origin + used);
    if (write_hex(work, image, target->flash.bytes, &report->error) ||
        emulate(job, work, args, &report->error))
        return -1;
    log = work_read(work, "run.log", &got, &report->error);
    if (!log)
        return -1;
    got = decode(log);
    result = collect(job, (const uint8_t *)log, got, n,
                     (uint8_t *)job->out + first * job_out_bytes(job), report);
    free(log);
    return result;
}

static int run_by_flash(const struct measure_job *job, const struct work *work, struct args *args,
                        struct measure_report *report)
{
    const struct target *target = job->target;
    const size_t in_bytes = job_in_bytes(job) ? job_in_bytes(job) : 1;
    uint8_t *image = malloc(target->flash.bytes);
    char path[PATH_BYTES];
    size_t batch, done = 0;
    uint32_t used;
    int result = 0;

    if (!image)
        return measure_fail(&report->error, "out of memory");
    memset(image, 0xff, target->flash.bytes);
    if (elf_image(work_path(work, path, "program.elf"), target, image, &used)) {
        free(image);
        return measure_fail(&report->error,
                            "%s: cannot read the linked program, or it is larger "
                            "than the flash of %s",
                            job->name, target->machine);
    }
    args_start(args, target->emulator);
    args_split(args, target->emulator_flags);
    args_add(args, "program.hex");
    if (used + COUNT_BYTES + RECORD_BYTES + in_bytes > target->flash.bytes) {
        free(image);
        return fail_too_large(job, false,
                              used + COUNT_BYTES + RECORD_BYTES + in_bytes - target->flash.bytes,
                              &report->error);
    }
    batch = (target->flash.bytes - used - COUNT_BYTES - RECORD_BYTES) / in_bytes;
    if (job->options->stream_axis && batch < job->n) { /* a new start would forget the stream */
        free(image);
        return measure_fail(&report->error,
                            "%s on %s: its flash holds %lu of the %lu hops of this signal; give a "
                            "shorter one",
                            job->name, target->core, (unsigned long)batch, (unsigned long)job->n);
    }
    while (!result && done < job->n) {
        size_t n = job->n - done < batch ? job->n - done : batch;

        result = run_batch(job, work, args, image, used, done, n, report);
        done += n;
    }
    free(image);
    return result;
}

int run_program(const struct measure_job *job, const struct work *work,
                struct measure_report *report)
{
    struct args *args = malloc(sizeof *args);
    int result;

    if (!args)
        return measure_fail(&report->error, "out of memory");
    if (job->target->data == DATA_FLASH)
        result = run_by_flash(job, work, args, report);
    else
        result = run_by_files(job, work, args, report);
    free(args);
    return result;
}
