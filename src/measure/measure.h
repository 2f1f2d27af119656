/* SPDX-License-Identifier: Apache-2.0 */
/* measure.h - cores, cross compilers and emulators: runs generated code and weighs it.
 *
 * Part of the command, not of libmica: it starts processes and writes temporary files. The facts of
 * a core stand in target/CORE.target (target/README.md says what the keys mean).
 */
#ifndef MICA_MEASURE_H
#define MICA_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mica.h"

/* ---- target.c: facts ------------------------------------------------------------------------- */

/* The text of target/<name>.target; tools/embed.c writes the table. Ends with a NULL name. */
struct target_file {
    const char *name, *text;
};
extern const struct target_file target_files[];
/* The texts of target/<name>.cycles. */
extern const struct target_file cycle_files[];

enum { FACT_BYTES = 192 };

enum float_hardware { FLOAT_NONE, FLOAT_SINGLE, FLOAT_DOUBLE };
enum data_path { DATA_FILES, DATA_FLASH };

/* bytes is 0 where the operating system decides. */
struct memory {
    uint32_t origin, bytes;
};

struct target {
    char core[FACT_BYTES], about[FACT_BYTES];
    char compiler[FACT_BYTES], compiler_package[FACT_BYTES];
    char compile_flags[FACT_BYTES], link_flags[FACT_BYTES];
    char emulator[FACT_BYTES], emulator_package[FACT_BYTES], emulator_flags[FACT_BYTES];
    char machine[FACT_BYTES];
    struct memory flash, ram;
    uint32_t vectors; /* flash.origin, unless the core starts elsewhere */
    int pointer_bytes;
    enum float_hardware float_hardware;
    bool has_dsp, has_helium;
    enum data_path data;
    char stack[FACT_BYTES]; /* symbol of the lowest byte; "" where there is none */
};

/* What went wrong, for the user. */
struct measure_error {
    char text[2048];
};
/* Formats the message and returns -1. */
int measure_fail(struct measure_error *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Finds the facts of a core; -1 and a message that lists the cores where there is no such one. */
int target_find(const char *core, struct target *, struct measure_error *);
/* The i-th core in the order of `mica targets`, NULL after the last. */
const char *target_name(int i);
/* Parses the text of one file of facts. */
int target_parse(const char *core, const char *text, struct target *, struct measure_error *);
bool target_has_compiler(const struct target *);
bool target_has_emulator(const struct target *); /* true where none is needed */

/* ---- measure: run and weigh ------------------------------------------------------------------ */

/* Bytes by where they live. Flash is code + constants + data; RAM that is always taken, data + bss.
 */
struct footprint {
    uint64_t code, constants, data, bss;
};

/* One model to run. `in` holds n inferences one after another, each the inputs in order without
 * gaps; `out` takes the outputs the same way. */
struct measure_job {
    const struct target *target;
    const char *name;                      /* of the generated files: NAME.h, NAME.c */
    const char *header, *source, *weights; /* their text; weights: of NAME_weights.c, or NULL */
    const struct mica_options *options;    /* it was compiled with */
    int n_inputs, n_outputs;
    const struct mica_tensor *input, *output;
    size_t n;
    const void *in;
    void *out;
    int seconds;                /* limit for one start of the emulator; 0: MEASURE_SECONDS */
    const char *model_flags;    /* further options for compiling the model, or NULL */
    const char *emulator_flags; /* further options of the emulator, or NULL */
    const char *harness; /* C text of harness_enter(), _leave() (around a run), _end(); or NULL */
};

enum { MEASURE_SECONDS = 600 };

struct measure_report {
    struct measure_error error;
    struct footprint model; /* of the generated code alone */
    uint64_t library;       /* flash of what the model calls: C library and compiler run-time */
    bool library_known;
    uint32_t scratch_bytes;
    uint32_t stack_bytes; /* deepest of all inferences, from the call of NAME_run */
    int starts;           /* of the emulator */
};

/* Compiles, links and runs; 0, or -1 and a message in the report. */
int measure_run(const struct measure_job *, struct measure_report *);

#endif
