# SPDX-License-Identifier: Apache-2.0
"""Steps for features that become part of the trees and linear models behind them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest

pytest.importorskip("sklearn")
from sklearn import compose, ensemble, linear_model, pipeline, preprocessing  # noqa: E402
from sklearn.impute import SimpleImputer  # noqa: E402

from classic_models import (  # noqa: E402
    EPSILON,
    SCALERS,
    WAYS,
    answers,
    check_labels,
    evaluate,
    hostile,
    load,
    parameters,
)
from estimator_graphs import Graph, forest_arrays, histogram_arrays  # noqa: E402
from support import mica  # noqa: E402


# ---- scalers before trees ----------------------------------------------------------------------


def thresholds_of(model: Path) -> tuple[np.ndarray, np.ndarray]:
    """Features and thresholds of the trees of a graph once features are folded into them."""
    text = mica("dump", model, "--after", "fold_features").stdout
    text = text.replace("\n", " ")
    found = re.search(r": %(\d+) %\d+ %\d+ %(\d+) %(\d+)", text[text.index(" trees ") :])
    assert found

    def contents(number: str) -> np.ndarray:
        match = re.search(rf'const %{number} "[^"]*" \w+ \[\d+\] = \[([^\]]*)\]', text)
        assert match
        return np.array([float(word) for word in match[1].replace(",", " ").split()])

    assert found[1] == "0", "the trees do not read the graph's input"
    return contents(found[2]).astype(int), contents(found[3])


def rows_at(features: np.ndarray, thresholds: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Rows of the data that hit every threshold exactly, and one float32 beside it."""
    tests = np.flatnonzero(features >= 0)
    values = thresholds[tests].astype(np.float32)
    with np.errstate(over="ignore"):  # the largest float32 has infinity beside it
        steps = [values, *(np.nextafter(values, np.float32(to)) for to in (np.inf, -np.inf))]
    rows = x[np.arange(3 * len(tests)) % len(x)].copy()
    rows[np.arange(len(rows)), np.tile(features[tests], 3)] = np.concatenate(steps)
    return rows


PREPARATIONS: dict[str, Callable[[], list[Any]]] = {
    "none": lambda: [],
    **{kind: (lambda make: lambda: [make()])(make) for kind, make in SCALERS.items()},
    "imputer": lambda: [SimpleImputer(strategy="median")],
    "imputer_scaler": lambda: [SimpleImputer(), preprocessing.StandardScaler()],
    "two_scalers": lambda: [preprocessing.StandardScaler(), preprocessing.MinMaxScaler()],
}


def prepared(graph: Graph, steps: list[Any]) -> int:
    """The steps of a pipeline on float64 copies of the features."""
    x = graph.cast(graph.x, graph.features, "float64")
    for step in steps:
        is_imputer = isinstance(step, SimpleImputer)
        x = graph.imputer(x, step, "float64") if is_imputer else graph.scaler(x, step)
    return x


@pytest.mark.parametrize("kind", ["forest", "histogram"])
@pytest.mark.parametrize("preparation", PREPARATIONS)
def test_scalers_fold_into_trees(preparation: str, kind: str, tmp_path: Path) -> None:
    """Pipelines decide as scikit-learn's, at every threshold and one float32 beside it."""
    x, y = load("cancer")
    rng = np.random.default_rng(12)
    if "imputer" in preparation:
        x = np.where(rng.random(x.shape) < 0.1, np.float32(np.nan), x)
    model = {
        "forest": lambda: ensemble.RandomForestClassifier(5, random_state=0),
        "histogram": lambda: ensemble.HistGradientBoostingClassifier(max_iter=8, random_state=0),
    }[kind]()
    line = pipeline.make_pipeline(*PREPARATIONS[preparation](), model).fit(x.astype(np.float64), y)
    graph = Graph(x.shape[1])
    features = prepared(graph, [step for _, step in line.steps[:-1]])
    if kind == "forest":
        features = graph.cast(features, x.shape[1])
        label = graph.trees(features, forest_arrays(model), "label", decide="argmax")
        scores = graph.trees(features, forest_arrays(model), "scores", decide="argmax")
    else:
        label = graph.trees(features, histogram_arrays(model), "label", decide="cut")
        scores = graph.trees(features, histogram_arrays(model), "scores", decide="cut")
    graph.output(label)
    graph.output(scores)
    written = graph.write(tmp_path / "graph.ir")
    rows = np.concatenate([x, rows_at(*thresholds_of(written), x)])
    got, sums = evaluate(graph, tmp_path, rows, 2)
    wide = rows.astype(np.float64)
    assert np.array_equal(got[:, 0], line.predict(wide))
    want = line.predict_proba(wide) if kind == "forest" else line.decision_function(wide)[:, None]
    assert np.array_equal(sums, want)


