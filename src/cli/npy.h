/* SPDX-License-Identifier: Apache-2.0 */
/* npy.h - NumPy's .npy files, versions 1 and 2: little-endian, C order. */
#ifndef MICA_NPY_H
#define MICA_NPY_H

#include <stddef.h>
#include <stdint.h>

/* Messages go to NPY_ERROR_BYTES bytes at `error`. */
enum { NPY_RANK_MAX = 8, NPY_ERROR_BYTES = 512 };

struct npy {
    const char *type; /* as libmica names it: "float32", "int8", "bool", ... */
    int rank;
    int64_t dim[NPY_RANK_MAX];
    size_t bytes; /* of data */
    void *data;   /* aligned for every type; npy_free() */
};

/* Reads the header in bytes[0, n) and checks that the data fill the rest exactly. Leaves `data`
 * alone and returns the offset of the data, or 0 and a message. */
size_t npy_parse(const uint8_t *bytes, size_t n, struct npy *, char *error);

/* 0, or -1 and a message that starts with the path. */
int npy_read(const char *path, struct npy *, char *error);
void npy_free(struct npy *);

/* Writes all of the file or nothing: a file of that name stays as it was where writing fails. 0, or
 * -1 and a message that starts with the path. */
int npy_write(const char *path, const struct npy *, char *error);

#endif
