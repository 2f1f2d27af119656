# SPDX-License-Identifier: Apache-2.0
"""Mica's figures for the classical models, and the saved ones that they must not exceed."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any, Sequence

import numpy as np

HERE = Path(__file__).resolve().parent
# The package of this tree goes before one that is installed.
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parents[1] / "build" / "package")]
from bench import MICA, ROOT, versions  # noqa: E402
from models import NAMES, Case, compare, load  # noqa: E402

BUDGETS = ROOT / "bench" / "classical_budgets.json"
FOLDER = ROOT / "build" / "classical"
CORES = {"cortex-m4f": ("size", "speed"), "cortex-m0": ("size", "speed"), "avr": ("size",)}
# What must not grow: exact counts, and the bound of the stack. Cycles are counted on avr only.
BUDGETED = ("instructions", "cycles", "flash_bytes", "static_bytes", "stack_bound_bytes")

Figures = dict[str, Any]


class Refused(Exception):
    """The command's message."""


def command(*words: Any) -> str:
    """What `mica` prints, or its message as an exception."""
    done = subprocess.run([str(MICA), *map(str, words)], capture_output=True, text=True,
                          check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().split("\n")[0]
        raise Refused(said.removeprefix("mica: ").split(".model: ")[-1])
    return done.stdout


def cells(names: Sequence[str]) -> list[str]:
    """What is measured: "model core objective"."""
    return [f"{name} {core} {objective}"
            for name in names for core, objectives in CORES.items() for objective in objectives]


@lru_cache(maxsize=None)
def fitted(name: str) -> Case:
    """The case, fitted once."""
    return load(name)


def fingerprint(name: str) -> str:
    """Of the estimator's answers here."""
    return fitted(name).fingerprint


@lru_cache(maxsize=None)
def prepared(name: str) -> tuple[Case, Path, Path]:
    """The case, the file that the package makes of its estimator, and its test rows."""
    import mica

    case = fitted(name)
    FOLDER.mkdir(parents=True, exist_ok=True)
    model, rows = FOLDER / f"{name}.model", FOLDER / f"{name}.npy"
    try:
        model.write_bytes(mica.convert(case.estimator, name="model").data)
    except mica.Error as error:
        raise Refused(str(error)) from None
    np.save(rows, case.test.astype(np.float32)[:, None, :])
    return case, model, rows


def measure(cell: str) -> tuple[str, Figures | None, str]:
    """Cost of predict(), the mean over the test rows, and its answers to them on the core."""
    name, core, objective = cell.split()
    case, model, rows = prepared(name)
    how = ["--target", core, "--optimize", objective, "--functions", "predict", "--input", rows]
    how += ["--finite"]
    answers = FOLDER / f"{cell.replace(' ', '-')}.npy"
    try:
        total = json.loads(command("cost", model, "--json", *how))[0]["total"]
        command("run", model, *how, "--output", answers)
    except Refused as reason:
        return cell, None, str(reason)
    figures = {key: total[key] for key in (*BUDGETED, "stack_bytes") if total.get(key) is not None}
    if core != "avr":
        figures.pop("cycles", None)
    got = np.load(answers).reshape(len(case.test))
    return cell, {**figures, **compare(case, got, case.answers)}, ""


def measure_all(names: Sequence[str], jobs: int = 2) -> tuple[dict[str, Any], dict[str, str]]:
    """All cells, two at a time; and the reasons of those that were refused."""
    found: dict[str, Any] = {}
    refused: dict[str, str] = {}
    wanted = []
    for name in names:
        try:
            prepared(name)
            wanted += cells([name])
        except Refused as reason:
            refused.update({cell: str(reason) for cell in cells([name])})
    with ThreadPoolExecutor(jobs) as pool:
        for cell, figures, reason in pool.map(measure, wanted):
            if figures is None:
                refused[cell] = reason
            else:
                found[cell] = figures
            print(f"{cell}: {reason or shown(found[cell])}", flush=True)
    return found, refused


def shown(figures: dict[str, Any]) -> str:
    """A line about one cell."""
    work = (f"{figures['instructions']:,} instructions" if "instructions" in figures
            else f"{figures['cycles']:,} cycles")
    right = (f"{figures['agree']} of {figures['rows']} labels" if "agree" in figures
             else f"largest error {figures['max_error']}")
    return f"{figures['flash_bytes']:,} bytes, {work}, {right}"


def growth(saved: dict[str, Figures], now: dict[str, Figures]) -> tuple[list[str], list[str]]:
    """Lines about what grew, and about what shrank or is new."""
    grew, other = [], []
    for cell, figures in now.items():
        if cell not in saved:
            other.append(f"{cell}: new")
        for name in BUDGETED:
            old, new = saved.get(cell, {}).get(name), figures.get(name)
            if old is not None and new is not None and old != new:
                (grew if new > old else other).append(f"{cell}: {name} {old:,} -> {new:,}")
    return grew, other


def load_budgets() -> dict[str, Any]:
    """The saved figures; empty where nothing was saved yet."""
    if not BUDGETS.is_file():
        return {"compilers": {}, "fingerprints": {}, "refused": {}, "figures": {}}
    return json.loads(BUDGETS.read_text())


def save_budgets(
    figures: dict[str, Figures], refused: dict[str, str], fingerprints: dict[str, str]
) -> None:
    """One cell a line; what was not measured now stays as it is."""
    old = load_budgets()
    known = set(cells(NAMES))
    kept = {cell: found for cell, found in {**old["figures"], **figures}.items()
            if cell in known and cell not in refused}
    reasons = {cell: reason for cell, reason in {**old["refused"], **refused}.items()
               if cell in known and cell not in figures}
    lines = ",\n".join(f"    {json.dumps(cell)}: {json.dumps(kept[cell])}" for cell in sorted(kept))
    names = json.dumps({**old["fingerprints"], **fingerprints}, sort_keys=True)
    BUDGETS.write_text(
        f'{{\n  "compilers": {json.dumps(versions())},\n  "fingerprints": {names},\n'
        f'  "refused": {json.dumps(reasons, sort_keys=True)},\n'
        f'  "figures": {{\n{lines}\n  }}\n}}\n')


def unfaithful(figures: dict[str, Any]) -> list[str]:
    """Cells whose answers are not the estimator's; nothing excuses one."""
    return [f"{cell}: {shown(found)}" for cell, found in figures.items() if not found["faithful"]]
