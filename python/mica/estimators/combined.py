# SPDX-License-Identifier: Apache-2.0
"""Voting and stacking: several models beside each other, and what is made of their answers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..onnx_graph import FLOAT32, FLOAT64, Graph, Heads, Tensor
from ..registry import fitted, predict, predicts, refuse
from .ensembles import first_largest, mean, ones, votes
from .trees import class_lists


def _weights(estimator: Any) -> np.ndarray | None:
    """Those of the members that were not dropped."""
    weights = estimator._weights_not_none
    return None if weights is None else np.asarray(weights, np.float64)


def _average(graph: Graph, parts: list[Tensor], weights: np.ndarray | None) -> Tensor:
    """What numpy's average gives; of float32 arrays without weights it is computed in float32."""
    if weights is not None:
        scaled = [one * weight for one, weight in zip(ones(parts), weights, strict=True)]
        return mean(graph, parts, scaled, float(weights.sum()))
    if any(part.dtype != FLOAT32 for part in parts):
        return mean(graph, parts, ones(parts), len(parts))
    rows = graph.constant("ones", np.concatenate(ones(parts), axis=1).astype(np.float32))
    sums = graph.node("dense", [graph.concat(parts), rows], FLOAT32, parts[0].shape)
    by = graph.constant("first", np.full(sums.columns, float(len(parts))))
    return graph.node("scale_features", [sums, by], FLOAT32, sums.shape, first_op="div")


@predicts("sklearn", "VotingClassifier")
def voting_classifier(graph: Graph, estimator: Any, x: Tensor) -> Heads:
    """Hard: the members' votes are added; soft: their probabilities are averaged. Members know
    classes by their numbers."""
    members, weights = fitted(estimator, "estimators_"), _weights(estimator)
    classes = class_lists(estimator)
    if len(classes) > 1:
        raise refuse(estimator, "several labels at once cannot be read")
    n_classes = len(classes[0])
    heads = [predict(graph, member, x).outputs for member in members]
    if estimator.voting == "hard":
        scale = np.ones(len(members)) if weights is None else weights
        values = [
            np.eye(n_classes)[np.asarray(member.classes_)] * weight
            for member, weight in zip(members, scale, strict=True)
        ]
        ensemble, row = votes(graph, [head["predict"] for head in heads], values)
        return Heads({"predict": ensemble.node(graph, row, "label")}, classes)
    shares = _average(graph, [head["predict_proba"] for head in heads], weights)
    return Heads({"predict": first_largest(graph, shares), "predict_proba": shares}, classes)


@predicts("sklearn", "VotingRegressor")
def voting_regressor(graph: Graph, estimator: Any, x: Tensor) -> Heads:
    """The average of the members' predictions."""
    members = fitted(estimator, "estimators_")
    parts = [predict(graph, member, x).outputs["predict"] for member in members]
    return Heads({"predict": _average(graph, parts, _weights(estimator))}, [])


def _answers(graph: Graph, estimator: Any, member: Any, method: str, x: Tensor) -> Tensor:
    """What the last model gets of a member: of two probabilities the second only."""
    heads = predict(graph, member, x)
    if method == "predict" and heads.classes:
        if not np.array_equal(member.classes_, np.arange(len(member.classes_))):
            raise refuse(estimator, "a member's labels are not 0, 1, 2, ...")
        return graph.cast(graph.row(heads.outputs["predict"]), FLOAT64)
    answers = heads.outputs[method]
    if method == "predict_proba" and answers.columns == 2:
        return graph.select(answers, [1])
    return answers


def _stacked(graph: Graph, estimator: Any, x: Tensor) -> Heads:
    members, methods = fitted(estimator, "estimators_"), estimator.stack_method_
    parts = [
        _answers(graph, estimator, member, method, x)
        for member, method in zip(members, methods, strict=True)
    ]
    if estimator.passthrough:
        parts.append(graph.array(x))
    return predict(graph, estimator.final_estimator_, graph.concat(parts))


@predicts("sklearn", "StackingRegressor")
def stacking_regressor(graph: Graph, estimator: Any, x: Tensor) -> Heads:
    """The last model takes the members' predictions."""
    return _stacked(graph, estimator, x)


@predicts("sklearn", "StackingClassifier")
def stacking_classifier(graph: Graph, estimator: Any, x: Tensor) -> Heads:
    """The last model takes the members' probabilities, scores or labels; it knows classes by their
    numbers."""
    classes = class_lists(estimator)
    if len(classes) > 1:
        raise refuse(estimator, "several labels at once cannot be read")
    return Heads(_stacked(graph, estimator, x).outputs, classes)
