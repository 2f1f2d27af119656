/* SPDX-License-Identifier: Apache-2.0 */
/* cost.h - what a compiled model costs on a core, in all and by layer.
 *
 * Docs: docs/cost.md. Instructions are exact counts, cycles of emulated cores are estimates by
 * the table target/CORE.cycles (on AVR: what simavr counts), bytes are those of the linked files.
 */
#ifndef MICA_MEASURE_COST_H
#define MICA_MEASURE_COST_H

#include "measure/count/count.h"
#include "measure/measure.h"

/* ---- cycles.c: tables ------------------------------------------------------------------------ */

/* Cycles in hundredths, for each class and event. */
struct cycle_table {
    char isa[16];
    char error[FACT_BYTES]; /* how far off estimates are, for people */
    int cost[COUNT_ALL];
};
/* 0; 1: the core has no table; -1: a message. */
int cycles_find(const char *core, struct cycle_table *, struct measure_error *);
/* Parses the text of one table. */
int cycles_parse(const char *core, const char *text, struct cycle_table *, struct measure_error *);
uint64_t cycles_estimate(const struct cycle_table *, const uint64_t *count, unsigned wait_states);
const char *count_name(int i); /* "load", as in classes.def; NULL after the last */

/* ---- cost.c ---------------------------------------------------------------------------------- */

/* Where figures come from. */
enum cost_source {
    COST_COUNTED, /* instructions counted, cycles estimated */
    COST_CYCLES,  /* cycles counted by the emulator */
    COST_TIME     /* nanoseconds on this machine: the median of several runs */
};

/* One layer, or the sum of all. */
struct cost_layer {
    struct mica_layer facts;
    uint64_t count[COUNT_ALL]; /* COST_COUNTED */
    uint64_t instructions, cycles, nanoseconds;
    uint64_t weight_bytes, table_bytes; /* of flash */
};

struct cost_job {
    struct measure_job run; /* with the text that ships; counts are the mean of its n inferences */
    const char *marked_source; /* the same with marks between the steps */
    int n_layers;
    const struct mica_layer *layer;
    unsigned wait_states;
};

struct cost {
    enum cost_source source;
    struct cycle_table table; /* COST_COUNTED */
    int n_layers;
    struct cost_layer *layer;
    struct cost_layer total; /* its facts: only macs and parameters */
    /* Instructions (or cycles, of the mark's calls) that the marked build took beyond the one that
     * ships. */
    int64_t mark_overhead;
    uint64_t code_bytes, weight_bytes, table_bytes; /* they add up to the flash that is linked */
    uint64_t static_bytes;                          /* RAM that is always taken */
    uint64_t scratch_bytes, state_bytes, io_bytes;
    uint64_t stack_bytes; /* deepest seen */
    uint64_t stack_bound; /* no path can go deeper; 0: unknown */
};

/* Builds, weighs, runs and counts; 0, or -1 and a message. cost_free() in either case. */
int cost_measure(const struct cost_job *, struct cost *, struct measure_error *);
void cost_free(struct cost *);

#endif
