/* SPDX-License-Identifier: Apache-2.0 */
/* test_tflite.c - the .tflite reader: attributes made plain, and what is refused in which words. */
#include <stdlib.h>

#include "harness.h"
#include "op/attr.h"
#include "spec.h"
#include "compile.h"

/* ---- reading it ------------------------------------------------------------------------------ */

static struct ctx ctx;
static char error[ERROR_BYTES];
static jmp_buf recover;

/* The first n bytes of what was written, in memory that ends there. */
static const char *read_bytes(size_t n)
{
    arena_free(ctx.arena);
    ctx = (struct ctx){.arena = arena_new(), .error = error, .recover = &recover, .file = "m"};
    error[0] = '\0';
    uint8_t *volatile exact = malloc(n ? n : 1);
    if (!exact)
        abort();
    memcpy(exact, w.at, n);
    if (setjmp(recover) == 0)
        read_tflite(&ctx, exact, n);
    free(exact);
    return error;
}

/* The message it is refused with, or "". */
static const char *read_spec(const struct spec *s)
{
    write_model(s);
    return read_bytes(w.n);
}

static const void *attr(void)
{
    return ctx.graph && ctx.graph->n_nodes ? ctx.graph->node[0]->attr : NULL;
}

/* x -> operator -> y, both float32 [1,4,6,2]; constants are added as tensors 2 and on. */
static struct spec one_operator(int code)
{
    struct spec s = {.version = 3, .n_graphs = 1, .n_tensors = 2, .n_operators = 1};
    s.tensor[0] = (struct spec_tensor){.name = "x", .rank = 4, .dim = {1, 4, 6, 2}};
    s.tensor[1] = (struct spec_tensor){.name = "y", .rank = 4, .dim = {1, 4, 6, 2}};
    s.op[0] = (struct spec_operator){.code = code, .n_in = 1, .n_out = 1, .in = {0}, .out = {1}};
    s.n_in = s.n_out = 1;
    s.out[0] = 1;
    return s;
}

static void add_ints(struct spec *s, const char *name, int n, const int32_t *value)
{
    struct spec_tensor *t = &s->tensor[s->n_tensors];
    *t = (struct spec_tensor){.name = name, .type = DTYPE_INT32, .rank = 1, .dim = {n}};
    t->n_values = n;
    memcpy(t->value, value, (size_t)n * 4);
    s->op[0].in[s->op[0].n_in++] = s->n_tensors++;
}

static void add_option(struct spec *s, int field, int32_t value, size_t size)
{
    s->op[0].field[s->op[0].n_fields++] = (struct spec_field){field, (uint32_t)value, size};
}

static bool is_list(struct int_list list, int n, const int32_t *at)
{
    return list.n == n && memcmp(list.at, at, (size_t)n * 4) == 0;
}
#define IS_LIST(list, ...) \
    is_list(list, (int)(sizeof((int32_t[]){__VA_ARGS__}) / 4), (int32_t[]){__VA_ARGS__})

/* ---- attributes ------------------------------------------------------------------------------ */

/* Weights [2,kh,kw,2] of float32; their values are of no interest. */
static struct spec conv(int32_t kh, int32_t kw, int padding, int stride, int dilation)
{
    struct spec s = one_operator(CONV_2D);
    s.tensor[2] = (struct spec_tensor){
        .name = "w", .rank = 4, .dim = {1, kh, kw, 1}, .n_values = kh * kw};
    s.tensor[0].dim[3] = s.tensor[1].dim[3] = 1;
    s.n_tensors = 3;
    s.op[0].n_in = 2;
    s.op[0].in[1] = 2;
    s.op[0].options = 1;
    add_option(&s, 0, padding, 1);
    add_option(&s, 1, stride, 4);
    add_option(&s, 2, stride, 4);
    add_option(&s, 4, dilation, 4);
    add_option(&s, 5, dilation, 4);
    return s;
}

static bool has_pads(struct spec s, int32_t top, int32_t bottom, int32_t left, int32_t right)
{
    if (*read_spec(&s))
        return false;
    const struct attr_conv2d *c = attr();
    return c->pad_top == top && c->pad_bottom == bottom && c->pad_left == left &&
           c->pad_right == right;
}

