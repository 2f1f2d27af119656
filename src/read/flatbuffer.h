/* SPDX-License-Identifier: Apache-2.0 */
/* flatbuffer.h - reads FlatBuffers of untrusted origin.
 *
 * A FlatBuffer is a tree of tables. Where a table lies, an int32 tells how far *back* its vtable
 * begins: uint16 bytes of the vtable, uint16 bytes of the table, and for field i a uint16, the
 * field's place in the table, 0 where the field is absent. Scalars lie in the table itself;
 * strings, vectors and other tables lie elsewhere, and the table has a uint32 that tells how far
 * *on* from itself they begin. Strings and vectors start with a uint32 count. All is little-endian.
 *
 * Everything is read byte by byte, so the alignment of the file does not matter. What leaves the
 * file fails the compilation. A file whose tables share what they point to could be read to much
 * more than its size, so strings and vectors are charged to a budget in proportion to the file.
 */
#ifndef MICA_READ_FLATBUFFER_H
#define MICA_READ_FLATBUFFER_H

#include "ir.h"

struct fb {
    struct ctx *ctx;
    const uint8_t *bytes;
    size_t n;
    size_t budget; /* bytes of strings and vectors that may still be read */
};

/* A table within the file. at == 0: there is none, and all its fields are absent. */
struct fb_table {
    size_t at, vtable;
    size_t bytes, vtable_bytes;
};

/* n elements of one size, all within the file. at == 0: absent, and n is 0. */
struct fb_vector {
    size_t at, n;
};

/* Checks the file's identifier (four characters, at byte 4) and finds the outermost table. */
struct fb_table fb_open(struct fb *, struct ctx *, const uint8_t *bytes, size_t n,
                        const char *identifier);

/* Fields are counted from 0, in the order of the schema. An absent scalar has the value `absent`.
 */
bool fb_bool(struct fb *, struct fb_table, int field, bool absent);
int8_t fb_i8(struct fb *, struct fb_table, int field, int8_t absent);
uint8_t fb_u8(struct fb *, struct fb_table, int field, uint8_t absent);
int32_t fb_i32(struct fb *, struct fb_table, int field, int32_t absent);
uint32_t fb_u32(struct fb *, struct fb_table, int field, uint32_t absent);
uint64_t fb_u64(struct fb *, struct fb_table, int field, uint64_t absent);
float fb_f32(struct fb *, struct fb_table, int field, float absent);

/* A table, or the member of a union, whose type is the field before it. */
struct fb_table fb_table(struct fb *, struct fb_table, int field);
/* A vector of elements of `size` bytes. */
struct fb_vector fb_vector(struct fb *, struct fb_table, int field, size_t size);
/* A vector of bytes that is not charged to the budget: the caller limits it. */
struct fb_vector fb_data(struct fb *, struct fb_table, int field);
/* A copy that ends with a 0 byte; NULL: absent. Strings end up in messages, reports and comments,
 * so bytes that are not printable UTF-8 become '?'. */
const char *fb_string(struct fb *, struct fb_table, int field);

/* Element i of a vector of that type; i < n. */
int32_t fb_i32_at(const struct fb *, struct fb_vector, size_t i);
int64_t fb_i64_at(const struct fb *, struct fb_vector, size_t i);
float fb_f32_at(const struct fb *, struct fb_vector, size_t i);
struct fb_table fb_table_at(struct fb *, struct fb_vector, size_t i);

/* The little-endian number in `size` bytes (1 to 8) at p. */
uint64_t fb_little_endian(const uint8_t *p, size_t size);

#endif
