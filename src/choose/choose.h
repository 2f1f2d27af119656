/* SPDX-License-Identifier: Apache-2.0 */
/* choose.h - which of its ways an operator is lowered, and what each would cost.
 *
 *   table.c       instructions and bytes of kernels, as measured (target/CLASS.kernels)
 *   quantities.c  how often a call does what the table has a price for
 *   choose.c      the best choice for the whole model
 */
#ifndef MICA_CHOOSE_H
#define MICA_CHOOSE_H

#include "ir.h"

enum {
    CHOICE_FILES_MAX = 512,   /* more than there are in kernels/ */
    CHOICE_BUFFER_MAX = 1536, /* bytes of kernels' own buffer where memory is what counts */
    CHOICE_BUFFER_MIN = 96    /* less serves none of them */
};

/* A way that a node may go. */
struct candidate {
    const struct way *way; /* NULL: the operator has but one */
    const char *why;       /* it does not fit; NULL: it does */
    bool is_guess;         /* a kernel that the table of prices does not know */
    double instructions;
    int64_t flash;   /* of constants, parameters and calls, without the kernels */
    int32_t scratch; /* bytes of temporary memory */
    uint64_t files[CHOICE_FILES_MAX / 64]; /* kernel files it needs */
    struct totals model;                   /* what the model would cost with it */
};

struct menu {
    int n, chosen;
    bool is_forced; /* options.ways names it */
    struct candidate *at;
};

/* The texts of target/CLASS.kernels; tools/embed.c writes the table. Ends with a NULL name. */
struct cost_file {
    const char *name, *text;
};
extern const struct cost_file cost_files[];

/* ---- quantities.c ---------------------------------------------------------------------------- */

/* One call of a step, and whether rows are pushed: then every call makes one row. */
struct facts {
    const struct step *step;
    const struct call *call;
    bool by_row;
};

/* Names of quantities, for the command that fits the table; NULL after the last. */
const char *quantity_name(int i);
/* The value of one; name need not end with '\0'. -1: there is no such quantity. */
double quantity(const struct facts *, const char *name, size_t n);

/* ---- table.c --------------------------------------------------------------------------------- */

/* The prices that serve a core under an objective. */
struct prices {
    const char *table; /* text of the class; NULL: nothing is known of the core */
    const char *level; /* "O2" or "Os": how generated code is meant to be compiled */
};
struct prices prices_of(const struct mica_options *);
/* Instructions of a call; negative: the table does not know its kernel. */
double price_call(const struct prices *, const struct facts *);
/* Bytes of code of a kernel file, and of what a call of a kernel takes beside it ("call"). 0: not
 * known. */
double price_file(const struct prices *, const char *file);

#endif
