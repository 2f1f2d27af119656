/* SPDX-License-Identifier: Apache-2.0 */
/* mica.h - the public interface of libmica: a trained model in, standalone C99 out.
 *
 *     struct mica *m = mica_new();
 *     if (mica_load(m, "model.tflite", bytes, n_bytes) || mica_compile(m, &options))
 *         fprintf(stderr, "%s\n", mica_error(m));
 *     else
 *         fwrite(mica_text(m, MICA_SOURCE), ...);
 *     mica_free(m);
 *
 * The library starts no process, opens no file, prints nothing and never exits. Handles are
 * independent of each other; one handle is used by one thread at a time. Functions that can fail
 * return 0 or -1 and leave one message, which names the file and the node, in the handle.
 */
#ifndef MICA_H
#define MICA_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MICA_VERSION "0.1.0"

/* Which reference the integer arithmetic equals, bit for bit (docs/quantization.md). */
enum mica_profile {
    MICA_PROFILE_TFLM,   /* TensorFlow Lite Micro: two roundings; the default */
    MICA_PROFILE_SINGLE, /* one rounding: ruy, CMSIS-NN's single-rounding build */
    MICA_PROFILE_LITERT, /* LiteRT's reference kernels */
    MICA_PROFILE_COUNT
};

/* speed, size: the fewest instructions, the fewest bytes of flash; whole tensors, step by step.
 * ram: rows are pushed through the graph. balanced: the least product of time and flash, whole
 * tensors. */
enum mica_optimize {
    MICA_OPTIMIZE_SPEED,
    MICA_OPTIMIZE_SIZE,
    MICA_OPTIMIZE_RAM,
    MICA_OPTIMIZE_BALANCED,
    MICA_OPTIMIZE_COUNT
};

/* Names of the features or the classes of an estimator. */
struct mica_names {
    int n; /* 0: as the file has them */
    const char *const *name;
    const int32_t *value; /* classes: the integers that the model was trained with; or NULL */
};

struct mica_options {
    const char *name;   /* prefix of all symbols and files; a C identifier; NULL: "model" */
    const char *target; /* a core of `mica targets`; NULL: "host" */
    enum mica_profile profile;
    enum mica_optimize optimize;
    int share_io;        /* inputs and outputs live inside the scratch memory */
    int split_weights;   /* constants go to a second source file */
    const char *library; /* kernels are called in LIBRARY.c, see mica_library(); NULL: pasted */
    int keep_channels;   /* for debugging: channels that change no output are computed too */
    int mark_steps;  /* for measuring: NAME_MARK(step) or NAME_MARK_TURN(step) before each step */
    int by_row;      /* ram: the input comes row by row */
    int keep_input;  /* ram: a run does not overwrite its input */
    int64_t max_ram; /* bytes of memory with inputs and outputs; the fastest schedule that fits is
                        taken, whatever `optimize` says of them; 0: no limit */
    int stream_axis; /* the input's axis of endless time; 0: no stream (axis 0 is the batch) */
    /* For measuring: ways to lower operators, with commas, "pairs,plain"; they are taken wherever
     * they fit. NULL: all are chosen. */
    const char *ways;
    /* Of estimators only: */
    const char *functions;  /* those wanted, with commas: "predict,predict_proba"; NULL: all */
    const char *input_type; /* the caller promises int8, uint8 or int16; NULL: float32 */
    int finite;             /* the caller promises features that are numbers, never NaN */
    int leaf_bits; /* 4 to 24: leaves of trees are rounded to so many bits, and labels are certain
                      where rounding cannot change them; 0: answers are the library's */
    int float64; /* numbers are given as double, bit for bit those of the training library's sums */
    struct mica_names features, classes;
};

/* What mica_text() gives; valid until the handle is freed or compiles again. */
enum mica_text {
    MICA_HEADER,  /* NAME.h */
    MICA_SOURCE,  /* NAME.c */
    MICA_WEIGHTS, /* NAME_weights.c, NULL without split_weights */
    MICA_DUMP,    /* the text form after the pass named in mica_dump() */
    MICA_INSPECT, /* layers, types, memory, for people */
    MICA_JSON,    /* the same for programs */
    MICA_WAYS,    /* why each layer got its kernel, for people */
    MICA_WAYS_JSON,
    MICA_TEXT_COUNT
};