static void test_padding(void)
{
    CHECK(has_pads(conv(3, 3, 0, 1, 1), 1, 1, 1, 1));
    CHECK(has_pads(conv(2, 4, 0, 1, 1), 0, 1, 1, 2)); /* the odd one after */
    CHECK(has_pads(conv(3, 3, 0, 2, 1), 0, 1, 0, 1)); /* 4 -> 2, 6 -> 3 */
    CHECK(has_pads(conv(3, 3, 0, 1, 3), 3, 3, 3, 3));
    CHECK(has_pads(conv(1, 1, 0, 3, 1), 0, 0, 0, 0)); /* never negative */
    CHECK(has_pads(conv(3, 2, 1, 2, 1), 0, 0, 0, 0)); /* VALID */
    struct spec s = conv(3, 3, 0, 1, 1);
    add_option(&s, 3, 3, 1); /* the schema's RELU6 is our third */
    CHECK_TEXT(read_spec(&s), "");
    CHECK(((const struct attr_conv2d *)attr())->activation == ACT_RELU6);
    s.op[0].field[5].value = 4;
    CHECK_TEXT(read_spec(&s), "m: node 'y' (conv2d): the fused activation TANH is not supported; "
                              "use RELU, RELU6, RELU_N1_TO_1, or an operator of its own after "
                              "this one");
    s = conv(3, 3, 0, 0, 1);
    CHECK_TEXT(read_spec(&s),
               "m: node 'y' (conv2d): its horizontal stride is 0, which is not positive");
    s = conv(3, 3, 2, 1, 1);
    CHECK_TEXT(read_spec(&s), "m: node 'y' (conv2d): its padding has the unknown code 2");
    s = conv(3, 3, 0, 1, 0x7fffffff);
    CHECK(strstr(read_spec(&s), "its window of 3 with dilation 2147483647 is too large"));
}

static void test_axes(void)
{
    struct spec s = one_operator(MEAN);
    add_ints(&s, "axes", 3, (const int32_t[]){-1, 1, 3});
    CHECK_TEXT(read_spec(&s), "");
    CHECK(IS_LIST(((const struct attr_mean *)attr())->axes, 1, 3));
    CHECK(ctx.graph->node[0]->n_in == 1 && ctx.graph->n_tensors == 2);
    s.tensor[2].value[0] = 4;
    CHECK_TEXT(read_spec(&s), "m: node 'y' (mean): it has axis 4 of a tensor with 4 dimensions");
    s.tensor[2].n_values = 0;
    CHECK_TEXT(
        read_spec(&s),
        "m: node 'y' (mean): its axes must be constant, and 'axes' is computed on the device; "
        "generated code has fixed shapes: make it a constant in the model");

    s = one_operator(TRANSPOSE);
    add_ints(&s, "perm", 4, (const int32_t[]){0, 3, 1, 2});
    CHECK_TEXT(read_spec(&s), "");
    CHECK(IS_LIST(((const struct attr_transpose *)attr())->perm, 0, 3, 1, 2));
    s.tensor[2].value[1] = 2;
    CHECK_TEXT(read_spec(&s), "m: node 'y' (transpose): its permutation has axis 2 twice");
    s.tensor[2].n_values = 3;
    CHECK_TEXT(read_spec(&s), "m: node 'y' (transpose): its permutation has 3 entries, and its "
                              "input float32 [1,4,6,2] has 4 dimensions");

    s = one_operator(PAD);
    add_ints(&s, "pads", 8, (const int32_t[]){0, 0, 1, 2, 3, 4, 0, 0});
    CHECK_TEXT(read_spec(&s), "");
    CHECK(IS_LIST(((const struct attr_pad *)attr())->before, 0, 1, 3, 0));
    CHECK(IS_LIST(((const struct attr_pad *)attr())->after, 0, 2, 4, 0));
    s.tensor[2].value[5] = -1;
    CHECK_TEXT(read_spec(&s), "m: node 'y' (pad): its padding of dimension 2 is negative");
}

/* ---- strided slices -------------------------------------------------------------------------- */

struct strides {
    int n;
    int32_t begin[5], end[5], stride[5];
    int32_t mask[5]; /* begin, end, ellipsis, new axis, shrink axis */
};

