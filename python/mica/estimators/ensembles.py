# SPDX-License-Identifier: Apache-2.0
"""AdaBoost and bagging, of trees and of everything else that can be read."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import Error
from ..onnx_graph import FLOAT32, FLOAT64, Graph, Heads, Tensor
from ..registry import fitted, key, predict, predicts, refuse
from .boosting import ABOVE_ZERO
from .linear import linear
from .tree_arrays import Ensemble, Tree, sklearn_tree
from .trees import class_lists, fractions, tree_input

TREE_CLASSIFIERS = {("sklearn", name) for name in ("DecisionTreeClassifier", "ExtraTreeClassifier")}
TREE_REGRESSORS = {("sklearn", name) for name in ("DecisionTreeRegressor", "ExtraTreeRegressor")}


def _all(members: list[Any], kinds: set[tuple[str, str]]) -> bool:
    return all(key(member) in kinds for member in members)


def mean(
    graph: Graph, parts: list[Tensor], weights: list[np.ndarray], divisor: float
) -> Tensor:
    """Parts added up one after the other, each multiplied by its weights [sums, columns], and divided
    once, as numpy does it: what is multiplied by 0 changes no sum."""
    coefficients = np.concatenate(weights, axis=1)
    n = len(coefficients)
    coef = graph.constant("coef", coefficients)
    x = graph.concat(parts)
    sums = linear(graph, x, coef, graph.constant("intercept", np.zeros(n)), n, "scores")
    if divisor == 1:
        return sums
    by = graph.constant("first", np.full(n, float(divisor)))
    return graph.node("scale_features", [sums, by], FLOAT64, sums.shape, first_op="div")


def first_largest(graph: Graph, scores: Tensor) -> Tensor:
    """The label of scores that were computed."""
    n = scores.columns
    coef, zeros = graph.constant("coef", np.eye(n)), graph.constant("intercept", np.zeros(n))
    return linear(graph, scores, coef, zeros, n, "label")


def ones(parts: list[Tensor]) -> list[np.ndarray]:
    """Weights of a plain mean."""
    return [np.eye(part.columns) for part in parts]


def _class_test(output: int, values: np.ndarray) -> Tree:
    """A tree on the number of a class: row k of the values for class k."""
    n = len(values)
    nodes = np.arange(2 * n - 1)
    is_leaf = (nodes % 2 == 1) | (nodes == 2 * n - 2)
    value = np.zeros((len(nodes), values.shape[1]))
    value[np.append(nodes[1::2], 2 * n - 2)] = values
    return Tree(
        np.full(len(nodes), output), nodes // 2 + 0.5, np.where(is_leaf, -1, nodes + 1),
        np.where(is_leaf, 0, nodes + 2), np.zeros(len(nodes)), value, np.zeros(len(nodes), np.uint8),
    )  # fmt: skip


def votes(
    graph: Graph, labels: list[Tensor], values: list[np.ndarray]
) -> tuple[Ensemble, Tensor]:
    """Trees that add, member after member, what a member's label stands for: row k of its values
    for its class k. And the row of labels that they take."""
    row = graph.concat([graph.cast(graph.row(label), FLOAT32) for label in labels])
    ensemble = Ensemble(values[0].shape[1], width=values[0].shape[1])
    for output, value in enumerate(values):
        ensemble.add(_class_test(output, value))
    return ensemble, row


# ---- AdaBoost ------------------------------------------------------------------------------------


def _vote(member: Any, classes: np.ndarray, weight: float) -> np.ndarray:
    """What the label of a member adds: its weight w to the class and -w / (K - 1) to every other
    one. Of two classes one score is kept, the difference, which is exactly twice the second sum."""
    n = len(classes)
    of = np.searchsorted(classes, member.classes_)
    if n == 2:
        return np.where(of == 1, 2 * weight, -2 * weight).reshape(-1, 1)
    return np.where(of[:, np.newaxis] == np.arange(n), weight, -1 / (n - 1) * weight)


def _label(graph: Graph, member: Any, x: Tensor) -> Tensor:
    return predict(graph, member, x).outputs["predict"]


@predicts("sklearn", "AdaBoostClassifier")
def adaboost_classifier(graph: Graph, estimator: Any, x: Tensor) -> Heads:
    """SAMME: votes with weights, whose sums are divided by the sum of the weights."""
    members, classes = fitted(estimator, "estimators_"), np.asarray(estimator.classes_)
    n_classes = len(classes)
    if n_classes < 2:
        raise refuse(estimator, "it knows one class only")
    weights = estimator.estimator_weights_
    values = [_vote(m, classes, w) for m, w in zip(members, weights, strict=False)]
    if _all(members, TREE_CLASSIFIERS):
        ensemble, row = Ensemble(values[0].shape[1], width=values[0].shape[1]), tree_input(graph, x)
        for member, value in zip(members, values, strict=True):
            best = np.argmax(fractions(member.tree_, [len(member.classes_)]), axis=1)
            ensemble.add(sklearn_tree(member.tree_, value[best]))
    else:
        ensemble, row = votes(graph, [_label(graph, member, x) for member in members], values)
    binary = n_classes == 2
    how: dict[str, Any] = {"decide": "cut", "cut": ABOVE_ZERO} if binary else {}
    how["divisor"] = float(weights.sum())
    label = ensemble.node(graph, row, "label", **how)
    scores = ensemble.node(graph, row, "scores", **how)
    if binary:
        probabilities = graph.link(scores, "logistic_pair", columns=2)
    else:
        part = graph.link(scores, "affine", [1.0 / (n_classes - 1), 0.0])
        probabilities = graph.link(part, "softmax")
    return Heads(
        {"predict": label, "predict_proba": probabilities, "decision_function": scores}, [classes]
    )


@predicts("sklearn", "AdaBoostRegressor")
def adaboost_regressor(graph: Graph, estimator: Any, x: Tensor) -> Heads:
    """The weighted median of the members' predictions."""
    members = fitted(estimator, "estimators_")
    if _all(members, TREE_REGRESSORS):
        ensemble = Ensemble(len(members))
        for output, member in enumerate(members):
            ensemble.add(sklearn_tree(member.tree_), output)
        each = ensemble.node(graph, tree_input(graph, x), "scores")
    else:
        each = graph.concat([predict(graph, member, x).outputs["predict"] for member in members])
    weights = np.asarray(estimator.estimator_weights_, np.float64)[: len(members)]
    inputs = [each, graph.constant("weight", weights)]
    return Heads({"predict": graph.node("weighted_median", inputs, np.float64, (1, 1))}, [])


