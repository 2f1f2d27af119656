# SPDX-License-Identifier: Apache-2.0
"""From an estimator or a file to a model."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Sequence

import numpy as np

from . import boosters, ubjson
from .errors import Error
from .model import Model, Source
from .onnx_graph import FLOAT32, FLOAT64, Graph
from .registry import fitted, predict

INPUT_TYPES = ("float32", "int16", "int8", "uint8")


def convert(
    model: Any,
    *,
    name: str = "model",
    feature_names: Sequence[str] | None = None,
    functions: Sequence[str] | None = None,
    target: str = "host",
    optimize: str = "speed",
    dtype: Any = np.float64,
    input_type: str = "float32",
    output_type: str = "float32",
    finite: bool = False,
    leaf_bits: int | None = None,
    profile: str = "tflm",
) -> Model:
    """Makes C of a fitted estimator, or of a model file (.tflite, .onnx, .json, .txt, .ubj).

    name           prefix of all symbols, and the name of the files
    feature_names  of the columns; default: those that the estimator was fitted with
    functions      which to generate, such as ["predict"]; default: all that the estimator has
    target         the core that the C is for (`mica targets`); it runs on any
    optimize       "speed" or "size"; of networks also "balanced" and "ram"
    dtype          the type of the arrays that the reference gets, float64 or float32: scikit-learn
                   computes scalers and linear models in the type of its input
    input_type     what the C takes: float32, or the caller's promise of int16, int8 or uint8
    output_type    of scores and values: float32, or float64 for a double in C
    finite         the promise that no feature is NaN: trees then have no code for its way
    leaf_bits      4 to 24: leaves of boosted trees and of regressions are rounded to so many bits,
                   which makes the C smaller; predict_certain() and check() say what that costs
    profile        arithmetic of quantised networks: "tflm", "litert" or "single"
    """
    if input_type not in INPUT_TYPES:
        raise Error(f"input_type is one of {', '.join(INPUT_TYPES)}, not {input_type!r}")
    if output_type not in ("float32", "float64"):
        raise Error(f"output_type is float32 or float64, not {output_type!r}")
    arithmetic = np.dtype(dtype)
    if arithmetic not in (FLOAT32, FLOAT64):
        raise Error(f"dtype is numpy.float64 or numpy.float32, not {dtype!r}")
    if leaf_bits is not None and leaf_bits not in range(4, 25):
        raise Error(f"leaf_bits is a whole number from 4 to 24, not {leaf_bits!r}")
    how: dict[str, Any] = {
        "name": name,
        "target": target,
        "optimize": optimize,
        "profile": profile,
        "functions": tuple(functions) if functions is not None else None,
        "arithmetic": arithmetic,
        "finite": bool(finite),
        "leaf_bits": leaf_bits if leaf_bits is None else int(leaf_bits),
        "float64": output_type == "float64",
    }
    if isinstance(model, (str, os.PathLike)):
        return Model(_file(Path(model), feature_names, input_type, how))
    if boosters.is_booster(model):
        return Model(_booster(model, feature_names, input_type, how))
    return Model(_estimator(model, feature_names, input_type, how))


def _names(names: Sequence[str] | None, n_features: int | None) -> tuple[str, ...] | None:
    if names is None:
        return None
    if isinstance(names, str):
        raise Error("feature_names is a list of names, not one string")
    words = tuple(str(word) for word in names)
    if n_features is not None and len(words) != n_features:
        raise Error(f"{len(words)} feature names are given, but the model takes {n_features}")
    return words


def _file(
    path: Path, feature_names: Sequence[str] | None, input_type: str, how: dict[str, Any]
) -> Source:
    try:
        data = path.read_bytes()
    except OSError as why:
        raise Error(f"{path}: {why.strerror}") from None
    if path.suffix == ".ubj":
        data = ubjson.to_json(data, str(path))
    return Source(
        file=str(path),
        data=data,
        input_type=None if input_type == "float32" else input_type,
        feature_names=_names(feature_names, None),
        **how,
    )


def _booster(
    model: Any, feature_names: Sequence[str] | None, input_type: str, how: dict[str, Any]
) -> Source:
    file, data, classes = boosters.file_of(model)
    return Source(
        file=file,
        data=data,
        input_type=None if input_type == "float32" else input_type,
        feature_names=_names(feature_names, None),
        classes=classes,
        name_classes=bool(classes),
        **how,
    )


def _estimator(
    estimator: Any,
    feature_names: Sequence[str] | None,
    input_type: str,
    how: dict[str, Any],
) -> Source:
    n_features = int(fitted(estimator, "n_features_in_"))
    if feature_names is None:
        found = getattr(estimator, "feature_names_in_", None)
        feature_names = None if found is None else list(found)
    names = _names(feature_names, n_features)
    graph = Graph(n_features, np.dtype(input_type), how["arithmetic"])
    heads = predict(graph, estimator, graph.x)
    for role, tensor in heads.outputs.items():
        if tensor.dtype == FLOAT64:
            heads.outputs[role] = graph.cast(tensor, FLOAT32)
    data = graph.model(type(estimator).__name__, heads, names).SerializeToString()
    return Source(
        file=f"{type(estimator).__name__}.onnx",
        data=data,
        input_type=None,
        feature_names=None,
        classes=heads.classes,
        **how,
    )
