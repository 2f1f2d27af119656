# SPDX-License-Identifier: Apache-2.0
"""scikit-learn's gradient boosting: base scores, then every tree in the order it was trained."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..onnx_graph import Graph, Heads, Tensor
from ..registry import fitted, predicts, refuse
from .tree_arrays import CATEGORIES, MISSING_LEFT, Ensemble, Tree, sklearn_tree
from .trees import tree_input

# "At least the smallest positive number" is "above 0".
ABOVE_ZERO = float(np.nextafter(0.0, 1.0))


def boosted_heads(
    graph: Graph, x: Tensor, ensemble: Ensemble, base: np.ndarray, classes: np.ndarray, cut: float
) -> Heads:
    """Label by the scores themselves: first maximum, or one score against a cut. Probabilities of
    two classes are 1 - p and p, of more the softmax."""
    binary = ensemble.n_scores == 1
    how: dict[str, Any] = {"base": base}
    scores = ensemble.node(graph, x, "scores", **how)
    if binary:
        how.update(decide="cut", cut=cut)
    link = "logistic_pair" if binary else "softmax"
    return Heads(
        {
            "predict": ensemble.node(graph, x, "label", **how),
            "predict_proba": graph.link(scores, link, columns=len(classes)),
            "decision_function": scores,
        },
        [classes],
    )


# ---- gradient boosting ---------------------------------------------------------------------------


def _stages(estimator: Any) -> Ensemble:
    """Leaves are learning_rate * value, a float64 product that is rounded once before it is added."""
    stages = fitted(estimator, "estimators_")
    ensemble = Ensemble(stages.shape[1])
    for stage in stages:
        for output, member in enumerate(stage):
            tree = member.tree_
            value = estimator.learning_rate * tree.value.reshape(-1, 1)
            ensemble.add(sklearn_tree(tree, value), output)
    return ensemble


def _constant_init(estimator: Any, kind: str) -> Any:
    init = fitted(estimator, "init_")
    if type(init).__name__ != kind or not type(init).__module__.startswith("sklearn.dummy"):
        raise refuse(
            estimator, f"its init is a {type(init).__name__}; only constants can be read (init=None)"
        )
    return init


def _log_odds(estimator: Any, n_scores: int) -> np.ndarray:
    """Base scores: the link function of the training classes' shares, with the library's functions
    in the library's order."""
    from scipy.special import logit
    from scipy.stats import gmean

    n_features = estimator.n_features_in_
    shares = _constant_init(estimator, "DummyClassifier").predict_proba(np.zeros((1, n_features)))
    eps = np.finfo(np.float64).eps
    if n_scores == 1:
        odds = logit(np.clip(shares[:, 1], eps, 1 - eps))
        return 0.5 * odds if estimator.loss == "exponential" else odds
    shares = np.clip(shares, eps, 1 - eps)
    return np.log(shares / gmean(shares, axis=1)[:, np.newaxis])[0]


@predicts("sklearn", "GradientBoostingClassifier")
def gradient_classifier(graph: Graph, estimator: Any, x: Tensor) -> Heads:
    """Two classes: the second where the score is at least 0 (in HistGradientBoosting: above it)."""
    ensemble = _stages(estimator)
    n_scores = ensemble.n_scores
    zero = isinstance(estimator.init_, str)
    base = np.zeros(n_scores) if zero else _log_odds(estimator, n_scores)
    classes = np.asarray(estimator.classes_)
    heads = boosted_heads(graph, tree_input(graph, x), ensemble, base, classes, 0.0)
    if estimator.loss == "exponential":  # its link is the logistic function of twice the score
        twice = graph.link(heads.outputs["decision_function"], "affine", [2.0, 0.0])
        heads.outputs["predict_proba"] = graph.link(twice, "logistic_pair", columns=2)
    return heads


@predicts("sklearn", "GradientBoostingRegressor")
def gradient_regressor(graph: Graph, estimator: Any, x: Tensor) -> Heads:
    """All losses have the identity as their link."""
    ensemble = _stages(estimator)
    if isinstance(estimator.init_, str):
        base = np.zeros(1)
    else:
        init = _constant_init(estimator, "DummyRegressor")
        base = np.asarray(init.constant_, np.float64).reshape(1)
    return Heads({"predict": ensemble.node(graph, tree_input(graph, x), "scores", base=base)}, [])


