/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_COPY_STEPS_S32_H
#define MICA_COPY_STEPS_S32_H

#include <stdint.h>

struct mica_copy_steps_s32 {
    int32_t in_step, out_step;
};

/* out[i * out_step] = in[i * in_step] for n integers of 32 bits; a negative step goes backwards. */
static inline void mica_copy_steps_s32(const struct mica_copy_steps_s32 *p, const int32_t *in,
                                       int32_t *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++, in += p->in_step, out += p->out_step)
        *out = *in;
}

#endif
