/* SPDX-License-Identifier: Apache-2.0 */
/* compile.c - the public functions, and the list of passes in their order. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "choose/choose.h"
#include "compile.h"
#include "report/report.h"
#include "tree/tree.h"

/* A handle keeps the model's bytes and compiles them anew for each call: a compilation is one
 * arena, and passes may rewrite the graph as they like. */
struct mica {
    struct ctx loaded, compiled; /* after mica_load(); after mica_compile() or mica_dump() */
    char *file;
    void *bytes;
    size_t n_bytes;
    struct text *text[MICA_TEXT_COUNT];
    char error[ERROR_BYTES];
};

static void no_pass(struct ctx *ctx, struct graph *g)
{
    (void)ctx, (void)g; /* "read": the graph as the reader made it */
}

/* The road from what was read to what is lowered. */
static const struct pass {
    const char *name;
    void (*run)(struct ctx *, struct graph *);
} passes[] = {
    {"read", no_pass},
    {"estimator", pass_estimator},
    {"float_weights", pass_float_weights},
    {"fold", pass_fold},
    {"infer", pass_infer},
    {"fold_features", pass_fold_features},
    {"fold_linear", pass_fold_linear},
    {"fuse_pad", pass_fuse_pad},
    {"fuse_activation", pass_fuse_activation},
    {"fuse_value", pass_fuse_value},
    {"channels", pass_channels},
    {"views", pass_views},
    {"dead", pass_dead},
    {"outputs", pass_outputs},
};
enum { N_PASSES = sizeof passes / sizeof passes[0] };

const char *mica_pass_name(int i)
{
    return i >= 0 && i < N_PASSES ? passes[i].name : NULL;
}

struct mica *mica_new(void)
{
    return calloc(1, sizeof(struct mica));
}

void mica_free(struct mica *m)
{
    if (!m)
        return;
    arena_free(m->loaded.arena);
    arena_free(m->compiled.arena);
    free(m->file);
    free(m->bytes);
    free(m);
}

const char *mica_error(const struct mica *m)
{
    return m->error;
}

/* Starts a fresh compilation in *ctx. Returns -1 where there is no memory. */
static int start(struct mica *m, struct ctx *ctx, jmp_buf *recover)
{
    arena_free(ctx->arena);
    memset(ctx, 0, sizeof *ctx);
    ctx->arena = arena_new();
    ctx->error = m->error;
    ctx->file = m->file;
    ctx->recover = recover;
    m->error[0] = '\0';
    if (ctx->arena)
        return 0;
    strcpy(m->error, "out of memory");
    return -1;
}

int mica_load(struct mica *m, const char *name, const void *bytes, size_t n_bytes)
{
    free(m->file);
    free(m->bytes);
    m->file = malloc(strlen(name) + 1);
    m->bytes = malloc(n_bytes + 1);
    m->n_bytes = n_bytes;
    arena_free(m->compiled.arena);
    memset(&m->compiled, 0, sizeof m->compiled);
    memset(m->text, 0, sizeof m->text);
    jmp_buf recover;
    if (start(m, &m->loaded, &recover))
        return -1;
    if (!m->file || !m->bytes) {
        strcpy(m->error, "out of memory");
        return -1;
    }
    strcpy(m->file, name);
    if (n_bytes)
        memcpy(m->bytes, bytes, n_bytes);
    ((char *)m->bytes)[n_bytes] = '\0'; /* the text form ends in it */
    if (setjmp(recover)) {
        m->loaded.graph = NULL;
        return -1;
    }
    read_model(&m->loaded, m->bytes, m->n_bytes);
    return 0;
}

static bool is_identifier(const char *s)
{
    if (!*s || (*s >= '0' && *s <= '9'))
        return false;
    for (; *s; s++)
        if (!(*s == '_' || (*s >= '0' && *s <= '9') || (*s >= 'a' && *s <= 'z') ||
              (*s >= 'A' && *s <= 'Z')))
            return false;
    return true;
}

static void set_options(struct ctx *ctx, const struct mica_options *options)
{
    if (options)
        ctx->options = *options;
    if (!ctx->options.name)
        ctx->options.name = "model";
    if (!ctx->options.target)
        ctx->options.target = "host";
    if (!is_identifier(ctx->options.name))
        fail(ctx, NULL,
             "the name '%s' is no C identifier: use letters, digits and _, and start "
             "with a letter",
             ctx->options.name);
    if ((ctx->options.by_row || ctx->options.keep_input) && ctx->options.max_ram <= 0 &&
        ctx->options.optimize != MICA_OPTIMIZE_RAM)
        fail(ctx, NULL,
             "%s is a matter of rows, and under this objective tensors are whole: add --optimize "
             "ram, or --max-ram",
             ctx->options.by_row ? "--by-row" : "--keep-input");
    assert(ctx->options.profile < MICA_PROFILE_COUNT);
    ctx->options.name = format(ctx, "%s", ctx->options.name);
    if (ctx->options.library)
        ctx->options.library = format(ctx, "%s", ctx->options.library);
    ctx->options.target = format(ctx, "%s", ctx->options.target);
    if (ctx->options.ways)
        ctx->options.ways = format(ctx, "%s", ctx->options.ways);
}

