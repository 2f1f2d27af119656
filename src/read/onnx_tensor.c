/* SPDX-License-Identifier: Apache-2.0 */
/* onnx_tensor.c - types, shapes and constants of an ONNX file. */
#include <string.h>

#include "read/onnx.h"

/* ---- types ----------------------------------------------------------------------------------- */

/* By the numbers of enum onnx_type; -1: no operator of this compiler takes it. */
static const struct onnx_type_row {
    const char *name;
    int type;
} types[] = {
    {"undefined", -1},
    {"float", DTYPE_FLOAT32},
    {"uint8", DTYPE_UINT8},
    {"int8", DTYPE_INT8},
    {"uint16", DTYPE_UINT16},
    {"int16", DTYPE_INT16},
    {"int32", DTYPE_INT32},
    {"int64", DTYPE_INT64},
    {"string", -1},
    {"bool", DTYPE_BOOL},
    {"float16", DTYPE_FLOAT16},
    {"double", DTYPE_FLOAT64},
    {"uint32", DTYPE_UINT32},
    {"uint64", -1},
};
enum { N_TYPES = sizeof types / sizeof types[0] };

const char *onnx_type_name(struct ctx *ctx, int type)
{
    return type >= 0 && type < N_TYPES ? types[type].name : format(ctx, "type %d", type);
}

static enum dtype type_of(struct onnx *o, const char *what, const char *name, int type)
{
    if (type < 0 || type >= N_TYPES || types[type].type < 0)
        fail(o->ctx, NULL,
             "%s '%s' is of %s, which no operator takes; convert the model with float", what, name,
             onnx_type_name(o->ctx, type));
    return (enum dtype)types[type].type;
}

/* ---- constants ------------------------------------------------------------------------------- */

static void refuse_external(struct onnx *o, const char *name, const onnx_tensor *t)
{
    if (t->n_external_data || (t->has_data_location && t->data_location))
        fail(o->ctx, NULL,
             "the contents of tensor '%s' are in another file; save the model as one file (in "
             "Python: onnx.save(onnx.load(path), path, save_as_external_data=False))",
             name);
    if (t->n_string_data)
        fail(o->ctx, NULL, "tensor '%s' holds text where numbers are needed", name);
}

/* Numbers of `size` bytes, the lowest byte first, as the format has them on every machine. */
static void copy_raw(uint8_t *to, const uint8_t *from, int64_t n, size_t size)
{
    const uint16_t one = 1;
    uint8_t low_first;
    memcpy(&low_first, &one, 1);
    if (low_first) {
        memcpy(to, from, (size_t)n * size);
        return;
    }
    for (int64_t i = 0; i < n; i++, to += size, from += size)
        for (size_t k = 0; k < size; k++)
            to[k] = from[size - 1 - k];
}

/* Small integers stand in int32_data, one a number; each must fit the type. */
static bool copy_int32s(void *to, enum dtype type, const int32_t *from, int64_t n)
{
    bool fits = true;
    for (int64_t i = 0; i < n; i++) {
        const int32_t x = from[i];
        switch (type) {
        case DTYPE_INT8:
            ((int8_t *)to)[i] = (int8_t)x;
            fits &= x >= INT8_MIN && x <= INT8_MAX;
            break;
        case DTYPE_INT16:
            ((int16_t *)to)[i] = (int16_t)x;
            fits &= x >= INT16_MIN && x <= INT16_MAX;
            break;
        case DTYPE_UINT8:
        case DTYPE_BOOL:
            ((uint8_t *)to)[i] = (uint8_t)x;
            fits &= x >= 0 && x <= (type == DTYPE_BOOL ? 1 : UINT8_MAX);
            break;
        case DTYPE_UINT16:
        case DTYPE_FLOAT16:
            ((uint16_t *)to)[i] = (uint16_t)x;
            fits &= x >= 0 && x <= UINT16_MAX;
            break;
        default:
            ((int32_t *)to)[i] = x;
        }
    }
    return fits;
}

/* The typed field where the contents are if they are not raw; *n: how many it has. */
static const void *typed_data(const onnx_tensor *t, enum dtype type, size_t *n)
{
    switch (type) {
    case DTYPE_FLOAT32:
        *n = t->n_float_data;
        return t->float_data;
    case DTYPE_FLOAT64:
        *n = t->n_double_data;
        return t->double_data;
    case DTYPE_INT64:
        *n = t->n_int64_data;
        return t->int64_data;
    case DTYPE_UINT32:
        *n = t->n_uint64_data;
        return t->uint64_data;
    default:
        *n = t->n_int32_data;
        return t->int32_data;
    }
}

static void read_contents(struct onnx *o, struct tensor *to, const onnx_tensor *t)
{
    const int64_t n = tensor_elements(to);
    const size_t size = (size_t)dtype_bits(to->type) / 8;
    size_t has;
    const void *typed = typed_data(t, to->type, &has);
    if (t->has_raw_data) {
        has = t->raw_data.len / size;
        if (t->raw_data.len != (size_t)n * size)
            has = t->raw_data.len == has * size && has != (size_t)n ? has : SIZE_MAX;
    }
    if (has == SIZE_MAX)
        fail(o->ctx, NULL, "tensor '%s' (%s) has %zu bytes: the file is damaged", to->name,
             tensor_text(o->ctx, to), t->raw_data.len);
    if (has != (size_t)n)
        fail(o->ctx, NULL, "tensor '%s' (%s) has %zu numbers: the file is damaged", to->name,
             tensor_text(o->ctx, to), has);
    void *data = alloc(o->ctx, (size_t)n, size);
    bool fits = true;
    if (t->has_raw_data)
        copy_raw(data, t->raw_data.data, n, size);
    else if (to->type == DTYPE_UINT32)
        for (int64_t i = 0; i < n; i++) {
            ((uint32_t *)data)[i] = (uint32_t)t->uint64_data[i];
            fits &= t->uint64_data[i] <= UINT32_MAX;
        }
    else if (typed == t->int32_data)
        fits = copy_int32s(data, to->type, t->int32_data, n);
    else
        memcpy(data, typed, (size_t)n * size);
    if (!fits)
        fail(o->ctx, NULL, "tensor '%s' (%s) has numbers that its type cannot hold", to->name,
             tensor_text(o->ctx, to));
    to->data = data;
}

