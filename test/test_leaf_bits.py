# SPDX-License-Identifier: Apache-2.0
"""Leaves rounded to declared bits: every label that is said to be certain is the library's, every number
is within the error that the header states; on random ensembles, hard rows and trained models."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Sequence

import numpy as np
import pytest

import tree_models as trees
from booster_models import MODELS, hostile_rows
from support import ALL, COMPILERS, PORTABLE, mica, need, run
from test_nest import set_cut
from test_trees import random_ensemble, random_rows
from tree_programs import Built, Wanted, link

ENSEMBLES = 60 if ALL else 6
ROWS = 3000 if ALL else 300
BITS = (4, 7, 12, 16, 24)
SHAPES = ["boosted", "cut", "float32", "softmax float32", "softmax float64"]
TOO_FINE = "a step of its rounded leaves is"


def build_ensembles(folder: Path, ensembles: Sequence[trees.Ensemble], bits: Sequence[int], *words: Any) -> Built:
    wanted = []
    for i, (e, n) in enumerate(zip(ensembles, bits)):
        (folder / f"m{i}.ir").write_text(e.text(("label",)))
        mica("compile", folder / f"m{i}.ir", "-o", folder, "--name", f"m{i}", "--leaf-bits", n, *words)
        labels = len(e.groups or [0])
        wanted.append([Wanted("predict", "int32", labels), Wanted("predict_certain", "int32", labels + 1)])
    return link(folder, [e.x_type for e in ensembles], [e.n_features for e in ensembles], wanted)


def judge(got: dict[str, np.ndarray], want: np.ndarray, what: str) -> tuple[int, int]:
    """Certain labels are the library's; how many rows are not certain, how many of them differ."""
    label, both = got["predict"], got["predict_certain"]
    assert np.array_equal(label, both[:, :-1]), f"{what}: the two functions give two labels"
    assert np.isin(both[:, -1], (0, 1)).all()
    certain = both[:, -1] == 1
    differs = (label != want).any(axis=1)
    assert not (differs & certain).any(), f"{what}: row {np.argmax(differs & certain)} is certain, and wrong"
    return int((~certain).sum()), int(differs.sum())


# ---- random ensembles ---------------------------------------------------------------------------


@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("shape", SHAPES)
def test_certain_labels_are_the_librarys(tmp_path: Path, shape: str, optimize: str) -> None:
    """Leaves of all kinds (tiny, subnormal, of twenty orders of magnitude, few), cuts on scores that
    occur, several labels, thresholds of both signs, NaN, categories, integers."""
    ensembles, rows, bits = [], [], []
    for seed in range(ENSEMBLES):
        r = np.random.default_rng([seed, len(shape)])
        e = random_ensemble(r, shape)
        x = random_rows(e, r, ROWS)
        with np.errstate(over="ignore", invalid="ignore"):
            set_cut(e, x)
        ensembles += [e] * len(BITS)
        rows += [x] * len(BITS)
        bits += BITS
    built = build_ensembles(tmp_path, ensembles, bits, "--optimize", optimize)
    undecided = dict.fromkeys(BITS, 0)
    changed = dict.fromkeys(BITS, 0)
    for i, (e, x, n) in enumerate(zip(ensembles, rows, bits)):
        with np.errstate(over="ignore", invalid="ignore"):
            want = e.labels(x)
        left, differ = judge(built.run(i, x), want, f"{shape} {i}, {n} bits")
        undecided[n] += left
        changed[n] += differ
    total = ENSEMBLES * ROWS
    assert changed[4] > 0, "nothing was given up: these rows test nothing"
    assert undecided[24] < undecided[4] < total  # some leaves are beyond any bits, and stay undecided
    assert changed[24] < changed[4]


