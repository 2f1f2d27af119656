/* SPDX-License-Identifier: Apache-2.0 */
/* channels.c - the sentence on what the removal of channels saved. */
#include <inttypes.h>

#include "report/report.h"

bool report_channels(struct text *out, const struct ctx *compiled)
{
    const struct channel_figures *f = &compiled->channels;
    if (f->weights_left == f->weights || !f->macs)
        return false;
    text_add(out,
             "%.1f %% of this model's weights are zero; %.1f %% of its MACs removed (%" PRId64
             " -> %" PRId64 ")",
             100.0 * (double)f->zero_weights / (double)f->weights,
             100.0 * (double)(f->macs - f->macs_left) / (double)f->macs, f->macs, f->macs_left);
    return true;
}
