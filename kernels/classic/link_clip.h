/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_LINK_CLIP_H
#define MICA_LINK_CLIP_H

#include <stdint.h>

struct mica_link_clip {
    double low, high;
};

/* out[i] = x[i], but at least low and at most high; NaN stays NaN */
static inline void mica_link_clip(const struct mica_link_clip *p, const double *x, double *out,
                                  int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        out[i] = x[i] < p->low ? p->low : x[i] > p->high ? p->high : x[i];
}

#endif
