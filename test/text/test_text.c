/* SPDX-License-Identifier: Apache-2.0 */
/* test_text.c - the text form: what is printed, that it reads back, and what is refused.
 *
 * Runs in the root of the repository, for docs/ir.md. */
#include <math.h>
#include <stdlib.h>

#include "compile.h"
#include "op/attr.h"
#include "harness.h"

static struct ctx ctx;
static char error[ERROR_BYTES];
static jmp_buf recover;

static void begin(void)
{
    arena_free(ctx.arena);
    memset(&ctx, 0, sizeof ctx);
    ctx.arena = arena_new();
    ctx.error = error;
    ctx.recover = &recover;
    ctx.file = "t.ir";
    error[0] = '\0';
}

/* The graph of a text, or NULL and the message in `error`. The text is copied to memory that ends
 * where it ends, so that a sanitizer sees one byte too many. */
static struct graph *parse(const char *text, size_t n)
{
    char *exact = malloc(n ? n : 1);
    if (!exact)
        abort();
    memcpy(exact, text, n);
    if (setjmp(recover)) {
        free(exact);
        return NULL;
    }
    read_text(&ctx, exact, n);
    free(exact);
    return ctx.graph;
}

static const char *print(const struct graph *g)
{
    struct text *out = text_new(&ctx);
    print_graph(out, g);
    return out->at;
}

/* What is printed of a graph, reads back and prints the same again. */
static void check_again(const struct graph *g)
{
    const char *first = print(g);
    const struct graph *again = parse(first, strlen(first));
    CHECK_TEXT(error, "");
    if (again)
        CHECK_TEXT(print(again), first);
}

static void check_prints_as(const char *text, const char *want)
{
    const struct graph *g = parse(text, strlen(text));
    CHECK_TEXT(error, "");
    if (g)
        CHECK_TEXT(print(g), want);
}

/* `text` reads and prints as itself. */
static void check_same(const char *text)
{
    begin();
    check_prints_as(text, text);
}

#define HEAD "mica-ir 1\ngraph \"g\"\n"

/* HEAD and `text` print as HEAD and `want`. */
static void check_prints(const char *text, const char *want)
{
    begin();
    check_prints_as(format(&ctx, HEAD "%s", text), format(&ctx, HEAD "%s", want));
}

/* Lines of tensors read and print as themselves, where %0 is made the input and the output, */
static void check_tensors(const char *lines)
{
    begin();
    const char *text = format(&ctx, HEAD "%sinput %%0\noutput %%0\n", lines);
    check_prints_as(text, text);
}

/* or, being a constant, only the output. */
static void check_const(const char *lines)
{
    begin();
    const char *text = format(&ctx, HEAD "%soutput %%0\n", lines);
    check_prints_as(text, text);
}

/* HEAD and `text` are refused with `message`. */
static void check_refused(const char *text, const char *message)
{
    begin();
    text = format(&ctx, HEAD "%s", text);
    CHECK(!parse(text, strlen(text)));
    CHECK_TEXT(error, format(&ctx, "t.ir: %s", message));
}

static void test_documentation(void)
{
    FILE *file = fopen("docs/ir.md", "rb");
    CHECK(file);
    if (!file)
        return;
    static char page[1 << 16];
    page[fread(page, 1, sizeof page - 1, file)] = '\0';
    fclose(file);
    char *example = strstr(page, "```mica-ir\n");
    CHECK(example);
    if (!example)
        return;
    example += strlen("```mica-ir\n");
    *strstr(example, "```") = '\0';
    check_same(example);
}

