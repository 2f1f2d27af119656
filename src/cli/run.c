/* SPDX-License-Identifier: Apache-2.0 */
/* run.c - `mica run`: a model on an emulated core, compared with the same model on this machine. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "measure/measure.h"

static const char help[] =
    "usage: mica run MODEL --target CORE --input X.npy --output Y.npy\n"
    "                [--profile PROFILE] [--optimize speed|balanced|size|ram] [--by-row] [--stream "
    "AXIS]\n"
    "\n"
    "Compiles the model to C, the C with the compiler of a core, and runs it under an emulator\n"
    "of that core. Compares every output with `mica eval` and prints what the model takes: flash,\n"
    "RAM and stack, as measured in the program that ran.\n"
    "\n"
    "  MODEL              a .tflite or .onnx file, a .json of XGBoost or CatBoost, a .txt of\n"
    "                     LightGBM, or a graph in the text form (docs/ir.md)\n"
    "  --target CORE      `mica targets` lists the cores and what is installed for them;\n"
    "                     host (default) uses this machine's own C compiler\n"
    "  --input X.npy      as for `mica eval`: one inference, or N with one more axis in front;\n"
    "                     --input NAME=X.npy where the model has several\n"
    "  --output Y.npy     where to write what the core computed (--output NAME=Y.npy)\n"
    "  --profile P        tflm (default), single or litert; see `mica compile --help`\n"
    "  --optimize O       speed (default), balanced, size or ram, for Mica and the C compiler\n"
    "  --by-row           with ram: the input comes row by row\n"
    "  --leaf-bits N      as in `mica eval`: says what the rounding of leaves gives up\n"
    "  --stream 1         X.npy is a signal, [frames, ...]: pushes every frame, and compares each\n"
    "                     output with mica eval of the window that ends there\n"
    "\n"
    "Outputs agree when all their bits are equal. A float may also differ by 1e-5 of the largest\n"
    "value of its output, since not every core has subnormal numbers; the report says so then.\n"
    "\n"
    "Exit status: 0 done, and all outputs agree; 1 the model, an array or the program was refused\n"
    "(too large for the machine, no compiler, ...); 2 wrong use; 3 an output differs from eval.\n";

/* A difference of floats beyond this part of the output's largest value is a mismatch. */
static const double float_tolerance = 1e-5;

/* ---- comparison ------------------------------------------------------------------------------ */

struct agreement {
    size_t n_exact; /* inferences whose outputs are equal bit for bit */
    double worst;   /* difference of floats, as a part of the largest value */
    bool differs;
    size_t inference, element; /* the first mismatch */
    const struct mica_tensor *output;
    double got, want;
};

static double element_value(const char *type, const unsigned char *bytes)
{
    int64_t value = 0;
    size_t size;
    float f;

    if (!strcmp(type, "float32")) {
        memcpy(&f, bytes, sizeof f);
        return (double)f;
    }
    size = strstr(type, "64") ? 8 : strstr(type, "32") ? 4 : strstr(type, "16") ? 2 : 1;
    for (size_t i = 0; i < size; i++)
        value |= (int64_t)((uint64_t)bytes[i] << (8 * i));
    if (type[0] == 'i' && size < 8 && value >> (8 * size - 1))
        value -= (int64_t)1 << (8 * size);
    return (double)value;
}

static size_t element_bytes(const struct mica_tensor *tensor)
{
    size_t n = 1;

    for (int i = 0; i < tensor->rank; i++)
        n *= (size_t)tensor->dim[i];
    return n ? tensor->bytes / n : 1;
}

static double largest(const struct mica_tensor *tensor, const unsigned char *bytes)
{
    double most = 0;

    for (size_t at = 0; at < tensor->bytes; at += 4) {
        double value = fabs(element_value(tensor->type, bytes + at));

        if (isfinite(value) && value > most)
            most = value;
    }
    return most;
}

/* Do two floats of unequal bits agree? */
static bool floats_agree(struct agreement *a, double got, double want, double scale)
{
    double difference;

    if (isnan(got) && isnan(want))
        return true;
    if (!isfinite(got) || !isfinite(want))
        return got == want;
    if (got == want) /* zeros of unequal sign */
        return true;
    difference = fabs(got - want) / scale;
    if (difference > a->worst)
        a->worst = difference;
    return difference <= float_tolerance;
}

