# SPDX-License-Identifier: Apache-2.0
"""Data sets, and rows that are meant to break a model."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import onnx
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_linnerud,
    load_wine,
)
from sklearn.model_selection import train_test_split

from mica import _library

SEED = 7


@dataclass(frozen=True)
class Data:
    """A data set, split once; all numbers are float32's, in arrays of float64."""

    name: str
    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def _binary() -> tuple[np.ndarray, np.ndarray]:
    """Twelve features of 0 and 1; the class depends on some of them, with noise."""
    rng = np.random.default_rng(SEED)
    x = rng.integers(0, 2, (600, 12))
    y = (x[:, 0] & x[:, 3]) | (x[:, 5] ^ x[:, 7])
    return x, np.where(rng.random(600) < 0.05, 1 - y, y)


def _missing() -> tuple[np.ndarray, np.ndarray]:
    """Wine with every tenth value missing."""
    x, y = load_wine(return_X_y=True)
    x = x.copy()
    x[np.random.default_rng(SEED).random(x.shape) < 0.1] = np.nan
    return x, y


def _two_labels() -> tuple[np.ndarray, np.ndarray]:
    x, y = load_wine(return_X_y=True)
    return x, np.stack([y, (x[:, 0] > np.median(x[:, 0])) + 4], axis=1)


def _categories() -> tuple[np.ndarray, np.ndarray]:
    """Two columns of category numbers, with gaps, and two of measurements."""
    rng = np.random.default_rng(SEED)
    colour = rng.choice([0, 1, 3, 7, 12, 40, 41], 900)
    shape = rng.choice([2, 5, 6], 900)
    size = rng.normal(size=(900, 2))
    y = (np.isin(colour, [1, 7, 40]) & (size[:, 0] > 0)) + (shape == 5).astype(int)
    return np.column_stack([size[:, 0], colour, shape, size[:, 1]]), y


def _relabelled(labels: list[Any]) -> tuple[np.ndarray, np.ndarray]:
    x, y = load_iris(return_X_y=True)
    return x, np.array(labels)[y]


SETS: dict[str, Any] = {
    "digits": lambda: load_digits(return_X_y=True),
    "cancer": lambda: load_breast_cancer(return_X_y=True),
    "wine": lambda: load_wine(return_X_y=True),
    "iris": lambda: load_iris(return_X_y=True),
    "iris, strings": lambda: _relabelled(["setosa", "versi-color", "virginica"]),
    "iris, 10..12": lambda: _relabelled([10, 11, 12]),
    "binary": _binary,
    "missing": _missing,
    "two labels": _two_labels,
    "categories": _categories,
    "diabetes": lambda: load_diabetes(return_X_y=True),
    "exercise": lambda: load_linnerud(return_X_y=True),
}


@cache
def data(name: str) -> Data:
    """A data set by its name."""
    x, y = SETS[name]()
    x = np.asarray(x).astype(np.float32).astype(np.float64)
    parts = train_test_split(x, y, test_size=0.3, random_state=SEED)
    return Data(name, parts[0], parts[2], parts[1], parts[3])


# ---- hostile rows --------------------------------------------------------------------------------


CONSTANT = re.compile(r'^const %(\d+) "(?:[^"\\]|\\.)*" \w+ \[[\d,]*\] = \[([^\]]*)\]', re.M)
TESTS = re.compile(r'^node "(?:[^"\\]|\\.)*" (trees|oblivious)[^:]* : ([%\d -]+) ->', re.M)


def thresholds(model: onnx.ModelProto) -> dict[int, np.ndarray]:
    """The different thresholds of each column of the caller's rows, after scalers and the like went
    into them."""
    folded = _library.Handle("model.onnx", model.SerializeToString()).dump("fold_features")
    constants = {"%" + number: text for number, text in CONSTANT.findall(folded)}
    entry = re.search(r"^input (%\d+)$", folded, re.M)
    assert entry
    found: dict[int, list[np.ndarray]] = {}
    for kind, words in TESTS.findall(folded):
        inputs = words.split()
        if inputs[0] != entry[1]:
            continue
        first = 3 if kind == "trees" else 2
        feature, threshold = (
            np.array(re.split(r"[\s,]+", constants[name].strip())).astype(np.float64)
            for name in inputs[first : first + 2]
        )
        for column in np.unique(feature[feature >= 0]):
            found.setdefault(int(column), []).append(threshold[feature == column])
    return {column: np.unique(np.concatenate(parts)) for column, parts in found.items()}


def hostile(
    model: onnx.ModelProto,
    x: np.ndarray,
    rows: int,
    nan: bool,
    extreme: float,
    whole: tuple[int, ...] = (),
) -> np.ndarray:
    """Rows of float32: at thresholds and one step beside, integers, 0 and 1, large and tiny numbers
    (up to `extreme`), zeros of both signs, NaN where the reference takes it. Columns of `whole` get
    integers only."""
    rng = np.random.default_rng(SEED)
    x = x.astype(np.float32)
    out = x[rng.integers(0, len(x), rows)].copy()
    low, high = np.nanmin(x, axis=0), np.nanmax(x, axis=0)
    tests = thresholds(model)
    for column in range(x.shape[1]):
        near = tests.get(column, x[~np.isnan(x[:, column]), column]).astype(np.float32)
        near = near[np.isfinite(near)]
        if not len(near):
            near = np.zeros(1, np.float32)
        exact = near[rng.integers(0, len(near), rows)]
        pool = [
            exact,
            np.nextafter(exact, np.float32(np.inf)),
            np.nextafter(exact, np.float32(-np.inf)),
            np.rint(rng.uniform(low[column] - 2, high[column] + 2, rows)).astype(np.float32),
            rng.integers(0, 2, rows).astype(np.float32),
            rng.uniform(low[column], high[column], rows).astype(np.float32),
            rng.choice(np.array([-1, 1, 1e-30, -1e-30, 1e-42, 0.0, -0.0], np.float32), rows),
            rng.choice(np.array([-1, 1, 0.5], np.float32), rows) * np.float32(extreme),
        ]
        if nan:
            pool.append(np.full(rows, np.nan, np.float32))
        # Most of a row stays near the data: a row of extremes only falls into the same leaf always.
        pick = rng.choice(len(pool), rows, p=_chances(len(pool)))
        values = np.stack(pool)[pick, np.arange(rows)]
        change = rng.random(rows) < 0.6
        out[change, column] = values[change]
    for column in whole:
        out[:, column] = np.rint(out[:, column])
    if not nan:
        out[np.isnan(out)] = 0
    return out


def _chances(n: int) -> np.ndarray:
    weight = np.array([4, 3, 3, 2, 1, 2, 1, 1, 1][:n], np.float64)
    return weight / weight.sum()
