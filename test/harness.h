/* SPDX-License-Identifier: Apache-2.0 */
/* harness.h - what every C test uses: CHECK, CHECK_TEXT, and the closing line. */
#ifndef MICA_TEST_HARNESS_H
#define MICA_TEST_HARNESS_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int checks_passed, checks_failed;

/* Counts a check; says where and what when it does not hold. */
#define CHECK(condition)                   \
    ((condition) ? (void)checks_passed++   \
                 : (void)(checks_failed++, \
                          printf("%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition)))

/* Compares two strings and shows both when they differ. */
#define CHECK_TEXT(got, want) check_text(__FILE__, __LINE__, (got), (want))

static inline void check_text(const char *file, int line, const char *got, const char *want)
{
    if (!strcmp(got, want)) {
        checks_passed++;
        return;
    }
    checks_failed++;
    printf("%s:%d: got\n%s\nbut expected\n%s\n", file, line, got, want);
}

/* The closing line; what main() returns. */
static inline int checks_end(void)
{
    printf("%d passed, %d failed\n", checks_passed, checks_failed);
    return checks_failed != 0;
}

#endif
