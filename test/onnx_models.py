# SPDX-License-Identifier: Apache-2.0
"""ONNX models for tests: small ones made here, node by node, and what runs them besides Mica."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Sequence

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from support import evaluate, mica

ML, MICA_DOMAIN = "ai.onnx.ml", "ai.mica"
FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64
OPSETS = (helper.make_opsetid("", 17), helper.make_opsetid(ML, 3))


def model(
    nodes: Sequence[onnx.NodeProto],
    features: int,
    outputs: dict[str, int],
    constants: dict[str, Any] | None = None,
    opsets: Sequence[onnx.OperatorSetIdProto] = OPSETS,
    dtype: int = FLOAT,
) -> onnx.ModelProto:
    """A model of one input x [None, features]; outputs are names and element types."""
    inits = [numpy_helper.from_array(np.asarray(v), k) for k, v in (constants or {}).items()]
    graph = helper.make_graph(
        list(nodes),
        "graph",
        [helper.make_tensor_value_info("x", dtype, [None, features])],
        [helper.make_tensor_value_info(name, kind, None) for name, kind in outputs.items()],
        inits,
    )
    return helper.make_model(graph, opset_imports=list(opsets), ir_version=8)


def ml(op: str, inputs: list[str], outputs: list[str], **attributes: Any) -> Any:
    """A node of the classical domain."""
    return helper.make_node(op, inputs, outputs, domain=ML, **attributes)


# ---- trees -------------------------------------------------------------------------------------


class Trees:
    """The attributes of a tree operator, written node by node."""

    def __init__(self, kind: str) -> None:
        self.kind = kind  # "class" or "target"
        self.trees = 0
        self.at: dict[str, list[Any]] = {
            f"nodes_{word}": []
            for word in (
                "treeids nodeids featureids modes values truenodeids falsenodeids "
                "missing_value_tracks_true"
            ).split()
        }
        self.at |= {f"{kind}_{word}": [] for word in ("treeids", "nodeids", "ids", "weights")}

    def tree(self, root: Any) -> None:
        """A tree: a leaf is {score: weight}, a test (mode, feature, value, yes, no[, missing])."""
        nodes: list[list[Any]] = []

        def put(node: Any) -> int:
            number = len(nodes)
            if isinstance(node, dict):
                nodes.append(["LEAF", 0, 0.0, 0, 0, 0])
                for score, weight in node.items():
                    row = (self.trees, number, score, float(weight))
                    for word, value in zip(("treeids", "nodeids", "ids", "weights"), row):
                        self.at[f"{self.kind}_{word}"].append(value)
                return number
            mode, feature, value, yes, no, *missing = node
            nodes.append([])
            sides = put(yes), put(no)
            nodes[number] = ["BRANCH_" + mode, feature, float(value), *sides, int(any(missing))]
            return number

        put(root)
        words = "modes featureids values truenodeids falsenodeids missing_value_tracks_true".split()
        for number, fields in enumerate(nodes):
            self.at["nodes_treeids"].append(self.trees)
            self.at["nodes_nodeids"].append(number)
            for word, value in zip(words, fields):
                self.at[f"nodes_{word}"].append(value)
        self.trees += 1

    def attributes(self, doubles: bool = False, **more: Any) -> dict[str, Any]:
        """What helper.make_node() takes; with `doubles`, numbers are tensors of double."""
        at = {name: value for name, value in self.at.items() if value}
        if doubles:
            for name in ("nodes_values", f"{self.kind}_weights"):
                numbers = numpy_helper.from_array(np.asarray(at.pop(name), np.float64))
                at[name + "_as_tensor"] = numbers
        return at | more


def classifier(trees: Trees, features: int, labels: Sequence[Any], **more: Any) -> onnx.ModelProto:
    """A TreeEnsembleClassifier with the outputs label and scores."""
    doubles = more.get("doubles", False)
    word = "strings" if isinstance(labels[0], str) else "int64s"
    more[f"classlabels_{word}"] = list(labels)
    node = helper.make_node(
        "TreeEnsembleClassifier", ["x"], ["label", "scores"], domain=ML, **trees.attributes(**more)
    )
    kind = TensorProto.STRING if word == "strings" else INT64
    dtype = TensorProto.DOUBLE if doubles else FLOAT
    return model([node], features, {"label": kind, "scores": FLOAT}, dtype=dtype)


def regressor(trees: Trees, features: int, targets: int = 1, **more: Any) -> onnx.ModelProto:
    """A TreeEnsembleRegressor with the output y."""
    dtype = TensorProto.DOUBLE if more.get("doubles") else FLOAT
    node = helper.make_node(
        "TreeEnsembleRegressor",
        ["x"],
        ["y"],
        domain=ML,
        n_targets=targets,
        **trees.attributes(**more),
    )
    return model([node], features, {"y": FLOAT}, dtype=dtype)


def grown(
    kind: str, features: int, scores: int, trees: int, depth: int, seed: int, every: bool = False
) -> Trees:
    """Random trees on a grid of thresholds, of every comparison that has an order."""
    rng = np.random.default_rng(seed)
    made = Trees(kind)

    def grow(level: int, only: int) -> Any:
        if level == 0 or rng.random() < 0.1:
            return {k: rng.normal() for k in (range(scores) if every else [only])}
        mode = rng.choice(["LEQ", "LT", "GTE", "GT"])
        value = np.float32(rng.integers(-8, 9) / 4)
        sides = grow(level - 1, only), grow(level - 1, only)
        return (mode, int(rng.integers(features)), value, *sides, bool(rng.integers(2)))

    for i in range(trees):
        made.tree(grow(depth, i % scores))
    return made


def signed(positive: bool, seed: int) -> Trees:
    """Trees whose weights are all for class 0 of two, none of them negative where `positive`."""
    made = grown("class", 3, 1, 15, 4, seed)
    if positive:
        made.at["class_weights"] = [abs(w) / 25 for w in made.at["class_weights"]]
    return made


# ---- our own operators -------------------------------------------------------------------------


def stump(**attributes: Any) -> onnx.ModelProto:
    """A model of the domain ai.mica: the label and the scores of one test."""
    arrays: dict[str, Any] = {
        "root": np.array([0], np.int32),
        "output": np.array([0], np.int32),
        "feature": np.array([1, -1, -1], np.int32),
        "threshold": np.array([0.5, 0, 0], np.float32),
        "left": np.array([1, 0, 1], np.int32),
        "right": np.array([2, 0, 0], np.int32),
        "flags": np.zeros(3, np.uint8),
        "weight": np.zeros(3, np.float32),
        "value": np.array([[1.0, 0.0], [0.0, 1.0]]),
        "base": np.zeros(2),
        "numbers": np.array([1.0, 0.0]),
    }
    names = ["x", *arrays]
    how: dict[str, Any] = {"decide": "argmax", "sums": "float64", **attributes}
    nodes = [
        helper.make_node("trees", [*names, "", ""], ["y"], domain=MICA_DOMAIN, gives="label", **how),
        helper.make_node("trees", names, ["s"], domain=MICA_DOMAIN, gives="scores", **how),
    ]
    outputs = {"y": TensorProto.INT32, "s": TensorProto.DOUBLE}
    made = model(nodes, 3, outputs, arrays, [helper.make_opsetid(MICA_DOMAIN, 1)])
    helper.set_model_props(
        made,
        {
            "mica.roles": json.dumps(["predict", "decision_function"]),
            "mica.features": json.dumps(["a", "b", "c"]),
            "mica.classes": json.dumps([{"names": ["no", "yes"], "values": None}]),
        },
    )
    return made


LIGHTGBM = """tree
num_class=1
num_tree_per_iteration=1
max_feature_idx=2
objective=regression
feature_names=a b c

