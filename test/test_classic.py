# SPDX-License-Identifier: Apache-2.0
"""Linear models, links, scalers, imputers and normalizers against scikit-learn itself."""

from __future__ import annotations

import functools
import re
import subprocess
import warnings
from fractions import Fraction
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest

from estimator_graphs import Graph, forest_arrays, histogram_arrays
from support import PORTABLE, mica, need, run

sklearn = pytest.importorskip("sklearn")
from sklearn import compose, datasets, ensemble, linear_model, multiclass  # noqa: E402
from sklearn import pipeline, preprocessing, svm  # noqa: E402
from sklearn.impute import SimpleImputer  # noqa: E402

DATA: dict[str, Callable[..., Any]] = {
    "digits": datasets.load_digits,
    "cancer": datasets.load_breast_cancer,
    "wine": datasets.load_wine,
    "diabetes": datasets.load_diabetes,
}
EPSILON = 2.0**-53
WAYS = ["speed", "size", "cortex-m0"]  # float32 sums, integers, 16-bit parts


@functools.cache
def load(name: str) -> tuple[np.ndarray, np.ndarray]:
    """A data set; features are float32 numbers."""
    x, y = DATA[name](return_X_y=True)
    return x.astype(np.float32), y


def hostile(x: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Rows of the data, noise of its scale, of all scales, sparse, huge, tiny and constant ones."""
    rng = np.random.default_rng(seed)
    width = x.shape[1]
    centre, spread = x.mean(axis=0), x.std(axis=0) + 1e-3
    noise = centre + spread * rng.standard_normal((count, width))
    scales = rng.standard_normal((count, width)) * 10.0 ** rng.uniform(-20, 20, (count, width))
    sparse = noise * (rng.random((count, width)) < 0.05)
    whole = np.round(noise)
    rows = [x, noise, scales, sparse, whole, noise * 1e18, noise * 1e-25, noise * 1e-42]
    rows += [np.zeros((1, width)), np.full((1, width), 3.0e38), np.full((1, width), -1e-45)]
    return np.concatenate(rows).astype(np.float32)


def evaluate(
    graph: Graph, folder: Path, x: np.ndarray, outputs: int = 1, optimize: str = "speed"
) -> list[np.ndarray]:
    """All rows through `mica eval`; the outputs in the order of the graph."""
    model = graph.write(folder / "model.ir")
    np.save(folder / "x.npy", x[:, None, :])
    names = [
        graph.tensors[int(line.split("%")[1])].split('"')[1] for line in graph.outputs[:outputs]
    ]
    words: list[Any] = ["eval", model, "--optimize", optimize, "--input", folder / "x.npy"]
    for name in names:
        words += ["--output", f"{name}={folder / name}.npy" if outputs > 1 else folder / f"{name}.npy"]
    mica(*words)
    return [np.load(folder / f"{name}.npy").reshape(len(x), -1) for name in names]


PROGRAM = """
#include <stdio.h>
#include "m.h"
int main(void)
{
    static union m_scratch scratch;
    static float in[M_INPUT_LEN];
    static TYPE out[M_OUTPUT_LEN];
    while (fread(in, sizeof in, 1, stdin) == 1) {
        m_run(&scratch, in, out);
        fwrite(out, sizeof out, 1, stdout);
    }
    return 0;
}
"""


def run_c(
    graph: Graph, folder: Path, x: np.ndarray, target: str, optimize: str = "speed"
) -> np.ndarray:
    """All rows through the C code for a core, which this machine can run, too."""
    need("gcc")
    model = graph.write(folder / "model.ir")
    mica("compile", model, "-o", folder, "--name", "m", "--target", target, "--optimize", optimize)
    dtype = re.search(r"(\w+) out\[M_OUTPUT_LEN\]", (folder / "m.h").read_text())
    assert dtype
    (folder / "main.c").write_text(PROGRAM.replace("TYPE", dtype[1]))
    program = folder / "program"
    run("gcc", *PORTABLE, "-O2", "-fsanitize=undefined", "-fno-sanitize-recover", folder / "main.c",
        folder / "m.c", "-lm", "-o", program)  # fmt: skip
    done = subprocess.run([program], input=x.tobytes(), capture_output=True, check=True)
    assert not done.stderr
    types = {"int32_t": np.int32, "float": np.float32, "double": np.float64}
    return np.frombuffer(done.stdout, types[dtype[1]]).reshape(len(x), -1)


def answers(graph: Graph, folder: Path, x: np.ndarray, way: str) -> np.ndarray:
    """The only output by `mica eval` under an option, or by the C code for a core."""
    if way in ("speed", "size"):
        return evaluate(graph, folder, x, optimize=way)[0]
    return run_c(graph, folder, x, way)


# ---- linear models -----------------------------------------------------------------------------


def uncertainty(coef: np.ndarray, intercept: np.ndarray, x: np.ndarray) -> np.ndarray:
    """What a float64 sum in any order may be off by, for each row and score."""
    terms = np.abs(x.astype(np.float64)) @ np.abs(coef).T + np.abs(intercept)
    return (x.shape[1] + 2) * EPSILON * terms


def check_labels(
    label: np.ndarray, scores: np.ndarray, error: np.ndarray, want: np.ndarray
) -> int:
    """Labels are equal, or the two scores in question are closer than the library's own error.

    Returns how many differ.
    """
    rows = np.flatnonzero(label != want)
    ours, theirs = label[rows], want[rows]
    gap = np.abs(scores[rows, ours] - scores[rows, theirs])
    assert np.all(gap <= error[rows, ours] + error[rows, theirs])
    return len(rows)


CLASSIFIERS: dict[str, Callable[[], Any]] = {
    "logistic": lambda: linear_model.LogisticRegression(max_iter=300),
    "logistic_l1": lambda: linear_model.LogisticRegression(
        solver="liblinear", l1_ratio=1.0, max_iter=300
    ),
    "logistic_ovr": lambda: multiclass.OneVsRestClassifier(
        linear_model.LogisticRegression(max_iter=300)
    ),
    "ridge": linear_model.RidgeClassifier,
    "sgd": lambda: linear_model.SGDClassifier(random_state=0),
    "sgd_log": lambda: linear_model.SGDClassifier(loss="log_loss", random_state=0),
    "perceptron": lambda: linear_model.Perceptron(random_state=0),
    "linear_svc": lambda: svm.LinearSVC(random_state=0, max_iter=300),
}


def parameters(model: Any) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients [scores, features] and intercepts [scores]."""
    if hasattr(model, "estimators_"):
        parts = [parameters(one) for one in model.estimators_]
        return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])
    coef = np.atleast_2d(model.coef_).astype(np.float64)
    return coef, np.broadcast_to(np.asarray(model.intercept_, np.float64), len(coef)).copy()