static struct spec slice(struct strides c)
{
    struct spec s = one_operator(STRIDED_SLICE);
    s.op[0].options = 32;
    add_ints(&s, "begin", c.n, c.begin);
    add_ints(&s, "end", c.n, c.end);
    add_ints(&s, "strides", c.n, c.stride);
    for (int i = 0; i < 5; i++)
        add_option(&s, i, c.mask[i], 4);
    return s;
}

static const struct attr_slice *read_slice(struct strides c)
{
    static const struct attr_slice none;
    struct spec s = slice(c);
    CHECK_TEXT(read_spec(&s), "");
    return attr() ? attr() : &none;
}

static void test_strided_slice(void)
{
    const struct attr_slice *a;
    a = read_slice((struct strides){4, {0, 1, 2, 0}, {1, 4, 6, 2}, {1, 2, 3, 1}, {0}});
    CHECK(IS_LIST(a->begin, 0, 1, 2, 0) && IS_LIST(a->size, 1, 2, 2, 2));
    CHECK(IS_LIST(a->stride, 1, 2, 3, 1) && a->drop.n == 0);
    /* Negative numbers count from the end, and ends beyond the axis are clipped. */
    a = read_slice((struct strides){3, {0, -3, -99}, {9, -1, 99}, {1, 1, 4}, {0}});
    CHECK(IS_LIST(a->begin, 0, 1, 0, 0) && IS_LIST(a->size, 1, 2, 2, 2));
    /* Backwards, to the first element only by the mask. */
    a = read_slice((struct strides){3, {0, -1, 99}, {1, 0, 0}, {1, -1, -2}, {0, 4}});
    CHECK(IS_LIST(a->begin, 0, 3, 5, 0) && IS_LIST(a->size, 1, 3, 3, 2));
    CHECK(IS_LIST(a->stride, 1, -1, -2, 1));
    /* Masks ignore what the lists say; dropped axes have one element. */
    a = read_slice((struct strides){3, {7, 2, -1}, {7, 0, 0}, {1, 1, 1}, {1, 1, 0, 0, 6}});
    CHECK(IS_LIST(a->begin, 0, 2, 5, 0) && IS_LIST(a->size, 1, 1, 1, 2));
    CHECK(IS_LIST(a->drop, 1, 2));
    /* The ellipsis stands for the axes between. */
    a = read_slice((struct strides){2, {0, 1}, {0, 2}, {1, 1}, {0, 0, 1}});
    CHECK(IS_LIST(a->begin, 0, 0, 0, 1) && IS_LIST(a->size, 1, 4, 6, 1));

    struct spec s = slice((struct strides){2, {0, 2}, {1, 2}, {1, 1}, {0}});
    CHECK_TEXT(read_spec(&s),
               "m: node 'y' (slice): it takes no element of dimension 1, which has 4");
    s = slice((struct strides){2, {0, 4}, {1, 5}, {1, 1}, {0, 0, 0, 0, 2}});
    CHECK_TEXT(read_spec(&s),
               "m: node 'y' (slice): it takes element 4 of dimension 1, which has 4");
    s = slice((struct strides){2, {0, 1}, {1, 2}, {1, 0}, {0}});
    CHECK_TEXT(read_spec(&s), "m: node 'y' (slice): its stride is 0");
    s = slice((struct strides){5, {0}, {1, 1, 1, 1, 1}, {1, 1, 1, 1, 1}, {0}});
    CHECK_TEXT(
        read_spec(&s),
        "m: node 'y' (slice): it has 5 entries and 0 ellipses for float32 [1,4,6,2]: give at "
        "most one entry for each axis, new ones included, and one ellipsis");
}

static bool has_shape(const struct tensor *t, int rank, const int32_t *dim)
{
    return t->rank == rank && memcmp(t->dim, dim, (size_t)rank * sizeof *dim) == 0;
}
#define HAS_SHAPE(t, ...) \
    has_shape(t, (int)(sizeof((int32_t[]){__VA_ARGS__}) / 4), (int32_t[]){__VA_ARGS__})

