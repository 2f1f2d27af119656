# SPDX-License-Identifier: Apache-2.0
"""What the operators of ai.mica mean, in numpy and word for word: the oracle of the files that the
package writes, and of the C that is made of them.

Works on all rows at once: a tensor of shape [1, n] in the file is an array [rows, n] here.
"""

from __future__ import annotations

import json
import tempfile
from typing import Any, Callable

import numpy as np
import onnx
from onnx import helper, numpy_helper

MISSING_LEFT, CATEGORIES, ZERO_MISSING = 1, 2, 4
ZERO = 1e-35

Arrays = list[np.ndarray]
Node = Callable[[dict[str, Any], np.dtype[Any], Arrays], np.ndarray]


def meta(model: onnx.ModelProto, key: str) -> Any:
    """One of the file's JSON properties; None where it has none."""
    found = [p.value for p in model.metadata_props if p.key == key]
    return json.loads(found[0]) if found else None


def evaluate(model: onnx.ModelProto, x: np.ndarray) -> dict[str, np.ndarray]:
    """The result of every role; labels are the numbers of classes, [rows, labels]."""
    graph = model.graph
    values: dict[str, np.ndarray] = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    types = {
        info.name: np.dtype(helper.tensor_dtype_to_np_dtype(info.type.tensor_type.elem_type))
        for info in [*graph.input, *graph.value_info, *graph.output]
    }
    entry = graph.input[0].name
    assert np.asarray(x).dtype == types[entry], "the rows must have the type of the input"
    values[entry] = x
    with np.errstate(all="ignore"):
        for node in graph.node:
            assert node.domain == "ai.mica"
            attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
            words = {k: v.decode() if isinstance(v, bytes) else v for k, v in attributes.items()}
            inputs = [values[name] if name else None for name in node.input]
            if node.op_type == "booster":
                results = booster(*inputs, [types[out] for out in node.output])
            else:
                results = [NODES[node.op_type](words, types[node.output[0]], inputs)]
            for out, result in zip(node.output, results, strict=True):
                values[out] = result
                assert result.dtype == types[out], f"{node.name} gives {result.dtype}"
    return {
        role: values[info.name]
        for role, info in zip(meta(model, "mica.roles"), graph.output, strict=True)
    }


# ---- trees ---------------------------------------------------------------------------------------


