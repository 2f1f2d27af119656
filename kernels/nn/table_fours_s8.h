/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_TABLE_FOURS_S8_H
#define MICA_TABLE_FOURS_S8_H

#include <stdint.h>

#include "rom.h"

struct mica_table_fours_s8 {
    const int8_t *table; /* [256], entry x modulo 256 for input x: 0 .. 127, -128 .. -1 */
};

/* out[i] = table[in[i]] for n elements, as mica_table_s8(), four at a time. in and out may be the
 * same memory. */
static inline void mica_table_fours_s8(const struct mica_table_fours_s8 *p, const int8_t *in,
                                       int8_t *out, int32_t n)
{
    const int8_t *table = p->table;
    int32_t i = 0;
    for (; i + 4 <= n; i += 4, in += 4, out += 4) {
        const uint8_t a = (uint8_t)in[0], b = (uint8_t)in[1];
        const uint8_t c = (uint8_t)in[2], d = (uint8_t)in[3];
        out[0] = MICA_ROM_S8(&table[a]);
        out[1] = MICA_ROM_S8(&table[b]);
        out[2] = MICA_ROM_S8(&table[c]);
        out[3] = MICA_ROM_S8(&table[d]);
    }
    for (; i < n; i++)
        *out++ = MICA_ROM_S8(&table[(uint8_t)*in++]);
}

#endif
