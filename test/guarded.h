// SPDX-License-Identifier: Apache-2.0
// Memory for generated code that is under test, with guard bytes around it. AddressSanitizer, where
// the program is built with it, stops at the first byte beside; without it, the bytes are looked at
// when the memory is given back.
#ifndef MICA_TEST_GUARDED_H
#define MICA_TEST_GUARDED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, n)   ((void)0)
#define ASAN_UNPOISON_MEMORY_REGION(at, n) ((void)0)
#endif

enum { GUARD = 64, COLOUR = 0xa5 };

/* Ends the program with what is wrong with a model. */
static void die(const char *model, const char *why)
{
    fprintf(stderr, "%s %s\n", model, why);
    exit(9);
}

/* Memory of n bytes of garbage. */
static void *block_new(const char *model, size_t n, int garbage)
{
    unsigned char *at = malloc(n + 2 * GUARD);
    if (!at)
        die(model, "has no memory");
    memset(at, COLOUR, n + 2 * GUARD);
    memset(at + GUARD, garbage, n);
    ASAN_POISON_MEMORY_REGION(at, GUARD);
    ASAN_POISON_MEMORY_REGION(at + GUARD + n, GUARD);
    return at + GUARD;
}

static void block_free(const char *model, void *block, size_t n)
{
    unsigned char *at = (unsigned char *)block - GUARD;
    ASAN_UNPOISON_MEMORY_REGION(at, n + 2 * GUARD);
    for (size_t i = 0; i < GUARD; i++)
        if (at[i] != COLOUR || at[GUARD + n + i] != COLOUR)
            die(model, "wrote outside its memory");
    free(at);
}

#endif
