# SPDX-License-Identifier: Apache-2.0
"""Ensembles of trees for the tests: random ones and those of scikit-learn, as text of a graph, and an
oracle that does the library's arithmetic on them number by number."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Sequence

import numpy as np

MISSING_LEFT, CATEGORIES, ZERO_MISSING, ROUND_DOWN = 1, 2, 4, 8
TINY = np.float32(1e-35)  # what counts as a zero that is missing


@dataclass
class Ensemble:
    """The arrays of src/tree/tree.h; trees are lists of nodes in the order node, left, right."""

    n_features: int
    n_scores: int
    width: int = 1
    decide: str = "argmax"
    sums: str = "float64"
    path: bool = False
    divisor: float = 1.0
    cut: float = 0.0
    x_type: str = "float32"
    base: Sequence[float] | None = None
    groups: Sequence[int] | None = None
    root: list[int] = field(default_factory=list)
    output: list[int] = field(default_factory=list)
    feature: list[int] = field(default_factory=list)
    threshold: list[float] = field(default_factory=list)
    left: list[int] = field(default_factory=list)
    right: list[int] = field(default_factory=list)
    flags: list[int] = field(default_factory=list)
    weight: list[float] = field(default_factory=list)
    value: list[Sequence[float]] = field(default_factory=list)
    sets: list[int] = field(default_factory=list)

    def start(self, output: int = 0) -> None:
        """The nodes that follow are a tree that adds to scores from `output` on."""
        self.root.append(len(self.feature))
        self.output.append(output)

    def leaf(self, value: Sequence[float] | float, weight: float = 0) -> int:
        row = list(np.ravel(value))
        assert len(row) == self.width
        self.value.append(row)
        return self._node(-1, 0, len(self.value) - 1, 0, weight)

    def test(self, feature: int, threshold: float, flags: int = 0, weight: float = 0) -> int:
        """A test; its left side comes next, and right_of() says where its right side begins."""
        return self._node(feature, threshold, len(self.feature) + 1, flags, weight)

    def right_of(self, test: int) -> None:
        self.right[test] = len(self.feature)

    def _node(self, feature: int, threshold: float, left: int, flags: int, weight: float) -> int:
        self.feature.append(feature)
        self.threshold.append(threshold)
        self.left.append(left)
        self.right.append(0)
        self.flags.append(flags)
        self.weight.append(weight)
        return len(self.feature) - 1

    # ---- as a graph ----

    def text(self, heads: Sequence[str] = ("label", "scores")) -> str:
        """The graph whose outputs are the heads: predict gives labels, decision_function scores."""
        labels = len(self.groups) if self.groups else 1
        base = self.base if self.base is not None else [0.0] * self.n_scores
        value = np.asarray(self.value, float).reshape(len(self.value), self.width)
        arrays: list[tuple[str, str, Any]] = [
            ("root", "int32", self.root),
            ("output", "int32", self.output),
            ("feature", "int32", self.feature),
            ("threshold", "float32", self.threshold),
            ("left", "int32", self.left),
            ("right", "int32", self.right),
            ("flags", "uint8", self.flags),
            ("weight", "float32", self.weight),
            ("value", "float64", value),
            ("base", "float64", base),
            ("numbers", "float64", [self.divisor, self.cut]),
        ]
        if self.groups or self.sets:
            arrays.append(("groups", "int32", self.groups or [self.n_scores]))
        if self.sets:
            arrays.append(("sets", "uint32", self.sets))
        lines = ["mica-ir 1", 'graph "trees"', f'tensor %0 "x" {self.x_type} [1,{self.n_features}]']
        for i, (name, kind, data) in enumerate(arrays):
            shape = ",".join(str(n) for n in np.shape(data))
            lines.append(f'const %{i + 1} "{name}" {kind} [{shape}] = [{_numbers(kind, data)}]')
        inputs = " ".join(f"%{i}" for i in range(len(arrays) + 1))
        at, nodes, outputs = len(arrays) + 1, [], []
        for head in heads:
            shape = f"int32 [{labels}]" if head == "label" else f"float64 [1,{self.n_scores}]"
            lines.append(f'tensor %{at} "{head}" {shape}')
            path = " path=true" if self.path else ""
            nodes.append(
                f'node "{head}" trees gives={head} decide={self.decide} sums={self.sums}{path} '
                f": {inputs} -> %{at}"
            )
            outputs.append(f"output %{at} {'predict' if head == 'label' else 'decision_function'}")
            at += 1
        return "\n".join([*lines, "input %0", *nodes, *outputs, ""])

    # ---- the oracle ----

    def leaves(self, x: np.ndarray) -> np.ndarray:
        """For each row and tree the node of its leaf."""
        feature, left, right = (np.asarray(a) for a in (self.feature, self.left, self.right))
        at = np.tile(np.asarray(self.root), (len(x), 1))
        rows = np.arange(len(x))[:, None]
        while True:
            test = feature[at] >= 0
            if not test.any():
                return at
            goes = self._goes_left(at, x[rows, np.maximum(feature[at], 0)])
            at = np.where(test, np.where(goes, left[at], right[at]), at)

    def _goes_left(self, at: np.ndarray, x: np.ndarray) -> np.ndarray:
        threshold, flags = np.asarray(self.threshold, np.float32)[at], np.asarray(self.flags)[at]
        goes = x <= threshold
        if self.sets:
            member = np.vectorize(self._in_set)(x, np.where(flags & CATEGORIES, threshold, -1))
            member = member & ~((flags & ROUND_DOWN > 0) & (x < 0))
            goes = np.where(flags & CATEGORIES, member, goes)
        with np.errstate(invalid="ignore"):
            missing = np.isnan(x) | ((np.abs(x.astype(np.float64)) <= TINY) & (flags & ZERO_MISSING > 0))
        return np.where(missing, flags & MISSING_LEFT > 0, goes)

    def _in_set(self, x: float, at: float) -> bool:
        if at < 0 or not -1 < x < 2**31:
            return False
        word, bit = divmod(int(x), 32)
        return word < self.sets[int(at)] and bool(self.sets[int(at) + 1 + word] >> bit & 1)

    def depths(self) -> np.ndarray:
        """Tests above each node."""
        depth = np.zeros(len(self.feature), int)
        for i, feature in enumerate(self.feature):
            if feature >= 0:
                depth[self.left[i]] = depth[self.right[i]] = depth[i] + 1
        return depth

    def scores(self, x: np.ndarray, divided: bool = True) -> np.ndarray:
        """The library's sums, in its arithmetic and order."""
        real = np.float32 if self.sums == "float32" else np.float64
        base = self.base if self.base is not None else [0.0] * self.n_scores
        sums = np.tile(np.asarray(base, real), (len(x), 1))
        value, depth = np.asarray(self.value, real), self.depths()
        for tree, node in enumerate(self.leaves(x).T):
            added = value[np.asarray(self.left)[node]]
            if self.path:
                added = (depth[node] + 1.0)[:, None] + added - 1.0
            sums[:, self.output[tree] : self.output[tree] + self.width] += added
        if divided and self.divisor != 1:
            sums /= real(self.divisor)
        return sums

    def labels(self, x: np.ndarray) -> np.ndarray:
        """[rows, labels]"""
        scores = self.scores(x)
        if self.decide == "cut":
            return (scores >= scores.dtype.type(self.cut)).astype(int)
        columns, at = [], 0
        for n in self.groups or [self.n_scores]:
            group = scores[:, at : at + n]
            columns.append(np.argmax(softmax(group) if self.decide == "softmax" else group, axis=1))
            at += n
        return np.stack(columns, axis=1)


