# SPDX-License-Identifier: Apache-2.0
"""Linear models: scores are X @ coef.T + intercept."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..onnx_graph import FLOAT32, FLOAT64, INT32, Graph, Heads, Tensor
from ..registry import fitted, predicts, refuse
from .trees import class_lists


def linear(
    graph: Graph,
    x: Tensor,
    coefficients: str,
    intercept: str,
    n_scores: int,
    gives: str,
    sums: str = "float64",
) -> Tensor:
    """The node. One score: class 1 where it is above 0; more: the first maximum."""
    label = gives == "label"
    return graph.node(
        "linear",
        [x, coefficients, intercept],
        INT32 if label else FLOAT64,
        (1,) if label else (1, n_scores),
        gives=gives,
        decide="cut" if n_scores == 1 else "argmax",
        sums=sums,
    )


class Plane:
    """Coefficients and intercepts as constants of the graph."""

    def __init__(self, graph: Graph, x: Tensor, coefficients: Any, intercept: Any):
        coef = np.asarray(coefficients)
        coef = coef.reshape(1, -1) if coef.ndim == 1 else coef
        self.n_scores = len(coef)
        bias = np.asarray(intercept)
        # The library's product is in float32 only where both the array and the coefficients are.
        single = graph.arithmetic == FLOAT32 and coef.dtype == FLOAT32
        self._sums = "float32" if single else "float64"
        self._graph, self._x = graph, x  # integers as they are
        self._coef = graph.constant("coef", coef.astype(np.float64))
        self._intercept = graph.constant(
            "intercept", np.broadcast_to(bias, (self.n_scores,)).astype(np.float64)
        )

    def node(self, gives: str) -> Tensor:
        """The label or the scores."""
        return linear(
            self._graph, self._x, self._coef, self._intercept, self.n_scores, gives, self._sums
        )


@predicts(
    "sklearn", "LinearRegression", "Ridge", "RidgeCV", "Lasso", "LassoCV", "ElasticNet",
    "ElasticNetCV", "MultiTaskLasso", "MultiTaskLassoCV", "MultiTaskElasticNet",
    "MultiTaskElasticNetCV", "Lars", "LarsCV", "LassoLars", "LassoLarsCV", "LassoLarsIC",
    "OrthogonalMatchingPursuit", "OrthogonalMatchingPursuitCV", "BayesianRidge", "ARDRegression",
    "HuberRegressor", "QuantileRegressor", "TheilSenRegressor", "SGDRegressor",
    "PassiveAggressiveRegressor", "LinearSVR",
)  # fmt: skip
def linear_regressor(graph: Graph, estimator: Any, x: Tensor) -> Heads:
    """One number, or one for each target."""
    coefficients = fitted(estimator, "coef_")
    return Heads({"predict": Plane(graph, x, coefficients, estimator.intercept_).node("scores")}, [])


@predicts("sklearn", "PoissonRegressor", "GammaRegressor", "TweedieRegressor")
def generalized_regressor(graph: Graph, estimator: Any, x: Tensor) -> Heads:
    """The exponential of the score; Tweedie's may have the identity."""
    score = Plane(graph, x, fitted(estimator, "coef_"), estimator.intercept_).node("scores")
    link = getattr(estimator, "link", "log")
    if link == "auto":
        link = "identity" if estimator.power <= 0 else "log"
    return Heads({"predict": score if link == "identity" else graph.link(score, "exp")}, [])


def _classifier(graph: Graph, estimator: Any, x: Tensor) -> tuple[Heads, Plane]:
    plane = Plane(graph, x, fitted(estimator, "coef_"), estimator.intercept_)
    classes = class_lists(estimator)
    if len(classes[0]) != max(2, plane.n_scores):
        raise refuse(estimator, "labels with several classes at once cannot be read")
    outputs = {"predict": plane.node("label"), "decision_function": plane.node("scores")}
    return Heads(outputs, classes), plane


