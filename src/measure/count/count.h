/* SPDX-License-Identifier: Apache-2.0 */
/* count.h - what the files of the counting plugin share: one decoded instruction. */
#ifndef MICA_MEASURE_COUNT_H
#define MICA_MEASURE_COUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum count {
#define CLASS(name) COUNT_##name,
#define EVENT(name)
#include "classes.def"
#undef CLASS
#undef EVENT
    COUNT_CLASSES,
    COUNT_BEFORE_EVENTS = COUNT_CLASSES - 1, /* events go on from COUNT_CLASSES */
#define CLASS(name)
#define EVENT(name) COUNT_##name,
#include "classes.def"
#undef CLASS
#undef EVENT
    COUNT_ALL
};

/* Registers are bits of a mask: 0..15 of Arm, 0..31 of RISC-V; on Arm bit 16 is the flags. */
enum { FLAGS = 16 };

struct insn {
    uint32_t pc;
    unsigned bytes;
    enum count class;
    unsigned words; /* registers of a multiple */
    uint32_t reads, writes;
};

/* Sets class, words, reads and writes from the bytes of one instruction. */
void thumb_decode(struct insn *, const uint8_t *bytes);
void riscv_decode(struct insn *, const uint8_t *bytes);

static inline bool insn_is_load(const struct insn *i)
{
    return i->class == COUNT_load || i->class == COUNT_load_multiple;
}

static inline bool insn_is_store(const struct insn *i)
{
    return i->class == COUNT_store || i->class == COUNT_store_multiple;
}

#endif
