/* SPDX-License-Identifier: Apache-2.0 */
/* test_flatbuffer.c - the FlatBuffers reader: what it reads, and that nothing leaves the file. */
#include <stdlib.h>

#include "harness.h"
#include "read/flatbuffer.h"
#include "writer.h"

static struct ctx ctx;
static char error[ERROR_BYTES];
static jmp_buf recover;

static void begin_test(void)
{
    arena_free(ctx.arena);
    ctx = (struct ctx){.arena = arena_new(), .error = error, .recover = &recover, .file = "f"};
    error[0] = '\0';
}

/* The fields of the table that all tests read. */
enum { BOOL, I8, U8, I32, U32, U64, F32, TABLE, STRING, NUMBERS, TABLES, N_FIELDS };

static struct writer w;
static struct {
    struct open_table outer, inner;
    size_t table_ref, string, numbers;
} places;

static void write_example(void)
{
    start(&w, "TEST");
    struct open_table t = begin(&w, 0, N_FIELDS);
    put_field(&w, t, BOOL, 1, 1);
    put_field(&w, t, I8, 0x85, 1);
    put_field(&w, t, U8, 200, 1);
    put_field(&w, t, I32, 0xfffffffe, 4);
    put_field(&w, t, U32, 4000000000u, 4);
    put_field(&w, t, U64, UINT64_C(0x0123456789abcdef), 8);
    put_field(&w, t, F32, 0xbfc00000, 4);
    places.table_ref = put_ref(&w, t, TABLE);
    size_t string = put_ref(&w, t, STRING);
    size_t numbers = put_ref(&w, t, NUMBERS);
    size_t tables = put_ref(&w, t, TABLES);
    end(&w, t);
    places.outer = t;

    places.numbers = w.n;
    put_i32s(&w, numbers, 3, (const int32_t[]){7, -8, INT32_MIN});
    size_t element = put_refs(&w, tables, 2);
    places.inner = begin(&w, places.table_ref, 1);
    put_field(&w, places.inner, 0, 42, 4);
    end(&w, places.inner);
    for (int i = 0; i < 2; i++) { /* both elements share a table */
        size_t ref = element + 4 * (size_t)i;
        set(&w, ref, places.inner.at - ref, 4);
    }
    places.string = w.n;
    put_string(&w, string, "name");
}

static struct fb fb;
static struct fb_table t; /* what is read from */

static struct fb_table open_example(void)
{
    return fb_open(&fb, &ctx, w.at, w.n, "TEST");
}

/* Reads that may fail. */
static void get_file(void)
{
    open_example();
}

static void get_table(void)
{
    fb_table(&fb, t, TABLE);
}

static void get_i32(void)
{
    CHECK(fb_i32(&fb, t, 0, 0) == 42);
}

static void get_u64(void)
{
    fb_u64(&fb, t, 0, 0);
}

static void get_vector(void)
{
    fb_vector(&fb, t, NUMBERS, 4);
}

static void get_string(void)
{
    fb_string(&fb, t, STRING);
}

/* The message that a read fails with, "" when it succeeds. */
static const char *refusal(void (*get)(void))
{
    error[0] = '\0';
    if (setjmp(recover) == 0)
        get();
    return error;
}

#define CHECK_FAILS(get, text) CHECK(strstr(refusal(get), text) != NULL)

static void test_reads(void)
{
    begin_test();
    write_example();
    t = open_example();
    CHECK(fb_bool(&fb, t, BOOL, false) == true);
    CHECK(fb_i8(&fb, t, I8, 0) == -123);
    CHECK(fb_u8(&fb, t, U8, 0) == 200);
    CHECK(fb_i32(&fb, t, I32, 0) == -2);
    CHECK(fb_u32(&fb, t, U32, 0) == 4000000000u);
    CHECK(fb_u64(&fb, t, U64, 0) == UINT64_C(0x0123456789abcdef));
    CHECK(fb_f32(&fb, t, F32, 0) == -1.5f);
    CHECK(fb_i32(&fb, fb_table(&fb, t, TABLE), 0, 0) == 42);
    CHECK_TEXT(fb_string(&fb, t, STRING), "name");
    struct fb_vector v = fb_vector(&fb, t, NUMBERS, 4);
    CHECK(v.n == 3 && fb_i32_at(&fb, v, 0) == 7 && fb_i32_at(&fb, v, 1) == -8);
    CHECK(fb_i32_at(&fb, v, 2) == INT32_MIN);
    v = fb_vector(&fb, t, TABLES, 4);
    CHECK(v.n == 2 && fb_i32(&fb, fb_table_at(&fb, v, 1), 0, 0) == 42);
    CHECK(fb_data(&fb, t, STRING).n == 4);
}