static void test_round_trips(void)
{
    check_same("mica-ir 1\ngraph \"\"\nconst %0 \"\" bool [] = [1]\noutput %0\n");
    check_tensors("tensor %0 \"a \\\"b\\\" \\\\ \\xc3\\xa9\\x0a#\" float32 []\n");
    check_tensors("tensor %0 \"in\" float32 [1,8]\ntensor %1 \"v\" float32 [2,4] view of %0\n");
    check_same(HEAD "tensor %0 \"v\" float32 [2,4] view of %1\ntensor %1 \"in\" float32 [1,8]\n"
                    "input %1\noutput %0\n");
    check_tensors("tensor %0 \"x\" int8 [2,4]\nvariable %1 \"v\" int8 [2,4] scale=0.1 zero=-3\n");
    check_const("const %0 \"w\" int16 [2,1,1] axis=0 scale=[1e-10 3.4e+38] zero=[1 -1] ="
                " [-32768 32767]\n");
    check_same(HEAD "tensor %0 \"x\" float32 [1,2,2,1]\nconst %1 \"w\" float32 [1,1,1,1] = [2]\n"
                    "tensor %2 \"y\" float32 [1,4,3,1]\ninput %0\n"
                    "node \"conv\" conv2d stride_h=1 stride_w=1 dilation_h=1 dilation_w=1"
                    " pad_top=1 pad_bottom=1 pad_right=1 activation=relu_n1_to_1 : %0 %1 - -> %2\n"
                    "output %2\n");
    check_same(HEAD "tensor %0 \"x\" float32 [2,3]\ntensor %1 \"y\" float32 [2,1]\n"
                    "tensor %2 \"z\" float32 [2,1]\ninput %0\n"
                    "node \"mean\" mean axes=[0,1] keep_dims=true : %0 -> %1\n"
                    "node \"leaky\" leaky_relu alpha=-0 : %1 -> %2\noutput %2\noutput %1\n");
}

static void test_constants(void)
{
    check_const("const %0 \"f\" float32 [7] = [0 -0 0.1 -1.5 16777216 1.1754944e-38 1.4013e-45]\n"
                "const %1 \"f\" float32 [5] = [3.4028235e+38 inf -inf nan nan(ffc00001)]\n");
    check_const("const %0 \"d\" float64 [5] = [\n    0.1 4.94065645841247e-324"
                " 1.7976931348623157e+308 nan nan(7ff0000000000001)\n]\n");
    check_const("const %0 \"h\" float16 [3] = [3c00 fbff 7e01]\n");
    check_const("const %0 \"b\" bfloat16 [1] = [3f80]\n");
    check_const("const %0 \"q\" int4 [5] = [1f 80 07]\n");
    check_const("const %0 \"c\" complex64 [1] = [00 00 80 3f 00 00 00 c0]\n");
    check_const("const %0 \"t\" bool [3] = [0 1 255]\n");
    check_const("const %0 \"l\" int64 [2] = [-9223372036854775808 9223372036854775807]\n");
    check_const("const %0 \"u\" uint64 [1] = [18446744073709551615]\n");
    check_const("const %0 \"u\" uint32 [2] = [0 4294967295]\n");
    check_const("const %0 \"u\" uint16 [1] = [65535]\n");
    check_const("const %0 \"s\" int32 [1] = [-2147483648]\n");
}