# ---- bagging -------------------------------------------------------------------------------------


def _used(estimator: Any) -> list[tuple[Any, np.ndarray]]:
    """The members that predict, with their columns. The library takes as many as the parameter
    says, and divides by it."""
    members = fitted(estimator, "estimators_")[: estimator.n_estimators]
    columns = estimator.estimators_features_
    return [(member, np.asarray(part)) for member, part in zip(members, columns, strict=False)]


def _spread(values: np.ndarray, member: Any, n_classes: int) -> np.ndarray:
    """A member that saw some of the classes only: its columns at their places among all. Members
    know classes by their numbers."""
    if values.shape[1] == n_classes:
        return values
    spread = np.zeros((len(values), n_classes))
    spread[:, member.classes_] = values
    return spread


@predicts("sklearn", "BaggingClassifier")
def bagging_classifier(graph: Graph, estimator: Any, x: Tensor) -> Heads:
    """Mean of the members' probabilities, first maximum. The order of the sum is that of one job."""
    used, classes = _used(estimator), class_lists(estimator)
    if not _all([member for member, _ in used], TREE_CLASSIFIERS):
        return _bagging_of_others(graph, estimator, x, used, classes)
    n_classes = len(classes[0])
    ensemble = Ensemble(n_classes, width=n_classes)
    for member, columns in used:
        tree = member.tree_
        value = _spread(fractions(tree, [len(member.classes_)]), member, n_classes)
        ensemble.add(sklearn_tree(tree, value, columns))
    how: dict[str, Any] = {"divisor": float(estimator.n_estimators)}
    x = tree_input(graph, x)
    outputs = {
        "predict": ensemble.node(graph, x, "label", **how),
        "predict_proba": ensemble.node(graph, x, "scores", **how),
    }
    return Heads(outputs, classes)


def _bagging_of_others(
    graph: Graph,
    estimator: Any,
    x: Tensor,
    used: list[tuple[Any, np.ndarray]],
    classes: list[np.ndarray],
) -> Heads:
    """Members have their probabilities added where all have some, else their votes."""
    n_classes = len(classes[0])
    heads = [predict(graph, member, graph.select(x, columns)).outputs for member, columns in used]
    places = [np.eye(n_classes)[:, np.asarray(member.classes_)] for member, _ in used]
    if not all(hasattr(member, "predict_proba") for member, _ in used):
        labels = [head["predict"] for head in heads]
        ensemble, row = votes(graph, labels, [place.T for place in places])
        how: dict[str, Any] = {"divisor": float(estimator.n_estimators)}
        outputs = {
            "predict": ensemble.node(graph, row, "label", **how),
            "predict_proba": ensemble.node(graph, row, "scores", **how),
        }
    else:
        parts = [head["predict_proba"] for head in heads]
        shares = mean(graph, parts, places, estimator.n_estimators)
        outputs = {"predict": first_largest(graph, shares), "predict_proba": shares}
    if all("decision_function" in head and hasattr(member, "decision_function")
           and len(member.classes_) == n_classes
           for head, (member, _) in zip(heads, used, strict=True)):  # fmt: skip
        decisions = [head["decision_function"] for head in heads]
        outputs["decision_function"] = mean(
            graph, decisions, ones(decisions), estimator.n_estimators
        )
    return Heads(outputs, classes)


@predicts("sklearn", "BaggingRegressor")
def bagging_regressor(graph: Graph, estimator: Any, x: Tensor) -> Heads:
    """Mean of the members' predictions in their order."""
    used = _used(estimator)
    if not used:
        raise Error("BaggingRegressor has no members")
    if not _all([member for member, _ in used], TREE_REGRESSORS):
        parts = [
            predict(graph, member, graph.select(x, columns)).outputs["predict"]
            for member, columns in used
        ]
        return Heads({"predict": mean(graph, parts, ones(parts), estimator.n_estimators)}, [])
    n_outputs = used[0][0].tree_.n_outputs
    ensemble = Ensemble(n_outputs, width=n_outputs)
    for member, columns in used:
        ensemble.add(sklearn_tree(member.tree_, columns=columns))
    divisor = float(estimator.n_estimators)
    return Heads(
        {"predict": ensemble.node(graph, tree_input(graph, x), "scores", divisor=divisor)}, []
    )
