/* SPDX-License-Identifier: Apache-2.0 */
/* scan.c - words, names and numbers of the text form, from bytes that may hold anything. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/scan.h"

void scan_fail(const struct scan *s, const char *fmt, ...)
{
    char message[ERROR_BYTES];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    fail(s->ctx, NULL, "line %zu: %s", s->line, message);
}

static bool is_word_byte(char c)
{
    return (unsigned char)c > ' ' && !strchr("[]=:,#\"", c);
}

/* Spaces and a comment, but not the end of the line. */
static void skip_blank(struct scan *s)
{
    while (s->at < s->n && strchr(" \t\r", s->text[s->at]) && s->text[s->at])
        s->at++;
    if (s->at < s->n && s->text[s->at] == '#')
        while (s->at < s->n && s->text[s->at] != '\n')
            s->at++;
}

static void skip_lines(struct scan *s)
{
    for (skip_blank(s); s->at < s->n && s->text[s->at] == '\n'; skip_blank(s)) {
        s->at++;
        s->line++;
    }
}

void scan_expected(struct scan *s, const char *what)
{
    enum { SHOWN = 40 };
    char found[SHOWN + 1];
    int n = 0;
    skip_blank(s);
    if (s->at == s->n)
        scan_fail(s, "expected %s, found the end of the text", what);
    if (s->text[s->at] == '\n')
        scan_fail(s, "expected %s, found the end of the line", what);
    do { /* at least one byte, a bracket for example */
        char c = s->text[s->at++];
        found[n++] = c >= ' ' && c < 0x7f ? c : '?';
    } while (n < SHOWN && s->at < s->n && is_word_byte(s->text[s->at]) &&
             is_word_byte(s->text[s->at - 1]));
    found[n] = '\0';
    scan_fail(s, "expected %s, found '%s'", what, found);
}

bool scan_at_end(struct scan *s)
{
    skip_lines(s);
    return s->at == s->n;
}

bool scan_at_line_end(struct scan *s)
{
    skip_blank(s);
    return s->at == s->n || s->text[s->at] == '\n';
}

void scan_line_end(struct scan *s)
{
    if (!scan_at_line_end(s))
        scan_expected(s, "the end of the line");
}

bool scan_peek(struct scan *s, char c)
{
    skip_blank(s);
    return s->at < s->n && s->text[s->at] == c;
}

bool scan_symbol(struct scan *s, char c)
{
    bool is_next = scan_peek(s, c);
    s->at += is_next;
    return is_next;
}

void scan_need(struct scan *s, char c)
{
    if (!scan_symbol(s, c))
        scan_expected(s, (char[]){'\'', c, '\'', '\0'});
}

static size_t word_length(const struct scan *s)
{
    size_t len = 0;
    while (s->at + len < s->n && is_word_byte(s->text[s->at + len]))
        len++;
    return len;
}

bool scan_accept(struct scan *s, const char *word)
{
    skip_blank(s);
    size_t len = strlen(word);
    if (s->n - s->at < len || memcmp(s->text + s->at, word, len) ||
        (s->at + len < s->n && is_word_byte(s->text[s->at + len])))
        return false;
    s->at += len;
    return true;
}

/* False where no word follows, or one that is longer than any that means something. */
static bool take_word(struct scan *s, char word[WORD_ROOM])
{
    skip_blank(s);
    size_t len = word_length(s);
    if (len == 0 || len >= WORD_ROOM)
        return false;
    memcpy(word, s->text + s->at, len);
    word[len] = '\0';
    s->at += len;
    return true;
}

void scan_word(struct scan *s, char word[WORD_ROOM], const char *what)
{
    if (!take_word(s, word))
        scan_expected(s, what);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One character of a name at `at`, which is before the closing quote. */
static char name_char(struct scan *s)
{
    char c = s->text[s->at++];
    if (c != '\\')
        return c;
    c = s->text[s->at++];
    if (c == '"' || c == '\\')
        return c;
    if (c == 'x' && s->n - s->at >= 2) {
        int high = hex_digit(s->text[s->at]), low = hex_digit(s->text[s->at + 1]);
        s->at += 2;
        if (high >= 0 && low >= 0 && high + low > 0)
            return (char)(high * 16 + low);
    }
    scan_fail(s, "expected \\\", \\\\ or \\x and two hexadecimal digits other than 00 in the name");
}

const char *scan_name(struct scan *s)
{
    if (!scan_symbol(s, '"'))
        scan_expected(s, "a name in double quotes");
    size_t end = s->at;
    while (end < s->n && s->text[end] != '"' && (unsigned char)s->text[end] >= ' ')
        end += s->text[end] == '\\' && s->n - end > 1 ? 2 : 1;
    if (end >= s->n || s->text[end] != '"')
        scan_fail(s, "expected a double quote at the end of the name");
    char *name = alloc(s->ctx, end - s->at + 1, 1);
    for (size_t len = 0; s->at < end; len++)
        name[len] = name_char(s);
    s->at = end + 1;
    return name;
}

/* ---- numbers --------------------------------------------------------------------------------- */

/* A decimal integer: its sign and its magnitude, which must fit 64 bits. */
static bool integer_of(const char *word, bool *negative, uint64_t *magnitude)
{
    *negative = *word == '-';
    word += *negative;
    *magnitude = 0;
    if (!*word)
        return false;
    for (; *word; word++) {
        if (*word < '0' || *word > '9')
            return false;
        unsigned digit = (unsigned)(*word - '0');
        if (*magnitude > (UINT64_MAX - digit) / 10)
            return false;
        *magnitude = *magnitude * 10 + digit;
    }
    return true;
}

int64_t scan_int(struct scan *s, const char *what, int64_t least, int64_t most)
{
    char word[WORD_ROOM];
    bool negative;
    uint64_t magnitude;
    skip_blank(s);
    size_t start = s->at;
    scan_word(s, word, what);
    if (!integer_of(word, &negative, &magnitude) || magnitude > INT64_MAX) {
        s->at = start;
        scan_expected(s, what);
    }
    int64_t value = negative ? -(int64_t)magnitude : (int64_t)magnitude;
    if (value < least || value > most)
        scan_fail(s, "expected %s from %lld to %lld, found %s", what, (long long)least,
                  (long long)most, word);
    return value;
}

static bool hex_of(const char *word, size_t digits, uint64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < digits; i++) {
        int digit = hex_digit(word[i]);
        if (digit < 0)
            return false;
        *value = *value << 4 | (unsigned)digit;
    }
    return true;
}