/* A list too long for its line goes over rows of at most 100 columns. */
static void test_rows(void)
{
    begin();
    struct graph *g = NEW(&ctx, struct graph);
    int32_t dim = 5000;
    struct tensor *f = graph_add_tensor(&ctx, g, "f", DTYPE_FLOAT32, 1, &dim);
    struct tensor *t = graph_add_tensor(&ctx, g, "t", DTYPE_INT32, 1, &dim);
    float *data = NEWS(&ctx, float, dim);
    int32_t *zero = NEWS(&ctx, int32_t, dim);
    f->data = data;
    t->quant = (struct quant){.n = dim, .scale = data, .zero = zero};
    g->input = g->output = &t;
    g->n_inputs = g->n_outputs = 1;
    uint32_t seed = 1;
    for (int i = 0; i < dim; i++) {
        seed = seed * 1664525 + 1013904223;
        uint32_t bits = (seed & 0x7fffffff) % 0x7f7fffff + 1; /* positive and finite */
        memcpy(&data[i], &bits, sizeof bits);
        zero[i] = (int32_t)seed;
    }
    const char *text = print(g);
    size_t widest = 0, width = 0;
    for (const char *c = text; *c; c++) {
        width = *c == '\n' ? 0 : width + 1;
        widest = width > widest ? width : widest;
    }
    CHECK(widest > 90 && widest <= 100);
    check_again(g);
    CHECK(!memcmp(ctx.graph->tensor[0]->data, data, (size_t)dim * sizeof *data));
    CHECK(!memcmp(ctx.graph->tensor[1]->quant.scale, data, (size_t)dim * sizeof *data));
    CHECK(!memcmp(ctx.graph->tensor[1]->quant.zero, zero, (size_t)dim * sizeof *zero));
}

/* Other spellings of the same graph. */
static void test_spellings(void)
{
    check_prints("# a comment\n\n  const  %0 \"x\"\tint8 [ 2, 2 ]  = [ # four\r\n 1,2\n\n3 4\n]\r\n"
                 "output %0",
                 "const %0 \"x\" int8 [2,2] = [1 2 3 4]\noutput %0\n");
    check_prints("const %0 \"x\" float32 [3] = [0x1p-1 1e0 .25]\noutput %0",
                 "const %0 \"x\" float32 [3] = [0.5 1 0.25]\noutput %0\n");
    check_prints("tensor %0 \"x\" int8 [2] axis=0 scale=[1 2] zero=[5 5]\ninput %0\noutput %0",
                 "tensor %0 \"x\" int8 [2] axis=0 scale=[1 2] zero=5\ninput %0\noutput %0\n");
    check_prints("tensor %0 \"\\x41\" float32 []\ntensor %1 \"y\" float32 []\ninput %0\n"
                 "node \"relu\" clamp activation=none : %0 -> %1\noutput %1",
                 "tensor %0 \"A\" float32 []\ntensor %1 \"y\" float32 []\ninput %0\n"
                 "node \"relu\" clamp : %0 -> %1\noutput %1\n");
}

/* What stands beside the text: who makes a tensor, where the main graph is found. */
static void test_graph(void)
{
    begin();
    const char *text = HEAD "tensor %0 \"x\" float32 [4]\ntensor %1 \"y\" float32 [4]\n"
                            "tensor %2 \"v\" float32 [2,2] view of %1\ninput %0\n"
                            "node \"relu\" clamp activation=relu6 : %0 -> %1\noutput %2\n";
    struct graph *g = parse(text, strlen(text));
    CHECK_TEXT(error, "");
    if (!g)
        return;
    CHECK(ctx.n_subgraphs == 1 && ctx.subgraph[0] == g);
    CHECK(g->n_tensors == 3 && g->n_nodes == 1 && g->n_inputs == 1 && g->n_outputs == 1);
    CHECK(g->tensor[1]->maker == g->node[0] && !g->tensor[0]->maker && !g->tensor[2]->maker);
    CHECK(g->tensor[2]->base == g->tensor[1] && g->output[0] == g->tensor[2]);
    CHECK(node_is(g->node[0], OP_clamp) && *node_activation(g->node[0]) == ACT_RELU6);
}

