/* SPDX-License-Identifier: Apache-2.0 */
/* flags.c - the command line of every subcommand, by a table of flags. */
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

int cli_usage(const char *command, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fprintf(stderr, "mica %s: ", command);
    vfprintf(stderr, fmt, args);
    fprintf(stderr, "\nTry: mica %s --help\n", command);
    va_end(args);
    return CLI_USAGE;
}

int cli_refuse(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fprintf(stderr, "mica: ");
    vfprintf(stderr, fmt, args);
    fprintf(stderr, "\n");
    va_end(args);
    return CLI_REFUSED;
}

/* Is `word` one of the spellings in "--output -o"? Then *value is what follows an '='. */
static bool is_flag(const struct cli_flag *f, const char *word, const char **value)
{
    const char *equals = strchr(word, '=');
    size_t len = equals ? (size_t)(equals - word) : strlen(word);
    *value = equals ? equals + 1 : NULL;
    for (const char *at = f->name; *at;) {
        size_t n = strcspn(at, " ");
        if (n == len && !strncmp(at, word, len))
            return true;
        at += n + (at[n] == ' ');
    }
    return false;
}

static int find_word(const char *const *words, int n, const char *word)
{
    for (int i = 0; i < n; i++)
        if (!strcmp(words[i], word))
            return i;
    return -1;
}

static const char *const optimizes[] = {"speed", "size", "ram", "balanced"};

int cli_optimize_find(const char *word)
{
    return find_word(optimizes, MICA_OPTIMIZE_COUNT, word);
}

const char *cli_optimize_name(enum mica_optimize optimize)
{
    return optimizes[optimize];
}

static int set_flag(const char *command, const struct cli_flag *f, char *value)
{
    static const char *const profiles[] = {"tflm", "single", "litert"};
    int i;
    switch (f->kind) {
    case CLI_SWITCH:
        *(int *)f->to = 1;
        return -1;
    case CLI_TEXT:
        *(const char **)f->to = value;
        return -1;
    case CLI_NUMBER: {
        char *end;
        long number = strtol(value, &end, 10);
        if (end == value || *end || number < 1 || number > INT_MAX)
            return cli_usage(command, "%s %s: a whole number from 1 on", f->name, value);
        *(int *)f->to = (int)number;
        return -1;
    }
    case CLI_FILES: {
        struct cli_files *files = f->to;
        if (files->n == CLI_FILES_MAX)
            return cli_usage(command, "more than %d files", CLI_FILES_MAX);
        char *equals = strchr(value, '=');
        if (equals)
            *equals = '\0';
        files->at[files->n++] = (struct cli_file){equals ? value : NULL,
                                                  equals ? equals + 1 : value};
        return -1;
    }
    case CLI_MODELS: {
        struct cli_models *models = f->to;
        if (models->n == CLI_FILES_MAX)
            return cli_usage(command, "more than %d models", CLI_FILES_MAX);
        models->at[models->n++] = value;
        return -1;
    }
    case CLI_PROFILE:
        if ((i = find_word(profiles, 3, value)) < 0)
            return cli_usage(command, "--profile %s: choose tflm, single or litert", value);
        *(enum mica_profile *)f->to = (enum mica_profile)i;
        return -1;
    case CLI_OPTIMIZE:
        if ((i = cli_optimize_find(value)) < 0)
            return cli_usage(command, "--optimize %s: choose speed, balanced, size or ram", value);
        *(enum mica_optimize *)f->to = (enum mica_optimize)i;
        return -1;
    }
    return CLI_USAGE;
}

static const struct cli_flag *find_kind(const struct cli_flag *flags, enum cli_kind kind)
{
    while (flags->name && flags->kind != kind)
        flags++;
    return flags->name ? flags : NULL;
}

/* A word that is no flag. */
static int take_word(const char *command, const struct cli_flag *flags, const char **model,
                     char *word)
{
    const struct cli_flag *several = find_kind(flags, CLI_MODELS);
    if (several)
        return set_flag(command, several, word);
    if (!model)
        return cli_usage(command, "'%s' is one word too many", word);
    if (*model)
        return cli_usage(command, "'%s' and '%s': one model at a time", *model, word);
    *model = word;
    return -1;
}

int cli_parse(int argc, char **argv, const char *help, const struct cli_flag *flags,
              const char **model)
{
    const char *command = argv[0];
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
            fputs(help, stdout);
            return CLI_OK;
        }
        if (argv[i][0] != '-' || !argv[i][1]) {
            const int status = take_word(command, flags, model, argv[i]);
            if (status >= 0)
                return status;
            continue;
        }
        const struct cli_flag *f = flags;
        const char *value = NULL;
        while (f->name && !is_flag(f, argv[i], &value))
            f++;
        if (!f->name)
            return cli_usage(command, "there is no flag %s", argv[i]);
        char *text = value ? argv[i] + (value - argv[i]) : NULL;
        if (f->kind == CLI_SWITCH && value)
            return cli_usage(command, "%s takes no value", argv[i]);
        if (f->kind != CLI_SWITCH && !value) {
            if (i + 1 == argc)
                return cli_usage(command, "%s needs a value", argv[i]);
            text = argv[++i];
        }
        int status = set_flag(command, f, text);
        if (status >= 0)
            return status;
    }
    const struct cli_flag *several = find_kind(flags, CLI_MODELS);
    if (several ? !((struct cli_models *)several->to)->n : model && !*model)
        return cli_usage(command, "which model?");
    return -1;
}
