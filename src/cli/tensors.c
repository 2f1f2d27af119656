/* SPDX-License-Identifier: Apache-2.0 */
/* tensors.c - .npy files as inputs and outputs of a model, one inference or many. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/npy.h"

/* How a file's shape fits a tensor's. */
enum fit {
    FIT_NONE,
    FIT_ONE,   /* the tensor's shape: one inference */
    FIT_AXIS,  /* [N, ...shape]: N inferences */
    FIT_BATCH, /* [N, ...rest] for a tensor [1, ...rest], as Python's tools batch */
};

static bool same_dims(const int64_t *file, const int32_t *tensor, int rank)
{
    for (int i = 0; i < rank; i++)
        if (file[i] != tensor[i])
            return false;
    return true;
}

static enum fit fit_of(const struct npy *file, const struct mica_tensor *t)
{
    if (file->rank == t->rank && same_dims(file->dim, t->dim, t->rank))
        return FIT_ONE;
    if (file->rank == t->rank + 1 && same_dims(file->dim + 1, t->dim, t->rank))
        return FIT_AXIS;
    if (t->rank > 0 && t->dim[0] == 1 && file->rank == t->rank &&
        same_dims(file->dim + 1, t->dim + 1, t->rank - 1))
        return FIT_BATCH;
    return FIT_NONE;
}

static const char *shape_text(char *to, size_t room, const int64_t *dim, int rank)
{
    size_t n = (size_t)snprintf(to, room, "[");
    for (int i = 0; i < rank && n < room; i++)
        n += (size_t)snprintf(to + n, room - n, "%s%lld", i ? "," : "", (long long)dim[i]);
    if (n < room)
        snprintf(to + n, room - n, "]");
    return to;
}

static int refuse_shape(const char *path, const struct npy *file, const struct mica_tensor *t,
                        const char *or_else)
{
    char is[256], want[256];
    int64_t dim[6];
    for (int i = 0; i < t->rank; i++)
        dim[i] = t->dim[i];
    shape_text(is, sizeof is, file->dim, file->rank);
    shape_text(want, sizeof want, dim, t->rank);
    return cli_refuse("%s: the array is %s %s; '%s' takes %s %s, or %s", path, file->type, is,
                      t->name, t->type, want, or_else);
}

/* The tensor that --input NAME=... means: its name in the model or in the generated code, or the
 * function of an estimator that gives it. */
static int find_tensor(const struct mica_tensor *list, int n, const struct cli_file *file)
{
    if (!file->name)
        return n == 1 ? 0 : -1;
    for (int i = 0; i < n; i++)
        if (!strcmp(list[i].name, file->name) || !strcmp(list[i].c_name, file->name) ||
            (list[i].role && !strcmp(list[i].role, file->name)))
            return i;
    return -1;
}

static int match_files(const char *command, const char *flag, const struct cli_files *files,
                       const struct mica_tensor *list, int n, int *of)
{
    for (int i = 0; i < n; i++)
        of[i] = -1;
    for (int k = 0; k < files->n; k++) {
        const struct cli_file *file = &files->at[k];
        int i = find_tensor(list, n, file);
        if (i < 0 && file->name)
            return cli_usage(command, "%s %s=%s: the model has no '%s'; see mica inspect", flag,
                             file->name, file->path, file->name);
        if (i < 0)
            return cli_usage(command, "the model has %d of them: %s NAME=%s", n, flag, file->path);
        if (of[i] >= 0)
            return cli_usage(command, "%s: '%s' is given twice", flag, list[i].name);
        of[i] = k;
    }
    return CLI_OK;
}

/* Sets the number of inferences by the first file; the others must agree. */
static int set_count(struct cli_tensors *t, int i, const struct npy *file, const char *path)
{
    enum fit fit = fit_of(file, &t->input[i]);
    if (strcmp(file->type, t->input[i].type) || fit == FIT_NONE)
        return refuse_shape(path, file, &t->input[i],
                            "one more axis of N in front for N inferences");
    size_t n = fit == FIT_ONE ? 1 : (size_t)file->dim[0];
    if (n == 0)
        return cli_refuse("%s: the array has no elements", path);
    bool batched = fit != FIT_ONE;
    if (i > 0 && n != t->n)
        return cli_refuse("%s: %zu inferences, but the inputs before it have %zu", path, n, t->n);
    t->n = n;
    t->batched |= batched;
    t->keeps_axis |= fit == FIT_AXIS;
    return CLI_OK;
}

/* The frames of a stream: [frames, ...row], or the model's own axes with `frames` for time. Output
 * k is that of the window which ends with frame first + k * hop. */
