/* SPDX-License-Identifier: Apache-2.0 */
/* Quantities of calls against counts made by walking over the pixels, prices from a text, and the
 * choice between ways as the public interface tells it. */
#include <math.h>
#include <stdlib.h>

#include "choose/choose.h"
#include "harness.h"
#include "op/attr.h"

static const struct kernel_arg args[] = {{ARG_ROWS, DTYPE_INT8}, {ARG_OUTPUT, DTYPE_INT8}};
static const struct kernel kernel = {.name = "mica_fast", .n_args = 2, .args = args};

/* A convolution of [1,h,w,c] by kernels kh x kw, as a call that makes `strip` rows. */
struct layer {
    struct tensor in, weights, out;
    struct tensor *inputs[2], *outputs[1];
    struct attr_conv2d attr;
    struct node node;
    struct call call;
    struct call *calls[1];
    struct step step;
};

static void make(struct layer *l, const int32_t in[3], int32_t out_c, const int32_t k[2],
                 int32_t stride, int32_t pad, int32_t strip)
{
    memset(l, 0, sizeof *l);
    const int32_t out_h = (in[0] + 2 * pad - k[0]) / stride + 1;
    const int32_t out_w = (in[1] + 2 * pad - k[1]) / stride + 1;
    l->in = (struct tensor){.type = DTYPE_INT8, .rank = 4, .dim = {1, in[0], in[1], in[2]}};
    l->weights = (struct tensor){.type = DTYPE_INT8, .rank = 4, .dim = {out_c, k[0], k[1], in[2]}};
    l->out = (struct tensor){.type = DTYPE_INT8, .rank = 4, .dim = {1, out_h, out_w, out_c}};
    l->inputs[0] = &l->in;
    l->inputs[1] = &l->weights;
    l->outputs[0] = &l->out;
    l->attr = (struct attr_conv2d){stride, stride, 1, 1, pad, pad, pad, pad, ACT_NONE};
    l->node = (struct node){.op = op_find("conv2d"),
                            .n_in = 2,
                            .n_out = 1,
                            .in = l->inputs,
                            .out = l->outputs,
                            .attr = &l->attr};
    l->call = (struct call){.kernel = &kernel,
                            .phase = PHASE_ROWS,
                            .count = 1,
                            .strip = strip,
                            .n_loops = 1,
                            .loop = {out_h}};
    l->call.operand[0].tensor = &l->in;
    l->call.operand[0].window = (struct window){k[0], stride, pad, 1, in[0], in[1] * in[2], 0};
    l->calls[0] = &l->call;
    l->step = (struct step){.node = &l->node, .n_calls = 1, .call = l->calls};
}

static double value(const struct layer *l, bool by_row, const char *name)
{
    const struct facts f = {&l->step, &l->call, by_row};
    return quantity(&f, name, strlen(name));
}

static bool is(double a, double b)
{
    return fabs(a - b) < 1e-9;
}

/* Pixels that do not touch the padding; threes in a row of one strip; and what is left of its fives
 * if that is one or two. */
static void walk(const struct layer *l, int32_t strip, double *inner, double *groups, double *alone)
{
    const int32_t h = l->out.dim[1], w = l->out.dim[2], *k = &l->weights.dim[1];
    const int32_t stride = l->attr.stride_h, pad = l->attr.pad_top;
    *inner = *groups = *alone = 0;
    for (int32_t y = 0; y < h; y++)
        for (int32_t x = 0; x < w; x++) {
            const int32_t top = y * stride - pad, left = x * stride - pad;
            *inner += top >= 0 && left >= 0 && top + k[0] <= l->in.dim[1] &&
                      left + k[1] <= l->in.dim[2];
        }
    for (int32_t y = 0; y < h; y += strip) {
        const int32_t pixels = ((y + strip < h ? y + strip : h) - y) * w;
        for (int32_t n = pixels; n > 0; n -= 3)
            ++*groups;
        *alone += pixels % 5 < 3 ? pixels % 5 : 0;
    }
}

