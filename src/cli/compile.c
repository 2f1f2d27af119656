/* SPDX-License-Identifier: Apache-2.0 */
/* compile.c - `mica compile`: a model in, .c and .h out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/cli.h"
#include "cli/cost.h"

static const char help[] =
    "usage: mica compile MODEL [-o DIR] [--name NAME] [--target CORE] [--profile PROFILE]\n"
    "                    [--optimize speed|balanced|size|ram] [--by-row] [--keep-input] [--stream "
    "AXIS]\n"
    "                    [--share-io] [--split-weights] [--functions LIST] [--input-type T]\n"
    "                    [--finite] [--leaf-bits N] [--float64] [--max-flash N] [--max-ram N]\n"
    "                    [--max-cycles N]\n"
    "       mica compile MODEL... --library NAME [-o DIR] [--name NAME,...] [...]\n"
    "\n"
    "Turns a trained model into DIR/NAME.h and DIR/NAME.c: plain C99 without a run-time, a heap\n"
    "or a library. The header says what to call and what it costs; add both files to a project.\n"
    "\n"
    "  MODEL             a .tflite or .onnx file, a .json of XGBoost or CatBoost, a .txt of\n"
    "                    LightGBM, or a graph in the text form (docs/ir.md)\n"
    "  -o, --output DIR  where to write; made if missing (default: the current folder)\n"
    "  --name NAME       prefix of files and symbols (default: from the file's name); of several\n"
    "                    models their names, with commas\n"
    "  --library NAME    for several models in one firmware: what they share of kernels goes to\n"
    "                    NAME.c and NAME.h, once; add these files, too\n"
    "  --target CORE     the core it is made for; `mica targets` lists them (default: host).\n"
    "                    The file gives the same bits on every other core\n"
    "  --profile P       the reference that integer results equal, bit for bit:\n"
    "                      tflm    TensorFlow Lite Micro (default)\n"
    "                      single  one rounding: ruy, CMSIS-NN built for single rounding\n"
    "                      litert  LiteRT's reference kernels\n"
    "  --optimize O      speed (default): the fewest instructions; size: the fewest bytes of\n"
    "                    flash; balanced: the least product of both; or ram: rows of images are\n"
    "                    pushed through the model, inputs and outputs live in its state\n"
    "  --by-row          with ram: the input comes row by row too, and is never whole\n"
    "  --keep-input      with ram: a run does not overwrite its input\n"
    "  --stream AXIS     time is endless along that axis of the input (1): each new row gives\n"
    "                    the output of the window that ends there, computing only what is new\n"
    "  --share-io        inputs and outputs live inside the scratch memory, which saves RAM\n"
    "  --split-weights   constants go to NAME_weights.c\n"
    "  --functions LIST  of an estimator: the functions to generate, with commas, such as\n"
    "                    predict,predict_proba (default: all it has)\n"
    "  --input-type T    of an estimator: the caller promises features of int8, uint8 or int16,\n"
    "                    and nothing in the code is a float\n"
    "  --finite          of an estimator: the caller promises features that are never NaN, whose\n"
    "                    way through trees then takes no code\n"
    "  --leaf-bits N     of boosted trees and of regressions by trees: leaves are rounded to N\n"
    "                    bits, 4 to 24, which takes half the flash or less where they were\n"
    "                    float64. NAME_predict_certain says of each row whether its label is\n"
    "                    proven all the same; errors of numbers are stated in the header\n"
    "  --float64         of an estimator: results are double, the training library's own numbers\n"
    "  --keep-channels   for debugging: compute channels that change no output too\n"
    "  --max-ram N       bytes for scratch or state, inputs and outputs: takes the fastest "
    "schedule\n"
    "                    that fits, whole tensors or rows, or says what stands in the way; with a\n"
    "                    --target the stack has to fit too\n"
    "  --max-flash N     bytes of the linked code, weights and tables,\n"
    "  --max-cycles N    cycles of one run: where the model takes more on the core, nothing is\n"
    "                    written, and the message says which layers make it up (`mica cost`\n"
    "                    measures; it needs the core's compiler and emulator)\n"
    "\n"
    "Exit status: 0 done; 1 the model was refused or a file could not be written (the message\n"
    "says what to do; nothing is left half written); 2 wrong use.\n";

/* "models/kws-v2.tflite" -> "kws_v2" */
static void default_name(char *name, size_t room, const char *model)
{
    const char *slash = strrchr(model, '/');
    const char *from = slash ? slash + 1 : model;
    bool digit = *from >= '0' && *from <= '9';
    snprintf(name, room, "%s%s", digit ? "m" : "", from);
    char *dot = strrchr(name, '.');
    if (dot && dot > name)
        *dot = '\0';
    for (char *c = name; *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9')))
            *c = '_';
}

/* ---- files ----------------------------------------------------------------------------------- */

struct output {
    char path[4096];
    const char *text;
};

/* The texts of a handle, as files of that name; how many. Room for three. */
static int outputs_of(const struct mica *m, const char *dir, const char *name, struct output *to)
{
    static const struct {
        enum mica_text text;
        const char *suffix;
    } files[] = {{MICA_HEADER, ".h"}, {MICA_SOURCE, ".c"}, {MICA_WEIGHTS, "_weights.c"}};
    int n = 0;
    for (int i = 0; i < 3; i++) {
        to[n].text = mica_text(m, files[i].text);
        const int len = snprintf(to[n].path, sizeof to[n].path, "%s/%s%s", dir, name,
                                 files[i].suffix);
        if (len < 0 || (size_t)len >= sizeof to[n].path)
            to[n].path[0] = '\0'; /* write_all() says so */
        n += to[n].text != NULL;
    }
    return n;
}

/* All files or none: what was already written goes when a later one fails. */
static int write_all(const char *dir, const struct output *output, int n)
{
    for (int i = 0; i < n; i++)
        if (!output[i].path[0])
            return cli_refuse("%s: too long a path for a file in it; nothing was written", dir);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < i; k++)
            if (!strcasecmp(output[i].path, output[k].path))
                return cli_refuse("two files would be called %s: choose other names",
                                  output[i].path);
    if (cli_make_folder(dir))
        return CLI_REFUSED;
    for (int i = 0; i < n; i++) {
        if (!cli_write_file(output[i].path, output[i].text, strlen(output[i].text)))
            continue;
        while (i-- > 0)
            remove(output[i].path);
        return CLI_REFUSED;
    }
    return CLI_OK;
}

