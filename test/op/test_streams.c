/* SPDX-License-Identifier: Apache-2.0 */
/* Convolutions at speed: what each core's lowering makes of random layers, run by eval, against the
 * plain kernels, byte by byte; and that Winograd's filtering is taken where it pays. */
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include "harness.h"
#include "mica.h"

enum { LAYERS = 400, TEXT_MAX = 1 << 20, NUMBERS_MAX = 1 << 16 };

struct layer {
    bool depthwise;
    int images, in_h, in_w, in_c, out_h, out_w, out_c, kernel_h, kernel_w;
    int stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_bottom, pad_left, pad_right;
};

static char text[TEXT_MAX];
static size_t text_n;
static int8_t in[NUMBERS_MAX], want[NUMBERS_MAX], got[NUMBERS_MAX];
static uint32_t seed = 1;

static int draw(int from, int to)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return from + (int)(seed % (uint32_t)(to - from + 1));
}

static void add(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void add(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    const int n = vsnprintf(text + text_n, TEXT_MAX - text_n, format, list);
    va_end(list);
    if (n < 0 || (size_t)n >= TEXT_MAX - text_n)
        abort();
    text_n += (size_t)n;
}

static void add_numbers(int n, int from, int to)
{
    add("[");
    for (int i = 0; i < n; i++)
        add(" %d", draw(from, to));
    add("]\n");
}

static void add_scales(int axis, int n, int multiple)
{
    add("axis=%d scale=[", axis);
    for (int i = 0; i < n; i++)
        add(" %.9g", (1 + i % 3) * 0x1p-10 * multiple);
    add("] zero=0 = ");
}

/* The layer as text, with random weights. */
static void write_layer(const struct layer *l)
{
    const int first = l->depthwise ? 1 : l->out_c, last = l->depthwise ? l->out_c : l->in_c;
    text_n = 0;
    add("mica-ir 1\ngraph \"main\"\n");
    add("tensor %%0 \"x\" int8 [%d,%d,%d,%d] scale=1 zero=%d\n", l->images, l->in_h, l->in_w,
        l->in_c, draw(-128, 127));
    add("const %%1 \"w\" int8 [%d,%d,%d,%d] ", first, l->kernel_h, l->kernel_w, last);
    add_scales(l->depthwise ? 3 : 0, l->out_c, 1);
    add_numbers(first * l->kernel_h * l->kernel_w * last, -127, 127);
    add("const %%2 \"b\" int32 [%d] ", l->out_c);
    add_scales(0, l->out_c, 1);
    add_numbers(l->out_c, -9000, 9000);
    add("tensor %%3 \"y\" int8 [%d,%d,%d,%d] scale=%d zero=%d\n", l->images, l->out_h, l->out_w,
        l->out_c, draw(1, 4), draw(0, 1) ? -128 : draw(-128, 127));
    add("input %%0\nnode \"y\" %s stride_h=%d stride_w=%d dilation_h=%d dilation_w=%d pad_top=%d "
        "pad_bottom=%d pad_left=%d pad_right=%d : %%0 %%1 %%2 -> %%3\noutput %%3\n",
        l->depthwise ? "depthwise_conv2d" : "conv2d", l->stride_h, l->stride_w, l->dilation_h,
        l->dilation_w, l->pad_top, l->pad_bottom, l->pad_left, l->pad_right);
}

/* Whether the generated code for a core calls the kernel; the output goes to out. */
static bool run(const char *target, enum mica_optimize optimize, const char *kernel, int8_t *out)
{
    const struct mica_options options = {.target = target, .optimize = optimize};
    const void *ins[] = {in};
    void *outs[] = {out};
    struct mica *m = mica_new();
    const bool done = m && !mica_load(m, "test", text, text_n) && !mica_compile(m, &options) &&
                      !mica_eval(m, ins, outs);
    CHECK(done);
    if (m && !done)
        printf("%s\n", mica_error(m));
    const bool calls = done && strstr(mica_text(m, MICA_SOURCE), kernel);
    mica_free(m);
    return calls;
}

static struct layer draw_layer(void)
{
    static const int kernels[][2] = {{3, 3}, {3, 3}, {3, 3}, {5, 5},
                                     {1, 1}, {7, 7}, {2, 4}, {1, 11}};
    const int *kernel = kernels[draw(0, 7)], stride = draw(1, 3), dilation = draw(1, 3);
    struct layer l = {.depthwise = draw(0, 1),
                      .images = draw(0, 3) ? 1 : 2,
                      .in_h = draw(1, 9),
                      .in_w = draw(1, 12),
                      .in_c = draw(0, 1) ? 4 * draw(1, 4) : draw(1, 17),
                      .kernel_h = kernel[0],
                      .kernel_w = kernel[1],
                      .stride_h = draw(0, 2) ? 1 : stride,
                      .stride_w = draw(0, 2) ? 1 : stride,
                      .dilation_h = draw(0, 2) ? 1 : dilation,
                      .dilation_w = draw(0, 2) ? 1 : dilation};
    const int reach_h = (l.kernel_h - 1) * l.dilation_h, reach_w = (l.kernel_w - 1) * l.dilation_w;
    l.out_c = l.depthwise ? l.in_c * (draw(0, 1) ? 1 : draw(2, 3)) : draw(1, 18);
    l.pad_top = draw(0, l.kernel_h - 1);
    l.pad_left = draw(0, l.kernel_w - 1);
    l.pad_bottom = draw(0, l.kernel_h - 1);
    l.pad_right = draw(0, l.kernel_w - 1);
    if (l.in_h + l.pad_top + l.pad_bottom <= reach_h)
        l.in_h = reach_h + 1;
    if (l.in_w + l.pad_left + l.pad_right <= reach_w)
        l.in_w = reach_w + 1;
    l.out_h = (l.in_h + l.pad_top + l.pad_bottom - reach_h - 1) / l.stride_h + 1;
    l.out_w = (l.in_w + l.pad_left + l.pad_right - reach_w - 1) / l.stride_w + 1;
    return l;
}

static void check_layer(const struct layer *l)
{
    static const char *const targets[] = {"cortex-m4", "cortex-m3", "cortex-m0", "rv32imc"};
    const size_t n = (size_t)(l->images * l->out_h * l->out_w * l->out_c);
    write_layer(l);
    for (int i = 0; i < l->images * l->in_h * l->in_w * l->in_c; i++)
        in[i] = (int8_t)draw(-128, 127);
    run("host", MICA_OPTIMIZE_SPEED, "", want);
    for (int i = 0; i < 4; i++) {
        memset(got, 0x5A, n);
        run(targets[i], MICA_OPTIMIZE_SPEED, "", got);
        CHECK(!memcmp(got, want, n));
    }
}

/* How a convolution of this size is made for a core. */
static bool takes_winograd(const char *target, enum mica_optimize optimize, int size, int channels,
                           int stride)
{
    const struct layer l = {.images = 1,
                            .in_h = size,
                            .in_w = size,
                            .in_c = channels,
                            .out_h = (size - 1) / stride + 1,
                            .out_w = (size - 1) / stride + 1,
                            .out_c = channels,
                            .kernel_h = 3,
                            .kernel_w = 3,
                            .stride_h = stride,
                            .stride_w = stride,
                            .dilation_h = 1,
                            .dilation_w = 1,
                            .pad_top = 1,
                            .pad_bottom = 1,
                            .pad_left = 1,
                            .pad_right = 1};
    write_layer(&l);
    return run(target, optimize, "mica_conv2d_winograd_s8(&", got);
}

int main(void)
{
    for (int i = 0; i < LAYERS; i++) {
        const struct layer l = draw_layer();
        check_layer(&l);
    }
    CHECK(takes_winograd("cortex-m4", MICA_OPTIMIZE_SPEED, 16, 16, 1));
    CHECK(takes_winograd("cortex-m33", MICA_OPTIMIZE_SPEED, 8, 64, 1));
    CHECK(takes_winograd("rv32imc", MICA_OPTIMIZE_SPEED, 16, 16, 1));
    CHECK(!takes_winograd("cortex-m4", MICA_OPTIMIZE_SIZE, 16, 16, 1));
    CHECK(!takes_winograd("cortex-m4", MICA_OPTIMIZE_SPEED, 16, 16, 2));
    CHECK(!takes_winograd("cortex-m4", MICA_OPTIMIZE_SPEED, 1, 16, 1));
    CHECK(!takes_winograd("cortex-m4", MICA_OPTIMIZE_SPEED, 16, 18, 1));
    CHECK(!takes_winograd("cortex-m0", MICA_OPTIMIZE_SPEED, 16, 16, 1));
    return checks_end();
}
