/* SPDX-License-Identifier: Apache-2.0 */
/* target.c - the facts of a core: `key = value` lines into struct target. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* In the order of `mica targets`. A core without a file of facts fails the tests. */
static const char *const cores[] = {
    "host",      "cortex-m0",  "cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m4f",
    "cortex-m7", "cortex-m33", "cortex-m55",    "rv32imc",   "avr"};
enum { CORES = sizeof cores / sizeof cores[0] };

int measure_fail(struct measure_error *error, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(error->text, sizeof error->text, fmt, args);
    va_end(args);
    return -1;
}

/* ---- values ---------------------------------------------------------------------------------- */

static bool read_text(const char *value, void *to)
{
    size_t n = strlen(value);

    if (n >= FACT_BYTES)
        return false;
    memcpy(to, value, n + 1);
    return true;
}

/* "none" is the empty string. */
static bool read_name(const char *value, void *to)
{
    return read_text(strcmp(value, "none") ? value : "", to);
}

static bool read_number(const char *value, char **end, uint32_t *to)
{
    unsigned long long number;

    if (*value < '0' || *value > '9')
        return false;
    errno = 0;
    number = strtoull(value, end, 0);
    if (errno || number > UINT32_MAX)
        return false;
    *to = (uint32_t)number;
    return true;
}

static bool read_memory(const char *value, void *to)
{
    struct memory *memory = to;
    char *end;

    memory->origin = memory->bytes = 0;
    if (!strcmp(value, "none"))
        return true;
    if (!read_number(value, &end, &memory->origin) || *end != ' ')
        return false;
    return read_number(end + 1, &end, &memory->bytes) && !*end && memory->bytes;
}

/* The start of flash comes before this line; target_parse() sees to it. */
static bool read_vectors(const char *value, void *to)
{
    struct target *target = to;
    char *end;

    if (!strcmp(value, "flash")) {
        target->vectors = target->flash.origin;
        return true;
    }
    return read_number(value, &end, &target->vectors) && !*end;
}

static bool read_pointer_bytes(const char *value, void *to)
{
    uint32_t bytes;
    char *end;

    if (!read_number(value, &end, &bytes) || *end || (bytes != 2 && bytes != 4 && bytes != 8))
        return false;
    *(int *)to = (int)bytes;
    return true;
}

/* One of the words; the words stand one after another, each with its NUL, and end with "". */
static int read_word(const char *value, const char *words)
{
    int i = 0;

    for (; *words; words += strlen(words) + 1, i++)
        if (!strcmp(value, words))
            return i;
    return -1;
}

static bool read_float(const char *value, void *to)
{
    int word = read_word(value, "none\0single\0double\0");

    *(enum float_hardware *)to = (enum float_hardware)word;
    return word >= 0;
}

static bool read_dsp(const char *value, void *to)
{
    int word = read_word(value, "no\0yes\0");

    *(bool *)to = word == 1;
    return word >= 0;
}

static bool read_vector(const char *value, void *to)
{
    int word = read_word(value, "none\0helium\0");

    *(bool *)to = word == 1;
    return word >= 0;
}

static bool read_data(const char *value, void *to)
{
    int word = read_word(value, "files\0flash\0");

    *(enum data_path *)to = (enum data_path)word;
    return word >= 0;
}

/* ---- keys ------------------------------------------------------------------------------------ */