def softmax(scores: np.ndarray) -> np.ndarray:
    """As XGBoost (float32) and LightGBM (float64) form it: exponentials of what is below the largest,
    over their sum in float64, that XGBoost rounds to float32."""
    below = (scores - scores.max(axis=1, keepdims=True)).astype(np.float64)
    # Of the C library, as theirs: numpy has an exponential of its own, which is not 1 at -2^-54.
    powers = np.vectorize(math.exp)(below).astype(scores.dtype)  # in float32 the nearest number
    total = np.zeros(len(scores))
    for column in powers.T:
        total += column
    return powers / total[:, None].astype(scores.dtype)


def _numbers(kind: str, data: Any) -> str:
    flat = np.ravel(data)
    if kind == "float64":
        return " ".join(repr(float(v)) for v in flat)
    if kind == "float32":
        return " ".join("%.9g" % np.float32(v) for v in flat)
    return " ".join(str(int(v)) for v in flat)


# ---- scikit-learn ----


def floor32(t: float) -> np.float32:
    """The largest float32 that is not above t."""
    f = np.float32(t)
    return np.nextafter(f, np.float32(-np.inf)) if float(f) > float(t) else f


def _add_tree(
    e: Ensemble, tree: Any, value: Any, output: int = 0, columns: Any = None, nan: bool = True
) -> None:
    e.start(output)
    missing = tree.missing_go_to_left if nan else None
    pending: list[tuple[int, int]] = [(0, -1)]
    while pending:
        i, right_of = pending.pop()
        if right_of >= 0:
            e.right_of(right_of)
        weight = float(tree.weighted_n_node_samples[i])
        if tree.children_left[i] < 0:
            e.leaf(value(i), weight)
            continue
        feature = int(tree.feature[i])
        flags = MISSING_LEFT if missing is not None and missing[i] else 0
        node = e.test(
            feature if columns is None else int(columns[feature]),
            floor32(tree.threshold[i]),
            flags,
            weight,
        )
        pending.append((int(tree.children_right[i]), node))
        pending.append((int(tree.children_left[i]), -1))


