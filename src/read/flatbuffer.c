/* SPDX-License-Identifier: Apache-2.0 */
/* flatbuffer.c - see flatbuffer.h. Two functions decide what is inside the file: within() for
 * places, and field_at() for the fields of a table that has passed table_from(). */
#include <assert.h>
#include <string.h>

#include "read/flatbuffer.h"

enum { ROOT_BYTES = 8 }; /* offset of the outermost table, identifier */

uint64_t fb_little_endian(const uint8_t *p, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value |= (uint64_t)p[i] << (8 * i);
    return value;
}

static bool within(const struct fb *fb, size_t at, size_t bytes)
{
    return at <= fb->n && bytes <= fb->n - at;
}

_Noreturn static void damaged(struct fb *fb, const char *what, size_t at)
{
    fail(fb->ctx, NULL, "the file is damaged or cut off: %s at byte %zu leaves it; export it again",
         what, at);
}

static uint32_t u32_at(const struct fb *fb, size_t at)
{
    assert(within(fb, at, 4));
    return (uint32_t)fb_little_endian(fb->bytes + at, 4);
}

static size_t u16_at(const struct fb *fb, size_t at)
{
    assert(within(fb, at, 2));
    return (size_t)fb_little_endian(fb->bytes + at, 2);
}

/* Follows the uint32 at `at`, which is within the file, to something of at least 4 bytes. */
static size_t follow(struct fb *fb, const char *what, size_t at)
{
    uint32_t offset = u32_at(fb, at);
    if (offset > fb->n - at || !within(fb, at + offset, 4) || at + offset < ROOT_BYTES)
        damaged(fb, what, at);
    return at + offset;
}

/* Checks the table that begins at `at`, where at least 4 bytes are within the file. */
static struct fb_table table_from(struct fb *fb, size_t at)
{
    /* The distance is signed: nearly all writers put vtables before their tables, not all do. */
    int64_t back = (int64_t)u32_at(fb, at);
    if (back > INT32_MAX)
        back -= INT64_C(1) << 32;
    int64_t vtable = (int64_t)at - back;
    if (vtable < ROOT_BYTES - 4 || (uint64_t)vtable > fb->n || !within(fb, (size_t)vtable, 4))
        damaged(fb, "the vtable of the table", at);

    struct fb_table t = {.at = at, .vtable = (size_t)vtable};
    t.vtable_bytes = u16_at(fb, t.vtable);
    t.bytes = u16_at(fb, t.vtable + 2);
    if (t.vtable_bytes < 4 || !within(fb, t.vtable, t.vtable_bytes))
        damaged(fb, "the vtable of the table", at);
    if (t.bytes < 4 || !within(fb, at, t.bytes))
        damaged(fb, "the table", at);
    return t;
}

struct fb_table fb_open(struct fb *fb, struct ctx *ctx, const uint8_t *bytes, size_t n,
                        const char *identifier)
{
    *fb = (struct fb){.ctx = ctx, .bytes = bytes, .n = n};
    if (n > SIZE_MAX / 4)
        fail(ctx, NULL, "the file is too large: %zu bytes", n);
    /* Vectors that nothing shares are smaller than the file; the rest is for writers that store
     * equal vectors once. */
    fb->budget = 2 * n + ((size_t)1 << 20);
    if (n < ROOT_BYTES || memcmp(bytes + 4, identifier, 4) != 0)
        fail(ctx, NULL, "not a %s file, whose bytes 4 to 7 read '%s'", identifier, identifier);
    return table_from(fb, follow(fb, "the offset of the outermost table", 0));
}

/* Where a field of `size` bytes lies; 0: it is absent. */
static size_t field_at(struct fb *fb, struct fb_table t, int field, size_t size)
{
    size_t entry = 4 + 2 * (size_t)field;
    if (t.at == 0 || entry + 2 > t.vtable_bytes)
        return 0;
    size_t place = u16_at(fb, t.vtable + entry);
    if (place == 0)
        return 0;
    if (place < 4 || size > t.bytes || place > t.bytes - size)
        damaged(fb, "a field of the table", t.at);
    return t.at + place;
}

static uint64_t scalar(struct fb *fb, struct fb_table t, int field, size_t size, uint64_t absent)
{
    size_t at = field_at(fb, t, field, size);
    return at ? fb_little_endian(fb->bytes + at, size) : absent;
}

bool fb_bool(struct fb *fb, struct fb_table t, int field, bool absent)
{
    return scalar(fb, t, field, 1, absent) != 0;
}