/* Names reach terminals, JSON and C comments: only whole, printable characters come through. */
static void test_strings(void)
{
    static const char *const cases[][2] = {
        {"gr\xc3\xbcn \xe2\x82\xac \xf0\x9f\x98\x80", NULL}, /* as it is */
        {"a\nb\x1b[m\x7f", "a?b?[m?"},
        {"\xff\xc3z\xe2\x82", "??z??"},              /* no beginning, no continuation, cut off */
        {"\xc0\xaf\xe0\x80\xaf", "?????"},           /* longer than need be */
        {"\xed\xa0\x80\xf4\x90\x80\x80", "???????"}, /* surrogate, beyond Unicode */
        {"\xc2\x85", "??"},                          /* a control character of two bytes */
    };
    begin_test();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        start(&w, "TEST");
        struct open_table o = begin(&w, 0, 1);
        size_t ref = put_ref(&w, o, 0);
        end(&w, o);
        put_string(&w, ref, cases[i][0]);
        CHECK_TEXT(fb_string(&fb, open_example(), 0), cases[i][1] ? cases[i][1] : cases[i][0]);
    }
    /* A 0 byte within does not end it. */
    start(&w, "TEST");
    struct open_table o = begin(&w, 0, 1);
    size_t ref = put_ref(&w, o, 0);
    end(&w, o);
    put_string(&w, ref, "a.b");
    w.at[w.n - 3] = 0;
    CHECK_TEXT(fb_string(&fb, open_example(), 0), "a?b");
}

static void test_absent(void)
{
    begin_test();
    start(&w, "TEST");
    struct open_table empty = begin(&w, 0, 2); /* field 0 is 0 in the vtable, 2 is beyond it */
    put_field(&w, empty, 1, 5, 1);
    end(&w, empty);
    t = open_example();
    const int fields[] = {0, 2, 1000};
    for (int i = 0; i < 3; i++) {
        int f = fields[i];
        CHECK(fb_i8(&fb, t, f, -7) == -7 && fb_u8(&fb, t, f, 250) == 250);
        CHECK(fb_bool(&fb, t, f, true) && !fb_bool(&fb, t, f, false));
        CHECK(fb_i32(&fb, t, f, -9) == -9 && fb_u32(&fb, t, f, 9) == 9);
        CHECK(fb_u64(&fb, t, f, UINT64_MAX) == UINT64_MAX && fb_f32(&fb, t, f, 0.5f) == 0.5f);
        CHECK(fb_table(&fb, t, f).at == 0 && fb_string(&fb, t, f) == NULL);
        CHECK(fb_vector(&fb, t, f, 4).n == 0 && fb_data(&fb, t, f).n == 0);
    }
    /* Fields of a table that is not there. */
    struct fb_table none = fb_table(&fb, t, 0);
    CHECK(fb_i32(&fb, none, 0, 3) == 3 && fb_table(&fb, none, 1).at == 0);
}

static void test_refuses_files(void)
{
    begin_test();
    write_example();
    w.n = 8;
    CHECK_FAILS(get_file, "the outermost table at byte 0 leaves it");
    w.n = 7;
    CHECK_TEXT(refusal(get_file), "f: not a TEST file, whose bytes 4 to 7 read 'TEST'");
    w.n = 0;
    CHECK_FAILS(get_file, "not a TEST file");
    write_example();
    w.at[7] = 'S';
    CHECK_FAILS(get_file, "not a TEST file");
    const uint32_t roots[] = {0, 4, 7, 0x7fffffff, 0xffffffff, (uint32_t)w.n, (uint32_t)w.n - 3};
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++) {
        write_example();
        set(&w, 0, roots[i], 4);
        CHECK_FAILS(get_file, "the file is damaged or cut off");
    }
}

static void test_refuses_tables(void)
{
    begin_test();
    const struct {
        size_t place; /* 0: distance to the vtable, 1: its size, 2: size of the table */
        uint32_t value;
    } cases[] = {{0, 0x7fffffff}, {0, 0x80000000}, {0, 0xffff0000}, {0, 1 << 14}, {1, 0},
                 {1, 3},          {1, 0xffff},     {2, 0},          {2, 3},       {2, 0xffff}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_example();
        const size_t at[] = {places.inner.at, places.inner.vtable, places.inner.vtable + 2};
        set(&w, at[cases[i].place], cases[i].value, cases[i].place ? 2 : 4);
        t = open_example();
        CHECK_FAILS(get_table, "f: the file is damaged or cut off: the ");
    }
    /* A vtable after its table, as a negative distance, is as good as one before it. */
    write_example();
    size_t vtable = w.n;
    put(&w, 6, 2);
    put(&w, 8, 2);
    put(&w, 4, 2);
    set(&w, places.inner.at, places.inner.at - vtable, 4);
    CHECK(fb_i32(&fb, fb_table(&fb, open_example(), TABLE), 0, 0) == 42);
    w.n--;
    t = open_example();
    CHECK_FAILS(get_table, "the vtable of the table at byte");
}

