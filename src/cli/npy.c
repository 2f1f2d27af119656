/* SPDX-License-Identifier: Apache-2.0 */
/* npy.c - reads and writes NumPy's .npy files.
 *
 * A file is the magic bytes, two of version, the length of the header (2 bytes in version 1, 4 in
 * version 2), the header, and the data. The header is the text of a Python dictionary of exactly
 * descr, fortran_order and shape. Files are not trusted: nothing is read that was not measured.
 */
#define _XOPEN_SOURCE 700

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "npy.h"

static const char magic[6] = {'\x93', 'N', 'U', 'M', 'P', 'Y'};

/* NumPy writes longer headers for records only, which no model takes. */
enum { HEADER_MAX = 65535, HEADER_ALIGN = 64 };

static const struct npy_type {
    const char *descr, *type;
    size_t bytes;
} types[] = {
    {"<f4", "float32", 4}, {"<f2", "float16", 2}, {"|i1", "int8", 1},    {"|u1", "uint8", 1},
    {"<i2", "int16", 2},   {"<u2", "uint16", 2},  {"<i4", "int32", 4},   {"<u4", "uint32", 4},
    {"<i8", "int64", 8},   {"|b1", "bool", 1},    {"<f8", "float64", 8},
};
enum { TYPES = sizeof types / sizeof types[0] };

__attribute__((format(printf, 2, 3))) static int refuse(char *error, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(error, NPY_ERROR_BYTES, fmt, args);
    va_end(args);
    return -1;
}

/* ---- the header ------------------------------------------------------------------------------ */

struct scan {
    const char *at, *end;
};

