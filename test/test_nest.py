# SPDX-License-Identifier: Apache-2.0
"""Trees as nested ifs and as tables: what the generated C answers on this machine, compared with the
library's arithmetic, on random ensembles of every shape, on single tests of every kind, and on
estimators of scikit-learn; and which of the designs was taken."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Sequence

import numpy as np
import pytest

import tree_models as trees
from support import ALL, COMPILERS, PORTABLE, evaluate, mica, need, run
from test_trees import grow, random_ensemble, random_rows
from tree_programs import Built, Wanted, link

ROWS = 20000 if ALL else 2000
ENSEMBLES = 100 if ALL else 8


@dataclass
class Models:
    """Models in C, linked to one program that runs any of them."""

    program: Built
    ensembles: Sequence[trees.Ensemble]
    sources: list[str]

    def labels(self, i: int, x: np.ndarray) -> tuple[np.ndarray, int]:
        """Labels [rows, labels] and how many rows the kernel had to redo."""
        results, redone = self.program.run_counted(i, x)
        return results["predict"], redone


def build(folder: Path, ensembles: Sequence[trees.Ensemble], *words: str) -> Models:
    """Compile, count the rows that are redone, link, with sanitizers."""
    sources = []
    for i, e in enumerate(ensembles):
        (folder / f"m{i}.ir").write_text(e.text(("label",)))
        mica("compile", folder / f"m{i}.ir", "-o", folder, "--name", f"m{i}", *words)
        source = (folder / f"m{i}.c").read_text()
        sources.append(source)
        call = re.compile(r"^        (mica_(?!first)\w+\(&)", flags=re.M)
        changed = call.sub(r"        counted++;\n        \1", source)
        (folder / f"m{i}.c").write_text("extern int counted;\n" + changed)
    types, features = [e.x_type for e in ensembles], [e.n_features for e in ensembles]
    wanted = [[Wanted("predict", "int32", len(e.groups or [0]))] for e in ensembles]
    return Models(link(folder, types, features, wanted), ensembles, sources)


def compare(models: Models, rows: Sequence[np.ndarray], what: str) -> int:
    """All labels are the oracle's; returns how many rows were redone."""
    redone = 0
    for i, (e, x) in enumerate(zip(models.ensembles, rows)):
        with np.errstate(over="ignore", invalid="ignore"):
            want = e.labels(x)
        got, count = models.labels(i, x)
        wrong = (got != want).any(axis=1)
        at = int(np.argmax(wrong))
        assert not wrong.any(), f"{what}, model {i}: {wrong.sum()} wrong, first {x[at]}: {got[at]} not {want[at]}"
        redone += count
    return redone


