# SPDX-License-Identifier: Apache-2.0
"""Linear models against scikit-learn itself: labels, scores, predictions."""

from __future__ import annotations

import warnings
from fractions import Fraction
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest

pytest.importorskip("sklearn")
from sklearn import linear_model  # noqa: E402

from classic_models import (  # noqa: E402
    CLASSIFIERS,
    EPSILON,
    WAYS,
    answers,
    check_labels,
    evaluate,
    fitted,
    hostile,
    load,
    parameters,
    uncertainty,
)
from estimator_graphs import Graph  # noqa: E402


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("data", ["digits", "cancer", "wine"])
@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_labels(kind: str, data: str, way: str, tmp_path: Path) -> None:
    """Labels of estimators that read float32 features as they are."""
    x, _ = load(data)
    model = fitted(kind, data)
    coef, intercept = parameters(model)
    rows = hostile(x, 1000, seed=1)
    graph = Graph(x.shape[1])
    decide = "cut" if len(coef) == 1 else "argmax"
    graph.output(graph.linear(graph.x, coef, intercept, "label", decide=decide))
    label = answers(graph, tmp_path, rows, way)
    wide = rows.astype(np.float64)
    want = np.searchsorted(model.classes_, model.predict(wide))
    scores = wide @ coef.T + intercept
    error = uncertainty(coef, intercept, wide)
    if len(coef) == 1:
        scores = np.concatenate([np.zeros_like(scores), scores], axis=1)
        error = np.concatenate([np.zeros_like(error), error], axis=1)
    differing = check_labels(label[:, 0], scores, error, want)
    assert differing <= len(rows) // 100
    assert np.array_equal(label[: len(x), 0], want[: len(x)])


def exact_scores(coef: np.ndarray, intercept: np.ndarray, row: np.ndarray) -> list[Fraction]:
    """Scores without any rounding."""
    values = [Fraction(float(value)) for value in row]
    return [
        sum((Fraction(c) * v for c, v in zip(line, values)), Fraction(b))
        for line, b in zip(coef.tolist(), intercept.tolist())
    ]


@pytest.mark.parametrize("way", WAYS)
def test_labels_of_close_scores(way: str, tmp_path: Path) -> None:
    """Rows whose two largest scores differ by about a unit of float64: the label is that of the
    exact sums, and of equal ones the first."""
    rng = np.random.default_rng(3)
    width = 7
    base = rng.standard_normal(width)
    steps = (0, 1, -1, 0, 1)
    coef = np.array([np.nextafter(base, step * 10.0) if step else base for step in steps])
    coef[3] = base + rng.integers(-3, 4, width) * 2.0**-52
    intercept = np.array([0.5, 0.5, 0.5, 0.5 + 2.0**-53, 0.5])
    rows = rng.standard_normal((400, width)).astype(np.float32)
    rows[::3] = np.round(rows[::3] * 8)
    rows[::5] *= rng.random((80, width)) < 0.3
    graph = Graph(width)
    graph.output(graph.linear(graph.x, coef, intercept, "label"))
    label = answers(graph, tmp_path, rows, way)
    ties = 0
    for row, got in zip(rows, label[:, 0]):
        exact = exact_scores(coef, intercept, row)
        most = max(exact)
        if exact.count(most) > 1:
            ties += 1
        gap = most - exact[got]
        size = max(abs(Fraction(c) * Fraction(float(v))) for c, v in zip(base.tolist(), row))
        assert gap <= (width + 2) * max(size, Fraction(1, 2)) * Fraction(1, 2**59), (row, exact)
        if gap == 0:
            assert got == exact.index(most)
    assert ties > 10


@pytest.mark.parametrize("kind", ["logistic", "perceptron"])
def test_scores_are_exact_sums(kind: str, tmp_path: Path) -> None:
    """Scores are the exact sums rounded once: within two units of float64 of them."""
    x, _ = load("wine")
    coef, intercept = parameters(fitted(kind, "wine"))
    rows = hostile(x, 30, seed=2)
    graph = Graph(x.shape[1])
    graph.output(graph.linear(graph.x, coef, intercept, "scores"))
    (scores,) = evaluate(graph, tmp_path, rows)
    for row, got in zip(rows, scores):
        terms = np.abs(row.astype(np.float64)) * np.abs(coef).max(axis=0)
        for value, exact in zip(got.tolist(), exact_scores(coef, intercept, row)):
            bound = abs(exact) * Fraction(EPSILON) + Fraction(
                float(max(terms.max(), np.abs(intercept).max()))
            ) * len(row) * Fraction(1, 2**59)
            assert abs(Fraction(value) - exact) <= bound


REGRESSORS: dict[str, Callable[[], Any]] = {
    "linear": linear_model.LinearRegression,
    "ridge": linear_model.Ridge,
    "lasso": lambda: linear_model.Lasso(alpha=0.1),
    "elastic_net": lambda: linear_model.ElasticNet(alpha=0.01),
    "sgd": lambda: linear_model.SGDRegressor(random_state=0),
}


@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("kind", REGRESSORS)
def test_regression(kind: str, optimize: str, tmp_path: Path) -> None:
    """Predictions as float32: within 1e-6 of the library's, or of its own rounding errors."""
    x, y = load("diabetes")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = REGRESSORS[kind]().fit(x, y)
    coef, intercept = parameters(model)
    rows = hostile(x, 500, seed=4)
    wide = rows.astype(np.float64)
    want = model.predict(wide)
    graph = Graph(x.shape[1])
    scores = graph.linear(graph.x, coef, intercept, "scores")
    graph.output(graph.cast(scores, 1))
    (got,) = evaluate(graph, tmp_path, rows, optimize=optimize)
    error = uncertainty(coef, intercept, wide)[:, 0]
    inside = np.abs(want) < 3.4e38
    assert inside.sum() > 2 * len(rows) // 3
    close = np.abs(got[:, 0] - want) <= 1e-6 * np.abs(want) + error + 1e-45
    assert np.all(close[inside])
    assert np.all(np.isinf(got[~inside, 0]))


@pytest.mark.parametrize("way", ["speed", "size", "cortex-m4f", "cortex-m0"])
def test_regression_as_float32(way: str, tmp_path: Path) -> None:
    """Every core's way to a prediction, on rows of the data and of noise."""
    x, y = load("diabetes")
    model = linear_model.LinearRegression().fit(x, y)
    coef, intercept = parameters(model)
    rng = np.random.default_rng(16)
    noise = x.std(axis=0) * rng.standard_normal((3000, x.shape[1])) * 10
    rows = np.concatenate([x, noise.astype(np.float32)])
    graph = Graph(x.shape[1])
    graph.output(graph.cast(graph.linear(graph.x, coef, intercept, "scores"), 1))
    got = answers(graph, tmp_path, rows, way)[:, 0]
    want = (rows.astype(np.float64) @ coef.T + intercept)[:, 0]
    assert np.all(np.abs(got - want) <= 6e-7 * np.abs(want))