static void skip_blanks(struct scan *scan)
{
    while (scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\n'))
        scan->at++;
}

/* Takes the word if it comes next. */
static bool take(struct scan *scan, const char *word)
{
    size_t n = strlen(word);

    skip_blanks(scan);
    if ((size_t)(scan->end - scan->at) < n || memcmp(scan->at, word, n))
        return false;
    scan->at += n;
    return true;
}

/* A string in either kind of quotes, printable and without escapes: it may go into a message. */
static bool take_string(struct scan *scan, char *to, size_t room)
{
    size_t n = 0;
    char quote;

    if (take(scan, "'"))
        quote = '\'';
    else if (take(scan, "\""))
        quote = '"';
    else
        return false;
    for (; scan->at < scan->end && *scan->at != quote; scan->at++) {
        if (n + 1 >= room || *scan->at == '\\' || *scan->at < ' ' || *scan->at > '~')
            return false;
        to[n++] = *scan->at;
    }
    to[n] = '\0';
    return take(scan, quote == '"' ? "\"" : "'");
}

static bool take_number(struct scan *scan, int64_t *number)
{
    skip_blanks(scan);
    if (scan->at == scan->end || *scan->at < '0' || *scan->at > '9')
        return false;
    for (*number = 0; scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9'; scan->at++) {
        int digit = *scan->at - '0';

        if (*number > (INT64_MAX - digit) / 10)
            return false;
        *number = *number * 10 + digit;
    }
    return true;
}

static int read_descr(struct scan *scan, struct npy *npy, size_t *element_bytes, char *error)
{
    char descr[32];

    if (!take_string(scan, descr, sizeof descr))
        return refuse(error, "records are not supported; save one array of numbers");
    for (int i = 0; i < TYPES; i++) {
        /* The byte order of single bytes is free. */
        bool same = types[i].bytes == 1 ? descr[0] && !strcmp(descr + 1, types[i].descr + 1)
                                        : !strcmp(descr, types[i].descr);

        if (!same)
            continue;
        npy->type = types[i].type;
        *element_bytes = types[i].bytes;
        return 0;
    }
    if (descr[0] == '>')
        return refuse(error,
                      "the numbers are big-endian (%s); save x.astype(x.dtype.newbyteorder('<'))",
                      descr);
    return refuse(error, "type %s is not supported", descr);
}

static int read_shape(struct scan *scan, struct npy *npy, char *error)
{
    if (!take(scan, "("))
        return refuse(error, "broken header: no shape");
    npy->rank = 0;
    while (!take(scan, ")")) {
        if (npy->rank == NPY_RANK_MAX)
            return refuse(error, "more than %d dimensions", NPY_RANK_MAX);
        if (!take_number(scan, &npy->dim[npy->rank]))
            return refuse(error, "broken header: bad shape");
        npy->rank++;
        if (take(scan, ","))
            continue;
        if (!take(scan, ")"))
            return refuse(error, "broken header: bad shape");
        break;
    }
    return 0;
}

/* The dictionary, its keys in any order. */
static int read_header(struct scan *scan, struct npy *npy, size_t *element_bytes, char *error)
{
    bool has_descr = false, has_order = false, has_shape = false;
    char key[32];

    if (!take(scan, "{"))
        return refuse(error, "broken header: no dictionary");
    while (!take(scan, "}")) {
        if (!take_string(scan, key, sizeof key) || !take(scan, ":"))
            return refuse(error, "broken header: no key");
        if (!strcmp(key, "descr") && !has_descr) {
            has_descr = true;
            if (read_descr(scan, npy, element_bytes, error))
                return -1;
        } else if (!strcmp(key, "fortran_order") && !has_order) {
            has_order = true;
            if (take(scan, "True"))
                return refuse(error, "the array is in Fortran order; "
                                     "save numpy.ascontiguousarray(x)");
            if (!take(scan, "False"))
                return refuse(error, "broken header: bad fortran_order");
        } else if (!strcmp(key, "shape") && !has_shape) {
            has_shape = true;
            if (read_shape(scan, npy, error))
                return -1;
        } else {
            return refuse(error, "broken header: unexpected key %s", key);
        }
        if (!take(scan, ",") && !(scan->at < scan->end && *scan->at == '}'))
            return refuse(error, "broken header: no comma");
    }
    skip_blanks(scan);
    if (scan->at != scan->end)
        return refuse(error, "broken header: text behind the dictionary");
    if (!has_descr || !has_order || !has_shape)
        return refuse(error, "broken header: descr, fortran_order or shape is missing");
    return 0;
}

/* Bytes of the array; -1 where they are more than memory can hold. */
static int measure(const struct npy *npy, size_t element_bytes, size_t *bytes)
{
    *bytes = element_bytes;
    for (int i = 0; i < npy->rank; i++)
        if (npy->dim[i] == 0) {
            *bytes = 0;
            return 0;
        }
    for (int i = 0; i < npy->rank; i++) {
        if ((uint64_t)npy->dim[i] > SIZE_MAX / 2 / *bytes)
            return -1;
        *bytes *= (size_t)npy->dim[i];
    }
    return 0;
}

size_t npy_parse(const uint8_t *bytes, size_t n, struct npy *npy, char *error)
{
    size_t header_at, header_bytes, element_bytes = 1, rest;
    struct scan scan;

    if (n < 10 || memcmp(bytes, magic, sizeof magic)) {
        refuse(error, "not a .npy file; save with numpy.save()");
        return 0;
    }
    if (bytes[6] == 1) {
        header_at = 10;
        header_bytes = (size_t)(bytes[8] | bytes[9] << 8);
    } else if (bytes[6] == 2 && n >= 12) {
        header_at = 12;
        header_bytes = bytes[8] | (size_t)bytes[9] << 8 | (size_t)bytes[10] << 16 |
                       (size_t)bytes[11] << 24;
    } else {
        refuse(error, "version %d of the .npy format is not supported", bytes[6]);
        return 0;
    }
    if (header_bytes > n - header_at || header_bytes > HEADER_MAX) {
        refuse(error, "broken header: it says to be %lu bytes long", (unsigned long)header_bytes);
        return 0;
    }
    scan.at = (const char *)bytes + header_at;
    scan.end = scan.at + header_bytes;
    if (read_header(&scan, npy, &element_bytes, error))
        return 0;
    rest = n - header_at - header_bytes;
    if (measure(npy, element_bytes, &npy->bytes) || npy->bytes != rest) {
        refuse(error, "the shape does not agree with the %lu bytes of data in the file",
               (unsigned long)rest);
        return 0;
    }
    return header_at + header_bytes;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* No array of a microcontroller is larger; an endless pipe ends here. */
static const size_t file_bytes_max = (size_t)1 << 30;

static int failed(const char *path, char *error)
{
    return refuse(error, "%s: %s", path, strerror(errno));
}

static uint8_t *read_all(FILE *file, size_t *n)
{
    size_t room = 65536;
    uint8_t *bytes = malloc(room), *more;

    *n = 0;
    while (bytes) {
        *n += fread(bytes + *n, 1, room - *n, file);
        if (*n < room) {
            if (!ferror(file))
                return bytes;
            break;
        }
        if (room >= file_bytes_max) {
            errno = EFBIG;
            break;
        }
        room *= 2;
        more = realloc(bytes, room);
        if (!more)
            break;
        bytes = more;
    }
    free(bytes);
    return NULL;
}

static uint8_t *file_read(const char *path, size_t *n, char *error)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = file ? read_all(file, n) : NULL;

    if (!bytes)
        failed(path, error);
    if (file)
        fclose(file);
    return bytes;
}

int npy_read(const char *path, struct npy *npy, char *error)
{
    char why[NPY_ERROR_BYTES];
    uint8_t *bytes;
    size_t n, at;

    memset(npy, 0, sizeof *npy);
    bytes = file_read(path, &n, error);
    if (!bytes)
        return -1;
    at = npy_parse(bytes, n, npy, why);
    if (!at) {
        free(bytes);
        memset(npy, 0, sizeof *npy);
        return refuse(error, "%s: %s", path, why);
    }
    /* The start of the allocation is aligned for every type, the data in the file are not. */
    memmove(bytes, bytes + at, npy->bytes);
    npy->data = bytes;
    return 0;
}

void npy_free(struct npy *npy)
{
    free(npy->data);
    npy->data = NULL;
}

/* ---- writing --------------------------------------------------------------------------------- */

/* Header with magic, padded with blanks so that the data start at a multiple of 64. */
static size_t make_header(const struct npy *npy, char *header, size_t room)
{
    const char *descr = NULL;
    size_t used = 10, total;

    for (int i = 0; i < TYPES; i++)
        if (!strcmp(types[i].type, npy->type))
            descr = types[i].descr;
    if (!descr)
        return 0;
    used += (size_t)snprintf(header + used, room - used,
                             "{'descr': '%s', 'fortran_order': False, 'shape': (", descr);
    for (int i = 0; i < npy->rank; i++)
        used += (size_t)snprintf(header + used, room - used, "%lld%s", (long long)npy->dim[i],
                                 i + 1 < npy->rank ? ", "
                                 : npy->rank == 1  ? ","
                                                   : "");
    used += (size_t)snprintf(header + used, room - used, "), }");
    total = (used + 1 + HEADER_ALIGN - 1) / HEADER_ALIGN * HEADER_ALIGN;
    memset(header + used, ' ', total - used);
    header[total - 1] = '\n';
    memcpy(header, magic, sizeof magic);
    header[6] = 1;
    header[7] = 0;
    header[8] = (char)((total - 10) & 255);
    header[9] = (char)((total - 10) >> 8);
    return total;
}

/* A fresh file beside `path` with the permissions that a new file gets. */
static FILE *open_beside(const char *path, char *name, size_t room)
{
    int n = snprintf(name, room, "%s.XXXXXX", path);
    FILE *file = NULL;
    mode_t mask;
    int fd;

    if (n < 0 || (size_t)n >= room) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    fd = mkstemp(name);
    if (fd < 0)
        return NULL;
    mask = umask(0);
    umask(mask);
    if (fchmod(fd, 0666 & ~mask) || !(file = fdopen(fd, "wb"))) {
        close(fd);
        unlink(name);
    }
    return file;
}

static bool write_bytes(FILE *file, const void *bytes, size_t n)
{
    return !n || fwrite(bytes, 1, n, file) == n;
}

static int file_write(const char *path, const void *head, size_t n_head, const void *body,
                      size_t n_body, char *error)
{
    struct stat about;
    char name[4096];
    /* A device or a pipe cannot be replaced, only written to. */
    bool in_place = !stat(path, &about) && !S_ISREG(about.st_mode);
    FILE *file = in_place ? fopen(path, "wb") : open_beside(path, name, sizeof name);
    bool ok;

    if (!file)
        return failed(path, error);
    ok = write_bytes(file, head, n_head) && write_bytes(file, body, n_body);
    ok = !fclose(file) && ok;
    if (ok && (in_place || !rename(name, path)))
        return 0;
    failed(path, error);
    if (!in_place)
        unlink(name);
    return -1;
}

int npy_write(const char *path, const struct npy *npy, char *error)
{
    char header[512];
    size_t n = make_header(npy, header, sizeof header);

    if (!n)
        return refuse(error, "%s: a .npy file has no type %s", path, npy->type);
    return file_write(path, header, n, npy->data, npy->bytes, error);
}
