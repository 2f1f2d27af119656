/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - the mica command: one row a subcommand. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} commands[] = {
    {"compile", cmd_compile, "a model in, standalone C99 out"},
    {"inspect", cmd_inspect, "its layers, and the memory over time"},
    {"eval", cmd_eval, "run it on this machine"},
    {"run", cmd_run, "compile, link and run it on an emulated core; compare with eval"},
    {"cost", cmd_cost, "instructions, cycles, flash, RAM and stack on a core, by layer"},
    {"dump", cmd_dump, "its graph in text form, after any pass"},
    {"targets", cmd_targets, "the cores, and what is installed for them"},
    {"operators", cmd_operators, "the operators and types that are supported"},
};
enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

static void print_help(FILE *to)
{
    fprintf(to, "mica " MICA_VERSION " - machine-learning inference in C, anywhere\n\n"
                "Turns a trained model into plain C for a microcontroller.\n\n"
                "usage: mica COMMAND ...\n\n");
    for (int i = 0; i < N_COMMANDS; i++)
        fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].summary);
    fprintf(to, "\nmica COMMAND --help explains one. Start with:\n"
                "  mica compile model.tflite -o out --name model --target cortex-m4\n");
}

/* What could not be printed was not done. */
static int flushed(int status)
{
    if (!fflush(stdout) && !ferror(stdout))
        return status;
    return status == CLI_OK ? cli_refuse("cannot write to the standard output") : status;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return CLI_USAGE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
        print_help(stdout);
        return CLI_OK;
    }
    if (!strcmp(argv[1], "--version")) {
        printf("mica %s\n", MICA_VERSION);
        return CLI_OK;
    }
    for (int i = 0; i < N_COMMANDS; i++)
        if (!strcmp(commands[i].name, argv[1]))
            return flushed(commands[i].run(argc - 1, argv + 1));
    fprintf(stderr, "mica: there is no command '%s'\nTry: mica --help\n", argv[1]);
    return CLI_USAGE;
}
