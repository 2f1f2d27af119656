# SPDX-License-Identifier: Apache-2.0
"""ONNX files of trees: classifiers, regressors and their C, beside ONNX Runtime."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
from onnx import helper, numpy_helper  # noqa: E402
from onnx.reference import ReferenceEvaluator  # noqa: E402

from onnx_models import (  # noqa: E402
    FLOAT,
    ML,
    Trees,
    class_names,
    classifier,
    grown,
    model,
    plain,
    read_lines,
    regressor,
    roles,
    rows,
    run_mica,
    run_runtime,
    same_bits,
    save,
    signed,
)
from support import PORTABLE, mica, need, run  # noqa: E402


# ---- classifiers of trees ----------------------------------------------------------------------


def bases(values: list[float]) -> dict[str, Any]:
    """The attribute, where it is not empty."""
    return {"base_values": values} if values else {}


@pytest.mark.parametrize("transform", ["NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO"])
@pytest.mark.parametrize("base", [[], [0.25, -0.5, 1.0]])
@pytest.mark.parametrize("every", [False, True])
def test_three_classes(tmp_path: Path, transform: str, base: list[float], every: bool) -> None:
    """Weights for one class a tree and for all; bases; classes that are not 0, 1, 2."""
    trees = grown("class", 4, 3, 21, 5, 2, every)
    made = classifier(trees, 4, [5, -7, 9], post_transform=transform, **bases(base))
    x = rows(4)
    label, scores = run_mica(made, tmp_path, x)
    want_label, want = run_runtime(made, x)
    assert np.array_equal(label, want_label)
    if transform == "NONE":
        assert same_bits(scores, want)
    assert np.allclose(scores, want, rtol=0, atol=2e-7)


def test_labels_are_classes_with_names(tmp_path: Path) -> None:
    made = classifier(grown("class", 3, 3, 9, 4, 5), 3, ["oak", "elm", "ash"])
    x = rows(3)
    label, scores = run_mica(made, tmp_path, x)
    want_label, want = run_runtime(made, x)
    assert set(want_label) == {"oak", "elm", "ash"}
    assert np.array_equal(label, want_label) and same_bits(scores, want)
    assert class_names(save(made, tmp_path)) == ["oak", "elm", "ash"]


@pytest.mark.parametrize("base", [[], [0.375]])
def test_two_classes_logistic(tmp_path: Path, base: list[float]) -> None:
    """The sum is the second class's score: p = 1 / (1 + exp(-sum)), not with the other sign."""
    made = classifier(signed(False, 3), 3, [3, 8], post_transform="LOGISTIC", **bases(base))
    x = rows(3)
    label, scores = run_mica(made, tmp_path, x)
    want_label, want = run_runtime(made, x)
    assert set(want_label) == {"3", "8"} and np.array_equal(label, want_label)
    assert np.allclose(scores, want, rtol=0, atol=2e-7)
    assert np.array_equal(label == "8", scores[:, 1] > 0.5)


def test_two_classes_by_probability(tmp_path: Path) -> None:
    """No weight is negative: the label is the second class above one half."""
    made = classifier(signed(True, 4), 3, ["no", "yes"])
    x = rows(3)
    label, scores = run_mica(made, tmp_path, x)
    want_label, want = run_runtime(made, x)
    assert set(want_label) == {"no", "yes"}
    assert np.array_equal(label, want_label) and same_bits(scores, want)


def test_two_classes_logistic_of_positive_weights(tmp_path: Path) -> None:
    """The label is the likelier class, whatever the signs of the weights: the base decides here."""
    made = classifier(signed(True, 4), 3, [0, 1], post_transform="LOGISTIC", base_values=[-0.45])
    x = rows(3)
    label, scores = run_mica(made, tmp_path, x)
    assert np.allclose(scores, run_runtime(made, x)[1], rtol=0, atol=2e-7)
    assert set(label) == {"0", "1"} and np.array_equal(label == "1", scores[:, 1] > 0.5)


