# SPDX-License-Identifier: Apache-2.0
"""What a case is: an estimator with its hyper-parameters, on a data set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Iterator

import numpy as np

from data import Data, data

HUGE = 1e30
MODERATE = 1e3
SMALL = 10.0

LABELS = "digits; iris, strings; iris, 10..12"
MORE = "cancer; wine; binary"
NUMBERS = "diabetes"


@dataclass(frozen=True)
class Case:
    """An estimator on a data set. Rows of it are exact in every float; `extreme` is how large
    hostile values get: sums of products of huge ones overflow or cancel in any arithmetic."""

    name: str
    make: Callable[[], Any]
    set_name: str
    nan: bool = False
    extreme: float = HUGE
    whole: tuple[int, ...] = ()  # columns of category numbers
    quick: bool = True
    weight: bool = False
    dtype: Any = np.float64
    fit: Callable[[Any, Data], Any] | None = None

    def __str__(self) -> str:
        return f"{self.name} / {self.set_name}"

    def fitted(self) -> Any:
        """The estimator after fit()."""
        d, estimator = data(self.set_name), self.make()
        if self.fit is not None:
            return self.fit(estimator, d)
        if self.weight:
            weight = np.random.default_rng(3).uniform(0.1, 3.0, len(d.x))
            return estimator.fit(d.x, d.y, sample_weight=weight)
        return estimator.fit(d.x.astype(self.dtype), d.y)


def cases_on(
    name: str, make: Callable[[], Any], sets: str, long: str = "", **how: Any
) -> Iterator[Case]:
    """One case a data set; those of `long` only in the long sweep."""
    for set_name in [s.strip() for s in sets.split(";") if s.strip()]:
        yield Case(name, make, set_name, **how)
    for set_name in [s.strip() for s in long.split(";") if s.strip()]:
        yield Case(name, make, set_name, quick=False, **how)
