/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - what the files of measure/ share with each other. */
#ifndef MICA_MEASURE_INTERNAL_H
#define MICA_MEASURE_INTERNAL_H

#include "measure.h"

/* ---- process.c ------------------------------------------------------------------------------- */

/* A command line, as a list; no shell is involved. */
struct args {
    const char *at[96]; /* ends with NULL */
    int n;
    bool full; /* something did not fit */
    char text[16384];
    size_t used;
};
void args_start(struct args *, const char *program);
void args_add(struct args *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void args_split(struct args *, const char *flags); /* at blanks */

enum outcome { PROCESS_EXITED, PROCESS_KILLED, PROCESS_TIMED_OUT, PROCESS_NOT_STARTED };
struct process {
    const struct args *args;
    const char *dir; /* where it runs; NULL: here */
    const char *log; /* file that takes what it prints */
    int seconds;
    /* out */
    enum outcome outcome;
    int code; /* exit status, or signal */
};
void process_run(struct process *);
bool program_exists(const char *name); /* in PATH, or a path itself */

/* ---- work.c: the temporary directory --------------------------------------------------------- */

/* A directory's path leaves room for a name in it. */
enum { PATH_BYTES = 1024, WORK_DIR_BYTES = PATH_BYTES - 260 };

struct work {
    char dir[WORK_DIR_BYTES];
};
int work_open(struct work *, struct measure_error *);
void work_close(struct work *); /* removes it with its files */
/* The path of a file in it; `path` has PATH_BYTES. */
const char *work_path(const struct work *, char *path, const char *name);
int work_write(const struct work *, const char *name, const void *, size_t n,
               struct measure_error *);
/* Reads a whole file into fresh memory with a NUL behind it; NULL: message. */
char *work_read(const struct work *, const char *name, size_t *n, struct measure_error *);

/* ---- harness.c: the program around the model ------------------------------------------------- */

/* The C text of the program, fresh memory; NULL: message. */
char *harness_text(const struct measure_job *, struct measure_error *);
/* Before the inputs of all inferences the program reads their number; behind the outputs it writes
 * the trailer. All little-endian. A program with its data in flash finds the address of its data in
 * the record at the end of flash. */
enum { COUNT_BYTES = 4, RECORD_BYTES = 4, TRAILER_BYTES = 8 };
struct trailer {
    uint32_t stack_bytes, scratch_bytes;
};
struct trailer trailer_read(const uint8_t *);
void number_write(uint8_t *to, uint32_t);
/* What of the model runs: "run", or "push" where the input comes row by row. */
const char *job_entry(const struct measure_job *);
bool job_has_state(const struct measure_job *);  /* its memory is a state with all in it */
size_t job_in_bytes(const struct measure_job *); /* of one inference */
size_t job_out_bytes(const struct measure_job *);

/* ---- build.c, run.c -------------------------------------------------------------------------- */

/* Leaves model.o (weights.o), harness.o and program.elf in the work directory. */
int build_program(const struct measure_job *, const struct work *, struct measure_error *);
/* Links the model without program and start-up, for the size of the library functions it needs;
 * leaves alone.elf. -1 without a message where that does not work. */
int build_alone(const struct measure_job *, const struct work *);

/* Says by how many bytes the program is too large; -1. */
int fail_too_large(const struct measure_job *, bool is_ram, uint64_t excess,
                   struct measure_error *);

/* Are compiler and emulator installed? -1 and a message where they are not. */
int measure_tools(const struct target *, struct measure_error *);
int run_program(const struct measure_job *, const struct work *, struct measure_report *);

/* ---- elf.c: sizes and contents of object files and programs ---------------------------------- */

/* Adds the sections of the file to *sum; -1: not an ELF file that this reader knows. */
int elf_footprint(const char *path, const struct target *, struct footprint *sum);
/* Copies what the program has in flash to image[0, flash.bytes) and sets *used to its end. */
int elf_image(const char *path, const struct target *, uint8_t *image, uint32_t *used);

enum { ELF_NO_TYPE = 0, ELF_OBJECT = 1, ELF_FUNCTION = 2 };
struct elf_symbol {
    const char *name;
    uint64_t value, bytes;
    unsigned type;
    bool in_flash; /* code or constant */
};
/* Calls visit() for each symbol; -1: not an ELF file that this reader knows. */
int elf_symbols(const char *path, void (*visit)(void *user, const struct elf_symbol *), void *user);
/* The contents of a section in fresh memory; NULL: there is none. */
uint8_t *elf_section(const char *path, const char *name, size_t *n);

#endif
