# SPDX-License-Identifier: Apache-2.0
"""The text form of an estimator's graph, parsed and computed literally: what a reader made of a file
is so compared with the library that wrote it, without kernels or plans in between."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from support import mica

TYPES = {"float32": np.float32, "float64": np.float64, "int32": np.int32, "uint32": np.uint32,
         "uint8": np.uint8}  # fmt: skip
ZERO_MISSING_MAX = np.float32(1e-35)
MISSING_LEFT, CATEGORIES, ZERO_MISSING, ROUND_DOWN = 1, 2, 4, 8


@dataclass
class Node:
    op: str
    attributes: dict[str, str]
    inputs: list[int]
    outputs: list[int]


@dataclass
class Graph:
    constants: dict[int, np.ndarray] = field(default_factory=dict)
    shapes: dict[int, tuple[int, ...]] = field(default_factory=dict)
    types: dict[int, str] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)
    input: int = 0
    roles: dict[str, int] = field(default_factory=dict)
    features: list[str] = field(default_factory=list)
    classes: list[list[str]] = field(default_factory=list)
    values: list[list[int] | None] = field(default_factory=list)

    def node_of(self, tensor: int) -> Node:
        return next(n for n in self.nodes if tensor in n.outputs)


def names(text: str) -> list[str]:
    return re.findall(r'"((?:[^"\\]|\\.)*)"', text)


def parse(text: str) -> Graph:
    graph = Graph()
    text = re.sub(r"\[\n\s*|\n\s+|\n\]", lambda m: {"[": "[", "]": "]"}.get(m[0].strip(), " "), text)
    for line in text.splitlines():
        word, _, rest = line.partition(" ")
        if word in ("tensor", "const"):
            found = re.match(r'%(\d+) "(?:[^"\\]|\\.)*" (\w+) \[([\d,]*)\](?: = \[(.*)\])?$', rest)
            assert found, line[:200]
            number, type_name, dims, contents = found.groups()
            shape = tuple(int(d) for d in dims.split(",") if d)
            graph.shapes[int(number)] = shape
            graph.types[int(number)] = type_name
            if word == "const":
                values = np.array(contents.split(), dtype=np.float64 if "float" in type_name else None)
                graph.constants[int(number)] = values.astype(TYPES[type_name]).reshape(shape)
        elif word == "input":
            graph.input = int(rest[1:])
        elif word == "output":
            number, _, role = rest.partition(" ")
            graph.roles[role] = int(number[1:])
        elif word == "node":
            found = re.match(r'"(?:[^"\\]|\\.)*" (\w+)(.*) :(.*) ->(.*)$', rest)
            assert found, line[:200]
            op, attributes, inputs, outputs = found.groups()
            pairs = dict(pair.split("=") for pair in attributes.split())
            graph.nodes.append(Node(op, pairs, [-1 if i == "-" else int(i[1:]) for i in inputs.split()],
                                    [int(o[1:]) for o in outputs.split()]))  # fmt: skip
        elif word == "features":
            graph.features = names(rest)
        elif word == "classes":
            graph.classes.append(names(rest))
            _, _, values_text = rest.partition("] = [")
            values_text = values_text.rstrip("]")
            graph.values.append([int(v) for v in values_text.split()] if values_text else None)
    return graph


def read(model: Path) -> Graph:
    """The graph that the library's readers make of a model file."""
    return parse(mica("dump", model, "--after", "read").stdout)


# ---- computing ---------------------------------------------------------------------------------


def _goes_left(x: np.ndarray, threshold: np.ndarray, flags: np.ndarray, sets: Any) -> np.ndarray:
    missing = np.isnan(x) | ((flags & ZERO_MISSING > 0) & (np.abs(x) <= ZERO_MISSING_MAX))
    left = x <= threshold
    for i in np.flatnonzero(flags & CATEGORIES):
        at = int(threshold[i])
        words = sets[at + 1 : at + 1 + int(sets[at])]
        if missing[i] or not -(2.0**31) < float(x[i]) < 2.0**31:
            left[i] = False
            continue
        category = int(np.floor(x[i]) if flags[i] & ROUND_DOWN else np.trunc(x[i]))
        left[i] = 0 <= category < 32 * len(words) and bool(int(words[category // 32]) >> category % 32 & 1)
    return np.where(missing, flags & MISSING_LEFT > 0, left)


def trees_scores(graph: Graph, node: Node, x: np.ndarray) -> np.ndarray:
    arrays = [graph.constants.get(i) for i in node.inputs]
    _, root, output, feature, threshold, left, right, flags, _, value, base, numbers = arrays[:12]
    sets = arrays[13] if len(arrays) > 13 else None
    number = np.float32 if node.attributes.get("sums") == "float32" else np.float64
    scores = np.tile(base.astype(number), (len(x), 1))
    rows = np.arange(len(x))
    for tree in range(len(root)):
        at = np.full(len(x), root[tree])
        while (inner := feature[at] >= 0).any():
            k, n = rows[inner], at[inner]
            goes = _goes_left(x[k, feature[n]], threshold[n], flags[n], sets)
            at[k] = np.where(goes, left[n], right[n])
        width = value.shape[1]
        scores[:, output[tree] : output[tree] + width] += value[left[at]].astype(number)
    assert node.attributes.get("path") is None
    return scores if numbers[0] == 1 else scores / number(numbers[0])


def oblivious_scores(graph: Graph, node: Node, x: np.ndarray) -> np.ndarray:
    arrays = [graph.constants.get(i) for i in node.inputs]
    _, depth, feature, border, value, base, numbers = arrays[:7]
    above = arrays[7] if len(arrays) > 7 and arrays[7] is not None else np.zeros(len(border), np.uint8)
    total = np.zeros((len(x), value.shape[1]))
    split = leaf = 0
    for d in depth:
        index = np.zeros(len(x), int)
        for bit in range(d):
            column = x[:, feature[split]]
            one = np.where(np.isnan(column), above[split] > 0, column > border[split])
            index |= one.astype(int) << bit
            split += 1
        total += value[leaf + index]
        leaf += 2**d
    return base + numbers[0] * total


def scores(graph: Graph, x: np.ndarray) -> np.ndarray:
    """What the sums of an ensemble are, before any link."""
    x = np.asarray(x, np.float32)
    for node in graph.nodes:
        if node.op == "dense":  # of columns of which the first is 1: float32 sums in their order
            columns = np.c_[np.ones(len(x), np.float32), x]
            weights = graph.constants[node.inputs[1]]
            sums = np.zeros((len(x), len(weights)), np.float32)
            for i in range(columns.shape[1]):
                sums += columns[:, i : i + 1] * weights[:, i]
            return sums
        if node.attributes.get("gives") != "scores":
            continue
        if node.op == "trees":
            return trees_scores(graph, node, x)
        if node.op == "oblivious":
            return oblivious_scores(graph, node, x)
    raise AssertionError("the graph has no node that gives scores")


def cut(graph: Graph) -> float:
    """From which score on the label is 1."""
    node = graph.node_of(graph.roles["predict"])
    assert node.attributes["decide"] == "cut"
    return float(graph.constants[node.inputs[11 if node.op == "trees" else 6]][1])
