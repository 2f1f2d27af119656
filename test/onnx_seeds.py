# SPDX-License-Identifier: Apache-2.0
"""Seeds for fuzzing the ONNX reader: `python onnx_seeds.py DIR [COUNT]` writes small files.

One of each operator, as converters put them together, files that have to be refused, and COUNT
(200) in which a few fields have other values: changes of bytes alone seldom leave a file whole.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from onnx_models import (
    FLOAT,
    INT64,
    boosted,
    classifier,
    grown,
    ml,
    model,
    regressor,
    signed,
    stump,
)
from test_onnx_own import OWN_REFUSALS
from test_onnx_refusals import REFUSALS
from test_onnx_steps import STEPS


def small_models() -> dict[str, bytes]:
    """Models of few bytes, by name."""
    made = {
        "stump": stump(),
        "booster": boosted(),
        "classes": classifier(grown("class", 3, 3, 3, 2, 1), 3, [4, 5, 6], post_transform="SOFTMAX"),
        "names": classifier(grown("class", 2, 3, 3, 2, 2, True), 2, ["a", "b", "c"]),
        "two": classifier(signed(False, 3), 3, [0, 1], post_transform="LOGISTIC"),
        "probability": classifier(signed(True, 3), 3, [0, 1]),
        "double": classifier(grown("class", 2, 3, 3, 2, 2), 2, [0, 1, 2], doubles=True),
        "average": regressor(grown("target", 3, 2, 4, 2, 3, True), 3, 2, aggregate_function="AVERAGE"),
    }
    for name, (nodes, constants) in STEPS.items():
        made[name] = model(nodes(), 3, {"y": FLOAT}, constants)
    for name, (refused, _) in (OWN_REFUSALS | REFUSALS).items():
        made["refused " + name] = refused
    linear = ml(
        "LinearClassifier",
        ["x"],
        ["label", "scores"],
        coefficients=[0.5] * 6,
        intercepts=[1.0, -1.0, 0.0],
        classlabels_strings=["x", "y", "z"],
        post_transform="LOGISTIC",
    )
    normal = ml("Normalizer", ["scores"], ["p"], norm="L1")
    zip_map = ml("ZipMap", ["p"], ["map"], classlabels_strings=["x", "y", "z"])
    outputs = {"label": TensorProto.STRING, "map": FLOAT}
    made["linear"] = model([linear, normal, zip_map], 2, outputs)
    product = [
        helper.make_node("Gemm", ["x", "w", "b"], ["s"], transB=1),
        helper.make_node("Softmax", ["s"], ["p"], axis=1),
        helper.make_node("ArgMax", ["p"], ["i"], axis=1),
        ml("ArrayFeatureExtractor", ["c", "i"], ["label"]),
    ]
    constants = {
        "w": np.ones((3, 2), np.float32),
        "b": np.zeros(3, np.float32),
        "c": np.array([3, 1, 2], np.int64),
    }
    made["product"] = model(product, 2, {"label": INT64, "p": FLOAT}, constants)
    return {name: proto.SerializeToString() for name, proto in made.items()}


def change_list(values: Any, draw: random.Random, others: list[Any]) -> None:
    """Changes, drops or doubles an element."""
    if not values:
        return
    at = draw.randrange(len(values))
    kind = draw.randrange(4)
    if kind == 0:
        del values[at]
    elif kind == 1:
        values.append(values[at])
    else:
        values[at] = draw.choice(others)


def change(proto: onnx.ModelProto, draw: random.Random) -> None:
    """Changes one field of a model: an attribute, a constant, an operator, an edge, an output."""
    graph = proto.graph
    node = draw.choice(graph.node)
    names = [v.name for v in [*graph.input, *graph.initializer, *graph.output]] + [""]
    names += [name for each in graph.node for name in each.output]
    what = draw.randrange(7)
    if what < 3 and node.attribute:
        attribute = draw.choice(node.attribute)
        integers = [-1, 0, 1, 2, 3, 7, 31, 4096, 1 << 31, -(1 << 62)]
        change_list(attribute.ints, draw, integers)
        change_list(attribute.floats, draw, [0.0, -0.5, 3.0, 1e38, float("inf"), float("nan")])
        change_list(attribute.strings, draw, [b"LEAF", b"BRANCH_EQ", b"BRANCH_GT", b"", b"x"])
        if attribute.HasField("i"):
            attribute.i = draw.choice(integers)
        if attribute.HasField("s"):
            attribute.s = draw.choice([b"NONE", b"SOFTMAX", b"LOGISTIC", b"L1", b"AVERAGE", b"cut"])
    elif what == 3:
        change_list(node.input, draw, names)
    elif what == 4:
        other = draw.choice(graph.node)
        node.op_type = draw.choice([other.op_type, "Add", "Div", "Exp", "ReduceSum", "Concat"])
    elif what == 5 and graph.initializer:
        tensor = draw.choice(graph.initializer)
        change_list(tensor.dims, draw, [0, 1, 2, 3, 1 << 40])
        tensor.data_type = draw.choice([tensor.data_type, 1, 2, 6, 7, 11])
    else:
        draw.choice(graph.output).name = draw.choice(names)


def mutants(whole: dict[str, bytes], count: int) -> dict[str, bytes]:
    """Models of which some fields are changed."""
    draw = random.Random(5)
    made = {}
    for number in range(count):
        name = draw.choice(sorted(whole))
        proto = onnx.ModelProto.FromString(whole[name])
        for _ in range(draw.randrange(1, 4)):
            change(proto, draw)
        made[f"changed {number} {name}"] = proto.SerializeToString()
    return made


def main() -> None:
    """Writes them, where they are small: the fuzzer changes every byte of a file."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    models = small_models()
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    for name, data in (models | mutants(models, count)).items():
        if len(data) < 1 << 14:
            (folder / f"onnx_{name.replace(' ', '_')}").write_bytes(data)


if __name__ == "__main__":
    main()
