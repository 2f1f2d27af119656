# SPDX-License-Identifier: Apache-2.0
"""Nothing takes more instructions or bytes than bench/budgets.json allows.

`make bench` shows what changed; `bench/bench.py --update` saves new figures.
"""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

import pytest

from support import ALL, MICA, REPOSITORY, need_version

QUICK = ("cortex-m0", "cortex-m4", "rv32imc", "avr")


def load_bench() -> ModuleType:
    """bench/bench.py as a module."""
    spec = importlib.util.spec_from_file_location("bench", REPOSITORY / "bench" / "bench.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["bench"] = module
    spec.loader.exec_module(module)
    module.MICA = MICA
    return module


bench = load_bench()
SAVED = bench.load()
CELLS = [
    cell
    for cell in SAVED["figures"]
    if ALL or (cell.startswith("digits ") and cell.split()[1] in QUICK)
]


def compiler_of(core: str) -> str:
    """The cross compiler that a core's figures depend on."""
    return {"rv32imc": "riscv64-unknown-elf-gcc", "avr": "avr-gcc"}.get(core, "arm-none-eabi-gcc")


@pytest.mark.parametrize("cell", CELLS)
def test_nothing_grew(cell: str) -> None:
    """The exact figures of one model on one core for one objective."""
    model, core, _ = cell.split()
    if not bench.PATHS[model].is_file():
        pytest.skip(f"reference model {model} is not here (MICA_MODELS={bench.MODELS})")
    compiler = compiler_of(core)
    need_version(compiler, bench.versions().get(compiler), SAVED["compilers"].get(compiler))
    _, figures, reason = bench.measure(cell)
    assert figures is not None, reason
    grew, _ = bench.compare(SAVED["figures"], {cell: figures})
    assert not grew, "\n".join(grew)


def test_growth_is_seen() -> None:
    """One instruction or byte more is growth; one less is not; cycles count on avr only."""
    old = {"a cortex-m4 size": {"instructions": 10, "code_bytes": 5, "cycles": 20}}
    more = {"a cortex-m4 size": {"instructions": 11, "code_bytes": 5, "cycles": 20}}
    less = {"a cortex-m4 size": {"instructions": 10, "code_bytes": 4, "cycles": 30}}
    assert bench.compare(old, more)[0] == [
        "a cortex-m4 size: instructions 10 -> 11 (+10.00 %)"
    ]
    assert bench.compare(old, less) == ([], ["a cortex-m4 size: code_bytes 5 -> 4 (-20.00 %)"])
    assert bench.compare({"a avr size": {"cycles": 20}}, {"a avr size": {"cycles": 21}})[0]
