/* SPDX-License-Identifier: Apache-2.0 */
/* tflite_tensor.c - tensors of a .tflite file: shapes, quantisation, contents. */
#include <math.h>
#include <string.h>

#include "read/tflite.h"

enum tensor_field {
    TENSOR_SHAPE,
    TENSOR_TYPE,
    TENSOR_BUFFER,
    TENSOR_NAME,
    TENSOR_QUANTIZATION,
    TENSOR_IS_VARIABLE,
    TENSOR_SPARSITY,
    TENSOR_SHAPE_SIGNATURE,
    TENSOR_EXTERNAL_BUFFER = 10
};

enum quantization_field {
    QUANTIZATION_SCALE = 2,
    QUANTIZATION_ZERO_POINT,
    QUANTIZATION_DETAILS_TYPE,
    QUANTIZATION_DETAILS,
    QUANTIZATION_DIMENSION
};

enum buffer_field { BUFFER_DATA, BUFFER_OFFSET, BUFFER_SIZE };

static struct fb_table tensor_table(struct tfl_graph *g, size_t i)
{
    return fb_table_at(&g->tfl->fb, g->tensors, i);
}

const char *tfl_tensor_name(struct tfl_graph *g, size_t i)
{
    if (g->tensor[i])
        return g->tensor[i]->name;
    const char *name = fb_string(&g->tfl->fb, tensor_table(g, i), TENSOR_NAME);
    return name && *name ? name : format(g->tfl->ctx, "tensor_%zu", i);
}

/* ---- types and shapes ------------------------------------------------------------------------ */

static const char *type_text(struct ctx *ctx, int type)
{
    if (type >= 0 && type < DTYPE_COUNT)
        return dtype_name((enum dtype)type);
    switch (type) { /* types of the schema that no compiler for microcontrollers has met yet */
    case 21:
        return "float8_e4m3fn";
    case 22:
        return "float8_e5m2";
    default:
        return format(ctx, "type %d of a newer schema", type);
    }
}

const char *tfl_tensor_text(struct tfl_graph *g, size_t i)
{
    struct tfl *tfl = g->tfl;
    struct fb_table t = tensor_table(g, i);
    struct fb_vector shape = fb_vector(&tfl->fb, t, TENSOR_SHAPE, 4);
    struct text *text = text_new(tfl->ctx);
    text_add(text, "%s [", type_text(tfl->ctx, fb_i8(&tfl->fb, t, TENSOR_TYPE, 0)));
    for (size_t k = 0; k < shape.n && k < 8; k++)
        text_add(text, "%s%d", k ? "," : "", fb_i32_at(&tfl->fb, shape, k));
    text_add(text, "%s]", shape.n > 8 ? ",..." : "");
    return text->at;
}

static enum dtype read_type(struct tfl_graph *g, struct fb_table t, const char *name)
{
    int type = fb_i8(&g->tfl->fb, t, TENSOR_TYPE, DTYPE_FLOAT32);
    if (type < 0 || type >= DTYPE_COUNT || dtype_bits((enum dtype)type) == 0)
        fail(g->tfl->ctx, NULL,
             "tensor '%s' is of %s, which no supported operator takes: see docs/operators.md", name,
             type_text(g->tfl->ctx, type));
    return (enum dtype)type;
}

/* Reads the shape into dim[RANK_MAX] and returns the rank.
 * The signature says which dimensions were unknown when the model was converted; the shape has the
 * sizes it was converted for. An unknown batch size is the ordinary case and means one inference
 * a run; an unknown size elsewhere is checked for inputs, where the model's user would see it. */