/* y = x[0, ..., NEW, 0:2:2] of [1,4,6,2]: a slice without the new axis and a reshape. */
static void test_new_axes(void)
{
    struct spec s = slice(
        (struct strides){4, {0, 0, 0, 0}, {1, 0, 1, 2}, {1, 1, 0, 2}, {0, 0, 2, 4, 1}});
    s.tensor[1].rank = 4;
    memcpy(s.tensor[1].dim, (const int32_t[]){4, 6, 1, 1}, sizeof(int32_t[4]));
    CHECK_TEXT(read_spec(&s), "");
    const struct node *const *node = (const struct node *const *)ctx.graph->node;
    CHECK(ctx.graph->n_nodes == 2 && strcmp(node[0]->op->name, "slice") == 0);
    const struct attr_slice *a = node[0]->attr;
    CHECK(IS_LIST(a->size, 1, 4, 6, 1) && IS_LIST(a->stride, 1, 1, 1, 2) && IS_LIST(a->drop, 0));
    CHECK(strcmp(node[0]->name, "y") == 0 && strcmp(node[0]->out[0]->name, "y/slice") == 0);
    CHECK(HAS_SHAPE(node[0]->out[0], 4, 6, 1) && node[0]->out[0]->maker == node[0]);
    CHECK(strcmp(node[1]->name, "y/new_axes") == 0 && strcmp(node[1]->op->name, "reshape") == 0);
    CHECK(node[1]->in[0] == node[0]->out[0] && node[1]->out[0] == ctx.graph->output[0]);
    CHECK(ctx.graph->output[0]->maker == node[1] && HAS_SHAPE(ctx.graph->output[0], 4, 6, 1, 1));
    s.tensor[1].dim[1] = 5;
    CHECK_TEXT(
        read_spec(&s),
        "m: node 'y' (slice): output 'y' is float32 [4,5,1,1] in the file, but the slice with "
        "its new axes gives [4,6,1,1]: the file is inconsistent; convert the model again");
}

/* x has as many axes as there are entries without the ellipsis. */
static void test_ellipsis_of_no_axis(void)
{
    struct strides c = {3, {0, 1, 0}, {0, 3, 1}, {1, 1, 0}, {0, 0, 1}};
    struct spec s = slice(c);
    s.tensor[0].rank = s.tensor[1].rank = 2; /* y: [1,4], as x; numpy gives no such shape */
    CHECK_TEXT(read_spec(&s), "");
    const struct attr_slice *a = attr();
    CHECK(IS_LIST(a->begin, 0, 1) && IS_LIST(a->size, 1, 2));
    CHECK(HAS_SHAPE(ctx.graph->output[0], 1, 2));
    /* A last one stands for nothing. */
    s = slice((struct strides){3, {0, 1, 0}, {1, 3, 0}, {1, 1, 1}, {0, 0, 4}});
    s.tensor[0].rank = s.tensor[1].rank = 2;
    s.tensor[1].dim[1] = 2;
    CHECK_TEXT(read_spec(&s), "");
    CHECK(IS_LIST(((const struct attr_slice *)attr())->size, 1, 2));
    s = slice((struct strides){4, {0}, {0, 1, 1, 1}, {1, 1, 1, 1}, {0, 0, 1, 8}});
    s.tensor[0].rank = s.tensor[1].rank = 2;
    CHECK_TEXT(
        read_spec(&s),
        "m: node 'y' (slice): its ellipsis stands for no axis and a new axis comes last, for "
        "which LiteRT has no defined result: leave the ellipsis out");
}

/* ---- operators that count -------------------------------------------------------------------- */

