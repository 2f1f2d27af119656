/* SPDX-License-Identifier: Apache-2.0 */
/* scan.h - words, names and numbers of the text form. Spaces and comments between them are
 * skipped; whatever is not as expected fails the compilation with its line. */
#ifndef MICA_TEXT_SCAN_H
#define MICA_TEXT_SCAN_H

#include "text/form.h"

enum { WORD_ROOM = 64 };

struct scan {
    struct ctx *ctx;
    const char *text;
    size_t n, at;
    size_t line;
};

/* Fails with "line N: message". */
_Noreturn void scan_fail(const struct scan *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Fails with "line N: expected WHAT, found ..." and the word that is next. */
_Noreturn void scan_expected(struct scan *, const char *what);

bool scan_at_end(struct scan *);      /* of the text; skips empty lines */
bool scan_at_line_end(struct scan *); /* or the end of the text */
void scan_line_end(struct scan *);    /* the line must end here */
bool scan_peek(struct scan *, char c);
bool scan_symbol(struct scan *, char c); /* takes c if it is next in this line */
void scan_need(struct scan *, char c);   /* c must be next */
bool scan_accept(struct scan *, const char *word);

/* The next word: letters, digits and signs up to a space, a bracket, = : , # or a quote. */
void scan_word(struct scan *, char word[WORD_ROOM], const char *what);
const char *scan_name(struct scan *); /* a quoted string, without its quotes and escapes */
int64_t scan_int(struct scan *, const char *what, int64_t least, int64_t most);
/* Reads one number of this form into element i of `data`. */
void scan_element(struct scan *, enum dtype, void *data, int64_t i);

/* Lists may go over lines: scan_need('['), then while (scan_more()) one item at a time. Takes the
 * closing bracket when it returns false. */
bool scan_more(struct scan *);
/* How many items the rest of the text could hold, at least a digit and a space each: what is
 * allocated before reading stays in proportion to the text. */
int64_t scan_items_max(const struct scan *);

#endif
