/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_CONV2D_PIXELS_H
#define MICA_CONV2D_PIXELS_H

#include <stdint.h>

/* The walk over the output pixels of a strip, row after row, three at a time. */
struct mica_conv2d_pixels {
    const int8_t *const *rows; /* of the window of the next pixel */
    int8_t *out;
    int32_t x, out_w, out_c, stride_h, stride_w, pad_left;
    const int8_t *const *of[3]; /* rows of three windows, their first columns and outputs */
    int32_t left[3];
    int8_t *to[3];
};

/* The next three of n pixels; where n is less, the others are copies of the first. */
static inline void mica_conv2d_next_pixels(struct mica_conv2d_pixels *at, int32_t n)
{
    for (int k = 0; k < 3; k++) {
        const int copy = k >= n;
        at->of[k] = copy ? at->of[0] : at->rows;
        at->left[k] = copy ? at->left[0] : at->x * at->stride_w - at->pad_left;
        at->to[k] = copy ? at->to[0] : at->out;
        at->out += at->out_c;
        if (++at->x == at->out_w) {
            at->x = 0;
            at->rows += at->stride_h;
        }
    }
}

#endif
