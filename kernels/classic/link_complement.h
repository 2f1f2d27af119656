/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_LINK_COMPLEMENT_H
#define MICA_LINK_COMPLEMENT_H

/* out = [1 - x, x]; x may be out[1]. */
static inline void mica_link_complement(const double *x, double *out)
{
    const double y = x[0];
    out[0] = 1.0 - y;
    out[1] = y;
}

#endif
