/* SPDX-License-Identifier: Apache-2.0 */
/* kernels.c - pastes the text of exactly the kernels that a program calls. */
#include <assert.h>
#include <string.h>

#include "emit/emit.h"

/* Depth is that of includes among kernels, which nobody nests far. */
void files_add(struct files *files, const char *name)
{
    const struct kernel_file *file = kernel_file_find(name);
    assert(file && files->n < FILES_MAX);
    for (int i = 0; i < files->n; i++)
        if (files->at[i] == file)
            return;
    for (const char *const *need = file->needs; *need; need++)
        files_add(files, *need);
    files->at[files->n++] = file;
}

bool files_have(const struct files *files, const char *name)
{
    for (int i = 0; i < files->n; i++)
        if (!strcmp(files->at[i]->name, name))
            return true;
    return false;
}

/* What a program takes of kernels/: files that are pasted, and with --library functions of another
 * file. */
struct uses {
    struct files own;
    struct shared *shared; /* NULL: everything is pasted */
    int n_shared;
};

static void add_file(struct uses *u, const char *name)
{
    files_add(&u->own, name);
}

static void add_function(struct uses *u, const char *file, const char *function)
{
    if (!u->shared) {
        add_file(u, file);
        return;
    }
    for (int i = 0; i < u->n_shared; i++)
        if (!strcmp(u->shared[i].function, function))
            return;
    assert(u->n_shared < FILES_MAX);
    u->shared[u->n_shared++] = (struct shared){file, function};
}

bool call_is_shared(const struct ctx *ctx, const struct call *c)
{
    const struct kernel *k = c->kernel;
    return ctx->options.library && call_runs_kernel(c) &&
           !(k->folds && !strcmp(k->params_name, k->name));
}

int32_t window_pointers(const struct call *c, int operand)
{
    const struct window *w = &c->operand[operand].window;
    const int32_t strip = c->strip > 1 && strip_loop(c) >= 0 ? c->strip : 1;
    return (strip - 1) * w->stride + w->kernel;
}

bool emit_uses_rows(const struct emit *e, enum dtype type, int32_t *most)
{
    *most = 0;
    for (int i = 0; i < e->program->n_steps; i++) {
        const struct step *s = &e->program->step[i];
        for (int k = 0; k < s->n_calls; k++) {
            const struct kernel *kernel = s->call[k]->kernel;
            for (int a = 0; a < kernel->n_args; a++) {
                const int32_t pointers = window_pointers(s->call[k], a);
                if (kernel->args[a].kind == ARG_ROWS && kernel->args[a].type == type &&
                    pointers > *most)
                    *most = pointers;
            }
        }
    }
    return *most > 0;
}

/* Rings for windows, shifts for buffers. */
static void add_stream_files(const struct emit *e, struct uses *u)
{
    if (emit_stream_window(e, DTYPE_INT8, true))
        add_function(u, "ring_s8.h", "mica_ring_s8");
    if (emit_stream_window(e, DTYPE_FLOAT32, true))
        add_function(u, "ring_f32.h", "mica_ring_f32");
    if (emit_stream_window(e, DTYPE_INT8, false))
        add_function(u, "window_s8.h", "mica_window_s8");
    if (emit_stream_window(e, DTYPE_FLOAT32, false))
        add_function(u, "window_f32.h", "mica_window_f32");
    for (int i = 0; i < e->graph->n_tensors; i++) {
        const struct stream_tensor *t = &e->program->stream->tensor[i];
        if (t->tensor && t->ring >= 0)
            add_file(u, "ring_row.h");
        if (t->tensor && t->ring < 0 && !t->is_whole && t->depth > t->fresh)
            t->tensor->type == DTYPE_FLOAT32 ? add_function(u, "shift_f32.h", "mica_shift_f32")
                                             : add_function(u, "shift_s8.h", "mica_shift_s8");
    }
}

