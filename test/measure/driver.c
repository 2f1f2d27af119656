/* SPDX-License-Identifier: Apache-2.0 */
/* driver.c - lets the tests measure a hand-written model, without a compiler in front of it.
 *
 *     driver run CORE MODEL.h MODEL.c NAME SECONDS N INPUTS OUTPUTS in.bin out.bin
 *     driver parse FACTS
 *     driver cores
 *
 * INPUTS and OUTPUTS are lists such as "int8:64,float32:1": type and number of bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure/measure.h"

static char *read_file(const char *path, size_t *n)
{
    FILE *file = fopen(path, "rb");
    char *bytes;
    long end;

    if (!file || fseek(file, 0, SEEK_END) || (end = ftell(file)) < 0 || fseek(file, 0, SEEK_SET)) {
        perror(path);
        exit(2);
    }
    bytes = malloc((size_t)end + 1);
    if (!bytes || fread(bytes, 1, (size_t)end, file) != (size_t)end)
        exit(2);
    bytes[end] = '\0';
    fclose(file);
    *n = (size_t)end;
    return bytes;
}

/* Splits the list in place; returns the number of tensors and the sum of their bytes. */
static int read_tensors(char *list, struct mica_tensor *tensor, size_t *sum)
{
    int n = 0;

    *sum = 0;
    for (char *word = strtok(list, ","); word; word = strtok(NULL, ",")) {
        char *colon = strchr(word, ':');

        if (!colon || n == 8)
            exit(2);
        *colon = '\0';
        tensor[n] = (struct mica_tensor){.name = word, .c_name = word, .type = word};
        tensor[n].bytes = strtoul(colon + 1, NULL, 10);
        *sum += tensor[n++].bytes;
    }
    return n;
}

static int run(char **argv)
{
    struct mica_tensor input[8], output[8];
    struct measure_report report;
    struct target target;
    struct mica_options options = {.optimize = MICA_OPTIMIZE_SIZE};
    struct measure_job job = {.target = &target, .name = argv[5], .options = &options};
    size_t n, in_bytes, out_bytes;
    char *header, *source, *in, *out;
    FILE *file;
    int failed;

    if (target_find(argv[2], &target, &report.error)) {
        fprintf(stderr, "%s\n", report.error.text);
        return 1;
    }
    job.header = header = read_file(argv[3], &n);
    job.source = source = read_file(argv[4], &n);
    job.seconds = atoi(argv[6]);
    job.n = strtoul(argv[7], NULL, 10);
    job.n_inputs = read_tensors(argv[8], input, &in_bytes);
    job.n_outputs = read_tensors(argv[9], output, &out_bytes);
    job.input = input;
    job.output = output;
    job.in = in = read_file(argv[10], &n);
    if (n != job.n * in_bytes)
        return 2;
    job.out = out = calloc(job.n, out_bytes);
    failed = measure_run(&job, &report);
    if (failed)
        fprintf(stderr, "%s\n", report.error.text);
    else
        printf("code %llu\nconstants %llu\ndata %llu\nbss %llu\nlibrary %llu\nscratch %lu\n"
               "stack %lu\nstarts %d\n",
               (unsigned long long)report.model.code, (unsigned long long)report.model.constants,
               (unsigned long long)report.model.data, (unsigned long long)report.model.bss,
               (unsigned long long)report.library, (unsigned long)report.scratch_bytes,
               (unsigned long)report.stack_bytes, report.starts);
    file = fopen(argv[11], "wb");
    if (!file || fwrite(out, out_bytes, job.n, file) != job.n || fclose(file))
        return 2;
    free(header);
    free(source);
    free(in);
    free(out);
    return failed ? 1 : 0;
}

static int parse(const char *path)
{
    struct measure_error error;
    struct target target;
    size_t n;
    char *text = read_file(path, &n);
    int failed = target_parse("some", text, &target, &error);

    free(text);
    puts(failed ? error.text : "ok");
    return failed ? 1 : 0;
}

int main(int argc, char **argv)
{
    struct measure_error error;
    struct target target;

    if (argc == 12 && !strcmp(argv[1], "run"))
        return run(argv);
    if (argc == 3 && !strcmp(argv[1], "parse"))
        return parse(argv[2]);
    if (argc != 2 || strcmp(argv[1], "cores"))
        return 2;
    for (int i = 0; target_name(i); i++) {
        if (target_find(target_name(i), &target, &error)) {
            fprintf(stderr, "%s\n", error.text);
            return 1;
        }
        printf("%s %d %d\n", target.core, target_has_compiler(&target),
               target_has_emulator(&target));
    }
    return 0;
}