struct tensor *onnx_constant(struct onnx *o, const char *name, const onnx_tensor *t)
{
    int32_t dim[RANK_MAX];
    int64_t n = 1;
    refuse_external(o, name, t);
    const enum dtype type = type_of(o, "tensor", name, t->data_type);
    if (t->n_dims > RANK_MAX)
        fail(o->ctx, NULL, "tensor '%s' has %zu dimensions; at most %d are supported", name,
             t->n_dims, RANK_MAX);
    for (size_t i = 0; i < t->n_dims; i++) {
        if (t->dims[i] < 1 || t->dims[i] > TENSOR_BYTES_MAX ||
            (n *= t->dims[i]) * dtype_bits(type) / 8 > TENSOR_BYTES_MAX)
            fail(o->ctx, NULL,
                 "tensor '%s' has %lld elements in dimension %zu; a tensor has at least one and "
                 "at most %d bytes",
                 name, (long long)t->dims[i], i, TENSOR_BYTES_MAX);
        dim[i] = (int32_t)t->dims[i];
    }
    struct tensor *to = graph_add_tensor(o->ctx, o->graph, name, type, (int)t->n_dims, dim);
    read_contents(o, to, t);
    return to;
}

/* ---- what the file says of values that are computed ------------------------------------------ */

int onnx_shape(const onnx_info *info, int32_t dim[RANK_MAX])
{
    const Onnx__TensorType *t = info && info->type ? info->type->tensor_type : NULL;
    int64_t n = 1;
    if (!t || !t->shape || t->shape->n_dim > RANK_MAX)
        return -1;
    for (size_t i = 0; i < t->shape->n_dim; i++) {
        const Onnx__Dimension *d = t->shape->dim[i];
        int64_t size = d->has_dim_value ? d->dim_value : -1;
        if (i == 0 && size < 1)
            size = 1;
        if (size < 1 || size > TENSOR_BYTES_MAX || (n *= size) > TENSOR_BYTES_MAX / 8)
            return -1;
        dim[i] = (int32_t)size;
    }
    return (int)t->shape->n_dim;
}

int onnx_type(const onnx_info *info)
{
    const Onnx__TensorType *t = info && info->type ? info->type->tensor_type : NULL;
    return t && t->elem_type > 0 && t->elem_type < N_TYPES ? types[t->elem_type].type : -1;
}

/* ---- inputs ---------------------------------------------------------------------------------- */

/* The size of dimension i of an input. That of the first may be unknown, or 0 in the files of some
 * writers: it is the batch, and a microcontroller computes one row at a time. */
static int32_t dimension(struct onnx *o, const onnx_info *info, const Onnx__TensorShapeProto *shape,
                         size_t i)
{
    const Onnx__Dimension *d = shape->dim[i];
    const int64_t size = d->has_dim_value ? d->dim_value : -1;
    if (i == 0 && size < 1)
        return 1;
    if (size < 1)
        fail(o->ctx, NULL,
             "dimension %zu of the input '%s' may have any size; convert the model with the size "
             "it has (skl2onnx: initial_types=[(name, FloatTensorType([None, columns]))])",
             i, info->name);
    if (size > TENSOR_BYTES_MAX)
        fail(o->ctx, NULL,
             "the input '%s' has %lld elements in dimension %zu; at most %d are "
             "supported",
             info->name, (long long)size, i, TENSOR_BYTES_MAX);
    return (int32_t)size;
}

struct tensor *onnx_input(struct onnx *o, const onnx_info *info)
{
    const Onnx__TensorType *t = info->type ? info->type->tensor_type : NULL;
    int32_t dim[RANK_MAX];
    int64_t n = 1;
    if (!t)
        fail(o->ctx, NULL, "the input '%s' is no tensor: only tensors of numbers are supported",
             info->name);
    const enum dtype type = type_of(o, "the input", info->name, t->elem_type);
    if (!t->shape || t->shape->n_dim == 0)
        fail(o->ctx, NULL,
             "the input '%s' has no shape; convert the model with one, such as [None, columns]",
             info->name);
    if (t->shape->n_dim > RANK_MAX)
        fail(o->ctx, NULL, "the input '%s' has %zu dimensions; at most %d are supported",
             info->name, t->shape->n_dim, RANK_MAX);
    for (size_t i = 0; i < t->shape->n_dim; i++) {
        dim[i] = dimension(o, info, t->shape, i);
        if ((n *= dim[i]) * dtype_bits(type) / 8 > TENSOR_BYTES_MAX)
            fail(o->ctx, NULL, "the input '%s' has more than %d bytes", info->name,
                 TENSOR_BYTES_MAX);
    }
    return graph_add_tensor(o->ctx, o->graph, info->name, type, (int)t->shape->n_dim, dim);
}