/* Runs the passes up to and including the last one wanted. */
static void run_passes(struct ctx *ctx, int last)
{
    for (int i = 0; i <= last; i++)
        passes[i].run(ctx, ctx->graph);
}

/* What does not fit as whole tensors is lowered once more, for rows, with less and less memory that
 * is the kernels' own. */
static void fit(struct ctx *ctx, int n_tensors)
{
    if (schedule_whole_to_fit(ctx, ctx->program))
        return;
    ctx->options.optimize = MICA_OPTIMIZE_RAM;
    for (ctx->buffer_max = CHOICE_BUFFER_MAX;; ctx->buffer_max /= 2) {
        if (ctx->buffer_max < CHOICE_BUFFER_MIN)
            ctx->buffer_max = 0;
        ctx->graph->n_tensors = n_tensors;
        ctx->program = lower_graph(ctx, ctx->graph);
        if (schedule_to_fit(ctx, ctx->program, !ctx->buffer_max))
            return;
    }
}

/* Rows, with as much memory for kernels as half of what the rows take, and not more than the bound:
 * a model of a few hundred bytes gets no buffer of a thousand. */
static void push(struct ctx *ctx, int n_tensors)
{
    schedule_rows(ctx, ctx->program);
    const int32_t half = ctx->program->schedule->state_bytes / 2;
    ctx->buffer_max = half < CHOICE_BUFFER_MAX ? half : CHOICE_BUFFER_MAX;
    ctx->graph->n_tensors = n_tensors;
    ctx->program = lower_graph(ctx, ctx->graph);
    schedule_rows(ctx, ctx->program);
}

static void compile(struct ctx *ctx, struct text **text)
{
    if (ctx->options.optimize == MICA_OPTIMIZE_RAM && !ctx->graph->role)
        ctx->options.share_io = 1; /* rows of inputs die one by one: they must be ours */
    run_passes(ctx, N_PASSES - 1);
    const int n_tensors = ctx->graph->n_tensors;
    ctx->buffer_max = ctx->options.optimize == MICA_OPTIMIZE_RAM ? 0 : INT32_MAX;
    ctx->program = lower_graph(ctx, ctx->graph);
    if (core_has_program_memory(ctx->options.target))
        plan_far(ctx->program);
    if (ctx->graph->role) {
        schedule_whole(ctx->program);
        plan_memory(ctx, ctx->program);
        plan_heads(ctx, ctx->program);
    } else if (ctx->options.stream_axis) {
        schedule_stream(ctx, ctx->program);
    } else if (ctx->options.max_ram > 0) {
        fit(ctx, n_tensors);
    } else if (ctx->options.optimize == MICA_OPTIMIZE_RAM) {
        push(ctx, n_tensors);
    } else {
        schedule_whole(ctx->program);
        plan_memory(ctx, ctx->program);
    }
    text[MICA_HEADER] = text_new(ctx);
    text[MICA_SOURCE] = text_new(ctx);
    emit_program(ctx, text[MICA_HEADER], text[MICA_SOURCE], &text[MICA_WEIGHTS]);
    report_text(text[MICA_INSPECT] = text_new(ctx), ctx);
    report_json(text[MICA_JSON] = text_new(ctx), ctx);
    report_ways(text[MICA_WAYS] = text_new(ctx), ctx);
    report_ways_json(text[MICA_WAYS_JSON] = text_new(ctx), ctx);
}

/* Reads the model again and works on it; `last` < 0: the whole road. */
static int work(struct mica *m, const struct mica_options *options, int last)
{
    struct ctx *ctx = &m->compiled;
    memset(m->text, 0, sizeof m->text);
    jmp_buf recover;
    if (!m->loaded.graph) {
        strcpy(m->error, "no model is loaded");
        return -1;
    }
    if (start(m, ctx, &recover))
        return -1;
    if (setjmp(recover)) {
        memset(m->text, 0, sizeof m->text);
        m->compiled.program = NULL;
        return -1;
    }
    set_options(ctx, options);
    read_model(ctx, m->bytes, m->n_bytes);
    if (last < 0) {
        compile(ctx, m->text);
    } else {
        run_passes(ctx, last);
        print_graph(m->text[MICA_DUMP] = text_new(ctx), ctx->graph);
    }
    ctx->recover = NULL;
    return 0;
}

int mica_compile(struct mica *m, const struct mica_options *options)
{
    return work(m, options, -1);
}

