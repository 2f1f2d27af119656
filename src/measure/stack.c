/* SPDX-License-Identifier: Apache-2.0 */
/* stack.c - a bound of the stack: the deepest path through the calls of the linked model.
 *
 * A function takes what the compiler states (-fcallgraph-info=su, or -fstack-usage before GCC 10),
 * or what its instructions take from the stack pointer, whichever is more: the compiler knows
 * nothing of assembly, and library functions come without a statement. Calls are those of the
 * instructions. Where one goes through a pointer, or in a circle, the bound is the sum of all
 * functions; no function of ours calls itself.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counting.h"

enum { FUNCTIONS_MAX = 1024, CALLS_MAX = 8192, NAME_MAX_BYTES = 96 };

struct function {
    char name[NAME_MAX_BYTES];
    uint32_t at, bytes;
    uint64_t frame, depth;
    enum { UNSEEN, OPEN, DONE } state;
};

struct program {
    const struct target *target;
    char isa; /* 't'humb, 'r'iscv, 'a'vr */
    int n, n_calls;
    struct function function[FUNCTIONS_MAX];
    struct {
        int from;
        uint32_t to;
        bool is_jump; /* leaves no address behind */
    } call[CALLS_MAX];
    bool unclear; /* a call through a pointer, or in a circle */
    bool full;
};

/* ---- what is linked -------------------------------------------------------------------------- */

static void add_function(void *user, const struct elf_symbol *symbol)
{
    struct program *p = user;
    struct function *f = &p->function[p->n];

    /* The assembly of AVR's run-time library says of no symbol that it is a function. */
    if (!symbol->in_flash || !*symbol->name ||
        (symbol->type != ELF_FUNCTION && (p->isa != 'a' || symbol->type != ELF_NO_TYPE)))
        return;
    if (p->n == FUNCTIONS_MAX) {
        p->full = true;
        return;
    }
    snprintf(f->name, sizeof f->name, "%s", symbol->name);
    f->at = (uint32_t)symbol->value & ~(p->isa == 't' ? UINT32_C(1) : 0);
    f->bytes = (uint32_t)symbol->bytes;
    p->n++;
}

/* Assembly may leave the size of a function out: it reaches to the next. */
static void set_sizes(struct program *p, uint32_t end)
{
    for (int i = 0; i < p->n; i++) {
        uint32_t next = end;

        for (int k = 0; k < p->n; k++)
            if (p->function[k].at > p->function[i].at && p->function[k].at < next)
                next = p->function[k].at;
        if (!p->function[i].bytes && next > p->function[i].at)
            p->function[i].bytes = next - p->function[i].at;
    }
}

static int function_at(const struct program *p, uint32_t at)
{
    for (int i = 0; i < p->n; i++)
        if (at >= p->function[i].at && at - p->function[i].at < p->function[i].bytes)
            return i;
    return -1;
}

static void add_edge(struct program *p, int from, uint32_t to, bool is_jump)
{
    if (p->n_calls == CALLS_MAX) {
        p->full = true;
        return;
    }
    p->call[p->n_calls].from = from;
    p->call[p->n_calls].is_jump = is_jump;
    p->call[p->n_calls++].to = to;
}

static void add_call(struct program *p, int from, uint32_t to)
{
    add_edge(p, from, to, false);
}

/* A jump out of the function goes on elsewhere, with what is on the stack here. */
static void add_jump(struct program *p, int from, uint32_t to)
{
    const struct function *f = &p->function[from];

    if (to < f->at || to - f->at >= f->bytes)
        add_edge(p, from, to, true);
}

/* ---- what instructions take from the stack pointer ------------------------------------------- */

static unsigned bits_of(unsigned x)
{
    unsigned n = 0;

    for (; x; x &= x - 1)
        n++;
    return n;
}

static int32_t extend(uint32_t x, int bits)
{
    const uint32_t sign = UINT32_C(1) << (bits - 1);

    return (int32_t)((x ^ sign) - sign);
}