static int read_frames(struct cli_tensors *t, const char *path)
{
    const struct mica_tensor *in = &t->input[0];
    char error[NPY_ERROR_BYTES];
    struct npy file;
    if (npy_read(path, &file, error))
        return cli_refuse("%s", error);
    const int lead = file.rank == in->rank && file.dim[0] == 1 ? 2 : 1;
    int status = CLI_OK;
    t->frames = file.rank ? (size_t)file.dim[lead - 1] : 0;
    if (strcmp(file.type, in->type) || file.rank - lead != in->rank - 2 ||
        !same_dims(file.dim + lead, in->dim + 2, in->rank - 2))
        status = refuse_shape(path, &file, in, "any number of frames along axis 1");
    else if (t->frames < (size_t)t->stream.first)
        status = cli_refuse("%s: %zu frames; the first output comes with frame %d", path, t->frames,
                            (int)t->stream.first);
    else if (!(t->in = malloc(t->frames * t->row_bytes)))
        status = cli_refuse("out of memory");
    if (status == CLI_OK) {
        memcpy(t->in, file.data, t->frames * t->row_bytes);
        t->n = (t->frames - (size_t)t->stream.first) / (size_t)t->stream.hop + 1;
        t->in_skip = (size_t)(t->stream.first - t->stream.rows) * t->row_bytes;
        t->in_step = (size_t)t->stream.hop * t->row_bytes;
        t->batched = true;
    }
    npy_free(&file);
    return status;
}

static int read_inputs(struct cli_tensors *t, const struct cli_files *files, const int *of)
{
    size_t at = 0;
    for (int i = 0; i < t->n_inputs; i++) {
        const char *path = files->at[of[i]].path;
        char error[NPY_ERROR_BYTES];
        struct npy file;
        if (npy_read(path, &file, error))
            return cli_refuse("%s", error);
        int status = set_count(t, i, &file, path);
        if (status == CLI_OK && !t->in && !(t->in = malloc(t->n * t->in_bytes + 1)))
            status = cli_refuse("out of memory");
        for (size_t k = 0; status == CLI_OK && k < t->n; k++)
            memcpy(t->in + k * t->in_bytes + at, (const char *)file.data + k * t->input[i].bytes,
                   t->input[i].bytes);
        at += t->input[i].bytes;
        npy_free(&file);
        if (status != CLI_OK)
            return status;
    }
    return CLI_OK;
}

/* The inputs and outputs of the model, nothing read yet. */
static int describe(struct cli_tensors *t, struct mica *m)
{
    struct mica_tensor one;
    memset(t, 0, sizeof *t);
    while (!mica_input(m, t->n_inputs, &one)) {
        if (t->n_inputs == CLI_FILES_MAX)
            return cli_refuse("the model has more than %d inputs", CLI_FILES_MAX);
        t->input[t->n_inputs++] = one;
        t->in_bytes += one.bytes;
    }
    while (!mica_output(m, t->n_outputs, &one)) {
        if (t->n_outputs == CLI_FILES_MAX)
            return cli_refuse("the model has more than %d outputs", CLI_FILES_MAX);
        t->output[t->n_outputs++] = one;
        t->out_bytes += one.bytes;
    }
    t->n = 1; /* a model without inputs runs once */
    t->in_step = t->in_bytes;
    if (mica_stream(m, &t->stream))
        t->stream.rows = 0;
    else
        t->row_bytes = t->in_bytes / (size_t)t->stream.rows;
    return CLI_OK;
}

static int make_room(struct cli_tensors *t)
{
    t->out = calloc(t->n * t->out_bytes + 1, 1);
    return t->out ? CLI_OK : cli_refuse("out of memory");
}

int cli_tensors_read(struct cli_tensors *t, struct mica *m, const char *command,
                     const struct cli_files *inputs, const struct cli_files *outputs)
{
    int of[CLI_FILES_MAX];
    int status = describe(t, m);
    if (status == CLI_OK)
        status = match_files(command, "--output", outputs, t->output, t->n_outputs, of);
    if (status == CLI_OK)
        status = match_files(command, "--input", inputs, t->input, t->n_inputs, of);
    for (int i = 0; status == CLI_OK && i < t->n_inputs; i++)
        if (of[i] < 0)
            status = cli_usage(command, "input '%s' (%s) is not given: --input %s%sX.npy",
                               t->input[i].name, t->input[i].type,
                               t->n_inputs > 1 ? t->input[i].name : "", t->n_inputs > 1 ? "=" : "");
    if (status == CLI_OK)
        status = t->stream.rows ? read_frames(t, inputs->at[of[0]].path)
                                : read_inputs(t, inputs, of);
    return status == CLI_OK ? make_room(t) : status;
}