def set_cut(e: trees.Ensemble, x: np.ndarray) -> None:
    """A cut on or beside a score that occurs."""
    if e.decide == "cut":
        scores = e.scores(x)[:, 0]
        e.cut = float(np.nextafter(scores[len(x) // 2], scores.dtype.type((len(x) % 3 - 1) * np.inf)))


# ---- random ensembles ----


@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("shape", ["votes", "weights", "boosted", "cut", "path", "float32"])
def test_random_ensembles(tmp_path: Path, shape: str, optimize: str) -> None:
    ensembles, rows = [], []
    for seed in range(ENSEMBLES):
        r = np.random.default_rng([seed, len(shape), 7])
        e = random_ensemble(r, shape)
        x = random_rows(e, r, 300)
        with np.errstate(over="ignore", invalid="ignore"):
            set_cut(e, x)
        ensembles.append(e)
        rows.append(x)
    models = build(tmp_path, ensembles, "--optimize", optimize)
    compare(models, rows, f"{shape} {optimize}")
    taken = sum("_nest(" in source or "mica_trees_table(" in source for source in models.sources)
    possible = sum(max(e.feature) >= 0 for e in ensembles)
    assert taken > possible / 2 or optimize == "size"


# ---- single tests ----

EDGES = np.array([0, -0.0, 1e-45, -1e-45, 1e-35, -1e-35, 1, -1, 7.5, -7.5, 3.4e38, -3.4e38, np.inf, -np.inf], np.float32)


def edge_rows() -> np.ndarray:
    with np.errstate(over="ignore"):
        beside = [np.nextafter(EDGES, np.float32(s)) for s in (np.inf, -np.inf)]
    category = [0.5, -0.5, 2, 2.9, 31, 32, 33.5, 63, 64, 95, 96, 1e9, 2147483520.0, 2147483648.0, 1e20]
    numbers = np.concatenate([EDGES, *beside, [np.nan], category, np.negative(category)])
    return numbers.astype(np.float32).reshape(-1, 1)


@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("flags", [*range(8), 10, 11])
def test_every_kind_of_test(tmp_path: Path, flags: int, optimize: str) -> None:
    """x <= t for t of either sign, NaN left or right, zeros as NaN, sets of categories."""
    ensembles = []
    sets = [[], [0], [5], [0, 0], [0x80000001, 4], [0xFFFFFFFF, 0, 1 << 31], [1, 2, 0]]
    for threshold in sets if flags & trees.CATEGORIES else EDGES:
        e = trees.Ensemble(1, 2, 2, divisor=1.0)
        if flags & trees.CATEGORIES:
            e.sets, threshold = [len(threshold), *threshold], 0
        e.start()
        at = e.test(0, threshold, flags, 3)
        e.leaf([0.25, 0.75], 2)
        e.right_of(at)
        e.leaf([1, 0], 1)
        ensembles.append(e)
    models = build(tmp_path, ensembles, "--optimize", optimize)
    compare(models, [edge_rows()] * len(ensembles), f"flags {flags}")


@pytest.mark.parametrize("x_type", ["int8", "uint8", "int16"])
def test_integers(tmp_path: Path, x_type: str) -> None:
    """Every integer, thresholds at and beyond the ends of the type."""
    limits = np.iinfo(x_type)
    x = np.arange(limits.min, limits.max + 1).reshape(-1, 1).astype(x_type)
    ensembles = []
    for threshold in (limits.min - 1, limits.min, -0.5, 0, 0.5, 16, limits.max - 0.5, limits.max, 1e30, -np.inf):
        for flags in (0, 1, 4, 5):
            e = trees.Ensemble(1, 2, 2, x_type=x_type)
            e.start()
            at = e.test(0, threshold, flags)
            e.leaf([1, 0])
            e.right_of(at)
            at = e.test(0, 40)
            e.leaf([0, 1])
            e.right_of(at)
            e.leaf([1, 0])
            ensembles.append(e)
    models = build(tmp_path, ensembles)
    compare(models, [x] * len(ensembles), x_type)


# ---- which rows are redone ----


def vote(*rows: Sequence[float]) -> trees.Ensemble:
    """A tree for each list: left of 0 its numbers, right of 0 those of class 0 alone."""
    e = trees.Ensemble(len(rows), len(rows[0]), len(rows[0]), divisor=float(len(rows)))
    for i, numbers in enumerate(rows):
        e.start()
        at = e.test(i, 0)
        e.leaf(numbers)
        e.right_of(at)
        e.leaf([1.0] + [0.0] * (len(numbers) - 1))
    return e


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_ties_are_the_librarys(tmp_path: Path, classes: int) -> None:
    """Equal sums of exact votes give the first class at once; where votes are rounded, float64 decides,
    in which 0.1 + 0.2 is more than 0.3, and ties may break."""
    rest = [0.0] * (classes - 2)
    exact = vote([0.0, 1.0, *rest], [1.0, 0.0, *rest])
    halves = vote([0.5, 0.5, *rest], [0.25, 0.75, *rest], [0.75, 0.25, *rest])
    tenths = vote([0.9, 0.1, *rest], [0.2, 0.8, *rest], [0.4, 0.6, *rest])
    thirds = vote(*[[1 / 3, 2 / 3, *rest], [2 / 3, 1 / 3, *rest]] * 3)
    many, rows = [], []
    for e in (exact, halves, tenths, thirds):  # and tests that change nothing, too many for a table
        used = e.n_features
        for feature in range(used, used + 20):
            e.start()
            at = e.test(feature, 0)
            e.leaf([0.0] * classes)
            e.right_of(at)
            e.leaf([1.0] * classes)
        e.n_features += 20
        e.divisor = 1.0
        outcome = np.arange(2**used)[:, None] >> np.arange(used) & 1
        many.append(e)
        rows.append(np.hstack([2 * outcome - 1, np.zeros((2**used, 20))]).astype(np.float32))
    models = build(tmp_path, many, "--optimize", "speed")
    assert all("_nest(" in source for source in models.sources)
    compare(models, rows, "ties")
    redone = [models.labels(i, x)[1] for i, x in enumerate(rows)]
    assert redone[0] == redone[1] == 0 and redone[2] > 0 and redone[3] > 0


# ---- tables ----


@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("classes", [2, 3, 9, 40])
def test_tables(tmp_path: Path, classes: int, optimize: str) -> None:
    """Many trees of few tests: thresholds of both signs, several of one feature, NaN, categories."""
    ensembles, rows = [], []
    for seed in range(8):
        r = np.random.default_rng([seed, classes])
        e = trees.Ensemble(int(r.integers(1, 5)), classes, classes, divisor=30.0)
        if seed % 4 == 3:
            e.x_type = ["int8", "uint8", "int16"][seed // 3]
        flags = [0, 1, 5, 0][seed % 4]
        pool = r.choice(EDGES if seed % 2 else [0.5, 1.5, -0.5], (e.n_features, 2))
        for _ in range(30):
            e.start()
            grow(e, r, 6, "few", flags, lambda: r.dirichlet(np.ones(classes)))
        e.threshold = [float(pool[f, i % 2]) if f >= 0 else 0.0 for i, f in enumerate(e.feature)]
        ensembles.append(e)
        rows.append(random_rows(e, r, 400))
    models = build(tmp_path, ensembles, "--optimize", optimize)
    assert compare(models, rows, "tables") == 0
    assert all("mica_trees_table" in source for source in models.sources)


# ---- estimators ----


def estimators() -> dict[str, Any]:
    from sklearn import ensemble, tree

    fixed = {"random_state": 0}
    return {
        "digits tree": tree.DecisionTreeClassifier(max_depth=8, **fixed),
        "digits forest": ensemble.RandomForestClassifier(10, max_depth=10, **fixed),
        "digits weighted forest": ensemble.RandomForestClassifier(8, max_depth=6, class_weight="balanced", **fixed),
        "digits extra": ensemble.ExtraTreesClassifier(10, max_depth=8, **fixed),
        "digits boosting": ensemble.GradientBoostingClassifier(n_estimators=5, max_depth=3, **fixed),
        "digits histogram": ensemble.HistGradientBoostingClassifier(max_iter=5, max_leaf_nodes=15, **fixed),
        "cancer forest": ensemble.RandomForestClassifier(10, **fixed),
        "cancer boosting": ensemble.GradientBoostingClassifier(n_estimators=30, **fixed),
        "cancer isolation": ensemble.IsolationForest(n_estimators=100, **fixed),
    }


@pytest.mark.parametrize("optimize", ["speed", "size"])
def test_estimators(tmp_path: Path, optimize: str) -> None:
    from sklearn import datasets

    data = {"digits": datasets.load_digits(return_X_y=True), "cancer": datasets.load_breast_cancer(return_X_y=True)}
    ensembles, rows, wanted = [], [], []
    for name, estimator in estimators().items():
        x, y = data[name.split()[0]]
        x = x.astype(np.float32)
        estimator.fit(x[::2]) if "isolation" in name else estimator.fit(x[::2], y[::2])
        e = trees.from_sklearn(estimator)
        hard = trees.hostile_rows(e, x, ROWS)
        ensembles.append(e)
        rows.append(np.vstack([x[1::2], hard]))
        labels = estimator.predict(rows[-1])
        wanted.append(labels > 0 if "isolation" in name else labels)
    models = build(tmp_path, ensembles, "--optimize", optimize)
    for i, (e, x) in enumerate(zip(ensembles, rows)):
        got, redone = models.labels(i, x)
        wrong = got[:, 0] != wanted[i]
        assert not wrong.any(), f"{list(estimators())[i]}: {wrong.sum()} of {len(x)} wrong"
        assert redone <= 0.1 * len(x)
    assert all(("_nest(" in s) for s in models.sources) or optimize == "size"


# ---- values of regressions ----


def value_graph(e: trees.Ensemble) -> str:
    """The graph of a regression: the score as a float."""
    text = re.sub(r"output %(\d+) decision_function", r"output %\1 predict", e.text(("scores",)))
    at = int(re.findall(r"output %(\d+) predict", text)[0])
    lines = text.replace(f"output %{at} predict", f'node "y" cast : %{at} -> %{at + 1}\noutput %{at + 1} predict')
    return lines.replace("input %0\n", f'tensor %{at + 1} "y" float32 [1,1]\ninput %0\n')


@pytest.mark.parametrize("sums", ["float64", "float32"])
def test_values(tmp_path: Path, sums: str) -> None:
    """Sums of float32 are the library's; those of float64 err by no more than the code states, and by
    a millionth of the value here. What the code gives, eval gives."""
    r = np.random.default_rng(3)
    e = trees.Ensemble(6, 1, sums=sums, base=[150.0], divisor=1.0 if sums == "float32" else 50.0)
    for _ in range(50):
        e.start()
        grow(e, r, 12, "normal", trees.MISSING_LEFT, lambda: float(np.float32(r.uniform(20, 40))))
    x = random_rows(e, r, 1000)
    (tmp_path / "m0.ir").write_text(value_graph(e))
    mica("compile", tmp_path / "m0.ir", "-o", tmp_path, "--name", "m0", "--optimize", "speed")
    source = (tmp_path / "m0.c").read_text()
    assert "_nest(" in source and "mica_trees" not in source
    program = link(tmp_path, ["float32"], [6], [[Wanted("predict", "float32", 1)]])
    got, want = program.run(0, x)["predict"].ravel(), e.scores(x)[:, 0]
    (by_eval,) = evaluate(tmp_path / "m0.ir", tmp_path, [x])
    assert (got == by_eval.ravel()).all()
    if sums == "float32":
        assert (got == want).all()
        return
    stated = float(re.findall(r"errs by at most ([^ ]+) and", source)[0])
    error = np.abs(got - want)
    assert (error <= stated * 1.05 + 2.0**-22 * np.abs(want)).all() and stated < 1e-4
    assert (error <= 1e-6 * np.abs(want)).all()


# ---- the text of the code ----


@pytest.mark.parametrize("compiler", COMPILERS)
def test_generated_code_is_clean(tmp_path: Path, compiler: str) -> None:
    """No warning on any compiler, whatever the ensemble."""
    need(compiler)
    files = []
    for i, shape in enumerate(["votes", "weights", "boosted", "cut", "path", "float32"] * 3):
        r = np.random.default_rng([i, 3])
        e = random_ensemble(r, shape)
        target = {"arm": "cortex-m0", "ris": "rv32imc", "avr": "avr"}.get(compiler[:3], "host")
        (tmp_path / f"m{i}.ir").write_text(e.text(("label",)))
        mica("compile", tmp_path / f"m{i}.ir", "-o", tmp_path, "--name", f"m{i}", "--target", target)
        files.append(tmp_path / f"m{i}.c")
    run(compiler, *COMPILERS[compiler], *PORTABLE, "-Os", "-c", *files, cwd=tmp_path)


def test_deep_lists_do_not_nest_deep(tmp_path: Path) -> None:
    """A tree that is a list of 3,000 tests: compilers take no braces in so many braces."""
    e = trees.Ensemble(1, 2, 2)
    e.start()
    for i in range(3000):
        at = e.test(0, float(i))
        e.leaf([i % 2, 1 - i % 2])
        e.right_of(at)
    e.leaf([1, 0])
    models = build(tmp_path, [e], "--optimize", "speed")
    compare(models, [np.arange(-2, 3002, 0.5, np.float32).reshape(-1, 1)], "list")
    assert "_nest(" in models.sources[0]
    deepest = depth = 0
    for c in models.sources[0]:
        depth += {"{": 1, "}": -1}.get(c, 0)
        deepest = max(deepest, depth)
    assert deepest < 20


def test_huge_ensembles_are_data(tmp_path: Path) -> None:
    """More tests than compilers translate in seconds stay a stream."""
    r = np.random.default_rng(0)
    e = trees.Ensemble(20, 1, decide="cut")
    for _ in range(60):
        e.start()
        grow(e, r, 600, "normal", 0, lambda: float(r.normal()))
    (tmp_path / "m.ir").write_text(e.text(("label",)))
    mica("compile", tmp_path / "m.ir", "-o", tmp_path, "--name", "m", "--optimize", "speed")
    assert "_nest(" not in (tmp_path / "m.c").read_text()