/* The constant of an Arm data-processing instruction of 32 bits. */
static uint32_t thumb_constant(unsigned a, unsigned b)
{
    const unsigned code = (a >> 10 & 1) << 11 | (b >> 12 & 7) << 8 | (b & 255);
    const unsigned low = code & 255, turn = code >> 7;

    if (code < 0x100)
        return low;
    if (code < 0x400)
        return low * (code >> 8 == 1 ? 0x00010001u : code >> 8 == 2 ? 0x01000100u : 0x01010101u);
    return (0x80u | (code & 0x7f)) >> turn | (0x80u | (code & 0x7f)) << (32 - turn);
}

static uint32_t thumb_target(uint32_t at, unsigned a, unsigned b)
{
    const uint32_t s = a >> 10 & 1, j1 = ~((b >> 13 & 1) ^ s) & 1, j2 = ~((b >> 11 & 1) ^ s) & 1;

    return at + 4 +
           (uint32_t)extend(s << 24 | j1 << 23 | j2 << 22 | (a & 0x3ff) << 12 | (b & 0x7ff) << 1,
                            25);
}

static void scan_thumb_16(struct program *p, int i, uint32_t at, unsigned a)
{
    struct function *f = &p->function[i];

    if ((a & 0xfe00) == 0xb400)
        f->frame += 4 * bits_of(a & 0x1ff);
    else if ((a & 0xff80) == 0xb080)
        f->frame += 4 * (a & 0x7f);
    else if ((a & 0xff87) == 0x4780)
        p->unclear = true;
    else if ((a & 0xf800) == 0xe000)
        add_jump(p, i, at + 4 + (uint32_t)extend((a & 0x7ff) << 1, 12));
}

static void scan_thumb_32(struct program *p, int i, uint32_t at, unsigned a, unsigned b)
{
    struct function *f = &p->function[i];

    if (a == 0xe92d)
        f->frame += 4 * bits_of(b);
    else if (a == 0xed2d)
        f->frame += 4 * (b & 255);
    else if (a == 0xe96d)
        f->frame += 4 * (b & 255);
    else if (a == 0xf84d && (b & 0xf00) == 0xd00)
        f->frame += b & 255;
    else if ((a & 0xfbff) == 0xf1ad && (b & 0x8f00) == 0x0d00)
        f->frame += thumb_constant(a, b);
    else if ((a & 0xfbff) == 0xf2ad && (b & 0x8f00) == 0x0d00)
        f->frame += (a >> 10 & 1) << 11 | (b >> 12 & 7) << 8 | (b & 255);
    else if ((a & 0xf800) == 0xf000 && (b & 0xd000) == 0xd000)
        add_call(p, i, thumb_target(at, a, b));
    else if ((a & 0xf800) == 0xf000 && (b & 0xd000) == 0x9000)
        add_jump(p, i, thumb_target(at, a, b));
}

static uint32_t scan_thumb(struct program *p, int i, uint32_t at, const uint8_t *d)
{
    const unsigned a = (unsigned)(d[0] | d[1] << 8);

    if (a < 0xe800) {
        scan_thumb_16(p, i, at, a);
        return 2;
    }
    scan_thumb_32(p, i, at, a, (unsigned)(d[2] | d[3] << 8));
    return 4;
}

static void take(struct function *f, int32_t immediate)
{
    if (immediate < 0)
        f->frame += (uint64_t) - (int64_t)immediate;
}

