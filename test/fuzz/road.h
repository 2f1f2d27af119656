/* SPDX-License-Identifier: Apache-2.0 */
/* road.h - from the bytes of a file to the emitted C and a run of it, for the fuzz targets: formats
 * are told apart by content, so that they differ only in how they change a file.
 *
 * The last two bytes of a file choose the options: they belong to some weights, to white space, or
 * to nothing, so the fuzzer changes them freely. */
#ifndef MICA_FUZZ_ROAD_H
#define MICA_FUZZ_ROAD_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mica.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t n, size_t room, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *bytes, size_t n, size_t room); /* libFuzzer's own */

/* What must always hold; libFuzzer reports the abort with the input. */
static void demand(int holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "does not hold: %s\n", what);
        abort();
    }
}

/* What the last two bytes choose. */
struct choice {
    struct mica_options options;
    bool again; /* compile twice */
    int dump;   /* after which pass; -1: no dump */
};

static struct choice choose(unsigned bits)
{
    static const char *const targets[] = {NULL, "cortex-m0", "cortex-m4", "avr"};
    struct mica_options options = {.name = bits & 1 ? "net" : NULL,
                                   .target = targets[bits >> 1 & 3],
                                   .profile = (bits >> 3 & 3) % MICA_PROFILE_COUNT,
                                   .optimize = bits >> 5 & 1,
                                   .share_io = bits >> 6 & 1,
                                   .split_weights = bits >> 7 & 1};
    int n_passes = 0;
    while (mica_pass_name(n_passes))
        n_passes++;
    return (struct choice){.options = options,
                           .again = (bits >> 8 & 3) == 0,
                           .dump = bits >> 10 & 1 ? (int)(bits >> 11) % n_passes : -1};
}

static void check_failed(const struct mica *m)
{
    demand(strncmp(mica_error(m), "fuzz", 4) == 0, "a message begins with the file's name");
}

/* ---- running what was compiled --------------------------------------------------------------- */

enum { IO_MAX = 16, IO_BYTES_MAX = 1 << 16, SCRATCH_BYTES_MAX = 1 << 16, MACS_MAX = 1 << 18 };

static int64_t report_number(const char *json, const char *key)
{
    const char *total = strstr(json, "\"total\"");
    const char *at = total ? strstr(total, key) : NULL;
    demand(at != NULL, "the report has totals");
    return strtoll(at + strlen(key), NULL, 10);
}

static bool is_small(const struct mica *m)
{
    const char *json = mica_text(m, MICA_JSON);
    demand(json != NULL, "there is a report");
    return report_number(json, "\"macs\": ") <= MACS_MAX &&
           report_number(json, "\"scratch_bytes\": ") <= SCRATCH_BYTES_MAX;
}

/* The memory of input or output i, exactly as large as it must be, filled from the file's bytes;
 * NULL: there is none, or it is too large to try. */
static void *io_memory(struct mica *m, bool is_input, int i, const uint8_t *bytes, size_t n)
{
    struct mica_tensor t;
    if ((is_input ? mica_input(m, i, &t) : mica_output(m, i, &t)) != 0)
        return NULL;
    demand(t.name && t.c_name && t.type && t.bytes > 0, "a tensor has a name, type and size");
    uint8_t *at = t.bytes <= IO_BYTES_MAX ? malloc(t.bytes) : NULL;
    for (size_t k = 0; at && k < t.bytes; k++)
        at[k] = n ? bytes[k % n] : 0;
    return at;
}

static void run(struct mica *m, const uint8_t *bytes, size_t n)
{
    struct mica_tensor t;
    int n_in = 0, n_out = 0;
    void *in[IO_MAX] = {NULL}, *out[IO_MAX] = {NULL};
    while (n_in < IO_MAX && (in[n_in] = io_memory(m, true, n_in, bytes, n)) != NULL)
        n_in++;
    while (n_out < IO_MAX && (out[n_out] = io_memory(m, false, n_out, bytes, n)) != NULL)
        n_out++;
    bool has_all = mica_input(m, n_in, &t) != 0 && mica_output(m, n_out, &t) != 0;
    const void *const_in[IO_MAX];
    for (int i = 0; i < n_in; i++)
        const_in[i] = in[i];
    if (has_all && is_small(m))
        demand(mica_eval(m, const_in, out) == 0, "what compiled runs");
    for (int i = 0; i < n_in; i++)
        free(in[i]);
    for (int i = 0; i < n_out; i++)
        free(out[i]);
}

/* ---- for mutators --------------------------------------------------------------------------- */

static uint32_t draw(uint64_t *state, uint32_t below)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33) % below;
}

static bool reads(const uint8_t *bytes, size_t n)
{
    struct mica *m = mica_new();
    bool ok = m && mica_load(m, "fuzz", bytes, n) == 0;
    mica_free(m);
    return ok;
}

/* ---- the road -------------------------------------------------------------------------------- */

static void compile(struct mica *m, const struct choice *choice, const uint8_t *bytes, size_t n)
{
    if (mica_compile(m, &choice->options)) {
        check_failed(m);
        return;
    }
    const char *source = mica_text(m, MICA_SOURCE);
    demand(mica_text(m, MICA_HEADER) && source, "there are a header and a source");
    demand(!mica_text(m, MICA_WEIGHTS) == !choice->options.split_weights,
           "weights are apart as asked");
    if (choice->again) {
        char *first = malloc(strlen(source) + 1);
        demand(first != NULL, "there is memory for a copy");
        strcpy(first, source);
        demand(mica_compile(m, &choice->options) == 0, "what compiled compiles again");
        demand(strcmp(first, mica_text(m, MICA_SOURCE)) == 0, "the text is deterministic");
        free(first);
    }
    run(m, bytes, n);
}

static void dump(struct mica *m, const struct choice *choice)
{
    if (mica_dump(m, mica_pass_name(choice->dump), &choice->options))
        check_failed(m);
    else
        demand(mica_text(m, MICA_DUMP) != NULL, "a dump has text");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct choice choice = choose(n < 2 ? 0 : bytes[n - 1] | (unsigned)bytes[n - 2] << 8);
    struct mica *m = mica_new();
    demand(m != NULL, "there is memory for a handle");
    if (mica_load(m, "fuzz", bytes, n)) {
        check_failed(m);
    } else {
        compile(m, &choice, bytes, n);
        if (choice.dump >= 0)
            dump(m, &choice);
    }
    mica_free(m);
    return 0;
}

#endif