/* ---- several models -------------------------------------------------------------------------- */

/* The names of --name "a,b,c", or those of the files. */
static int set_names(const struct cli_models *models, const char *list, char (*name)[256])
{
    int n = 0;
    for (const char *at = list; at; n++) {
        const size_t len = strcspn(at, ",");
        if (n < models->n)
            snprintf(name[n], sizeof name[n], "%.*s", (int)len, at);
        at = at[len] ? at + len + 1 : NULL;
    }
    if (list && n != models->n)
        return cli_usage("compile", "--name %s: %d names for %d models", list, n, models->n);
    for (int i = 0; !list && i < models->n; i++)
        default_name(name[i], sizeof name[i], models->at[i]);
    return -1;
}

/* Nothing is written before everything is compiled. */
static int compile_library(const struct cli_models *models, char (*name)[256], const char *dir,
                           struct mica_options *options)
{
    struct mica *m[CLI_FILES_MAX + 1] = {NULL};
    struct output *output = calloc((size_t)models->n * 3 + 3, sizeof *output);
    int status = output ? CLI_OK : cli_refuse("out of memory"), n = 0;
    for (int i = 0; i < models->n && status == CLI_OK; i++) {
        options->name = name[i];
        m[i] = cli_load(models->at[i]);
        if (!m[i])
            status = CLI_REFUSED;
        else if (mica_compile(m[i], options))
            status = cli_refuse("%s", mica_error(m[i]));
        else
            n += outputs_of(m[i], dir, name[i], output + n);
    }
    struct mica *library = status == CLI_OK ? mica_new() : NULL;
    if (status == CLI_OK && !library)
        status = cli_refuse("out of memory");
    if (status == CLI_OK && mica_library(library, m, models->n))
        status = cli_refuse("%s", mica_error(library));
    if (status == CLI_OK) {
        n += outputs_of(library, dir, options->library, output + n);
        status = write_all(dir, output, n);
    }
    for (int i = 0; m[i]; i++)
        mica_free(m[i]);
    mica_free(library);
    free(output);
    return status;
}

