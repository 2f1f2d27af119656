/* SPDX-License-Identifier: Apache-2.0 */
/* report.h - texts about a program: for people, and as JSON. */
#ifndef MICA_REPORT_REPORT_H
#define MICA_REPORT_REPORT_H

#include "ir.h"

void report_text(struct text *, const struct ctx *); /* `mica inspect` */
void report_json(struct text *, const struct ctx *);
void report_operators(struct text *);                /* `mica operators` */
void report_ways(struct text *, const struct ctx *); /* why each layer got its kernel */
void report_ways_json(struct text *, const struct ctx *);
/* The memory of a row schedule: its peak and what is made whole; each line begins with `margin`. */
void report_rows(struct text *, const struct ctx *, const char *margin);
void report_rows_json(struct text *, const struct ctx *);
/* The list "memory": for each tensor its rows, each [offset, bytes, first turn, last turn]. */
void report_rows_memory(struct text *, const struct program *);
void report_json_string(struct text *, const char *); /* with its quotes */
/* What a stream keeps of each tensor, and what it computes anew with each hop. */
void report_stream(struct text *, const struct ctx *, const char *margin);
void report_stream_json(struct text *, const struct ctx *);
/* One sentence on the channels that were taken out, without a line's end; false: none were. */
bool report_channels(struct text *, const struct ctx *);
void report_layer(const struct program *, int step, struct mica_layer *);

#endif
