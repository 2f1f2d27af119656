/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_RING_ROW_H
#define MICA_RING_ROW_H

/* Where row `row`, counted from the start of a ring's memory and below twice its depth, lies in the
 * ring. Small cores have no instruction that divides. */
static inline int mica_ring_row(int row, int depth)
{
    return row < depth ? row : row - depth;
}

#endif
