/* SPDX-License-Identifier: Apache-2.0 */
/* json.c - values of a JSON file, checked as they are taken. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "read/json.h"
#include "compile.h"

enum { PATH_BYTES = 300 };

/* ---- places ---------------------------------------------------------------------------------- */

/* From the end, since that is where the fault is: a way that is too long loses its beginning. */
const char *json_path(const struct json *v)
{
    char path[PATH_BYTES];
    size_t at = sizeof path - 1;
    path[at] = '\0';
    if (!v->up)
        return "the file";
    for (; v->up; v = v->up) {
        char part[PATH_BYTES / 4];
        if (v->key)
            snprintf(part, sizeof part, "%s%s", v->up->up ? "." : "", v->key);
        else
            snprintf(part, sizeof part, "[%zu]", v->index);
        size_t n = strlen(part);
        if (n + 3 > at) {
            memcpy(path + at - 3, "...", 3);
            at -= 3;
            break;
        }
        at -= n;
        memcpy(path + at, part, n);
    }
    return format(v->ctx, "%s", path + at);
}

void json_fail(const struct json *v, const char *fmt, ...)
{
    struct text *what = text_new(v->ctx);
    va_list args;
    va_start(args, fmt);
    text_vadd(what, fmt, args);
    va_end(args);
    fail(v->ctx, NULL, "%s: %s", json_path(v), what->at);
}

static const char *kind(const json_t *at)
{
    switch (json_typeof(at)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
        return "an integer";
    case JSON_REAL:
        return "a number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "true or false";
    default:
        return "null";
    }
}

_Noreturn static void wrong_kind(const struct json *v, const char *wanted)
{
    json_fail(v, "%s is wanted here, and this is %s", wanted, kind(v->at));
}

/* ---- values ---------------------------------------------------------------------------------- */

bool json_find(const struct json *object, const char *key, struct json *value)
{
    if (!json_is_object(object->at))
        wrong_kind(object, "an object");
    const json_t *at = json_object_get(object->at, key);
    *value = (struct json){.ctx = object->ctx, .at = at, .up = object, .key = key};
    return at && !json_is_null(at);
}

struct json json_get(const struct json *object, const char *key)
{
    struct json v;
    if (!json_find(object, key, &v))
        json_fail(object,
                  "there is no '%s': the file is damaged, or of a version that this reader "
                  "does not know",
                  key);
    return v;
}

size_t json_length(const struct json *array)
{
    if (!json_is_array(array->at))
        wrong_kind(array, "an array");
    return json_array_size(array->at);
}

struct json json_item(const struct json *array, size_t i)
{
    if (i >= json_length(array))
        json_fail(array, "there are %zu elements, and number %zu is wanted", json_length(array), i);
    return (struct json){
        .ctx = array->ctx, .at = json_array_get(array->at, i), .up = array, .index = i};
}

/* NaN and the infinities stand as strings of one, two and three of these (see mask_text()). */
enum { MASK = 0x7f };

static bool is_number(const json_t *at, double *x)
{
    if (json_is_number(at)) {
        *x = json_number_value(at);
        return true;
    }
    if (!json_is_string(at) || json_string_value(at)[0] != MASK)
        return false;
    size_t n = json_string_length(at);
    *x = n == 1 ? (double)NAN : n == 2 ? (double)INFINITY : -(double)INFINITY;
    return true;
}

/* Integers of some writers are real numbers that have no fraction. */
static bool is_int(const json_t *at, int64_t *i)
{
    if (json_is_integer(at)) {
        *i = json_integer_value(at);
        return true;
    }
    double x = json_real_value(at);
    if (!json_is_real(at) || !(x > -1e15 && x < 1e15) || x != floor(x))
        return false;
    *i = (int64_t)x;
    return true;
}

static void check_range(const struct json *v, int64_t i, int64_t low, int64_t high)
{
    if (i < low || i > high)
        json_fail(v, "%" PRId64 " is not within %" PRId64 " and %" PRId64, i, low, high);
}

int64_t json_int(const struct json *v, int64_t low, int64_t high)
{
    int64_t i;
    if (!is_int(v->at, &i))
        wrong_kind(v, "an integer");
    check_range(v, i, low, high);
    return i;
}

double json_number(const struct json *v)
{
    double x;
    if (!is_number(v->at, &x))
        wrong_kind(v, "a number");
    return x;
}

float json_float32(const struct json *v)
{
    float x = (float)json_number(v);
    if (!isfinite(x))
        json_fail(v, "%g is no finite float32", json_number(v));
    return x;
}

const char *json_text(const struct json *v)
{
    if (!json_is_string(v->at))
        wrong_kind(v, "a string");
    return format(v->ctx, "%s", json_string_value(v->at));
}

bool json_flag(const struct json *v)
{
    if (json_is_boolean(v->at))
        return json_is_true(v->at);
    return json_int(v, 0, 1) != 0;
}

static void check_length(const struct json *array, size_t n)
{
    if (json_length(array) != n)
        json_fail(array, "there are %zu elements instead of %zu", json_length(array), n);
}