def from_forest(estimator: Any) -> Ensemble:
    """Decision trees and forests; classifiers and regressors, of one output or several."""
    trees = getattr(estimator, "estimators_", None)
    trees = [estimator] if trees is None else list(trees)
    classes = getattr(estimator, "classes_", None)
    n_outputs = trees[0].n_outputs_
    if classes is None:
        groups, width = None, n_outputs
    else:
        lists = [classes] if n_outputs == 1 else classes
        groups, width = [len(c) for c in lists], sum(len(c) for c in lists)
        groups = groups if n_outputs > 1 else None
    e = Ensemble(estimator.n_features_in_, width, width, groups=groups, divisor=float(len(trees)))
    for tree in trees:
        t = tree.tree_
        if classes is None:
            _add_tree(e, t, lambda i, t=t: t.value[i, :, 0])
            continue
        sizes = t.n_classes
        _add_tree(
            e,
            t,
            lambda i, t=t, sizes=sizes: np.concatenate(
                [t.value[i, k, : sizes[k]] for k in range(len(sizes))]
            ),
        )
    return e


def from_gradient_boosting(estimator: Any) -> Ensemble:
    raw = np.ravel(estimator._raw_predict_init(np.zeros((1, estimator.n_features_in_))))
    e = Ensemble(estimator.n_features_in_, len(raw), base=raw.astype(float))
    e.decide = "cut" if len(raw) == 1 else "argmax"
    for stage in estimator.estimators_:
        for k, tree in enumerate(stage):
            t = tree.tree_
            value = lambda i, t=t: estimator.learning_rate * t.value[i, 0, 0]
            _add_tree(e, t, value, k, nan=False)  # it takes no NaN
    return e


def from_hist_gradient_boosting(estimator: Any) -> Ensemble:
    base = np.ravel(estimator._baseline_prediction).astype(float)
    e = Ensemble(estimator.n_features_in_, len(base), base=base)
    e.decide = "cut" if len(base) == 1 else "argmax"
    for stage in estimator._predictors:
        for k, predictor in enumerate(stage):
            e.start(k)
            pending = [(0, -1)]
            while pending:
                i, right_of = pending.pop()
                node = predictor.nodes[i]
                if right_of >= 0:
                    e.right_of(right_of)
                if node["is_leaf"]:
                    e.leaf(float(node["value"]), float(node["count"]))
                    continue
                flags = MISSING_LEFT if node["missing_go_to_left"] else 0
                at = e.test(
                    int(node["feature_idx"]), floor32(node["num_threshold"]), flags, float(node["count"])
                )
                pending.append((int(node["right"]), at))
                pending.append((int(node["left"]), -1))
    return e