static void test_refused_tensors(void)
{
    check_refused("tensor %1 \"x\" int8 []",
                  "line 3: expected %0: tensors are numbered in their order");
    check_refused("tensor 0 \"x\" int8 []", "line 3: expected a tensor, such as %0, found '0'");
    check_refused("tensor %0 x int8 []", "line 3: expected a name in double quotes, found 'x'");
    check_refused("tensor %0 \"x int8 []\n\"",
                  "line 3: expected a double quote at the end of the name");
    check_refused("tensor %0 \"x\\", "line 3: expected a double quote at the end of the name");
    check_refused("tensor %0 \"x\\\n\" int8 []",
                  "line 3: expected \\\", \\\\ or \\x and two hexadecimal digits other than 00 in "
                  "the name");
    check_refused("tensor %0 \"\\x00\" int8 []",
                  "line 3: expected \\\", \\\\ or \\x and two hexadecimal digits other than 00 in "
                  "the name");
    check_refused("tensor %0 \"x\" int5 []",
                  "line 3: expected a type, such as int8 or float32, found 'int5'");
    check_refused("tensor %0 \"x\"", "line 3: expected a type, found the end of the text");
    check_refused("tensor %0 \"x\" int8", "line 3: expected '[', found the end of the text");
    check_refused("tensor %0 \"x\" int8 [1,", "line 3: expected ']', found the end of the text");
    check_refused("tensor %0 \"x\" int8 [1,,2]", "line 3: expected a dimension, found ','");
    check_refused("tensor %0 \"x\" int8 [-1]",
                  "line 3: expected a dimension from 1 to 268435456, found -1");
    check_refused("tensor %0 \"x\" int8 [99999999999999999999]",
                  "line 3: expected a dimension, found '99999999999999999999'");
    check_refused("tensor %0 \"x\" int8 [1,1,1,1,1,1,1]",
                  "line 3: a tensor has at most 6 dimensions");
    check_refused("tensor %0 \"x\" float32 [65536,1025]",
                  "line 3: a tensor has at most 268435456 bytes");
    check_refused("tensor %0 \"x\" int4 [268435456,268435456,268435456,1]",
                  "line 3: a tensor has at most 268435456 bytes");
    check_refused("tensor %0 \"x\" int8 [] scale=1",
                  "line 3: expected zero=, found the end of the text");
    check_refused("tensor %0 \"x\" int8 [] scale=-1 zero=0",
                  "line 3: expected a scale that is positive and finite, found -1");
    check_refused("tensor %0 \"x\" int8 [1] axis=0 scale=[nan] zero=0",
                  "line 3: expected a scale that is positive and finite, found nan");
    check_refused("tensor %0 \"x\" int8 [3] axis=0 scale=[1 2] zero=0",
                  "line 3: expected 3 numbers, found 2");
    check_refused("tensor %0 \"x\" int8 [1] axis=1 scale=[1] zero=0",
                  "line 3: expected an axis of the tensor from 0 to 0, found 1");
    check_refused("tensor %0 \"x\" int8 [] scale=1 zero=2147483648",
                  "line 3: expected a zero point from -2147483648 to 2147483647, found 2147483648");
    check_refused("tensor %0 \"x\" int8 [] scale=1 zero=128",
                  "line 3: the zero point 128 is beyond int8");
    check_refused("tensor %0 \"x\" uint8 [2] axis=0 scale=[1 1] zero=[255 -1]",
                  "line 3: the zero point -1 is beyond uint8");
    check_refused("tensor %0 \"x\" float32 [] scale=1 zero=0",
                  "line 3: float32 is not a quantised type");
    check_refused("tensor %0 \"x\" string []",
                  "line 3: expected a type, such as int8 or float32, found 'string'");
    check_refused("tensor %0 \"x\" int8 [] colour=1",
                  "line 3: expected the end of the line, found 'colour'");
}