static void test_operators(void)
{
    struct spec s = one_operator(GATHER);
    s.tensor[1].name = "net/picked";
    CHECK_TEXT(read_spec(&s),
               "m: node 'net/picked' (GATHER) on float32 [1,4,6,2]: the operator GATHER is not "
               "supported; docs/operators.md lists what is: build the model from those, or end it "
               "before this node and do the rest in your own code");
    s = one_operator(CUSTOM);
    s.op[0].custom = "Frontend";
    CHECK(strstr(read_spec(&s), "node 'y' (Frontend) on float32 [1,4,6,2]: the custom operator "
                                "Frontend is not supported;"));
    s = one_operator(GELU);
    s.op[0].old_code = 127;
    CHECK(strstr(read_spec(&s), "the operator GELU is not supported"));
    s = one_operator(999);
    CHECK(strstr(read_spec(&s), "the operator code 999 is not supported"));
    s = one_operator(0); /* only the old field, as files of long ago */
    s.op[0].old_code = RELU;
    CHECK_TEXT(read_spec(&s), "");
    CHECK(ctx.graph->n_nodes == 1 && node_is(ctx.graph->node[0], OP_clamp));
    s = one_operator(FULLY_CONNECTED);
    CHECK_TEXT(read_spec(&s),
               "m: node 'y' (FULLY_CONNECTED) has 1 inputs; it must have at least 2 and at most 3");
    s.op[0].n_in = 2;
    s.op[0].in[1] = -1;
    CHECK_TEXT(read_spec(&s), "m: node 'y' (FULLY_CONNECTED) lacks input 1, which it needs");
    s = one_operator(CONCATENATION);
    s.op[0].n_in = 2;
    s.op[0].in[1] = -1;
    CHECK_TEXT(read_spec(&s), "m: node 'y' (concat): it lacks input 1");
    s = one_operator(CONCATENATION);
    s.op[0].options = 1;
    CHECK_TEXT(read_spec(&s), "m: node 'y' (concat): its options are those of another operator: "
                              "the file is damaged");
}

/* SHAPE is not supported, and nothing here depends on it: the shape of `y` is in the file. */
static void test_dead_operators(void)
{
    struct spec s = one_operator(SHAPE);
    s.tensor[2] = (struct spec_tensor){.name = "s", .type = DTYPE_INT32, .rank = 1, .dim = {4}};
    s.n_tensors = 3;
    s.op[0].out[0] = 2;
    s.op[1] = (struct spec_operator){
        .code = RESHAPE, .n_in = 2, .n_out = 1, .in = {0, 2}, .out = {1}};
    s.n_operators = 2;
    CHECK_TEXT(read_spec(&s), "");
    CHECK(ctx.graph->n_nodes == 1 && ctx.graph->n_tensors == 2);
    CHECK(node_is(ctx.graph->node[0], OP_reshape) && ctx.graph->node[0]->n_in == 1);
    s.out[s.n_out++] = 2; /* now it counts */
    CHECK(strstr(read_spec(&s), "the operator SHAPE is not supported"));
    /* What has no output is there for what it does. */
    s.n_out = 1;
    s.op[0].n_out = 0;
    CHECK(strstr(read_spec(&s), "m: operator 0 (SHAPE) on float32 [1,4,6,2]: the operator SHAPE"));
}

/* Operators may come in any order, but not in a circle. */
static void test_order(void)
{
    struct spec s = one_operator(RELU);
    s.tensor[2] = s.tensor[1];
    s.tensor[2].name = "middle";
    s.n_tensors = 3;
    s.op[1] = s.op[0];
    s.n_operators = 2;
    s.op[0].in[0] = s.op[1].out[0] = 2;
    CHECK_TEXT(read_spec(&s), "");
    CHECK(ctx.graph->n_nodes == 2);
    CHECK_TEXT(ctx.graph->node[0]->name, "middle");
    s.op[1].in[0] = 1;
    CHECK(strstr(read_spec(&s), "its inputs depend on its own output"));
    s.op[1].out[0] = 1;
    CHECK_TEXT(read_spec(&s), "m: tensor 'y' is made twice, by node 'y' (RELU) and by node 'y' "
                              "(RELU): the file is damaged");
}