def from_isolation_forest(estimator: Any) -> Ensemble:
    """Its label is 1 where the row is none of the outliers, which have short paths."""
    from sklearn.ensemble._iforest import _average_path_length

    size = _average_path_length(np.array([estimator._max_samples]))
    whole = len(estimator.estimators_) * size
    e = Ensemble(estimator.n_features_in_, 1, decide="cut", path=True)

    def inlier(depth: float) -> bool:
        score = -(2 ** (-np.divide(np.array([depth]), whole)))[0]
        return bool(score - estimator.offset_ >= 0)

    low, high = 0.0, float(whole[0]) * 4
    while np.nextafter(low, high) < high:
        middle = (low + high) / 2
        low, high = (low, middle) if inlier(middle) else (middle, high)
    e.cut = high
    for tree, columns in zip(estimator.estimators_, estimator.estimators_features_):
        t = tree.tree_
        counts = _average_path_length(t.n_node_samples)
        _add_tree(e, t, lambda i, c=counts: c[i], 0, columns)
    return e


def from_sklearn(estimator: Any) -> Ensemble:
    name = type(estimator).__name__
    if name.startswith("GradientBoosting"):
        return from_gradient_boosting(estimator)
    if name.startswith("HistGradientBoosting"):
        return from_hist_gradient_boosting(estimator)
    if name == "IsolationForest":
        return from_isolation_forest(estimator)
    return from_forest(estimator)


# ---- rows that are hard ----


def hostile_rows(e: Ensemble, x: np.ndarray, n: int, seed: int = 1, nan: bool = False) -> np.ndarray:
    """Rows of x with numbers put on thresholds, one step beside, on integers, out of range, on zeros
    of both signs, on the smallest and largest floats, and where allowed NaN."""
    r = np.random.default_rng(seed)
    on: dict[int, list[np.float32]] = {}
    for feature, threshold in zip(e.feature, e.threshold):
        if feature >= 0:
            on.setdefault(feature, []).append(np.float32(threshold))
    rows = x[r.integers(0, len(x), n)].astype(np.float32).copy()
    low, high = x.min(0), x.max(0)
    for feature, thresholds in on.items():
        t = np.unique(np.asarray(thresholds, np.float32))
        pick = t[r.integers(0, len(t), n)]
        step = r.integers(0, 3, n)
        with np.errstate(over="ignore"):
            pick = np.where(step == 1, np.nextafter(pick, np.float32(np.inf)), pick)
            pick = np.where(step == 2, np.nextafter(pick, np.float32(-np.inf)), pick)
        pick = np.where(np.isfinite(pick), pick, rows[:, feature])
        share = np.array([1.0, 0.0, 0.05, 0.15, 0.02, 0.0, 0.0, 0.5])[np.arange(n) % 8]
        rows[:, feature] = np.where(r.random(n) < share, pick, rows[:, feature])
    mode = np.arange(n) % 8
    whole = r.integers(np.floor(low).astype(int), np.ceil(high).astype(int) + 1, rows.shape)
    wide = r.uniform(low - 0.2 * (high - low), high + 0.2 * (high - low), rows.shape)
    rows = np.where((mode == 1)[:, None], whole, np.where((mode == 5)[:, None], wide, rows))
    extremes = [-0.0, 0, 1e30, -1e30, 1e-40, -1e-40, 3.4e38, -3.4e38, 1e-35, -1e-35]
    extremes += [np.nan] * 3 if nan else []
    for i in range(0, n, 7 if nan else 97):
        rows[i, r.integers(rows.shape[1])] = r.choice(extremes)
    return rows.astype(np.float32)
