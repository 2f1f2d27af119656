/* SPDX-License-Identifier: Apache-2.0 */
/* Rounded leaves by the public interface: which options are taken, what the header states, and that
 * eval gives the label and the certainty that follow from leaves one can compute by hand. */
#include <stdlib.h>

#include "harness.h"
#include "mica.h"

/* Two scores, a tree for each: x[0] above 0 adds 255 to the first, x[1] adds `high` to the
 * second. */
static const char graph[] =
    "mica-ir 1\n"
    "graph \"two\"\n"
    "tensor %%0 \"x\" float32 [1,2]\n"
    "const %%1 \"root\" int32 [2] = [0 3]\n"
    "const %%2 \"output\" int32 [2] = [0 1]\n"
    "const %%3 \"feature\" int32 [6] = [0 -1 -1 1 -1 -1]\n"
    "const %%4 \"threshold\" float32 [6] = [0 0 0 0 0 0]\n"
    "const %%5 \"left\" int32 [6] = [1 0 1 4 2 3]\n"
    "const %%6 \"right\" int32 [6] = [2 0 0 5 0 0]\n"
    "const %%7 \"flags\" uint8 [6] = [0 0 0 0 0 0]\n"
    "const %%8 \"weight\" float32 [6] = [0 0 0 0 0 0]\n"
    "const %%9 \"value\" float64 [4,1] = [0 255 1 %g]\n"
    "const %%10 \"base\" float64 [2] = [0 0]\n"
    "const %%11 \"numbers\" float64 [2] = [1 0]\n"
    "tensor %%12 \"label\" int32 [1]\n"
    "tensor %%13 \"scores\" float64 [1,2]\n"
    "input %%0\n"
    "node \"label\" trees gives=label : %%0 %%1 %%2 %%3 %%4 %%5 %%6 %%7 %%8 %%9 %%10 %%11 -> %%12\n"
    "node \"scores\" trees gives=scores : %%0 %%1 %%2 %%3 %%4 %%5 %%6 %%7 %%8 %%9 %%10 %%11 -> "
    "%%13\n"
    "output %%12 predict\n"
    "output %%13 decision_function\n";

static struct mica *load(double high)
{
    char text[2048];
    struct mica *m = mica_new();
    snprintf(text, sizeof text, graph, high);
    CHECK(m && !mica_load(m, "two.ir", text, strlen(text)));
    return m;
}

/* The answers of predict, decision_function and predict_certain, in this order. */
struct answers {
    int32_t label;
    double score[2];
    int32_t certain[2];
};

static struct answers ask(struct mica *m, float a, float b)
{
    const float x[2] = {a, b};
    const void *in[1] = {x};
    struct answers got = {-1, {0, 0}, {-1, -1}};
    void *out[3] = {&got.label, got.score, got.certain};
    CHECK(!mica_eval(m, in, out));
    return got;
}

static void check_whole_steps(void)
{
    struct mica *m = load(255);
    const struct mica_options options = {.leaf_bits = 8};
    CHECK(!mica_compile(m, &options));
    struct answers got = ask(m, 1, 0); /* 255 and 1 */
    CHECK(got.label == 0 && got.certain[0] == 0 && got.certain[1] == 1);
    CHECK(got.score[0] == 255 && got.score[1] == 1);
    got = ask(m, 0, 0); /* 0 and 1: one step is enough where no leaf is rounded */
    CHECK(got.label == 1 && got.certain[0] == 1 && got.certain[1] == 1);
    got = ask(m, 1, 1); /* equal */
    CHECK(got.label == 0 && got.certain[1] == 0);
    mica_free(m);
}

/* Of 4 bits a step is 17, and 127.4 in the middle of two: 7 * 17 = 119, 8 * 17 = 136. */
static void check_bound(void)
{
    struct mica *m = load(127.4);
    struct mica_options options = {.leaf_bits = 4, .functions = "decision_function"};
    struct mica_tensor out;
    CHECK(!mica_compile(m, &options) && !mica_output(m, 0, &out));
    /* 1 becomes 0 and 127.4 becomes 119: errors of 1 to 8.4, whose middle, 4.7, goes into the base
     * as no step at all. */
    CHECK(out.error > 8.39 && out.error < 8.41 && out.relative_error == 0);
    CHECK(strstr(mica_text(m, MICA_HEADER), "#define MODEL_DECISION_FUNCTION_ERROR 8.41f"));
    options.leaf_bits = 24;
    CHECK(!mica_compile(m, &options) && !mica_output(m, 0, &out));
    CHECK(out.error > 0 && out.error < 2 * 255 / 16777215.0);
    options.leaf_bits = 0;
    CHECK(!mica_compile(m, &options) && !mica_output(m, 0, &out) && out.error == 0);
    mica_free(m);
}

static void check_refusals(void)
{
    struct mica *m = load(2);
    struct mica_options options = {.leaf_bits = 3};
    CHECK(mica_compile(m, &options));
    CHECK_TEXT(mica_error(m), "two.ir: leaves have 4 to 24 bits, not 3");
    options = (struct mica_options){.leaf_bits = 25};
    CHECK(mica_compile(m, &options));
    CHECK_TEXT(mica_error(m), "two.ir: leaves have 4 to 24 bits, not 25");
    options = (struct mica_options){.leaf_bits = 8, .float64 = 1};
    CHECK(mica_compile(m, &options) && strstr(mica_error(m), "choose one of the two"));
    options = (struct mica_options){.functions = "predict_certain"};
    CHECK(mica_compile(m, &options) && strstr(mica_error(m), "not all of the functions"));
    mica_free(m);
}

/* Only who wants to know has a function for it. */
static void check_functions(void)
{
    struct mica *m = load(2);
    struct mica_options options = {.leaf_bits = 8};
    CHECK(!mica_compile(m, &options));
    CHECK(strstr(mica_text(m, MICA_HEADER), "void model_predict_certain("));
    options.functions = "predict";
    CHECK(!mica_compile(m, &options));
    CHECK(!strstr(mica_text(m, MICA_HEADER), "certain"));
    CHECK(strstr(mica_text(m, MICA_SOURCE), "model_predict("));
    mica_free(m);
}

int main(void)
{
    check_whole_steps();
    check_bound();
    check_refusals();
    check_functions();
    return checks_end();
}