# ---- histogram gradient boosting -----------------------------------------------------------------


def _members(bits: np.ndarray) -> set[int]:
    """The numbers of the bits that are set in uint32 words."""
    return {32 * word + bit for word, value in enumerate(bits) for bit in range(32) if value >> bit & 1}


class _Columns:
    """Which column of the caller's array a tree's feature is, and which values categories have.

    The library encodes category columns as 0, 1, ... in the order of their values and puts them
    before the others. Sets in the C are of the values themselves.
    """

    def __init__(self, estimator: Any):
        self.estimator = estimator
        is_categorical = estimator.is_categorical_
        n_features = estimator.n_features_in_
        if is_categorical is None:
            self.index = np.arange(n_features)
            self.values: dict[int, np.ndarray] = {}
            return
        mask = np.asarray(is_categorical, bool)
        self.index = np.concatenate([np.flatnonzero(mask), np.flatnonzero(~mask)])
        encoder = estimator._preprocessor.named_transformers_["encoder"]
        self.values = {place: self._numbers(values) for place, values in enumerate(encoder.categories_)}

    def _numbers(self, values: np.ndarray) -> np.ndarray:
        kept = np.asarray([value for value in values if value == value])
        if kept.dtype.kind not in "iuf" or np.any(kept != np.rint(kept)) or np.any(kept < 0):
            raise refuse(
                self.estimator, f"categories must be integers from 0, not {list(values)[:5]}"
            )
        return kept.astype(np.int64)


def _hist_tree(ensemble: Ensemble, predictor: Any, columns: _Columns) -> Tree:
    """A tree of the private array of nodes; there is no public form of it."""
    nodes = predictor.nodes
    leaf = nodes["is_leaf"].astype(bool)
    left, right = nodes["left"].astype(np.int64), nodes["right"].astype(np.int64)
    threshold = nodes["num_threshold"].astype(np.float64)
    flags = np.where(nodes["missing_go_to_left"] != 0, MISSING_LEFT, 0).astype(np.uint8)
    for at in np.flatnonzero((nodes["is_categorical"] != 0) & ~leaf):
        values = columns.values[int(nodes["feature_idx"][at])]
        codes = _members(predictor.raw_left_cat_bitsets[nodes["bitset_idx"][at]])
        goes_left = np.isin(np.arange(len(values)), list(codes))
        # A value that training never saw goes where a missing one goes. The C sends what is not in
        # the set to the right; so the set is of those that go the other way than missing ones.
        if nodes["missing_go_to_left"][at]:
            left[at], right[at] = right[at], left[at]
            goes_left = ~goes_left
        threshold[at] = ensemble.add_set(values[goes_left].tolist())
        flags[at] = CATEGORIES
    left[leaf] = -1
    feature = columns.index[np.where(leaf, 0, nodes["feature_idx"])]
    value = nodes["value"].reshape(-1, 1)
    return Tree(feature, threshold, left, right, nodes["count"], value, flags)


def _predictors(estimator: Any) -> Ensemble:
    """Leaves hold the learning rate already."""
    stages = fitted(estimator, "_predictors")
    ensemble = Ensemble(len(stages[0]))
    columns = _Columns(estimator)
    for stage in stages:
        for output, predictor in enumerate(stage):
            ensemble.add(_hist_tree(ensemble, predictor, columns), output)
    return ensemble


def _baseline(estimator: Any) -> np.ndarray:
    return np.asarray(estimator._baseline_prediction, np.float64).reshape(-1)


@predicts("sklearn", "HistGradientBoostingClassifier")
def histogram_classifier(graph: Graph, estimator: Any, x: Tensor) -> Heads:
    """Values are compared in float64. Two classes: the second where the score is above 0."""
    ensemble = _predictors(estimator)
    classes = np.asarray(estimator.classes_)
    return boosted_heads(graph, x, ensemble, _baseline(estimator), classes, ABOVE_ZERO)


@predicts("sklearn", "HistGradientBoostingRegressor")
def histogram_regressor(graph: Graph, estimator: Any, x: Tensor) -> Heads:
    """Poisson and gamma losses predict the exponential of the score."""
    score = _predictors(estimator).node(graph, x, "scores", base=_baseline(estimator))
    if estimator.loss in ("poisson", "gamma"):
        score = graph.link(score, "exp")
    return Heads({"predict": score}, [])
