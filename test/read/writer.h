/* SPDX-License-Identifier: Apache-2.0 */
/* writer.h - writes FlatBuffers for tests, front to back.
 *
 * A table is begun, its fields are put, and it is ended; what its fields point to comes after it:
 * put_ref() returns the place that here() sets to point to what is written next. Nothing is
 * aligned, so the readers' tolerance is tested all the time. */
#ifndef MICA_TEST_READ_WRITER_H
#define MICA_TEST_READ_WRITER_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct writer {
    size_t n;
    uint8_t at[1 << 14];
};

struct open_table {
    size_t vtable, at;
};

static inline void set(struct writer *w, size_t at, uint64_t value, size_t size)
{
    assert(at + size <= sizeof w->at);
    for (size_t i = 0; i < size; i++)
        w->at[at + i] = (uint8_t)(value >> (8 * i));
}

static inline size_t put(struct writer *w, uint64_t value, size_t size)
{
    size_t at = w->n;
    set(w, at, value, size);
    w->n += size;
    return at;
}

static inline void here(struct writer *w, size_t ref)
{
    set(w, ref, w->n - ref, 4);
}

/* The offset of the outermost table, which is written next, and the identifier. */
static inline void start(struct writer *w, const char *identifier)
{
    memset(w, 0, sizeof *w);
    put(w, 8, 4);
    for (int i = 0; i < 4; i++)
        put(w, (uint8_t)identifier[i], 1);
}

/* `ref` points to the table; for the outermost one it is 0, the beginning of the file. */
static inline struct open_table begin(struct writer *w, size_t ref, int n_fields)
{
    struct open_table t = {.vtable = w->n};
    put(w, 4 + 2 * (uint64_t)n_fields, 2);
    for (int i = 0; i < 1 + n_fields; i++)
        put(w, 0, 2);
    t.at = w->n;
    here(w, ref);
    put(w, t.at - t.vtable, 4);
    return t;
}

static inline size_t put_field(struct writer *w, struct open_table t, int field, uint64_t value,
                               size_t size)
{
    set(w, t.vtable + 4 + 2 * (size_t)field, w->n - t.at, 2);
    return put(w, value, size);
}

static inline size_t put_ref(struct writer *w, struct open_table t, int field)
{
    return put_field(w, t, field, 0, 4);
}

static inline void end(struct writer *w, struct open_table t)
{
    set(w, t.vtable + 2, w->n - t.at, 2);
}

static inline void put_string(struct writer *w, size_t ref, const char *s)
{
    here(w, ref);
    put(w, strlen(s), 4);
    for (size_t i = 0; i <= strlen(s); i++)
        put(w, (uint8_t)s[i], 1);
}

static inline void put_i32s(struct writer *w, size_t ref, int n, const int32_t *at)
{
    here(w, ref);
    put(w, (uint64_t)n, 4);
    for (int i = 0; i < n; i++)
        put(w, (uint32_t)at[i], 4);
}

/* A vector of n references; the first is at the place returned, four bytes each. */
static inline size_t put_refs(struct writer *w, size_t ref, int n)
{
    here(w, ref);
    put(w, (uint64_t)n, 4);
    size_t first = w->n;
    for (int i = 0; i < n; i++)
        put(w, 0, 4);
    return first;
}

#endif