/* Compares one output of one inference whose bytes are not all equal. */
static void compare_output(struct agreement *a, const struct mica_tensor *tensor, size_t inference,
                           const unsigned char *got, const unsigned char *want)
{
    const size_t size = element_bytes(tensor);
    const bool is_float = !strcmp(tensor->type, "float32");
    const double scale = is_float ? largest(tensor, want) : 0;

    for (size_t at = 0; at < tensor->bytes; at += size) {
        double g = element_value(tensor->type, got + at),
               w = element_value(tensor->type, want + at);

        if (!memcmp(got + at, want + at, size) || (is_float && floats_agree(a, g, w, scale)))
            continue;
        if (!a->differs) {
            a->inference = inference;
            a->element = at / size;
            a->output = tensor;
            a->got = g;
            a->want = w;
        }
        a->differs = true;
    }
}

static struct agreement compare(const struct cli_tensors *t, const unsigned char *got,
                                const unsigned char *want)
{
    struct agreement a = {0};

    for (size_t k = 0; k < t->n; k++, got += t->out_bytes, want += t->out_bytes) {
        size_t at = 0;

        a.n_exact += !memcmp(got, want, t->out_bytes);
        for (int i = 0; i < t->n_outputs; at += t->output[i++].bytes)
            if (memcmp(got + at, want + at, t->output[i].bytes))
                compare_output(&a, &t->output[i], k, got + at, want + at);
    }
    return a;
}

/* ---- report ---------------------------------------------------------------------------------- */

static void print_ram(const struct mica_options *options, const struct cli_tensors *t,
                      const struct measure_report *report)
{
    const unsigned long scratch = report->scratch_bytes;
    const unsigned long fixed = (unsigned long)(report->model.data + report->model.bss);
    const bool is_state = t->stream.rows || options->optimize == MICA_OPTIMIZE_RAM;

    printf("RAM        %lu bytes: %s %lu", scratch + fixed, is_state ? "state" : "scratch",
           scratch);
    if (fixed)
        printf(", static %lu", fixed);
    if (is_state || options->share_io)
        printf("; inputs and outputs included\n");
    else
        printf("; inputs %zu and outputs %zu are the caller's\n", t->in_bytes, t->out_bytes);
}

static void print_report(const struct mica_options *options, const struct target *target,
                         const struct cli_tensors *t, const struct measure_report *report,
                         const struct agreement *a)
{
    const struct footprint *model = &report->model;
    const uint64_t flash = model->code + model->constants + model->data + report->library;

    printf("core       %s: %s\n", target->core, target->about);
    if (*target->emulator)
        printf("emulator   %s, machine %s\n", target->emulator, target->machine);
    if (t->stream.rows)
        printf("stream     %zu frames, an output every %d, the first with frame %d\n"
               "agreement  %zu of %zu outputs equal mica eval of their windows bit for bit\n",
               t->frames, (int)t->stream.hop, (int)t->stream.first, a->n_exact, t->n);
    else
        printf("agreement  %zu of %zu inferences equal mica eval bit for bit\n", a->n_exact, t->n);
    if (a->worst > 0)
        printf("           worst difference of a float: %.2g of the output's largest value\n",
               a->worst);
    if (flash) {
        printf("flash      %llu bytes: code %llu, constants %llu", (unsigned long long)flash,
               (unsigned long long)model->code,
               (unsigned long long)(model->constants + model->data));
        if (report->library_known)
            printf(", C library %llu", (unsigned long long)report->library);
        printf("\n");
    }
    print_ram(options, t, report);
    printf("stack      %lu bytes\n", (unsigned long)report->stack_bytes);
}

static int report_mismatch(const struct agreement *a, bool is_stream)
{
    fprintf(stderr,
            "mica: output '%s' differs from mica eval: first at %s %zu, element %zu: "
            "%.9g, eval gives %.9g\n",
            a->output->name, is_stream ? "output" : "inference", a->inference, a->element, a->got,
            a->want);
    return CLI_MISMATCH;
}

