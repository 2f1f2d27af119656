#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Classical models: Mica beside its peers, against the saved figures.

    classical.py                measure Mica's column and compare it with the saved one
    classical.py --update       save it instead, as new budgets, and write docs/classical.md
    classical.py --page         only write the page

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
        write_page(saved)
        return 0
    names = words.models.split(",")
    figures, refused = measure_all(names)
    fingerprints = {name: prepared(name)[0].fingerprint for name in names}
    grew, other = growth(saved["figures"], figures)
    wrong = unfaithful(figures)
    lost = {cell: reason for cell, reason in refused.items() if cell not in saved.get("refused", {})}
    for line in other:
        print(line)
    for line in grew:
        print(f"GREW {line}")
    for line in wrong:
        print(f"WRONG {line}")
    for cell, reason in lost.items():
        print(f"REFUSED {cell}: {reason}")
    print(f"{len(figures)} measured: {len(grew)} figures grew, {len(other)} shrank or are new")
    if words.update:
        save_budgets(figures, refused, fingerprints)
        write_page(load_budgets())
    elif grew or other:
        print("the page shows the saved figures: --update saves these")
    return 1 if wrong or ((grew or lost) and not words.update) else 0


if __name__ == "__main__":
    sys.exit(main())