def test_two_classes_with_weights_for_both(tmp_path: Path) -> None:
    """The largest sum decides, as the standard says; runtimes give the numbers 0 and 1 here."""
    made = classifier(grown("class", 3, 2, 11, 4, 6, True), 3, [5, 7])
    x = rows(3)
    label, scores = run_mica(made, tmp_path, x)
    want = run_runtime(made, x)[1]
    assert same_bits(scores, want)
    assert np.array_equal(label, np.where(want[:, 1] > want[:, 0], "7", "5"))
    reference = ReferenceEvaluator(made).run(None, {"x": x[:50]})[0]
    assert np.array_equal(label[:50], plain(reference, 50))


def test_double_thresholds_and_sums(tmp_path: Path) -> None:
    """Numbers in double: sums are of float64, thresholds between two float32 tell them apart."""
    trees = grown("class", 3, 3, 30, 5, 8)
    trees.at["nodes_values"] = [
        value + 1e-9 * (i % 3 - 1) for i, value in enumerate(trees.at["nodes_values"])
    ]
    made = classifier(trees, 3, [0, 1, 2], doubles=True)
    x = rows(3)
    label, scores = run_mica(made, tmp_path, x)
    want_label, want = run_runtime(made, x.astype(np.float64))
    assert np.array_equal(label, want_label) and same_bits(scores, want)
    assert "sums=float32" not in " ".join(read_lines(save(made, tmp_path), "node"))


@pytest.mark.parametrize("mode", ["EQ", "NEQ"])
def test_equality_is_a_category(tmp_path: Path, mode: str) -> None:
    """Chains of equalities with the same subtree, as converters write categories."""
    trees = Trees("class")
    rng = np.random.default_rng(3)
    for _ in range(8):
        same = ("LEQ", 1, 0.5, {0: 0.5}, {0: -1.25})
        node: Any = {0: rng.normal()}
        missing = bool(rng.integers(2))
        for category in rng.permutation(8)[:4]:
            pair = (same, node) if mode == "EQ" else (node, same)
            node = (mode, 0, int(category), *pair, missing)
        trees.tree(node)
    made = classifier(trees, 2, [0, 1], post_transform="LOGISTIC")
    x = np.stack(np.meshgrid(np.arange(-1, 10), [0, 1], indexing="ij"), -1).reshape(-1, 2)
    x = np.concatenate([x, [[np.nan, 0], [np.nan, 1]]]).astype(np.float32)
    label, scores = run_mica(made, tmp_path, x)
    want_label, want = run_runtime(made, x)
    assert np.array_equal(label, want_label) and np.allclose(scores, want, rtol=0, atol=2e-7)


def test_a_chain_of_equalities_is_one_test(tmp_path: Path) -> None:
    trees = Trees("target")
    node: Any = {0: 1.0}
    for category in (1, 4, 9):
        node = ("EQ", 0, category, {0: 2.0}, node)
    trees.tree(node)
    constants = read_lines(save(regressor(trees, 1), tmp_path), "const")
    feature = [line for line in constants if '"feature"' in line]
    assert feature[0].endswith("int32 [3] = [0 -1 -1]")


# ---- regressors of trees -----------------------------------------------------------------------


@pytest.mark.parametrize("targets", [1, 3])
@pytest.mark.parametrize("aggregate", ["SUM", "AVERAGE"])
@pytest.mark.parametrize("base", [False, True])
def test_regressors(tmp_path: Path, targets: int, aggregate: str, base: bool) -> None:
    trees = grown("target", 4, targets, 24, 5, 9, targets > 1)
    more = bases([0.5, -2.25, 3.0][:targets]) if base else {}
    made = regressor(trees, 4, targets, aggregate_function=aggregate, **more)
    x = rows(4)
    assert same_bits(run_mica(made, tmp_path, x)[0], run_runtime(made, x)[0])


