# SPDX-License-Identifier: Apache-2.0
"""Whether a result is the oracle's, and by how much it is not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

import numpy as np

from .case import Case, Tolerance

ULP_MAX = 4
RELATIVE_MAX = 1e-5
# Below this a float32 is subnormal, and has no relative precision left.
SMALLEST_NORMAL = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True)
class Comparison:
    """`worst` counts steps for integers, ulp or relative error for floats."""

    exact: bool
    accepted: bool
    worst: float
    detail: str


@dataclass(frozen=True)
class KnownDifference:
    """A proven difference from an oracle: where it occurs, and the arithmetic behind it."""

    name: str
    profile: str
    operator: str
    type: str
    reason: str
    covers: Callable[[Case, np.ndarray, np.ndarray], bool]


KNOWN_DIFFERENCES: tuple[KnownDifference, ...] = ()


def known_difference(
    profile: str, operator: str, type_name: str, case: Case, got: np.ndarray, want: np.ndarray
) -> str | None:
    """The name of the difference that covers this one."""
    for known in KNOWN_DIFFERENCES:
        place = (known.profile, known.operator, known.type)
        if place == (profile, operator, type_name) and known.covers(case, got, want):
            return known.name
    return None


def ulp_distance(got: np.ndarray, want: np.ndarray) -> np.ndarray:
    """How many float32 values lie between two; 0 between the two zeros."""

    def ordered(values: np.ndarray) -> np.ndarray:
        bits = values.astype(np.float32).view(np.int32).astype(np.int64)
        return np.where(bits < 0, -(bits & 0x7FFFFFFF), bits)

    return np.abs(ordered(got) - ordered(want))


def differences(got: np.ndarray, want: np.ndarray, tolerance: Tolerance) -> np.ndarray:
    """One number an element, in the tolerance's measure; 0 where both are equal or NaN."""
    if np.issubdtype(want.dtype, np.integer):
        return np.abs(got.astype(np.int64) - want.astype(np.int64)).astype(float)
    same = (got == want) | (np.isnan(got) & np.isnan(want))
    if tolerance in (Tolerance.EXACT, Tolerance.ULP):
        return np.where(same, 0, ulp_distance(got, want)).astype(float)
    with np.errstate(invalid="ignore", over="ignore"):
        distance = np.abs(got.astype(np.float64) - want.astype(np.float64))
    size = np.abs(want.astype(np.float64))
    if tolerance is Tolerance.TENSOR:
        axes = tuple(range(1, want.ndim))
        size = np.broadcast_to(size.max(axis=axes, keepdims=True), want.shape)
    relative = distance / np.maximum(size, SMALLEST_NORMAL)
    return np.where(same, 0.0, np.where(np.isnan(relative), np.inf, relative))


def compare(got: np.ndarray, want: np.ndarray, tolerance: Tolerance) -> Comparison:
    """Judge a result; the detail names the first element that is not accepted."""
    if got.shape != want.shape or got.dtype != want.dtype:
        detail = f"got {got.dtype}{list(got.shape)}, want {want.dtype}{list(want.shape)}"
        return Comparison(False, False, float("inf"), detail)
    found = differences(got, want, tolerance)
    worst = float(found.max(initial=0.0))
    limit = {Tolerance.EXACT: 0.0, Tolerance.ULP: ULP_MAX}.get(tolerance, RELATIVE_MAX)
    if worst <= limit:
        return Comparison(worst == 0.0, True, worst, "")
    wrong = found > limit
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    detail = (
        f"{int(wrong.sum())} of {wrong.size} differ, the first at set {first[0]}, "
        f"index {list(first[1:])}: got {got[first]!r}, want {want[first]!r}, worst {worst:g}"
    )
    return Comparison(False, False, worst, detail)
