/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_DENSE_BYTES_S8_H
#define MICA_DENSE_BYTES_S8_H

#include <stdint.h>

#include "bytes.h"

struct mica_dense_bytes_s8 {
    int32_t in_n, out_n;
    const int8_t *weights; /* [out_n / 2, rounded up][in_n][2], 128 added */
    const int32_t *scales; /* [out_n][4], see mica_bytes_out() */
};

MICA_CALLED void mica_dense_bytes(const struct mica_dense_bytes_s8 *p, const int8_t *in,
                                  int8_t *out)
{
    const uint16_t in_n = (uint16_t)p->in_n;
    const int8_t *w = p->weights;
    const int32_t *scale = p->scales;
    struct mica_bytes job = {.out = out, .n = 1};
    uint32_t sums[2], sum = 0;
    for (uint16_t i = 0; i < in_n; i++)
        sum += (uint8_t)(in[i] ^ -128);
    sum = 0 - 128 * sum;
    for (uint16_t left = (uint16_t)p->out_n; left > 0; w += 2 * in_n) {
        mica_bytes_two(w, in, in_n, &sum, sums);
        for (uint8_t k = 0; k < 2 && left > 0; k++, left--, scale += 4, job.out++) {
            job.sums[0] = sums[k];
            mica_bytes_out(scale, &job);
        }
    }
}

/* A fully connected layer, two outputs at a time: in[in_n] -> out[out_n]. The arithmetic is that of
 * mica_dense_s8(). */
static inline void mica_dense_bytes_s8(const struct mica_dense_bytes_s8 *p, const int8_t *in,
                                       int8_t *out)
{
    mica_dense_bytes(p, in, out);
}

#endif
