# SPDX-License-Identifier: Apache-2.0
"""AdaBoost and bagging, of trees and of everything else that can be read."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import Error
from ..onnx_graph import Graph, Heads, Tensor
from ..registry import fitted, key, predict, predicts, refuse
from .boosting import ABOVE_ZERO
from .linear import linear
from .tree_arrays import Ensemble, sklearn_tree
from .trees import class_lists, fractions, tree_input

TREE_CLASSIFIERS = {("sklearn", name) for name in ("DecisionTreeClassifier", "ExtraTreeClassifier")}
TREE_REGRESSORS = {("sklearn", name) for name in ("DecisionTreeRegressor", "ExtraTreeRegressor")}


def _all(members: list[Any], kinds: set[tuple[str, str]]) -> bool:
    return all(key(member) in kinds for member in members)


def _sum(graph: Graph, parts: list[Tensor]) -> tuple[Tensor, str, str]:
    """Parts of equal width side by side, and coefficients and intercept of a linear node that adds
    them up, part after part: what is multiplied by 0 changes no sum."""
    width = parts[0].columns
    coefficients = np.tile(np.eye(width), len(parts))
    x = graph.concat(parts)
    return x, graph.constant("coef", coefficients), graph.constant("intercept", np.zeros(width))


def mean(graph: Graph, parts: list[Tensor], count: int) -> Tensor:
    """The mean of parts of equal width."""
    x, coefficients, intercept = _sum(graph, parts)
    scores = linear(graph, x, coefficients, intercept, parts[0].columns, "scores")
    return graph.link(scores, "affine", [1.0 / count, 0.0])


# ---- AdaBoost ------------------------------------------------------------------------------------


@predicts("sklearn", "AdaBoostClassifier")
def adaboost_classifier(graph: Graph, estimator: Any, x: Tensor) -> Heads:
    """SAMME: each tree gives its weight w to the class that it votes for and -w / (K - 1) to every
    other one; the sums are divided by the sum of the weights. Of two classes one score is kept,
    the difference, which is exactly twice the second sum."""
    members, classes = fitted(estimator, "estimators_"), np.asarray(estimator.classes_)
    if not _all(members, TREE_CLASSIFIERS):
        raise refuse(estimator, "only decision trees can vote in it")
    n_classes = len(classes)
    if n_classes < 2:
        raise refuse(estimator, "it knows one class only")
    binary = n_classes == 2
    n_scores = 1 if binary else n_classes
    ensemble = Ensemble(n_scores, width=n_scores)
    weights = estimator.estimator_weights_
    for member, w in zip(members, weights, strict=False):
        vote = np.argmax(fractions(member.tree_, [len(member.classes_)]), axis=1)
        for_class = np.searchsorted(classes, member.classes_)[vote]
        if binary:
            value = np.where(for_class == 1, 2 * w, -2 * w).reshape(-1, 1)
        else:
            value = np.where(
                for_class[:, np.newaxis] == np.arange(n_classes), w, -1 / (n_classes - 1) * w
            )
        ensemble.add(sklearn_tree(member.tree_, value))
    x = tree_input(graph, x)
    how: dict[str, Any] = {"decide": "cut", "cut": ABOVE_ZERO} if binary else {}
    # The division by the weights' sum keeps the order of the scores, so the label does without it.
    share = 1.0 / float(weights.sum())
    sums = ensemble.node(graph, x, "scores")
    scores = graph.link(sums, "affine", [share, 0.0])
    if binary:
        probabilities = graph.link(scores, "logistic_pair", columns=2)
    else:
        part = graph.link(sums, "affine", [share / (n_classes - 1), 0.0])
        probabilities = graph.link(part, "softmax")
    return Heads(
        {
            "predict": ensemble.node(graph, x, "label", **how),
            "predict_proba": probabilities,
            "decision_function": scores,
        },
        [classes],
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
    """Each member computes its probabilities, then they are added."""
    parts, decisions = [], []
    for member, columns in used:
        heads = predict(graph, member, graph.select(x, columns)).outputs
        if "predict_proba" not in heads:
            raise refuse(estimator, f"{type(member).__name__} has no predict_proba to be averaged")
        if len(member.classes_) != len(classes[0]):
            raise refuse(estimator, "a member saw some of the classes only")
        parts.append(heads["predict_proba"])
        if "decision_function" in heads:
            decisions.append(heads["decision_function"])
    together, coefficients, intercept = _sum(graph, parts)
    label = linear(graph, together, coefficients, intercept, parts[0].columns, "label")
    outputs = {"predict": label, "predict_proba": mean(graph, parts, estimator.n_estimators)}
    if len(decisions) == len(used):
        outputs["decision_function"] = mean(graph, decisions, estimator.n_estimators)
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
        return Heads({"predict": mean(graph, parts, estimator.n_estimators)}, [])
    n_outputs = used[0][0].tree_.n_outputs
    ensemble = Ensemble(n_outputs, width=n_outputs)
    for member, columns in used:
        ensemble.add(sklearn_tree(member.tree_, columns=columns))
    divisor = float(estimator.n_estimators)
    return Heads(
        {"predict": ensemble.node(graph, tree_input(graph, x), "scores", divisor=divisor)}, []
    )
