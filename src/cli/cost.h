/* SPDX-License-Identifier: Apache-2.0 */
/* cost.h - one model measured on one core for one objective, and how it is shown. */
#ifndef MICA_CLI_COST_H
#define MICA_CLI_COST_H

#include <stdio.h>

#include "cli/cli.h"
#include "measure/cost.h"

struct cost_entry {
    const char *model; /* its path, as given */
    struct mica_options options;
    struct target target;
    struct mica *m; /* keeps the names of the layers */
    struct cost cost;
};

/* Measures; options and target are set. Without files the inputs are made up. 0, or the exit
 * status after a message. cost_entry_free() in either case. */
int cost_entry_measure(struct cost_entry *, const struct cli_files *inputs, unsigned wait_states);
void cost_entry_free(struct cost_entry *);

uint64_t cost_flash(const struct cost *); /* code, weights and tables */
uint64_t cost_ram(const struct cost *);   /* all that must be there, the stack as bounded */

/* ---- budget.c -------------------------------------------------------------------------------- */

/* The most that is allowed; 0: anything. */
struct budget {
    uint64_t flash, ram, cycles;
};
/* Reads the value of a flag, which may be missing; nonzero after a message. */
int budget_read(uint64_t *to, const char *flag, const char *text);
/* Measures and compares: 0, or the exit status after a message that says what exceeds. */
int budget_check(const char *model, const struct mica_options *, const struct budget *);

/* ---- cost_print.c ---------------------------------------------------------------------------- */

enum cost_form { COST_TEXT, COST_MARKDOWN };
/* explain: why each layer got its kernel, too. */
void cost_print(FILE *, const struct cost_entry *, int n, enum cost_form, double mhz, bool explain);
void cost_print_json(FILE *, const struct cost_entry *, int n, bool explain);

#endif
