/* SPDX-License-Identifier: Apache-2.0 */
/* leaves.c - what --leaf-bits gives up on given rows: the answers of rounded leaves beside those of
 * leaves with all their bits. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

/* One function of the model, evaluated for all rows. */
struct answers {
    struct mica *m;
    struct cli_tensors rows;
    const struct mica_tensor *out;
};

static int answer(struct answers *a, const char *model, const struct mica_options *options,
                  const char *function, const struct cli_files *inputs)
{
    struct mica_options o = *options;
    const struct cli_files none = {0};
    memset(a, 0, sizeof *a);
    o.functions = function;
    a->m = cli_load(model);
    if (!a->m)
        return CLI_REFUSED;
    int status = mica_compile(a->m, &o) ? cli_refuse("%s", mica_error(a->m)) : CLI_OK;
    if (status == CLI_OK)
        status = cli_tensors_read(&a->rows, a->m, "eval", inputs, &none);
    if (status == CLI_OK)
        status = cli_tensors_eval(&a->rows, a->m, a->rows.out);
    a->out = &a->rows.output[0];
    return status;
}

static void free_answers(struct answers *a)
{
    if (!a->m)
        return;
    cli_tensors_free(&a->rows);
    mica_free(a->m);
}

/* Labels: those that are certain cannot differ. */
static int compare_labels(const struct answers *rounded, const struct answers *exact, int bits)
{
    const size_t labels = exact->rows.out_bytes;
    size_t undecided = 0, changed = 0, wrong = 0;
    for (size_t i = 0; i < exact->rows.n; i++) {
        const unsigned char *got = rounded->rows.out + i * rounded->rows.out_bytes;
        int32_t certain;
        memcpy(&certain, got + labels, sizeof certain);
        const bool differs = memcmp(got, exact->rows.out + i * labels, labels) != 0;
        undecided += !certain;
        changed += differs && !certain;
        wrong += differs && certain;
    }
    printf(
        "leaves of %d bits: %zu rows, %zu undecided, %zu of these with another label than leaves "
        "of all bits\n",
        bits, exact->rows.n, undecided, changed);
    if (wrong)
        return cli_refuse("%zu labels differ that are said to be certain: please report this model",
                          wrong);
    return CLI_OK;
}

static int compare_values(const struct answers *rounded, const struct answers *exact, int bits)
{
    const size_t n = exact->rows.n * exact->rows.out_bytes / sizeof(float);
    const struct mica_tensor *out = rounded->out;
    double worst = 0;
    bool within = true;
    for (size_t i = 0; i < n; i++) {
        float got, want;
        memcpy(&got, rounded->rows.out + i * sizeof got, sizeof got);
        memcpy(&want, exact->rows.out + i * sizeof want, sizeof want);
        const double off = fabs((double)got - (double)want);
        worst = off > worst ? off : worst;
        within = within && off <= out->error + (out->relative_error + 1e-6) * fabs((double)want);
    }
    printf("leaves of %d bits: %zu rows, largest error %.3g of at most %.3g%s\n", bits,
           exact->rows.n, worst, out->relative_error > 0 ? out->relative_error : out->error,
           out->relative_error > 0 ? " of the value" : "");
    return within ? CLI_OK : cli_refuse("an error is beyond its bound: please report this model");
}

int cli_leaves_report(const char *model, const struct mica_options *options,
                      const struct cli_files *inputs)
{
    struct answers rounded = {0}, exact = {0};
    struct mica_options all = *options;
    all.leaf_bits = 0;
    int status = answer(&exact, model, &all, "predict", inputs);
    const bool labels = status == CLI_OK && !strcmp(exact.out->type, "int32");
    if (status == CLI_OK)
        status = answer(&rounded, model, options, labels ? "predict_certain" : "predict", inputs);
    if (status == CLI_OK)
        status = labels ? compare_labels(&rounded, &exact, options->leaf_bits)
                        : compare_values(&rounded, &exact, options->leaf_bits);
    free_answers(&rounded);
    free_answers(&exact);
    return status;
}
