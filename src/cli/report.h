/* SPDX-License-Identifier: Apache-2.0 */
/* report.h - the figures of `mica cost` as a page. */
#ifndef MICA_CLI_REPORT_H
#define MICA_CLI_REPORT_H

#include "cli/cost.h"

/* Writes one HTML file that needs no other; the entries are measured. mhz 0: no clock was given.
 * 0, or the exit status after a message. */
int report_write(const char *path, const struct cost_entry *, int n, double mhz);

#endif