def _in_set(sets: np.ndarray, at: int, x: np.ndarray) -> np.ndarray:
    words = sets[at + 1 : at + 1 + int(sets[at])]
    number = np.where(np.isfinite(x) & (x > -1) & (x < 32 * len(words)), np.trunc(x), -1)
    number = number.astype(np.int64)
    bit = words[np.maximum(number, 0) // 32] >> (np.maximum(number, 0) % 32).astype(np.uint32) & 1
    return (number >= 0) & (bit != 0)


def _leaves(n: Arrays, root: int) -> tuple[np.ndarray, np.ndarray]:
    """For each row the leaf where it ends, and the number of tests on the way."""
    x, _, _, feature, threshold, left, right, flags = n[:8]
    sets = n[13] if len(n) > 13 else np.zeros(0, np.uint32)
    at = np.full(len(x), root)
    depth = np.zeros(len(x), np.int64)
    moving = np.flatnonzero(feature[at] >= 0)
    while len(moving):
        test = at[moving]
        value = x[moving, feature[test]]
        flag = flags[test]
        goes_left = value <= threshold[test]
        for category in np.unique(test[(flag & CATEGORIES) != 0]):
            here = test == category
            goes_left[here] = _in_set(sets, int(threshold[category]), value[here])
        missing = np.isnan(value) | (((flag & ZERO_MISSING) != 0) & (np.abs(value) <= ZERO))
        goes_left = np.where(missing, (flag & MISSING_LEFT) != 0, goes_left)
        at[moving] = np.where(goes_left, left[test], right[test])
        depth[moving] += 1
        moving = moving[feature[at[moving]] >= 0]
    return at, depth


def _decide(words: dict[str, Any], scores: np.ndarray, cut: float) -> np.ndarray:
    if words["decide"] == "cut":
        return (scores[:, 0] >= cut).astype(np.int32)
    if words["decide"] == "softmax":
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        scores = scores / scores.sum(axis=1, keepdims=True)
    return scores.argmax(axis=1).astype(np.int32)


def _trees(words: dict[str, Any], _: np.dtype[Any], n: Arrays) -> np.ndarray:
    x, root, output, _, _, left = n[:6]
    value, base, numbers = n[9], n[10], n[11]
    groups = n[12] if len(n) > 12 and n[12] is not None else np.array([len(base)])
    kind = np.float32 if words["sums"] == "float32" else np.float64
    scores = np.tile(base.astype(kind), (len(x), 1))
    width = value.shape[1]
    for tree, first in zip(root, output, strict=True):
        at, depth = _leaves(n, int(tree))
        adds = value[left[at]].astype(kind)
        if words["path"]:
            adds = ((depth + 1)[:, np.newaxis] + adds) - 1.0
        scores[:, first : first + width] += adds
    if numbers[0] != 1:
        scores = scores / kind(numbers[0])
    scores = scores.astype(np.float64)
    if words["gives"] == "scores":
        return scores
    ends = np.cumsum(groups)
    parts = np.split(scores, ends[:-1], axis=1)
    return np.stack([_decide(words, part, float(numbers[1])) for part in parts], axis=1)


# ---- linear models and links ---------------------------------------------------------------------


def _linear(words: dict[str, Any], _: np.dtype[Any], n: Arrays) -> np.ndarray:
    kind = np.float32 if words["sums"] == "float32" else np.float64
    x, coef, intercept = (array.astype(kind) for array in n)
    scores = (x @ coef.T + intercept).astype(np.float64)
    if words["gives"] == "scores":
        return scores
    if words["decide"] == "cut":
        return (scores > 0).astype(np.int32)
    return scores.argmax(axis=1).astype(np.int32)[:, np.newaxis]


def _logistic(x: np.ndarray) -> np.ndarray:
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + small), small / (1 + small))


def _normalize(x: np.ndarray) -> np.ndarray:
    total = x.sum(axis=1, keepdims=True)
    return np.where(total == 0, 1 / x.shape[1], x / np.where(total == 0, 1, total))


def _softmax(x: np.ndarray) -> np.ndarray:
    power = np.exp(x - x.max(axis=1, keepdims=True))
    return power / power.sum(axis=1, keepdims=True)


def _link(words: dict[str, Any], _: np.dtype[Any], n: Arrays) -> np.ndarray:
    x = n[0]
    numbers = n[1] if len(n) > 1 else np.zeros(0)
    kinds: dict[str, Callable[[], np.ndarray]] = {
        "softmax": lambda: _softmax(x),
        "logistic": lambda: _logistic(x),
        "logistic_pair": lambda: np.concatenate([1 - _logistic(x), _logistic(x)], axis=1),
        "ovr": lambda: _normalize(_logistic(x)),
        "normalize": lambda: _normalize(x),
        "exp": lambda: np.exp(x),
        "path": lambda: -(2 ** (-x / numbers[0])),
        "affine": lambda: numbers[0] * x + numbers[1],
        "complement": lambda: np.concatenate([1 - x, x], axis=1),
        "clip": lambda: np.clip(x, numbers[0], numbers[1]),
    }
    return kinds[words["kind"]]()


def _weighted_median(_: dict[str, Any], __: np.dtype[Any], n: Arrays) -> np.ndarray:
    x, weight = n
    order = np.argsort(x, axis=1, kind="stable")
    total = np.cumsum(weight[order], axis=1)
    place = (total >= 0.5 * total[:, -1:]).argmax(axis=1)
    return np.take_along_axis(x, np.take_along_axis(order, place[:, None], 1), 1)


