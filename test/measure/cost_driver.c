/* SPDX-License-Identifier: Apache-2.0 */
/* cost_driver.c - lets the tests count a hand-written model, without a compiler in front of it.
 *
 *     cost_driver CORE MODEL.h MODEL.c NAME LAYERS WAIT_STATES
 *     cost_driver parse TABLE
 *
 * The model takes 64 bytes and gives 64. Where a layer begins, its source has NAME_MARK(layer).
 * Prints one figure a line, those of layers behind their number.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure/cost.h"

enum { BYTES = 64, LAYERS_MAX = 8 };

static char *read_file(const char *path)
{
    static char text[2][65536];
    static int next;
    char *to = text[next++ % 2];
    FILE *file = fopen(path, "r");

    if (!file) {
        perror(path);
        exit(2);
    }
    to[fread(to, 1, sizeof text[0] - 1, file)] = '\0';
    fclose(file);
    return to;
}

static void print_counts(const char *prefix, const struct cost_layer *layer)
{
    printf("%sinstructions %llu\n%scycles %llu\n", prefix, (unsigned long long)layer->instructions,
           prefix, (unsigned long long)layer->cycles);
    for (int i = 0; count_name(i); i++)
        if (layer->count[i])
            printf("%s%s %llu\n", prefix, count_name(i), (unsigned long long)layer->count[i]);
}

static void print_cost(const struct cost *cost)
{
    char prefix[16];

    print_counts("", &cost->total);
    printf("overhead %lld\ncode %llu\nstack %llu\nbound %llu\n", (long long)cost->mark_overhead,
           (unsigned long long)cost->code_bytes, (unsigned long long)cost->stack_bytes,
           (unsigned long long)cost->stack_bound);
    for (int i = 0; i < cost->n_layers; i++) {
        snprintf(prefix, sizeof prefix, "%d.", i);
        print_counts(prefix, &cost->layer[i]);
    }
}

static int count(char **argv)
{
    struct mica_layer layer[LAYERS_MAX] = {{0}};
    const struct mica_tensor in = {.name = "in", .c_name = "in", .type = "int8", .bytes = BYTES};
    const struct mica_tensor out = {.name = "out", .c_name = "out", .type = "int8", .bytes = BYTES};
    const struct mica_options options = {.optimize = MICA_OPTIMIZE_SIZE};
    unsigned char bytes[2][BYTES] = {{0}};
    struct measure_error error;
    struct target target;
    struct cost cost;
    struct cost_job job = {.run = {.target = &target,
                                   .name = argv[4],
                                   .options = &options,
                                   .n_inputs = 1,
                                   .n_outputs = 1,
                                   .input = &in,
                                   .output = &out,
                                   .n = 1,
                                   .in = bytes[0],
                                   .out = bytes[1]},
                           .n_layers = atoi(argv[5]),
                           .wait_states = (unsigned)atoi(argv[6])};
    int failed;

    memset(&cost, 0, sizeof cost);
    job.run.header = read_file(argv[2]);
    job.run.source = job.marked_source = read_file(argv[3]);
    for (int i = 0; i < job.n_layers && i < LAYERS_MAX; i++)
        layer[i].name = layer[i].op = "part";
    job.layer = layer;
    failed = target_find(argv[1], &target, &error) || cost_measure(&job, &cost, &error);
    if (failed)
        fprintf(stderr, "%s\n", error.text);
    else
        print_cost(&cost);
    cost_free(&cost);
    return failed;
}

static int parse(const char *path)
{
    struct measure_error error;
    struct cycle_table table;
    int failed = cycles_parse("some", read_file(path), &table, &error);

    puts(failed ? error.text : "ok");
    return failed;
}

int main(int argc, char **argv)
{
    if (argc == 3 && !strcmp(argv[1], "parse"))
        return parse(argv[2]);
    return argc == 7 ? count(argv) : 2;
}