int mica_library(struct mica *m, struct mica *const *model, int n)
{
    struct ctx *ctx = &m->compiled;
    jmp_buf recover;
    memset(m->text, 0, sizeof m->text);
    if (start(m, ctx, &recover))
        return -1;
    ctx->file = "library";
    if (setjmp(recover)) {
        memset(m->text, 0, sizeof m->text);
        return -1;
    }
    struct ctx **from = NEWS(ctx, struct ctx *, n);
    for (int i = 0; i < n; i++) {
        from[i] = &model[i]->compiled;
        if (!from[i]->program || !from[i]->options.library)
            fail(ctx, NULL, "model %d was not compiled for a library", i + 1);
    }
    if (!n)
        fail(ctx, NULL, "there is no model");
    const struct mica_options options = {.name = from[0]->options.library,
                                         .profile = from[0]->options.profile};
    set_options(ctx, &options);
    ctx->file = ctx->options.name;
    m->text[MICA_HEADER] = text_new(ctx);
    m->text[MICA_SOURCE] = text_new(ctx);
    emit_library(ctx, from, n, m->text[MICA_HEADER], m->text[MICA_SOURCE]);
    ctx->recover = NULL;
    return 0;
}

int mica_dump(struct mica *m, const char *pass, const struct mica_options *options)
{
    for (int i = 0; i < N_PASSES; i++)
        if (!strcmp(passes[i].name, pass))
            return work(m, options, i);
    strcpy(m->error, "there is no pass of that name");
    return -1;
}

const char *mica_text(const struct mica *m, enum mica_text which)
{
    return m->text[which] ? m->text[which]->at : NULL;
}

const char *mica_operators(struct mica *m)
{
    jmp_buf recover;
    if (start(m, &m->compiled, &recover) || setjmp(recover))
        return NULL;
    struct text *out = text_new(&m->compiled);
    report_operators(out);
    return out->at;
}

/* The graph to describe: an estimator's changes with the options it is compiled with. */
static const struct graph *described(const struct mica *m)
{
    const bool compiled = m->compiled.program && m->compiled.graph->role;
    return compiled ? m->compiled.graph : m->loaded.graph;
}

const char *mica_class(const struct mica *m, int label, int i, int32_t *value)
{
    const struct graph *g = described(m);
    if (!g || label < 0 || label >= g->n_labels || i < 0 || i >= g->classes[label].n)
        return NULL;
    const struct names *classes = &g->classes[label];
    if (value)
        *value = classes->value ? classes->value[i] : i;
    return classes->at[i];
}

const char *mica_feature(const struct mica *m, int i)
{
    const struct graph *g = described(m);
    return g && i >= 0 && i < g->features.n ? g->features.at[i] : NULL;
}

static int describe(struct mica *m, struct tensor *const *list, int n, int i, bool is_input,
                    struct mica_tensor *to)
{
    if (i < 0 || i >= n)
        return -1;
    jmp_buf recover;
    m->loaded.recover = &recover;
    if (setjmp(recover))
        return -1;
    const struct tensor *t = list[i];
    memset(to, 0, sizeof *to);
    to->name = t->name;
    to->c_name = emit_io_name(&m->loaded, list, n, i, is_input);
    to->type = dtype_name(t->type);
    to->rank = t->rank;
    memcpy(to->dim, t->dim, sizeof to->dim);
    to->bytes = (size_t)tensor_bytes(t);
    if (t->quant.n == 1) {
        to->scale = t->quant.scale[0];
        to->zero = t->quant.zero[0];
    }
    return 0;
}

int mica_input(struct mica *m, int i, struct mica_tensor *to)
{
    const struct graph *g = described(m);
    return g ? describe(m, g->input, g->n_inputs, i, true, to) : -1;
}

int mica_output(struct mica *m, int i, struct mica_tensor *to)
{
    const struct graph *g = described(m);
    if (!g || describe(m, g->output, g->n_outputs, i, false, to))
        return -1;
    to->role = g->role ? g->role[i] : NULL;
    rounded_error(g->output[i], &to->error, &to->relative_error);
    return 0;
}

int mica_layer(const struct mica *m, int i, struct mica_layer *to)
{
    const struct program *p = m->compiled.program;
    if (!p || i < 0 || i >= p->n_steps)
        return -1;
    report_layer(p, i, to);
    return 0;
}

int mica_stream(const struct mica *m, struct mica_stream *to)
{
    const struct program *p = m->compiled.program;
    if (!p || !p->stream)
        return -1;
    *to = (struct mica_stream){.rows = p->graph->input[0]->dim[1],
                               .hop = p->stream->hop,
                               .first = p->stream->first,
                               .state_bytes = p->stream->state_bytes,
                               .macs = p->stream->macs};
    return 0;
}

int mica_pushes_rows(const struct mica *m)
{
    return m->compiled.program && m->compiled.program->schedule;
}

int mica_eval(struct mica *m, const void *const *in, void *const *out)
{
    if (!m->compiled.program) {
        strcpy(m->error, "nothing is compiled");
        return -1;
    }
    if (!eval_program(&m->compiled, in, out))
        return 0;
    strcpy(m->error, "out of memory");
    return -1;
}
