/* SPDX-License-Identifier: Apache-2.0 */
/* thumb.c - classes of Thumb instructions, Armv6-M to Armv8.1-M, from the encodings in the Arm
 * Architecture Reference Manuals. What is not named is COUNT_other.
 */
#include "count.h"

enum { SP = 13, LR = 14, PC = 15 };

static uint32_t bit(unsigned r)
{
    return UINT32_C(1) << r;
}

/* Bits [from, from + n) of a halfword. */
static unsigned bits(unsigned x, int from, int n)
{
    return x >> from & ((1u << n) - 1);
}

static unsigned count_bits(unsigned x)
{
    unsigned n = 0;

    for (; x; x &= x - 1)
        n++;
    return n;
}

/* ---- 16 bits --------------------------------------------------------------------------------- */

static void memory_16(struct insn *i, unsigned x, bool is_load)
{
    i->class = is_load ? COUNT_load : COUNT_store;
    i->reads |= bit(bits(x, 3, 3));
    if (is_load)
        i->writes = bit(bits(x, 0, 3));
    else
        i->reads |= bit(bits(x, 0, 3));
}

static void multiple(struct insn *i, bool is_load, unsigned base, unsigned list, bool writes_base)
{
    i->class = is_load ? COUNT_load_multiple : COUNT_store_multiple;
    i->words = count_bits(list);
    i->reads = bit(base) | (is_load ? 0 : list);
    i->writes = (is_load ? list : 0) | (writes_base ? bit(base) : 0);
}

/* 010000: two registers, the first is also the destination. */
static void data_16(struct insn *i, unsigned x)
{
    const unsigned op = bits(x, 6, 4);
    const bool only_compares = op == 8 || op == 10 || op == 11;

    i->reads = bit(bits(x, 0, 3)) | bit(bits(x, 3, 3));
    i->writes = bit(FLAGS) | (only_compares ? 0 : bit(bits(x, 0, 3)));
    if (op == 5 || op == 6) /* with carry */
        i->reads |= bit(FLAGS);
    if (op == 13)
        i->class = COUNT_multiply;
}

/* 010001: high registers, and branches to registers. */
static void special_16(struct insn *i, unsigned x)
{
    const unsigned d = bits(x, 0, 3) | bits(x, 7, 1) << 3, m = bits(x, 3, 4);

    i->reads = bit(m);
    switch (bits(x, 8, 2)) {
    case 0:
        i->reads |= bit(d);
        i->writes = bit(d);
        break;
    case 1:
        i->reads |= bit(d);
        i->writes = bit(FLAGS);
        break;
    case 2:
        i->writes = bit(d);
        break;
    default:
        i->class = bits(x, 7, 1) ? COUNT_call : COUNT_branch_register;
    }
    if (i->writes & bit(PC))
        i->class = COUNT_branch_register;
}

/* 1011 */
static void miscellaneous_16(struct insn *i, unsigned x)
{
    if ((x & 0xf500) == 0xb100) { /* cbz, cbnz */
        i->class = COUNT_branch;
        i->reads = bit(bits(x, 0, 3));
    } else if ((x & 0xfe00) == 0xb400) {
        multiple(i, false, SP, bits(x, 0, 8) | bits(x, 8, 1) << LR, true);
    } else if ((x & 0xfe00) == 0xbc00) {
        multiple(i, true, SP, bits(x, 0, 8) | bits(x, 8, 1) << PC, true);
    } else if ((x & 0xff00) == 0xb000) {
        i->reads = i->writes = bit(SP);
    } else if ((x & 0xff00) == 0xb200 || (x & 0xff00) == 0xba00) { /* extend, reverse */
        i->reads = bit(bits(x, 3, 3));
        i->writes = bit(bits(x, 0, 3));
    } else if ((x & 0xff00) == 0xbe00 || (x & 0xffe0) == 0xb660) {
        i->class = COUNT_system; /* bkpt, cps */
    } else if ((x & 0xff00) == 0xbf00) {
        i->reads = bits(x, 0, 4) ? bit(FLAGS) : 0; /* it; without a mask: hints */
    }
}