/* Knuth's generator of 64 bits; the upper ones are good. */
static uint32_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 32);
}

int cli_tensors_random(struct cli_tensors *t, struct mica *m)
{
    uint64_t state = 1;
    int status = describe(t, m);
    if (status == CLI_OK && !(t->in = malloc(t->in_bytes + 1)))
        status = cli_refuse("out of memory");
    unsigned char *at = t->in;
    for (int i = 0; status == CLI_OK && i < t->n_inputs; at += t->input[i++].bytes) {
        const bool is_float = !strcmp(t->input[i].type, "float32");
        for (size_t k = 0; k < t->input[i].bytes; k += is_float ? 4 : 1) {
            const uint32_t random = next_random(&state);
            const float value = (float)random * 0x1p-31f - 1;
            if (is_float)
                memcpy(at + k, &value, 4);
            else
                at[k] = (unsigned char)(random >> 24);
        }
    }
    return status == CLI_OK ? make_room(t) : status;
}

/* One inference: k-th part of `in` and of `out`. Tensors are copied to buffers of their own, since
 * one after another they would not be aligned. */
static int eval_one(const struct cli_tensors *t, struct mica *m, void *const *in, void *const *out,
                    size_t k, unsigned char *to)
{
    const void *in_at[CLI_FILES_MAX];
    const unsigned char *from = t->in + t->in_skip + k * t->in_step;
    for (int i = 0; i < t->n_inputs; from += t->input[i++].bytes) {
        memcpy(in[i], from, t->input[i].bytes);
        in_at[i] = in[i];
    }
    if (mica_eval(m, in_at, out))
        return cli_refuse("%s", mica_error(m));
    to += k * t->out_bytes;
    for (int i = 0; i < t->n_outputs; to += t->output[i++].bytes)
        memcpy(to, out[i], t->output[i].bytes);
    return CLI_OK;
}

int cli_tensors_eval(const struct cli_tensors *t, struct mica *m, unsigned char *out)
{
    void *in_at[CLI_FILES_MAX], *out_at[CLI_FILES_MAX];
    int status = CLI_OK;
    for (int i = 0; i < t->n_inputs; i++)
        if (!(in_at[i] = malloc(t->input[i].bytes + 1)))
            status = CLI_REFUSED;
    for (int i = 0; i < t->n_outputs; i++)
        if (!(out_at[i] = malloc(t->output[i].bytes + 1)))
            status = CLI_REFUSED;
    if (status != CLI_OK)
        cli_refuse("out of memory");
    for (size_t k = 0; status == CLI_OK && k < t->n; k++)
        status = eval_one(t, m, in_at, out_at, k, out);
    for (int i = 0; i < t->n_inputs; i++)
        free(in_at[i]);
    for (int i = 0; i < t->n_outputs; i++)
        free(out_at[i]);
    return status;
}

static int write_output(const struct cli_tensors *t, int i, size_t at, const char *path)
{
    const struct mica_tensor *o = &t->output[i];
    struct npy file = {.type = o->type, .bytes = t->n * o->bytes};
    const bool replaces = t->batched && !t->keeps_axis && o->rank > 0 && o->dim[0] == 1;
    if (t->batched)
        file.dim[file.rank++] = (int64_t)t->n;
    for (int d = replaces; d < o->rank; d++)
        file.dim[file.rank++] = o->dim[d];
    unsigned char *data = malloc(file.bytes + 1);
    if (!data)
        return cli_refuse("out of memory");
    for (size_t k = 0; k < t->n; k++)
        memcpy(data + k * o->bytes, t->out + k * t->out_bytes + at, o->bytes);
    file.data = data;
    char error[NPY_ERROR_BYTES];
    int status = npy_write(path, &file, error) ? cli_refuse("%s", error) : CLI_OK;
    free(data);
    return status;
}

int cli_tensors_write(const struct cli_tensors *t, const struct cli_files *outputs)
{
    for (int k = 0; k < outputs->n; k++) {
        int i = find_tensor(t->output, t->n_outputs, &outputs->at[k]);
        size_t at = 0;
        for (int before = 0; before < i; before++)
            at += t->output[before].bytes;
        int status = write_output(t, i, at, outputs->at[k].path);
        if (status != CLI_OK)
            return status;
    }
    return CLI_OK;
}

void cli_tensors_free(struct cli_tensors *t)
{
    free(t->in);
    free(t->out);
}
