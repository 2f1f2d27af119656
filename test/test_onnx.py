# SPDX-License-Identifier: Apache-2.0
"""ONNX files: what the reader makes of each operator, beside ONNX Runtime, and what it refuses."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from onnx.reference import ReferenceEvaluator  # noqa: E402

from onnx_models import (  # noqa: E402
    LIGHTGBM,
    ML,
    MICA_DOMAIN,
    OPSETS,
    Trees,
    boosted,
    class_names,
    classifier,
    grown,
    model,
    plain,
    read_lines,
    regressor,
    roles,
    run_mica,
    run_runtime,
    save,
    stump,
)
from support import PORTABLE, mica, need, run  # noqa: E402

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


def rows(features: int, count: int = 400, seed: int = 1, missing: bool = True) -> np.ndarray:
    """Rows on the thresholds of grown(), one step beside them, anywhere, and with NaN."""
    rng = np.random.default_rng(seed)
    grid = (rng.integers(-9, 10, (count, features)) / 4).astype(np.float32)
    step = rng.integers(0, 3, grid.shape)
    x = np.where(step == 0, grid, np.nextafter(grid, np.where(step == 1, -9, 9), dtype=np.float32))
    x = np.concatenate([x, rng.normal(size=(count, features)) * 10.0 ** rng.integers(-3, 4)])
    if missing:
        x[rng.random(x.shape) < 0.03] = np.nan
    return np.concatenate([x, np.zeros((1, features)), -np.zeros((1, features))]).astype(np.float32)


def same_bits(got: np.ndarray, want: np.ndarray) -> bool:
    """Equal as float32."""
    return np.array_equal(got.astype(np.float32), want.astype(np.float32))


# ---- operators of the domain ai.mica -----------------------------------------------------------


def test_our_own_operators_are_read_as_they_are(tmp_path: Path) -> None:
    path = save(stump(), tmp_path)
    assert read_lines(path, "output") == ["output %12 predict", "output %13 decision_function"]
    assert read_lines(path, "features") == ['features ["a" "b" "c"]']
    assert read_lines(path, "classes") == ['classes ["no" "yes"]']
    assert 'const %9 "value" float64 [2,2] = [1 0 0 1]' in read_lines(path, "const")
    x = np.array([[0, 0.5, 0], [0, 0.75, 0]], np.float32)
    label, scores = run_mica(stump(), tmp_path, x)
    assert label.tolist() == ["no", "yes"] and scores.tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize(
    "values", [np.int8, np.int16, np.uint8, np.int32, np.uint32, np.int64, np.float32, np.float64]
)
def test_constants_raw_and_typed(tmp_path: Path, values: Any) -> None:
    """Both ways of writing a constant down give the same text, whatever its type."""
    numbers = np.array([1, 2, 100], values)
    texts = []
    for raw in (False, True):
        made = stump()
        kind = helper.np_dtype_to_tensor_dtype(numbers.dtype)
        content = numbers.tobytes() if raw else numbers
        tensor = helper.make_tensor("weight", kind, [3], content, raw=raw)
        old = next(t for t in made.graph.initializer if t.name == "weight")
        old.CopyFrom(tensor)
        path = save(made, tmp_path)
        if values is np.float32:
            texts.append([line for line in read_lines(path, "const") if '"weight"' in line])
        else:
            said = mica("dump", path, "--after", "read", status=1).stderr
            texts.append([said.replace(str(path), "")])
    assert texts[0] == texts[1]
    assert values is not np.float32 or texts[0][0].endswith('"weight" float32 [3] = [1 2 100]')


def change(made: Any, **attributes: Any) -> Any:
    """The model with attributes of its first node replaced."""
    node = made.graph.node[0]
    kept = [a for a in node.attribute if a.name not in attributes]
    del node.attribute[:]
    node.attribute.extend(kept + [helper.make_attribute(k, v) for k, v in attributes.items()])
    return made


def renamed(made: Any, op: str) -> Any:
    """The model with another operator in its first node."""
    made.graph.node[0].op_type = op
    return made


def property_of(key: str, value: str) -> Any:
    """The stump with one property changed."""
    made = stump()
    for entry in made.metadata_props:
        if entry.key == key:
            entry.value = value
    return made


OWN_REFUSALS = {
    "operator": (renamed(stump(), "shrub"), "has no operator 'shrub'"),
    "attribute": (change(stump(), bark=1), "trees has no attribute 'bark'"),
    "word": (change(stump(), decide="vote"), "'decide' is 'vote'; supported is: argmax, cut"),
    "flag": (change(stump(), path=2), "'path' is 2; it must be 0 or 1"),
    "type": (change(stump(), path="yes"), "'path' must be an integer"),
    "roles": (property_of("mica.roles", '["predict"]'), "has 1 functions for 2 outputs"),
    "features": (property_of("mica.features", '["a"]'), "has 1 names for 3 columns"),
    "json": (property_of("mica.classes", "[{"), "is no JSON: line 1, column"),
    "classes": (property_of("mica.classes", '[{"names": 3}]'), "must be a list of names"),
    "values": (
        property_of("mica.classes", '[{"names": ["a"], "values": [4294967296]}]'),
        "value 0 is no integer of 32 bits",
    ),
    "booster's file": (boosted("PK"), "neither JSON of XGBoost or CatBoost nor text of LightGBM"),
    "booster's text": (
        boosted(LIGHTGBM.replace("right_child=-2", "right_child=7")),
        "the file in node 'y': line 15: right_child: 7",
    ),
    "booster's columns": (boosted(columns=4), "its file is of a model of 3 features"),
    "booster's outputs": (boosted(outputs=2), "has 2 outputs, and the model in its file has 1"),
}


@pytest.mark.parametrize("case", OWN_REFUSALS)
def test_our_own_operators_are_checked(tmp_path: Path, case: str) -> None:
    made, message = OWN_REFUSALS[case]
    path = save(made, tmp_path)
    assert message in mica("dump", path, "--after", "read", status=1).stderr


def test_a_booster_behind_a_scaler(tmp_path: Path) -> None:
    """LightGBM compares x - 0.5 in float64 with 0.1; the last float32 that goes left is found."""
    path = save(boosted(), tmp_path)
    folded = mica("dump", path, "--after", "fold_features").stdout
    near = np.float32(0.6)
    last = near if np.float64(near) - 0.5 <= 0.1 else np.nextafter(near, np.float32(0))
    found = re.findall(r'"threshold" float32 \[3\] = \[([\d.]+) 0 0\]', folded)
    assert [np.float32(text) for text in found] == [last]
    x = np.array([[0, last, 0], [0, np.nextafter(last, np.float32(1)), 0]], np.float32)
    assert run_mica(boosted(), tmp_path, x)[0].ravel().tolist() == [-0.5, 1.5]


def test_softmax_zero_of_linear_scores(tmp_path: Path) -> None:
    """Scores that are nearly 0 stay so; where all are, the quotients are no numbers."""
    node = ml(
        "LinearClassifier", ["x"], ["label", "scores"], coefficients=[1.0, 0, 0, 1, 0, 0],
        intercepts=[0.0, 0.0, 0.0], classlabels_ints=[0, 1, 2], post_transform="SOFTMAX_ZERO",
    )  # fmt: skip
    made = model([node], 2, {"label": INT64, "scores": FLOAT})
    small = np.float32(1e-7)
    values = [0, -0.0, 1, -2, 3, small, -small, np.nextafter(small, np.float32(1)), 0.5 * small]
    x = np.array([[a, b] for a in values for b in values], np.float32)
    label, scores = run_mica(made, tmp_path, x)
    want_label, want = run_runtime(made, x)
    assert np.array_equal(label, want_label)
    assert np.allclose(scores, want, rtol=2e-7, atol=2e-14, equal_nan=True)
    assert np.isnan(scores).any() and not np.isnan(scores).all()


# ---- classifiers of trees ----------------------------------------------------------------------


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


def bases(values: list[float]) -> dict[str, Any]:
    """The attribute, where it is not empty."""
    return {"base_values": values} if values else {}


def test_labels_are_classes_with_names(tmp_path: Path) -> None:
    made = classifier(grown("class", 3, 3, 9, 4, 5), 3, ["oak", "elm", "ash"])
    x = rows(3)
    label, scores = run_mica(made, tmp_path, x)
    want_label, want = run_runtime(made, x)
    assert set(want_label) == {"oak", "elm", "ash"}
    assert np.array_equal(label, want_label) and same_bits(scores, want)
    assert class_names(save(made, tmp_path)) == ["oak", "elm", "ash"]


def signed(positive: bool, seed: int) -> Trees:
    """Trees whose weights are all for class 0 of two, none of them negative where `positive`."""
    made = grown("class", 3, 1, 15, 4, seed)
    if positive:
        made.at["class_weights"] = [abs(w) / 25 for w in made.at["class_weights"]]
    return made


@pytest.mark.parametrize("base", [[], [0.375]])
def test_two_classes_logistic(tmp_path: Path, base: list[float]) -> None:
    """The sum is the score of the second class: p = 1 / (1 + exp(-sum)), not with the other sign."""
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
    feature = [s for s in read_lines(save(regressor(trees, 1), tmp_path), "const") if '"feature"' in s]
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


# ---- linear models, features, labels -----------------------------------------------------------


def linear_bound(x: np.ndarray, coef: np.ndarray, intercept: np.ndarray) -> np.ndarray:
    """What two float32 sums of the same terms in different orders may differ by."""
    terms = np.abs(x.astype(np.float64)) @ np.abs(coef).T + np.abs(intercept)
    return 2 * (x.shape[1] + 2) * 2.0**-24 * terms


@pytest.mark.parametrize(
    ("scores", "transform"),
    [(1, "NONE"), (1, "LOGISTIC")]
    + [(k, transform) for k in (2, 4) for transform in ("NONE", "LOGISTIC", "SOFTMAX")],
)
def test_linear_classifier(tmp_path: Path, scores: int, transform: str) -> None:
    rng = np.random.default_rng(scores)
    coef = rng.normal(size=(scores, 5)).astype(np.float32)
    intercept = rng.normal(size=scores).astype(np.float32)
    if scores == 2:
        coef[0], intercept[0] = -coef[1], -intercept[1]
    node = helper.make_node(
        "LinearClassifier",
        ["x"],
        ["label", "scores"],
        domain=ML,
        coefficients=coef.ravel().tolist(),
        intercepts=intercept.tolist(),
        classlabels_ints=list(range(10, 10 + max(2, scores))),
        post_transform=transform,
    )
    made = model([node], 5, {"label": INT64, "scores": FLOAT})
    x = rng.normal(size=(500, 5)).astype(np.float32)
    label, got = run_mica(made, tmp_path, x)
    want_label, want = run_runtime(made, x)
    bound = linear_bound(x, coef, intercept).max()
    exact = x.astype(np.float64) @ coef.T + intercept
    gap = np.abs(exact[:, 0]) if scores == 1 else np.ptp(np.sort(exact)[:, -2:], axis=1)
    assert np.array_equal(label[gap > 2 * bound], want_label[gap > 2 * bound])
    assert np.allclose(got, want, rtol=0, atol=bound + 2e-7)
    if scores == 2:
        assert "float64 [2,5]" not in " ".join(
            line for line in read_lines(save(made, tmp_path), "const") if transform == "LOGISTIC"
        )


STEPS: dict[str, tuple[Callable[[], list[Any]], dict[str, Any]]] = {
    "scaler": (
        lambda: [ml("Scaler", ["x"], ["y"], offset=[1.5, -2.0, 0.1], scale=[0.3, 7.0, 1e-3])],
        {},
    ),
    "scaler of one number": (lambda: [ml("Scaler", ["x"], ["y"], offset=[0.7], scale=[3.1])], {}),
    "imputer": (
        lambda: [
            ml(
                "Imputer",
                ["x"],
                ["y"],
                imputed_value_floats=[1.0, 2.0, 3.5],
                replaced_value_float=float("nan"),
            )
        ],
        {},
    ),
    "imputer of a value": (
        lambda: [
            ml("Imputer", ["x"], ["y"], imputed_value_floats=[9.0], replaced_value_float=0.25)
        ],
        {},
    ),
    "normalizer l1": (lambda: [ml("Normalizer", ["x"], ["y"], norm="L1")], {}),
    "normalizer l2": (lambda: [ml("Normalizer", ["x"], ["y"], norm="L2")], {}),
    "binarizer": (lambda: [ml("Binarizer", ["x"], ["y"], threshold=0.25)], {}),
    "extractor": (
        lambda: [ml("ArrayFeatureExtractor", ["x", "i"], ["y"])],
        {"i": np.array([2, 0], np.int64)},
    ),
    "gather": (
        lambda: [helper.make_node("Gather", ["x", "i"], ["y"], axis=1)],
        {"i": np.array([-1, 1, 1], np.int64)},
    ),
    "slice": (
        lambda: [helper.make_node("Slice", ["x", "a", "b", "c"], ["y"])],
        {
            "a": np.array([-2], np.int64),
            "b": np.array([9], np.int64),
            "c": np.array([1], np.int64),
        },
    ),
    "rows": (
        lambda: [
            helper.make_node("Mul", ["x", "x"], ["s"]),
            helper.make_node("Sub", ["one", "s"], ["d"]),
            helper.make_node("Sum", ["x", "s", "d"], ["y"]),
        ],
        {"one": np.float32(1)},
    ),
    "concat": (
        lambda: [
            helper.make_node("Mul", ["x", "c"], ["m"]),
            helper.make_node("Concat", ["m", "x"], ["y"], axis=1),
        ],
        {"c": np.array([2.5, -1, 3], np.float32)},
    ),
    "vectorizer": (
        lambda: [
            ml("ArrayFeatureExtractor", ["x", "i"], ["e"]),
            ml("FeatureVectorizer", ["e", "x"], ["y"], inputdimensions=[2, 3]),
        ],
        {"i": np.array([2, 0], np.int64)},
    ),
    "arithmetic": (
        lambda: [
            helper.make_node("Sub", ["x", "c"], ["a"]),
            helper.make_node("Div", ["a", "d"], ["b"]),
            helper.make_node("Neg", ["b"], ["n"]),
            helper.make_node("Mul", ["one", "n"], ["m"]),
            helper.make_node("Add", ["m", "c"], ["y"]),
        ],
        {
            "c": np.array([[1.25, -1, 3]], np.float32),
            "d": np.array([3], np.float32),
            "one": np.float32(1),
        },
    ),
}


def ml(op: str, inputs: list[str], outputs: list[str], **attributes: Any) -> Any:
    """A node of the classical domain."""
    return helper.make_node(op, inputs, outputs, domain=ML, **attributes)


@pytest.mark.parametrize("step", STEPS)
def test_steps_between_features_and_models(tmp_path: Path, step: str) -> None:
    nodes, constants = STEPS[step]
    made = model(nodes(), 3, {"y": FLOAT}, constants)
    x = rows(3, missing="imputer" in step)
    got, want = run_mica(made, tmp_path, x)[0], run_runtime(made, x)[0]
    if step.startswith("normalizer"):  # runtimes add in an order of their own, and lose tiny squares
        assert np.allclose(got, want, rtol=1e-6, atol=1e-38, equal_nan=True)
    else:
        assert np.array_equal(got, want, equal_nan=True)


def test_products_become_linear_models(tmp_path: Path) -> None:
    """MatMul, Add, ArgMax and a list of classes are one linear model with its label."""
    rng = np.random.default_rng(0)
    constants = {
        "w": rng.normal(size=(4, 3)).astype(np.float32),
        "b": rng.normal(size=3).astype(np.float32),
        "classes": np.array([7, 8, 11], np.int32),
        "shape": np.array([-1], np.int64),
    }
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["m"]),
        helper.make_node("Add", ["m", "b"], ["scores"]),
        helper.make_node("ArgMax", ["scores"], ["i"], axis=1),
        ml("ArrayFeatureExtractor", ["classes", "i"], ["c"]),
        helper.make_node("Reshape", ["c", "shape"], ["r"]),
        helper.make_node("Cast", ["r"], ["label"], to=INT64),
    ]
    made = model(nodes, 4, {"label": INT64, "scores": FLOAT}, constants)
    x = rng.normal(size=(300, 4)).astype(np.float32)
    label, scores = run_mica(made, tmp_path, x)
    want_label, want = run_runtime(made, x)
    assert np.array_equal(label, want_label)
    bound = linear_bound(x, constants["w"].T, constants["b"])
    assert (np.abs(scores - want) <= bound).all()
    path = save(made, tmp_path)
    dump = mica("dump", path, "--after", "dead").stdout
    assert dump.count(" linear ") == 2 and class_names(path) == ["7", "8", "11"]


def test_gemm(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    constants = {
        "w": rng.normal(size=(3, 4)).astype(np.float32),
        "b": rng.normal(size=3).astype(np.float32),
    }
    nodes = [helper.make_node("Gemm", ["x", "w", "b"], ["y"], transB=1, alpha=0.5, beta=2.0)]
    made = model(nodes, 4, {"y": FLOAT}, constants)
    x = rng.normal(size=(300, 4)).astype(np.float32)
    bound = linear_bound(x, constants["w"], 2 * constants["b"])
    assert (np.abs(run_mica(made, tmp_path, x)[0] - run_runtime(made, x)[0]) <= bound).all()


def test_label_encoder_names_classes(tmp_path: Path) -> None:
    made = classifier(grown("class", 3, 3, 9, 4, 5), 3, [0, 1, 2])
    made.graph.node[0].output[0] = "number"
    encoder = ml(
        "LabelEncoder",
        ["number"],
        ["label"],
        keys_int64s=[2, 0, 1],
        values_strings=["ash", "oak", "elm"],
    )
    made.graph.node.append(encoder)
    made.graph.output[0].type.tensor_type.elem_type = TensorProto.STRING
    x = rows(3)
    assert np.array_equal(run_mica(made, tmp_path, x)[0], run_runtime(made, x)[0])
    assert class_names(save(made, tmp_path)) == ["oak", "elm", "ash"]


def test_inputs_by_column(tmp_path: Path) -> None:
    """A file with an input for each column takes one row; the inputs name its features."""
    inner = regressor(grown("target", 3, 1, 5, 4, 5), 3)
    join = helper.make_node("Concat", ["age", "height", "weight"], ["x"], axis=1)
    inputs = [helper.make_tensor_value_info(name, FLOAT, [None, 1]) for name in join.input]
    graph = helper.make_graph([join, *inner.graph.node], "g", inputs, list(inner.graph.output))
    made = helper.make_model(graph, opset_imports=list(OPSETS), ir_version=8)
    x = rows(3)
    want = run_runtime(inner, x)[0]
    assert same_bits(run_mica(made, tmp_path, x)[0], want)
    assert read_lines(save(made, tmp_path), "features") == ['features ["age" "height" "weight"]']


# ---- refusals ----------------------------------------------------------------------------------


def with_nodes(*nodes: Any, outputs: dict[str, int] | None = None, **constants: Any) -> Any:
    """A model of these nodes that gives y."""
    return model(nodes, 3, outputs or {"y": FLOAT}, constants)


def changed(made: Any, how: Callable[[Any], Any]) -> Any:
    """The model after a change in place."""
    how(made)
    return made


def small(mode: str = "LEQ", value: float = 0.5, feature: int = 0, **more: Any) -> Any:
    """A regressor of one test."""
    trees = Trees("target")
    trees.tree((mode, feature, value, {0: 1.0}, {0: 2.0}))
    return regressor(trees, 3, **more)


def external(made: Any) -> None:
    """Moves the first constant to another file, in name."""
    tensor = made.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")


def forgetful() -> Any:
    """Three classes of which a leaf names one."""
    trees = Trees("class")
    trees.tree(("LEQ", 0, 0.5, {0: -1.0}, ("LEQ", 1, 0.5, {1: 1.0}, {2: 1.0})))
    return classifier(trees, 3, [0, 1, 2])


MATMUL = helper.make_node("MatMul", ["x", "w"], ["y"])
W = np.ones((3, 2), np.float32)
REFUSALS: dict[str, tuple[Any, str]] = {
    "svm": (with_nodes(ml("SVMClassifier", ["x"], ["y"])), "support vector machines"),
    "operator": (with_nodes(helper.make_node("Erf", ["x"], ["y"])), "(ai.onnx:Erf): this operator"),
    "external": (changed(with_nodes(MATMUL, w=W), external), "tensor 'w' are in another file"),
    "columns": (with_nodes(MATMUL, w=W[:2]), "'w' is float32 [2,2]; a constant of 3 rows"),
    "short": (
        changed(with_nodes(MATMUL, w=W), lambda m: m.graph.initializer[0].dims.__setitem__(0, 9)),
        "tensor 'w' (float32 [9,2]) has 6 numbers",
    ),
    "huge": (
        changed(
            with_nodes(MATMUL, w=W),
            lambda m: m.graph.initializer[0].dims.__setitem__(0, 1 << 40),
        ),
        "tensor 'w' has 1099511627776 elements in dimension 0",
    ),
    "any columns": (
        changed(
            small(), lambda m: m.graph.input[0].type.tensor_type.shape.dim[1].Clear()
        ),
        "dimension 1 of the input 'x' may have any size",
    ),
    "feature": (small(feature=3), "node 0 tests feature 3; its input has 3"),
    "equality": (small("EQ", 0.5), "tests whether feature 0 equals 0.5"),
    "mode": (
        changed(
            small(),
            lambda m: next(
                a for a in m.graph.node[0].attribute if a.name == "nodes_modes"
            ).strings.__setitem__(0, b"BRANCH_MAYBE"),
        ),
        "nodes_modes[0] is 'BRANCH_MAYBE'",
    ),
    "aggregate": (small(aggregate_function="MIN"), "'aggregate_function' is 'MIN'"),
    "transform": (small(post_transform="PROBIT"), "post_transform PROBIT is not supported"),
    "lengths": (
        changed(
            small(),
            lambda m: next(
                a for a in m.graph.node[0].attribute if a.name == "nodes_values"
            ).floats.pop(),
        ),
        "'nodes_values' has 2 elements where 3 are needed",
    ),
    "child": (
        changed(
            small(),
            lambda m: next(
                a for a in m.graph.node[0].attribute if a.name == "nodes_truenodeids"
            ).ints.__setitem__(0, 77),
        ),
        "'nodes_truenodeids' names node 77 of tree 0",
    ),
    "loop": (
        changed(
            small(),
            lambda m: next(
                a for a in m.graph.node[0].attribute if a.name == "nodes_truenodeids"
            ).ints.__setitem__(0, 0),
        ),
        "a node is in two places of its tree",
    ),
    "base": (small(base_values=[1.0, 2.0]), "2 base values for 1 targets"),
    "opposite scores": (
        classifier(signed(False, 3), 3, [0, 1]),
        "leave the output 'scores' out",
    ),
    "class": (
        changed(
            classifier(signed(False, 3), 3, [0, 1 << 40], post_transform="LOGISTIC"), lambda m: None
        ),
        "class 1 is 1099511627776; labels are integers of 32 bits",
    ),
    "class without a weight": (forgetful(), "reach no leaf with a weight for class 0"),
    "norm": (with_nodes(ml("Normalizer", ["x"], ["y"], norm="MAX")), "norm MAX is not supported"),
    "no input": (with_nodes(helper.make_node("Neg", ["z"], ["y"])), "its input 'z' does not exist"),
    "order": (
        with_nodes(
            helper.make_node("Neg", ["z"], ["y"]), helper.make_node("Neg", ["x"], ["z"])
        ),
        "its input 'z' is not made before it",
    ),
    "batch": (
        with_nodes(
            helper.make_node("Reshape", ["x", "s"], ["y"]), s=np.array([1, -1, 3], np.int64)
        ),
        "a shape of more than two dimensions",
    ),
    "mixed": (
        with_nodes(
            helper.make_node("Neg", ["x"], ["z"]),
            helper.make_node("reshape", ["z"], ["y"], domain=MICA_DOMAIN),
        ),
        "operators of the domain ai.mica and others",
    ),
    "nothing": (with_nodes(helper.make_node("Identity", ["x"], ["y"])), "there is nothing to compute"),
    "step": (with_nodes(helper.make_node("Exp", ["x"], ["y"])), "'y' is a step towards other"),
    "use of a step": (
        with_nodes(
            helper.make_node("Exp", ["x"], ["e"]), ml("Normalizer", ["e"], ["y"], norm="L2")
        ),
        "its input 'e' is a step towards",
    ),
    "mean": (
        with_nodes(helper.make_node("ReduceMean", ["x"], ["y"], axes=[0], keepdims=0)),
        "means are supported over single trees only",
    ),
    "slice": (
        with_nodes(
            helper.make_node("Slice", ["x", "a", "b", "c"], ["y"]),
            a=np.array([2], np.int64),
            b=np.array([1], np.int64),
            c=np.array([1], np.int64),
        ),
        "it takes columns 2 to 1 of 3",
    ),
    "encoder": (
        with_nodes(ml("LabelEncoder", ["x"], ["y"], keys_floats=[1.0], values_floats=[2.0])),
        "supported where it names classes",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refusals_name_what_and_where(tmp_path: Path, case: str) -> None:
    made, message = REFUSALS[case]
    path = save(made, tmp_path)
    said = mica("inspect", path, status=1).stderr
    assert message in said and str(path) in said


# ---- hostile files -----------------------------------------------------------------------------


def test_a_file_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    """Each prefix is refused, mostly with the field in which it ends."""
    whole = small().SerializeToString()
    graph = onnx.ModelProto()
    fields = 0
    for size in range(3, len(whole), 7):
        path = tmp_path / "cut.onnx"
        path.write_bytes(whole[:size])
        done = mica("inspect", path, status=None)
        assert done.returncode in (0, 1), done.stderr
        try:
            graph.ParseFromString(whole[:size])
        except Exception:  # google.protobuf's DecodeError
            assert done.returncode == 1 and "damaged or cut off at byte" in done.stderr
            fields += "in graph.node[0].attribute[" in done.stderr
    assert fields > 20


def test_damaged_files_are_refused_or_read(tmp_path: Path) -> None:
    """Any change of a few bytes ends with status 0 or 1."""
    rng = np.random.default_rng(4)
    seeds = [small().SerializeToString(), stump().SerializeToString()]
    for i in range(120):
        damaged = bytearray(seeds[i % 2])
        for at in rng.integers(0, len(damaged), 3):
            damaged[at] = rng.integers(256)
        path = tmp_path / "damaged.onnx"
        path.write_bytes(damaged)
        done = mica("dump", path, "--after", "read", status=None)
        assert done.returncode in (0, 1), done.stderr
        assert done.returncode == 0 or done.stderr.startswith(f"mica: {path}: "), done.stderr


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