Tree=0
num_leaves=2
num_cat=0
split_feature=1
threshold=0.1
decision_type=2
left_child=-1
right_child=-2
leaf_value=-0.5 1.5
shrinkage=1

end of trees
"""


def boosted(file: str = LIGHTGBM, columns: int = 3, outputs: int = 1) -> onnx.ModelProto:
    """A scaler of float64 and the file of a booster behind it."""
    arrays = {
        "half": np.full(columns, 0.5),
        "file": np.frombuffer(file.encode(), np.uint8),
    }
    names = ["y", "s"][:outputs]
    nodes = [
        helper.make_node("scale_features", ["x", "half"], ["z"], domain=MICA_DOMAIN, first_op="sub"),
        helper.make_node("booster", ["z", "file"], names, domain=MICA_DOMAIN),
    ]
    kinds = {name: TensorProto.DOUBLE for name in names}
    made = model(nodes, columns, kinds, arrays, [helper.make_opsetid(MICA_DOMAIN, 1)])
    made.graph.value_info.append(
        helper.make_tensor_value_info("z", TensorProto.DOUBLE, [1, columns])
    )
    helper.set_model_props(made, {"mica.roles": json.dumps(["predict", "other"][:outputs])})
    return made


# ---- rows --------------------------------------------------------------------------------------


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


# ---- running -----------------------------------------------------------------------------------


def save(made: onnx.ModelProto, folder: Path) -> Path:
    """The file of a model."""
    path = folder / "model.onnx"
    path.write_bytes(made.SerializeToString())
    return path


def read_lines(path: Path, keyword: str) -> list[str]:
    """Lines of the graph as it was read."""
    dump = mica("dump", path, "--after", "read").stdout
    return [line for line in dump.splitlines() if line.startswith(keyword + " ")]


def class_names(path: Path) -> list[str]:
    """The names of the classes of the only label."""
    return re.findall(r'"((?:[^"\\]|\\.)*)"', read_lines(path, "classes")[0])


def class_words(path: Path) -> dict[int, str]:
    """The names of the classes by what predict() gives."""
    lines = read_lines(path, "classes")
    values = re.search(r"= \[([^\]]*)\]$", lines[0]) if lines else None
    names = class_names(path) if lines else []
    return dict(zip(map(int, values[1].split()) if values else range(len(names)), names))


def roles(path: Path) -> list[str]:
    """The functions of an estimator."""
    return [line.split()[2] for line in read_lines(path, "output")]


def run_mica(made: onnx.ModelProto, folder: Path, x: np.ndarray) -> list[np.ndarray]:
    """Every output of every row by `mica eval`; labels as the classes' names."""
    path = save(made, folder)
    names = [output.name for output in made.graph.output]
    rows = x.astype(np.float32)[:, None, :]
    results = evaluate(path, folder, [rows], names if len(names) > 1 else ())
    words = class_words(path)
    return [
        np.array([words[number] for number in y.ravel()]) if words and y.dtype == np.int32
        else y.reshape(len(x), -1)
        for y in results
    ]


def run_runtime(made: onnx.ModelProto, x: np.ndarray) -> list[np.ndarray]:
    """The same by ONNX Runtime, which sums in the order of trees in one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        made.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    results = session.run(None, {session.get_inputs()[0].name: x})
    return [plain(y, len(x)) for y in results]


def plain(y: Any, rows: int) -> np.ndarray:
    """Labels as words, maps by class as rows."""
    if isinstance(y, list) and y and isinstance(y[0], dict):
        y = np.array([list(row.values()) for row in y])
    y = np.asarray(y)
    if y.dtype.kind in "iuOSU":
        return np.array([str(word) for word in y.ravel()])
    return y.reshape(rows, -1)


def same_bits(got: np.ndarray, want: np.ndarray) -> bool:
    """Equal as float32."""
    return np.array_equal(got.astype(np.float32), want.astype(np.float32))
