/* SPDX-License-Identifier: Apache-2.0 */
/* inspect.c - `mica inspect`, `mica dump` and `mica operators`: what is inside. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

int cmd_inspect(int argc, char **argv)
{
    static const char help[] =
        "usage: mica inspect MODEL [--json] [--profile PROFILE] [--separate-io]\n"
        "\n"
        "Shows the layers as they will be compiled (operator, type, shapes, multiply-accumulates,\n"
        "parameters, the name in the model) and the RAM over time, step by step, with its peak.\n"
        "\n"
        "  MODEL          a .tflite or .onnx file, a .json of XGBoost or CatBoost, a .txt of\n"
        "                 LightGBM, or a graph in the text form (docs/ir.md)\n"
        "  --json         the same for programs: inputs, outputs, layers, memory, total\n"
        "  --separate-io  do not count inputs and outputs as RAM of the model\n"
        "  --stream 1     the model as a stream along its input's axis 1: what is kept, what an\n"
        "                 output costs, and which operators need the whole window each time\n"
        "  --keep-channels\n"
        "                 for debugging: keep channels that change no output\n"
        "\n"
        "Exit status: 0 shown; 1 the model was refused; 2 wrong use.\n";
    const char *model = NULL;
    int json = 0, separate = 0;
    struct mica_options options = {0};
    const struct cli_flag flags[] = {
        {"--json", CLI_SWITCH, &json},
        {"--separate-io", CLI_SWITCH, &separate},
        CLI_COMPILE_FLAGS(options),
        {NULL, CLI_SWITCH, NULL},
    };
    int status = cli_parse(argc, argv, help, flags, &model);
    if (status >= 0)
        return status;
    struct mica *m = cli_load(model);
    if (!m)
        return CLI_REFUSED;
    options.share_io = !separate && !cli_is_estimator(m);
    status = mica_compile(m, &options) ? cli_refuse("%s", mica_error(m)) : CLI_OK;
    if (status == CLI_OK)
        fputs(mica_text(m, json ? MICA_JSON : MICA_INSPECT), stdout);
    mica_free(m);
    return status;
}

int cmd_dump(int argc, char **argv)
{
    static const char help[] =
        "usage: mica dump MODEL [--after PASS]\n"
        "\n"
        "Prints the graph in Mica's text form as it is after a pass; docs/ir.md describes the\n"
        "form, and every command reads it back in place of a model.\n"
        "\n"
        "  MODEL         a .tflite or .onnx file, a .json of XGBoost or CatBoost, a .txt of\n"
        "                LightGBM, or a graph in the text form\n"
        "  --after PASS  read (default), then in this order:\n"
        "                ";
    const char *model = NULL, *pass = "read";
    const struct cli_flag flags[] = {{"--after", CLI_TEXT, &pass}, {NULL, CLI_SWITCH, NULL}};
    char page[2048];
    int n = snprintf(page, sizeof page, "%s", help);
    for (int i = 1; mica_pass_name(i); i++)
        n += snprintf(page + n, sizeof page - (size_t)n, "%s%s",
                      i == 1       ? ""
                      : i % 6 == 1 ? "\n                "
                                   : " ",
                      mica_pass_name(i));
    snprintf(page + n, sizeof page - (size_t)n,
             "\n\nExit status: 0 printed; 1 the model was refused; 2 wrong use.\n");
    int status = cli_parse(argc, argv, page, flags, &model);
    if (status >= 0)
        return status;
    bool known = false;
    for (int i = 0; mica_pass_name(i); i++)
        known |= !strcmp(mica_pass_name(i), pass);
    if (!known)
        return cli_usage("dump", "there is no pass '%s'", pass);
    struct mica *m = cli_load(model);
    if (!m)
        return CLI_REFUSED;
    if (mica_dump(m, pass, NULL))
        status = cli_refuse("%s", mica_error(m));
    else
        status = fputs(mica_text(m, MICA_DUMP), stdout) < 0 ? CLI_REFUSED : CLI_OK;
    mica_free(m);
    return status;
}

int cmd_operators(int argc, char **argv)
{
    static const char help[] =
        "usage: mica operators\n"
        "\n"
        "Prints the table of supported operators and types in Markdown (docs/operators.md).\n"
        "\n"
        "Exit status: 0 printed; 2 wrong use.\n";
    const struct cli_flag flags[] = {{NULL, CLI_SWITCH, NULL}};
    int status = cli_parse(argc, argv, help, flags, NULL);
    if (status >= 0)
        return status;
    struct mica *m = mica_new();
    const char *text = m ? mica_operators(m) : NULL;
    if (text)
        fputs(text, stdout);
    mica_free(m);
    return text ? CLI_OK : cli_refuse("out of memory");
}
