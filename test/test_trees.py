# SPDX-License-Identifier: Apache-2.0
"""Ensembles of trees: labels and scores against the library's arithmetic, on random ensembles of every
shape and on scikit-learn's own estimators, with rows that are hard."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tree_models as trees
from support import ALL, PORTABLE, evaluate, mica, need, run

ROWS = 20000 if ALL else 1000
ENSEMBLES = 400 if ALL else 25
NAMES = {"label": "predict", "scores": "decision_function"}
SHAPES = ["votes", "weights", "weighted votes", "boosted", "cut", "path", "float32", "softmax float32",
          "softmax float64"]  # fmt: skip
BUILDS = {
    "gcc": (),
    "clang": (),
    "arm-none-eabi-gcc": ("-mcpu=cortex-m0", "-mthumb", "--specs=picolibc.specs"),
    "riscv64-unknown-elf-gcc": ("-march=rv32imc", "-mabi=ilp32", "--specs=picolibc.specs"),
    "avr-gcc": ("-mmcu=atmega2560",),
}

# ---- random ensembles --------------------------------------------------------------------------


def random_threshold(r: np.random.Generator, kind: str) -> np.float32:
    if kind == "few":
        return np.float32(r.integers(-3, 6) + 0.5)
    if kind == "positive":
        return np.float32(r.integers(0, 16) + 0.5)
    if kind == "bits":  # any float, infinities among them
        while True:
            t = np.uint32(r.integers(0, 2**32)).view(np.float32)
            if not np.isnan(t):
                return t
    if kind == "hostile":
        return np.float32(r.choice([0.0, -0.0, 1e-45, -1e-45, 1e-38, 3.4e38, -3.4e38, np.inf, -np.inf]))
    return np.float32(r.normal())


def grow(e: trees.Ensemble, r: np.random.Generator, tests: int, kind: str, flags: int, leaf: Any) -> None:
    """One tree of so many tests, its leaves given by leaf()."""
    if tests == 0:
        e.leaf(leaf())
        return
    flag = int(r.integers(0, 8)) & flags
    threshold = random_threshold(r, kind)
    if flag & trees.CATEGORIES:
        flag &= ~trees.ZERO_MISSING
        threshold = np.float32(len(e.sets))
        words = int(r.integers(0, 3))
        e.sets += [words, *(int(w) for w in r.integers(0, 2**32, words))]
    node = e.test(int(r.integers(0, e.n_features)), threshold, flag, float(tests))
    below = int(r.integers(0, tests))
    grow(e, r, below, kind, flags, leaf)
    e.right_of(node)
    grow(e, r, tests - 1 - below, kind, flags, leaf)


def fractions(r: np.random.Generator, groups: list[int], most: int, pure: float) -> np.ndarray:
    n = 1 if r.random() < pure else int(r.integers(1, most))
    return np.concatenate([r.multinomial(n, r.dirichlet(np.ones(k))) / n for k in groups])


def weighted_vote(r: np.random.Generator, classes: int, weight: float) -> np.ndarray:
    return np.where(np.arange(classes) == r.integers(classes), weight, -1 / (classes - 1) * weight)


LEAVES = {
    "float64": lambda r: float(r.normal()),
    "tiny": lambda r: float(r.choice([0.0, -0.0, 5e-324, -1e-310, 1e-300, 1.0, -1.0])),
    "wide": lambda r: float(r.normal() * 10.0 ** int(r.integers(-20, 20))),
    "few": lambda r: float(r.choice([0.1, 0.2, 0.3, -0.3, 0.0])),
    "integers": lambda r: float(r.integers(-100, 400)),
    "ratios": lambda r: float(r.integers(-3000, 4000)) / float(r.integers(1, 40)),
}


def random_rows(e: trees.Ensemble, r: np.random.Generator, n: int) -> np.ndarray:
    if e.x_type != "float32":
        limits = np.iinfo(e.x_type)
        wide = r.integers(limits.min, limits.max + 1, (n, e.n_features))
        return np.where(r.random(wide.shape) < 0.3, wide, r.integers(0, 17, wide.shape)).astype(e.x_type)
    x = np.where(r.random((n, e.n_features)) < 0.5, r.integers(-3, 17, (n, e.n_features)), r.normal(size=(n, e.n_features)))
    rows = trees.hostile_rows(e, x.astype(np.float32), n, int(r.integers(0, 1000)), nan=True)
    rows[rows != rows] = np.nan
    return rows


def random_ensemble(r: np.random.Generator, shape: str) -> trees.Ensemble:
    n_trees, deep = int(r.integers(1, 20)), int(r.choice([0, 1, 3, 10, 40]))
    e = trees.Ensemble(int(r.choice([1, 2, 5, 30])), 1)
    kind = str(r.choice(["few", "positive", "bits", "hostile", "normal"]))
    flags = int(r.choice([0, 0, 1, 1, 3, 5, 7]))
    e.x_type = str(r.choice(["float32"] * 4 + ["int8", "uint8", "int16"]))
    scores = int(r.integers(2, 6))
    leaf = LEAVES[str(r.choice(list(LEAVES)))]
    if shape == "votes":
        groups = [scores] if r.random() < 0.7 else [int(k) for k in r.integers(2, 5, int(r.integers(2, 4)))]
        e.groups = groups if len(groups) > 1 else None
        e.n_scores = e.width = sum(groups)
        e.divisor = float(n_trees)
        most, pure = int(r.choice([2, 9, 300, 60000])), r.choice([0.0, 0.8])
        make = lambda: fractions(r, groups, most, pure)
    elif shape == "weights":
        e.n_scores = e.width = scores
        e.divisor = float(n_trees)
        make = lambda: r.dirichlet(np.ones(scores))
    elif shape == "weighted votes":  # of AdaBoost: divided by what is no integer
        e.n_scores = e.width = scores
        weights = r.choice([0.1, 0.3, 1 / 3, 0.7, 1.1, 2.5], 8)
        e.divisor = float(weights.sum())
        make = lambda: weighted_vote(r, scores, float(r.choice(weights)))
    elif shape == "boosted":
        e.n_scores = scores
        make = lambda: leaf(r)
        e.base = [float(v) for v in r.normal(size=scores)] if r.random() < 0.7 else None
    elif shape == "cut":
        e.decide, e.divisor = "cut", float(r.choice([1, n_trees, r.uniform(0.1, 3)]))
        make = lambda: leaf(r)
        e.base = [float(r.normal())]
    elif shape == "path":
        e.decide, e.path = "cut", True
        make = lambda: float(r.choice([0.0, 0.0, 1.0, 2.3, 4.1]))
    elif shape == "softmax float64":
        e.n_scores = scores
        make = lambda: leaf(r)
    else:
        e.n_scores, e.sums = scores, "float32"
        make = lambda: np.float32(np.clip(leaf(r), -1e30, 1e30))
        e.base = [float(np.float32(v)) for v in r.normal(size=scores)]
        if r.random() < 0.3 and shape == "float32":
            e.n_scores, e.decide, e.base = 1, "cut", e.base[:1]
    if shape.startswith("softmax"):
        e.decide, e.sums = "softmax", shape[8:]
    if flags & trees.CATEGORIES and e.x_type != "float32":
        flags &= ~trees.MISSING_LEFT if r.random() < 0.5 else 7
    for t in range(n_trees):
        in_turn = t % e.n_scores if e.n_scores > 1 and e.width == 1 else 0
        e.start(in_turn if r.random() < 0.95 or e.width > 1 else int(r.integers(0, e.n_scores)))
        grow(e, r, int(r.integers(0, deep + 1)), kind, flags, make)
    return e


def check(e: trees.Ensemble, x: np.ndarray, folder: Path, what: str) -> None:
    """Labels and scores by eval are the oracle's, bit for bit."""
    if e.decide == "cut":  # cuts on and beside a score that occurs
        scores = e.scores(x)[:, 0]
        on = scores[len(x) // 2]
        toward = [on, scores.dtype.type(np.inf), scores.dtype.type(-np.inf)][len(e.feature) % 3]
        e.cut = float(np.nextafter(on, toward))
    graph = folder / "trees.ir"
    graph.write_text(e.text())
    label, scores = evaluate(graph, folder, [x], ("predict", "decision_function"))
    want = e.scores(x)
    same = scores.reshape(want.shape).astype(np.float64).view(np.uint64) == want.astype(np.float64).view(np.uint64)
    assert same.all(), f"{what}: {np.sum(~same)} scores differ, first {np.argwhere(~same)[0]}"
    labels = e.labels(x)
    wrong = (label.reshape(labels.shape) != labels).any(axis=1)
    assert not wrong.any(), f"{what}: {wrong.sum()} labels differ, first of row {np.argmax(wrong)}"


@pytest.mark.parametrize("shape", SHAPES)
def test_random_ensembles(tmp_path: Path, shape: str) -> None:
    for seed in (*range(ENSEMBLES), 248):  # 248 of them has an empty set of categories in a table
        r = np.random.default_rng([seed, len(shape)])
        e = random_ensemble(r, shape)
        with np.errstate(over="ignore", invalid="ignore"):
            check(e, random_rows(e, r, 160), tmp_path, f"{shape} {seed}")


# ---- generated C -------------------------------------------------------------------------------

MAIN = """
#include <stdio.h>
#include "trees.h"
int main(void)
{
    static IN in[TREES_N_FEATURES];
    static OUT out[N_OUT];
    while (fread(in, sizeof in, 1, stdin) == 1) {
        CALL;
        fwrite(out, sizeof out, 1, stdout);
    }
    return 0;
}
"""


def generated(e: trees.Ensemble, x: np.ndarray, folder: Path, head: str, *words: str) -> np.ndarray:
    """What the generated C of one head, compiled here, gives for rows."""
    graph, program = folder / "trees.ir", folder / "trees"
    graph.write_text(e.text((head,)))
    words += ("--float64",) if head == "scores" else ()
    mica("compile", graph, "-o", folder, "--name", "trees", *words)
    n = (len(e.groups) if e.groups else 1) if head == "label" else e.n_scores
    call = f"trees_{NAMES[head]}(in"
    call = f"{call}, out)" if n > 1 else f"out[0] = {call})"
    main = MAIN.replace("CALL", call).replace("N_OUT", str(n))
    kind = {"float32": "float"}.get(e.x_type, e.x_type + "_t")
    main = main.replace("IN in", f"{kind} in").replace("OUT out", f"{'int32_t' if head == 'label' else 'double'} out")
    (folder / "main.c").write_text(main)
    run("gcc", *PORTABLE, "-O1", folder / "main.c", folder / "trees.c", "-o", program)
    done = subprocess.run([program], input=np.ascontiguousarray(x).tobytes(), capture_output=True, check=True)
    return np.frombuffer(done.stdout, np.int32 if head == "label" else np.float64).reshape(len(x), n)


# On AVR nested ifs of more than a few tests are too large: there, speed means words.
DESIGNS = {
    "size": ("--optimize", "size"),
    "speed": ("--optimize", "speed"),
    "words": ("--optimize", "speed", "--target", "avr"),
}


@pytest.mark.parametrize("design", ["size", "speed"])
@pytest.mark.parametrize("shape", SHAPES)
def test_generated_code_gives_the_same(tmp_path: Path, shape: str, design: str) -> None:
    need("gcc")
    words = DESIGNS[design]
    for seed in range(1000, 1000 + (60 if ALL else 4)):
        r = np.random.default_rng([seed, len(shape)])
        e = random_ensemble(r, shape)
        x = random_rows(e, r, 160)
        with np.errstate(over="ignore", invalid="ignore"):
            e.cut = float(e.scores(x)[80, 0])
            labels, scores = e.labels(x), e.scores(x).astype(np.float64)
        got = generated(e, x, tmp_path, "scores", *words)
        assert np.array_equal(got.view(np.uint64), scores.view(np.uint64)), seed
        assert np.array_equal(generated(e, x, tmp_path, "label", *words), labels), seed


@pytest.mark.parametrize("name", ["forest", "extra trees", "boosting", "isolation"])
def test_labels_from_words(tmp_path: Path, name: str) -> None:
    """Ensembles too large for nested ifs on AVR, whose code runs here as well."""
    need("gcc")
    x, y = data_of("digits", False)
    fitted = estimator(name).set_params(n_estimators=5).fit(x, y)
    e = trees.from_sklearn(fitted)
    rows = np.concatenate([x, trees.hostile_rows(e, x, ROWS)])
    got = generated(e, rows, tmp_path, "label", *DESIGNS["words"])[:, 0]
    assert "_roots[" in (tmp_path / "trees.c").read_text()
    want = fitted.predict(rows)
    assert np.array_equal(got, (want + 1) // 2 if name == "isolation" else want)


@pytest.mark.parametrize("compiler", BUILDS)
@pytest.mark.parametrize("shape", SHAPES)
def test_generated_code_is_clean(tmp_path: Path, shape: str, compiler: str) -> None:
    need(compiler)
    target = "avr" if compiler == "avr-gcc" else "cortex-m0"
    for seed in range(6):
        e = random_ensemble(np.random.default_rng([seed, len(shape)]), shape)
        (tmp_path / "trees.ir").write_text(e.text())
        for level in ("-Os", "-O2"):
            mica("compile", tmp_path / "trees.ir", "-o", tmp_path, "--target", target)
            flags = (*BUILDS[compiler], *PORTABLE, level, "-c")
            run(compiler, *flags, tmp_path / "trees.c", "-o", tmp_path / "trees.o")


# ---- scikit-learn ------------------------------------------------------------------------------


def estimator(name: str) -> Any:
    from sklearn import ensemble, tree

    few = {"random_state": 0, "n_estimators": 10, "max_depth": 10}
    boost = {"random_state": 0, "n_estimators": 10, "max_depth": 3}
    hist = {"random_state": 0, "max_iter": 10, "max_leaf_nodes": 15}
    return {
        "tree": lambda: tree.DecisionTreeClassifier(max_depth=8, random_state=0),
        "extra tree": lambda: tree.ExtraTreeClassifier(random_state=0),
        "forest": lambda: ensemble.RandomForestClassifier(**few),
        "deep forest": lambda: ensemble.RandomForestClassifier(n_estimators=7, random_state=0),
        "weighted forest": lambda: ensemble.RandomForestClassifier(**few, class_weight="balanced_subsample"),
        "extra trees": lambda: ensemble.ExtraTreesClassifier(**few),
        "boosting": lambda: ensemble.GradientBoostingClassifier(**boost),
        "hist": lambda: ensemble.HistGradientBoostingClassifier(**hist),
        "isolation": lambda: ensemble.IsolationForest(n_estimators=30, random_state=0),
        "tree regressor": lambda: tree.DecisionTreeRegressor(max_depth=7, random_state=0),
        "forest regressor": lambda: ensemble.RandomForestRegressor(**few),
        "poisson forest": lambda: ensemble.RandomForestRegressor(n_estimators=5, max_depth=6, criterion="absolute_error", random_state=0),
        "extra regressor": lambda: ensemble.ExtraTreesRegressor(**few),
        "boosting regressor": lambda: ensemble.GradientBoostingRegressor(**boost),
        "hist regressor": lambda: ensemble.HistGradientBoostingRegressor(**hist),
    }[name]()


def data_of(name: str, holes: bool) -> tuple[np.ndarray, np.ndarray]:
    from sklearn import datasets

    x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    x = x.astype(np.float32)
    if holes:
        x[np.random.default_rng(5).random(x.shape) < 0.1] = np.nan
    return x, y


CLASSIFIERS = ["tree", "extra tree", "forest", "deep forest", "weighted forest", "extra trees", "boosting", "hist"]
REGRESSORS = ["tree regressor", "forest regressor", "extra regressor", "boosting regressor", "hist regressor"]
CASES = [(name, data) for name in CLASSIFIERS for data in ("digits", "breast_cancer", "iris")]
CASES += [("isolation", "breast_cancer"), ("isolation", "digits")]
CASES += [(name, "diabetes") for name in REGRESSORS] + [("poisson forest", "diabetes")]
HOLES = [(name, data) for name, data in CASES if name.split()[0] not in ("boosting", "isolation", "poisson")]


def check_estimator(fitted: Any, x: np.ndarray, folder: Path, nan: bool) -> None:
    """Labels and scores on the training rows and on rows that are hard."""
    from sklearn.base import is_regressor

    e = trees.from_sklearn(fitted)
    clean = np.nan_to_num(x)
    rows = np.concatenate([x, trees.hostile_rows(e, clean, ROWS, nan=nan)])
    if is_regressor(fitted):
        got = generated(e, rows, folder, "scores", "--optimize", "size")
        want = np.asarray(fitted.predict(rows), float).reshape(got.shape)
    else:
        got = generated(e, rows, folder, "label", "--optimize", "size")
        want = np.asarray(fitted.predict(rows))
        if hasattr(fitted, "offset_"):
            want = (want + 1) // 2
        want = want.reshape(got.shape)
    wrong = (got != want).any(axis=1)
    assert not wrong.any(), f"{wrong.sum()} of {len(rows)} rows, first {np.argmax(wrong)}"
    if hasattr(fitted, "predict_proba") and "Boosting" not in type(fitted).__name__:
        proba = generated(e, rows, folder, "scores", "--optimize", "size")
        assert np.array_equal(proba, fitted.predict_proba(rows))


@pytest.mark.parametrize("name,data", CASES)
def test_scikit_learn(tmp_path: Path, name: str, data: str) -> None:
    need("gcc")
    x, y = data_of(data, False)
    check_estimator(estimator(name).fit(x, y), x, tmp_path, False)


@pytest.mark.parametrize("name,data", HOLES)
def test_scikit_learn_with_missing_values(tmp_path: Path, name: str, data: str) -> None:
    need("gcc")
    x, y = data_of(data, True)
    check_estimator(estimator(name).fit(x, y), x, tmp_path, True)


def test_many_outputs(tmp_path: Path) -> None:
    from sklearn import ensemble

    need("gcc")
    x, y = data_of("iris", False)
    two = np.stack([y, (x[:, 0] > 5.5).astype(int)], axis=1)
    forest = ensemble.RandomForestClassifier(n_estimators=9, max_depth=3, random_state=0).fit(x, two)
    e = trees.from_sklearn(forest)
    rows = np.concatenate([x, trees.hostile_rows(e, x, ROWS)])
    assert np.array_equal(generated(e, rows, tmp_path, "label"), forest.predict(rows))
    proba = np.concatenate(forest.predict_proba(rows), axis=1)
    assert np.array_equal(generated(e, rows, tmp_path, "scores"), proba)
    several = ensemble.ExtraTreesRegressor(n_estimators=5, max_depth=5, random_state=0).fit(x, x[:, :3] * 2)
    e = trees.from_sklearn(several)
    rows = np.concatenate([x, trees.hostile_rows(e, x, ROWS)])
    assert np.array_equal(generated(e, rows, tmp_path, "scores"), several.predict(rows))


def test_promise_of_no_missing_values(tmp_path: Path) -> None:
    """--finite drops the ways of NaN, in the table of answers too, and no answer changes."""
    sklearn = pytest.importorskip("sklearn.ensemble")
    r = np.random.default_rng(7)
    x = r.integers(0, 2, (400, 9)).astype(np.float32)
    y = (x[:, 0] + x[:, 1] * x[:, 2] + x[:, 3] + r.random(400) > 1.5).astype(int)
    forest = sklearn.RandomForestClassifier(n_estimators=10, max_depth=6, random_state=0).fit(x, y)
    e = trees.from_forest(forest)
    assert any(flag & 1 for flag in e.flags), "the forest has ways for NaN"
    graph = tmp_path / "forest.ir"
    graph.write_text(e.text())
    lengths = []
    for promise in ((), ("--finite",)):
        for objective in ("size", "speed"):
            words = ("eval", "--optimize", objective, *promise)
            (label,) = evaluate(graph, tmp_path, [x], ("predict",), command=words)
            assert np.array_equal(label.ravel(), forest.predict(x)), (objective, promise)
        mica("compile", graph, "-o", tmp_path, "--name", "forest", "--functions", "predict",
             "--optimize", "size", *promise)
        lengths.append(len((tmp_path / "forest.c").read_text()))
    assert lengths[1] < lengths[0] / 2, "a table of 512 answers"
