# SPDX-License-Identifier: Apache-2.0
"""Estimators that are made of others: pipelines, transformers of some columns, unions."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import Error
from ..onnx_graph import Graph, Heads, Tensor
from ..registry import fitted, predict, predicts, refuse, transform, transforms


def _passes(step: Any) -> bool:
    return step is None or (isinstance(step, str) and step == "passthrough")


@predicts("sklearn", "Pipeline")
def pipeline(graph: Graph, estimator: Any, x: Tensor) -> Heads:
    """Every step takes what the one before it gives."""
    *steps, (_, last) = fitted(estimator, "steps")
    for _, step in steps:
        x = x if _passes(step) else transform(graph, step, x)
    if _passes(last) or not hasattr(last, "predict"):
        raise refuse(estimator, "its last step predicts nothing")
    return predict(graph, last, x)


@transforms("sklearn", "Pipeline")
def pipeline_of_transformers(graph: Graph, estimator: Any, x: Tensor) -> Tensor:
    """A pipeline that transforms, as a part of another one."""
    for _, step in fitted(estimator, "steps"):
        x = x if _passes(step) else transform(graph, step, x)
    return x


def columns_of(estimator: Any, columns: Any, n_columns: int) -> np.ndarray:
    """The numbers of columns that are given by number, name, mask or slice."""
    if callable(columns):
        raise refuse(estimator, "columns chosen by a function that was not resolved")
    if isinstance(columns, str):
        columns = [columns]
    if isinstance(columns, slice):
        start, stop = columns.start, columns.stop
        if isinstance(start, str) or isinstance(stop, str):
            names = list(estimator.feature_names_in_)
            start = None if start is None else names.index(start)
            stop = None if stop is None else names.index(stop) + 1  # names include their end
        return np.arange(n_columns)[slice(start, stop, columns.step)]
    chosen = np.atleast_1d(np.asarray(columns))
    if chosen.size == 0:
        return np.zeros(0, np.int64)
    if chosen.dtype == bool:
        return np.flatnonzero(chosen)
    if chosen.dtype.kind in "UOT":
        names = list(estimator.feature_names_in_)
        return np.array([names.index(name) for name in chosen])
    return np.arange(n_columns)[chosen]  # negative ones count from the end


def _weighted(graph: Graph, estimator: Any, name: str, part: Tensor) -> Tensor:
    weight = (estimator.transformer_weights or {}).get(name)
    if weight is None:
        return part
    factor = graph.constant("first", np.full(part.columns, float(weight)))
    part = graph.floats(part)
    return graph.node(
        "scale_features", [part, factor], graph.arithmetic, part.shape, first_op="mul"
    )


@transforms("sklearn", "ColumnTransformer")
def column_transformer(graph: Graph, estimator: Any, x: Tensor) -> Tensor:
    """The parts side by side, in the order of the list; what nobody takes comes last or is dropped."""
    parts = []
    for name, part, columns in fitted(estimator, "transformers_"):
        index = columns_of(estimator, columns, x.columns)
        if len(index) == 0 or (isinstance(part, str) and part == "drop"):
            continue
        y = graph.select(x, index)
        y = y if _passes(part) else transform(graph, part, y)
        parts.append(_weighted(graph, estimator, name, graph.floats(y)))
    if not parts:
        raise Error("ColumnTransformer drops every column")
    return graph.concat(parts)


@transforms("sklearn", "FeatureUnion")
def feature_union(graph: Graph, estimator: Any, x: Tensor) -> Tensor:
    """What each transformer makes of all columns, side by side."""
    parts = []
    for name, part in fitted(estimator, "transformer_list"):
        if isinstance(part, str) and part == "drop":
            continue
        y = x if _passes(part) else transform(graph, part, x)
        parts.append(_weighted(graph, estimator, name, graph.floats(y)))
    return graph.concat(parts)
