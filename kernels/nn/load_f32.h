/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_LOAD_F32_H
#define MICA_LOAD_F32_H

#include <stdint.h>

#include "rom.h"

struct mica_load_f32 {
    const float *rom;
};

/* Copies n constants from program memory, for a kernel that reads them as an operand. */
static inline void mica_load_f32(const struct mica_load_f32 *p, float *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        out[i] = MICA_ROM_F32(&p->rom[i]);
}

#endif
