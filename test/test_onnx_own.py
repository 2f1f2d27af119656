# SPDX-License-Identifier: Apache-2.0
"""ONNX files of the domain ai.mica, which the Python package writes: what is read and refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
from onnx import helper  # noqa: E402

from onnx_models import LIGHTGBM, boosted, read_lines, run_mica, save, stump  # noqa: E402
from support import mica  # noqa: E402


def test_our_own_operators_are_read_as_they_are(tmp_path: Path) -> None:
    path = save(stump(), tmp_path)
    assert read_lines(path, "output") == ["output %12 predict", "output %13 decision_function"]
    assert read_lines(path, "features") == ['features ["a" "b" "c"]']
    assert read_lines(path, "classes") == ['classes ["no" "yes"]']
    assert 'const %9 "value" float64 [2,2] = [1 0 0 1]' in read_lines(path, "const")
    x = np.array([[0, 0.5, 0], [0, 0.75, 0]], np.float32)
    label, scores = run_mica(stump(), tmp_path, x)
    assert label.tolist() == ["no", "yes"] and scores.tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize(
    "values", [np.int8, np.int16, np.uint8, np.int32, np.uint32, np.int64, np.float32, np.float64]
)
def test_constants_raw_and_typed(tmp_path: Path, values: Any) -> None:
    """Both ways of writing a constant down give the same text, whatever its type."""
    numbers = np.array([1, 2, 100], values)
    texts = []
    for raw in (False, True):
        made = stump()
        kind = helper.np_dtype_to_tensor_dtype(numbers.dtype)
        content = numbers.tobytes() if raw else numbers
        tensor = helper.make_tensor("weight", kind, [3], content, raw=raw)
        old = next(t for t in made.graph.initializer if t.name == "weight")
        old.CopyFrom(tensor)
        path = save(made, tmp_path)
        if values is np.float32:
            texts.append([line for line in read_lines(path, "const") if '"weight"' in line])
        else:
            said = mica("dump", path, "--after", "read", status=1).stderr
            texts.append([said.replace(str(path), "")])
    assert texts[0] == texts[1]
    assert values is not np.float32 or texts[0][0].endswith('"weight" float32 [3] = [1 2 100]')


def change(made: Any, **attributes: Any) -> Any:
    """The model with attributes of its first node replaced."""
    node = made.graph.node[0]
    kept = [a for a in node.attribute if a.name not in attributes]
    del node.attribute[:]
    node.attribute.extend(kept + [helper.make_attribute(k, v) for k, v in attributes.items()])
    return made


def renamed(made: Any, op: str) -> Any:
    """The model with another operator in its first node."""
    made.graph.node[0].op_type = op
    return made


def property_of(key: str, value: str) -> Any:
    """The stump with one property changed."""
    made = stump()
    for entry in made.metadata_props:
        if entry.key == key:
            entry.value = value
    return made


OWN_REFUSALS = {
    "operator": (renamed(stump(), "shrub"), "has no operator 'shrub'"),
    "attribute": (change(stump(), bark=1), "trees has no attribute 'bark'"),
    "word": (change(stump(), decide="vote"), "'decide' is 'vote'; supported is: argmax, cut"),
    "flag": (change(stump(), path=2), "'path' is 2; it must be 0 or 1"),
    "type": (change(stump(), path="yes"), "'path' must be an integer"),
    "roles": (property_of("mica.roles", '["predict"]'), "has 1 functions for 2 outputs"),
    "features": (property_of("mica.features", '["a"]'), "has 1 names for 3 columns"),
    "json": (property_of("mica.classes", "[{"), "is no JSON: line 1, column"),
    "classes": (property_of("mica.classes", '[{"names": 3}]'), "must be a list of names"),
    "values": (
        property_of("mica.classes", '[{"names": ["a"], "values": [4294967296]}]'),
        "value 0 is no integer of 32 bits",
    ),
    "booster's file": (boosted("PK"), "neither JSON of XGBoost or CatBoost nor text of LightGBM"),
    "booster's text": (
        boosted(LIGHTGBM.replace("right_child=-2", "right_child=7")),
        "the file in node 'y': line 15: right_child: 7",
    ),
    "booster's columns": (boosted(columns=4), "its file is of a model of 3 features"),
    "booster's outputs": (boosted(outputs=2), "has 2 outputs, and the model in its file has 1"),
}


@pytest.mark.parametrize("case", OWN_REFUSALS)
def test_our_own_operators_are_checked(tmp_path: Path, case: str) -> None:
    made, message = OWN_REFUSALS[case]
    path = save(made, tmp_path)
    assert message in mica("dump", path, "--after", "read", status=1).stderr


def test_a_booster_behind_a_scaler(tmp_path: Path) -> None:
    """LightGBM compares x - 0.5 in float64 with 0.1; the last float32 that goes left is found."""
    path = save(boosted(), tmp_path)
    folded = mica("dump", path, "--after", "fold_features").stdout
    near = np.float32(0.6)
    last = near if np.float64(near) - 0.5 <= 0.1 else np.nextafter(near, np.float32(0))
    found = re.findall(r'"threshold" float32 \[3\] = \[([\d.]+) 0 0\]', folded)
    assert [np.float32(text) for text in found] == [last]
    x = np.array([[0, last, 0], [0, np.nextafter(last, np.float32(1)), 0]], np.float32)
    assert run_mica(boosted(), tmp_path, x)[0].ravel().tolist() == [-0.5, 1.5]