@pytest.mark.parametrize("aggregate", [0, 1])
def test_tree_ensemble_of_version_5(tmp_path: Path, aggregate: int) -> None:
    """Tests and leaves in lists of their own; a tree of one leaf is a test with the same sides."""
    rng = np.random.default_rng(5)
    tests: list[list[int | float]] = []
    leaves: list[tuple[int, float]] = []

    def grow(depth: int, target: int) -> tuple[int, int]:
        if depth == 0:
            leaves.append((target, float(np.float32(rng.normal()))))
            return len(leaves) - 1, 1
        at = len(tests)
        tests.append([])
        yes, no = grow(depth - 1, target), grow(depth - 1, target)
        value = rng.integers(-8, 9) / 4
        tests[at] = [int(rng.integers(4)), int(rng.integers(3)), value, *yes, *no]
        return at, 0

    roots = [grow(3, i % 2)[0] for i in range(10)]
    leaves.append((1, 0.125))
    roots.append(len(tests))
    tests.append([0, 0, 0.0, len(leaves) - 1, 1, len(leaves) - 1, 1])
    column = list(zip(*tests))
    node = helper.make_node(
        "TreeEnsemble",
        ["x"],
        ["y"],
        domain=ML,
        n_targets=2,
        aggregate_function=aggregate,
        tree_roots=roots,
        nodes_modes=numpy_helper.from_array(np.array(column[0], np.uint8)),
        nodes_featureids=list(column[1]),
        nodes_splits=numpy_helper.from_array(np.array(column[2], np.float32)),
        nodes_truenodeids=list(column[3]),
        nodes_trueleafs=list(column[4]),
        nodes_falsenodeids=list(column[5]),
        nodes_falseleafs=list(column[6]),
        leaf_targetids=[target for target, _ in leaves],
        leaf_weights=numpy_helper.from_array(np.array([w for _, w in leaves], np.float32)),
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(ML, 5)]
    made = model([node], 3, {"y": FLOAT}, opsets=opsets)
    x = rows(3, missing=False)
    assert same_bits(run_mica(made, tmp_path, x)[0], run_runtime(made, x)[0])


# ---- generated code ----------------------------------------------------------------------------

MAIN = """
#include <stdio.h>
#include "tree.h"
int main(void)
{
    float in[TREE_N_FEATURES], out[TREE_N_CLASSES];
    while (fread(in, sizeof in, 1, stdin) == 1) {
        int32_t label = tree_predict(in);
        tree_predict_proba(in, out);
        printf("%ld %s", (long)label, tree_class_name(label));
        for (int i = 0; i < TREE_N_CLASSES; i++)
            printf(" %.9g", (double)out[i]);
        printf("\\n");
    }
    return 0;
}
"""


def test_generated_code_gives_the_labels(tmp_path: Path) -> None:
    """The C of a file with named classes, compiled for this machine, against the runtime."""
    need("gcc")
    made = classifier(grown("class", 4, 3, 12, 5, 7), 4, ["oak", "elm", "ash"])
    made.graph.output[1].name = made.graph.node[0].output[1] = "probabilities"
    path = save(made, tmp_path)
    assert roles(path) == ["predict", "predict_proba"]
    mica("compile", path, "-o", tmp_path, "--name", "tree")
    (tmp_path / "main.c").write_text(MAIN)
    program = tmp_path / "main"
    run("gcc", *PORTABLE, tmp_path / "main.c", tmp_path / "tree.c", "-o", program)
    x = rows(4)
    done = subprocess.run([program], input=x.tobytes(), capture_output=True, check=True)
    table = [line.split() for line in done.stdout.decode().splitlines()]
    want_label, want = run_runtime(made, x)
    assert [row[1] for row in table] == want_label.tolist()
    assert same_bits(np.array([row[2:] for row in table], np.float64), want)
