/* SPDX-License-Identifier: Apache-2.0 */
/* kernels.c - pastes the text of exactly the kernels that a program calls. */
#include <assert.h>
#include <string.h>

#include "emit/emit.h"

enum { FILES_MAX = 128 };

/* Kernel files in an order in which each comes after what it needs. */
struct files {
    int n;
    const struct kernel_file *at[FILES_MAX];
};

/* Depth is that of includes among kernels, which nobody nests far. */
static void add_file(struct files *files, const char *name)
{
    const struct kernel_file *file = kernel_file_find(name);
    assert(file && files->n < FILES_MAX);
    for (int i = 0; i < files->n; i++)
        if (files->at[i] == file)
            return;
    for (const char *const *need = file->needs; *need; need++)
        add_file(files, *need);
    files->at[files->n++] = file;
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
static void add_stream_files(const struct emit *e, struct files *files)
{
    if (emit_stream_window(e, DTYPE_INT8, true))
        add_file(files, "ring_s8.h");
    if (emit_stream_window(e, DTYPE_FLOAT32, true))
        add_file(files, "ring_f32.h");
    if (emit_stream_window(e, DTYPE_INT8, false))
        add_file(files, "window_s8.h");
    if (emit_stream_window(e, DTYPE_FLOAT32, false))
        add_file(files, "window_f32.h");
    for (int i = 0; i < e->graph->n_tensors; i++) {
        const struct stream_tensor *t = &e->program->stream->tensor[i];
        if (t->tensor && t->ring >= 0)
            add_file(files, "ring_row.h");
        if (t->tensor && t->ring < 0 && !t->is_whole && t->depth > t->fresh)
            add_file(files, t->tensor->type == DTYPE_FLOAT32 ? "shift_f32.h" : "shift_s8.h");
    }
}

static void add_row_files(struct emit *e, struct files *files)
{
    add_file(files, e->program->schedule->n_counters ? "row_walk.h" : "rom.h");
    if (emit_pushed_window(e, DTYPE_INT8, true))
        add_file(files, "map_s8.h");
    if (emit_pushed_window(e, DTYPE_FLOAT32, true))
        add_file(files, "map_f32.h");
    if (emit_pushed_window(e, DTYPE_INT8, false))
        add_file(files, "window_s8.h");
    if (emit_pushed_window(e, DTYPE_FLOAT32, false))
        add_file(files, "window_f32.h");
}

static void collect(struct emit *e, struct files *files)
{
    int32_t most;
    files->n = 0;
    if (e->program->n_constants || emit_heads_table(e) ||
        core_has_program_memory(e->ctx->options.target))
        add_file(files, "rom.h");
    if (e->program->stream)
        add_stream_files(e, files);
    if (e->program->schedule) {
        add_row_files(e, files);
    } else if (!e->program->stream) {
        if (emit_uses_rows(e, DTYPE_INT8, &most))
            add_file(files, "window_s8.h");
        if (emit_uses_rows(e, DTYPE_FLOAT32, &most))
            add_file(files, "window_f32.h");
    }
    for (int i = 0; i < e->program->n_steps; i++) {
        for (int k = 0; k < e->program->step[i].n_calls; k++) {
            const struct call *c = e->program->step[i].call[k];
            for (const char *const *f = c->code ? c->code->files : NULL; f && *f; f++)
                add_file(files, *f);
            if (call_runs_kernel(c))
                add_file(files, c->kernel->file);
        }
    }
}

void emit_includes(struct emit *e)
{
    static const char *const known[] = {"float.h", "stddef.h", "stdint.h", "string.h"};
    struct files files;
    collect(e, &files);
    for (size_t h = 0; h < sizeof known / sizeof known[0]; h++) {
        bool wanted = !strcmp(known[h], "stdint.h");
        for (int i = 0; i < files.n; i++)
            for (const char *const *system = files.at[i]->system; *system; system++)
                wanted |= !strcmp(*system, known[h]);
        if (wanted)
            text_add(e->out, "#include <%s>\n", known[h]);
    }
}

void emit_kernels(struct emit *e)
{
    struct files files;
    collect(e, &files);
    for (int i = 0; i < files.n; i++) {
        const char *text = files.at[i]->text[e->ctx->options.profile];
        if (*text)
            text_add(e->out, "%s\n", text);
    }
}
