/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_ROW_WALK_H
#define MICA_ROW_WALK_H

#include <stdint.h>

#include "rom.h"

/* Counters of rows: one byte each where no tensor has more than 255 rows. */
#ifndef MICA_ROW_COUNT
#define MICA_ROW_COUNT uint16_t
#endif

/* An operator as the row schedule sees it. */
struct mica_row_op {
    uint16_t rows;       /* to make, or to take where it accumulates */
    uint16_t strip;      /* rows a turn */
    uint8_t made;        /* its counter */
    uint8_t edge, edges; /* the first of its inputs, and how many */
    uint8_t next;        /* the last operator that waits for it: whom to ask after its turn */
};

/* One input of an operator: its output rows up to `end` need
 * min((end - 1) * stride + reach, rows_in) rows of it. The minimum is the padding below. */
struct mica_row_edge {
    uint8_t made; /* counter of the input */
    uint8_t stride;
    int16_t reach;
    uint16_t rows_in;
};

/* The operator whose turn it is: of those that are ready the last, at or before `i`; *end is the
 * row its turn goes to. -1: none is ready, and the next row of the input is wanted. */
static inline int mica_row_turn(const struct mica_row_op *ops, const struct mica_row_edge *edges,
                                const MICA_ROW_COUNT *made, int i, int *end)
{
    for (; i >= 0; i--) {
        const struct mica_row_op *o = MICA_ROM_COPY(mica_row_op, ops[i]);
        const int row = made[o->made], rows = (int)o->rows, strip = (int)o->strip;
        const int to = row + strip < rows ? row + strip : rows;
        int waits = row >= rows;
        for (int k = o->edge; k < o->edge + o->edges && !waits; k++) {
            const struct mica_row_edge *e = MICA_ROM_COPY(mica_row_edge, edges[k]);
            int32_t need = (int32_t)(to - 1) * e->stride + e->reach;
            waits = made[e->made] < (need < e->rows_in ? need : e->rows_in);
        }
        *end = to;
        if (!waits)
            return i;
    }
    return -1;
}

#endif
