/* SPDX-License-Identifier: Apache-2.0 */
/* form.h - how one element of a constant is written; what print.c and parse.c must agree on. */
#ifndef MICA_TEXT_FORM_H
#define MICA_TEXT_FORM_H

#include "ir.h"

enum form_kind {
    FORM_INT,   /* decimal */
    FORM_FLOAT, /* the shortest decimal that reads back the same, inf, nan */
    FORM_HEX    /* the bits as hexadecimal digits, two a byte */
};

struct form {
    enum form_kind kind;
    int bytes; /* of one element */
    bool is_signed;
};

/* Types without arithmetic on the host are written as bits: 16-bit floats one by one, the others
 * (complex, packed) byte by byte as they lie in the file. */
static inline struct form form_of(enum dtype type)
{
    switch (type) {
    case DTYPE_FLOAT32:
        return (struct form){FORM_FLOAT, 4, true};
    case DTYPE_FLOAT64:
        return (struct form){FORM_FLOAT, 8, true};
    case DTYPE_INT8:
    case DTYPE_INT16:
    case DTYPE_INT32:
    case DTYPE_INT64:
        return (struct form){FORM_INT, dtype_bits(type) / 8, true};
    case DTYPE_BOOL:
    case DTYPE_UINT8:
    case DTYPE_UINT16:
    case DTYPE_UINT32:
    case DTYPE_UINT64:
        return (struct form){FORM_INT, dtype_bits(type) / 8, false};
    case DTYPE_FLOAT16:
    case DTYPE_BFLOAT16:
        return (struct form){FORM_HEX, 2, false};
    default:
        return (struct form){FORM_HEX, 1, false};
    }
}

/* How many numbers stand for the contents of t. */
static inline int64_t form_count(const struct tensor *t)
{
    return tensor_bytes(t) / form_of(t->type).bytes;
}

#endif
