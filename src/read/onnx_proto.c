/* SPDX-License-Identifier: Apache-2.0 */
/* onnx_proto.c - the bytes of an ONNX file as messages.
 *
 * The decoder of protobuf-c takes its memory from the arena of the compilation, so that nothing
 * leaks when a compilation fails, and never more than a bound that grows with the file: a byte of a
 * hostile file may ask for a hundred. It says only whether a file is sound; where it is not, a
 * second look finds the place.
 */
#include <string.h>

#include "read/onnx.h"

/* ---- memory ---------------------------------------------------------------------------------- */

/* The decoder frees as much as it takes: a list of what it saw in a message. Freed pieces are used
 * again, by the power of two of their size. */
enum { CLASSES = 48, PIECE_ALIGN = 16 };

struct piece {
    union {
        struct piece *next; /* of the free ones */
        int class;          /* of one in use */
    } is;
};

struct pool {
    struct ctx *ctx;
    size_t taken, most;
    struct piece *free[CLASSES];
};

static void *pool_alloc(void *data, size_t size)
{
    struct pool *pool = data;
    int class = 5;
    while (class < CLASSES && (size_t)1 << class < size + PIECE_ALIGN)
        class ++;
    const size_t bytes = (size_t)1 << class;
    struct piece *piece = class < CLASSES ? pool->free[class] : NULL;
    if (piece) {
        pool->free[class] = piece->is.next;
    } else {
        if (class >= CLASSES || bytes > pool->most - pool->taken)
            fail(pool->ctx, NULL,
                 "the file asks for more than %zu MB of memory to be decoded: it is damaged, or "
                 "beyond what a microcontroller can hold",
                 pool->most >> 20);
        pool->taken += bytes;
        piece = alloc(pool->ctx, bytes, 1);
    }
    piece->is.class = class;
    return (char *)piece + PIECE_ALIGN;
}

static void pool_free(void *data, void *at)
{
    struct pool *pool = data;
    if (!at)
        return;
    struct piece *piece = (struct piece *)(void *)((char *)at - PIECE_ALIGN);
    const int class = piece->is.class;
    piece->is.next = pool->free[class];
    pool->free[class] = piece;
}

/* ---- where a file is damaged ----------------------------------------------------------------- */

enum wire { WIRE_VARINT, WIRE_8_BYTES, WIRE_LENGTH, WIRE_4_BYTES = 5 };

/* A stretch of the file, read field by field. */
struct wire_span {
    const uint8_t *file, *at, *end;
};

struct wire_field {
    uint64_t number;
    unsigned type;
    const uint8_t *at; /* its first byte, of the tag */
    struct wire_span inside;
};

static bool read_varint(struct wire_span *s, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (s->at == s->end)
            return false;
        const uint8_t byte = *s->at++;
        if (shift < 64)
            *value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return true;
    }
    return false;
}

/* Reads one field; false where it is damaged. One that is cut off has what is there of it
 * inside. */
static bool read_field(struct wire_span *s, struct wire_field *field)
{
    uint64_t tag, length = 0;
    *field = (struct wire_field){.at = s->at};
    if (!read_varint(s, &tag))
        return false;
    field->number = tag >> 3;
    field->type = (unsigned)(tag & 7);
    switch (field->type) {
    case WIRE_VARINT:
        return field->number > 0 && read_varint(s, &length);
    case WIRE_8_BYTES:
        length = 8;
        break;
    case WIRE_4_BYTES:
        length = 4;
        break;
    case WIRE_LENGTH:
        if (!read_varint(s, &length))
            return false;
        break;
    default:
        return false;
    }
    const uint64_t there = (uint64_t)(s->end - s->at);
    field->inside = (struct wire_span){s->file, s->at, s->at + (length < there ? length : there)};
    s->at = field->inside.end;
    return field->number > 0 && length <= there;
}

