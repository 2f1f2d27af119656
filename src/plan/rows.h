/* SPDX-License-Identifier: Apache-2.0 */
/* rows.h - what the files of the row schedule share.
 *
 *   tables.c  a program as the walker's tables: operators, edges, tensors of rows
 *   walk.c    runs the walker once: turns, and the life of every row
 *   map.c     an address for every row
 *   rows.c    tries orders, cuts and strips, and keeps the best
 */
#ifndef MICA_PLAN_ROWS_H
#define MICA_PLAN_ROWS_H

#include "ir.h"
#include "row_walk.h"

/* Numbers of operators, of their edges and of tensors are bytes in the device's tables. */
enum { ROW_TENSORS_MAX = 255, ROWS_MAX = 32767 };

/* What may be chosen about a schedule. */
struct choice {
    int cut;       /* operators from this one on do all rows in one turn */
    int32_t strip; /* rows a turn of the others */
    uint32_t late; /* bit i: branch i waits as long as its sibling */
};

/* A short branch beside a longer one: both read one tensor, the sibling through a larger window. */
struct branch {
    int step, sibling;
};

struct rows_work {
    struct ctx *ctx;
    struct program *program;
    bool by_row, keep_input;
    int n_branches;
    struct branch branch[8];
};

/* ---- tables.c
 * ------------------------------------------------------------------------------------ */

void rows_find_branches(struct rows_work *);
/* The tables for a choice. Fails where the program cannot be pushed. */
struct schedule *rows_tables(struct rows_work *, const struct choice *);

/* ---- walk.c
 * --------------------------------------------------------------------------------------- */

void rows_walk(struct rows_work *, struct schedule *);

/* ---- map.c
 * ---------------------------------------------------------------------------------------- */

/* The most bytes that live rows hold at once. */
int32_t rows_lower_bound(struct rows_work *, const struct schedule *);
/* Addresses; returns the plan with everything else that needs memory. */
struct plan *rows_map(struct rows_work *, struct schedule *);

#endif
