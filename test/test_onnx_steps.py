# SPDX-License-Identifier: Apache-2.0
"""ONNX files of linear models, steps for features and labels, beside ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
from onnx import TensorProto, helper  # noqa: E402

from onnx_models import (  # noqa: E402
    FLOAT,
    INT64,
    ML,
    OPSETS,
    class_names,
    classifier,
    grown,
    ml,
    model,
    read_lines,
    regressor,
    rows,
    run_mica,
    run_runtime,
    same_bits,
    save,
)
from support import mica  # noqa: E402


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


@pytest.mark.parametrize("step", STEPS)
def test_steps_between_features_and_models(tmp_path: Path, step: str) -> None:
    nodes, constants = STEPS[step]
    made = model(nodes(), 3, {"y": FLOAT}, constants)
    x = rows(3, missing="imputer" in step)
    got, want = run_mica(made, tmp_path, x)[0], run_runtime(made, x)[0]
    if step.startswith("normalizer"):  # runtimes add in their own order, and lose tiny squares
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
