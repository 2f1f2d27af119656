# SPDX-License-Identifier: Apache-2.0
"""Labels of boosted ensembles whose scores are nearly equal, or whose probabilities are: what the
libraries make of them, and what the generated C makes."""

from __future__ import annotations

import json
from pathlib import Path

import graph_text
import numpy as np
import pytest
from support import need
from test_boosters import run_c

ROWS = 8192


def balanced(low: int, high: int, tests: list[float], left: list[int], right: list[int]) -> int:
    """Tests of a tree whose leaf is the feature's whole number; the root's number, or ~leaf."""
    if high - low == 1:
        return ~low
    at, middle = len(tests), (low + high) // 2
    tests.append(middle - 0.5)
    left.append(0)
    right.append(0)
    left[at] = balanced(low, middle, tests, left, right)
    right[at] = balanced(middle, high, tests, left, right)
    return at


def lightgbm_text(scores: np.ndarray, objective: str) -> str:
    """A model that gives each row of scores to the row of features (i, i, ...), i its number."""
    n, k = scores.shape
    words = ["tree", "version=v4", f"num_class={k}", f"num_tree_per_iteration={k}", "label_index=0",
             f"max_feature_idx={k - 1}", f"objective={objective}",
             "feature_names=" + " ".join(f"f{i}" for i in range(k)),
             "feature_infos=" + " ".join([f"[0:{n}]"] * k), ""]  # fmt: skip
    for tree in range(k):
        tests: list[float] = []
        left: list[int] = []
        right: list[int] = []
        balanced(0, n, tests, left, right)
        rows = {"split_feature": [tree] * len(tests), "split_gain": [1] * len(tests), "threshold": tests,
                "decision_type": [2] * len(tests), "left_child": left, "right_child": right,
                "leaf_value": [float(v) for v in scores[:, tree]], "leaf_weight": [1] * n,
                "leaf_count": [1] * n, "internal_value": [0] * len(tests),
                "internal_weight": [0] * len(tests), "internal_count": [1] * len(tests)}  # fmt: skip
        words += [f"Tree={tree}", f"num_leaves={n}", "num_cat=0"]
        words += [f"{name}=" + " ".join(map(repr, row)) for name, row in rows.items()]
        words += ["is_linear=0", "shrinkage=1", "", ""]
    return "\n".join([*words, "end of trees", "", "pandas_categorical:null", ""])


def close_scores(draw: np.random.Generator, classes: int) -> np.ndarray:
    """Several classes 0 to 8 float64 steps below the largest, others anywhere."""
    most = draw.uniform(-1.5, 1.5, ROWS) * np.exp2(draw.integers(-3, 1, ROWS))
    steps = draw.integers(0, 9, (ROWS, classes)) * np.spacing(np.abs(most))[:, None]
    far = most[:, None] - draw.exponential(1, (ROWS, classes))
    return np.where(draw.random((ROWS, classes)) < 0.6, most[:, None] - steps, far)


@pytest.mark.parametrize("optimize", ["size", "speed"])
@pytest.mark.parametrize("classes", [3, 5])
def test_softmax_of_lightgbm(tmp_path: Path, classes: int, optimize: str) -> None:
    """Probabilities are equal up to differences of 2^-54, and never above 3 2^-54."""
    lightgbm = pytest.importorskip("lightgbm")
    need("gcc")
    scores = close_scores(np.random.default_rng(classes), classes)
    file = tmp_path / "model.txt"
    file.write_text(lightgbm_text(scores, f"multiclass num_class:{classes}"))
    rows = np.repeat(np.arange(ROWS, dtype=np.float32)[:, None], classes, axis=1)
    booster = lightgbm.Booster(model_str=file.read_text())
    np.testing.assert_array_equal(booster.predict(rows, raw_score=True), scores)
    theirs = booster.predict(rows).argmax(axis=1)
    ours = run_c(tmp_path, file, graph_text.read(file), rows, optimize)["predict"].ravel()

    below = scores.max(axis=1, keepdims=True) - scores
    first = (below <= 2.0**-54).argmax(axis=1)
    between = (below > 2.0**-54) & (below <= 3 * 2.0**-54)
    open_question = (between & (np.arange(classes) < first[:, None])).any(axis=1)
    assert (first != scores.argmax(axis=1)).sum() > 200  # ties that the larger score does not win
    assert 200 < open_question.sum() < ROWS / 4
    np.testing.assert_array_equal(ours, first)
    np.testing.assert_array_equal(ours[~open_question], theirs[~open_question])
    either = below[np.arange(ROWS), theirs] <= 3 * 2.0**-54
    assert either.all() and (ours != theirs).sum() > 50  # which is why the question is open


def test_one_against_all_of_catboost(tmp_path: Path) -> None:
    """Its label is that of the largest score, also where probabilities are equal."""
    catboost = pytest.importorskip("catboost")
    need("gcc")
    draw = np.random.default_rng(0)
    x = draw.normal(size=(300, 3)).astype(np.float32)
    model = catboost.CatBoostClassifier(
        loss_function="MultiClassOneVsAll", iterations=20, depth=3, verbose=0, random_seed=0,
        thread_count=1, allow_writing_files=False)  # fmt: skip
    model.fit(x, (x @ draw.normal(size=(3, 3))).argmax(axis=1))
    file = tmp_path / "model.json"
    model.save_model(str(file), format="json")
    content = json.loads(file.read_text())
    for tree in content["oblivious_trees"]:
        tree["leaf_values"] = [1e5 * value for value in tree["leaf_values"]]
    file.write_text(json.dumps(content))
    model.load_model(str(file), format="json")
    rows = draw.normal(size=(3000, 3)).astype(np.float32)
    label, chance = model.predict(rows).ravel(), model.predict_proba(rows)
    assert (label != chance.argmax(axis=1)).sum() > 100
    ours = run_c(tmp_path, file, graph_text.read(file), rows, "size")["predict"].ravel()
    np.testing.assert_array_equal(ours, label)
