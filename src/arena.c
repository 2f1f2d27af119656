/* SPDX-License-Identifier: Apache-2.0 */
/* arena.c - the memory of one compilation, and the strings that grow in it. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir.h"

enum { BLOCK_BYTES = 1 << 16, ALIGN = 16 };

struct block {
    struct block *next;
    size_t used, room;
};

struct arena {
    struct block *first; /* the one that is being filled */
    size_t bytes;
};

/* The payload of a block starts at the next multiple of ALIGN after its head. */
static const size_t head_bytes = (sizeof(struct block) + ALIGN - 1) / ALIGN * ALIGN;

struct arena *arena_new(void)
{
    return calloc(1, sizeof(struct arena));
}

void arena_free(struct arena *a)
{
    if (!a)
        return;
    for (struct block *b = a->first; b;) {
        struct block *next = b->next;
        free(b);
        b = next;
    }
    free(a);
}

size_t arena_bytes(const struct arena *a)
{
    return a->bytes;
}

static void *take(struct arena *a, size_t bytes)
{
    struct block *b = a->first;
    if (!b || b->room - b->used < bytes) {
        size_t room = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
        struct block *fresh = calloc(1, head_bytes + room);
        if (!fresh)
            return NULL;
        fresh->room = room;
        a->bytes += head_bytes + room;
        if (b && bytes > BLOCK_BYTES) { /* keep filling the block that is open */
            fresh->next = b->next;
            b->next = fresh;
        } else {
            fresh->next = b;
            a->first = fresh;
        }
        b = fresh;
    }
    void *at = (char *)b + head_bytes + b->used;
    b->used += bytes;
    return at;
}

void *alloc(struct ctx *ctx, size_t n, size_t size)
{
    if (size && n > (SIZE_MAX / 2 - ALIGN) / size)
        fail(ctx, NULL, "%zu elements of %zu bytes are more than this machine can hold", n, size);
    size_t bytes = (n * size + ALIGN - 1) / ALIGN * ALIGN;
    void *at = take(ctx->arena, bytes ? bytes : ALIGN);
    if (!at)
        fail(ctx, NULL, "out of memory: %zu bytes more are needed", bytes);
    return at;
}

void *copy_bytes(struct ctx *ctx, const void *from, size_t n)
{
    void *to = alloc(ctx, n, 1);
    if (n)
        memcpy(to, from, n);
    return to;
}

char *format(struct ctx *ctx, const char *fmt, ...)
{
    struct text *t = text_new(ctx);
    va_list args;
    va_start(args, fmt);
    text_vadd(t, fmt, args);
    va_end(args);
    return t->at;
}

struct text *text_new(struct ctx *ctx)
{
    struct text *t = NEW(ctx, struct text);
    t->ctx = ctx;
    t->room = 64;
    t->at = alloc(ctx, t->room, 1);
    return t;
}

static void text_reserve(struct text *t, size_t more)
{
    if (t->room - t->len > more)
        return;
    size_t room = t->room * 2 > t->len + more + 1 ? t->room * 2 : t->len + more + 1;
    char *at = alloc(t->ctx, room, 1);
    memcpy(at, t->at, t->len + 1);
    t->at = at;
    t->room = room;
}

void text_bytes(struct text *t, const char *bytes, size_t n)
{
    text_reserve(t, n);
    memcpy(t->at + t->len, bytes, n);
    t->len += n;
    t->at[t->len] = '\0';
}

void text_vadd(struct text *t, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(t->at + t->len, t->room - t->len, fmt, args);
    assert(n >= 0);
    if ((size_t)n >= t->room - t->len) {
        t->at[t->len] = '\0';
        text_reserve(t, (size_t)n);
        vsnprintf(t->at + t->len, t->room - t->len, fmt, again);
    }
    t->len += (size_t)n;
    va_end(again);
}

void text_add(struct text *t, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    text_vadd(t, fmt, args);
    va_end(args);
}

void fail(struct ctx *ctx, const struct node *node, const char *fmt, ...)
{
    size_t room = ERROR_BYTES, len = 0;
    int n = snprintf(ctx->error, room, "%s: ", ctx->file ? ctx->file : "model");
    len = n < 0 ? 0 : (size_t)n;
    if (node && len < room) {
        n = snprintf(ctx->error + len, room - len, "node '%s' (%s): ", node->name,
                     node->op ? node->op->name : "operator");
        len += n < 0 ? 0 : (size_t)n;
    }
    if (len < room) {
        va_list args;
        va_start(args, fmt);
        vsnprintf(ctx->error + len, room - len, fmt, args);
        va_end(args);
    }
    assert(ctx->recover);
    longjmp(*ctx->recover, 1);
}
