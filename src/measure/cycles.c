/* SPDX-License-Identifier: Apache-2.0 */
/* cycles.c - tables of cycles a class of instructions takes: target/CORE.cycles. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cost.h"
#include "internal.h"

static const char *const names[] = {
#define CLASS(name) #name,
#define EVENT(name)
#include "count/classes.def"
#undef CLASS
#undef EVENT
#define CLASS(name)
#define EVENT(name) #name,
#include "count/classes.def"
#undef CLASS
#undef EVENT
};
_Static_assert(sizeof names / sizeof names[0] == COUNT_ALL, "one name for each count");

enum { TABLE_MAX = 8192 };

const char *count_name(int i)
{
    return i >= 0 && i < COUNT_ALL ? names[i] : NULL;
}

/* "1.25" is 125. */
static bool read_hundredths(const char *text, int *to)
{
    char *end;
    double value = strtod(text, &end);

    if (end == text || *end || value < -100 || value > 1000)
        return false;
    *to = (int)(value * 100 + (value < 0 ? -0.5 : 0.5));
    return true;
}

static bool copy_word(char *to, size_t room, const char *from)
{
    return (size_t)snprintf(to, room, "%s", from) < room;
}

static bool set_value(struct cycle_table *table, bool *given, const char *key, const char *value)
{
    if (!strcmp(key, "isa"))
        return copy_word(table->isa, sizeof table->isa, value);
    if (!strcmp(key, "error"))
        return copy_word(table->error, sizeof table->error, value);
    for (int i = 0; i < COUNT_ALL; i++)
        if (!strcmp(key, names[i]) && !given[i])
            return given[i] = read_hundredths(value, &table->cost[i]);
    return false;
}

int cycles_parse(const char *core, const char *text, struct cycle_table *table,
                 struct measure_error *error)
{
    bool given[COUNT_ALL] = {false};
    char line[256], key[64], value[FACT_BYTES];

    memset(table, 0, sizeof *table);
    for (int number = 1; *text; number++) {
        size_t n = strcspn(text, "\n");

        if (n >= sizeof line)
            return measure_fail(error, "%s.cycles:%d: the line is too long", core, number);
        memcpy(line, text, n);
        line[n] = '\0';
        text += n + (text[n] == '\n');
        line[strcspn(line, "#")] = '\0';
        if (!line[strspn(line, " ")])
            continue;
        if (sscanf(line, "%63s = %191[^\n]", key, value) != 2)
            return measure_fail(error, "%s.cycles:%d: expected `key = value`", core, number);
        while (*value && value[strlen(value) - 1] == ' ')
            value[strlen(value) - 1] = '\0';
        if (!strcmp(key, "same-as"))
            return cycles_find(value, table, error);
        if (!set_value(table, given, key, value))
            return measure_fail(error, "%s.cycles:%d: bad or repeated: %s", core, number, key);
    }
    for (int i = 0; i < COUNT_CLASSES; i++)
        if (!given[i])
            return measure_fail(error, "%s.cycles: %s is missing", core, names[i]);
    if (strcmp(table->isa, "thumb") && strcmp(table->isa, "riscv"))
        return measure_fail(error, "%s.cycles: isa is thumb or riscv", core);
    return 0;
}

int cycles_find(const char *core, struct cycle_table *table, struct measure_error *error)
{
    for (const struct target_file *file = cycle_files; file->name; file++)
        if (!strcmp(file->name, core))
            return cycles_parse(core, file->text, table, error);
    return 1;
}

/* Straight-line code streams from flash; what breaks the stream, and each constant read, waits. */
uint64_t cycles_estimate(const struct cycle_table *table, const uint64_t *count,
                         unsigned wait_states)
{
    int64_t sum = 0;

    for (int i = 0; i < COUNT_ALL; i++)
        sum += (int64_t)count[i] * table->cost[i];
    sum += 100 * (int64_t)wait_states *
           (int64_t)(count[COUNT_taken] + count[COUNT_taken_register] + count[COUNT_constant_read]);
    return sum > 0 ? (uint64_t)(sum + 50) / 100 : 0;
}
