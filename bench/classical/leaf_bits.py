#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What rounded leaves save and what they give up, as the table of docs/models.md.

    PYTHONPATH=build/package bench/classical/leaf_bits.py [MODEL ...]

Flash is that of predict on Cortex-M4F at `size`, with the promise of no NaN. Rows are made to be
hard: columns drawn one by one from the training rows, a quarter of the rows uniform beyond their
range, and a quarter of those numbers rounded.
"""

from __future__ import annotations

import sys

import mica
import models
import numpy as np

NAMES = ("digits-gb30", "digits-hgb30", "digits-xgb30", "digits-lgbm30", "cancer-xgb30",
         "diabetes-gb50", "diabetes-rf10")  # fmt: skip
BITS = (8, 12, 16, 24)
ROWS = 20_000


def hard_rows(train: models.Array) -> models.Array:
    """Rows unlike those of training, of numbers like theirs and beyond."""
    draw = np.random.default_rng(1)
    low, high = train.min(axis=0), train.max(axis=0)
    rows = train[draw.integers(0, len(train), (ROWS, train.shape[1])), np.arange(train.shape[1])]
    rows[: ROWS // 2] = draw.uniform(low - 1, high + 1, (ROWS // 2, train.shape[1]))
    rows[: ROWS // 4] = np.rint(rows[: ROWS // 4])
    return rows.astype(np.float32)


def flash(model: mica.Model) -> str:
    """Bytes of predict."""
    return f"{model.cost('cortex-m4f', functions=['predict']).total['predict']['flash_bytes']:,}"


def cells(case: models.Case, rows: models.Array, bits: int) -> str:
    """Bytes, and what is given up."""
    model = mica.convert(case.estimator, optimize="size", finite=True, leaf_bits=bits)
    model.check(case.estimator, case.test)
    found = model.check(case.estimator, rows)
    if found.undecided is None:
        return f"{flash(model)} / {found.off['predict']:.1g}"
    return f"{flash(model)} / {found.undecided:,}, {found.changed}"


def main() -> int:
    """Prints a line for each model."""
    print("| model | all bits | " + " | ".join(f"{n} bits" for n in BITS) + " |")
    print("|---|--:|" + "--:|" * len(BITS))
    for name in sys.argv[1:] or NAMES:
        case = models.load(name)
        rows = hard_rows(case.train)
        exact = mica.convert(case.estimator, optimize="size", finite=True)
        line = " | ".join(cells(case, rows, bits) for bits in BITS)
        print(f"| {name} | {flash(exact)} | {line} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
