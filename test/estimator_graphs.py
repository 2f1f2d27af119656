# SPDX-License-Identifier: Apache-2.0
"""Graphs of estimators in the text form, written from fitted scikit-learn objects.

Only what the tests of operators need: which operator makes what of which attributes is said once
here, so that the tests compare numbers and nothing else.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Sequence

import numpy as np


class Graph:
    """The lines of one graph; tensors are numbers."""

    def __init__(self, features: int, dtype: str = "float32") -> None:
        self.tensors: list[str] = []
        self.nodes: list[str] = []
        self.outputs: list[str] = []
        self.features = features
        self.x = self.tensor("x", dtype, (1, features))

    def tensor(self, name: str, dtype: str, shape: Sequence[int], contents: str = "") -> int:
        """A tensor; with contents, a constant."""
        number = len(self.tensors)
        kind, rest = ("const", f" = [{contents}]") if contents else ("tensor", "")
        sizes = ",".join(str(size) for size in shape)
        self.tensors.append(f'{kind} %{number} "{name}" {dtype} [{sizes}]{rest}')
        return number

    def constant(self, name: str, values: Any, dtype: str = "float64") -> int:
        """A constant of numpy's shape; floats are written so that they come back the same."""
        array = np.asarray(values, dtype=dtype)
        words = " ".join(repr(value) for value in array.ravel().tolist())
        return self.tensor(name, dtype, array.shape, words)

    def node(
        self, op: str, inputs: Sequence[int | None], name: str, dtype: str, shape: Sequence[int],
        **attributes: Any,
    ) -> int:
        """A node and its output."""
        out = self.tensor(name, dtype, shape)
        words = "".join(f" {key}={value}" for key, value in attributes.items())
        args = " ".join("-" if i is None else f"%{i}" for i in inputs)
        self.nodes.append(f'node "{name}" {op}{words} : {args} -> %{out}')
        return out

    def output(self, tensor: int) -> None:
        """An output of the graph."""
        self.outputs.append(f"output %{tensor}")

    def text(self) -> str:
        """The file."""
        lines = ["mica-ir 1", 'graph "main"', *self.tensors, f"input %{self.x}", *self.nodes]
        return "\n".join([*lines, *self.outputs]) + "\n"

    def write(self, path: Path) -> Path:
        """The file, on disk."""
        path.write_text(self.text())
        return path

    # ---- operators ---------------------------------------------------------------------------

    def linear(self, x: int, coef: Any, intercept: Any, gives: str, **how: Any) -> int:
        """A linear model's label or scores."""
        coef = np.atleast_2d(np.asarray(coef, dtype=np.float64))
        intercept = np.broadcast_to(np.asarray(intercept, dtype=np.float64), len(coef))
        dtype, shape = "float64", (1, len(coef))
        if gives == "label":
            dtype, shape = "int32", (len(coef) if how.get("decide") == "cut" else 1,)
        dtype = how.pop("dtype", dtype)
        inputs = [x, self.constant("coef", coef), self.constant("intercept", intercept)]
        return self.node("linear", inputs, gives, dtype, shape, gives=gives, **how)

    def link(self, x: int, kind: str, size: int, numbers: Any = None) -> int:
        """A link function."""
        inputs = [x] if numbers is None else [x, self.constant("numbers", numbers)]
        return self.node("link", inputs, kind, "float64", (1, size), kind=kind)

    def cast(self, x: int, size: int, dtype: str = "float32") -> int:
        """Other numbers of the same value."""
        return self.node("cast", [x], "cast", dtype, (1, size))

    def scaler(self, x: int, scaler: Any, dtype: str = "float64") -> int:
        """A fitted scaler of scikit-learn."""
        kind, first, second = type(scaler).__name__, None, None
        how = ("sub", "div")
        if kind == "StandardScaler":
            first = scaler.mean_ if scaler.with_mean else None
            second = scaler.scale_ if scaler.with_std else None
            if dtype == "float32":  # it rounds its numbers to the type of X
                first = None if first is None else first.astype(np.float32)
                second = None if second is None else second.astype(np.float32)
        elif kind == "MinMaxScaler":
            first, second, how = scaler.scale_, scaler.min_, ("mul", "add")
        elif kind == "MaxAbsScaler":
            second = scaler.scale_
        elif kind == "RobustScaler":
            first = scaler.center_ if scaler.with_centering else None
            second = scaler.scale_ if scaler.with_scaling else None
        else:
            raise TypeError(kind)
        inputs = [
            x,
            None if first is None else self.constant("first", first),
            None if second is None else self.constant("second", second),
        ]
        return self.node(
            "scale_features", inputs, "scaled", dtype, (1, self.features),
            first_op=how[0], second_op=how[1],
        )

    def imputer(self, x: int, imputer: Any, dtype: str = "float32") -> int:
        """A fitted SimpleImputer that drops no column."""
        value = imputer.missing_values
        inputs = [x, self.constant("fill", imputer.statistics_)]
        missing = "nan" if value is np.nan or value != value else "value"
        if missing == "value":
            inputs.append(self.constant("missing", [value]))
        return self.node(
            "impute_features", inputs, "imputed", dtype, (1, self.features), missing=missing
        )

    def normalizer(self, x: int, norm: str, dtype: str) -> int:
        """A Normalizer."""
        return self.node(
            "normalize_features", [x], "normalized", dtype, (1, self.features), norm=norm
        )

    def select(self, x: int, columns: Any, dtype: str = "float32") -> int:
        """Some columns."""
        index = self.constant("columns", columns, "int32")
        return self.node("select_features", [x, index], "selected", dtype, (1, len(columns)))

    def trees(self, x: int, arrays: dict[str, Any], gives: str, **how: Any) -> int:
        """An ensemble of trees; arrays as tree_arrays() makes them."""
        inputs: list[int | None] = [x]
        for name, dtype in TREE_ARRAYS.items():
            values = np.asarray(arrays[name])
            inputs.append(self.constant(name, values, dtype or str(values.dtype)))
        scores = len(arrays["base"])
        dtype, shape = ("int32", (1,)) if gives == "label" else ("float64", (1, scores))
        return self.node("trees", inputs, gives, dtype, shape, gives=gives, **how)


