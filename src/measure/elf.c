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
    if (flags & SECTION_EXECUTE)
        sum->code += bytes;
    else if (flags & SECTION_WRITE && type == SECTION_NOBITS)
        sum->bss += bytes;
    else if (flags & SECTION_WRITE ||
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
