/* SPDX-License-Identifier: Apache-2.0 */
/* plugin.c - a QEMU plugin that counts what one function executes, by instruction class and step.
 *
 * QEMU calls translated() once for each block of code that it translates. The block is cut into
 * segments at the places where a step of the model begins; what the instructions of a segment add
 * to the counts is worked out there. When a segment runs, execute() adds it to the step that is
 * current. Nothing is sampled: two runs give the same figures.
 *
 * The command writes count.in, one fact a line:
 *     isa thumb|riscv      enter ADDRESS (of the function)    leave LOW HIGH (of its caller)
 *     flash LOW HIGH       mark ADDRESS STEP                  steps N
 *     writes LOW HIGH (a write to LOW + k says that step k begins; LOW = HIGH: there are none)
 * and reads count.out: for each step a line with its counts in the order of classes.def.
 *
 * The emulator's package has no header of its plugin interface; what is used is declared here
 * (version 1, QEMU 4.2 to 8.2).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "count.h"

struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef uint64_t plugin_id;
/* READS_AND_WRITES, even where an instruction does but one: QEMU 7.2 takes one for the other. */
enum { READS_AND_WRITES = 3, NO_REGISTERS = 0 };

extern int qemu_plugin_version;
int qemu_plugin_install(plugin_id, const void *info, int argc, char **argv);

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, void (*)(plugin_id, struct qemu_plugin_tb *));
void qemu_plugin_register_atexit_cb(plugin_id, void (*)(plugin_id, void *), void *);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, void (*)(unsigned, void *),
                                            int flags, void *);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *,
                                      void (*)(unsigned, uint32_t, uint64_t, void *), int flags,
                                      int rw, void *);

int qemu_plugin_version = 1;

enum { MARKS_MAX = 16384 };

/* What the command said. */
static struct {
    void (*decode)(struct insn *, const uint8_t *);
    uint32_t enter, leave_low, leave_high, flash_low, flash_high, writes_low, writes_high;
    int n_marks, n_steps;
    struct mark {
        uint32_t pc;
        int step;
    } mark[MARKS_MAX];
} job;

/* Instructions that always run together. */
struct segment {
    uint32_t pc, next; /* of its first instruction; behind its last */
    enum count last;   /* class of its last instruction */
    bool to_register;  /* which takes its target from a register or memory */
    int step;          /* that begins here, -1: none */
    int n;             /* of the counts below that are not 0 */
    struct {
        enum count what;
        unsigned by;
    } add[COUNT_ALL];
};

static uint64_t (*counts)[COUNT_ALL]; /* of each step */
static bool active;
static int current; /* before the first mark, and between runs, the one before */
static const struct segment *previous;

/* ---- while the model runs -------------------------------------------------------------------- */

static void execute(unsigned cpu, void *user)
{
    const struct segment *s = user;

    (void)cpu;
    if (s->pc == job.enter) {
        active = true;
        previous = NULL;
    }
    if (!active)
        return;
    if (previous && s->pc != previous->next && previous->last != COUNT_loop)
        counts[current][previous->to_register ? COUNT_taken_register : COUNT_taken]++;
    if (s->pc >= job.leave_low && s->pc < job.leave_high) {
        active = false;
        return;
    }
    if (s->step >= 0)
        current = s->step;
    for (int i = 0; i < s->n; i++)
        counts[current][s->add[i].what] += s->add[i].by;
    previous = s;
}

static void read_memory(unsigned cpu, uint32_t info, uint64_t address, void *user)
{
    (void)cpu, (void)info, (void)user;
    if (active && address >= job.flash_low && address < job.flash_high)
        counts[current][COUNT_constant_read]++;
}

static void write_memory(unsigned cpu, uint32_t info, uint64_t address, void *user)
{
    (void)cpu, (void)info, (void)user;
    if (active && address >= job.writes_low && address < job.writes_high)
        current = (int)(address - job.writes_low);
}

/* ---- when code is translated ----------------------------------------------------------------- */

static bool is_memory(const struct insn *i)
{
    return insn_is_load(i) || insn_is_store(i);
}

static bool is_single(const struct insn *i)
{
    return i->class == COUNT_load || i->class == COUNT_store;
}

static bool is_product(const struct insn *i)
{
    return i->class == COUNT_multiply || i->class == COUNT_multiply_add ||
           i->class == COUNT_multiply_long || i->class == COUNT_simd;
}

static bool is_float(const struct insn *i)
{
    return i->class >= COUNT_float_move && i->class <= COUNT_float_divide;
}

static bool is_vector_memory(const struct insn *i)
{
    return i->class == COUNT_vector_load || i->class == COUNT_vector_store;
}

static bool goes_alone(const struct insn *i)
{
    return i->class == COUNT_load_multiple || i->class == COUNT_store_multiple ||
           i->class == COUNT_divide || i->class == COUNT_float_divide ||
           (i->class >= COUNT_vector && i->class <= COUNT_vector_store) || i->class == COUNT_loop ||
           i->class == COUNT_system;
}

static bool is_branch(const struct insn *i)
{
    return i->class == COUNT_branch || i->class == COUNT_branch_register || i->class == COUNT_call;
}

/* Two pipelines start both where neither waits for the other and they need different units. */
static bool can_pair(const struct insn *a, const struct insn *b)
{
    if (goes_alone(a) || goes_alone(b) || is_branch(a))
        return false;
    if (a->writes & (b->reads | b->writes))
        return false;
    return !(is_memory(a) && is_memory(b)) && !(is_product(a) && is_product(b)) &&
           !(is_float(a) && is_float(b));
}

static void add(struct segment *s, enum count what, unsigned by)
{
    int i = 0;

    if (!by)
        return;
    while (i < s->n && s->add[i].what != what)
        i++;
    if (i == s->n) {
        s->add[s->n].what = what;
        s->add[s->n++].by = 0;
    }
    s->add[i].by += by;
}

