# SPDX-License-Identifier: Apache-2.0
"""Trees as arrays: gathered from a library's trees, brought to one order, written as nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Sequence

import numpy as np

from ..onnx_graph import FLOAT64, INT32, Graph, Tensor

MISSING_LEFT = 1
CATEGORIES = 2


@dataclass
class Tree:
    """One tree in a library's own order. `left` < 0: a leaf. value[i] is what leaf i adds."""

    feature: np.ndarray
    threshold: np.ndarray  # x goes left where x <= threshold, in float64
    left: np.ndarray
    right: np.ndarray
    weight: np.ndarray  # training rows that came here
    value: np.ndarray  # float64 [nodes, width]
    flags: np.ndarray  # uint8


def sklearn_tree(
    tree: Any, value: np.ndarray | None = None, columns: np.ndarray | None = None
) -> Tree:
    """A `tree_` of scikit-learn; `value` [nodes, width] instead of its own, and the columns of the
    whole input where the tree was fitted on some."""
    left = tree.children_left
    feature = np.maximum(tree.feature, 0)
    if columns is not None:
        feature = np.asarray(columns)[feature]
    if value is None:
        value = tree.value.reshape(tree.node_count, -1)
    # Where no training value was missing the library refuses NaN; its flag then means nothing.
    flags = np.where(tree.missing_go_to_left != 0, MISSING_LEFT, 0)
    return Tree(
        feature, tree.threshold, left, tree.children_right, tree.weighted_n_node_samples, value,
        flags.astype(np.uint8),
    )  # fmt: skip


def float_below(t: np.ndarray) -> np.ndarray:
    """The largest float32 that is not above t: no float32 lies between the two, so x <= t decides
    the same for every float32 x."""
    with np.errstate(over="ignore"):
        near = t.astype(np.float32)
        return np.where(near.astype(np.float64) > t, np.nextafter(near, np.float32(-np.inf)), near)


def _walk(tree: Tree) -> np.ndarray:
    """The nodes in the order node, left subtree, right subtree."""
    left, right = tree.left.tolist(), tree.right.tolist()
    order: list[int] = []
    pending = [0]
    while pending:
        at = pending.pop()
        order.append(at)
        if left[at] >= 0:
            pending.append(right[at])
            pending.append(left[at])
    return np.array(order, np.int64)


def _unique_rows(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different rows, by their bits, and for each row the place of its like."""
    bits = np.ascontiguousarray(rows).view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1])))
    _, first, place = np.unique(bits.ravel(), return_index=True, return_inverse=True)
    return rows[first], place.ravel()


class Ensemble:
    """Trees that add to the same scores, and the nodes of the graph that run them."""

    def __init__(self, n_scores: int, width: int = 1):
        self.n_scores, self.width = n_scores, width
        self._parts: dict[str, list[np.ndarray]] = {
            name: []
            for name in ("feature", "threshold", "left", "right", "flags", "weight", "value")
        }
        self._roots: list[int] = []
        self._outputs: list[int] = []
        self._sets: list[int] = []
        self._n_nodes = 0
        self._n_leaves = 0

    def add(self, tree: Tree, output: int = 0) -> None:
        """One more tree, which adds to scores output, output + 1, ..."""
        order = _walk(tree)
        place = np.empty(len(tree.left), np.int64)
        place[order] = self._n_nodes + np.arange(len(order))
        leaf = tree.left[order] < 0
        left, right = place[tree.left[order]], place[tree.right[order]]
        left[leaf] = self._n_leaves + np.arange(leaf.sum())
        right[leaf] = 0
        parts = self._parts
        parts["feature"].append(np.where(leaf, -1, tree.feature[order]))
        parts["threshold"].append(np.where(leaf, 0.0, tree.threshold[order]))
        parts["left"].append(left)
        parts["right"].append(right)
        parts["flags"].append(np.where(leaf, 0, tree.flags[order]))
        parts["weight"].append(tree.weight[order])
        parts["value"].append(tree.value[order[leaf]].reshape(-1, self.width))
        self._roots.append(self._n_nodes)
        self._outputs.append(output)
        self._n_nodes += len(order)
        self._n_leaves += int(leaf.sum())

    def add_set(self, numbers: Sequence[int]) -> int:
        """A set of categories, as bits; returns what the threshold of its test has to be."""
        at = len(self._sets)
        words = [0] * (max(numbers, default=0) // 32 + 1)
        for number in numbers:
            words[number // 32] |= 1 << number % 32
        self._sets += [len(words), *words]
        return at

    def node(
        self,
        graph: Graph,
        x: Tensor,
        gives: str,
        base: np.ndarray | None = None,
        divisor: float = 1.0,
        cut: float = 0.0,
        decide: str = "argmax",
        path: bool = False,
        groups: Sequence[int] | None = None,
    ) -> Tensor:
        """The node that gives the label or the scores; both share their constants."""
        parts = {name: np.concatenate(arrays) for name, arrays in self._parts.items()}
        value, place = _unique_rows(parts["value"])
        leaf = parts["feature"] < 0
        parts["left"][leaf] = place[parts["left"][leaf]]
        # Tests on float64 numbers keep their thresholds; the compiler folds what made x float64.
        narrow = x.dtype != FLOAT64
        threshold = float_below(parts["threshold"]) if narrow else parts["threshold"]
        groups = list(groups) if groups is not None else [self.n_scores]
        inputs: list[Tensor | str] = [
            x,
            graph.constant("root", np.array(self._roots, np.int32)),
            graph.constant("output", np.array(self._outputs, np.int32)),
            graph.constant("feature", parts["feature"].astype(np.int32)),
            graph.constant("threshold", threshold),
            graph.constant("left", parts["left"].astype(np.int32)),
            graph.constant("right", parts["right"].astype(np.int32)),
            graph.constant("flags", parts["flags"].astype(np.uint8)),
            graph.constant("weight", parts["weight"].astype(np.float32)),
            graph.constant("value", value.astype(np.float64)),
            graph.constant("base", np.zeros(self.n_scores) if base is None else base),
            graph.constant("numbers", np.array([divisor, cut], np.float64)),
        ]
        if len(groups) > 1 or self._sets:
            inputs.append(graph.constant("groups", np.array(groups, np.int32)))
        if self._sets:
            inputs.append(graph.constant("sets", np.array(self._sets, np.uint32)))
        label = gives == "label"
        return graph.node(
            "trees",
            inputs,
            INT32 if label else FLOAT64,
            (len(groups),) if label else (1, self.n_scores),
            gives=gives,
            decide=decide,
            sums="float64",
            path=int(path),
        )
