/* SPDX-License-Identifier: Apache-2.0 */
/* harness.c - writes the program that feeds a generated model on a core and measures its stack.
 *
 * The program reads n, then n times the inputs, runs the model and writes the outputs; at last it
 * writes the trailer. get() and put() are all that differs between cores.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static const char by_files[] =
    "#include <fcntl.h>\n"
    "#include <unistd.h>\n"
    "\n"
    "static int input_file, output_file;\n"
    "\n"
    "static void get(void *to, size_t n)\n"
    "{\n"
    "    char *at = to;\n"
    "\n"
    "    while (n) {\n"
    "        long got = (long)read(input_file, at, n);\n"
    "\n"
    "        if (got <= 0)\n"
    "            exit(99);\n"
    "        at += got;\n"
    "        n -= (size_t)got;\n"
    "    }\n"
    "}\n"
    "\n"
    "static void put(const void *from, size_t n)\n"
    "{\n"
    "    const char *at = from;\n"
    "\n"
    "    while (n) {\n"
    "        long took = (long)write(output_file, at, n);\n"
    "\n"
    "        if (took <= 0)\n"
    "            exit(98);\n"
    "        at += took;\n"
    "        n -= (size_t)took;\n"
    "    }\n"
    "}\n"
    "\n"
    "static void begin(void)\n"
    "{\n"
    "    input_file = open(\"input.bin\", O_RDONLY);\n"
    "    output_file = open(\"output.bin\", O_WRONLY | O_CREAT | O_TRUNC, 0666);\n"
    "    if (input_file < 0 || output_file < 0)\n"
    "        exit(97);\n"
    "}\n"
    "\n"
    "static void end(void)\n"
    "{\n"
    "    close(output_file);\n"
    "}\n";

/* simavr prints the serial port line by line and ends when the core sleeps without interrupts. */
static const char by_flash[] = "#include <avr/interrupt.h>\n"
                               "#include <avr/io.h>\n"
                               "#include <avr/pgmspace.h>\n"
                               "#include <avr/sleep.h>\n"
                               "\n"
                               "static uint32_t input_at;\n"
                               "static uint8_t column;\n"
                               "\n"
                               "static void get(void *to, size_t n)\n"
                               "{\n"
                               "    uint8_t *at = to;\n"
                               "\n"
                               "    while (n--)\n"
                               "        *at++ = pgm_read_byte_far(input_at++);\n"
                               "}\n"
                               "\n"
                               "static void send(char c)\n"
                               "{\n"
                               "    while (!(UCSR0A & (1 << UDRE0))) {\n"
                               "    }\n"
                               "    UDR0 = (uint8_t)c;\n"
                               "}\n"
                               "\n"
                               "static char digit(uint8_t value)\n"
                               "{\n"
                               "    return (char)(value < 10 ? '0' + value : 'a' + value - 10);\n"
                               "}\n"
                               "\n"
                               "static void put(const void *from, size_t n)\n"
                               "{\n"
                               "    const uint8_t *at = from;\n"
                               "\n"
                               "    for (; n--; at++) {\n"
                               "        if (!column)\n"
                               "            send('=');\n"
                               "        send(digit(*at >> 4));\n"
                               "        send(digit(*at & 15));\n"
                               "        if (++column == 32) {\n"
                               "            send('\\n');\n"
                               "            column = 0;\n"
                               "        }\n"
                               "    }\n"
                               "}\n"
                               "\n"
                               "static void begin(void)\n"
                               "{\n"
                               "    uint32_t start;\n"
                               "\n"
                               "    UCSR0A = 1 << U2X0;\n"
                               "    UBRR0 = 0;\n"
                               "    UCSR0B = 1 << TXEN0;\n"
                               "    input_at = RECORD;\n"
                               "    get(&start, 4);\n"
                               "    input_at = start;\n"
                               "}\n"
                               "\n"
                               "static void end(void)\n"
                               "{\n"
                               "    send('\\n');\n"
                               "    while (!(UCSR0A & (1 << UDRE0))) {\n"
                               "    }\n"
                               "    cli();\n"
                               "    sleep_enable();\n"
                               "    sleep_cpu();\n"
                               "}\n";

