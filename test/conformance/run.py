# SPDX-License-Identifier: Apache-2.0
"""The command line: `python -m conformance.run`, from the folder test/."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from .case import Spec
from .cases import all_specs, sampled_specs, spec_by_name
from .emit import emit
from .report import document, summary
from .worker import Outcome, Pool

REPOSITORY = Path(__file__).resolve().parents[2]
DEFAULT_MICA = REPOSITORY / "build" / "mica"
SAMPLE = 800
COMMAND = "cd test && ../.venv/bin/python -m conformance.run --all --write-docs"


def arguments(argv: list[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="conformance.run", description=__doc__)
    parser.add_argument("--mica", type=Path, default=DEFAULT_MICA, help="the command to test")
    parser.add_argument("--oracles", action="store_true", help="run the oracles only")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--all", action="store_true", help="run every case")
    which.add_argument("--sample", type=int, default=SAMPLE, metavar="K", help="about K cases")
    which.add_argument("--case", action="append", metavar="NAME", help="run this case")
    parser.add_argument("--operator", action="append", metavar="OP", help="only this operator")
    parser.add_argument("--type", action="append", metavar="TYPE", help="only this type")
    parser.add_argument("--profile", action="append", choices=("tflm", "litert"))
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--failures", type=int, default=40, metavar="N", help="print at most N")
    parser.add_argument(
        "--write-docs",
        type=Path,
        nargs="?",
        const=REPOSITORY / "docs" / "conformance.md",
        metavar="FILE",
        help="write the page of a complete run",
    )
    parser.add_argument(
        "--emit",
        nargs=2,
        metavar=("DIR", "N"),
        help="write the first N cases of each operator and type that its oracle takes",
    )
    chosen = parser.parse_args(argv)
    narrowed = not chosen.all or chosen.operator or chosen.type or chosen.profile
    if chosen.write_docs and (narrowed or chosen.oracles):
        parser.error("--write-docs needs --all, and neither --oracles nor a selection")
    if not chosen.oracles and not chosen.emit and not chosen.mica.is_file():
        parser.error(f"{chosen.mica} does not exist: build it, or give --mica or --oracles")
    return chosen


def selected(chosen: argparse.Namespace) -> list[Spec]:
    """The cases that the command line asks for."""
    if chosen.case:
        return [spec_by_name(name) for name in chosen.case]
    specs = all_specs() if chosen.all or chosen.emit else sampled_specs(chosen.sample)
    if chosen.operator:
        specs = [spec for spec in specs if spec.operator in chosen.operator]
    if chosen.type:
        specs = [spec for spec in specs if spec.type in chosen.type]
    return specs


def run(specs: list[Spec], chosen: argparse.Namespace) -> list[Outcome]:
    """Run the cases and print failures as they come, the first N of them in full."""
    pool = Pool(chosen.jobs, None if chosen.oracles else chosen.mica.resolve())
    outcomes: list[Outcome] = []
    failures = 0
    for outcome in pool.run(specs, chosen.profile or ("tflm", "litert")):
        outcomes.append(outcome)
        failures += outcome.failed
        if outcome.failed and failures <= chosen.failures:
            print(outcome.line(), flush=True)
    pool.close()
    return outcomes


def main(argv: list[str]) -> int:
    """Return 0 if nothing failed."""
    chosen = arguments(argv)
    specs = selected(chosen)
    if chosen.emit:
        folder, count = Path(chosen.emit[0]), int(chosen.emit[1])
        print(f"{emit(specs, folder, count)} cases in {folder}")
        return 0
    start = time.monotonic()
    outcomes = run(specs, chosen)
    print(summary(outcomes))
    print(f"{time.monotonic() - start:.1f} s")
    if chosen.write_docs:
        chosen.write_docs.write_text(document(outcomes, COMMAND))
    return 1 if any(outcome.failed for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
