# SPDX-License-Identifier: Apache-2.0
"""What stands before and behind models, against scikit-learn itself: scalers, imputers,
normalizers, columns, casts; links, probabilities, the weighted median."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")
from sklearn import preprocessing  # noqa: E402
from sklearn.impute import SimpleImputer  # noqa: E402

from classic_models import (  # noqa: E402
    EPSILON,
    SCALERS,
    evaluate,
    fitted,
    hostile,
    load,
    parameters,
)
from estimator_graphs import Graph  # noqa: E402



# ---- features ----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("data", ["digits", "cancer", "diabetes"])
@pytest.mark.parametrize("kind", SCALERS)
def test_scalers(kind: str, data: str, dtype: str, tmp_path: Path) -> None:
    """Bit for bit, on float64 copies of float32 features and on float32 arrays."""
    x, _ = load(data)
    rows = hostile(x, 300, seed=9)
    rows = rows[np.all(np.abs(rows) < 1e30, axis=1)]
    scaler = SCALERS[kind]().fit(x.astype(np.float64))
    graph = Graph(x.shape[1])
    graph.output(graph.scaler(graph.x, scaler, dtype))
    (got,) = evaluate(graph, tmp_path, rows)
    want = scaler.transform(rows.astype(dtype))
    assert got.dtype == want.dtype == dtype
    assert np.array_equal(got, want)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("missing", [np.nan, -1.0])
def test_imputer(missing: float, dtype: str, tmp_path: Path) -> None:
    """What is missing, and nothing else, becomes the column's mean."""
    x, _ = load("wine")
    rng = np.random.default_rng(10)
    rows = np.where(rng.random(x.shape) < 0.3, np.float32(missing), x).astype(dtype)
    imputer = SimpleImputer(missing_values=missing).fit(rows.astype(np.float64))
    graph = Graph(x.shape[1], dtype)
    graph.output(graph.imputer(graph.x, imputer, dtype))
    (got,) = evaluate(graph, tmp_path, rows)
    assert np.array_equal(got, imputer.transform(rows))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("norm", ["l1", "l2", "max"])
def test_normalizer(norm: str, dtype: str, tmp_path: Path) -> None:
    """Rows by their norm; rows of zeros and of next to nothing stay."""
    x, _ = load("digits")
    rows = np.concatenate([x, -x * 1e-3, x[:9] * 1e-20, np.zeros((1, 64))]).astype(np.float32)
    graph = Graph(64)
    graph.output(graph.normalizer(graph.x, norm, dtype))
    (got,) = evaluate(graph, tmp_path, rows)
    want = preprocessing.Normalizer(norm).transform(rows.astype(dtype))
    assert got.dtype == want.dtype
    assert np.allclose(got, want, rtol=1e-14 if dtype == "float64" else 5e-7, atol=0)


def test_columns(tmp_path: Path) -> None:
    """Columns taken out, cast and put together again."""
    x, _ = load("wine")
    graph = Graph(x.shape[1])
    left = graph.cast(graph.select(graph.x, [5, 0, 5]), 3, "float64")
    right = graph.scaler(graph.x, preprocessing.StandardScaler().fit(x.astype(np.float64)))
    joined = graph.node("concat", [left, right], "joined", "float64", (1, 3 + x.shape[1]), axis=1)
    graph.output(joined)
    (got,) = evaluate(graph, tmp_path, x)
    scaled = preprocessing.StandardScaler().fit(x.astype(np.float64)).transform(
        x.astype(np.float64)
    )
    assert np.array_equal(got, np.concatenate([x[:, [5, 0, 5]], scaled], axis=1))


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32"])
@pytest.mark.parametrize("to", ["float32", "float64"])
def test_casts(dtype: str, to: str, tmp_path: Path) -> None:
    """Integers as floats."""
    limits = np.iinfo(dtype)
    rng = np.random.default_rng(11)
    x = rng.integers(limits.min, limits.max, (50, 6), dtype=dtype, endpoint=True)
    graph = Graph(6, dtype)
    graph.output(graph.cast(graph.x, 6, to))
    (got,) = evaluate(graph, tmp_path, x)
    assert np.array_equal(got, x.astype(to))


# ---- links -------------------------------------------------------------------------------------


def probability_graph(kind: str, coef: np.ndarray, intercept: np.ndarray) -> Graph:
    """Probabilities as float32."""
    graph = Graph(coef.shape[1])
    size = len(coef) + (kind == "logistic_pair")
    scores = graph.linear(graph.x, coef, intercept, "scores")
    graph.output(graph.cast(graph.link(scores, kind, size), size))
    return graph


