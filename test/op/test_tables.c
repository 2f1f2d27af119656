/* SPDX-License-Identifier: Apache-2.0 */
/* The int8 functions of one number: all 256 outputs against those of TensorFlow Lite Micro and of
 * LiteRT's reference kernels, which are kept here as a sum (32-bit FNV-1a), and of profile single
 * against the others' within one step. */
#include <stdint.h>
#include <stdlib.h>

#include "harness.h"
#include "mica.h"

static const struct {
    const char *node;
    const char *in_scale;
    int in_zero;
    const char *out_scale;
    int out_zero;
    uint32_t tflm, litert;
} cases[] = {
    {"logistic", "0.03125", 0, "0.00390625", -128, 0x6C7D5444, 0x6C7D5444},
    {"logistic", "0.0471", -7, "0.00390625", -128, 0xBFB955F4, 0xBFB955F4},
    {"logistic", "0.2", 11, "0.00390625", -128, 0x4CB1C0C6, 0x4CB1C0C6},
    {"logistic", "3.5", -128, "0.00390625", -128, 0x8988E2F7, 0x8988E2F7},
    /* LiteRT computes in float32, and rounds one number here the other way. */
    {"logistic", "0.01878", -100, "0.00390625", -128, 0x8FA0F121, 0xA47147D4},
    {"tanh", "0.015625", 0, "0.0078125", 0, 0x6C7D5444, 0x6C7D5444},
    {"tanh", "0.0333", 5, "0.0078125", 0, 0xB5FABBFA, 0xB5FABBFA},
    {"tanh", "1.5", 127, "0.0078125", 0, 0x1C986756, 0x1C986756},
    {"clamp activation=relu", "0.1", -20, "0.05", -128, 0xACE62E51, 0xACE62E51},
    {"clamp activation=relu", "0.1", 3, "0.1", 3, 0x7770EFED, 0x7770EFED},
    {"clamp activation=relu6", "0.1", -20, "0.1", -20, 0xBCDA2849, 0xBCDA2849},
    /* TFLM does not rescale RELU6. */
    {"clamp activation=relu6", "0.1", -20, "0.0235", -128, 0xBCDA2849, 0x72EB545E},
    {"leaky_relu alpha=0.3", "0.07", 4, "0.05", -9, 0xD9CB1205, 0xD9CB1205},
    {"leaky_relu alpha=0.01", "0.3", -100, "0.11", -128, 0xE3792592, 0xE3792592},
    {"hard_swish", "0.05", -8, "0.03", -110, 0x414C9FAB, 0x414C9FAB},
    {"hard_swish", "0.001", 0, "0.0007", 1, 0x64230F8E, 0x64230F8E},
    {"hard_swish", "0.9", 100, "0.4", -128, 0x5790FDCA, 0x5790FDCA},
};

static uint32_t sum_of(const int8_t out[256])
{
    uint32_t sum = UINT32_C(2166136261);
    for (int i = 0; i < 256; i++)
        sum = (sum ^ (uint8_t)out[i]) * UINT32_C(16777619);
    return sum;
}

static bool run(size_t i, enum mica_profile profile, int8_t out[256])
{
    char model[512];
    int n = snprintf(model, sizeof model,
                     "mica-ir 1\ngraph \"main\"\n"
                     "tensor %%0 \"x\" int8 [1,256] scale=%s zero=%d\n"
                     "tensor %%1 \"y\" int8 [1,256] scale=%s zero=%d\n"
                     "input %%0\nnode \"y\" %s : %%0 -> %%1\noutput %%1\n",
                     cases[i].in_scale, cases[i].in_zero, cases[i].out_scale, cases[i].out_zero,
                     cases[i].node);
    int8_t in[256];
    for (int k = 0; k < 256; k++)
        in[k] = (int8_t)(k - 128);
    const struct mica_options options = {.profile = profile};
    const void *ins[] = {in};
    void *outs[] = {out};
    struct mica *m = mica_new();
    bool done = m && !mica_load(m, "test", model, (size_t)n) && !mica_compile(m, &options) &&
                !mica_eval(m, ins, outs);
    if (m && !done)
        printf("%s\n", mica_error(m));
    mica_free(m);
    return done;
}

int main(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int8_t tflm[256], single[256], litert[256];
        CHECK(run(i, MICA_PROFILE_TFLM, tflm) && run(i, MICA_PROFILE_SINGLE, single) &&
              run(i, MICA_PROFILE_LITERT, litert));
        CHECK(sum_of(tflm) == cases[i].tflm);
        CHECK(sum_of(litert) == cases[i].litert);
        int worst = 0;
        for (int k = 0; k < 256; k++)
            worst = abs(single[k] - tflm[k]) > worst ? abs(single[k] - tflm[k]) : worst;
        CHECK(worst <= 1);
    }
    return checks_end();
}