/* 00: shifts, sums, and immediates of 8 bits. */
static void arithmetic_16(struct insn *i, unsigned x)
{
    const unsigned op = bits(x, 11, 3); /* 4 mov, 5 cmp, 6 add, 7 sub */

    if (op >= 4) {
        i->reads = op == 4 ? 0 : bit(bits(x, 8, 3));
        i->writes = bit(FLAGS) | (op == 5 ? 0 : bit(bits(x, 8, 3)));
        return;
    }
    i->reads = bit(bits(x, 3, 3));
    if (op == 3 && !bits(x, 10, 1))
        i->reads |= bit(bits(x, 6, 3));
    i->writes = bit(bits(x, 0, 3)) | bit(FLAGS);
}

static void decode_16(struct insn *i, unsigned x)
{
    switch (x >> 12) {
    case 0x0:
    case 0x1:
    case 0x2:
    case 0x3:
        arithmetic_16(i, x);
        break;
    case 0x4:
        if (bits(x, 11, 1)) {
            i->class = COUNT_load; /* literal */
            i->writes = bit(bits(x, 8, 3));
        } else if (bits(x, 10, 1)) {
            special_16(i, x);
        } else {
            data_16(i, x);
        }
        break;
    case 0x5:
        i->reads = bit(bits(x, 6, 3));
        memory_16(i, x, bits(x, 9, 3) >= 3);
        break;
    case 0x6:
    case 0x7:
    case 0x8:
        memory_16(i, x, bits(x, 11, 1));
        break;
    case 0x9:
        i->class = bits(x, 11, 1) ? COUNT_load : COUNT_store;
        i->reads = bit(SP) | (bits(x, 11, 1) ? 0 : bit(bits(x, 8, 3)));
        i->writes = bits(x, 11, 1) ? bit(bits(x, 8, 3)) : 0;
        break;
    case 0xa:
        i->reads = bits(x, 11, 1) ? bit(SP) : 0;
        i->writes = bit(bits(x, 8, 3));
        break;
    case 0xb:
        miscellaneous_16(i, x);
        break;
    case 0xc:
        multiple(i, bits(x, 11, 1), bits(x, 8, 3), bits(x, 0, 8), true);
        break;
    case 0xd:
        i->class = bits(x, 9, 3) == 7 ? COUNT_system : COUNT_branch;
        i->reads = bit(FLAGS);
        break;
    default:
        i->class = COUNT_branch;
    }
}

/* ---- 32 bits: memory ------------------------------------------------------------------------- */

/* 1110 100: multiple, double, exclusive, table branch. */
static void multiple_32(struct insn *i, unsigned a, unsigned b)
{
    const bool is_load = bits(a, 4, 1);
    const unsigned base = bits(a, 0, 4);

    if (!bits(a, 6, 1)) {
        multiple(i, is_load, base, b, bits(a, 5, 1));
    } else if (bits(a, 8, 1) || bits(a, 5, 1)) {
        multiple(i, is_load, base, bit(bits(b, 12, 4)) | bit(bits(b, 8, 4)), bits(a, 5, 1));
    } else if ((a & 0xfff0) == 0xe8d0 && (b & 0xffe0) == 0xf000) {
        i->class = COUNT_branch_register;
        i->reads = bit(base) | bit(bits(b, 0, 4));
    } else {
        i->class = is_load ? COUNT_load : COUNT_store;
        i->reads = bit(base);
    }
}

/* 1111 100: one register. */
static void single_32(struct insn *i, unsigned a, unsigned b)
{
    const bool is_load = bits(a, 4, 1), by_register = !bits(a, 7, 1) && !bits(b, 6, 6);
    const bool writes_base = !bits(a, 7, 1) && bits(b, 11, 1) && bits(b, 8, 1);
    const unsigned t = bits(b, 12, 4), base = bits(a, 0, 4);

    i->reads = (base == PC ? 0 : bit(base)) | (by_register ? bit(bits(b, 0, 4)) : 0);
    if (is_load && t == PC && bits(a, 5, 2) != 2)
        return; /* preload: a hint */
    i->class = is_load ? COUNT_load : COUNT_store;
    if (is_load)
        i->writes = bit(t);
    else
        i->reads |= bit(t);
    if (writes_base && base != PC)
        i->writes |= bit(base);
}