@functools.cache
def fitted(kind: str, data: str, scaled: bool = False) -> Any:
    """A classifier that was trained far enough to have its usual coefficients."""
    x, y = load(data)
    if scaled:
        x = preprocessing.StandardScaler().fit_transform(x).astype(np.float32)
    if kind == "logistic_l1" and len(np.unique(y)) > 2:
        pytest.skip("liblinear is for two classes")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return CLASSIFIERS[kind]().fit(x, y)


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
    width, scores = 7, 5
    base = rng.standard_normal(width)
    coef = np.array([np.nextafter(base, step * 10.0) if step else base for step in (0, 1, -1, 0, 1)])
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


# ---- features ----------------------------------------------------------------------------------

SCALERS: dict[str, Callable[[], Any]] = {
    "standard": preprocessing.StandardScaler,
    "standard_mean": lambda: preprocessing.StandardScaler(with_std=False),
    "standard_std": lambda: preprocessing.StandardScaler(with_mean=False),
    "minmax": preprocessing.MinMaxScaler,
    "maxabs": preprocessing.MaxAbsScaler,
    "robust": preprocessing.RobustScaler,
}


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


def stump(threshold: float, dtype: str, flags: int = 0, values: tuple[float, ...] = (0, 1)) -> dict[str, Any]:
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
    assert "scale_features" in mica("dump", graph.write(tmp_path / "g.ir"), "--after", "dead").stdout
    (got,) = evaluate(graph, tmp_path, x)
    want = scaler.transform(x.astype(np.float64)) @ coef.T + intercept
    assert np.allclose(got, want, rtol=1e-13, atol=1e-13)


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


# ---- generated code ----------------------------------------------------------------------------

COMPILERS = {
    "gcc": (),
    "clang": (),
    "arm-none-eabi-gcc": ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16",
                          "--specs=picolibc.specs"),
    "riscv64-unknown-elf-gcc": ("-march=rv32imc", "-mabi=ilp32", "--specs=picolibc.specs"),
    "avr-gcc": ("-mmcu=atmega2560",),
}


