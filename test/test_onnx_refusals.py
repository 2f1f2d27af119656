# SPDX-License-Identifier: Apache-2.0
"""ONNX files that are refused, and what is said of them; files that are damaged or cut off."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
from onnx import TensorProto, helper  # noqa: E402

from onnx_models import (  # noqa: E402
    FLOAT,
    MICA_DOMAIN,
    Trees,
    classifier,
    ml,
    model,
    regressor,
    save,
    signed,
    stump,
)
from support import mica  # noqa: E402


def with_nodes(*nodes: Any, outputs: dict[str, int] | None = None, **constants: Any) -> Any:
    """A model of these nodes that gives y."""
    return model(nodes, 3, outputs or {"y": FLOAT}, constants)


def changed(made: Any, how: Callable[[Any], Any]) -> Any:
    """The model after a change in place."""
    how(made)
    return made


def attribute(made: Any, name: str) -> Any:
    """An attribute of the first node."""
    return next(a for a in made.graph.node[0].attribute if a.name == name)


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
        changed(small(), lambda m: m.graph.input[0].type.tensor_type.shape.dim[1].Clear()),
        "dimension 1 of the input 'x' may have any size",
    ),
    "feature": (small(feature=3), "node 0 tests feature 3; its input has 3"),
    "equality": (small("EQ", 0.5), "tests whether feature 0 equals 0.5"),
    "mode": (
        changed(
            small(),
            lambda m: attribute(m, "nodes_modes").strings.__setitem__(0, b"BRANCH_MAYBE"),
        ),
        "nodes_modes[0] is 'BRANCH_MAYBE'",
    ),
    "aggregate": (small(aggregate_function="MIN"), "'aggregate_function' is 'MIN'"),
    "transform": (small(post_transform="PROBIT"), "post_transform PROBIT is not supported"),
    "lengths": (
        changed(small(), lambda m: attribute(m, "nodes_values").floats.pop()),
        "'nodes_values' has 2 elements where 3 are needed",
    ),
    "child": (
        changed(small(), lambda m: attribute(m, "nodes_truenodeids").ints.__setitem__(0, 77)),
        "'nodes_truenodeids' names node 77 of tree 0",
    ),
    "loop": (
        changed(small(), lambda m: attribute(m, "nodes_truenodeids").ints.__setitem__(0, 0)),
        "a node is in two places of its tree",
    ),
    "base": (small(base_values=[1.0, 2.0]), "2 base values for 1 targets"),
    "opposite scores": (
        classifier(signed(False, 3), 3, [0, 1]),
        "leave the output 'scores' out",
    ),
    "class": (
        classifier(signed(False, 3), 3, [0, 1 << 40], post_transform="LOGISTIC"),
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
    "nothing": (
        with_nodes(helper.make_node("Identity", ["x"], ["y"])), "there is nothing to compute"
    ),
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
