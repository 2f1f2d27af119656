/* SPDX-License-Identifier: Apache-2.0 */
/* spec.h - a .tflite file as plain data, which a test changes and writes. */
#ifndef MICA_TEST_READ_SPEC_H
#define MICA_TEST_READ_SPEC_H

#include <stdbool.h>

#include "writer.h"

/* Codes of builtin operators. */
enum { CONV_2D = 3, FULLY_CONNECTED = 9, CUSTOM = 32, PAD = 34, MEAN = 40, STRIDED_SLICE = 45 };
enum { RESHAPE = 22, TRANSPOSE = 39, RELU = 19, SHAPE = 77, GATHER = 36, CONCATENATION = 2 };
enum { GELU = 150 };

struct spec_tensor {
    const char *name;
    int type, rank;
    int32_t dim[8];
    int n_values; /* constant of int32 */
    int32_t value[16];
    int n_scales;
    float scale[4];
    int n_zeros;
    int64_t zero[4];
    int axis, details;
    bool is_variable, is_sparse, is_external, has_signature;
    int32_t signature[8];
};

struct spec_field {
    int field;
    uint32_t value;
    size_t size;
};

struct spec_operator {
    int code, old_code;
    const char *custom;
    int n_in, n_out;
    int32_t in[8], out[2];
    int options; /* member of the union */
    int n_fields;
    struct spec_field field[8];
};

struct spec {
    uint32_t version;
    int n_graphs; /* beyond the first: copies of it with operator `other_code` */
    int other_code;
    bool is_outside; /* contents after the tables */
    int n_tensors, n_operators, n_in, n_out;
    struct spec_tensor tensor[8];
    struct spec_operator op[4];
    int32_t in[4], out[4];
};

/* What was written last. */
static struct writer w;

static inline void write_quant(size_t ref, const struct spec_tensor *t)
{
    struct open_table q = begin(&w, ref, 7);
    size_t scale = put_ref(&w, q, 2), zero = put_ref(&w, q, 3);
    put_field(&w, q, 4, (uint64_t)t->details, 1);
    put_field(&w, q, 6, (uint64_t)t->axis, 4);
    end(&w, q);
    here(&w, scale);
    put(&w, (uint64_t)t->n_scales, 4);
    for (int i = 0; i < t->n_scales; i++) {
        uint32_t bits;
        memcpy(&bits, &t->scale[i], 4);
        put(&w, bits, 4);
    }
    here(&w, zero);
    put(&w, (uint64_t)t->n_zeros, 4);
    for (int i = 0; i < t->n_zeros; i++)
        put(&w, (uint64_t)t->zero[i], 8);
}

static inline void write_tensor(size_t ref, const struct spec_tensor *t, int number)
{
    struct open_table o = begin(&w, ref, 11);
    size_t shape = put_ref(&w, o, 0);
    put_field(&w, o, 1, (uint64_t)t->type, 1);
    put_field(&w, o, 2, t->n_values ? (uint64_t)number + 1 : 0, 4);
    size_t name = put_ref(&w, o, 3);
    size_t quant = t->n_scales || t->details ? put_ref(&w, o, 4) : 0;
    put_field(&w, o, 5, t->is_variable, 1);
    size_t sparsity = t->is_sparse ? put_ref(&w, o, 6) : 0;
    size_t signature = t->has_signature ? put_ref(&w, o, 7) : 0;
    put_field(&w, o, 10, t->is_external, 4);
    end(&w, o);
    put_i32s(&w, shape, t->rank, t->dim);
    put_string(&w, name, t->name);
    if (quant)
        write_quant(quant, t);
    if (sparsity)
        end(&w, begin(&w, sparsity, 0));
    if (signature)
        put_i32s(&w, signature, t->rank, t->signature);
}