/* ---- 32 bits: arithmetic --------------------------------------------------------------------- */

static void set_registers(struct insn *i, unsigned n, unsigned d)
{
    i->reads |= n == PC ? 0 : bit(n);
    i->writes |= d == PC ? bit(FLAGS) : bit(d);
}

/* 1110 101: a register, shifted. */
static void data_register_32(struct insn *i, unsigned a, unsigned b)
{
    i->reads = bit(bits(b, 0, 4));
    set_registers(i, bits(a, 0, 4), bits(b, 8, 4));
    if (bits(a, 4, 1))
        i->writes |= bit(FLAGS);
    if (bits(a, 5, 4) == 10 || bits(a, 5, 4) == 11)
        i->reads |= bit(FLAGS);
}

/* 1111 0 with bit 15 of the second half clear: an immediate. */
static void data_immediate_32(struct insn *i, unsigned a, unsigned b)
{
    set_registers(i, bits(a, 0, 4), bits(b, 8, 4));
    if (bits(a, 9, 1)) {
        if (bits(a, 4, 5) == 4) /* movw */
            i->reads = 0;
        else if (bits(a, 4, 5) == 12) /* movt */
            i->reads = bit(bits(b, 8, 4));
        else if (bits(a, 4, 5) == 22) /* bfi */
            i->reads |= bit(bits(b, 8, 4));
    } else if (bits(a, 4, 1)) {
        i->writes |= bit(FLAGS);
    }
}

/* 1111 1010: shifts by registers, extensions, parallel sums. */
static void data_extended_32(struct insn *i, unsigned a, unsigned b)
{
    const bool is_extension = !bits(a, 7, 1) && bits(b, 7, 1);
    const bool is_parallel = bits(a, 7, 1) && !bits(b, 7, 1);
    const bool is_saturating = bits(a, 4, 4) == 8 && bits(b, 7, 1);
    const bool is_select = bits(a, 4, 4) == 10 && bits(b, 4, 4) == 8;

    i->reads = bit(bits(b, 0, 4));
    set_registers(i, bits(a, 0, 4), bits(b, 8, 4));
    if (is_parallel || is_saturating || is_select ||
        (is_extension && (bits(a, 5, 2) == 1))) /* sxtb16, uxtb16 */
        i->class = COUNT_simd;
}

/* 1111 1011: products and quotients. */
static void multiply_32(struct insn *i, unsigned a, unsigned b)
{
    const unsigned op = bits(a, 4, 3), sum = bits(b, 12, 4);
    const bool is_long = bits(a, 7, 1);

    i->reads = bit(bits(a, 0, 4)) | bit(bits(b, 0, 4));
    i->writes = bit(bits(b, 8, 4));
    if (!is_long) {
        i->reads |= sum == PC ? 0 : bit(sum);
        i->class = op ? COUNT_simd : sum == PC ? COUNT_multiply : COUNT_multiply_add;
        return;
    }
    if (op == 1 || op == 3) {
        i->class = COUNT_divide;
        return;
    }
    i->class = COUNT_multiply_long;
    i->writes |= bit(sum);
    if (op >= 4)
        i->reads |= i->writes;
}

/* 1111 0 with bit 15 of the second half set: branches, loops, control. */
static void branch_32(struct insn *i, unsigned a, unsigned b)
{
    switch (b & 0xd000) {
    case 0x8000:
        i->class = bits(a, 7, 3) == 7 ? COUNT_system : COUNT_branch;
        i->reads = bit(FLAGS);
        if ((a & 0xfff0) == 0xf3a0) /* hints: nop.w */
            i->class = COUNT_other;
        break;
    case 0x9000:
        i->class = COUNT_branch;
        break;
    case 0xc000:
        i->class = COUNT_loop;
        break;
    default:
        i->class = COUNT_call;
    }
}

/* ---- 32 bits: floats and vectors ------------------------------------------------------------- */