# ---- features ------------------------------------------------------------------------------------

OPS = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide}


def _scale(words: dict[str, Any], out: np.dtype[Any], n: Arrays) -> np.ndarray:
    y = n[0].astype(out)
    for name, array in zip(("first_op", "second_op"), n[1:], strict=False):
        if array is not None:
            y = OPS[words[name]](y.astype(np.float64), array).astype(out)
    return y


def _impute(words: dict[str, Any], out: np.dtype[Any], n: Arrays) -> np.ndarray:
    x = n[0].astype(out)
    missing = np.isnan(x) if words["missing"] == "nan" else x == n[2][0]
    return np.where(missing, n[1].astype(out), x)


def _norm(words: dict[str, Any], out: np.dtype[Any], n: Arrays) -> np.ndarray:
    x = n[0].astype(out)
    kinds: dict[str, Callable[[], np.ndarray]] = {
        "l1": lambda: np.abs(x).sum(axis=1),
        "l2": lambda: np.sqrt(np.einsum("ij,ij->i", x, x)),
        "max": lambda: np.abs(x).max(axis=1),
    }
    norm = kinds[words["norm"]]()
    return x / np.where(norm < 10 * np.finfo(out).eps, out.type(1), norm)[:, np.newaxis]


# ---- files of boosters -----------------------------------------------------------------------------


def _xgboost(x: np.ndarray, file: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Raw scores, and what predict() gives."""
    import xgboost

    model = xgboost.Booster()
    model.load_model(bytearray(file))
    rows = xgboost.DMatrix(x)
    return model.predict(rows, output_margin=True), model.predict(rows)


def _lightgbm(x: np.ndarray, file: bytes) -> tuple[np.ndarray, np.ndarray]:
    import lightgbm

    model = lightgbm.Booster(model_str=file.decode())
    return model.predict(x, raw_score=True), model.predict(x)


def _catboost(x: np.ndarray, file: bytes) -> tuple[np.ndarray, np.ndarray]:
    import catboost

    model = catboost.CatBoost()
    with tempfile.NamedTemporaryFile(suffix=".json") as copy:
        copy.write(file)
        copy.flush()
        model.load_model(copy.name, format="json")
    scores = np.asarray(model.predict(x, prediction_type="RawFormulaVal"))
    kind = json.loads(file)["model_info"]["params"]["loss_function"]["type"]
    if kind not in ("Logloss", "MultiClass"):
        return scores, scores
    return scores, np.asarray(model.predict(x, prediction_type="Probability"))


def booster(x: np.ndarray, file: np.ndarray, types: list[np.dtype[Any]]) -> list[np.ndarray]:
    """The functions of a library's own file, by that library: a number, or the label, its
    probabilities and raw scores."""
    data = file.tobytes()
    kind = _lightgbm if data.startswith(b"tree") else _catboost if b"features_info" in data else _xgboost
    scores, results = (np.asarray(part).reshape(len(x), -1) for part in kind(x, data))
    if len(types) == 1:
        return [results.astype(types[0])]
    if results.shape[1] == 1:
        results = np.concatenate([1 - results, results], axis=1)
    label = results.argmax(axis=1)[:, np.newaxis]
    return [part.astype(kind) for part, kind in zip((label, results, scores), types, strict=True)]


NODES: dict[str, Node] = {
    "trees": _trees,
    "linear": _linear,
    "link": _link,
    "weighted_median": _weighted_median,
    "scale_features": _scale,
    "impute_features": _impute,
    "normalize_features": _norm,
    "select_features": lambda words, out, n: n[0][:, n[1]],
    "reshape": lambda words, out, n: n[0],
    "dense": lambda words, out, n: sum(
        (n[0][:, i : i + 1] * row for i, row in enumerate(n[1].T)), out.type(0)
    ),
    "concat": lambda words, out, n: np.concatenate(n, axis=1),
    "cast": lambda words, out, n: n[0].astype(out),
}