/* The low bytes of `value` as element i, in the byte order of this machine. */
static void store(void *data, int64_t i, int bytes, uint64_t value)
{
    unsigned char *at = (unsigned char *)data + i * bytes;
    uint8_t v8 = (uint8_t)value;
    uint16_t v16 = (uint16_t)value;
    uint32_t v32 = (uint32_t)value;
    const void *from = bytes == 1   ? (const void *)&v8
                       : bytes == 2 ? (const void *)&v16
                       : bytes == 4 ? (const void *)&v32
                                    : (const void *)&value;
    memcpy(at, from, (size_t)bytes);
}

static bool store_int(const char *word, struct form form, void *data, int64_t i)
{
    bool negative;
    uint64_t magnitude;
    if (!integer_of(word, &negative, &magnitude))
        return false;
    uint64_t most = UINT64_MAX >> (64 - form.bytes * 8 + form.is_signed);
    if (form.is_signed ? magnitude > most + negative : (negative || magnitude > most))
        return false;
    store(data, i, form.bytes, negative ? 0 - magnitude : magnitude);
    return true;
}

/* "nan" or "nan(bits)". */
static bool store_nan(const char *word, struct form form, void *data, int64_t i)
{
    size_t digits = (size_t)form.bytes * 2;
    uint64_t bits = form.bytes == 4 ? 0x7fc00000 : 0x7ff8000000000000;
    if (word[3] && (strlen(word) != digits + 5 || word[3] != '(' || word[digits + 4] != ')' ||
                    !hex_of(word + 4, digits, &bits)))
        return false;
    uint64_t infinity = form.bytes == 4 ? 0x7f800000 : 0x7ff0000000000000;
    uint64_t magnitude = bits & (form.bytes == 4 ? 0x7fffffff : 0x7fffffffffffffff);
    store(data, i, form.bytes, bits);
    return magnitude > infinity;
}

static bool store_float(const char *word, struct form form, void *data, int64_t i)
{
    if (!strncmp(word, "nan", 3))
        return store_nan(word, form, data, i);
    const char *digits = word + (*word == '-');
    bool infinite = !strcmp(digits, "inf");
    if (!infinite && *digits != '.' && (*digits < '0' || *digits > '9'))
        return false;

    char *end;
    float f = 0;
    double d = 0;
    if (form.bytes == 4)
        f = strtof(word, &end);
    else
        d = strtod(word, &end);
    bool overflow = !infinite && (f - f != 0 || d - d != 0);
    memcpy((char *)data + i * form.bytes, form.bytes == 4 ? (void *)&f : (void *)&d,
           (size_t)form.bytes);
    return !*end && !overflow;
}

static bool store_element(const char *word, struct form form, void *data, int64_t i)
{
    if (form.kind == FORM_INT)
        return store_int(word, form, data, i);
    if (form.kind == FORM_FLOAT)
        return store_float(word, form, data, i);
    uint64_t bits;
    if (strlen(word) != (size_t)form.bytes * 2 || !hex_of(word, strlen(word), &bits))
        return false;
    store(data, i, form.bytes, bits);
    return true;
}

void scan_element(struct scan *s, enum dtype type, void *data, int64_t i)
{
    static const char *const noun[] = {"an integer", "a number", "hexadecimal digits"};
    char word[WORD_ROOM];
    struct form form = form_of(type);
    skip_blank(s);
    size_t start = s->at;
    if (take_word(s, word) && store_element(word, form, data, i))
        return;
    s->at = start;
    snprintf(word, sizeof word, "%s of type %s", noun[form.kind], dtype_name(type));
    scan_expected(s, word);
}

bool scan_more(struct scan *s)
{
    skip_lines(s);
    if (scan_symbol(s, ']'))
        return false;
    if (scan_symbol(s, ','))
        skip_lines(s);
    if (s->at == s->n)
        scan_expected(s, "']'");
    return true;
}

int64_t scan_items_max(const struct scan *s)
{
    return (int64_t)((s->n - s->at) / 2 + 1);
}