def every_operator() -> dict[str, Graph]:
    """Graphs that have every kernel of this file in them."""
    rng = np.random.default_rng(17)
    coef, intercept, one = rng.standard_normal((3, 6)), rng.standard_normal(3), [0.3]
    numbers = np.arange(1, 7.0) / 3
    labels = Graph(6)
    labels.output(labels.linear(labels.x, coef, intercept, "label"))
    scores = labels.linear(labels.x, coef, intercept, "scores")
    for kind in ("softmax", "ovr"):
        labels.output(labels.cast(labels.link(scores, kind, 3), 3))
    wide = Graph(6)
    fill = wide.constant("fill", numbers)
    x = wide.node("impute_features", [wide.x, fill], "full", "float32", (1, 6), missing="nan")
    pair = [wide.constant("first", numbers), wide.constant("second", -numbers)]
    x = wide.node("scale_features", [x, *pair], "scaled", "float64", (1, 6), second_op="div")
    x = wide.normalizer(x, "l2", "float64")
    x = wide.node("concat", [wide.select(x, [4, 0, 0], "float64"), x], "x", "float64", (1, 9), axis=1)
    score = wide.linear(x, np.ones((1, 9)), one, "scores")
    wide.output(wide.linear(x, np.ones((1, 9)), one, "label", decide="cut"))
    wide.output(wide.linear(x, np.ones((2, 9)), one * 2, "label"))
    wide.output(wide.link(score, "logistic_pair", 2))
    wide.output(wide.link(wide.link(score, "path", 1, [3.0]), "affine", 1, [2.0, 1.0]))
    wide.output(wide.link(wide.link(score, "exp", 1), "complement", 2))
    inputs = [x, wide.constant("weight", np.arange(1, 10.0))]
    wide.output(wide.node("weighted_median", inputs, "median", "float64", (1, 1)))
    narrow = Graph(6)
    narrow.output(narrow.linear(narrow.x, coef[:1], one, "label", decide="cut"))
    narrow.output(narrow.linear(narrow.x, coef, intercept, "scores", dtype="float32"))
    for factor in (numbers, np.ones(6)):
        inputs = [narrow.x, narrow.constant("factor", factor)]
        narrow.output(
            narrow.node("scale_features", inputs, "scaled", "float32", (1, 6), first_op="mul")
        )
    narrow.output(narrow.normalizer(narrow.x, "max", "float32"))
    return {"labels": labels, "wide": wide, "narrow": narrow}


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("target", ["cortex-m4f", "cortex-m0", "avr"])
def test_generated_code_is_clean(target: str, compiler: str, tmp_path: Path) -> None:
    """No warning of any compiler, whatever the core that the code was made for."""
    need(compiler)
    for name, graph in every_operator().items():
        for optimize in ("speed", "size"):
            model = graph.write(tmp_path / f"{name}.ir")
            words = ("-o", tmp_path, "--name", "m", "--target", target, "--optimize", optimize)
            mica("compile", model, *words)
            run(compiler, *COMPILERS[compiler], *PORTABLE, "-Os", "-c", tmp_path / "m.c", "-o",
                tmp_path / "m.o")  # fmt: skip


@pytest.mark.parametrize("target", ["cortex-m4f", "cortex-m4", "cortex-m0", "avr"])
def test_labels_on_the_core(target: str, tmp_path: Path) -> None:
    """Digits under emulation: `mica run` compares with eval, and the labels are the library's."""
    need("simavr" if target == "avr" else "qemu-system-arm")
    x, _ = load("digits")
    model = fitted("linear_svc", "digits")
    coef, intercept = parameters(model)
    graph = Graph(64)
    graph.output(graph.linear(graph.x, coef, intercept, "label"))
    rows = np.concatenate([x[1257:1297], np.zeros((1, 64), np.float32), x[:3] * np.float32(1e-40)])
    np.save(tmp_path / "x.npy", rows[:, None, :])
    mica("run", graph.write(tmp_path / "graph.ir"), "--target", target, "--input", tmp_path / "x.npy",
         "--output", tmp_path / "y.npy")  # fmt: skip
    label = np.load(tmp_path / "y.npy").ravel()
    assert np.array_equal(model.classes_[label], model.predict(rows.astype(np.float64)))


@pytest.mark.parametrize("columns", [64, 61])
@pytest.mark.parametrize("kind", ["int16", "uint8"])
@pytest.mark.parametrize("target", ["cortex-m4f", "cortex-m0", "avr"])
def test_labels_of_integers_on_the_core(target: str, kind: str, columns: int, tmp_path: Path) -> None:
    """Sums by 16-bit products, by SMLALD where there is one, and rows that are done again."""
    need("simavr" if target == "avr" else "qemu-system-arm")
    x, _ = load("digits")
    model = fitted("linear_svc", "digits")
    coef, intercept = parameters(model)
    graph = Graph(columns, kind)
    graph.output(graph.linear(graph.x, coef[:, :columns], intercept, "label"))
    rng = np.random.default_rng(0)
    limits = np.iinfo(kind)
    wild = rng.choice([limits.min, limits.max, 0, 7], (20, columns))
    rows = np.concatenate([x[1257:1297, :columns], np.zeros((1, columns)), wild]).astype(kind)
    np.save(tmp_path / "x.npy", rows[:, None, :])
    mica("run", graph.write(tmp_path / "graph.ir"), "--target", target, "--input", tmp_path / "x.npy",
         "--output", tmp_path / "y.npy", "--optimize", "speed")  # fmt: skip
    scores = rows.astype(np.float64) @ coef[:, :columns].T + intercept
    assert np.array_equal(np.load(tmp_path / "y.npy").ravel(), scores.argmax(axis=1))