static const char stack_pointer[] =
    "#if defined(__AVR__)\n"
    "#define STACK_POINTER(p) ((p) = (uintptr_t)SP)\n"
    "#elif defined(__arm__) || defined(__aarch64__)\n"
    "#define STACK_POINTER(p) __asm__ volatile(\"mov %0, sp\" : \"=r\"(p))\n"
    "#elif defined(__riscv)\n"
    "#define STACK_POINTER(p) __asm__ volatile(\"mv %0, sp\" : \"=r\"(p))\n"
    "#elif defined(__x86_64__)\n"
    "#define STACK_POINTER(p) __asm__ volatile(\"mov %%rsp, %0\" : \"=r\"(p))\n"
    "#else\n"
    "#define STACK_POINTER(p) ((p) = (uintptr_t)__builtin_frame_address(0))\n"
    "#endif\n";

/* ---- text that grows ------------------------------------------------------------------------- */

struct out {
    char *text;
    size_t len, room;
    bool failed;
};

__attribute__((format(printf, 2, 3))) static void add(struct out *out, const char *fmt, ...)
{
    va_list list;
    int n;

    va_start(list, fmt);
    n = vsnprintf(NULL, 0, fmt, list);
    va_end(list);
    if (n < 0)
        out->failed = true;
    if (!out->failed && out->len + (size_t)n + 1 > out->room) {
        size_t room = 2 * out->room + (size_t)n + 1;
        char *text = realloc(out->text, room);

        if (text) {
            out->text = text;
            out->room = room;
        } else {
            out->failed = true;
        }
    }
    if (out->failed)
        return;
    va_start(list, fmt);
    vsnprintf(out->text + out->len, out->room - out->len, fmt, list);
    va_end(list);
    out->len += (size_t)n;
}

/* ---- the program ----------------------------------------------------------------------------- */

static const struct {
    const char *name, *c_type;
    unsigned bytes;
} types[] = {
    {"float32", "float", 4},   {"float16", "uint16_t", 2}, {"int8", "int8_t", 1},
    {"uint8", "uint8_t", 1},   {"bool", "uint8_t", 1},     {"int16", "int16_t", 2},
    {"uint16", "uint16_t", 2}, {"int32", "int32_t", 4},    {"uint32", "uint32_t", 4},
    {"int64", "int64_t", 8},   {"float64", "double", 8},
};

static int add_arrays(struct out *out, const char *prefix, int n, const struct mica_tensor *tensor,
                      struct measure_error *error)
{
    const size_t known = sizeof types / sizeof types[0];

    for (int i = 0; i < n; i++) {
        size_t type = 0;

        while (type < known && strcmp(types[type].name, tensor[i].type))
            type++;
        if (type == known)
            return measure_fail(error, "%s: no core can take %s", tensor[i].name, tensor[i].type);
        add(out, "static %s %s_%d[%lu];\n", types[type].c_type, prefix, i,
            (unsigned long)(tensor[i].bytes / types[type].bytes));
    }
    return 0;
}

/* "in_accel" is NAME_input_accel(); "in" is NAME_input(). */
static const char *part(const struct mica_tensor *tensor)
{
    const char *underscore = strchr(tensor->c_name, '_');

    return underscore ? underscore : "";
}

static bool is_stream(const struct measure_job *job)
{
    return job->options->stream_axis != 0;
}

static bool is_estimator(const struct measure_job *job)
{
    return job->output[0].role != NULL;
}

bool job_has_state(const struct measure_job *job)
{
    return is_stream(job) || (job->options->optimize == MICA_OPTIMIZE_RAM && !is_estimator(job));
}

/* Inputs and outputs lie in the memory of the model. */
static bool is_inside(const struct measure_job *job)
{
    return (job->options->share_io && !is_estimator(job)) || job_has_state(job);
}

static bool is_by_row(const struct measure_job *job)
{
    return is_stream(job) || (job_has_state(job) && job->options->by_row);
}