TREE_ARRAYS = {
    "root": "int32", "output": "int32", "feature": "int32", "threshold": "", "left": "int32",
    "right": "int32", "flags": "uint8", "weight": "float32", "value": "float64", "base": "float64",
    "numbers": "float64",
}  # fmt: skip


def float_below(threshold: np.ndarray) -> np.ndarray:
    """The largest float32 that is not above a float64."""
    rounded = threshold.astype(np.float32)
    return np.where(rounded > threshold, np.nextafter(rounded, np.float32(-np.inf)), rounded)


def forest_arrays(forest: Any) -> dict[str, Any]:
    """A fitted decision tree, or forest of classifiers of one output, whose leaves are fractions."""
    found: dict[str, list[Any]] = {name: [] for name in TREE_ARRAYS}
    trees = forest.estimators_ if hasattr(forest, "estimators_") else [forest]
    for model in trees:
        tree = model.tree_
        value = tree.value[:, 0] / tree.value[:, 0].sum(axis=1, keepdims=True)
        add_tree(
            found, 0, tree.children_left, tree.children_right, tree.feature, tree.threshold,
            value, tree.children_left < 0, tree.missing_go_to_left,
        )
    found["threshold"] = float_below(np.array(found["threshold"], dtype=np.float64))
    found["base"], found["numbers"] = [0.0] * forest.n_classes_, [float(len(trees)), 0.0]
    return found


def histogram_arrays(model: Any) -> dict[str, Any]:
    """A fitted HistGradientBoosting estimator without categories; thresholds are float64."""
    found: dict[str, list[Any]] = {name: [] for name in TREE_ARRAYS}
    for iteration in model._predictors:  # pylint: disable=protected-access
        for output, predictor in enumerate(iteration):
            node = predictor.nodes
            add_tree(
                found, output, node["left"], node["right"], node["feature_idx"],
                node["num_threshold"], node["value"][:, None], node["is_leaf"] == 1,
                node["missing_go_to_left"],
            )
    found["threshold"] = np.array(found["threshold"], dtype=np.float64)
    found["base"] = np.ravel(model._baseline_prediction)  # pylint: disable=protected-access
    found["numbers"] = [1.0, np.nextafter(0.0, 1.0)]
    return found


def add_tree(
    found: dict[str, list[Any]], output: int, left: Any, right: Any, feature: Any, threshold: Any,
    value: Any, is_leaf: Any, missing_left: Any,
) -> None:
    """Appends a tree in the order node, left, right."""
    found["root"].append(len(found["feature"]))
    found["output"].append(output)
    waiting = [(0, -1)]
    while waiting:
        node, parent = waiting.pop()
        at = len(found["feature"])
        if parent >= 0:
            found["right"][parent] = at
        leaf = bool(is_leaf[node])
        found["feature"].append(-1 if leaf else int(feature[node]))
        found["threshold"].append(0.0 if leaf else float(threshold[node]))
        found["left"].append(len(found["value"]) if leaf else at + 1)
        found["right"].append(0)
        found["flags"].append(0 if leaf else int(missing_left[node]))
        found["weight"].append(0.0)
        if leaf:
            found["value"].append(value[node])
        else:
            waiting += [(int(right[node]), at), (int(left[node]), -1)]
