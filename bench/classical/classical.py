#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Classical models: Mica beside its peers, against the saved figures.

    classical.py                measure Mica's column, compare, write docs/classical.md
    classical.py --update       the same, and save what was measured as the new budgets
    classical.py --page         only write the page, from the saved figures

The peers' column is what bench/classical/peers.py saved; it changes with their versions only.
Fails where a figure grew, and where an answer is not the estimator's.
"""

from __future__ import annotations

import argparse
import sys

from models import NAMES
from ours import growth, load_budgets, measure_all, prepared, save_budgets, unfaithful, versions
from page import write_page


def main() -> int:
    """Measures, compares, writes."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--update", action="store_true", help="save the figures as new budgets")
    parser.add_argument("--page", action="store_true", help="only write the page")
    parser.add_argument("--models", default=",".join(NAMES), help="with commas")
    words = parser.parse_args()
    saved = load_budgets()
    if words.page:
        write_page(saved["figures"], saved["compilers"], saved["fingerprints"])
        return 0
    names = words.models.split(",")
    figures, refused = measure_all(names)
    fingerprints = {name: prepared(name)[0].fingerprint for name in names}
    grew, other = growth(saved["figures"], figures)
    wrong = unfaithful(figures)
    for line in other:
        print(line)
    for line in grew:
        print(f"GREW {line}")
    for line in wrong:
        print(f"WRONG {line}")
    for cell, reason in refused.items():
        print(f"REFUSED {cell}: {reason}")
    print(f"{len(figures)} measured: {len(grew)} figures grew, {len(other)} shrank or are new")
    if words.update:
        save_budgets(figures, fingerprints)
    write_page({**saved["figures"], **figures}, versions(),
               {**saved["fingerprints"], **fingerprints})
    return 1 if wrong or refused or (grew and not words.update) else 0


if __name__ == "__main__":
    sys.exit(main())