static void test_graphs(void)
{
    struct spec s = one_operator(RELU);
    s.n_graphs = 2;
    s.other_code = RELU;
    CHECK_TEXT(read_spec(&s), "");
    CHECK(ctx.n_subgraphs == 2 && ctx.subgraph[1]->n_nodes == 1);
    s.other_code = GATHER; /* does not matter to the first */
    CHECK_TEXT(read_spec(&s), "");
    CHECK(ctx.n_subgraphs == 2 && ctx.graph == ctx.subgraph[0] && ctx.graph->n_nodes == 1);
    CHECK(ctx.subgraph[1]->n_nodes == 0 && ctx.subgraph[1]->n_tensors == 0);
    CHECK_TEXT(ctx.subgraph[1]->name, "other");

    s = one_operator(RELU);
    s.n_out = 0;
    CHECK(strstr(read_spec(&s), "the graph has no outputs"));
    s.n_out = 1;
    s.out[0] = 2;
    CHECK_TEXT(read_spec(&s),
               "m: output 0 of the graph is tensor 2, and there are 2: the file is damaged");
    s = one_operator(RELU);
    s.op[0].in[0] = 7;
    CHECK_TEXT(read_spec(&s),
               "m: operator 0 (RELU) refers to tensor 7, and there are 2: the file is damaged");
    s = one_operator(RELU);
    s.n_in = 0;
    CHECK(strstr(read_spec(&s), "tensor 'x' is read, but it is no input, no constant"));
    s = one_operator(RELU);
    s.n_in = 2;
    s.in[1] = 1;
    CHECK_TEXT(read_spec(&s),
               "m: the input 'y' is the output of an operator as well: the file is damaged");
    s.in[1] = 0;
    CHECK_TEXT(read_spec(&s), "m: tensor 'x' is listed twice as input of the graph");
    s = one_operator(RELU);
    s.version = 2;
    CHECK_TEXT(read_spec(&s),
               "m: the file is of version 2 of the TFLite schema; version 3 is supported");
}

/* ---- tensors --------------------------------------------------------------------------------- */

static const char *refuse_x(struct spec_tensor x)
{
    struct spec s = one_operator(RELU);
    x.name = "x";
    s.tensor[0] = x;
    return read_spec(&s);
}

static void test_tensors(void)
{
    CHECK_TEXT(refuse_x((struct spec_tensor){.type = DTYPE_STRING, .rank = 1, .dim = {2}}),
               "m: tensor 'x' is of string, which no supported operator takes: see "
               "docs/operators.md");
    CHECK(strstr(refuse_x((struct spec_tensor){.type = 21}), "is of float8_e4m3fn, which"));
    CHECK(strstr(refuse_x((struct spec_tensor){.type = 99}), "is of type 99 of a newer schema"));
    CHECK_TEXT(refuse_x((struct spec_tensor){.rank = 2, .dim = {3, 0}}),
               "m: tensor 'x' has size 0 in dimension 1: convert the model with fixed shapes");
    CHECK(strstr(refuse_x((struct spec_tensor){.rank = 1, .dim = {-1}}), "has size -1 in"));
    CHECK_TEXT(refuse_x((struct spec_tensor){.rank = 7, .dim = {1, 1, 1, 1, 1, 1, 1}}),
               "m: tensor 'x' has 7 dimensions, of which 6 are supported: reshape it");
    CHECK(strstr(refuse_x((struct spec_tensor){.rank = 2, .dim = {65536, 65536}}),
                 "tensor 'x' (float32 [65536,65536]) is larger than 256 MiB"));
    CHECK(strstr(refuse_x((struct spec_tensor){.is_sparse = true}), "stored in sparse form"));
    CHECK(strstr(refuse_x((struct spec_tensor){.is_external = true}), "are in another file"));
    CHECK_TEXT(refuse_x((struct spec_tensor){.is_variable = true}),
               "m: the input 'x' is a variable as well: the file is damaged");

    struct spec_tensor x = {.rank = 2, .dim = {1, 3}, .has_signature = true, .signature = {-1, 3}};
    CHECK_TEXT(refuse_x(x), "");
    CHECK(ctx.graph->input[0]->dim[0] == 1);
    x.signature[1] = -1;
    CHECK_TEXT(refuse_x(x), "m: dimension 1 of the input 'x' may have any size: convert the model "
                            "with the size it shall have");
}

