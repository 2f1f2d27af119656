# SPDX-License-Identifier: Apache-2.0
"""Single trees, forests, isolation forests.

scikit-learn casts X to float32 and compares it with a float64 threshold. Leaves of classifiers hold
the weighted fractions of the classes as float64, whatever the weights were.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..onnx_graph import FLOAT32, Graph, Heads, Tensor
from ..registry import fitted, predicts, refuse
from .tree_arrays import Ensemble, sklearn_tree


def class_lists(estimator: Any) -> list[np.ndarray]:
    """The classes of each output of a classifier."""
    classes = fitted(estimator, "classes_")
    many = isinstance(classes, list)
    return [np.asarray(part) for part in classes] if many else [np.asarray(classes)]


def tree_input(graph: Graph, x: Tensor) -> Tensor:
    """What scikit-learn's trees compare: float32; integers that a float32 holds are left alone."""
    return graph.cast(x, FLOAT32) if x.dtype.kind == "f" else x


def fractions(tree: Any, counts: list[int]) -> np.ndarray:
    """Class fractions of all outputs side by side: the library's own array has room for the most
    classes in every output."""
    return np.concatenate(
        [tree.value[:, k, :count] for k, count in enumerate(counts)], axis=1
    )


def classifier_heads(
    graph: Graph, x: Tensor, trees: list[Any], classes: list[np.ndarray], divisor: float
) -> Heads:
    """Sum of the trees' fractions in their order, divided once, first maximum."""
    counts = [len(labels) for labels in classes]
    ensemble = Ensemble(sum(counts), width=sum(counts))
    for tree in trees:
        ensemble.add(sklearn_tree(tree, fractions(tree, counts)))
    x = tree_input(graph, x)
    how: dict[str, Any] = {"divisor": divisor, "groups": counts}
    return Heads(
        {
            "predict": ensemble.node(graph, x, "label", **how),
            "predict_proba": ensemble.node(graph, x, "scores", **how),
        },
        classes,
    )


def regressor_heads(graph: Graph, x: Tensor, trees: list[Any], divisor: float) -> Heads:
    """Sum of the trees' values in their order, divided once."""
    n_outputs = trees[0].n_outputs
    ensemble = Ensemble(n_outputs, width=n_outputs)
    for tree in trees:
        ensemble.add(sklearn_tree(tree))
    scores = ensemble.node(graph, tree_input(graph, x), "scores", divisor=divisor)
    return Heads({"predict": scores}, [])


@predicts("sklearn", "DecisionTreeClassifier", "ExtraTreeClassifier")
def tree_classifier(graph: Graph, estimator: Any, x: Tensor) -> Heads:
    """The fractions of one leaf as they are: neither divided nor normalised."""
    return classifier_heads(graph, x, [fitted(estimator, "tree_")], class_lists(estimator), 1.0)


@predicts("sklearn", "DecisionTreeRegressor", "ExtraTreeRegressor")
def tree_regressor(graph: Graph, estimator: Any, x: Tensor) -> Heads:
    """The value of one leaf."""
    return regressor_heads(graph, x, [fitted(estimator, "tree_")], 1.0)


@predicts("sklearn", "RandomForestClassifier", "ExtraTreesClassifier")
def forest_classifier(graph: Graph, estimator: Any, x: Tensor) -> Heads:
    """Mean of the fractions over the trees that are there: warm starts make estimators_, not
    n_estimators, the number. With several jobs the library adds in no fixed order; this is the order
    of one."""
    trees = [member.tree_ for member in fitted(estimator, "estimators_")]
    return classifier_heads(graph, x, trees, class_lists(estimator), float(len(trees)))


@predicts("sklearn", "RandomForestRegressor", "ExtraTreesRegressor")
def forest_regressor(graph: Graph, estimator: Any, x: Tensor) -> Heads:
    """Mean of the values, in the order of the trees."""
    trees = [member.tree_ for member in fitted(estimator, "estimators_")]
    return regressor_heads(graph, x, trees, float(len(trees)))


# ---- isolation forest ----------------------------------------------------------------------------


def average_path_length(n_rows: np.ndarray) -> np.ndarray:
    """Mean depth of a random tree of n rows, in the library's order of operations."""
    n = np.asarray(n_rows)
    length = np.zeros(n.shape)
    length[n == 2] = 1.0
    many = n > 2
    length[many] = (
        2.0 * (np.log(n[many] - 1.0) + np.euler_gamma) - 2.0 * (n[many] - 1.0) / n[many]
    )
    return length


def first_true(test: Any, low: float, high: float) -> float:
    """The smallest float64 of [low, high] for which a monotone test holds; it holds for high."""

    def number(bits: int) -> float:
        """Of a key that orders all floats."""
        raw = bits if bits >= 0 else -(2**63) - bits - 1
        return float(np.array(raw, np.int64).view(np.float64))

    def key(value: float) -> int:
        raw = int(np.array(value + 0.0).view(np.int64))
        return raw if raw >= 0 else -(2**63) - raw - 1

    below, above = key(low) - 1, key(high)
    while above - below > 1:
        middle = (below + above) // 2
        below, above = (below, middle) if test(number(middle)) else (middle, above)
    return number(above)


@predicts("sklearn", "IsolationForest")
def isolation_forest(graph: Graph, estimator: Any, x: Tensor) -> Heads:
    """Score -(2^-(sum of depths / (trees * mean depth))). The label depends on the sum alone,
    monotonically, so the library's own arithmetic is bisected once for the sum at which it turns."""
    members = fitted(estimator, "estimators_")
    one = average_path_length(np.array([estimator.max_samples_]))
    denominator = float((len(members) * one)[0])
    if denominator == 0:
        raise refuse(estimator, "it was fitted on one row: its score is always -0.5")
    ensemble = Ensemble(1)
    for member, columns in zip(members, estimator.estimators_features_, strict=True):
        tree = member.tree_
        value = average_path_length(tree.n_node_samples).reshape(-1, 1)
        ensemble.add(sklearn_tree(tree, value, columns))

    offset = estimator.offset_

    def inside(depths: float) -> bool:
        scores = -(2 ** (-np.divide(np.array([depths]), denominator)))
        return bool(scores[0] - offset >= 0)

    # 2^-4096 is 0: a sum that large gives the score -0, and its label is that of all above.
    most = 4096.0 * denominator
    cut = first_true(inside, 0.0, most) if inside(most) else float(np.inf)
    x = tree_input(graph, x)
    score = graph.link(ensemble.node(graph, x, "scores", path=True), "path", [denominator])
    return Heads(
        {
            "predict": ensemble.node(graph, x, "label", decide="cut", cut=cut, path=True),
            "decision_function": graph.link(score, "affine", [1.0, -float(offset)]),
            "score_samples": score,
        },
        [np.array([-1, 1])],
    )
