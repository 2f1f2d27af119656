/* SPDX-License-Identifier: Apache-2.0 */
/* cli.h - what the subcommands share: flags, files, messages. */
#ifndef MICA_CLI_CLI_H
#define MICA_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include "mica.h"

/* Exit status of every subcommand; the help pages list them. */
enum { CLI_OK = 0, CLI_REFUSED = 1, CLI_USAGE = 2, CLI_MISMATCH = 3 };

enum { CLI_FILES_MAX = 64 };

/* --input and --output: PATH, or NAME=PATH. */
struct cli_file {
    const char *name; /* NULL: not given */
    const char *path;
};
struct cli_files {
    int n;
    struct cli_file at[CLI_FILES_MAX];
};

/* The models of a command that takes several. */
struct cli_models {
    int n;
    const char *at[CLI_FILES_MAX];
};

/* ---- flags.c --------------------------------------------------------------------------------- */

enum cli_kind {
    CLI_SWITCH,
    CLI_TEXT,
    CLI_NUMBER,
    CLI_FILES,
    CLI_PROFILE,
    CLI_OPTIMIZE,
    CLI_MODELS /* no flag: the words that are none, one or more; its name is "" */
};
struct cli_flag {
    const char *name; /* "--output"; a second spelling after a space: "--output -o" */
    enum cli_kind kind;
    void *to; /* int, const char *, struct cli_files, struct cli_models, enum mica_profile, ... */
};

/* What every command that compiles takes, as rows of a table of flags. */
#define CLI_COMPILE_FLAGS(options)                                                                \
    {"--profile", CLI_PROFILE, &(options).profile},                                               \
        {"--optimize", CLI_OPTIMIZE, &(options).optimize},                                        \
        {"--by-row", CLI_SWITCH, &(options).by_row},                                              \
        {"--keep-input", CLI_SWITCH, &(options).keep_input},                                      \
        {"--stream", CLI_NUMBER, &(options).stream_axis},                                         \
        {"--functions", CLI_TEXT, &(options).functions},                                          \
        {"--finite", CLI_SWITCH, &(options).finite},                                              \
        {"--leaf-bits", CLI_NUMBER, &(options).leaf_bits},                                        \
        {"--float64", CLI_SWITCH, &(options).float64},                                            \
        {"--input-type", CLI_TEXT, &(options).input_type}, {"--ways", CLI_TEXT, &(options).ways}, \
    {                                                                                             \
        "--keep-channels", CLI_SWITCH, &(options).keep_channels                                   \
    }

/* Parses argv[1..]; flags may stand anywhere. *model takes the one word that is no flag (NULL: the
 * command takes none, or several). Returns -1 to go on, else the exit status (help was printed, or
 * wrong use). flags ends with a NULL name. */
int cli_parse(int argc, char **argv, const char *help, const struct cli_flag *flags,
              const char **model);
/* Prints "mica COMMAND: message" and a hint to --help; returns CLI_USAGE. */
int cli_usage(const char *command, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The words of --optimize. -1: no such one. */
int cli_optimize_find(const char *word);
const char *cli_optimize_name(enum mica_optimize);
/* Prints "mica: message"; returns CLI_REFUSED. */
int cli_refuse(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* ---- files.c --------------------------------------------------------------------------------- */

/* The whole file, or NULL and a message on stderr. */
void *cli_read_file(const char *path, size_t *n);
/* Writes through a temporary name, so that no partial file is ever seen; -1 and a message. */
int cli_write_file(const char *path, const void *bytes, size_t n);
/* Makes the folder unless it is there; -1 and a message. */
int cli_make_folder(const char *path);
/* Loads the model; NULL and a message. */
struct mica *cli_load(const char *path);
bool cli_is_estimator(struct mica *); /* its outputs have roles */

/* ---- tensors.c: .npy files and the inputs and outputs of a model
 * --------------------------------- */

/* What a run needs: inputs read and checked, room for outputs. */
struct cli_tensors {
    int n_inputs, n_outputs;
    struct mica_tensor input[CLI_FILES_MAX], output[CLI_FILES_MAX];
    size_t in_bytes, out_bytes; /* of one inference, all tensors one after another */
    size_t n;                   /* inferences */
    size_t in_skip, in_step;    /* bytes of `in` before the first, and from one to the next */
    struct mica_stream stream;  /* rows is 0: no stream */
    size_t frames;              /* of a stream: windows overlap, so `in` is frames * row_bytes */
    size_t row_bytes;
    bool batched;            /* the files have an axis of inferences, also where n is 1 */
    bool keeps_axis;         /* it stands before the tensor's shape, not for its leading 1 */
    unsigned char *in, *out; /* all inputs; n * out_bytes */
};

/* Reads the inputs for a loaded model; 0, or the exit status after a message. */
int cli_tensors_read(struct cli_tensors *, struct mica *, const char *command,
                     const struct cli_files *inputs, const struct cli_files *outputs);
/* One inference of made-up inputs, always the same: bytes of all values, floats in [-1, 1). */
int cli_tensors_random(struct cli_tensors *, struct mica *);
/* Runs all inferences on the host, into `out` (n * out_bytes). */
int cli_tensors_eval(const struct cli_tensors *, struct mica *, unsigned char *out);
/* Writes the outputs that --output asks for; 0, or the exit status after a message. */
int cli_tensors_write(const struct cli_tensors *, const struct cli_files *outputs);
void cli_tensors_free(struct cli_tensors *);

/* ---- leaves.c -------------------------------------------------------------------------------- */

/* Prints what rounded leaves (options->leaf_bits) change of `predict` in the rows of the input; 0,
 * or the exit status after a message. */
int cli_leaves_report(const char *model, const struct mica_options *options,
                      const struct cli_files *inputs);

/* ---- one function a subcommand
 * ------------------------------------------------------------------- */

int cmd_compile(int argc, char **argv);
int cmd_inspect(int argc, char **argv);
int cmd_dump(int argc, char **argv);
int cmd_eval(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_cost(int argc, char **argv);
int cmd_targets(int argc, char **argv);
int cmd_operators(int argc, char **argv);

#endif
