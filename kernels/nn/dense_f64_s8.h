/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_DENSE_F64_S8_H
#define MICA_DENSE_F64_S8_H

#include <stdint.h>

#include "rom.h"
#include "saturate.h"
#include "scale_f64.h"

struct mica_dense_f64_s8 {
    int32_t in_n, out_n;
    int16_t in_zero, out_zero, out_min, out_max;
    int8_t channel_step;       /* 1, or 0 where one scale serves all outputs */
    const int8_t *weights;     /* [out_n][in_n] */
    const int32_t *bias;       /* [out_n] or NULL */
    const int32_t *scale_high; /* [out_n] or [1]: the scales as mica_scale_f64 takes them */
    const int32_t *scale_low;
    const int8_t *shift;
};

/* The fully connected layer of mica_dense_s8 with LiteRT's rescaling: a float64 multiplication and
 * a rounding with ties away from zero, in integers. */
static inline void mica_dense_f64_s8(const struct mica_dense_f64_s8 *p, const int8_t *in,
                                     int8_t *out)
{
    const int8_t *w = p->weights;
    int32_t channel = 0;
    for (int32_t o = 0; o < p->out_n; o++) {
        int32_t acc = p->bias ? MICA_ROM_S32(&p->bias[o]) : 0;
        for (int32_t i = 0; i < p->in_n; i++, w++)
            acc += MICA_ROM_S8(w) * (int32_t)(in[i] - p->in_zero);
        acc = mica_scale_f64(acc, MICA_ROM_S32(&p->scale_high[channel]),
                             (uint32_t)MICA_ROM_S32(&p->scale_low[channel]),
                             MICA_ROM_S8(&p->shift[channel]));
        out[o] = mica_saturate_s8(acc, p->out_zero, p->out_min, p->out_max);
        channel += p->channel_step;
    }
}

#endif