def stump(
    threshold: float, dtype: str, flags: int = 0, values: tuple[float, ...] = (0, 1)
) -> dict[str, Any]:
    """One test of feature 1: left gives values[0], right values[1]."""
    return {
        "root": [0], "output": [0], "feature": [1, -1, -1],
        "threshold": np.array([threshold, 0, 0], dtype=dtype), "left": [1, 0, 1],
        "right": [2, 0, 0], "flags": [flags, 0, 0], "weight": [0, 0, 0],
        "value": [[values[0]], [values[1]]], "base": [0.0], "numbers": [1.0, 0.5],
    }  # fmt: skip


@pytest.mark.parametrize("flags", [0, 1])
@pytest.mark.parametrize("scale", [-2.5, 0.3, 0.0, -1e-30])
@pytest.mark.parametrize("threshold", [-3.7, -0.0, 0.1, 1e-45])
def test_decreasing_and_constant_columns(
    threshold: float, scale: float, flags: int, tmp_path: Path
) -> None:
    """A negative factor turns tests around, NaN going where it went; 0 makes them say the same."""
    graph = Graph(2)
    factor = graph.constant("factor", [1.0, scale])
    shift = graph.constant("shift", [0.0, 0.1])
    scaled = graph.node(
        "scale_features", [graph.x, factor, shift], "scaled", "float64", (1, 2),
        first_op="mul", second_op="add",
    )  # fmt: skip
    graph.output(graph.trees(scaled, stump(threshold, "float64", flags), "scores", decide="cut"))
    written = graph.write(tmp_path / "graph.ir")
    features, folded = thresholds_of(written)
    rng = np.random.default_rng(13)
    values = [*rng.standard_normal(50), 0.0, -0.0, 1e-45, -1e-45, 3e38, -3e38, np.nan]
    near = rows_at(features[:1], folded[:1], np.zeros((1, 2), np.float32))[:, 1]
    x = np.concatenate([np.array(values, np.float32), near[np.isfinite(near)]])
    rows = np.stack([np.zeros_like(x), x], axis=1)
    (got,) = evaluate(graph, tmp_path, rows)
    value = x.astype(np.float64) * scale + 0.1
    want = np.where(np.isnan(x), 1.0 - flags, np.where(value <= threshold, 0.0, 1.0))
    assert np.array_equal(got[:, 0], want)


def refusal(graph: Graph, folder: Path) -> str:
    """What the compiler says of a graph that it refuses."""
    written = graph.write(folder / "graph.ir")
    return mica("dump", written, "--after", "fold_features", status=1).stderr


def test_columns_of_several_steps_fold(tmp_path: Path) -> None:
    """What a ColumnTransformer makes: some columns scaled, some as they are, in another order."""
    x, y = load("wine")
    wide = x.astype(np.float64)
    transformer = compose.ColumnTransformer(
        [
            ("a", preprocessing.StandardScaler(), [3, 1, 7]),
            ("b", "passthrough", [0, 12]),
            ("c", preprocessing.MinMaxScaler(), [5, 3]),
        ]
    )
    model = ensemble.RandomForestClassifier(6, random_state=1)
    line = pipeline.make_pipeline(transformer, model).fit(wide, y)
    graph = Graph(x.shape[1])
    parts = []
    for _, step, columns in transformer.transformers_[:3]:
        part = graph.cast(graph.select(graph.x, columns), len(columns), "float64")
        if type(step).__name__ != "FunctionTransformer":
            graph.features = len(columns)
            part = graph.scaler(part, step)
        parts.append(part)
    joined = graph.node("concat", parts, "joined", "float64", (1, 7), axis=1)
    features = graph.cast(joined, 7)
    graph.output(graph.trees(features, forest_arrays(model), "label", decide="argmax"))
    written = graph.write(tmp_path / "graph.ir")
    rows = np.concatenate([x, rows_at(*thresholds_of(written), x)])
    (got,) = evaluate(graph, tmp_path, rows)
    assert np.array_equal(got[:, 0], line.predict(rows.astype(np.float64)))