static uint32_t scan_riscv(struct program *p, int i, uint32_t at, const uint8_t *d)
{
    struct function *f = &p->function[i];
    const uint32_t x = (uint32_t)d[0] | (uint32_t)d[1] << 8 | (uint32_t)d[2] << 16 |
                       (uint32_t)d[3] << 24;
    const uint32_t jump = (x >> 31) << 20 | (x >> 12 & 255) << 12 | (x >> 20 & 1) << 11 |
                          (x >> 21 & 1023) << 1;
    const uint32_t short_jump = (x >> 12 & 1) << 11 | (x >> 11 & 1) << 4 | (x >> 9 & 3) << 8 |
                                (x >> 8 & 1) << 10 | (x >> 7 & 1) << 6 | (x >> 6 & 1) << 7 |
                                (x >> 3 & 7) << 1 | (x >> 2 & 1) << 5;

    if ((x & 3) != 3) {
        if ((x & 0xef83) == 0x6101) /* c.addi16sp */
            take(f, extend((x >> 12 & 1) << 9 | (x >> 3 & 3) << 7 | (x >> 5 & 1) << 6 |
                               (x >> 2 & 1) << 5 | (x >> 6 & 1) << 4,
                           10));
        else if ((x & 0xef83) == 0x0101) /* c.addi sp */
            take(f, extend((x >> 12 & 1) << 5 | (x >> 2 & 31), 6));
        else if ((x & 0xe003) == 0x2001)
            add_call(p, i, at + (uint32_t)extend(short_jump, 12));
        else if ((x & 0xe003) == 0xa001)
            add_jump(p, i, at + (uint32_t)extend(short_jump, 12));
        else if ((x & 0xf07f) == 0x9002 && (x >> 7 & 31))
            p->unclear = true;
        return 2;
    }
    if ((x & 0xfffff) == 0x10113) /* addi sp,sp */
        take(f, extend(x >> 20, 12));
    else if ((x & 0x7f) == 0x6f && (x >> 7 & 31))
        add_call(p, i, at + (uint32_t)extend(jump, 21));
    else if ((x & 0x7f) == 0x6f)
        add_jump(p, i, at + (uint32_t)extend(jump, 21));
    else if ((x & 0x7f) == 0x67 && (x >> 7 & 31))
        p->unclear = true;
    return 4;
}

static uint32_t scan_avr(struct program *p, int i, uint32_t at, const uint8_t *d)
{
    struct function *f = &p->function[i];
    const unsigned a = (unsigned)(d[0] | d[1] << 8), b = (unsigned)(d[2] | d[3] << 8);
    const uint32_t far = ((uint32_t)(a >> 4 & 31) << 18 | (uint32_t)(a & 1) << 17 | b << 1);
    const uint32_t near = at + 2 + (uint32_t)extend((a & 0xfff) << 1, 13);

    if ((a & 0xfe0f) == 0x920f) /* push */
        f->frame++;
    else if ((a & 0xff30) == 0x9720) /* sbiw r28 */
        f->frame += (a >> 2 & 0x30) | (a & 15);
    else if (a == 0x9509 || a == 0x9519)
        p->unclear = true;
    else if ((a & 0xf000) == 0xd000 && (a & 0xfff))
        add_call(p, i, near);
    else if ((a & 0xf000) == 0xd000) /* a call of the next instruction makes room */
        f->frame += 3;
    else if ((a & 0xf000) == 0xc000)
        add_jump(p, i, near);
    else if ((a & 0xfe0e) == 0x940e)
        add_call(p, i, far);
    else if ((a & 0xfe0e) == 0x940c)
        add_jump(p, i, far);
    else if ((a & 0xf800) == 0xf000) /* a branch on a flag */
        add_jump(p, i, at + 2 + (uint32_t)extend((a >> 3 & 127) << 1, 8));
    if (a != 0x9508 && (a & 0xf000) != 0xc000 && (a & 0xfe0e) != 0x940c)
        add_jump(p, i, at + 2); /* a label in the middle of assembly looks like the end */
    return (a & 0xfe0c) == 0x940c || (a & 0xfc0f) == 0x9000 ? 4 : 2;
}

static void scan(struct program *p, const uint8_t *image, uint32_t used)
{
    const uint32_t origin = p->target->flash.origin;

    for (int i = 0; i < p->n; i++) {
        const struct function *f = &p->function[i];

        for (uint32_t at = f->at; at - f->at < f->bytes && at - origin + 4 <= used;) {
            const uint8_t *d = image + (at - origin);

            at += p->isa == 't'   ? scan_thumb(p, i, at, d)
                  : p->isa == 'r' ? scan_riscv(p, i, at, d)
                                  : scan_avr(p, i, at, d);
        }
    }
}

/* ---- what the compiler states ---------------------------------------------------------------- */

static void state(struct program *p, const char *name, size_t length, uint64_t bytes)
{
    for (int i = 0; i < p->n; i++) {
        struct function *f = &p->function[i];

        /* "f.constprop" may be "f.constprop.0" in the program. */
        if (!strncmp(f->name, name, length) && (!f->name[length] || f->name[length] == '.') &&
            bytes > f->frame)
            f->frame = bytes;
    }
}