static int read_shape(struct tfl_graph *g, struct fb_table t, const char *name, int32_t *dim)
{
    struct ctx *ctx = g->tfl->ctx;
    struct fb *fb = &g->tfl->fb;
    struct fb_vector shape = fb_vector(fb, t, TENSOR_SHAPE, 4);
    if (shape.n > RANK_MAX)
        fail(ctx, NULL, "tensor '%s' has %zu dimensions, of which %d are supported: reshape it",
             name, shape.n, RANK_MAX);
    for (size_t k = 0; k < shape.n; k++) {
        dim[k] = fb_i32_at(fb, shape, k);
        if (dim[k] <= 0)
            fail(ctx, NULL,
                 "tensor '%s' has size %d in dimension %zu: convert the model with fixed shapes",
                 name, dim[k], k);
    }
    return (int)shape.n;
}

static int64_t bytes_of(enum dtype type, int rank, const int32_t *dim)
{
    int64_t n = 1;
    for (int k = 0; k < rank; k++) {
        n *= dim[k];
        if (n > TENSOR_BYTES_MAX)
            return INT64_MAX;
    }
    return (n * dtype_bits(type) + 7) / 8;
}

void tfl_check_input_signature(struct tfl_graph *g, size_t i)
{
    struct fb *fb = &g->tfl->fb;
    struct fb_vector signature = fb_vector(fb, tensor_table(g, i), TENSOR_SHAPE_SIGNATURE, 4);
    for (size_t k = 1; k < signature.n; k++)
        if (fb_i32_at(fb, signature, k) < 0)
            fail(g->tfl->ctx, NULL,
                 "dimension %zu of the input '%s' may have any size: convert the model with the "
                 "size it shall have",
                 k, tfl_tensor_name(g, i));
}

/* ---- quantisation ---------------------------------------------------------------------------- */

static bool is_integer(enum dtype type)
{
    const uint32_t integers = TYPE_BIT(INT4) | TYPE_BIT(UINT4) | TYPE_BIT(INT2) | TYPE_BIT(INT8) |
                              TYPE_BIT(UINT8) | TYPE_BIT(INT16) | TYPE_BIT(UINT16) |
                              TYPE_BIT(INT32) | TYPE_BIT(UINT32) | TYPE_BIT(INT64) |
                              TYPE_BIT(UINT64);
    return (integers >> type & 1) != 0;
}

static void check_zero(struct tfl_graph *g, const struct tensor *t, int64_t zero)
{
    int bits = dtype_bits(t->type);
    bool is_unsigned = t->type == DTYPE_UINT8 || t->type == DTYPE_UINT16 ||
                       t->type == DTYPE_UINT32 || t->type == DTYPE_UINT4;
    int64_t low = INT32_MIN, high = INT32_MAX;
    if (bits < 32) {
        low = is_unsigned ? 0 : -(INT64_C(1) << (bits - 1));
        high = low + (INT64_C(1) << bits) - 1;
    }
    if (zero < low || zero > high)
        fail(g->tfl->ctx, NULL,
             "tensor '%s' has the zero point %lld, which %s cannot hold: the model is damaged",
             t->name, (long long)zero, dtype_name(t->type));
}

static void refuse_details(struct tfl_graph *g, const char *name, int details)
{
    static const char *const kinds[] = {"none", "custom", "blockwise", "multi-axis"};
    fail(g->tfl->ctx, NULL,
         "tensor '%s' has %s quantisation; supported are one scale a tensor and one a channel: "
         "quantise the model so",
         name, details > 0 && details < 4 ? kinds[details] : "an unknown kind of");
}