static void test_refused_contents(void)
{
    check_refused("const %0 \"x\" int8 [2]", "line 3: expected '=', found the end of the text");
    check_refused("const %0 \"x\" int8 [2] = [1]", "line 3: expected 2 numbers, found 1");
    check_refused("const %0 \"x\" int8 [2] = [1\n2\n3]", "line 5: expected ']' after 2 numbers");
    check_refused("const %0 \"x\" int8 [1] = [1",
                  "line 3: expected ']', found the end of the text");
    check_refused("const %0 \"x\" int8 [1] = [128]",
                  "line 3: expected an integer of type int8, found '128'");
    check_refused("const %0 \"x\" uint8 [1] = [-1]",
                  "line 3: expected an integer of type uint8, found '-1'");
    check_refused("const %0 \"x\" uint64 [1] = [18446744073709551616]",
                  "line 3: expected an integer of type uint64, found '18446744073709551616'");
    check_refused("const %0 \"x\" float32 [1] = [1e39]",
                  "line 3: expected a number of type float32, found '1e39'");
    check_refused("const %0 \"x\" float32 [1] = [nan(7f800000)]",
                  "line 3: expected a number of type float32, found 'nan(7f800000)'");
    check_refused("const %0 \"x\" float32 [1] = [infinity]",
                  "line 3: expected a number of type float32, found 'infinity'");
    check_refused("const %0 \"x\" float16 [1] = [3c0]",
                  "line 3: expected hexadecimal digits of type float16, found '3c0'");
    check_refused("const %0 \"x\" int8 [200000000] = [1]",
                  "line 3: expected 200000000 numbers, which the text is too short for");
    check_refused("variable %0 \"x\" int8 [1] = [1]",
                  "line 3: expected the end of the line, found '='");
    check_refused("const %0 \"x\" int8 [1] view of %0",
                  "line 3: a const has contents of its own, so it is not a view");
    check_refused("tensor %0 \"x\" int8 [1] view of %0\ninput %0",
                  "line 3: %0 is a view itself: name its base");
    check_refused("tensor %0 \"x\" int8 [1] view of %1\ninput %0", "line 3: there is no tensor %1");
    check_refused("tensor %0 \"x\" int8 [2]\ntensor %1 \"y\" int8 [3] view of %0\ninput %0",
                  "line 4: a view has as many bytes as its base, not 3 of 2");
}

#define XY    "tensor %0 \"x\" float32 [4]\ntensor %1 \"y\" float32 [4]\n"
#define XY_IN XY "input %0\n"

static void test_refused_nodes(void)
{
    check_refused(XY_IN "node \"n\" relu99 : %0 -> %1", "line 6: there is no operator 'relu99'");
    check_refused(XY_IN "node \"n\" clamp beta=1 : %0 -> %1",
                  "line 6: clamp has no attribute 'beta'");
    check_refused(XY_IN "node \"n\" reshape a=1 : %0 -> %1",
                  "line 6: reshape has no attribute 'a'");
    check_refused(XY_IN "node \"n\" clamp activation=relu activation=relu : %0 -> %1",
                  "line 6: activation is given twice");
    check_refused(XY_IN "node \"n\" clamp activation=gelu : %0 -> %1",
                  "line 6: expected none, relu, relu6 or relu_n1_to_1, found 'gelu'");
    check_refused(XY_IN "node \"n\" mean keep_dims=1 : %0 -> %1",
                  "line 6: expected true or false, found '1'");
    check_refused(XY_IN "node \"n\" mean axes=[0,0,0,0,0,0,0] : %0 -> %1",
                  "line 6: axes has at most 6 numbers");
    check_refused(XY_IN "node \"n\" conv2d stride_h=2147483648 : %0 -> %1",
                  "line 6: expected an integer from -2147483648 to 2147483647, found 2147483648");
    check_refused(XY_IN "node \"n\" clamp : %0 %0 -> %1", "line 6: clamp takes at most 1 inputs");
    check_refused(XY_IN "node \"n\" add : %0 -> %1",
                  "line 6: add takes at least 2 inputs, found 1");
    check_refused(XY_IN "node \"n\" clamp : - -> %1",
                  "line 6: expected a tensor, such as %0, found '-'");
    check_refused(XY_IN "node \"n\" clamp : %0", "line 6: clamp takes at most 1 inputs");
    check_refused(XY_IN "node \"n\" clamp : %0 ->",
                  "line 6: expected a tensor, such as %0, found the end of the text");
    check_refused(XY_IN "node \"n\" clamp : %0 -> %1 %1",
                  "line 6: expected the end of the line, found '%1'");
    check_refused(XY_IN "node \"n\" clamp : %1 -> %1", "line 6: nothing above makes %1");
    check_refused(XY_IN "node \"n\" clamp : %2 -> %1", "line 6: there is no tensor %2");
    check_refused(XY_IN "node \"n\" clamp : %0 -> %0",
                  "line 6: %0 cannot be the output of a node: it is an input or made by a node "
                  "above");
    check_refused("const %0 \"x\" int8 [] = [1]\ninput %0",
                  "line 4: %0 is a const, it cannot be an input");
    check_refused("variable %0 \"x\" int8 []\ninput %0",
                  "line 4: %0 is a variable, it cannot be an input");
    check_refused(XY_IN "input %0",
                  "line 6: %0 cannot be an input: it is an input or made by a node above");
    check_refused(XY_IN "output %1", "line 6: nothing above makes %1");
    check_refused(XY_IN "output %0\noutput %0", "line 7: %0 is an output already");
    check_refused(XY_IN, "line 6: expected an output, found the end of the text");
    check_refused("", "line 3: expected an output, found the end of the text");
    check_refused(
        XY_IN "tensor %2 \"z\" int8 []",
        "line 6: the order is names, tensors, inputs, nodes, outputs: this line is too late");
    check_refused("\n\nfoo", "line 5: expected tensor, const, variable, input, node or output, "
                             "found 'foo'");
    check_refused("[", "line 3: expected tensor, const, variable, input, node or output, "
                       "found '['");
    check_refused("\x01\xff", "line 3: expected tensor, const, variable, input, node or output, "
                              "found '?'");
}