/* node: { title: "kws.c:NAME" label: "NAME\nkws.c:75:20\n96 bytes (static)" } */
static void read_graph(struct program *p, const char *text)
{
    for (const char *at = text; (at = strstr(at, "node: { title: \"")); at++) {
        const char *title = strchr(at, '"') + 1;
        const size_t length = strcspn(title, "\"");
        const char *colon = memchr(title, ':', length);
        const char *name = colon ? colon + 1 : title;
        const char *end = strchr(title, '\n');
        const char *bytes = strstr(title, " bytes (");

        if (!bytes || (end && bytes > end))
            continue;
        while (bytes > title && bytes[-1] >= '0' && bytes[-1] <= '9')
            bytes--;
        state(p, name, length - (size_t)(name - title), strtoull(bytes, NULL, 10));
    }
}

/* kws.c:75:20:NAME <tab> 96 <tab> static */
static void read_usage(struct program *p, const char *text)
{
    while (*text) {
        const size_t length = strcspn(text, "\t");
        const char *name = text + length;

        while (name > text && name[-1] != ':')
            name--;
        if (text[length])
            state(p, name, length - (size_t)(name - text), strtoull(text + length, NULL, 10));
        text += strcspn(text, "\n");
        text += *text == '\n';
    }
}

static void read_statement(struct program *p, const struct work *work)
{
    struct measure_error unread;
    size_t n;
    char *text = work_read(work, "model.ci", &n, &unread);

    if (text) {
        read_graph(p, text);
    } else if ((text = work_read(work, "model.su", &n, &unread))) {
        read_usage(p, text);
    }
    free(text);
}

/* ---- the deepest path ------------------------------------------------------------------------ */

/* The address that a call leaves on the stack. */
static uint64_t call_bytes(const struct program *p)
{
    return p->isa == 'a' ? 3 : 0;
}

static uint64_t depth(struct program *p, int i)
{
    struct function *f = &p->function[i];
    uint64_t most = 0;

    if (f->state == OPEN)
        p->unclear = true;
    if (f->state != UNSEEN)
        return f->depth;
    f->state = OPEN;
    for (int k = 0; k < p->n_calls; k++) {
        const int to = p->call[k].from == i ? function_at(p, p->call[k].to) : -1;
        const bool is_jump = p->call[k].is_jump;
        uint64_t below = 0;

        if (to < 0 || to == i || (is_jump && p->function[to].state == OPEN))
            continue; /* a jump back: a loop */
        below = depth(p, to) + (is_jump ? 0 : call_bytes(p));
        if (below > most)
            most = below;
    }
    f->depth = f->frame + most;
    f->state = DONE;
    return f->depth;
}

static uint64_t deepest(struct program *p, const struct measure_job *job)
{
    char run[NAME_MAX_BYTES];
    uint64_t bound = 0, all = 0;

    snprintf(run, sizeof run, "%s_%s", job->name, job_entry(job));
    for (int i = 0; i < p->n; i++) {
        all += p->function[i].frame + call_bytes(p);
        if (!strcmp(p->function[i].name, run))
            bound = depth(p, i) + call_bytes(p);
    }
    if (p->full || !bound)
        return 0;
    return p->unclear ? all : bound;
}

uint64_t stack_bound(const struct measure_job *job, const struct work *work)
{
    const struct target *target = job->target;
    struct program *p = calloc(1, sizeof *p);
    uint8_t *image = calloc(1, (size_t)target->flash.bytes + 1);
    char path[PATH_BYTES];
    uint64_t bound = 0;
    uint32_t used;

    work_path(work, path, "alone.elf");
    if (p && image) {
        p->target = target;
        p->isa = target->data == DATA_FLASH ? 'a' : strstr(target->compiler, "riscv") ? 'r' : 't';
        if (!elf_image(path, target, image, &used) && !elf_symbols(path, add_function, p)) {
            set_sizes(p, target->flash.origin + used);
            scan(p, image, used);
            read_statement(p, work);
            bound = deepest(p, job);
        }
    }
    free(image);
    free(p);
    return bound;
}
