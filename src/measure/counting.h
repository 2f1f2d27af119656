/* SPDX-License-Identifier: Apache-2.0 */
/* counting.h - what cost.c needs of count.c and stack.c. */
#ifndef MICA_MEASURE_COUNTING_H
#define MICA_MEASURE_COUNTING_H

#include "cost.h"
#include "internal.h"

/* ---- count.c --------------------------------------------------------------------------------- */

/* Writes marks.h, which a marked source is compiled with: marks are labels, or calls. */
int marks_header(const struct measure_job *, const struct work *, int n_steps, bool by_call,
                 struct measure_error *);
/* Puts the plugin and its job for the linked program into the work directory. */
int count_prepare(const struct measure_job *, const struct work *, const char *isa, int n_steps,
                  struct measure_error *);
/* What the plugin counted in the last run. */
int count_read(const struct work *, int n_steps, uint64_t (*counts)[COUNT_ALL],
               struct measure_error *);
/* The harness text for marks that are calls; fresh memory. */
char *marks_harness(const struct target *, int n_steps, struct measure_error *);
/* The n figures that such a program printed: cycles on AVR, nanoseconds on the host. */
int marks_read(const struct work *, size_t n, uint64_t *to, struct measure_error *);

/* ---- stack.c --------------------------------------------------------------------------------- */

/* The deepest stack that any path from NAME_run in alone.elf (the host: model.o) can take, from
 * what the compiler says of each function; 0: unknown. */
uint64_t stack_bound(const struct measure_job *, const struct work *);

#endif