static void check_quantities(void)
{
    srand(7);
    for (int i = 0; i < 2000; i++) {
        const int32_t in[3] = {1 + rand() % 20, 1 + rand() % 20, 1 + rand() % 9};
        const int32_t k[2] = {1 + rand() % in[0] % 5, 1 + rand() % in[1] % 5};
        const int32_t stride = 1 + rand() % 3, pad = rand() % 3, strip = 1 + rand() % 6;
        struct layer l;
        double inner, groups, alone;
        make(&l, in, 1 + rand() % 20, k, stride, pad, strip);
        const double h = l.out.dim[1], w = l.out.dim[2], c = l.out.dim[3];
        walk(&l, strip, &inner, &groups, &alone);
        CHECK(is(value(&l, false, "inner"), inner));
        CHECK(is(value(&l, false, "border"), h * w - inner));
        CHECK(is(value(&l, false, "group3"), groups));
        CHECK(is(value(&l, false, "run3") + value(&l, false, "rim3"), groups));
        CHECK(value(&l, false, "run3") >= 0 && 3 * value(&l, false, "run3") <= inner);
        CHECK(value(&l, false, "run5") >= 0 && 5 * value(&l, false, "run5") <= inner);
        CHECK(is(value(&l, false, "alone"), alone));
        CHECK(5 * value(&l, false, "fives") >= h * w - alone);
        CHECK(value(&l, false, "fives") <= value(&l, false, "run5") + value(&l, false, "rim5"));
        CHECK(is(value(&l, false, "call"), ceil(h / strip)));
        CHECK(is(value(&l, false, "row"), h) && is(value(&l, true, "row"), h));
        CHECK(is(value(&l, true, "call"), h));
        CHECK(is(value(&l, true, "group3"), h * ceil(w / 3)));
        CHECK(is(value(&l, true, "pointer"), h * k[0]));
        CHECK(is(value(&l, true, "columns6"), h * ceil(w / 6)));
        CHECK(is(value(&l, false, "pair"), ceil(c / 2)));
        CHECK(is(value(&l, false, "taps"), k[0] * k[1] * in[2]));
        CHECK(is(value(&l, false, "mac"), h * w * c * k[0] * k[1] * in[2]));
        CHECK(is(value(&l, false, "out"), h * w * c));
    }
    struct layer l;
    make(&l, (const int32_t[]){5, 5, 1}, 2, (const int32_t[]){3, 3}, 1, 1, 5);
    CHECK(is(value(&l, false, "nothing"), -1));
    CHECK(is(value(&l, false, "inside_h"), 13) && is(value(&l, false, "inside_w"), 13));
}

static void check_prices(void)
{
    const struct prices prices = {"# fast 3*call\ncores none\ncode fast.h Os 7\ncode fast.h O2 90\n"
                                  "kernel faster O2 1*call\nkernel fast Os 9*call\n"
                                  "kernel fast O2 2.5*call 0.5*out.taps\n",
                                  "O2"};
    struct layer l;
    make(&l, (const int32_t[]){6, 6, 2}, 4, (const int32_t[]){1, 1}, 1, 0, 2);
    const struct facts f = {&l.step, &l.call, false};
    CHECK(is(price_call(&prices, &f), 2.5 * 3 + 0.5 * 144 * 2));
    CHECK(is(price_file(&prices, "fast.h"), 90) && is(price_file(&prices, "other.h"), 0));
    const struct kernel unknown = {.name = "mica_unknown", .n_args = 2, .args = args};
    l.call.kernel = &unknown;
    CHECK(price_call(&prices, &f) < 0);
    const struct prices none = {NULL, "O2"};
    CHECK(price_call(&none, &f) < 0 && is(price_file(&none, "fast.h"), 0));
}