static void test_quantisation(void)
{
    struct spec_tensor x = {.type = DTYPE_INT8, .rank = 2, .dim = {2, 3}};
    x.n_scales = x.n_zeros = 1;
    x.scale[0] = 0.5f;
    x.zero[0] = -128;
    CHECK_TEXT(refuse_x(x), "");
    const struct quant *q = &ctx.graph->input[0]->quant;
    CHECK(q->n == 1 && q->scale[0] == 0.5f && q->zero[0] == -128);
    x.zero[0] = -129;
    CHECK_TEXT(refuse_x(x), "m: tensor 'x' has the zero point -129, which int8 cannot hold: the "
                            "model is damaged");
    x.type = DTYPE_INT32;
    x.zero[0] = INT64_C(1) << 31;
    CHECK(strstr(refuse_x(x), "has the zero point 2147483648, which int32 cannot hold"));
    x.zero[0] = 0;
    const float bad[] = {0.0f, -1.0f, 1e30f * 1e30f};
    for (int i = 0; i < 3; i++) {
        x.scale[0] = bad[i];
        CHECK(strstr(refuse_x(x), "which must be positive and finite"));
    }

    x = (struct spec_tensor){.type = DTYPE_INT8, .rank = 2, .dim = {2, 3}, .axis = 1};
    x.n_scales = x.n_zeros = 3;
    for (int i = 0; i < 3; i++)
        x.scale[i] = (float)(i + 1);
    CHECK_TEXT(refuse_x(x), "");
    q = &ctx.graph->input[0]->quant;
    CHECK(q->n == 3 && q->axis == 1 && q->scale[2] == 3.0f && q->zero[2] == 0);
    x.n_zeros = 0; /* then they are 0 */
    CHECK_TEXT(refuse_x(x), "");
    x.axis = 0;
    CHECK_TEXT(refuse_x(x), "m: tensor 'x' of int8 [2,3] has 3 scales along dimension 0: the model "
                            "is damaged");
    x.axis = -1;
    CHECK(strstr(refuse_x(x), "has 3 scales along dimension -1"));
    x.axis = 1;
    x.n_zeros = 2;
    CHECK(strstr(refuse_x(x), "has 3 scales and 2 zero points"));
    x.details = 2;
    CHECK(strstr(refuse_x(x), "tensor 'x' has blockwise quantisation; supported are"));
}

static void test_contents(void)
{
    struct spec s = one_operator(CONCATENATION);
    s.op[0].options = 10;
    s.tensor[0].type = s.tensor[1].type = DTYPE_INT32;
    s.tensor[0].rank = s.tensor[1].rank = 1;
    add_ints(&s, "c", 3, (const int32_t[]){-2, 70000, INT32_MAX});
    for (int outside = 0; outside < 2; outside++) {
        s.is_outside = outside;
        CHECK_TEXT(read_spec(&s), "");
        const int32_t *c = ctx.graph->tensor[2]->data;
        CHECK(c && c[0] == -2 && c[1] == 70000 && c[2] == INT32_MAX);
        CHECK((uintptr_t)c % 8 == 0);
        CHECK(outside == (strstr(read_bytes(w.n - 1), "lie outside of the file") != NULL));
    }
    s.is_outside = false;
    s.tensor[2].dim[0] = 4;
    CHECK_TEXT(read_spec(&s), "m: the constant 'c' of int32 [4] needs 16 bytes, and the file has "
                              "12: it is damaged");
    s.tensor[2].dim[0] = 3;
    s.tensor[2].is_variable = true;
    CHECK(strstr(read_spec(&s), "the variable 'c' has initial contents"));
}

/* Whatever is cut off or changed, the file is read or refused, and within the file's memory. */
static void test_damaged(void)
{
    struct spec s = slice((struct strides){2, {0, 1}, {1, 2}, {1, 1}, {0, 0, 1, 0, 2}});
    CHECK_TEXT(read_spec(&s), "");
    size_t n_refused = 0;
    for (size_t n = 0; n < w.n; n++)
        n_refused += *read_bytes(n) != '\0';
    CHECK(n_refused == w.n);
    const uint8_t values[] = {0, 1, 4, 0x7f, 0x80, 0xff};
    n_refused = 0;
    for (size_t at = 0; at < w.n; at++) {
        for (size_t i = 0; i < sizeof values; i++) {
            write_model(&s);
            w.at[at] = values[i];
            n_refused += *read_bytes(w.n) != '\0';
        }
    }
    CHECK(n_refused > 0 && n_refused < w.n * sizeof values);
}

int main(void)
{
    test_padding();
    test_axes();
    test_strided_slice();
    test_new_axes();
    test_ellipsis_of_no_axis();
    test_operators();
    test_dead_operators();
    test_order();
    test_graphs();
    test_tensors();
    test_quantisation();
    test_contents();
    test_damaged();
    arena_free(ctx.arena);
    return checks_end();
}