@pytest.mark.parametrize("shape", ["boosted", "float32", "softmax float32"])
def test_designs_give_the_same(tmp_path: Path, shape: str) -> None:
    """Nested ifs, the stream and words (which AVR gets for speed): labels and what is certain are equal."""
    designs = [("--optimize", "size"), ("--optimize", "speed"), ("--optimize", "speed", "--target", "avr")]
    ensembles, rows = [], []
    for seed in range(ENSEMBLES):
        r = np.random.default_rng([seed, len(shape), 3])
        ensembles.append(random_ensemble(r, shape))
        rows.append(random_rows(ensembles[-1], r, ROWS))
    answers: list[list[np.ndarray]] = []
    for number, words in enumerate(designs):
        folder = tmp_path / str(number)
        folder.mkdir()
        built = build_ensembles(folder, ensembles, [10] * len(ensembles), *words)
        answers.append([built.run(i, x)["predict_certain"] for i, x in enumerate(rows)])
    for other in answers[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(answers[0], other))


def stated_error(header: str, role: str) -> float:
    found = re.search(rf"_{role.upper()}_ERROR (\S+)f$", header, re.M)
    return float(found[1]) if found else 0.0


@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("shape", ["boosted", "cut", "float32"])
def test_scores_are_within_the_stated_error(tmp_path: Path, shape: str, optimize: str) -> None:
    ensembles, rows, wanted, bits = [], [], [], []
    for seed in range(ENSEMBLES):
        for n in BITS:
            r = np.random.default_rng([seed, n, len(shape), 11])
            e = random_ensemble(r, shape)
            x = random_rows(e, r, ROWS)
            i = len(ensembles)
            (tmp_path / f"m{i}.ir").write_text(e.text(("scores",)))
            words = ("compile", tmp_path / f"m{i}.ir", "-o", tmp_path, "--name", f"m{i}", "--leaf-bits", n)
            done = mica(*words, "--optimize", optimize, status=None)
            if done.returncode:
                assert TOO_FINE in done.stderr
                continue
            ensembles.append(e)
            rows.append(x)
            bits.append(n)
            wanted.append([Wanted("decision_function", "float64", e.n_scores)])
    assert len(ensembles) > ENSEMBLES * len(BITS) / 2
    built = link(tmp_path, [e.x_type for e in ensembles], [e.n_features for e in ensembles], wanted)
    most = 0.0
    for i, (e, x) in enumerate(zip(ensembles, rows)):
        want = e.scores(x).astype(np.float64)
        off = np.abs(built.run(i, x)["decision_function"] - want)
        error = stated_error(built.header(i), "decision_function")
        assert (off <= error + 1e-6 * np.abs(want)).all(), f"{shape} {i}, {bits[i]} bits: {off.max()}, not {error}"
        most = max(most, float(off.max() / error) if error else 0.0)
    assert most > 0.3  # the bound is no fantasy


# ---- what is certain ----------------------------------------------------------------------------


def stumps(*leaves: tuple[float, float], scores: int = 2, **how: Any) -> trees.Ensemble:
    """Tree i tests feature i and adds one of two numbers to score i % scores."""
    e = trees.Ensemble(len(leaves), scores, **how)
    for i, (left, right) in enumerate(leaves):
        e.start(i % scores)
        at = e.test(i, 0.5)
        e.leaf(left)
        e.right_of(at)
        e.leaf(right)
    return e