/* Every core that has kernels of its own has a table, and only existing quantities are in it. */
static void check_tables(void)
{
    static const char *const cores[] = {"cortex-m0",  "cortex-m0plus", "cortex-m3",
                                        "cortex-m4",  "cortex-m4f",    "cortex-m7",
                                        "cortex-m33", "cortex-m55",    "rv32imc"};
    struct layer l;
    make(&l, (const int32_t[]){6, 6, 2}, 4, (const int32_t[]){1, 1}, 1, 0, 2);
    const struct facts f = {&l.step, &l.call, false};
    for (size_t i = 0; i < sizeof cores / sizeof cores[0]; i++) {
        const struct mica_options options = {.target = cores[i]};
        CHECK(prices_of(&options).table != NULL);
        CHECK(price_file(&(struct prices){prices_of(&options).table, "Os"}, "call") > 0);
    }
    CHECK(!prices_of(&(struct mica_options){.target = "host"}).table);
    for (const struct cost_file *file = cost_files; file->name; file++)
        for (const char *at = file->text; (at = strchr(at, '*')) != NULL;) {
            const size_t n = strcspn(++at, " .\n");
            CHECK(at[-2] == 'N' || quantity(&f, at, n) >= 0);
            for (at += n; *at == '.'; at += strcspn(at, " .\n")) {
                at++;
                CHECK(at[-2] == 'Y' || quantity(&f, at, strcspn(at, " .\n")) >= 0);
            }
        }
}

/* ---- the choice ------------------------------------------------------------------------------ */

static const char model[] = "mica-ir 1\ngraph \"main\"\n"
                            "tensor %0 \"x\" int8 [1,8,8,4] scale=0.05 zero=-3\n"
                            "const %1 \"w\" int8 [4,1,1,4] scale=0.01 zero=0 = "
                            "[9 2 -3 4 5 -6 7 8 -9 1 2 3 -4 5 6 -7]\n"
                            "tensor %2 \"y\" int8 [1,8,8,4] scale=0.05 zero=-128\n"
                            "input %0\n"
                            "node \"y\" conv2d stride_h=1 stride_w=1 dilation_h=1 dilation_w=1 "
                            "activation=relu : %0 %1 -> %2\noutput %2\n";

static bool takes(struct mica_options options, const char *way)
{
    char line[64];
    snprintf(line, sizeof line, "   * %-14s ", way);
    struct mica *m = mica_new();
    const bool done = m && !mica_load(m, "test", model, sizeof model - 1) &&
                      !mica_compile(m, &options);
    const bool found = done && strstr(mica_text(m, MICA_WAYS), line);
    if (done && !found)
        printf("not %s:\n%s", way, mica_text(m, MICA_WAYS));
    mica_free(m);
    return found;
}

static void check_choice(void)
{
    const char *const m4 = "cortex-m4";
    CHECK(takes((struct mica_options){.target = m4}, "1x1_pairs"));
    CHECK(takes((struct mica_options){.target = m4, .optimize = MICA_OPTIMIZE_SIZE}, "plain"));
    CHECK(takes((struct mica_options){.target = m4, .optimize = MICA_OPTIMIZE_RAM}, "1x1_pairs"));
    CHECK(takes((struct mica_options){.target = "cortex-m0"}, "quads"));
    CHECK(takes((struct mica_options){.target = "avr", .optimize = MICA_OPTIMIZE_SIZE}, "plain"));
    CHECK(takes((struct mica_options){.target = "host"}, "plain"));
    CHECK(takes((struct mica_options){.target = m4, .ways = "plain"}, "plain"));
    CHECK(takes((struct mica_options){.target = m4, .ways = "quads,pairs"}, "pairs"));
    CHECK(takes((struct mica_options){.target = m4, .ways = "none"}, "1x1_pairs"));
}

int main(void)
{
    check_quantities();
    check_prices();
    check_tables();
    check_choice();
    return checks_end();
}