const char *job_entry(const struct measure_job *job)
{
    if (job->output[0].role)
        return job->output[0].role;
    return is_by_row(job) ? "push" : "run";
}

static bool has_one_element(const struct mica_tensor *tensor)
{
    for (int i = 0; i < tensor->rank; i++)
        if (tensor->dim[i] != 1)
            return false;
    return true;
}

/* Statements that run the model, in each of the forms of its interface. */
static void add_call(struct out *out, const struct measure_job *job)
{
    if (is_by_row(job)) {
        add(out,
            "    for (const char *at = (const char *)in_0; at < (const char *)in_0 + sizeof in_0;\n"
            "         at += ROW_BYTES) {\n"
            "        memcpy(%s_row(&memory), at, ROW_BYTES);\n"
            "        ready += %s_push(&memory);\n    }\n",
            job->name, job->name);
        return;
    }
    for (int i = 0; i < job->n_outputs && job->output[i].role; i++)
        if (has_one_element(&job->output[i]))
            add(out, "    out_%d[0] = %s_%s(in_0);\n", i, job->name, job->output[i].role);
        else
            add(out, "    %s_%s(in_0, out_%d);\n", job->name, job->output[i].role, i);
    if (is_estimator(job))
        return;
    add(out, "    %s_run(&memory", job->name);
    for (int i = 0; i < job->n_inputs && !is_inside(job); i++)
        add(out, ", in_%d", i);
    for (int i = 0; i < job->n_outputs && !is_inside(job); i++)
        add(out, ", out_%d", i);
    add(out, ");\n");
}

/* Runs the model once on a painted stack. The colour is a byte that code seldom leaves. */
static void add_infer(struct out *out, const struct measure_job *job)
{
    const char *stack = job->target->stack;

    if (*stack)
        add(out, "extern uint8_t %s[];\n\n", stack);
    add(out, "__attribute__((noinline)) static uint32_t infer(void)\n"
             "{\n"
             "    volatile uint8_t *low, *at;\n"
             "    uintptr_t top;\n"
             "\n"
             "    STACK_POINTER(top);\n");
    if (*stack)
        add(out, "    low = %s;\n", stack);
    else
        add(out, "    low = (volatile uint8_t *)(top - 65536);\n");
    add(out,
        "    for (at = low; (uintptr_t)at < top; at++)\n"
        "        *at = 0xa5;\n"
        "%s",
        job->harness ? "    harness_enter();\n" : "");
    add_call(out, job);
    add(out, "%s", job->harness ? "    harness_leave();\n" : "");
    add(out, "    for (at = low; (uintptr_t)at < top && *at == 0xa5; at++) {\n"
             "    }\n"
             "    return at == low ? UINT32_MAX : (uint32_t)(top - (uintptr_t)at);\n"
             "}\n\n");
}

