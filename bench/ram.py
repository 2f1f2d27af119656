#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""RAM of the models by form of interface, as the table of README.md.

    ram.py            print the table; code and stack are measured on an emulated Cortex-M4
    ram.py --check    only the RAM, against the table in README.md

RAM is scratch or state with inputs and outputs inside, and without stack. The reference models are
taken from where they are (MICA_MODELS); those that are absent have no row.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import MICA, PATHS, ROOT

CORE = "cortex-m4"
TITLES = {
    "digits": "handwritten digits (examples/digits)",
    "kws": "keyword spotting (DS-CNN)",
    "ic": "image classification (ResNet-8)",
    "vww": "visual wake words (MobileNet)",
    "ad": "anomaly detection (autoencoder)",
    "sww": "streaming wake word (1-D DS-CNN)",
}
FORMS = (
    ("--optimize", "size", "--share-io"),
    ("--optimize", "ram"),
    ("--optimize", "ram", "--by-row"),
    ("--stream", "1", "--optimize", "size"),
)
HEAD = (
    "| int8 model | weights and tables | RAM: whole tensors | rows | input by row | streamed "
    "| code: whole, rows | stack: whole, rows |\n|---|--:|--:|--:|--:|--:|--:|--:|"
)


def ram(model: Path, form: tuple[str, ...]) -> int | None:
    """The bytes that the generated header states; None where the form does not suit the model."""
    with tempfile.TemporaryDirectory() as folder:
        words = [MICA, "compile", model, "-o", folder, "--name", "model", "--target", CORE, *form]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            return None
        header = (Path(folder) / "model.h").read_text()
    (found,) = re.findall(r"^#define MODEL_(?:SCRATCH|STATE)_BYTES (\d+)", header, re.M)
    return int(found)


def measured(model: Path, form: tuple[str, ...]) -> dict[str, int]:
    """What `mica cost` says of the whole model."""
    words = [MICA, "cost", model, "--target", CORE, "--json", *form]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    total: dict[str, int] = json.loads(done.stdout)[0]["total"]
    return total


def shown(number: int | None) -> str:
    """With commas; a dash where there is none."""
    return "-" if number is None else f"{number:,}"


def memory_cells(name: str) -> str:
    """The four columns of RAM."""
    return " | ".join(shown(ram(PATHS[name], form)) for form in FORMS)


def row(name: str) -> str:
    """The table's line of one model."""
    whole, rows = (measured(PATHS[name], form) for form in FORMS[:2])
    constants = whole["weight_bytes"] + whole["table_bytes"]
    code = f"{shown(whole['code_bytes'])}, {shown(rows['code_bytes'])}"
    stack = f"{shown(whole['stack_bytes'])}, {shown(rows['stack_bytes'])}"
    return f"| {TITLES[name]} | {shown(constants)} | {memory_cells(name)} | {code} | {stack} |"


def check(names: list[str]) -> int:
    """Compare the RAM of every model with the page."""
    page = (ROOT / "README.md").read_text()
    wrong = 0
    for name in names:
        cells = memory_cells(name)
        (line,) = (text for text in page.splitlines() if text.startswith(f"| {TITLES[name]} |"))
        if f" | {cells} | " not in line:
            print(f"{name}: README.md has {line}; its RAM is {cells}")
            wrong = 1
    return wrong


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="The table of RAM in README.md.")
    parser.add_argument("--check", action="store_true", help="compare README.md with the code")
    names = [name for name, path in PATHS.items() if path.is_file()]
    if parser.parse_args().check:
        return check(names)
    print("\n".join([HEAD, *(row(name) for name in names)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
