/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_LOAD_S8_H
#define MICA_LOAD_S8_H

#include <stdint.h>

#include "rom.h"

struct mica_load_s8 {
    const int8_t *rom;
};

/* Copies n constants from program memory, for a kernel that reads them as an operand. */
static inline void mica_load_s8(const struct mica_load_s8 *p, int8_t *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        out[i] = MICA_ROM_S8(&p->rom[i]);
}

#endif
