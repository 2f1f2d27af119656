/* SPDX-License-Identifier: Apache-2.0 */
/* elf.c - sizes of sections and the image in flash, from little-endian ELF files of 32 and 64 bits.
 *
 * The files come from a compiler that may be broken or replaced, so every offset is checked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* From the ELF specification. */
enum {
    ELF_CLASS_32 = 1,
    ELF_CLASS_64 = 2,
    ELF_LITTLE_ENDIAN = 1,
    SEGMENT_LOAD = 1,
    SECTION_SYMBOLS = 2,
    SECTION_NOBITS = 8,
    SECTION_NOTE = 7,
    SECTION_WRITE = 1,
    SECTION_ALLOC = 2,
    SECTION_EXECUTE = 4
};

struct elf {
    uint8_t *bytes;
    uint64_t n;
    bool is_64;
    bool broken; /* something pointed outside the file */
};

static uint64_t get(struct elf *elf, uint64_t at, unsigned size)
{
    uint64_t value = 0;

    if (at > elf->n || elf->n - at < size) {
        elf->broken = true;
        return 0;
    }
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)elf->bytes[at + i] << (8 * i);
    return value;
}

/* A field at one offset in files of 32 bits and another in files of 64; as wide as an address. */
static uint64_t get_word(struct elf *elf, uint64_t base, unsigned at_32, unsigned at_64)
{
    return elf->is_64 ? get(elf, base + at_64, 8) : get(elf, base + at_32, 4);
}

static uint64_t get_half(struct elf *elf, unsigned at_32, unsigned at_64)
{
    return get(elf, elf->is_64 ? at_64 : at_32, 2);
}

static int elf_open(const char *path, struct elf *elf)
{
    FILE *file = fopen(path, "rb");
    long end = -1;

    memset(elf, 0, sizeof *elf);
    if (!file)
        return -1;
    if (!fseek(file, 0, SEEK_END) && (end = ftell(file)) > 64 && !fseek(file, 0, SEEK_SET) &&
        (elf->bytes = malloc((size_t)end)))
        elf->n = fread(elf->bytes, 1, (size_t)end, file);
    fclose(file);
    if (elf->n > 64 && !memcmp(elf->bytes, "\177ELF", 4) && elf->bytes[5] == ELF_LITTLE_ENDIAN &&
        (elf->bytes[4] == ELF_CLASS_32 || elf->bytes[4] == ELF_CLASS_64)) {
        elf->is_64 = elf->bytes[4] == ELF_CLASS_64;
        return 0;
    }
    free(elf->bytes);
    return -1;
}

static bool starts_with(struct elf *elf, uint64_t at, const char *word)
{
    for (; *word; word++, at++)
        if (get(elf, at, 1) != (uint8_t)*word)
            return false;
    return true;
}

/* On AVR, constants that are not in program memory are copied to RAM at the start, like data. */
static bool constants_in_ram(const struct target *target)
{
    return target->data == DATA_FLASH;
}

/* Pointers in constants of a position-independent host program: constant once it is loaded. */
static bool is_relocated(struct elf *elf, uint64_t name)
{
    return starts_with(elf, name, ".data.rel.ro");
}

static void add_section(struct elf *elf, uint64_t at, uint64_t names, const struct target *target,
                        struct footprint *sum)
{
    uint64_t name = names + get(elf, at, 4);
    uint64_t type = get(elf, at + 4, 4);
    uint64_t flags = get_word(elf, at, 8, 8);
    uint64_t bytes = get_word(elf, at, 20, 32);

    if (!(flags & SECTION_ALLOC) || type == SECTION_NOTE || starts_with(elf, name, ".eh_frame"))
        return;
    /* picolibc's place for the stack; NOLOAD, and no part of any model. */
    if (starts_with(elf, name, ".stack"))
        return;
    if (starts_with(elf, name, ".text.mica_far")) /* kernels/nn/rom_far.h: constants behind code */
        sum->constants += bytes;
    else if (flags & SECTION_EXECUTE)
        sum->code += bytes;
    else if (flags & SECTION_WRITE && type == SECTION_NOBITS)
        sum->bss += bytes;
    else if ((flags & SECTION_WRITE && !is_relocated(elf, name)) ||
             (constants_in_ram(target) && starts_with(elf, name, ".rodata")))
        sum->data += bytes;
    else
        sum->constants += bytes;
}

int elf_footprint(const char *path, const struct target *target, struct footprint *sum)
{
    struct footprint found = *sum;
    struct elf elf;
    uint64_t table, size, count, names, name_index;

    if (elf_open(path, &elf))
        return -1;
    table = get_word(&elf, 0, 32, 40);
    size = get_half(&elf, 46, 58);
    count = get_half(&elf, 48, 60);
    name_index = get_half(&elf, 50, 62);
    names = get_word(&elf, table + name_index * size, 16, 24);
    for (uint64_t i = 0; i < count && !elf.broken; i++)
        add_section(&elf, table + i * size, names, target, &found);
    free(elf.bytes);
    if (elf.broken)
        return -1;
    *sum = found;
    return 0;
}

