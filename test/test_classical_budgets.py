# SPDX-License-Identifier: Apache-2.0
"""Classical models: nothing grows, every answer is the estimator's, and the page says so.

`make bench-classical` shows what changed; `bench/classical/classical.py --update` saves figures.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

import pytest

from support import ALL, MICA, REPOSITORY, need_version

pytest.importorskip("sklearn")
FOLDER = REPOSITORY / "bench" / "classical"
QUICK = ("binary-rf10", "cancer-rf10", "diabetes-linreg")


def load(name: str) -> ModuleType:
    """A module of bench/classical."""
    if str(FOLDER) not in sys.path:
        sys.path.insert(0, str(FOLDER))
    return importlib.import_module(name)


ours, page, models = load("ours"), load("side_by_side"), load("models")
ours.MICA = MICA
SAVED = ours.load_budgets()
COMPILERS = {"avr": "avr-gcc"}
CELLS = [cell for cell in SAVED["figures"] if ALL or cell.split()[0] in QUICK]


@pytest.mark.parametrize("cell", CELLS)
def test_nothing_grew(cell: str) -> None:
    """The cost of predict() on one core, and its answers to the whole test split there."""
    name, core, _ = cell.split()
    library = models.TASKS[models.NAMES.index(name)].library
    pytest.importorskip(library)
    compiler = COMPILERS.get(core, "arm-none-eabi-gcc")
    need_version(compiler, ours.versions().get(compiler), SAVED["compilers"].get(compiler))
    _, figures, reason = ours.measure(cell)
    assert figures is not None, reason
    assert figures["faithful"], ours.shown(figures)
    if ours.fingerprint(name) == SAVED["fingerprints"][name]:
        grew, _ = ours.growth(SAVED["figures"], {cell: figures})
        assert not grew, "\n".join(grew)


def test_all_models_are_saved() -> None:
    """Each model has figures for every core and objective, and all its answers were right."""
    assert sorted(SAVED["figures"]) == sorted(ours.cells(models.NAMES))
    assert not SAVED["refused"]
    assert not ours.unfaithful(SAVED["figures"])


def test_growth_is_seen() -> None:
    """One byte or instruction more is growth; one less is not; another label is wrong."""
    old = {"a cortex-m4f size": {"instructions": 10, "flash_bytes": 5, "stack_bytes": 1}}
    more = {"a cortex-m4f size": {"instructions": 10, "flash_bytes": 6, "stack_bytes": 9}}
    less = {"a cortex-m4f size": {"instructions": 9, "flash_bytes": 5, "stack_bytes": 1}}
    assert ours.growth(old, more) == (["a cortex-m4f size: flash_bytes 5 -> 6"], [])
    assert ours.growth(old, less) == ([], ["a cortex-m4f size: instructions 10 -> 9"])
    assert ours.growth({}, old) == ([], ["a cortex-m4f size: new"])
    wrong = {"flash_bytes": 1, "instructions": 1, "agree": 1, "rows": 2, "faithful": False}
    assert len(ours.unfaithful({"a cortex-m4f size": wrong})) == 1


def test_page_is_of_the_saved_figures() -> None:
    """docs/classical.md is what the saved figures of both sides give."""
    assert (REPOSITORY / "docs" / "classical.md").read_text() == page.page(SAVED)


def test_tables_of_coming_from() -> None:
    """So are the tables of docs/coming-from.md."""
    text = (REPOSITORY / "docs" / "coming-from.md").read_text()
    assert load("coming_from").filled(text) == text