static void read_quant(struct tfl_graph *g, struct fb_table table, struct tensor *t)
{
    struct ctx *ctx = g->tfl->ctx;
    struct fb *fb = &g->tfl->fb;
    struct fb_table q = fb_table(fb, table, TENSOR_QUANTIZATION);
    int details = fb_u8(fb, q, QUANTIZATION_DETAILS_TYPE, 0);
    if (details)
        refuse_details(g, t->name, details);
    struct fb_vector scale = fb_vector(fb, q, QUANTIZATION_SCALE, 4);
    struct fb_vector zero = fb_vector(fb, q, QUANTIZATION_ZERO_POINT, 8);
    if (scale.n == 0 || !is_integer(t->type)) /* converters leave ranges at float tensors too */
        return;

    int32_t axis = fb_i32(fb, q, QUANTIZATION_DIMENSION, 0);
    if (scale.n == 1)
        axis = 0;
    else if (axis < 0 || axis >= t->rank || (size_t)t->dim[axis] != scale.n)
        fail(ctx, NULL, "tensor '%s' of %s has %zu scales along dimension %d: the model is damaged",
             t->name, tensor_text(ctx, t), scale.n, axis);
    if (zero.n > 1 && zero.n != scale.n)
        fail(ctx, NULL, "tensor '%s' has %zu scales and %zu zero points: the model is damaged",
             t->name, scale.n, zero.n);

    float *scales = NEWS(ctx, float, scale.n);
    int32_t *zeros = NEWS(ctx, int32_t, scale.n);
    for (size_t k = 0; k < scale.n; k++) {
        scales[k] = fb_f32_at(fb, scale, k);
        if (!isfinite(scales[k]) || scales[k] <= 0)
            fail(ctx, NULL, "tensor '%s' has the scale %g, which must be positive and finite",
                 t->name, (double)scales[k]);
        int64_t z = zero.n == 0 ? 0 : fb_i64_at(fb, zero, zero.n == 1 ? 0 : k);
        check_zero(g, t, z);
        zeros[k] = (int32_t)z;
    }
    t->quant = (struct quant){.n = (int)scale.n, .axis = axis, .scale = scales, .zero = zeros};
}

/* ---- contents -------------------------------------------------------------------------------- */

/* The bytes of a tensor's buffer; n == 0: it has none, and the tensor is computed.
 * Large files keep contents outside of the tables: then the buffer says where in the file. Writers
 * put 1 there until they know, so offsets up to 1 mean nothing. */
static struct fb_vector buffer_bytes(struct tfl_graph *g, struct fb_table tensor, const char *name)
{
    struct tfl *tfl = g->tfl;
    uint32_t number = fb_u32(&tfl->fb, tensor, TENSOR_BUFFER, 0);
    if (number == 0 && tfl->buffers.n == 0) /* no tensor has contents */
        return (struct fb_vector){0};
    if (number >= tfl->buffers.n)
        fail(tfl->ctx, NULL,
             "tensor '%s' refers to buffer %u, and there are %zu: the file is damaged", name,
             number, tfl->buffers.n);
    struct fb_table b = fb_table_at(&tfl->fb, tfl->buffers, number);
    struct fb_vector data = fb_data(&tfl->fb, b, BUFFER_DATA);
    uint64_t offset = fb_u64(&tfl->fb, b, BUFFER_OFFSET, 0);
    uint64_t size = fb_u64(&tfl->fb, b, BUFFER_SIZE, 0);
    if (data.n > 0 || offset <= 1)
        return data;
    if (offset > tfl->fb.n || size > tfl->fb.n - offset)
        fail(tfl->ctx, NULL,
             "the contents of tensor '%s' (%llu bytes at byte %llu) lie outside of the file of "
             "%zu bytes: it is cut off",
             name, (unsigned long long)size, (unsigned long long)offset, tfl->fb.n);
    return (struct fb_vector){.at = (size_t)offset, .n = (size_t)size};
}

/* A copy in the host's order of bytes, shared by all tensors of the same buffer and type. */
static const void *copy_contents(struct tfl *tfl, uint32_t buffer, struct fb_vector from,
                                 enum dtype type)
{
    struct tfl_buffer *b = &tfl->copied[buffer];
    if (b->data && b->type == type)
        return b->data;
    /* Buffers of an honest file do not overlap. */
    if (from.n > tfl->fb.n - tfl->copied_bytes)
        fail(tfl->ctx, NULL, "the contents of the tensors overlap in the file: it is damaged");
    tfl->copied_bytes += from.n;

