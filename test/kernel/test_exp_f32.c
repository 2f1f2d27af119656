/* SPDX-License-Identifier: Apache-2.0 */
/* exp_f32.h, tanh_f32.h and logistic_f32.h against the host's double functions.
 *
 *     test_exp_f32          every 509th float, in about a second
 *     test_exp_f32 1        every float, in four minutes: the figures in the kernels' comments
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "exp_f32.h"
#include "harness.h"
#include "logistic_f32.h"
#include "tanh_f32.h"

struct worst {
    double error; /* units in the last place of the exact result */
    float at;
};

static float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static double unit(double exact)
{
    int exponent;
    if (fabs(exact) < 0x1p-126)
        return 0x1p-149;
    frexp(exact, &exponent);
    return ldexp(1.0, exponent - 24);
}

static void note(struct worst *w, float at, float got, double exact)
{
    double error = fabs((double)got - exact) / unit(exact);
    if (!(error <= w->error))
        *w = (struct worst){error, at};
}

/* As TFLite's reference, which below -9 takes the power itself. */
static double logistic(double x)
{
    return x < -9.0 ? exp(x) : 1.0 / (1.0 + exp(-x));
}

static void check_all(uint32_t step)
{
    struct worst power = {0}, tangent = {0}, sigmoid = {0};
    bool overflows = true, underflows = true, saturates = true;
    for (uint32_t sign = 0; sign < 2; sign++) {
        for (uint32_t bits = 0; bits <= 0x7f800000; bits += step) {
            float x = float_of(bits | sign << 31);
            double exact = exp((double)x);
            float e = mica_exp_f32(x), t = mica_tanh_of_f32(x), s;
            mica_logistic_f32(&x, &s, 1);
            if ((double)x > 88.722839355)
                overflows &= isinf(e) && e > 0.0f;
            else if (x < -104.0f)
                underflows &= e == 0.0f;
            else
                note(&power, x, e, exact);
            if (fabsf(x) > 9.02f)
                saturates &= t == (x < 0.0f ? -1.0f : 1.0f);
            note(&tangent, x, t, tanh((double)x));
            note(&sigmoid, x, s, logistic((double)x));
        }
    }
    CHECK(overflows);
    CHECK(underflows);
    CHECK(saturates);
    CHECK(power.error < 0.9135);
    CHECK(tangent.error < 1.3255);
    CHECK(sigmoid.error < 2.0);
    printf("exp: %.4f at %a; tanh: %.4f at %a; logistic: %.4f at %a\n", power.error,
           (double)power.at, tangent.error, (double)tangent.at, sigmoid.error, (double)sigmoid.at);
}

static void check_special(void)
{
    float in[3] = {NAN, -0.0f, 0.0f}, out[3];
    CHECK(isnan(mica_exp_f32(NAN)));
    CHECK(mica_exp_f32(-0.0f) == 1.0f);
    CHECK(mica_exp_f32(-INFINITY) == 0.0f);
    CHECK(isinf(mica_exp_f32(INFINITY)));
    CHECK(mica_exp_f32(0x1.62e42ep6f) < INFINITY);
    CHECK(mica_exp_f32(-103.5f) == 0x1p-149f);
    mica_tanh_f32(in, out, 3);
    CHECK(isnan(out[0]));
    CHECK(out[1] == 0.0f && out[2] == 0.0f);
    mica_logistic_f32(in, out, 3);
    CHECK(isnan(out[0]));
    CHECK(out[1] == 0.5f && out[2] == 0.5f);
}

int main(int argc, char **argv)
{
    check_special();
    check_all(argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 509);
    return checks_end();
}