/* One input or output of the model. */
struct mica_tensor {
    const char *name;   /* as in the model */
    const char *c_name; /* as a parameter of the generated function */
    const char *type;   /* "float32", "int8", ... */
    int rank;
    int32_t dim[6];
    size_t bytes;
    float scale; /* 0: not quantised */
    int32_t zero;
    const char *role; /* output of an estimator: its function is NAME_<role>; NULL: of a network */
    /* Numbers made by leaves that are rounded: after mica_compile(), how far they may be from the
     * training library's, besides 1e-6 of themselves: by so much, or else this part of them. */
    double error, relative_error;
};

struct mica; /* a handle */

struct mica *mica_new(void); /* NULL: no memory */
void mica_free(struct mica *);
const char *mica_error(const struct mica *); /* "" where nothing failed */

/* Reads a model of any format of docs/models.md, or the text form (told apart by their contents).
 * `name` is used in messages only. The bytes need not stay. */
int mica_load(struct mica *, const char *name, const void *bytes, size_t n_bytes);

/* Compiles what was loaded; options may be NULL. */
int mica_compile(struct mica *, const struct mica_options *);

/* One library for the kernels of n models that were compiled with options.library, each of them
 * once: MICA_HEADER and MICA_SOURCE of a handle without a model. Fails where the models do not go
 * together. */
int mica_library(struct mica *library, struct mica *const *model, int n);

/* Runs the passes up to the named one ("read", "infer", ... see mica_pass_name()) for MICA_DUMP. */
int mica_dump(struct mica *, const char *pass, const struct mica_options *);
const char *mica_pass_name(int i); /* NULL after the last */

const char *mica_text(const struct mica *, enum mica_text);

/* Inputs and outputs, after mica_load(); -1 where there is no such one. Those of an estimator are,
 * after mica_compile(), as its options want them. */
int mica_input(struct mica *, int i, struct mica_tensor *);
int mica_output(struct mica *, int i, struct mica_tensor *);

/* Class i of label `label` of an estimator (most have one label, 0): its name, and its number in
 * *value where that is not NULL; after mica_load(). NULL where there is no such one. */
const char *mica_class(const struct mica *, int label, int i, int32_t *value);
/* The name of feature i; NULL: it has none. */
const char *mica_feature(const struct mica *, int i);

/* One step of the compiled program. */
struct mica_layer {
    const char *name; /* of the node, as in the model */
    const char *op;   /* its operator: "conv2d" */
    const char *type; /* of its output: "int8" */
    int in_rank, out_rank;
    int32_t in_dim[6], out_dim[6]; /* of its first input and output */
    int64_t macs, parameters;
    int64_t live_bytes; /* of scratch that hold something while it runs; ram: 0, rows come and go */
};

/* Step i after mica_compile(); -1 where there is no such one. Strings live as long as the text. */
int mica_layer(const struct mica *, int i, struct mica_layer *);

/* What a model compiled with stream_axis does. */
struct mica_stream {
    int32_t rows;        /* of the input in one window */
    int32_t hop, first;  /* rows of the input between two outputs; until the first output */
    int32_t state_bytes; /* of NAME_state */
    int64_t macs;        /* of one output */
};

/* After mica_compile(); -1 where it was no stream. */
int mica_stream(const struct mica *, struct mica_stream *);

/* 1: what was compiled pushes rows, because of `optimize` or of `max_ram`; 0: whole tensors. */
int mica_pushes_rows(const struct mica *);

/* Runs the compiled program once on this machine, with the kernels that the C file would contain.
 * in[i] and out[i] point to the bytes of input and output i; those of a stream are a whole window
 * and the output that the stream gives at its end. */
int mica_eval(struct mica *, const void *const *in, void *const *out);

/* The table of supported operators in Markdown (docs/operators.md); NULL: no memory. Valid until
 * the handle is freed or compiles again. */
const char *mica_operators(struct mica *);

#ifdef __cplusplus
}
#endif
#endif
