/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_text.c - models that are text (JSON of XGBoost and CatBoost, LightGBM), for libFuzzer.
 *
 *     python booster_models.py build/fuzz/text_seeds          (in test/, with the project's venv)
 *     build/fuzz/fuzz_text build/fuzz/text_corpus build/fuzz/text_seeds -max_len=65536 -timeout=10
 *
 * Changed bytes mostly end in the parser. So most changes here are of whole numbers and of elements
 * of lists, and half of these are taken back where the file does not read any more: then trees,
 * links and kernels have to cope with what it says. */
#include "road.h"

struct file {
    uint8_t *bytes;
    size_t n, room;
};

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool in_number(uint8_t c)
{
    return is_digit(c) || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E';
}

/* A number of the file, from *at on; its length, or 0 where none was found. */
static size_t some_number(const struct file *f, uint64_t *state, size_t *at)
{
    const size_t from = draw(state, (uint32_t)f->n);
    for (size_t k = 0; k < f->n; k++) {
        size_t i = (from + k) % f->n;
        if (!is_digit(f->bytes[i]))
            continue;
        size_t end = i;
        while (i > 0 && in_number(f->bytes[i - 1]))
            i--;
        while (end < f->n && in_number(f->bytes[end]))
            end++;
        *at = i;
        return end - i;
    }
    return 0;
}

/* Puts `n` bytes in the place of `old` of the file's; false: there is no room. */
static bool replace(struct file *f, size_t at, size_t old, const void *with, size_t n)
{
    if (f->n - old + n > f->room)
        return false;
    memmove(f->bytes + at + n, f->bytes + at + old, f->n - at - old);
    memcpy(f->bytes + at, with, n);
    f->n = f->n - old + n;
    return true;
}

static bool change_number(struct file *f, uint64_t *state)
{
    static const char *const odd[] = {"0",        "-1",         "1",
                                      "2",        "3",          "7",
                                      "31",       "32",         "33",
                                      "255",      "65535",      "65536",
                                      "1e-45",    "1e38",       "1e39",
                                      "-1e300",   "1e308",      "0.5",
                                      "-0.0",     "2147483647", "2147483648",
                                      "NaN",      "Infinity",   "-Infinity",
                                      "16777217", "null",       "true",
                                      "\"x\"",    "[]",         "{}",
                                      "[0,0]",    "4294967296", "99999999999999999999"};
    size_t at, n = some_number(f, state, &at);
    if (n == 0)
        return false;
    char word[64];
    if (draw(state, 3) == 0) { /* a neighbour: links and counts that are wrong by little */
        snprintf(word, sizeof word, "%.*s", (int)(n < 40 ? n : 40), (const char *)f->bytes + at);
        snprintf(word, sizeof word, "%lld",
                 (long long)(int32_t)strtol(word, NULL, 10) + (long long)draw(state, 5) - 2);
    } else if (draw(state, 2)) {
        snprintf(word, sizeof word, "%u", draw(state, 12));
    } else {
        snprintf(word, sizeof word, "%s", odd[draw(state, sizeof odd / sizeof *odd)]);
    }
    return replace(f, at, n, word, strlen(word));
}

/* Takes an element of a list out, or has it twice, or puts one where another one was. */
static bool change_list(struct file *f, uint64_t *state)
{
    char copy[256];
    size_t at, n = some_number(f, state, &at);
    if (n == 0 || at + n >= f->n || n + 1 > sizeof copy)
        return false;
    memcpy(copy, f->bytes + at, n + 1);
    switch (draw(state, 3)) {
    case 0:
        return replace(f, at, n + 1, "", 0);
    case 1:
        return replace(f, at, 0, copy, n + 1);
    default: {
        size_t to, old = some_number(f, state, &to);
        return old && replace(f, to, old, copy, n);
    }
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t n, size_t room, unsigned seed)
{
    uint64_t state = seed;
    if (n < 8 || draw(&state, 4) == 0)
        return LLVMFuzzerMutate(bytes, n, room);
    const bool must_read = draw(&state, 2) && reads(bytes, n);
    uint8_t *before = malloc(n);
    struct file f = {bytes, n, room};
    int left = 1 + (int)draw(&state, 4);
    for (int tries = 0; before && left > 0 && tries < 12 && f.n > 8; tries++) {
        const size_t old = f.n;
        uint8_t *grown = realloc(before, old);
        if (!grown)
            break;
        before = memcpy(grown, bytes, old);
        if (!(draw(&state, 4) ? change_number(&f, &state) : change_list(&f, &state)))
            continue;
        if (!must_read || reads(bytes, f.n)) {
            left--;
        } else {
            memcpy(bytes, before, old);
            f.n = old;
        }
    }
    free(before);
    return f.n;
}
