/* SPDX-License-Identifier: Apache-2.0 */
/* count.c - counts while a program runs: the emulator's plugin, or marks that the model calls. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counting.h"

/* The plugin, as bytes (tools/bytes.c). */
extern const unsigned char count_plugin[];
extern const size_t count_plugin_bytes;

/* ---- by the plugin ------------------------------------------------------------------------------
 *
 * A mark is a label: it notes its address in a section that is not loaded (".debug", or the linker
 * would drop it), and takes no
 * instruction. That memory is an operand keeps the steps apart.
 */

static const char label_mark[] =
    "__asm__ volatile(\"1:\\n\\t.pushsection .debug_mica_marks,\\\"\\\",%%progbits\\n\\t\" "
    "\".4byte 1b, %c0\\n\\t.popsection\" : : \"i\"(step) : \"memory\");";

/* Where only the device knows the step, the address of a write says it. */
static const char write_mark[] = "(void)(mica_marks[step] = 0)";

struct places {
    const char *run;
    uint64_t enter, leave, leave_bytes, marks, marks_bytes;
};

static void find_place(void *user, const struct elf_symbol *symbol)
{
    struct places *places = user;

    if (symbol->type == ELF_OBJECT && !strcmp(symbol->name, "mica_marks")) {
        places->marks = symbol->value;
        places->marks_bytes = symbol->bytes;
    }
    if (symbol->type != ELF_FUNCTION)
        return;
    if (!strcmp(symbol->name, places->run)) {
        places->enter = symbol->value;
    } else if (!strcmp(symbol->name, "infer")) {
        places->leave = symbol->value;
        places->leave_bytes = symbol->bytes;
    }
}

