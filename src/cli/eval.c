/* SPDX-License-Identifier: Apache-2.0 */
/* eval.c - `mica eval`: runs a model on this machine, without a C compiler. */
#include <stdio.h>

#include "cli/cli.h"

static const char help[] =
    "usage: mica eval MODEL --input X.npy --output Y.npy [--profile PROFILE]\n"
    "\n"
    "Runs the compiled model on this machine with the same kernels, parameters and memory plan\n"
    "that its C file has, so the results are the bits a microcontroller gives. No C compiler is\n"
    "needed.\n"
    "\n"
    "  MODEL              a .tflite or .onnx file, a .json of XGBoost or CatBoost, a .txt of\n"
    "                     LightGBM, or a graph in the text form (docs/ir.md)\n"
    "  --input X.npy      an array of the input's shape and type. With one more axis in front,\n"
    "                     of N, the model runs N times and outputs have that axis too\n"
    "  --output Y.npy     where to write the output\n"
    "                     Where a model has several: --input NAME=X.npy, once for each, and\n"
    "                     --output NAME=Y.npy for those wanted (NAME as in `mica inspect`)\n"
    "  --stream 1         X.npy is a signal, [frames, ...]: one output for each window that the\n"
    "                     stream of `mica compile --stream 1` would answer, computed as a whole\n"
    "  --leaf-bits N      as in `mica compile`; prints as well what the rounding gives up: how\n"
    "                     many rows are undecided, how many labels differ, or the largest error\n"
    "  --profile P        tflm (default), single or litert; see `mica compile --help`\n"
    "  --keep-channels    compute channels that change no output too (for debugging)\n"
    "\n"
    "Exit status: 0 done; 1 the model or an array was refused; 2 wrong use.\n";

int cmd_eval(int argc, char **argv)
{
    const char *model = NULL;
    struct mica_options options = {0};
    struct cli_files inputs = {0}, outputs = {0};
    const struct cli_flag flags[] = {
        {"--input -i", CLI_FILES, &inputs},
        {"--output -o", CLI_FILES, &outputs},
        CLI_COMPILE_FLAGS(options),
        {NULL, CLI_SWITCH, NULL},
    };
    int status = cli_parse(argc, argv, help, flags, &model);
    if (status >= 0)
        return status;
    if (!outputs.n)
        return cli_usage("eval", "where to write? --output Y.npy");
    struct mica *m = cli_load(model);
    if (!m)
        return CLI_REFUSED;
    struct cli_tensors tensors = {0};
    options.share_io = !cli_is_estimator(m); /* the plan with the most in it */
    status = mica_compile(m, &options) ? cli_refuse("%s", mica_error(m)) : CLI_OK;
    if (status == CLI_OK)
        status = cli_tensors_read(&tensors, m, "eval", &inputs, &outputs);
    if (status == CLI_OK)
        status = cli_tensors_eval(&tensors, m, tensors.out);
    if (status == CLI_OK)
        status = cli_tensors_write(&tensors, &outputs);
    cli_tensors_free(&tensors);
    mica_free(m);
    if (status == CLI_OK && options.leaf_bits)
        status = cli_leaves_report(model, &options, &inputs);
    return status;
}
