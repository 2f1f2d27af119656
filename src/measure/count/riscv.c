/* SPDX-License-Identifier: Apache-2.0 */
/* riscv.c - classes of RV32IMC instructions, from the unprivileged ISA specification. */
#include "count.h"

/* The major opcodes, bits 6..0. */
enum {
    OP_LOAD = 0x03,
    OP_FENCE = 0x0f,
    OP_IMMEDIATE = 0x13,
    OP_AUIPC = 0x17,
    OP_STORE = 0x23,
    OP_REGISTER = 0x33,
    OP_LUI = 0x37,
    OP_BRANCH = 0x63,
    OP_JALR = 0x67,
    OP_JAL = 0x6f,
    OP_SYSTEM = 0x73
};

static uint32_t bit(unsigned r)
{
    return r ? UINT32_C(1) << r : 0;
}

static enum count register_class(uint32_t x)
{
    const unsigned kind = x >> 12 & 7;

    if (x >> 25 != 1)
        return COUNT_other;
    if (kind >= 4)
        return COUNT_divide;
    return kind ? COUNT_multiply_long : COUNT_multiply;
}

static void decode_32(struct insn *i, uint32_t x)
{
    const unsigned rd = x >> 7 & 31, rs1 = x >> 15 & 31, rs2 = x >> 20 & 31;

    i->writes = bit(rd);
    i->reads = bit(rs1);
    switch (x & 0x7f) {
    case OP_LOAD:
        i->class = COUNT_load;
        break;
    case OP_STORE:
        i->class = COUNT_store;
        i->reads |= bit(rs2);
        i->writes = 0;
        break;
    case OP_REGISTER:
        i->class = register_class(x);
        i->reads |= bit(rs2);
        break;
    case OP_BRANCH:
        i->class = COUNT_branch;
        i->reads |= bit(rs2);
        i->writes = 0;
        break;
    case OP_JAL:
        i->class = rd ? COUNT_call : COUNT_branch;
        i->reads = 0;
        break;
    case OP_JALR:
        i->class = rd ? COUNT_call : COUNT_branch_register;
        break;
    case OP_LUI:
    case OP_AUIPC:
        i->reads = 0;
        break;
    case OP_FENCE:
    case OP_SYSTEM:
        i->class = COUNT_system;
        break;
    default:
        break;
    }
}

/* Compressed instructions: quadrant in bits 1..0, function in bits 15..13. */
static void decode_16(struct insn *i, uint32_t x)
{
    const unsigned function = x >> 13, rd = x >> 7 & 31, rs2 = x >> 2 & 31;
    const unsigned small_1 = 8 + (x >> 7 & 7), small_2 = 8 + (x >> 2 & 7);

    switch ((x & 3) << 3 | function) {
    case 0 << 3 | 0: /* addi4spn */
        i->reads = bit(2);
        i->writes = bit(small_2);
        break;
    case 0 << 3 | 2: /* lw */
        i->class = COUNT_load;
        i->reads = bit(small_1);
        i->writes = bit(small_2);
        break;
    case 0 << 3 | 6: /* sw */
        i->class = COUNT_store;
        i->reads = bit(small_1) | bit(small_2);
        break;
    case 1 << 3 | 0: /* addi */
        i->reads = i->writes = bit(rd);
        break;
    case 1 << 3 | 1: /* jal */
        i->class = COUNT_call;
        i->writes = bit(1);
        break;
    case 1 << 3 | 2: /* li */
        i->writes = bit(rd);
        break;
    case 1 << 3 | 3: /* lui, addi16sp */
        i->reads = rd == 2 ? bit(2) : 0;
        i->writes = bit(rd);
        break;
    case 1 << 3 | 4: /* arithmetic; the last of the four groups has two registers */
        i->reads = bit(small_1) | ((x >> 10 & 3) == 3 ? bit(small_2) : 0);
        i->writes = bit(small_1);
        break;
    case 1 << 3 | 5: /* j */
        i->class = COUNT_branch;
        break;
    case 1 << 3 | 6: /* beqz, bnez */
    case 1 << 3 | 7:
        i->class = COUNT_branch;
        i->reads = bit(small_1);
        break;
    case 2 << 3 | 0: /* slli */
        i->reads = i->writes = bit(rd);
        break;
    case 2 << 3 | 2: /* lwsp */
        i->class = COUNT_load;
        i->reads = bit(2);
        i->writes = bit(rd);
        break;
    case 2 << 3 | 4: /* jr, jalr, mv, add, ebreak */
        if (rs2) {
            i->reads = bit(rs2) | (x >> 12 & 1 ? bit(rd) : 0);
            i->writes = bit(rd);
        } else {
            i->class = !rd ? COUNT_system : x >> 12 & 1 ? COUNT_call : COUNT_branch_register;
            i->reads = bit(rd);
        }
        break;
    case 2 << 3 | 6: /* swsp */
        i->class = COUNT_store;
        i->reads = bit(2) | bit(rs2);
        break;
    default:
        break;
    }
}

void riscv_decode(struct insn *i, const uint8_t *d)
{
    i->class = COUNT_other;
    i->words = 0;
    i->reads = i->writes = 0;
    if (i->bytes == 2)
        decode_16(i, (uint32_t)(d[0] | d[1] << 8));
    else
        decode_32(i, (uint32_t)d[0] | (uint32_t)d[1] << 8 | (uint32_t)d[2] << 16 |
                         (uint32_t)d[3] << 24);
}
