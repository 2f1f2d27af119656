#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Instructions and bytes of the models on every core, against the saved figures.

    bench.py            measure, show what changed, write docs/benchmarks.md; fails on growth
    bench.py --update   the same, and save what was measured as the new budgets

Instructions and bytes are exact, so any growth is real. They depend on the cross compilers, whose
versions are saved with them. The reference models are measured where they are (MICA_MODELS).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
from page import write_page  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
MICA = Path(os.environ.get("MICA", ROOT / "build" / "mica"))
MODELS = Path(os.environ.get("MICA_MODELS", ROOT.parent / "shared" / "models"))
BUDGETS = ROOT / "bench" / "budgets.json"
PAGE = ROOT / "docs" / "benchmarks.md"

PATHS = {
    "digits": ROOT / "examples/digits/digits.tflite",
    "kws": MODELS / "mlperf-tiny/kws_dscnn_int8.tflite",
    "ic": MODELS / "mlperf-tiny/ic_resnet8_int8.tflite",
    "vww": MODELS / "mlperf-tiny/vww_mobilenet_int8.tflite",
    "ad": MODELS / "mlperf-tiny/ad_autoencoder_int8.tflite",
    "sww": MODELS / "mlperf-tiny/sww_dscnn1d_int8.tflite",
}
CORES = (
    "cortex-m0 cortex-m0plus cortex-m3 cortex-m4 cortex-m4f cortex-m7 cortex-m33 cortex-m55 "
    "rv32imc avr"
).split()
FIT_AVR = ("digits",)  # 8 KB of RAM; the others leave no room for the stack
OBJECTIVES = ("speed", "balanced", "size", "ram")
COMPILERS = ("arm-none-eabi-gcc", "riscv64-unknown-elf-gcc", "avr-gcc")
# What must not grow. Stack is the bound; cycles are estimates, so instructions stand for them.
BUDGETED = (
    "instructions",
    "code_bytes",
    "weight_bytes",
    "table_bytes",
    "scratch_bytes",
    "state_bytes",
    "stack_bound_bytes",
)
FIGURES = (*BUDGETED, "cycles", "macs", "io_bytes", "stack_bytes")

Figures = dict[str, int]


def versions() -> dict[str, str]:
    """The versions of the cross compilers that are installed."""
    found = {}
    for compiler in COMPILERS:
        try:
            done = subprocess.run(
                [compiler, "-dumpfullversion", "-dumpversion"],
                capture_output=True,
                text=True,
                check=True,
            )
        except (FileNotFoundError, subprocess.CalledProcessError):
            continue
        found[compiler] = done.stdout.strip() or "unknown"
    return found


def cells(wanted: list[str], cores: list[str], objectives: list[str]) -> list[str]:
    """The names of what can be measured: "model core objective"."""
    return [
        f"{model} {core} {objective}"
        for model in wanted
        if PATHS[model].is_file()
        for core in cores
        if core != "avr" or model in FIT_AVR
        for objective in objectives
    ]


def measure(cell: str) -> tuple[str, Figures | None, str]:
    """One call of `mica cost`: its totals, or why there are none."""
    model, core, objective = cell.split()
    command = [MICA, "cost", PATHS[model], "--target", core, "--optimize", objective, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return cell, None, done.stderr.strip().split("\n")[0]
    total: dict[str, Any] = json.loads(done.stdout)[0]["total"]
    return cell, {name: total[name] for name in FIGURES if total[name] is not None}, ""


def measure_all(names: list[str], jobs: int = 2) -> tuple[dict[str, Figures], dict[str, str]]:
    """All cells, two at a time; and the reasons of those that were refused."""
    figures, refused = {}, {}
    with ThreadPoolExecutor(jobs) as pool:
        for cell, total, reason in pool.map(measure, names):
            if total is None:
                refused[cell] = reason
            else:
                figures[cell] = total
    return figures, refused


def compare(saved: dict[str, Figures], now: dict[str, Figures]) -> tuple[list[str], list[str]]:
    """Lines about what grew, and about what shrank or is new. Cycles are compared on avr only."""
    grew, other = [], []
    for cell, figures in now.items():
        if cell not in saved:
            other.append(f"{cell}: new")
            continue
        counted = BUDGETED if "instructions" in figures else (*BUDGETED, "cycles")
        for name in counted:
            old, new = saved[cell].get(name), figures.get(name)
            if old is None or new is None or old == new:
                continue
            change = f"{100 * (new - old) / old:+.2f} %" if old else "from nothing"
            line = f"{cell}: {name} {old:,} -> {new:,} ({change})"
            (grew if new > old else other).append(line)
    return grew, other


def load() -> dict[str, Any]:
    """The saved figures; empty where nothing was saved yet."""
    if not BUDGETS.is_file():
        return {"compilers": {}, "figures": {}}
    return json.loads(BUDGETS.read_text())


def save(figures: dict[str, Figures], lost: list[str]) -> None:
    """Writes the budgets, one cell a line; what was not measured now keeps its figures."""
    kept = {cell: old for cell, old in load()["figures"].items() if cell not in lost}
    kept.update(figures)
    lines = ",\n".join(f"    {json.dumps(cell)}: {json.dumps(kept[cell])}" for cell in sorted(kept))
    compilers = json.dumps(versions())
    BUDGETS.write_text(f'{{\n  "compilers": {compilers},\n  "figures": {{\n{lines}\n  }}\n}}\n')


def main() -> int:
    """Measures, compares, writes; 1 where something grew and was not to be saved."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--update", action="store_true", help="save the figures as new budgets")
    parser.add_argument("--models", default=",".join(PATHS), help="with commas")
    parser.add_argument("--cores", default=",".join(CORES), help="with commas")
    parser.add_argument("--objectives", default=",".join(OBJECTIVES), help="with commas")
    words = parser.parse_args()
    names = cells(words.models.split(","), words.cores.split(","), words.objectives.split(","))
    saved = load()
    figures, refused = measure_all(names)
    for cell, reason in refused.items():
        print(f"{cell}: not measured: {reason}")
    grew, other = compare(saved["figures"], figures)
    lost = [cell for cell in refused if cell in saved["figures"]]
    for line in other:
        print(line)
    for line in grew:
        print(f"GREW {line}")
    for cell in lost:
        print(f"LOST {cell}: {refused[cell]}")
    print(f"{len(figures)} measured: {len(grew)} figures grew, {len(other)} shrank or are new")
    if words.update:
        save(figures, lost)
    if all(path.is_file() for path in PATHS.values()):
        write_page(PAGE, {**saved["figures"], **figures}, CORES, versions())
        print(f"wrote {PAGE.relative_to(ROOT)}")
    else:
        print("the reference models are not here: docs/benchmarks.md stays as it is")
    if saved["compilers"] and saved["compilers"] != versions():
        print(f"other compilers than those of the budgets: {versions()}")
    return 1 if (grew or lost) and not words.update else 0


if __name__ == "__main__":
    sys.exit(main())