def test_what_cannot_be_folded_is_refused(tmp_path: Path) -> None:
    """float64 features that are more than scaled columns; zeros and categories of scaled ones."""
    graph = Graph(2)
    normalized = graph.normalizer(graph.x, "l2", "float64")
    graph.output(graph.trees(normalized, stump(0.5, "float64"), "scores", decide="cut"))
    assert "cast them to float32 before the trees" in refusal(graph, tmp_path)
    for flags, words in ((4, "tests for zero of column 1"), (2, "tests categories of column 1")):
        graph = Graph(2)
        one = graph.constant("one", [1.0, 2.0])
        scaled = graph.node(
            "scale_features", [graph.x, one], "scaled", "float64", (1, 2), first_op="mul"
        )
        arrays = stump(0.0, "float64", flags)
        sets = [None, graph.constant("sets", [1, 6], "uint32")] if flags == 2 else []
        trees = graph.trees(scaled, arrays, "scores", decide="cut")
        graph.nodes[-1] = graph.nodes[-1].replace(
            " ->", "".join(f" {'-' if i is None else f'%{i}'}" for i in sets) + " ->"
        )
        graph.output(trees)
        assert words in refusal(graph, tmp_path)


def test_normalized_float32_features_stay(tmp_path: Path) -> None:
    """Trees read float32 features that something else has made."""
    graph = Graph(2)
    normalized = graph.cast(graph.normalizer(graph.x, "max", "float64"), 2)
    graph.output(graph.trees(normalized, stump(0.25, "float32"), "scores", decide="cut"))
    rows = np.array([[4, 1], [4, 1.1], [-4, -8], [0, 0]], dtype=np.float32)
    (got,) = evaluate(graph, tmp_path, rows)
    assert got[:, 0].tolist() == [0, 1, 0, 0]


# ---- scalers before linear models --------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("data", ["digits", "cancer"])
@pytest.mark.parametrize("kind", ["standard", "minmax", "robust"])
def test_scalers_fold_into_linear_models(kind: str, data: str, way: str, tmp_path: Path) -> None:
    """A pipeline is one linear model of the features as they are, with the pipeline's labels."""
    x, y = load(data)
    wide = x.astype(np.float64)
    scaler = SCALERS[kind]().fit(wide)
    model = linear_model.RidgeClassifier().fit(scaler.transform(wide), y)
    coef, intercept = parameters(model)
    decide = "cut" if len(coef) == 1 else "argmax"
    graph = Graph(x.shape[1])
    scaled = graph.scaler(graph.x, scaler)
    graph.output(graph.linear(scaled, coef, intercept, "label", decide=decide))
    text = mica("dump", graph.write(tmp_path / "graph.ir"), "--after", "dead").stdout
    assert "scale_features" not in text and re.search(r"linear[^:]*: %0 ", text)
    rows = hostile(x, 300, seed=14)
    label = answers(graph, tmp_path, rows, way)
    wide = rows.astype(np.float64)
    columns = scaler.transform(wide)
    scores = columns @ coef.T + intercept
    # The library rounds scaled columns; here it is their products with the features as they are.
    zero = scaler.transform(np.zeros((1, x.shape[1])))
    terms = (np.abs(columns - zero) + np.abs(zero)) @ np.abs(coef).T + np.abs(intercept)
    error = (x.shape[1] + 6) * EPSILON * terms
    if len(coef) == 1:
        scores = np.concatenate([np.zeros_like(scores), scores], axis=1)
        error = np.concatenate([np.zeros_like(error), error], axis=1)
    want = np.searchsorted(model.classes_, model.predict(columns))
    check_labels(label[:, 0], scores, error, want)
    assert np.array_equal(label[: len(x), 0], want[: len(x)])


def test_scaled_scores(tmp_path: Path) -> None:
    """Scores of a folded pipeline: 1e-12 of the terms they are sums of."""
    x, y = load("wine")
    wide = x.astype(np.float64)
    line = pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.Ridge()).fit(wide, y)
    graph = Graph(x.shape[1])
    scaled = graph.scaler(graph.x, line[0])
    graph.output(graph.linear(scaled, *parameters(line[1]), "scores"))
    (got,) = evaluate(graph, tmp_path, x)
    assert np.allclose(got[:, 0], line.predict(wide), rtol=1e-12, atol=1e-12)


def test_columns_far_from_zero_stay_scaled(tmp_path: Path) -> None:
    """Where the mean is many thousand times the spread, the library's own arithmetic is kept."""
    rng = np.random.default_rng(15)
    x = (1e6 + rng.standard_normal((200, 3))).astype(np.float32)
    scaler = preprocessing.StandardScaler().fit(x.astype(np.float64))
    coef, intercept = rng.standard_normal((4, 3)), rng.standard_normal(4)
    graph = Graph(3)
    graph.output(graph.linear(graph.scaler(graph.x, scaler), coef, intercept, "scores"))
    path = graph.write(tmp_path / "g.ir")
    assert "scale_features" in mica("dump", path, "--after", "dead").stdout
    (got,) = evaluate(graph, tmp_path, x)
    want = scaler.transform(x.astype(np.float64)) @ coef.T + intercept
    assert np.allclose(got, want, rtol=1e-13, atol=1e-13)