/* ---- the command ----------------------------------------------------------------------------- */

/* A stream runs hop by hop; the outputs before the first whole window are nobody's. */
static int run_stream(struct measure_job *job, struct cli_tensors *t, struct measure_report *report)
{
    const size_t hop = (size_t)t->stream.hop, early = (size_t)t->stream.first / hop - 1;
    struct mica_tensor input = t->input[0];
    unsigned char *out = malloc((early + t->n) * t->out_bytes);
    int status = CLI_OK;

    input.bytes = hop * t->row_bytes;
    job->input = &input;
    job->n = early + t->n;
    job->out = out;
    if (!out)
        status = cli_refuse("out of memory");
    else if (measure_run(job, report))
        status = cli_refuse("%s", report->error.text);
    else
        memcpy(t->out, out + early * t->out_bytes, t->n * t->out_bytes);
    free(out);
    return status;
}

/* Runs all inferences on this machine, into `want`, and on the core, into t->out. */
static int run_both(struct mica *m, const struct mica_options *options, const struct target *target,
                    struct cli_tensors *t, unsigned char *want, struct measure_report *report)
{
    struct measure_job job = {
        .target = target,
        .name = options->name,
        .header = mica_text(m, MICA_HEADER),
        .source = mica_text(m, MICA_SOURCE),
        .weights = mica_text(m, MICA_WEIGHTS),
        .options = options,
        .n_inputs = t->n_inputs,
        .n_outputs = t->n_outputs,
        .input = t->input,
        .output = t->output,
        .n = t->n,
        .in = t->in,
        .out = t->out,
    };
    int status = cli_tensors_eval(t, m, want);

    if (status == CLI_OK && t->stream.rows)
        return run_stream(&job, t, report);
    if (status == CLI_OK && measure_run(&job, report))
        status = cli_refuse("%s", report->error.text);
    return status;
}

/* The model is loaded and compiled, and its inputs are read. */
static int run(struct mica *m, const struct mica_options *options, const struct target *target,
               struct cli_tensors *t, const struct cli_files *outputs)
{
    unsigned char *want = malloc(t->n * t->out_bytes + 1);
    struct measure_report report;
    struct agreement a;
    int status = want ? run_both(m, options, target, t, want, &report)
                      : cli_refuse("out of memory");

    if (status == CLI_OK)
        status = cli_tensors_write(t, outputs);
    if (status == CLI_OK) {
        a = compare(t, t->out, want);
        print_report(options, target, t, &report, &a);
        if (a.differs)
            status = report_mismatch(&a, t->stream.rows > 0);
    }
    free(want);
    return status;
}

int cmd_run(int argc, char **argv)
{
    const char *model = NULL;
    struct mica_options options = {.name = "model", .target = "host"};
    struct cli_files inputs = {0}, outputs = {0};
    const struct cli_flag flags[] = {
        {"--target", CLI_TEXT, &options.target},
        {"--input -i", CLI_FILES, &inputs},
        {"--output -o", CLI_FILES, &outputs},
        CLI_COMPILE_FLAGS(options),
        {NULL, CLI_SWITCH, NULL},
    };
    struct cli_tensors tensors = {0};
    struct measure_error error;
    struct target target;
    struct mica *m;
    int status = cli_parse(argc, argv, help, flags, &model);

    if (status >= 0)
        return status;
    if (target_find(options.target, &target, &error))
        return cli_usage("run", "%s", error.text);
    m = cli_load(model);
    if (!m)
        return CLI_REFUSED;
    status = mica_compile(m, &options) ? cli_refuse("%s", mica_error(m)) : CLI_OK;
    if (status == CLI_OK)
        status = cli_tensors_read(&tensors, m, "run", &inputs, &outputs);
    if (status == CLI_OK)
        status = run(m, &options, &target, &tensors, &outputs);
    cli_tensors_free(&tensors);
    mica_free(m);
    if (status == CLI_OK && options.leaf_bits)
        status = cli_leaves_report(model, &options, &inputs);
    return status;
}