static void add_main(struct out *out, const struct measure_job *job)
{
    add(out, "static void put_number(uint32_t value)\n"
             "{\n"
             "    uint8_t bytes[4];\n"
             "\n"
             "    for (int i = 0; i < 4; i++)\n"
             "        bytes[i] = (uint8_t)(value >> 8 * i);\n"
             "    put(bytes, 4);\n"
             "}\n\n"
             "int main(void)\n"
             "{\n"
             "    uint32_t n, used, deepest = 0;\n"
             "    uint8_t count[4];\n"
             "\n"
             "    begin();\n"
             "    get(count, 4);\n"
             "    n = count[0] | (uint32_t)count[1] << 8 | (uint32_t)count[2] << 16 |\n"
             "        (uint32_t)count[3] << 24;\n"
             "    for (; n; n--) {\n");
    const bool inside = is_inside(job), by_row = is_by_row(job);
    for (int i = 0; i < job->n_inputs; i++)
        if (inside && !by_row)
            add(out, "        get(%s_input%s(&memory), %lu);\n", job->name, part(&job->input[i]),
                (unsigned long)job->input[i].bytes);
        else
            add(out, "        get(in_%d, sizeof in_%d);\n", i, i);
    if (is_by_row(job))
        add(out, "        ready = 0;\n");
    add(out, "        used = infer();\n"
             "        if (used > deepest)\n"
             "            deepest = used;\n");
    if (is_stream(job)) /* each inference is a hop */
        add(out, "        fed += sizeof in_0 / ROW_BYTES;\n"
                 "        if (ready != (fed >= ROWS))\n"
                 "            exit(96);\n");
    else if (by_row)
        add(out, "        if (ready != 1)\n"
                 "            exit(96);\n");
    for (int i = 0; i < job->n_outputs; i++)
        if (inside)
            add(out, "        put(%s_output%s(&memory), %lu);\n", job->name, part(&job->output[i]),
                (unsigned long)job->output[i].bytes);
        else
            add(out, "        put(out_%d, sizeof out_%d);\n", i, i);
    add(out,
        "    }\n"
        "    put_number(deepest);\n"
        "    put_number(%s);\n"
        "%s"
        "    end();\n"
        "    return 0;\n"
        "}\n",
        is_estimator(job) ? "0" : "(uint32_t)sizeof memory",
        job->harness ? "    harness_end();\n" : "");
}

/* A line with the name of the model in capitals. */
static void add_macro(struct out *out, const struct measure_job *job, const char *before,
                      const char *after)
{
    add(out, "%s", before);
    for (const char *c = job->name; *c; c++)
        add(out, "%c", toupper((unsigned char)*c));
    add(out, "%s", after);
}

char *harness_text(const struct measure_job *job, struct measure_error *error)
{
    const struct target *target = job->target;
    struct out out = {NULL, 0, 0, false};

    add(&out,
        "#include <stddef.h>\n"
        "#include <stdint.h>\n"
        "#include <stdlib.h>\n"
        "#include <string.h>\n"
        "#include \"%s.h\"\n\n",
        job->name);
    if (target->data == DATA_FLASH)
        add(&out, "#define RECORD %luUL\n",
            (unsigned long)(target->flash.origin + target->flash.bytes - RECORD_BYTES));
    add(&out, "%s\n%s\n", target->data == DATA_FLASH ? by_flash : by_files, stack_pointer);
    if (is_by_row(job)) {
        add_macro(&out, job, "#define ROW_BYTES (sizeof *in_0 * ", "_ROW_LEN)\n");
        add_macro(&out, job, "#define ROWS ", "_ROWS\n");
        add(&out, "static int ready;\n%s", is_stream(job) ? "static unsigned long fed;\n" : "");
    }
    if (!is_estimator(job))
        add(&out,
            job_has_state(job) ? "static struct %s_state memory;\n"
                               : "static union %s_scratch memory;\n",
            job->name);
    const bool inside = is_inside(job);
    if (add_arrays(&out, "in", inside && !is_by_row(job) ? 0 : job->n_inputs, job->input, error) ||
        add_arrays(&out, "out", inside ? 0 : job->n_outputs, job->output, error)) {
        free(out.text);
        return NULL;
    }
    add(&out, "\n");
    if (job->harness)
        add(&out, "%s\n", job->harness);
    add_infer(&out, job);
    add_main(&out, job);
    if (!out.failed)
        return out.text;
    free(out.text);
    measure_fail(error, "out of memory");
    return NULL;
}

/* ---- what it reads and writes ---------------------------------------------------------------- */

static size_t sum_bytes(int n, const struct mica_tensor *tensor)
{
    size_t sum = 0;

    for (int i = 0; i < n; i++)
        sum += tensor[i].bytes;
    return sum;
}

size_t job_in_bytes(const struct measure_job *job)
{
    return sum_bytes(job->n_inputs, job->input);
}

size_t job_out_bytes(const struct measure_job *job)
{
    return sum_bytes(job->n_outputs, job->output);
}

void number_write(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

static uint32_t number_read(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

struct trailer trailer_read(const uint8_t *at)
{
    return (struct trailer){number_read(at), number_read(at + 4)};
}