    size_t size = (size_t)dtype_bits(type) / 8;
    if (type == DTYPE_COMPLEX64 || type == DTYPE_COMPLEX128)
        size /= 2; /* two numbers */
    uint8_t *to = alloc(tfl->ctx, from.n, 1);
    const uint8_t *bytes = tfl->fb.bytes + from.at;
    for (size_t i = 0; size > 1 && i + size <= from.n; i += size) {
        uint64_t value = fb_little_endian(bytes + i, size);
        uint16_t half = (uint16_t)value;
        uint32_t word = (uint32_t)value;
        memcpy(to + i,
               size == 2   ? (void *)&half
               : size == 4 ? (void *)&word
                           : (void *)&value,
               size);
    }
    if (size <= 1)
        memcpy(to, bytes, from.n);
    *b = (struct tfl_buffer){.data = to, .type = type};
    return to;
}

static void read_contents(struct tfl_graph *g, struct fb_table table, struct tensor *t,
                          int64_t bytes)
{
    struct fb_vector data = buffer_bytes(g, table, t->name);
    if (data.n == 0)
        return;
    if ((int64_t)data.n != bytes)
        fail(g->tfl->ctx, NULL,
             "the constant '%s' of %s needs %lld bytes, and the file has %zu: it is damaged",
             t->name, tensor_text(g->tfl->ctx, t), (long long)bytes, data.n);
    uint32_t buffer = fb_u32(&g->tfl->fb, table, TENSOR_BUFFER, 0);
    t->data = copy_contents(g->tfl, buffer, data, t->type);
}

int tfl_tensor_ints(struct tfl_graph *g, size_t i, int32_t *at, int max)
{
    struct fb *fb = &g->tfl->fb;
    struct fb_table t = tensor_table(g, i);
    struct fb_vector data = buffer_bytes(g, t, tfl_tensor_name(g, i));
    if (data.n == 0 || g->maker[i])
        return -1;
    int type = fb_i8(fb, t, TENSOR_TYPE, 0);
    size_t size = type == DTYPE_INT32 ? 4 : type == DTYPE_INT64 ? 8 : 0;
    if (size == 0 || data.n % size != 0 || data.n / size > (size_t)max)
        return -2;
    data.n /= size;
    for (size_t k = 0; k < data.n; k++) {
        int64_t v = size == 4 ? fb_i32_at(fb, data, k) : fb_i64_at(fb, data, k);
        at[k] = (int32_t)(v < INT32_MIN ? INT32_MIN : v > INT32_MAX ? INT32_MAX : v);
    }
    return (int)data.n;
}

struct tensor *tfl_tensor(struct tfl_graph *g, size_t i)
{
    struct ctx *ctx = g->tfl->ctx;
    struct fb *fb = &g->tfl->fb;
    struct fb_table table = tensor_table(g, i);
    const char *name = tfl_tensor_name(g, i);
    enum dtype type = read_type(g, table, name);
    int32_t dim[RANK_MAX] = {0};
    int rank = read_shape(g, table, name, dim);
    int64_t bytes = bytes_of(type, rank, dim);
    if (bytes > TENSOR_BYTES_MAX)
        fail(ctx, NULL, "tensor '%s' (%s) is larger than %d MiB: no supported core has such memory",
             name, tfl_tensor_text(g, i), TENSOR_BYTES_MAX >> 20);
    if (fb_table(fb, table, TENSOR_SPARSITY).at)
        fail(ctx, NULL,
             "tensor '%s' is stored in sparse form, which is not supported: export it dense", name);
    if (fb_u32(fb, table, TENSOR_EXTERNAL_BUFFER, 0))
        fail(ctx, NULL,
             "the contents of tensor '%s' are in another file, which is not supported: export the "
             "model as one file",
             name);

    struct tensor *t = graph_add_tensor(ctx, g->graph, name, type, rank, dim);
    read_quant(g, table, t);
    t->is_variable = fb_bool(fb, table, TENSOR_IS_VARIABLE, false);
    read_contents(g, table, t, bytes);
    if (t->is_variable && t->data)
        fail(ctx, NULL, "the variable '%s' has initial contents, which is not supported", name);
    return t;
}