static void test_refused_heads(void)
{
    static const char *const heads[] = {"", "mica-ir", "mica-ir 2", "mica-ir 10", "TFL3"};
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        begin();
        CHECK(!parse(heads[i], strlen(heads[i])));
        CHECK_TEXT(error, "t.ir: line 1: expected 'mica-ir 1', the first line of a graph as text");
    }
    begin();
    CHECK(!parse("mica-ir 1\ninput %0", 18));
    CHECK_TEXT(error, "t.ir: line 2: expected graph and its name, found 'input'");
}

/* Every beginning of a text, and the text with any one byte changed, is read or refused; what is
 * read prints as something that reads back. */
static void test_damaged(void)
{
    char text[] = HEAD "tensor %0 \"x\" int8 [1,2] axis=1 scale=[1 2] zero=[3 4]\n"
                       "const %1 \"c\" float16 [1] = [3c00]\n"
                       "tensor %2 \"v\" int8 [2,1] view of %0\ntensor %3 \"m\" int8 [1]\n"
                       "input %0\nnode \"n\" mean axes=[1] keep_dims=true : %2 -> %3\noutput %3\n";
    size_t n = sizeof text - 1;
    for (size_t cut = 0; cut < n; cut++) {
        begin();
        if (!parse(text, cut))
            CHECK(strstr(error, "t.ir: line "));
    }
    static const char bytes[] = {'\0', '\n', '"', '\\', '[', ']', '0', '9', '%', '-', ' ', '\xff'};
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < sizeof bytes; k++) {
            char kept = text[i];
            text[i] = bytes[k];
            begin();
            const struct graph *g = parse(text, n);
            if (g)
                check_again(g);
            else
                CHECK(strstr(error, "t.ir: line "));
            text[i] = kept;
        }
    }
}

int main(void)
{
    test_documentation();
    test_round_trips();
    test_constants();
    test_rows();
    test_spellings();
    test_graph();
    test_refused_tensors();
    test_refused_contents();
    test_refused_nodes();
    test_refused_heads();
    test_damaged();
    arena_free(ctx.arena);
    return checks_end();
}
