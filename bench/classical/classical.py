#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Classical models: Mica beside its peers, against the saved figures.

    classical.py                measure Mica's column and compare it with the saved one
    classical.py --update       save it instead, as new budgets, and write what shows the figures:
                                docs/classical.md, docs/coming-from.md, pages of the examples
    classical.py --page         only write the page

The peers' column is what bench/classical/peers.py saved; it changes with their versions only.
Fails where a figure grew, and where an answer is not the estimator's.
"""

from __future__ import annotations

import argparse
import sys

import coming_from
from examples import refresh_pages
from models import NAMES
from ours import (
    fingerprint,
    growth,
    load_budgets,
    measure_all,
    save_budgets,
    unfaithful,
)
from side_by_side import write_page


def main() -> int:
    """Measures, compares, writes."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--update", action="store_true", help="save the figures as new budgets")
    parser.add_argument("--page", action="store_true", help="only write the page")
    parser.add_argument("--models", default=",".join(NAMES), help="with commas")
    words = parser.parse_args()
    saved = load_budgets()
    if words.page:
        write_page(saved)
        return 0
    grew, other, wrong, lost = [], [], [], []
    for name in words.models.split(","):
        figures, refused = measure_all([name])
        larger, smaller = growth(saved["figures"], figures)
        grew += larger
        other += smaller
        wrong += unfaithful(figures)
        lost += [f"{cell}: {why}" for cell, why in refused.items() if cell not in saved["refused"]]
        if words.update:
            save_budgets(figures, refused, {name: fingerprint(name)})
    for title, lines in (("", other), ("GREW ", grew), ("WRONG ", wrong), ("REFUSED ", lost)):
        for line in lines:
            print(title + line)
    print(f"{len(grew)} figures grew, {len(other)} shrank or are new")
    if words.update:
        write_page(load_budgets())
        coming_from.measure_mica()
        coming_from.write_tables()
        refresh_pages()
    elif grew or other:
        print("the page shows the saved figures: --update saves these")
    return 1 if wrong or ((grew or lost) and not words.update) else 0


if __name__ == "__main__":
    sys.exit(main())