/* ---- one model ------------------------------------------------------------------------------- */

struct limits {
    const char *flash, *ram, *cycles;
};

static int compile_one(const char *model, const char *dir, struct mica_options *options,
                       const struct limits *max)
{
    struct output output[3];
    struct budget budget = {0};
    if (budget_read(&budget.flash, "--max-flash", max->flash) ||
        budget_read(&budget.ram, "--max-ram", max->ram) ||
        budget_read(&budget.cycles, "--max-cycles", max->cycles))
        return CLI_USAGE;
    options->max_ram = budget.ram > INT64_MAX ? INT64_MAX : (int64_t)budget.ram;
    struct mica *m = cli_load(model);
    if (!m)
        return CLI_REFUSED;
    int status = mica_compile(m, options) ? cli_refuse("%s", mica_error(m)) : CLI_OK;
    if (status == CLI_OK && mica_pushes_rows(m))
        options->optimize = MICA_OPTIMIZE_RAM; /* what --max-ram chose */
    if (status == CLI_OK && (max->flash || max->cycles || (max->ram && options->target)))
        status = budget_check(model, options, &budget);
    if (status == CLI_OK)
        status = write_all(dir, output, outputs_of(m, dir, options->name, output));
    mica_free(m);
    return status;
}

int cmd_compile(int argc, char **argv)
{
    const char *dir = ".";
    struct limits max = {NULL, NULL, NULL};
    static char name[CLI_FILES_MAX][256];
    struct cli_models models = {0};
    struct mica_options options = {0};
    const struct cli_flag flags[] = {
        {"", CLI_MODELS, &models},
        {"--output -o", CLI_TEXT, &dir},
        {"--name", CLI_TEXT, &options.name},
        {"--library", CLI_TEXT, &options.library},
        {"--target", CLI_TEXT, &options.target},
        CLI_COMPILE_FLAGS(options),
        {"--share-io", CLI_SWITCH, &options.share_io},
        {"--split-weights", CLI_SWITCH, &options.split_weights},
        {"--max-flash", CLI_TEXT, &max.flash},
        {"--max-ram", CLI_TEXT, &max.ram},
        {"--max-cycles", CLI_TEXT, &max.cycles},
        {NULL, CLI_SWITCH, NULL},
    };
    int status = cli_parse(argc, argv, help, flags, NULL);
    if (status >= 0)
        return status;
    struct target target;
    struct measure_error error;
    if (options.target && target_find(options.target, &target, &error))
        return cli_usage("compile", "%s", error.text);
    if (models.n > 1 && !options.library)
        return cli_usage("compile", "'%s' and '%s': several models share a --library NAME",
                         models.at[0], models.at[1]);
    if (options.library && (max.flash || max.ram || max.cycles))
        return cli_usage("compile", "--max-flash, --max-ram and --max-cycles are of one model "
                                    "without a --library");
    if (options.library && (status = set_names(&models, options.name, name)) >= 0)
        return status;
    if (options.library)
        return compile_library(&models, name, dir, &options);
    if (!options.name) {
        default_name(name[0], sizeof name[0], models.at[0]);
        options.name = name[0];
    }
    return compile_one(models.at[0], dir, &options, &max);
}