static const struct fact {
    const char *key;
    bool (*read)(const char *value, void *to);
    size_t offset;
} facts[] = {
    {"about", read_text, offsetof(struct target, about)},
    {"compiler", read_text, offsetof(struct target, compiler)},
    {"compiler-package", read_text, offsetof(struct target, compiler_package)},
    {"compile-flags", read_text, offsetof(struct target, compile_flags)},
    {"link-flags", read_text, offsetof(struct target, link_flags)},
    {"emulator", read_name, offsetof(struct target, emulator)},
    {"emulator-package", read_text, offsetof(struct target, emulator_package)},
    {"emulator-flags", read_text, offsetof(struct target, emulator_flags)},
    {"machine", read_text, offsetof(struct target, machine)},
    {"flash", read_memory, offsetof(struct target, flash)},
    {"ram", read_memory, offsetof(struct target, ram)},
    {"vectors", read_vectors, 0},
    {"pointer-bytes", read_pointer_bytes, offsetof(struct target, pointer_bytes)},
    {"float", read_float, offsetof(struct target, float_hardware)},
    {"dsp", read_dsp, offsetof(struct target, has_dsp)},
    {"vector", read_vector, offsetof(struct target, has_helium)},
    {"data", read_data, offsetof(struct target, data)},
    {"stack", read_name, offsetof(struct target, stack)},
};
enum { FACTS = sizeof facts / sizeof facts[0] };

static char *trim(char *s)
{
    char *end = s + strlen(s);

    while (end > s && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
        *--end = '\0';
    while (*s == ' ' || *s == '\t')
        s++;
    return s;
}

/* One line; sets given[] of the key that it has. */
static int parse_line(const char *core, int number, char *line, struct target *target, bool *given,
                      struct measure_error *error)
{
    char *equals = strchr(line, '='), *key, *value;

    if (!equals)
        return measure_fail(error, "%s.target:%d: expected `key = value`", core, number);
    *equals = '\0';
    key = trim(line);
    value = trim(equals + 1);
    for (int i = 0; i < FACTS; i++) {
        if (strcmp(key, facts[i].key))
            continue;
        if (given[i])
            return measure_fail(error, "%s.target:%d: %s is given twice", core, number, key);
        if (i && !given[i - 1])
            return measure_fail(error, "%s.target:%d: %s is missing before %s", core, number,
                                facts[i - 1].key, key);
        if (!facts[i].read(value, (char *)target + facts[i].offset))
            return measure_fail(error, "%s.target:%d: bad value of %s: %s", core, number, key,
                                value);
        given[i] = true;
        return 0;
    }
    return measure_fail(error, "%s.target:%d: unknown key: %s", core, number, key);
}

int target_parse(const char *core, const char *text, struct target *target,
                 struct measure_error *error)
{
    bool given[FACTS] = {false};
    char line[2 * FACT_BYTES];

    memset(target, 0, sizeof *target);
    if (!read_text(core, target->core))
        return measure_fail(error, "the name of a core is too long");
    for (int number = 1; *text; number++) {
        size_t n = strcspn(text, "\n");

        if (n >= sizeof line)
            return measure_fail(error, "%s.target:%d: the line is too long", core, number);
        memcpy(line, text, n);
        line[n] = '\0';
        text += n + (text[n] == '\n');
        if (*trim(line) && *trim(line) != '#' &&
            parse_line(core, number, line, target, given, error))
            return -1;
    }
    for (int i = 0; i < FACTS; i++)
        if (!given[i])
            return measure_fail(error, "%s.target: %s is missing", core, facts[i].key);
    return 0;
}

/* ---- the table ------------------------------------------------------------------------------- */

const char *target_name(int i)
{
    return i >= 0 && i < CORES ? cores[i] : NULL;
}

int target_find(const char *core, struct target *target, struct measure_error *error)
{
    char list[512] = "";

    for (int i = 0; i < CORES; i++) {
        size_t used = strlen(list);

        snprintf(list + used, sizeof list - used, "%s%s", i ? " " : "", cores[i]);
        if (strcmp(core, cores[i]))
            continue;
        for (const struct target_file *file = target_files; file->name; file++)
            if (!strcmp(file->name, core))
                return target_parse(core, file->text, target, error);
        return measure_fail(error, "%s: this build has no facts of the core", core);
    }
    return measure_fail(error, "unknown core: %s (there are: %s)", core, list);
}

bool target_has_compiler(const struct target *target)
{
    return program_exists(target->compiler);
}

bool target_has_emulator(const struct target *target)
{
    return !*target->emulator || program_exists(target->emulator);
}