int8_t fb_i8(struct fb *fb, struct fb_table t, int field, int8_t absent)
{
    return (int8_t)(uint8_t)scalar(fb, t, field, 1, (uint8_t)absent);
}

uint8_t fb_u8(struct fb *fb, struct fb_table t, int field, uint8_t absent)
{
    return (uint8_t)scalar(fb, t, field, 1, absent);
}

int32_t fb_i32(struct fb *fb, struct fb_table t, int field, int32_t absent)
{
    return (int32_t)(uint32_t)scalar(fb, t, field, 4, (uint32_t)absent);
}

uint32_t fb_u32(struct fb *fb, struct fb_table t, int field, uint32_t absent)
{
    return (uint32_t)scalar(fb, t, field, 4, absent);
}

uint64_t fb_u64(struct fb *fb, struct fb_table t, int field, uint64_t absent)
{
    return scalar(fb, t, field, 8, absent);
}

static float f32_from(const uint8_t *p)
{
    uint32_t bits = (uint32_t)fb_little_endian(p, 4);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

float fb_f32(struct fb *fb, struct fb_table t, int field, float absent)
{
    size_t at = field_at(fb, t, field, 4);
    return at ? f32_from(fb->bytes + at) : absent;
}

struct fb_table fb_table(struct fb *fb, struct fb_table t, int field)
{
    size_t at = field_at(fb, t, field, 4);
    if (at == 0)
        return (struct fb_table){0};
    return table_from(fb, follow(fb, "the offset of a table", at));
}

static struct fb_vector vector_from(struct fb *fb, struct fb_table t, int field, size_t size)
{
    size_t at = field_at(fb, t, field, 4);
    if (at == 0)
        return (struct fb_vector){0};
    at = follow(fb, "the offset of a vector", at);
    struct fb_vector v = {.at = at + 4, .n = u32_at(fb, at)};
    if (v.n > (fb->n - v.at) / size)
        damaged(fb, "the vector", at);
    return v;
}

static void charge(struct fb *fb, size_t bytes)
{
    if (bytes > fb->budget)
        fail(fb->ctx, NULL,
             "the file's tables share vectors so often that it unfolds to many times its size");
    fb->budget -= bytes;
}

struct fb_vector fb_vector(struct fb *fb, struct fb_table t, int field, size_t size)
{
    struct fb_vector v = vector_from(fb, t, field, size);
    charge(fb, v.n * size);
    return v;
}

struct fb_vector fb_data(struct fb *fb, struct fb_table t, int field)
{
    return vector_from(fb, t, field, 1);
}

/* How many of the n bytes at s are one printable character in UTF-8; 0: they are none. */
static size_t character(const uint8_t *s, size_t n)
{
    if (s[0] < 0x80)
        return s[0] >= ' ' && s[0] != 0x7f;
    size_t bytes = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4 || bytes > n)
        return 0;
    uint32_t code = s[0] & (0xffu >> (bytes + 1));
    for (size_t i = 1; i < bytes; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (s[i] & 0x3f);
    }
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    bool is_surrogate = code >= 0xd800 && code < 0xe000;
    return code >= least[bytes] && code > 0x9f && code <= 0x10ffff && !is_surrogate ? bytes : 0;
}

const char *fb_string(struct fb *fb, struct fb_table t, int field)
{
    struct fb_vector v = fb_vector(fb, t, field, 1);
    if (v.at == 0)
        return NULL;
    uint8_t *s = alloc(fb->ctx, v.n + 1, 1);
    memcpy(s, fb->bytes + v.at, v.n);
    for (size_t i = 0; i < v.n;) {
        size_t bytes = character(s + i, v.n - i);
        if (bytes == 0)
            s[i] = '?';
        i += bytes ? bytes : 1;
    }
    return (const char *)s;
}

int32_t fb_i32_at(const struct fb *fb, struct fb_vector v, size_t i)
{
    assert(i < v.n);
    return (int32_t)u32_at(fb, v.at + 4 * i);
}

int64_t fb_i64_at(const struct fb *fb, struct fb_vector v, size_t i)
{
    assert(i < v.n);
    return (int64_t)fb_little_endian(fb->bytes + v.at + 8 * i, 8);
}

float fb_f32_at(const struct fb *fb, struct fb_vector v, size_t i)
{
    assert(i < v.n);
    return f32_from(fb->bytes + v.at + 4 * i);
}

struct fb_table fb_table_at(struct fb *fb, struct fb_vector v, size_t i)
{
    assert(i < v.n);
    return table_from(fb, follow(fb, "the offset of a table", v.at + 4 * i));
}
