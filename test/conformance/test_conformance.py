# SPDX-License-Identifier: Apache-2.0
"""Mica against the oracles: a fixed sample of the cases, or all of them with MICA_ALL=1.

MICA names the command to test; it is build/mica by default. The processes that run cases live as
long as the test session, one a core, or one in each process of pytest-xdist.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Iterator

import numpy as np
import pytest

from .case import Spec, Tolerance, families
from .cases import all_specs, sampled_specs
from .compare import KNOWN_DIFFERENCES, compare
from .model import Model
from .run import DEFAULT_MICA, SAMPLE
from .seeds import write_seeds
from .worker import Pool

CASES_MIN = 5000
PROFILES = ("tflm", "litert")
FAILURES_SHOWN = 5
MICA = Path(os.environ.get("MICA", DEFAULT_MICA)).resolve()


def chosen_specs() -> dict[tuple[str, str], list[Spec]]:
    """The cases of this session, by operator and type."""
    specs = all_specs() if os.environ.get("MICA_ALL") == "1" else sampled_specs(SAMPLE)
    chosen: dict[tuple[str, str], list[Spec]] = {key: [] for key in families()}
    for spec in specs:
        chosen[spec.operator, spec.type].append(spec)
    return chosen


CHOSEN = chosen_specs()


@pytest.fixture(scope="session")
def pool() -> Iterator[Pool]:
    """Processes that run cases."""
    assert MICA.is_file(), f"{MICA} does not exist: build Mica first"
    jobs = 1 if "PYTEST_XDIST_WORKER" in os.environ else os.cpu_count() or 1
    processes = Pool(jobs, MICA)
    yield processes
    processes.close()


@pytest.mark.parametrize("operator, kind", CHOSEN, ids=map("-".join, CHOSEN))
def test_operator(pool: Pool, operator: str, kind: str) -> None:
    """Every case of the family is the oracle's, or is a known difference."""
    specs = CHOSEN[operator, kind]
    outcomes = list(pool.run(specs, PROFILES))
    assert {outcome.name for outcome in outcomes} == {spec.name for spec in specs}
    failures = [outcome for outcome in outcomes if outcome.failed]
    told = "\n".join(outcome.line() for outcome in failures[:FAILURES_SHOWN])
    assert not failures, f"{len(failures)} of {len(outcomes)} failed\n{told}"
    accepted = [outcome for outcome in outcomes if outcome.status != "oracle refuses"]
    assert accepted, "the oracles refused every case"


def test_cases_are_many_and_deterministic() -> None:
    """The list is long, its names are unique, and a name always means the same case."""
    specs = all_specs()
    assert len(specs) >= CASES_MIN
    assert len({spec.name for spec in specs}) == len(specs)
    for spec in specs[::400]:
        first, second = spec.build(), spec.build()
        assert first.model == second.model
        for name, values in first.inputs.items():
            np.testing.assert_array_equal(values, second.inputs[name])


def test_comparison_notices() -> None:
    """One step, one shape, one type or five ulp are too many."""
    want = np.array([[1, 2], [3, 4]], dtype=np.int8)
    got = want.copy()
    assert compare(got, want, Tolerance.EXACT).exact
    got[1, 0] += 1
    result = compare(got, want, Tolerance.EXACT)
    assert not result.accepted and "set 1, index [0]" in result.detail
    assert not compare(want[:1], want, Tolerance.EXACT).accepted
    assert not compare(want.astype(np.int16), want, Tolerance.EXACT).accepted
    one = np.ones((1, 2), dtype=np.float32)
    step = np.float32(2.0**-23)
    assert compare(one + 4 * step, one, Tolerance.ULP).accepted
    assert not compare(one + 5 * step, one, Tolerance.ULP).accepted
    assert compare(-0.0 * one, 0.0 * one, Tolerance.EXACT).exact
    assert not compare(np.nan * one, one, Tolerance.TENSOR).accepted
    assert not compare(np.float32(1.00002) * one, one, Tolerance.ELEMENT).accepted
    small = np.array([[1.0, 1e-6]], dtype=np.float32)
    moved = small + np.array([[0, 1e-6]], dtype=np.float32)
    assert compare(moved, small, Tolerance.TENSOR).accepted
    assert not compare(moved, small, Tolerance.ELEMENT).accepted


def test_known_differences_have_reasons() -> None:
    """Names are unique, and each says why."""
    names = [known.name for known in KNOWN_DIFFERENCES]
    assert len(set(names)) == len(names)
    assert all(known.reason for known in KNOWN_DIFFERENCES)


def test_large_file_form() -> None:
    """Buffers written after the table lie where its fields say."""
    model = Model()
    values = np.arange(7, dtype=np.int32)
    model.main.const("values", values)
    inside, outside = model.pack(), model.pack(outside=True)
    assert outside.endswith(values.tobytes())
    assert len(outside) > len(inside)
    assert len(outside) % 16 == values.nbytes % 16


def test_seeds(tmp_path: Path) -> None:
    """Seeds are files with the format's identifier, small enough to mutate."""
    count = write_seeds(tmp_path)
    files = sorted(tmp_path.iterdir())
    assert len(files) == count >= 60
    for file in files:
        data = file.read_bytes()
        assert data[4:8] == b"TFL3" and len(data) < 4096, file.name
