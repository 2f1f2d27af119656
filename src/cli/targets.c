/* SPDX-License-Identifier: Apache-2.0 */
/* targets.c - `mica targets`: the cores, and what is installed for them. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "measure/measure.h"

static const char help[] =
    "usage: mica targets\n"
    "\n"
    "Lists the cores that --target takes, with the C compiler and the emulator that `mica run`\n"
    "uses for each, and what is missing on this machine. `mica compile` needs none of them.\n"
    "\n"
    "Exit status: 0 done; 2 wrong use.\n";

/* Adds the words of `packages` that the list does not have yet. */
static void add_packages(char *list, size_t room, const char *packages)
{
    while (*packages) {
        size_t n = strcspn(packages, " ");
        char word[FACT_BYTES + 2];
        size_t used = strlen(list);

        snprintf(word, sizeof word, " %.*s", (int)n, packages);
        if (!strstr(list, word) && used + strlen(word) < room)
            strcpy(list + used, word);
        packages += n + (packages[n] == ' ');
    }
}

static void print_tool(const char *name, bool is_there)
{
    char text[FACT_BYTES + 16];

    snprintf(text, sizeof text, "%s%s", *name ? name : "-", is_there ? "" : " (missing)");
    printf("%-34s ", text);
}

int cmd_targets(int argc, char **argv)
{
    const struct cli_flag flags[] = {{NULL, CLI_SWITCH, NULL}};
    int status = cli_parse(argc, argv, help, flags, NULL);
    struct measure_error error;
    struct target target;
    char missing[1024] = "";

    if (status >= 0)
        return status;
    printf("%-13s %-34s %-34s %s\n", "CORE", "COMPILER", "EMULATOR", "DESCRIPTION");
    for (int i = 0; target_name(i); i++) {
        if (target_find(target_name(i), &target, &error))
            return cli_refuse("%s", error.text);
        printf("%-13s ", target.core);
        print_tool(target.compiler, target_has_compiler(&target));
        print_tool(target.emulator, target_has_emulator(&target));
        printf("%s\n", target.about);
        if (!target_has_compiler(&target))
            add_packages(missing, sizeof missing, target.compiler_package);
        if (!target_has_emulator(&target))
            add_packages(missing, sizeof missing, target.emulator_package);
    }
    if (*missing)
        printf("\nFor what is missing: apt install%s\n", missing);
    return CLI_OK;
}