static inline void write_operator(size_t ref, const struct spec_operator *op, int number)
{
    struct open_table o = begin(&w, ref, 5);
    put_field(&w, o, 0, (uint64_t)number, 4);
    size_t in = put_ref(&w, o, 1), out = put_ref(&w, o, 2);
    put_field(&w, o, 3, (uint64_t)op->options, 1);
    size_t options = op->options ? put_ref(&w, o, 4) : 0;
    end(&w, o);
    put_i32s(&w, in, op->n_in, op->in);
    put_i32s(&w, out, op->n_out, op->out);
    if (options) {
        struct open_table f = begin(&w, options, 8);
        for (int i = 0; i < op->n_fields; i++)
            put_field(&w, f, op->field[i].field, op->field[i].value, op->field[i].size);
        end(&w, f);
    }
}

static inline void write_graph(size_t ref, const struct spec *s, int first_code)
{
    struct open_table g = begin(&w, ref, 5);
    size_t tensors = put_ref(&w, g, 0), in = put_ref(&w, g, 1), out = put_ref(&w, g, 2);
    size_t operators = put_ref(&w, g, 3), name = put_ref(&w, g, 4);
    end(&w, g);
    put_string(&w, name, first_code ? "other" : "main");
    put_i32s(&w, in, s->n_in, s->in);
    put_i32s(&w, out, s->n_out, s->out);
    size_t at = put_refs(&w, tensors, s->n_tensors);
    for (int i = 0; i < s->n_tensors; i++)
        write_tensor(at + 4 * (size_t)i, &s->tensor[i], i);
    at = put_refs(&w, operators, s->n_operators);
    for (int i = 0; i < s->n_operators; i++)
        write_operator(at + 4 * (size_t)i, &s->op[i], first_code ? first_code : i);
}

static inline void write_code(size_t ref, int code, int old_code, const char *custom)
{
    struct open_table c = begin(&w, ref, 4);
    put_field(&w, c, 0, (uint64_t)old_code, 1);
    size_t name = custom ? put_ref(&w, c, 1) : 0;
    put_field(&w, c, 3, (uint64_t)code, 4);
    end(&w, c);
    if (custom)
        put_string(&w, name, custom);
}

static inline void write_buffers(size_t ref, const struct spec *s)
{
    size_t offset[8] = {0};
    size_t at = put_refs(&w, ref, s->n_tensors + 1);
    end(&w, begin(&w, at, 0));
    for (int i = 0; i < s->n_tensors; i++) {
        const struct spec_tensor *t = &s->tensor[i];
        struct open_table b = begin(&w, at + 4 * ((size_t)i + 1), 3);
        size_t data = !s->is_outside && t->n_values ? put_ref(&w, b, 0) : 0;
        if (s->is_outside) {
            offset[i] = put_field(&w, b, 1, 0, 8);
            put_field(&w, b, 2, 4 * (uint64_t)t->n_values, 8);
        }
        end(&w, b);
        if (!data)
            continue;
        here(&w, data);
        put(&w, 4 * (uint64_t)t->n_values, 4);
        for (int k = 0; k < t->n_values; k++)
            put(&w, (uint32_t)t->value[k], 4);
    }
    for (int i = 0; s->is_outside && i < s->n_tensors; i++) {
        set(&w, offset[i], w.n, 8);
        for (int k = 0; k < s->tensor[i].n_values; k++)
            put(&w, (uint32_t)s->tensor[i].value[k], 4);
    }
}

static inline void write_model(const struct spec *s)
{
    start(&w, "TFL3");
    struct open_table m = begin(&w, 0, 5);
    put_field(&w, m, 0, s->version, 4);
    size_t codes = put_ref(&w, m, 1), graphs = put_ref(&w, m, 2), buffers = put_ref(&w, m, 4);
    end(&w, m);
    size_t at = put_refs(&w, codes, s->n_operators + 1);
    for (int i = 0; i < s->n_operators; i++)
        write_code(at + 4 * (size_t)i, s->op[i].code, s->op[i].old_code, s->op[i].custom);
    write_code(at + 4 * (size_t)s->n_operators, s->other_code, 0, NULL);
    at = put_refs(&w, graphs, s->n_graphs);
    for (int i = 0; i < s->n_graphs; i++)
        write_graph(at + 4 * (size_t)i, s, i ? s->n_operators : 0);
    write_buffers(buffers, s);
}

#endif
