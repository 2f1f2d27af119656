/* SPDX-License-Identifier: Apache-2.0 */
/* format.c - tells the formats of model files apart by their contents. */
#include <assert.h>
#include <string.h>

#include "compile.h"
#include "read/booster.h"

static bool starts_with(const uint8_t *bytes, size_t n, const char *with)
{
    size_t len = strlen(with);
    return n >= len && !memcmp(bytes, with, len);
}

static bool is_text(const uint8_t *bytes, size_t n)
{
    return starts_with(bytes, n, "mica-ir ");
}

static void read_ir(struct ctx *ctx, const uint8_t *bytes, size_t n)
{
    read_text(ctx, (const char *)bytes, n);
}

static bool is_tflite(const uint8_t *bytes, size_t n)
{
    return n >= 8 && !memcmp(bytes + 4, "TFL3", 4);
}

/* ONNX files have no magic number. Writers put fields in the order of their numbers, so one starts
 * with the version of the format, a small number, and the tag of another field follows. */
static bool is_onnx(const uint8_t *bytes, size_t n)
{
    enum { TAG_IR_VERSION = 1 << 3 };
    return n >= 3 && bytes[0] == TAG_IR_VERSION && bytes[1] >= 1 && bytes[1] < 64 && bytes[2] >= 8;
}

static bool is_lightgbm(const uint8_t *bytes, size_t n)
{
    return starts_with(bytes, n, "tree\n") || starts_with(bytes, n, "tree\r\n");
}

static size_t first_word(const uint8_t *bytes, size_t n, size_t from)
{
    while (from < n && (bytes[from] == ' ' || (bytes[from] >= '\t' && bytes[from] <= '\r')))
        from++;
    return from;
}

/* A brace, and behind it what may follow one in JSON: a name or the other brace. */
static bool is_json(const uint8_t *bytes, size_t n)
{
    size_t brace = first_word(bytes, n, 0);
    if (brace == n || bytes[brace] != '{')
        return false;
    size_t next = first_word(bytes, n, brace + 1);
    return next == n || bytes[next] == '"' || bytes[next] == '}';
}

/* In UBJSON the length of the first name follows the brace, and that begins with its type. */
static bool is_ubjson(const uint8_t *bytes, size_t n)
{
    return n >= 2 && bytes[0] == '{' && bytes[1] && strchr("iUIlL", bytes[1]);
}

static bool is_cbm(const uint8_t *bytes, size_t n)
{
    return starts_with(bytes, n, "CBM1");
}

static void refuse_ubjson(struct ctx *ctx, const uint8_t *bytes, size_t n)
{
    (void)bytes, (void)n;
    fail(ctx, NULL,
         "this is XGBoost's binary format: save the model under a name that ends in "
         ".json, or convert it with the Python package");
}

static void refuse_cbm(struct ctx *ctx, const uint8_t *bytes, size_t n)
{
    (void)bytes, (void)n;
    fail(ctx, NULL, "this is CatBoost's binary format: save the model with format=\"json\"");
}

/* The first that is meant reads the file. */
static const struct format {
    bool (*is)(const uint8_t *bytes, size_t n);
    void (*read)(struct ctx *, const uint8_t *bytes, size_t n);
} formats[] = {
    {is_text, read_ir},           {is_tflite, read_tflite}, {is_onnx, read_onnx},
    {is_lightgbm, read_lightgbm}, {is_json, read_json},     {is_ubjson, refuse_ubjson},
    {is_cbm, refuse_cbm},
};

bool read_booster(struct ctx *ctx, const uint8_t *bytes, size_t n, bool is_float64)
{
    if (is_lightgbm(bytes, n))
        (is_float64 ? read_lightgbm_exact : read_lightgbm)(ctx, bytes, n);
    else if (is_json(bytes, n))
        read_json(ctx, bytes, n);
    else
        return false;
    return true;
}

void read_model(struct ctx *ctx, const uint8_t *bytes, size_t n)
{
    const int n_formats = (int)(sizeof formats / sizeof formats[0]);
    int i = 0;
    while (i < n_formats && !formats[i].is(bytes, n))
        i++;
    if (i == n_formats)
        fail(ctx, NULL,
             "this is no model that Mica reads: give a .tflite or .onnx file, a .json of XGBoost "
             "or CatBoost, a .txt of LightGBM, or a graph in the text form (docs/ir.md)");
    formats[i].read(ctx, bytes, n);
    assert(ctx->graph);
}