@predicts("sklearn", "RidgeClassifier", "RidgeClassifierCV", "Perceptron", "LinearSVC")
@predicts("sklearn", "PassiveAggressiveClassifier")
def linear_classifier(graph: Graph, estimator: Any, x: Tensor) -> Heads:
    """Label by the sign of one score or the first maximum of several; no probabilities."""
    return _classifier(graph, estimator, x)[0]


def _one_against_rest(graph: Graph, scores: Tensor) -> Tensor:
    """The logistic function of each score, divided by their sum."""
    if scores.columns == 1:
        return graph.link(scores, "logistic_pair", columns=2)
    return graph.link(scores, "ovr")


def _multinomial(estimator: Any) -> bool:
    """Releases before 1.8 knew a second form for more than two classes."""
    form = getattr(estimator, "multi_class", "auto")
    return not (form == "ovr" or (form != "multinomial" and estimator.solver == "liblinear"))


@predicts("sklearn", "LogisticRegression", "LogisticRegressionCV")
def logistic_classifier(graph: Graph, estimator: Any, x: Tensor) -> Heads:
    """Softmax of the scores, or of two classes 1 - p and p."""
    heads, plane = _classifier(graph, estimator, x)
    scores = heads.outputs["decision_function"]
    if plane.n_scores > 1 and _multinomial(estimator):
        heads.outputs["predict_proba"] = graph.link(scores, "softmax")
    else:
        heads.outputs["predict_proba"] = _one_against_rest(graph, scores)
    return heads


@predicts("sklearn", "SGDClassifier")
def sgd_classifier(graph: Graph, estimator: Any, x: Tensor) -> Heads:
    """Probabilities depend on the loss: logistic, or the score cut to [-1, 1] and moved to [0, 1]."""
    heads, plane = _classifier(graph, estimator, x)
    scores = heads.outputs["decision_function"]
    if estimator.loss == "log_loss":
        heads.outputs["predict_proba"] = _one_against_rest(graph, scores)
    elif estimator.loss == "modified_huber":
        part = graph.link(graph.link(scores, "clip", [-1.0, 1.0]), "affine", [0.5, 0.5])
        binary = plane.n_scores == 1
        heads.outputs["predict_proba"] = (
            graph.link(part, "complement", columns=2) if binary else graph.link(part, "normalize")
        )
    return heads


@predicts("sklearn", "SGDOneClassSVM")
def sgd_one_class(graph: Graph, estimator: Any, x: Tensor) -> Heads:
    """Inside (1) where the score is at least 0, outside (-1) where its negative is above 0: all
    signs turned, which changes no rounding."""
    coef, offset = fitted(estimator, "coef_"), np.asarray(estimator.offset_)
    outputs = {
        "predict": Plane(graph, x, -np.asarray(coef), offset).node("label"),
        "decision_function": Plane(graph, x, coef, -offset).node("scores"),
    }
    return Heads(outputs, [np.array([1, -1])])


@predicts("sklearn", "OneVsRestClassifier")
def one_vs_rest(graph: Graph, estimator: Any, x: Tensor) -> Heads:
    """Of linear models: their rows one below the other. Equal scores go to the first class."""
    members, classes = fitted(estimator, "estimators_"), class_lists(estimator)
    if estimator.multilabel_:
        raise refuse(estimator, "labels with several classes at once cannot be read")
    for member in members:
        if not hasattr(member, "coef_") or not hasattr(member, "decision_function"):
            raise refuse(estimator, f"of {type(member).__name__}; only linear models can be read")
    coefficients = np.concatenate([np.asarray(m.coef_).reshape(1, -1) for m in members])
    intercept = np.concatenate([np.asarray(m.intercept_).reshape(1) for m in members])
    plane = Plane(graph, x, coefficients, intercept)
    scores = plane.node("scores")
    outputs = {"predict": plane.node("label"), "decision_function": scores}
    if all(hasattr(member, "predict_proba") for member in members):
        if any(getattr(member, "loss", "log_loss") != "log_loss" for member in members):
            raise refuse(estimator, "probabilities of this loss cannot be read")
        outputs["predict_proba"] = _one_against_rest(graph, scores)
    return Heads(outputs, classes)
