# SPDX-License-Identifier: Apache-2.0
"""Transformers of numeric columns.

Results are arrays of the reference's type: float64 by default. Where it is float32 every step is
rounded to float32, as the library's work in place is.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..onnx_graph import FLOAT32, Graph, Tensor
from ..registry import fitted, refuse, transforms


def _scale(
    graph: Graph,
    x: Tensor,
    first: tuple[str, np.ndarray | None],
    second: tuple[str, np.ndarray | None],
) -> Tensor:
    """y = (x op a) op b; either may be missing."""
    words, inputs = {}, []
    for name, (op, array) in (("first", first), ("second", second)):
        words[f"{name}_op"] = op
        if array is None:
            inputs.append("")
        else:
            inputs.append(graph.constant(name, np.asarray(array, np.float64)))
    while inputs and inputs[-1] == "":
        inputs.pop()
    if not inputs:
        return graph.array(x)
    return graph.node("scale_features", [graph.floats(x), *inputs], graph.arithmetic, x.shape, **words)


def _rounded(graph: Graph, array: np.ndarray | None) -> np.ndarray | None:
    """Parameters that the library itself brings to the type of the array."""
    if array is None or graph.arithmetic != FLOAT32:
        return array
    return np.asarray(array).astype(np.float32)


@transforms("sklearn", "StandardScaler")
def standard_scaler(graph: Graph, scaler: Any, x: Tensor) -> Tensor:
    """(x - mean) / scale, with mean and scale in the type of the array."""
    fitted(scaler, "n_features_in_")
    mean = scaler.mean_ if scaler.with_mean else None
    scale = scaler.scale_ if scaler.with_std else None
    return _scale(graph, x, ("sub", _rounded(graph, mean)), ("div", _rounded(graph, scale)))


@transforms("sklearn", "MinMaxScaler")
def min_max_scaler(graph: Graph, scaler: Any, x: Tensor) -> Tensor:
    """x * scale + min."""
    y = _scale(graph, x, ("mul", fitted(scaler, "scale_")), ("add", scaler.min_))
    return _clip(graph, y, *scaler.feature_range) if scaler.clip else y


@transforms("sklearn", "MaxAbsScaler")
def max_abs_scaler(graph: Graph, scaler: Any, x: Tensor) -> Tensor:
    """x / scale."""
    y = _scale(graph, x, ("div", fitted(scaler, "scale_")), ("div", None))
    return _clip(graph, y, -1.0, 1.0) if getattr(scaler, "clip", False) else y


@transforms("sklearn", "RobustScaler")
def robust_scaler(graph: Graph, scaler: Any, x: Tensor) -> Tensor:
    """(x - center) / scale."""
    fitted(scaler, "n_features_in_")
    center = scaler.center_ if scaler.with_centering else None
    scale = scaler.scale_ if scaler.with_scaling else None
    return _scale(graph, x, ("sub", center), ("div", scale))


def _clip(graph: Graph, x: Tensor, low: float, high: float) -> Tensor:
    """Bounds are numbers of the array's type."""
    bounds = [float(graph.arithmetic.type(low)), float(graph.arithmetic.type(high))]
    inside = graph.link(graph.cast(x, np.dtype(np.float64)), "clip", bounds)
    return graph.array(inside)


@transforms("sklearn", "SimpleImputer")
def simple_imputer(graph: Graph, imputer: Any, x: Tensor) -> Tensor:
    """Puts the statistic of its column where a value is missing. Columns without any value in
    training are left out, unless they are kept with a constant."""
    statistics = fitted(imputer, "statistics_")
    if imputer.add_indicator:
        raise refuse(imputer, "add_indicator cannot be read")
    missing = imputer.missing_values
    if isinstance(missing, str) or missing is None or np.asarray(statistics).dtype.kind not in "iuf":
        raise refuse(imputer, "only columns of numbers can be read")
    if not imputer.keep_empty_features:
        kept = np.flatnonzero(~np.isnan(statistics))
        x, statistics = graph.select(x, kept), np.asarray(statistics)[kept]
    # Statistics are brought to the type of the training array, then to that of the array at hand.
    fill = np.asarray(statistics).astype(getattr(imputer, "_fill_dtype", np.float64))
    fill = fill.astype(graph.arithmetic).astype(np.float64)
    inputs: list[Tensor | str] = [graph.array(x), graph.constant("fill", fill)]
    is_nan = missing != missing
    if not is_nan:
        inputs.append(graph.constant("missing", np.array([missing], np.float64)))
    return graph.node(
        "impute_features", inputs, graph.arithmetic, x.shape, missing="nan" if is_nan else "value"
    )


@transforms("sklearn", "Normalizer")
def normalizer(graph: Graph, transformer: Any, x: Tensor) -> Tensor:
    """Each row divided by its norm; a norm below 10 epsilons counts as 1."""
    return graph.node(
        "normalize_features", [graph.array(x)], graph.arithmetic, x.shape, norm=transformer.norm
    )


@transforms(
    "sklearn", "VarianceThreshold", "SelectKBest", "SelectPercentile", "SelectFpr", "SelectFdr",
    "SelectFwe", "GenericUnivariateSelect", "SelectFromModel", "RFE", "RFECV",
    "SequentialFeatureSelector",
)  # fmt: skip
def selector(graph: Graph, transformer: Any, x: Tensor) -> Tensor:
    """The columns that it keeps."""
    return graph.select(x, np.flatnonzero(fitted(transformer, "get_support")()))


@transforms("sklearn", "FunctionTransformer")
def identity(graph: Graph, transformer: Any, x: Tensor) -> Tensor:
    """Without a function it passes its columns on; a function is Python, which cannot be read."""
    if transformer.func is not None:
        raise refuse(transformer, "its function cannot be read")
    return x
