/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_TABLE_S8_H
#define MICA_TABLE_S8_H

#include <stdint.h>

#include "rom.h"

struct mica_table_s8 {
    const int8_t *table; /* [256], entry x modulo 256 for input x: 0 .. 127, -128 .. -1 */
};

/* out[i] = table[in[i]] for n elements: any function of one int8 value, computed when the model
 * was compiled. in and out may be the same memory. */
static inline void mica_table_s8(const struct mica_table_s8 *p, const int8_t *in, int8_t *out,
                                 int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        out[i] = MICA_ROM_S8(&p->table[(uint8_t)in[i]]);
}

#endif