def corners(n: int) -> np.ndarray:
    return (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(np.float32)


def test_leaves_that_fit_are_exact(tmp_path: Path) -> None:
    """Leaves that are whole steps are not rounded: only equal scores are undecided."""
    e = stumps((0.0, 3.0), (0.0, 255.0), (1.0, 2.0), (7.0, 8.0))
    got = build_ensembles(tmp_path, [e], [8]).run(0, corners(4))
    scores = e.scores(corners(4))
    assert np.array_equal(got["predict_certain"][:, 1] == 0, scores[:, 0] == scores[:, 1])
    judge(got, e.labels(corners(4)), "whole steps")


def test_equal_scores_and_softmax_are_undecided(tmp_path: Path) -> None:
    """In float32, a softmax makes equal what differs by less than 2^-22, and the first label wins."""
    tiny = 2.0**-25
    e = stumps((0.0, 0.0), (-tiny, tiny), (0.0, 0.5), (0.0, 0.5), sums="float32", decide="softmax")
    rows = corners(4)
    for optimize in ("speed", "size"):
        got = build_ensembles(tmp_path, [e], [24], "--optimize", optimize).run(0, rows)
        near = np.abs(np.diff(e.scores(rows)))[:, 0] < 1e-6
        assert np.array_equal(got["predict_certain"][:, 1] == 0, near)
        judge(got, e.labels(rows), "softmax")


def test_sums_stay_in_32_bits(tmp_path: Path) -> None:
    """Where there are many trees, or a base is far from 0, leaves get fewer bits than were asked for;
    what sums begin with may be beyond 32 bits all the same."""
    r = np.random.default_rng(5)
    many = stumps(*[tuple(r.normal(size=2) + 3) for _ in range(1500)], base=[0.25, -4000.0])
    far = stumps(*[tuple(r.normal(size=2)) for _ in range(6)], base=[1e7, 1e7])
    above = stumps(*[tuple(r.normal(size=2) + 1e6) for _ in range(300)], scores=1, decide="cut", cut=3.00001e8)
    ensembles = [many, far, above]
    for optimize in ("speed", "size"):
        built = build_ensembles(tmp_path, ensembles, [24] * 3, "--optimize", optimize)
        for i, e in enumerate(ensembles):
            x = (r.random((2000, e.n_features)) < 0.5).astype(np.float32)
            left, _ = judge(built.run(i, x), e.labels(x), f"ensemble {i}")
            assert left < 1000


def test_a_cut_out_of_reach(tmp_path: Path) -> None:
    """Of infinity and of what no sum comes near, labels are certain."""
    cuts = [np.inf, -np.inf, 1e300, -1e300, 40.0, -40.0]
    ensembles = [stumps((-1.0, 1.0), (0.1, 0.7), scores=1, decide="cut", cut=c) for c in cuts]
    for optimize in ("speed", "size"):
        built = build_ensembles(tmp_path, ensembles, [8] * len(cuts), "--optimize", optimize)
        for i, e in enumerate(ensembles):
            assert judge(built.run(i, corners(2)), e.labels(corners(2)), f"cut {cuts[i]}") == (0, 0)


# ---- trained models ------------------------------------------------------------------------------


def boosted(name: str) -> tuple[trees.Ensemble, np.ndarray, Any]:
    """An ensemble of scikit-learn, its rows of training, and predict()."""
    from sklearn import datasets, ensemble

    x, y = datasets.load_iris(return_X_y=True) if "iris" in name else datasets.load_breast_cancer(return_X_y=True)
    x = x.astype(np.float32)
    make = {"gradient": ensemble.GradientBoostingClassifier, "hist": ensemble.HistGradientBoostingClassifier}
    how = {"n_estimators": 15} if "gradient" in name else {"max_iter": 15, "min_samples_leaf": 5}
    estimator = make[name.split()[0]](random_state=0, **how).fit(x, y)
    return trees.from_sklearn(estimator), x, estimator.predict


@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("name", ["gradient iris", "gradient cancer", "hist iris", "hist cancer"])
def test_boosting_of_scikit_learn(tmp_path: Path, name: str, optimize: str) -> None:
    pytest.importorskip("sklearn")
    e, x, predict = boosted(name)
    rows = trees.hostile_rows(e, x, 20 * ROWS)
    built = build_ensembles(tmp_path, [e] * len(BITS), BITS, "--optimize", optimize)
    want = predict(rows)[:, None]
    left = [judge(built.run(i, rows), want, f"{name}, {n} bits")[0] for i, n in enumerate(BITS)]
    assert left[0] > left[2] >= left[4] and left[4] <= len(rows) // 1000


BOOSTERS = [(library, name) for library in ("xgboost", "lightgbm") for name in MODELS[library][0]()]


@pytest.mark.parametrize("library, name", BOOSTERS)
def test_boosters(tmp_path: Path, library: str, name: str) -> None:
    """The libraries' own files: labels that are certain, numbers within what the header states."""
    pytest.importorskip(library)
    model = MODELS[library][0]()[name]()
    file = tmp_path / f"model.{MODELS[library][1]}"
    file.write_text(model.text)
    words = ("compile", file, "-o", tmp_path, "--name", "m0", "--leaf-bits", 12)
    for refused, why in (("linear", "it has no trees"), ("vector leaves", "each of its leaves has")):
        if name.startswith(refused):
            assert why in mica(*words, status=1).stderr
            return
    mica(*words, "--optimize", "size")
    header = (tmp_path / "m0.h").read_text()
    wanted = []
    for found in re.finditer(r"^(int32_t|float|void) m0_(\w+)\(const float in\[\w+\](?:, (\w+) out\[(\d+)\])?", header, re.M):
        kind = found[3] or found[1]
        if not found[2].endswith("name"):
            wanted.append(Wanted(found[2], "int32" if kind == "int32_t" else "float32", int(found[4] or 1)))
    rows = hostile_rows(model.x, np.linspace(-3, 3, 100), model.categories)
    got = link(tmp_path, ["float32"], [model.x.shape[1]], [wanted]).run(0, rows)
    if model.labels:
        classes = re.findall(r"M0_CLASS(?:_\d)?_(\w+) = (-?\d+)", header)
        names = {int(value): word.lower() for word, value in classes}
        label = np.vectorize(names.get)(got["predict"])
        want = np.char.lower(model.labels(rows).astype(str)).reshape(label.shape)
        want = np.char.replace(np.char.replace(want, "-", "_"), ".", "_")
        certain = got["predict_certain"][:, -1] == 1
        assert (certain.mean() > 0.5) and (label == want).all(axis=1)[certain].all()
        assert np.array_equal(got["predict"], got["predict_certain"][:, :-1])
    for role, values in (("decision_function", model.raw or model.scores), ("predict_proba", model.results),
                         ("predict", None if model.labels else model.results)):  # fmt: skip
        if role not in got or values is None:
            continue
        with np.errstate(over="ignore"):
            want = np.asarray(values(rows), np.float64).reshape(len(rows), -1)
        absolute = stated_error(header, role)
        relative = stated_error(header, f"{role}_relative")
        assert absolute > 0 or relative > 0
        # where libraries compute e^x in float32, their own error comes to it
        allowed = absolute + (relative + 3e-6) * np.abs(want) + 1e-7
        assert (np.abs(got[role] - want) <= allowed).all(), role


# ---- the command ---------------------------------------------------------------------------------


def test_refusals(tmp_path: Path) -> None:
    votes = trees.Ensemble(1, 2, 2)
    path = stumps((0.0, 1.0), scores=1, decide="cut", path=True)
    votes.start()
    at = votes.test(0, 0.5)
    votes.leaf([1.0, 0.0])
    votes.right_of(at)
    votes.leaf([0.25, 0.75])
    plain = stumps((0.0, 1.0), (0.5, 1.0))
    cases: list[tuple[trees.Ensemble, tuple[Any, ...], str]] = [
        (plain, ("--leaf-bits", 3), "leaves have 4 to 24 bits, not 3"),
        (plain, ("--leaf-bits", 25), "leaves have 4 to 24 bits, not 25"),
        (plain, ("--leaf-bits", 8, "--float64"), "float64 promises the numbers of the library"),
        (votes, ("--leaf-bits", 8), "each of its leaves has 2 numbers, as votes for classes do"),
        (path, ("--leaf-bits", 8), "the depth of its leaves counts"),
        (plain, ("--functions", "predict_certain"), "not all of the functions 'predict_certain' are there"),
    ]
    for e, words, message in cases:
        (tmp_path / "model.ir").write_text(e.text(("label",)))
        done = mica("compile", tmp_path / "model.ir", "-o", tmp_path / "out", *words, status=1)
        assert message in done.stderr and not (tmp_path / "out").exists()
    assert "a whole number" in mica("compile", "model.ir", "--leaf-bits", "0", status=2).stderr


def test_symmetric_trees_and_networks_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("catboost")
    (tmp_path / "model.json").write_text(next(iter(MODELS["catboost"][0]().values()))().text)
    done = mica("compile", tmp_path / "model.json", "-o", tmp_path, "--leaf-bits", 8, status=1)
    assert "its trees are symmetric ones, whose leaves are not rounded" in done.stderr
    network = Path(__file__).parent.parent / "examples/digits/digits.tflite"
    done = mica("compile", network, "-o", tmp_path, "--leaf-bits", 8, status=1)
    assert "are for estimators" in done.stderr


def test_eval_says_what_is_given_up(tmp_path: Path) -> None:
    r = np.random.default_rng(2)
    e = stumps(*[tuple(r.normal(size=2)) for _ in range(24)], scores=3)
    x = (r.random((2000, 24)) < 0.5).astype(np.float32)
    (tmp_path / "model.ir").write_text(e.text(("label",)))
    np.save(tmp_path / "x.npy", x)
    got = build_ensembles(tmp_path, [e], [5]).run(0, x)
    certain = got["predict_certain"][:, -1] == 1
    differ = (got["predict"] != e.labels(x))[:, 0].sum()
    assert differ > 0
    words = ("eval", tmp_path / "model.ir", "--leaf-bits", 5, "--input", tmp_path / "x.npy")
    for functions in ((), ("--functions", "predict")):
        done = mica(*words, *functions, "--output", f"predict={tmp_path / 'y.npy'}")
        assert done.stdout == (
            f"leaves of 5 bits: 2000 rows, {(~certain).sum()} undecided, {differ} of these with another "
            "label than leaves of all bits\n"
        )
        assert np.array_equal(np.load(tmp_path / "y.npy"), got["predict"][:, 0])


@pytest.mark.parametrize("core", ["cortex-m0", "cortex-m4f", "rv32imc", "avr"])
def test_cores_give_the_same(tmp_path: Path, core: str) -> None:
    """Labels, certainty and scores, bit for bit those of eval."""
    need({"rv32imc": "qemu-system-riscv32", "avr": "simavr"}.get(core, "qemu-system-arm"))
    e, x, _ = boosted("gradient iris")
    (tmp_path / "model.ir").write_text(e.text(("label",)))
    np.save(tmp_path / "x.npy", x[::5])
    for optimize in ("speed", "size"):
        done = mica("run", tmp_path / "model.ir", "--target", core, "--optimize", optimize, "--leaf-bits", 12,
                    "--input", tmp_path / "x.npy", "--output", f"predict_certain={tmp_path / 'y.npy'}")  # fmt: skip
        assert "30 of 30 inferences equal mica eval bit for bit" in done.stdout
        assert "leaves of 12 bits: 30 rows" in done.stdout


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("optimize", ["speed", "size"])
def test_generated_code_is_clean(tmp_path: Path, compiler: str, optimize: str) -> None:
    need(compiler)
    r = np.random.default_rng(1)
    for shape in ("boosted", "cut", "softmax float32"):
        (tmp_path / "m.ir").write_text(random_ensemble(r, shape).text())
        target = ("--target", "avr") if compiler == "avr-gcc" else ()
        done = mica("compile", tmp_path / "m.ir", "-o", tmp_path, "--name", "m", "--leaf-bits", 9, "--optimize",
                    optimize, *target, status=None)  # fmt: skip
        if done.returncode:
            assert TOO_FINE in done.stderr
            continue
        run(compiler, *COMPILERS[compiler], *PORTABLE, "-Os", "-c", tmp_path / "m.c", "-o", tmp_path / "m.o")


def test_who_does_not_ask_pays_nothing(tmp_path: Path) -> None:
    """predict takes the same bytes whether or not predict_certain is in the file."""
    need("arm-none-eabi-gcc", "arm-none-eabi-nm")
    e, _, _ = boosted("gradient iris")
    (tmp_path / "m.ir").write_text(e.text(("label",)))
    sizes = []
    for words in ((), ("--functions", "predict")):
        mica("compile", tmp_path / "m.ir", "-o", tmp_path, "--name", "m", "--leaf-bits", 12, "--optimize", "size", *words)
        run("arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", "--specs=picolibc.specs", "-Os", "-c",
            tmp_path / "m.c", "-o", tmp_path / "m.o")  # fmt: skip
        listing = run("arm-none-eabi-nm", "-S", tmp_path / "m.o").stdout
        functions = {line.split()[3]: int(line.split()[1], 16) for line in listing.splitlines() if len(line.split()) == 4}
        sizes.append(functions["m_predict"])
    assert sizes[0] <= sizes[1] + 8