static void test_refuses_fields(void)
{
    begin_test();
    for (uint32_t place = 1; place < 0x10000; place = place < 4 ? place + 1 : place * 3) {
        write_example();
        set(&w, places.inner.vtable + 4, place, 2);
        t = fb_table(&fb, open_example(), TABLE);
        if (place == 4) /* where it belongs */
            CHECK_TEXT(refusal(get_i32), "");
        else
            CHECK_FAILS(get_i32, "a field of the table");
    }
    /* 8 bytes do not fit where 4 do. */
    write_example();
    t = fb_table(&fb, open_example(), TABLE);
    CHECK_FAILS(get_u64, "a field of the table");
}

static void test_refuses_vectors(void)
{
    begin_test();
    write_example();
    t = open_example();
    size_t room = w.n - places.numbers - 4;
    const uint32_t counts[] = {(uint32_t)(room / 4) + 1, 0x40000000, 0x80000000, 0xffffffff};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        set(&w, places.numbers, counts[i], 4);
        CHECK_FAILS(get_vector, "the vector at byte");
    }
    set(&w, places.numbers, room / 4, 4);
    CHECK(fb_vector(&fb, t, NUMBERS, 4).n == room / 4);

    set(&w, places.string, 6, 4); /* one more than the 0 byte that ends the file */
    CHECK_FAILS(get_string, "the vector at byte");
    set(&w, places.string, 5, 4);
    CHECK_TEXT(fb_string(&fb, t, STRING), "name?");
    set(&w, places.table_ref, 0xfffffff0, 4);
    CHECK_FAILS(get_table, "the offset of a table at byte");
}

/* Reading the same vector again and again comes to an end. */
static void test_budget(void)
{
    begin_test();
    write_example();
    t = open_example();
    size_t reads = 0;
    while (*refusal(get_vector) == '\0' && reads < SIZE_MAX)
        reads++;
    CHECK(strstr(error, "share vectors so often") != NULL);
    CHECK(12 * reads > w.n && 12 * reads <= 2 * w.n + (1 << 20));
    CHECK(fb_data(&fb, t, STRING).n == 4); /* not charged */
}

/* Reads everything of the example; whether it may is decided by the reader. */
static void read_all(const uint8_t *bytes, size_t n)
{
    t = fb_open(&fb, &ctx, bytes, n, "TEST");
    for (int f = 0; f < TABLE; f++)
        fb_u64(&fb, t, f == U64 ? f : 1000, fb_u8(&fb, t, f, 0));
    fb_i32(&fb, fb_table(&fb, t, TABLE), 0, 0);
    fb_string(&fb, t, STRING);
    struct fb_vector v = fb_vector(&fb, t, NUMBERS, 4);
    for (size_t i = 0; i < v.n; i++)
        fb_i32_at(&fb, v, i);
    v = fb_vector(&fb, t, TABLES, 4);
    for (size_t i = 0; i < v.n; i++)
        fb_i32(&fb, fb_table_at(&fb, v, i), 0, 0);
}

/* In memory that ends where the file ends, so that a sanitizer sees every byte too many. */
static bool reads_exact(size_t n)
{
    begin_test();
    uint8_t *volatile exact = malloc(n ? n : 1);
    if (!exact)
        abort();
    memcpy(exact, w.at, n);
    if (setjmp(recover) == 0)
        read_all(exact, n);
    free(exact);
    CHECK(error[0] == '\0' || strncmp(error, "f: ", 3) == 0);
    return error[0] == '\0';
}

static void test_damaged(void)
{
    write_example();
    for (size_t n = 0; n + 1 < w.n; n++) /* the last byte, which ends the string, is not needed */
        CHECK(!reads_exact(n));
    CHECK(reads_exact(w.n));

    const uint8_t values[] = {0, 1, 3, 0x7f, 0x80, 0xff};
    int n_read = 0;
    for (size_t at = 0; at < w.n; at++)
        for (size_t i = 0; i < sizeof values; i++) {
            write_example();
            w.at[at] = values[i];
            n_read += reads_exact(w.n);
        }
    CHECK(n_read > 0 && (size_t)n_read < w.n * sizeof values);
}

int main(void)
{
    test_reads();
    test_strings();
    test_absent();
    test_refuses_files();
    test_refuses_tables();
    test_refuses_fields();
    test_refuses_vectors();
    test_budget();
    test_damaged();
    arena_free(ctx.arena);
    return checks_end();
}