/* What instruction i adds, given the one before it in its segment (NULL: the first). */
static void add_insn(struct segment *s, const struct insn *i, const struct insn *before,
                     bool *paired)
{
    add(s, i->class, 1);
    add(s, insn_is_load(i) ? COUNT_load_words : COUNT_store_words, i->words);
    s->last = i->class;
    s->to_register = i->class == COUNT_branch_register || insn_is_load(i);
    if (!before)
        return;
    if (i->class == COUNT_load && is_single(before))
        add(s, COUNT_load_follows, 1);
    if (i->class == COUNT_store && is_single(before))
        add(s, COUNT_store_follows, 1);
    if (insn_is_load(before) && before->writes & i->reads)
        add(s, COUNT_load_used, 1);
    if (is_product(before) && before->writes & i->reads)
        add(s, COUNT_multiply_used, 1);
    if ((is_vector_memory(before) && i->class == COUNT_vector) ||
        (before->class == COUNT_vector && is_vector_memory(i)))
        add(s, COUNT_vector_overlap, 1);
    *paired = !*paired && can_pair(before, i);
    add(s, COUNT_pair, *paired);
    add(s, COUNT_pair_short, *paired && before->bytes == 2 && i->bytes == 2);
}

/* The step that begins at an address, -1: none. Where several do, all but the last are empty. */
static int step_at(uint32_t pc)
{
    int step = -1;

    for (int i = 0; i < job.n_marks; i++)
        if (job.mark[i].pc == pc && job.mark[i].step > step)
            step = job.mark[i].step;
    return step;
}

static struct insn describe(const struct qemu_plugin_insn *q)
{
    struct insn i = {.pc = (uint32_t)qemu_plugin_insn_vaddr(q),
                     .bytes = (unsigned)qemu_plugin_insn_size(q)};

    job.decode(&i, qemu_plugin_insn_data(q));
    return i;
}

static void translated(plugin_id id, struct qemu_plugin_tb *tb)
{
    const size_t n = qemu_plugin_tb_n_insns(tb);
    struct segment *s = NULL;
    struct insn before = {0};
    bool paired = false;

    (void)id;
    for (size_t k = 0; k < n; k++) {
        struct qemu_plugin_insn *q = qemu_plugin_tb_get_insn(tb, k);
        struct insn i = describe(q);
        const int step = step_at(i.pc);
        const bool starts = !s || step >= 0 || i.pc == job.enter;

        if (starts) {
            s = calloc(1, sizeof *s);
            if (!s)
                abort();
            s->pc = i.pc;
            s->step = step;
            paired = false;
            qemu_plugin_register_vcpu_insn_exec_cb(q, execute, NO_REGISTERS, s);
        }
        add_insn(s, &i, starts ? NULL : &before, &paired);
        s->next = i.pc + i.bytes;
        if (insn_is_load(&i) && job.flash_high)
            qemu_plugin_register_vcpu_mem_cb(q, read_memory, NO_REGISTERS, READS_AND_WRITES, NULL);
        if (i.class == COUNT_store && job.writes_high > job.writes_low)
            qemu_plugin_register_vcpu_mem_cb(q, write_memory, NO_REGISTERS, READS_AND_WRITES, NULL);
        before = i;
    }
}

/* ---- start and end --------------------------------------------------------------------------- */

static void finish(plugin_id id, void *user)
{
    FILE *out = fopen("count.out", "w");

    (void)id, (void)user;
    if (!out)
        return;
    for (int step = 0; step < job.n_steps; step++)
        for (int k = 0; k < COUNT_ALL; k++)
            fprintf(out, "%llu%c", (unsigned long long)counts[step][k],
                    k + 1 < COUNT_ALL ? ' ' : '\n');
    fclose(out);
}

static bool read_fact(const char *key, unsigned long a, unsigned long b)
{
    if (!strcmp(key, "enter")) {
        job.enter = (uint32_t)a;
    } else if (!strcmp(key, "leave")) {
        job.leave_low = (uint32_t)a;
        job.leave_high = (uint32_t)b;
    } else if (!strcmp(key, "flash")) {
        job.flash_low = (uint32_t)a;
        job.flash_high = (uint32_t)b;
    } else if (!strcmp(key, "writes")) {
        job.writes_low = (uint32_t)a;
        job.writes_high = (uint32_t)b;
    } else if (!strcmp(key, "steps")) {
        job.n_steps = (int)a;
    } else if (!strcmp(key, "mark") && job.n_marks < MARKS_MAX) {
        job.mark[job.n_marks++] = (struct mark){(uint32_t)a, (int)b};
    } else {
        return false;
    }
    return true;
}

static bool read_job(void)
{
    FILE *in = fopen("count.in", "r");
    char line[128], key[16], isa[16] = "";
    bool good = in != NULL;

    while (good && fgets(line, sizeof line, in)) {
        unsigned long a = 0, b = 0;

        if (sscanf(line, "isa %15s", isa) == 1)
            continue;
        good = sscanf(line, "%15s %lu %lu", key, &a, &b) >= 2 && read_fact(key, a, b);
    }
    if (in)
        fclose(in);
    job.decode = !strcmp(isa, "thumb") ? thumb_decode : !strcmp(isa, "riscv") ? riscv_decode : NULL;
    return good && job.decode && job.n_steps > 0;
}

int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
    (void)info, (void)argc, (void)argv;
    if (!read_job() || !(counts = calloc((size_t)job.n_steps, sizeof *counts)))
        return -1;
    for (int i = 0; i < job.n_marks; i++)
        if (job.mark[i].step >= job.n_steps)
            return -1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, finish, NULL);
    return 0;
}