int32_t *json_ints(const struct json *array, size_t n, int64_t low, int64_t high)
{
    check_length(array, n);
    int32_t *to = NEWS(array->ctx, int32_t, n);
    for (size_t i = 0; i < n; i++) {
        const struct json v = json_item(array, i);
        to[i] = json_is_boolean(v.at) ? json_is_true(v.at) : (int32_t)json_int(&v, low, high);
    }
    return to;
}

float *json_floats(const struct json *array, size_t n)
{
    check_length(array, n);
    float *to = NEWS(array->ctx, float, n);
    for (size_t i = 0; i < n; i++) {
        const struct json v = json_item(array, i);
        to[i] = (float)json_number(&v);
    }
    return to;
}

int64_t json_int_text(const struct json *v, int64_t low, int64_t high)
{
    if (!json_is_string(v->at))
        return json_int(v, low, high);
    const char *text = json_string_value(v->at);
    char *end;
    errno = 0;
    long long i = strtoll(text, &end, 10);
    if (end == text || *end || errno)
        json_fail(v, "\"%.40s\" is no integer", text);
    check_range(v, i, low, high);
    return i;
}

double json_number_text(const struct json *v)
{
    const char *text = json_string_value(v->at);
    char *end;
    const double x = text ? strtod(text, &end) : 0;
    if (!text || end == text || *end)
        json_fail(v, "\"%.40s\" is no number", text ? text : "");
    return x;
}

/* ---- the whole file -------------------------------------------------------------------------- */

static size_t mask_word(char *at, size_t n, const char *word, int masks)
{
    size_t len = strlen(word);
    if (len > n || memcmp(at, word, len))
        return 0;
    memset(at, ' ', len);
    memset(at, MASK, (size_t)masks + 2);
    at[0] = at[masks + 1] = '"';
    return len;
}

/* The end of the number at `at`. An integer beyond 64 bits, which no number that we want is, but
 * CatBoost's limits are, would fail the parser: its end becomes the exponent of a real number. */
static size_t mask_number(char *at, size_t n)
{
    size_t len = at[0] == '-', digits = 0;
    for (; len < n && at[len] && strchr("0123456789.eE+-", at[len]); len++)
        digits += at[len] >= '0' && at[len] <= '9';
    if (digits > 18 && digits + (at[0] == '-') == len) {
        at[len - 2] = 'e';
        at[len - 1] = '0';
    }
    return len;
}

/* Makes what JSON does not know, or jansson cannot hold, something that it does, in the same place,
 * so that the lines and columns of messages stay those of the file. */
static void mask_text(char *text, size_t n)
{
    bool in_string = false;
    for (size_t i = 0; i < n; i++) {
        if (in_string) {
            if (text[i] == '\\')
                i++;
            else if (text[i] == '"')
                in_string = false;
            continue;
        }
        char c = text[i];
        size_t len = 0;
        if (c == '"')
            in_string = true;
        else if (c == 'N')
            len = mask_word(text + i, n - i, "NaN", 1);
        else if (c == 'I')
            len = mask_word(text + i, n - i, "Infinity", 2);
        else if (c == '-' && i + 1 < n && text[i + 1] == 'I')
            len = mask_word(text + i, n - i, "-Infinity", 3);
        else if (c == '-' || (c >= '0' && c <= '9'))
            len = mask_number(text + i, n - i);
        i += len ? len - 1 : 0;
    }
}

static json_t *parse(struct ctx *ctx, const uint8_t *bytes, size_t n)
{
    char *text = malloc(n + 1);
    if (!text)
        fail(ctx, NULL, "out of memory: %zu bytes more are needed", n);
    memcpy(text, bytes, n);
    mask_text(text, n);
    json_error_t error;
    json_t *root = json_loadb(text, n, JSON_REJECT_DUPLICATES, &error);
    free(text);
    if (!root)
        fail(ctx, NULL, "line %d, column %d: %s: the file is no JSON, or is damaged", error.line,
             error.column, error.text);
    return root;
}

void json_read(struct ctx *ctx, const uint8_t *bytes, size_t n, void (*read)(const struct json *))
{
    json_t *root = parse(ctx, bytes, n);
    jmp_buf *outer = ctx->recover, here;
    ctx->recover = &here;
    volatile bool failed = false;
    if (setjmp(here) == 0) {
        const struct json file = {.ctx = ctx, .at = root};
        read(&file);
    } else {
        failed = true;
    }
    json_decref(root);
    ctx->recover = outer;
    if (failed)
        longjmp(*outer, 1);
}

static void read_either(const struct json *file)
{
    struct json v;
    if (json_find(file, "learner", &v))
        read_xgboost(file);
    else if (json_find(file, "features_info", &v) || json_find(file, "oblivious_trees", &v))
        read_catboost(file);
    else
        fail(file->ctx, NULL,
             "this JSON is no model of XGBoost (it has no 'learner') and none of CatBoost (it has "
             "no 'features_info')");
}

void read_json(struct ctx *ctx, const uint8_t *bytes, size_t n)
{
    json_read(ctx, bytes, n, read_either);
}