/* Coprocessors 10 and 11. */
static void float_memory_32(struct insn *i, unsigned a, unsigned b)
{
    const bool is_load = bits(a, 4, 1), is_double = bits(b, 8, 1);

    if ((a & 0xffe0) == 0xec40) { /* two core registers */
        i->class = COUNT_float_move;
        return;
    }
    if ((a & 0xff20) == 0xed00 && !is_double) {
        i->class = is_load ? COUNT_load : COUNT_store;
    } else {
        i->class = is_load ? COUNT_load_multiple : COUNT_store_multiple;
        i->words = (a & 0xff20) == 0xed00 ? 2 : bits(b, 0, 8);
    }
    i->reads = bit(bits(a, 0, 4));
    i->writes = bits(a, 5, 1) ? bit(bits(a, 0, 4)) : 0;
}

static void float_data_32(struct insn *i, unsigned a, unsigned b)
{
    const unsigned op = bits(a, 7, 1) << 2 | bits(a, 4, 2);

    if (bits(b, 4, 1)) {
        /* VDUP fills a vector from a core register. */
        const bool is_vdup = bits(b, 8, 1) && bits(a, 7, 1) && !bits(a, 4, 1);

        i->class = is_vdup ? COUNT_vector : COUNT_float_move;
        if (bits(a, 4, 1))
            i->writes = bits(b, 12, 4) == PC ? bit(FLAGS) : bit(bits(b, 12, 4));
        else
            i->reads = bit(bits(b, 12, 4));
        return;
    }
    i->class = COUNT_float;
    if (op == 0 || op == 1 || op == 5 || op == 6)
        i->class = COUNT_float_multiply_add;
    else if (op == 4 || (op == 7 && bits(a, 0, 4) == 1 && bits(b, 6, 2) == 3))
        i->class = COUNT_float_divide;
    else if (op == 7 && (!bits(b, 6, 1) || (bits(a, 0, 4) == 0 && bits(b, 6, 2) == 1)))
        i->class = COUNT_float_move; /* an immediate, or another register */
}

/* Helium has no numbers in common with the two above: 14 and 15 for memory, others for sums. */
static void vector_32(struct insn *i, unsigned a, unsigned b)
{
    const bool is_memory = (a & 0xee00) == 0xec00 && bits(b, 9, 4) == 15;

    i->class = COUNT_vector;
    if (is_memory) {
        i->class = bits(a, 4, 1) ? COUNT_vector_load : COUNT_vector_store;
        i->reads = bit(bits(a, 0, 4));
        i->writes = bits(a, 5, 1) ? bit(bits(a, 0, 4)) : 0;
    }
}

static void coprocessor_32(struct insn *i, unsigned a, unsigned b)
{
    const bool is_float = bits(b, 9, 3) == 5;

    if (!is_float || (a & 0xef00) == 0xef00)
        vector_32(i, a, b);
    else if ((a & 0xfe00) == 0xec00)
        float_memory_32(i, a, b);
    else if ((a & 0xff00) == 0xee00)
        float_data_32(i, a, b);
    else
        i->class = COUNT_float;
}

static void decode_32(struct insn *i, unsigned a, unsigned b)
{
    if ((a & 0xfe00) == 0xe800)
        multiple_32(i, a, b);
    else if ((a & 0xfe00) == 0xea00)
        data_register_32(i, a, b);
    else if ((a & 0xec00) == 0xec00)
        coprocessor_32(i, a, b);
    else if ((a & 0xf800) == 0xf000 && !bits(b, 15, 1))
        data_immediate_32(i, a, b);
    else if ((a & 0xf800) == 0xf000)
        branch_32(i, a, b);
    else if ((a & 0xfe00) == 0xf800)
        single_32(i, a, b);
    else if ((a & 0xff00) == 0xfa00)
        data_extended_32(i, a, b);
    else if ((a & 0xff00) == 0xfb00)
        multiply_32(i, a, b);
}

void thumb_decode(struct insn *i, const uint8_t *d)
{
    i->class = COUNT_other;
    i->words = 0;
    i->reads = i->writes = 0;
    if (i->bytes == 2)
        decode_16(i, (unsigned)(d[0] | d[1] << 8));
    else
        decode_32(i, (unsigned)(d[0] | d[1] << 8), (unsigned)(d[2] | d[3] << 8));
}
