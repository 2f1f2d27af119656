/* SPDX-License-Identifier: Apache-2.0 */
/* json.h - values of a JSON file that know where they stand in it.
 *
 * Jansson parses the text; a struct json is one of its values with the way that leads to it, so
 * that whatever a value turns out to be, the message can say "learner.trees[3].left: ...". A value
 * refers to the one it was taken from, which must therefore live as long. */
#ifndef MICA_READ_JSON_H
#define MICA_READ_JSON_H

#include <jansson.h>

#include "compile.h"

struct json {
    struct ctx *ctx;
    const json_t *at;
    const struct json *up; /* NULL: the whole file */
    const char *key;       /* in an object; NULL: in an array */
    size_t index;
};

/* Parses the text and gives it to read(); what jansson allocated is freed in any case. Infinities
 * and NaN, which XGBoost writes and JSON does not know, are taken for numbers. */
void json_read(struct ctx *, const uint8_t *bytes, size_t n, void (*read)(const struct json *));

/* "learner.trees[3].left"; of the whole file: "the file". */
const char *json_path(const struct json *);
/* Fails with the path of the value. */
_Noreturn void json_fail(const struct json *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

bool json_find(const struct json *object, const char *key, struct json *value);
struct json json_get(const struct json *object, const char *key); /* fails where there is none */
size_t json_length(const struct json *array);
struct json json_item(const struct json *array, size_t i);

int64_t json_int(const struct json *, int64_t low, int64_t high);
double json_number(const struct json *);
float json_float32(const struct json *); /* a finite number, rounded */
const char *json_text(const struct json *);
bool json_flag(const struct json *); /* true, false, 1, 0 */

/* Whole arrays, as new memory; n: how many there must be. */
int32_t *json_ints(const struct json *array, size_t n, int64_t low, int64_t high);
float *json_floats(const struct json *array, size_t n); /* not finite ones, too */
/* Numbers that are written as strings, as XGBoost's parameters are. */
int64_t json_int_text(const struct json *, int64_t low, int64_t high);
double json_number_text(const struct json *);

/* The formats, told apart by their keys. */
void read_json(struct ctx *, const uint8_t *bytes, size_t n);
void read_xgboost(const struct json *);
void read_catboost(const struct json *);
struct heads;
/* base: the margins before the first feature; cut: label 1 where a margin is at least that. */
void read_xgboost_linear(const struct json *booster, int32_t n_features, const struct names *,
                         const float *base, int32_t n_groups, bool has_cut, float cut,
                         const struct heads *);

#endif