int elf_image(const char *path, const struct target *target, uint8_t *image, uint32_t *used)
{
    struct elf elf;
    uint64_t table, size, count;

    if (elf_open(path, &elf))
        return -1;
    *used = 0;
    table = get_word(&elf, 0, 28, 32);
    size = get_half(&elf, 42, 54);
    count = get_half(&elf, 44, 56);
    for (uint64_t i = 0; i < count && !elf.broken; i++) {
        uint64_t at = table + i * size;
        uint64_t from = get_word(&elf, at, 4, 8);
        uint64_t to = get_word(&elf, at, 12, 24) - target->flash.origin;
        uint64_t bytes = get_word(&elf, at, 16, 32);

        if (get(&elf, at, 4) != SEGMENT_LOAD || !bytes)
            continue;
        if (to >= target->flash.bytes || bytes > target->flash.bytes - to || from > elf.n ||
            bytes > elf.n - from) {
            elf.broken = true;
            break;
        }
        memcpy(image + to, elf.bytes + from, (size_t)bytes);
        if (to + bytes > *used)
            *used = (uint32_t)(to + bytes);
    }
    free(elf.bytes);
    return elf.broken ? -1 : 0;
}

/* ---- symbols and sections by name ------------------------------------------------------------ */

struct sections {
    uint64_t table, size, count, names;
};

static struct sections find_sections(struct elf *elf)
{
    struct sections s = {.table = get_word(elf, 0, 32, 40),
                         .size = get_half(elf, 46, 58),
                         .count = get_half(elf, 48, 60)};

    s.names = get_word(elf, s.table + get_half(elf, 50, 62) * s.size, 16, 24);
    return s;
}

/* A name in the file, NULL where it does not end there. */
static const char *string_at(struct elf *elf, uint64_t at)
{
    if (at < elf->n && memchr(elf->bytes + at, 0, (size_t)(elf->n - at)))
        return (const char *)elf->bytes + at;
    elf->broken = true;
    return "";
}

static struct elf_symbol read_symbol(struct elf *elf, const struct sections *sections, uint64_t at,
                                     uint64_t names)
{
    struct elf_symbol symbol = {.name = string_at(elf, names + get(elf, at, 4)),
                                .value = get_word(elf, at, 4, 8),
                                .bytes = get_word(elf, at, 8, 16),
                                .type = (unsigned)get(elf, at + (elf->is_64 ? 4 : 12), 1) & 15};
    const uint64_t section = get(elf, at + (elf->is_64 ? 6 : 14), 2);

    if (section && section < sections->count) {
        const uint64_t flags = get_word(elf, sections->table + section * sections->size, 8, 8);

        symbol.in_flash = flags & SECTION_ALLOC && !(flags & SECTION_WRITE);
    }
    return symbol;
}

int elf_symbols(const char *path, void (*visit)(void *user, const struct elf_symbol *), void *user)
{
    struct sections s;
    struct elf elf;

    if (elf_open(path, &elf))
        return -1;
    s = find_sections(&elf);
    for (uint64_t i = 0; i < s.count && !elf.broken; i++) {
        const uint64_t at = s.table + i * s.size;
        const uint64_t from = get_word(&elf, at, 16, 24), bytes = get_word(&elf, at, 20, 32);
        const uint64_t names = s.table + get(&elf, at + (elf.is_64 ? 40 : 24), 4) * s.size;
        const unsigned entry = elf.is_64 ? 24 : 16;

        if (get(&elf, at + 4, 4) != SECTION_SYMBOLS)
            continue;
        for (uint64_t k = 0; k < bytes / entry && !elf.broken; k++) {
            const struct elf_symbol symbol = read_symbol(&elf, &s, from + k * entry,
                                                         get_word(&elf, names, 16, 24));

            if (!elf.broken)
                visit(user, &symbol);
        }
    }
    free(elf.bytes);
    return elf.broken ? -1 : 0;
}

uint8_t *elf_section(const char *path, const char *name, size_t *n)
{
    uint8_t *bytes = NULL;
    struct sections s;
    struct elf elf;

    if (elf_open(path, &elf))
        return NULL;
    s = find_sections(&elf);
    for (uint64_t i = 0; i < s.count && !elf.broken && !bytes; i++) {
        const uint64_t at = s.table + i * s.size;
        const uint64_t from = get_word(&elf, at, 16, 24), length = get_word(&elf, at, 20, 32);

        if (strcmp(string_at(&elf, s.names + get(&elf, at, 4)), name) || from > elf.n ||
            length > elf.n - from || !(bytes = malloc((size_t)length + 1)))
            continue;
        memcpy(bytes, elf.bytes + from, (size_t)length);
        *n = (size_t)length;
    }
    free(elf.bytes);
    return bytes;
}
