/* SPDX-License-Identifier: Apache-2.0 */
/* far.c - which constants lie where no pointer of AVR reaches.
 *
 * Pointers to program memory end at 64 KB there, and arrays at 32767 bytes. A kernel that can do
 * without a pointer has a field for a function beside it (FIELD_FAR, kernels/nn/rom_far.h). What is
 * too large goes there; and where all constants together are, everything that can. */
#include "compile.h"

enum { ARRAY_MAX = INT16_MAX, POINTERS_END = UINT16_MAX };

/* All that points to the constant can do without. */
static bool can_be_far(const struct program *p, const struct constant *constant)
{
    bool any = false;
    for (int i = 0; i < p->n_steps; i++) {
        for (int k = 0; k < p->step[i].n_calls; k++) {
            const struct call *c = p->step[i].call[k];
            for (const struct field *f = c->params ? c->kernel->fields : NULL; f && f->name; f++) {
                const char *at = (const char *)c->params + f->offset;
                if (f->type < FIELD_PTR_INT8 ||
                    *(const void *const *)(const void *)at != constant->data)
                    continue;
                if (f[1].type != FIELD_FAR)
                    return false;
                any = true;
            }
        }
    }
    return any && constant->type == DTYPE_UINT16;
}

static int64_t bytes_of(const struct constant *c)
{
    return c->n * dtype_bits(c->type) / 8;
}

int64_t near_bytes(const struct program *p)
{
    int64_t bytes = 0;
    for (int i = 0; i < p->n_constants; i++)
        bytes += p->constant[i].is_far ? 0 : bytes_of(&p->constant[i]);
    return bytes;
}

static void move(struct program *p, int64_t larger_than)
{
    for (int i = 0; i < p->n_constants; i++)
        if (bytes_of(&p->constant[i]) > larger_than && can_be_far(p, &p->constant[i]))
            p->constant[i].is_far = true;
}

void plan_far(struct program *p)
{
    move(p, ARRAY_MAX);
    if (near_bytes(p) > POINTERS_END)
        move(p, 0);
}