@pytest.mark.parametrize("data", ["digits", "cancer"])
@pytest.mark.parametrize("kind", ["logistic", "logistic_ovr", "sgd_log"])
def test_probabilities(kind: str, data: str, tmp_path: Path) -> None:
    """predict_proba, down to 1e-30; the error of a score of size s is about s units of float64."""
    x, _ = load(data)
    x = preprocessing.StandardScaler().fit_transform(x).astype(np.float32)
    model = fitted(kind, data, True)
    coef, intercept = parameters(model)
    binary = len(coef) == 1
    link = "logistic_pair" if binary else "softmax" if kind == "logistic" else "ovr"
    rng = np.random.default_rng(5)
    noise = x.mean(axis=0) + x.std(axis=0) * rng.standard_normal((1000, x.shape[1]))
    rows = np.concatenate([x, noise.astype(np.float32)])
    (got,) = evaluate(probability_graph(link, coef, intercept), tmp_path, rows)
    want = model.predict_proba(rows.astype(np.float64))
    large = want > 1e-30
    assert (want[large] < 1e-6).any()
    # 1 - p has the units of 1, on both sides.
    rest = 4 * EPSILON if binary else 0.0
    assert np.all(np.abs(got - want)[large] <= 1e-6 * want[large] + rest)
    assert np.all(got[~large] <= 1.1e-30)


def link_of(kind: str, x: np.ndarray, size: int, tmp_path: Path, numbers: Any = None) -> np.ndarray:
    """A link function by itself on float64 rows."""
    graph = Graph(x.shape[1], "float64")
    graph.output(graph.link(graph.x, kind, size, numbers))
    return evaluate(graph, tmp_path, x)[0]


def test_exp_is_accurate(tmp_path: Path) -> None:
    """exp to 1e-12 over the whole range of float64, to subnormal units below it."""
    rng = np.random.default_rng(6)
    x = np.concatenate([rng.uniform(-760, 709, 20000), rng.uniform(-1, 1, 5000), [0, 710, -800]])
    got = link_of("exp", x.reshape(-1, 1), 1, tmp_path)[:, 0]
    with np.errstate(over="ignore"):
        want = np.exp(x)
    finite = np.isfinite(want)
    assert np.all(np.isinf(got[~finite]))
    got, want = got[finite], want[finite]
    assert np.all(np.abs(got - want) <= 1e-14 * want + 2e-323)


def test_links(tmp_path: Path) -> None:
    """Each link against numpy."""
    rng = np.random.default_rng(7)
    x = rng.uniform(0, 8, (300, 4))
    x[0] = 0
    sums = x.sum(axis=1, keepdims=True)
    want = np.divide(x, sums, out=np.full_like(x, 0.25), where=sums != 0)
    assert np.allclose(link_of("normalize", x, 4, tmp_path), want, rtol=1e-15, atol=0)
    one = x[:, :1]
    path = link_of("path", one, 1, tmp_path, [3.7])
    assert np.allclose(path, -(2.0 ** (-one / 3.7)), rtol=1e-14, atol=0)
    assert np.array_equal(link_of("affine", x, 4, tmp_path, [0.1, 0.3]), 0.1 * x + 0.3)
    assert np.array_equal(link_of("complement", one, 2, tmp_path), np.hstack([1 - one, one]))
    logistic = 1 / (1 + np.exp(-x))
    assert np.allclose(link_of("logistic", x, 4, tmp_path), logistic, rtol=1e-14, atol=0)
    far = link_of("ovr", np.full((1, 4), -1000.0), 4, tmp_path)
    assert np.array_equal(far, np.full((1, 4), 0.25))


def test_weighted_median(tmp_path: Path) -> None:
    """The median that AdaBoostRegressor takes of its estimators' predictions."""
    rng = np.random.default_rng(8)
    size = 15
    x = np.round(rng.standard_normal((500, size)) * 4) / 4
    weight = rng.uniform(0.01, 2, size)
    graph = Graph(size, "float64")
    inputs = [graph.x, graph.constant("weight", weight)]
    graph.output(graph.node("weighted_median", inputs, "median", "float64", (1, 1)))
    (got,) = evaluate(graph, tmp_path, x)
    order = np.argsort(x, axis=1)
    sums = np.cumsum(weight[order], axis=1)
    at = (sums >= 0.5 * sums[:, -1:]).argmax(axis=1)
    rows = np.arange(len(x))
    assert np.array_equal(got[:, 0], x[rows, order[rows, at]])