static const ProtobufCFieldDescriptor *known_field(const ProtobufCMessageDescriptor *message,
                                                   uint64_t number)
{
    return number <= UINT32_MAX ? protobuf_c_message_descriptor_get_field(message, (unsigned)number)
                                : NULL;
}

/* May a field that the messages describe be written so? */
static bool has_its_type(const ProtobufCFieldDescriptor *known, const struct wire_field *field)
{
    const bool is_list = known->label == PROTOBUF_C_LABEL_REPEATED;
    const size_t bytes = (size_t)(field->inside.end - field->inside.at);
    switch (known->type) {
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return field->type == WIRE_LENGTH;
    case PROTOBUF_C_TYPE_FLOAT:
        return field->type == WIRE_4_BYTES ||
               (is_list && field->type == WIRE_LENGTH && bytes % 4 == 0);
    case PROTOBUF_C_TYPE_DOUBLE:
        return field->type == WIRE_8_BYTES ||
               (is_list && field->type == WIRE_LENGTH && bytes % 8 == 0);
    default:
        return field->type == WIRE_VARINT || (is_list && field->type == WIRE_LENGTH &&
                                              (bytes == 0 || !(field->inside.end[-1] & 0x80)));
    }
}

/* Names a field that was met: "node[3]". */
static void name_field(struct text *path, const ProtobufCFieldDescriptor *field, int count)
{
    text_add(path, "%s%s", path->len ? "." : "", field->name);
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        text_add(path, "[%d]", count);
}

enum { FIELDS_MAX = 32 }; /* of one message; numbers are below it */

/* Follows the damage down to the deepest field that the messages describe. The messages do not
 * contain themselves, so neither depth nor time is the file's to choose. */
static bool find_damage(const ProtobufCMessageDescriptor *message, struct wire_span span,
                        struct text *path, size_t *byte)
{
    int count[FIELDS_MAX] = {0};
    struct wire_field field;
    while (span.at < span.end) {
        const bool is_sound = read_field(&span, &field);
        const ProtobufCFieldDescriptor *known = field.number ? known_field(message, field.number)
                                                             : NULL;
        const int number = field.number < FIELDS_MAX ? (int)field.number : 0;
        const size_t len = path->len;
        if (known)
            name_field(path, known, count[number]);
        if (known && known->type == PROTOBUF_C_TYPE_MESSAGE && field.type == WIRE_LENGTH &&
            find_damage(known->descriptor, field.inside, path, byte))
            return true;
        if (!is_sound || (known && !has_its_type(known, &field))) {
            *byte = (size_t)(field.at - span.file);
            return true;
        }
        path->len = len;
        path->at[len] = '\0';
        count[number]++;
    }
    return false;
}

/* ---- decoding -------------------------------------------------------------------------------- */

const onnx_model *onnx_decode(struct ctx *ctx, const uint8_t *bytes, size_t n)
{
    enum { FILE_BYTES_MAX = 1 << 30 };
    if (n > FILE_BYTES_MAX)
        fail(ctx, NULL, "the file has %zu MB; at most %d are supported", n >> 20,
             FILE_BYTES_MAX >> 20);
    struct pool pool = {.ctx = ctx, .most = ((size_t)64 << 20) + 64 * n};
    ProtobufCAllocator allocator = {pool_alloc, pool_free, &pool};
    const onnx_model *model = onnx__model_proto__unpack(&allocator, n, bytes);
    if (model)
        return model;
    struct text *path = text_new(ctx);
    size_t byte = 0;
    if (find_damage(&onnx__model_proto__descriptor, (struct wire_span){bytes, bytes, bytes + n},
                    path, &byte))
        fail(ctx, NULL,
             "the ONNX file is damaged or cut off at byte %zu, in %s: what begins there is no "
             "field of the format, or it goes on beyond its end; write the file again",
             byte, path->len ? path->at : "the model");
    fail(ctx, NULL,
         "the ONNX file is damaged: a list of numbers in it has no end; write the file "
         "again");
}
