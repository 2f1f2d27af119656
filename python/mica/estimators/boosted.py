# SPDX-License-Identifier: Apache-2.0
"""XGBoost, LightGBM and CatBoost behind other steps: the library's own file becomes a constant of the
graph, which the compiler reads in its place."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _library
from ..boosters import WRITERS, file_of
from ..onnx_graph import FLOAT64, Graph, Heads, Tensor
from ..registry import key, predicts


def booster(graph: Graph, estimator: Any, x: Tensor) -> Heads:
    """The functions of the file. XGBoost and CatBoost have their rows as float32, LightGBM in the
    type that the step before gives."""
    file, data, classes = file_of(estimator)
    handle = _library.Handle(file, data)
    kinds = {
        info.role.decode(): (_result_type(estimator, info.type.decode()), info.shape)
        for info in handle.outputs()
    }
    outputs = graph.booster(x, data, kinds)
    named: list[np.ndarray] = []
    while (words := handle.classes(len(named))[0]):
        named.append(np.array(words))
    if len(named) == 1 and classes:
        return Heads(outputs, classes)
    return Heads(outputs, [_numbers(words) for words in named])


def _result_type(estimator: Any, given: str) -> np.dtype[Any]:
    """Results are float32 in C; before, those of XGBoost are that, too, and others float64."""
    return FLOAT64 if given == "float32" and key(estimator)[0] != "xgboost" else np.dtype(given)


def _numbers(words: np.ndarray) -> np.ndarray:
    """Classes that the file only numbers."""
    counted = np.arange(len(words))
    return counted if np.array_equal(words, counted.astype(str)) else words


for _library_name, _name in WRITERS:
    predicts(_library_name, _name)(booster)