static uint32_t word_at(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* Bit 0 of an address of code says Thumb; the emulator counts in addresses without it. */
static uint32_t address(uint64_t value)
{
    return (uint32_t)value & ~UINT32_C(1);
}

int count_prepare(const struct measure_job *job, const struct work *work, const char *isa,
                  int n_steps, struct measure_error *error)
{
    const struct memory *flash = &job->target->flash;
    char path[PATH_BYTES], run[FACT_BYTES], text[512];
    struct places places = {.run = run};
    uint8_t *marks;
    size_t bytes = 0;
    FILE *file;

    snprintf(run, sizeof run, "%s_%s", job->name, job_entry(job));
    work_path(work, path, "program.elf");
    if (elf_symbols(path, find_place, &places) || !places.enter || !places.leave)
        return measure_fail(error, "%s: the linked program has no %s", job->name, run);
    snprintf(text, sizeof text,
             "isa %s\nsteps %d\nenter %lu\nleave %lu %lu\nflash %lu %lu\nwrites %lu %lu\n", isa,
             n_steps, (unsigned long)address(places.enter), (unsigned long)address(places.leave),
             (unsigned long)(address(places.leave) + places.leave_bytes),
             (unsigned long)flash->origin, (unsigned long)flash->origin + flash->bytes,
             (unsigned long)places.marks, (unsigned long)(places.marks + places.marks_bytes));
    marks = elf_section(path, ".debug_mica_marks", &bytes);
    file = fopen(work_path(work, path, "count.in"), "w");
    if (file) {
        fputs(text, file);
        for (size_t at = 0; at + 8 <= bytes; at += 8)
            fprintf(file, "mark %lu %lu\n", (unsigned long)address(word_at(marks + at)),
                    (unsigned long)word_at(marks + at + 4));
    }
    free(marks);
    if (!file || fclose(file))
        return measure_fail(error, "%s: cannot write", path);
    return work_write(work, "count.so", count_plugin, count_plugin_bytes, error);
}

int count_read(const struct work *work, int n_steps, uint64_t (*counts)[COUNT_ALL],
               struct measure_error *error)
{
    size_t n;
    char *text = work_read(work, "count.out", &n, error), *at = text;
    int read = 0;

    if (!text)
        return measure_fail(error, "the emulator did not take the counting plugin (it needs QEMU "
                                   "7 or 8, built with plugins)");
    while (read < n_steps * COUNT_ALL && *at)
        counts[read / COUNT_ALL][read % COUNT_ALL] = strtoull(at, &at, 10), read++;
    free(text);
    if (read < n_steps * COUNT_ALL)
        return measure_fail(error, "the counting plugin stopped in the middle");
    return 0;
}

/* ---- by calls -----------------------------------------------------------------------------------
 *
 * now() gives the time; a mark ends one step and begins the next. What lies between the two
 * readings of the clock is in no step; what a mark costs outside them is measured once, by two
 * marks in a row, and subtracted for each.
 */

static const char call_mark[] = "mica_mark(step);";

static const char marks_text[] = "void mica_mark(int step);\n"
                                 "static clock_value elapsed[STEPS], began;\n"
                                 "static uint32_t visits[STEPS];\n"
                                 "static int mark_step;\n"
                                 "\n"
                                 "__attribute__((noinline)) void mica_mark(int step)\n"
                                 "{\n"
                                 "    const clock_value ended = now();\n"
                                 "\n"
                                 "    elapsed[mark_step] += ended - began;\n"
                                 "    visits[mark_step]++;\n"
                                 "    mark_step = step;\n"
                                 "    began = now();\n"
                                 "}\n"
                                 "\n"
                                 "static void harness_clear(void)\n"
                                 "{\n"
                                 "    for (int i = 0; i < STEPS; i++)\n"
                                 "        visits[i] = 0, elapsed[i] = 0;\n"
                                 "    mark_step = 0;\n"
                                 "}\n"
                                 "\n"
                                 "static void harness_enter(void)\n"
                                 "{\n"
                                 "    clock_start();\n"
                                 "    harness_clear();\n"
                                 "    began = now();\n"
                                 "    mica_mark(1);\n"
                                 "    mica_mark(0);\n"
                                 "    overhead = elapsed[1];\n"
                                 "    harness_clear();\n"
                                 "    began = now();\n"
                                 "}\n"
                                 "\n"
                                 "static void harness_leave(void)\n"
                                 "{\n"
                                 "    mica_mark(0);\n"
                                 "    harness_show();\n"
                                 "}\n";

static const char avr_clock[] =
    "#include <avr/interrupt.h>\n"
    "\n"
    "typedef uint32_t clock_value;\n"
    "static clock_value overhead;\n"
    "static volatile uint8_t laps; /* of timer 3, 2^26 cycles each */\n"
    "\n"
    "ISR(TIMER3_OVF_vect)\n"
    "{\n"
    "    laps++;\n"
    "}\n"
    "\n"
    "static void clock_start(void)\n"
    "{\n"
    "    TCCR1B = 1 << CS10;\n"
    "    TCCR3B = 1 << CS32 | 1 << CS30;\n"
    "    TIMSK3 = 1 << TOIE3;\n"
    "    sei();\n"
    "}\n"
    "\n"
    "/* Timer 1 counts cycles modulo 2^16, timer 3 every 1024th: it says how often 1 wrapped. */\n"
    "static inline __attribute__((always_inline)) clock_value now(void)\n"
    "{\n"
    "    const uint16_t fast = TCNT1, slow = TCNT3;\n"
    "    const uint32_t coarse = ((uint32_t)laps << 16 | slow) << 10;\n"
    "\n"
    "    return fast + ((coarse - fast + 32768) & 0xffff0000);\n"
    "}\n";

static const char avr_show[] =
    "static void harness_show(void)\n"
    "{\n"
    "}\n"
    "\n"
    "static void harness_end(void)\n"
    "{\n"
    "    for (int i = 0; i < STEPS; i++) {\n"
    "        const uint32_t cycles = elapsed[i] - visits[i] * overhead;\n"
    "\n"
    "        send('@');\n"
    "        for (int k = 28; k >= 0; k -= 4)\n"
    "            send(digit((uint8_t)(cycles >> k & 15)));\n"
    "        send('\\n');\n"
    "    }\n"
    "}\n";

static const char host_clock[] =
    "#include <stdio.h>\n"
    "#include <time.h>\n"
    "\n"
    "typedef uint64_t clock_value;\n"
    "static clock_value overhead;\n"
    "\n"
    "static void clock_start(void)\n"
    "{\n"
    "}\n"
    "\n"
    "static clock_value now(void)\n"
    "{\n"
    "    struct timespec t;\n"
    "\n"
    "    clock_gettime(CLOCK_MONOTONIC, &t);\n"
    "    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;\n"
    "}\n";

static const char host_show[] =
    "static void harness_show(void)\n"
    "{\n"
    "    for (int i = 0; i < STEPS; i++) {\n"
    "        const uint64_t marks = visits[i] * overhead;\n"
    "\n"
    "        printf(\"@%llx\\n\", (unsigned long long)(elapsed[i] > marks ? elapsed[i] - marks : "
    "0));\n"
    "    }\n"
    "}\n"
    "\n"
    "static void harness_end(void)\n"
    "{\n"
    "}\n";

char *marks_harness(const struct target *target, int n_steps, struct measure_error *error)
{
    const bool is_avr = target->data == DATA_FLASH;
    const char *clock = is_avr ? avr_clock : host_clock, *show = is_avr ? avr_show : host_show;
    const size_t room = strlen(clock) + sizeof marks_text + strlen(show) + 256;
    char *text = malloc(room);

    if (!text) {
        measure_fail(error, "out of memory");
        return NULL;
    }
    /* harness_enter() measures by steps 0 and 1. */
    snprintf(text, room, "enum { STEPS = %d };\n%s\nstatic void harness_show(void);\n%s\n%s",
             n_steps < 2 ? 2 : n_steps, clock, marks_text, show);
    return text;
}

/* The numbers behind every '@' of what the program printed, in order. */
int marks_read(const struct work *work, size_t n, uint64_t *to, struct measure_error *error)
{
    size_t bytes, i = 0;
    char *text = work_read(work, "run.log", &bytes, error), *at = text;

    if (!text)
        return -1;
    while (i < n && (at = strchr(at, '@')))
        to[i++] = strtoull(at + 1, NULL, 16), at++;
    free(text);
    return i == n ? 0 : measure_fail(error, "the program printed too few marks");
}

int marks_header(const struct measure_job *job, const struct work *work, int n_steps, bool by_call,
                 struct measure_error *error)
{
    char text[1024], upper[FACT_BYTES], declared[128] = "void mica_mark(int);";
    size_t i = 0;

    if (!by_call)
        snprintf(declared, sizeof declared,
                 "__attribute__((used)) static volatile uint8_t mica_marks[%d];", n_steps);

    for (; job->name[i] && i + 1 < sizeof upper; i++) {
        const char c = job->name[i];

        upper[i] = (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    }
    upper[i] = '\0';
    snprintf(text, sizeof text,
             "#include <stdint.h>\n%s\n#define %s_MARK(step) %s\n#define %s_MARK_TURN(step) %s\n",
             declared, upper, by_call ? call_mark : label_mark, upper,
             by_call ? call_mark : write_mark);
    return work_write(work, "marks.h", text, strlen(text), error);
}