static void add_row_files(struct emit *e, struct uses *u)
{
    add_file(u, e->program->schedule->n_counters ? "row_walk.h" : "rom.h");
    if (emit_pushed_window(e, DTYPE_INT8, true))
        add_function(u, "map_s8.h", "mica_map_s8");
    if (emit_pushed_window(e, DTYPE_FLOAT32, true))
        add_function(u, "map_f32.h", "mica_map_f32");
    if (emit_pushed_window(e, DTYPE_INT8, false))
        add_function(u, "window_s8.h", "mica_window_s8");
    if (emit_pushed_window(e, DTYPE_FLOAT32, false))
        add_function(u, "window_f32.h", "mica_window_f32");
}

/* The kernel of a call, or that part of it which the call's own code calls. Kernels that fold and
 * have a struct of their own are but a few instructions: a library has no use for them. */
static void add_call(struct emit *e, struct uses *u, const struct call *c)
{
    for (const char *const *f = c->code ? c->code->files : NULL; f && *f; f++)
        add_file(u, *f);
    if (call_is_shared(e->ctx, c))
        add_function(u, c->kernel->file,
                     c->code && c->code->calls ? c->code->calls : c->kernel->name);
    else if (call_runs_kernel(c))
        add_file(u, c->kernel->file);
}

static void collect(struct emit *e, struct uses *u)
{
    int32_t most;
    if (e->program->n_constants || emit_heads_table(e) ||
        core_has_program_memory(e->ctx->options.target))
        add_file(u, "rom.h");
    if (e->program->stream)
        add_stream_files(e, u);
    if (e->program->schedule) {
        add_row_files(e, u);
    } else if (!e->program->stream) {
        if (emit_uses_rows(e, DTYPE_INT8, &most))
            add_function(u, "window_s8.h", "mica_window_s8");
        if (emit_uses_rows(e, DTYPE_FLOAT32, &most))
            add_function(u, "window_f32.h", "mica_window_f32");
    }
    for (int i = 0; i < e->program->n_steps; i++)
        for (int k = 0; k < e->program->step[i].n_calls; k++)
            add_call(e, u, e->program->step[i].call[k]);
}

/* The files that are pasted. Of floats that the model's own code sums each operation is rounded, as
 * those of the library are. */
static struct files own_files(struct emit *e)
{
    struct shared shared[FILES_MAX];
    struct uses u = {.shared = e->ctx->options.library ? shared : NULL};
    collect(e, &u);
    struct files others = {0};
    for (int i = 0; i < u.n_shared; i++)
        files_add(&others, u.shared[i].file);
    if (files_have(&others, "rounding_f32.h"))
        add_file(&u, "rounding_f32.h");
    return u.own;
}

int emit_shared(struct emit *e, struct shared *shared)
{
    struct uses u = {.shared = shared};
    collect(e, &u);
    return u.n_shared;
}

bool is_library_header(const struct kernel_file *file)
{
    return !strcmp(file->name, "rom.h") || !strcmp(file->name, "rom_far.h");
}

void emit_system_includes(struct text *out, const struct files *files)
{
    static const char *const known[] = {"float.h", "stddef.h", "stdint.h", "string.h"};
    for (size_t h = 0; h < sizeof known / sizeof known[0]; h++) {
        bool wanted = !strcmp(known[h], "stdint.h");
        for (int i = 0; i < files->n; i++)
            for (const char *const *system = files->at[i]->system; *system; system++)
                wanted |= !strcmp(*system, known[h]);
        if (wanted)
            text_add(out, "#include <%s>\n", known[h]);
    }
}

void emit_includes(struct emit *e)
{
    const struct files files = own_files(e);
    emit_system_includes(e->out, &files);
    if (e->ctx->options.library)
        emit_library_include(e);
}

void emit_kernels(struct emit *e)
{
    const struct files files = own_files(e);
    for (int i = 0; i < files.n; i++) {
        const char *text = files.at[i]->text[e->ctx->options.profile];
        if (*text && !(e->ctx->options.library && is_library_header(files.at[i])))
            text_add(e->out, "%s\n", text);
    }
}
