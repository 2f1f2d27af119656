# SPDX-License-Identifier: Apache-2.0
"""Seeds for fuzzing the ONNX reader: `python onnx_seeds.py DIR` writes some forty small files.

One of each operator, as converters put them together, and files that have to be refused.
"""

from __future__ import annotations

import sys
from pathlib import Path

from onnx_models import classifier, grown, regressor, stump
from test_onnx import OWN_REFUSALS, REFUSALS, STEPS, ml, model, signed
from test_onnx import FLOAT, INT64, TensorProto, helper, np


def small_models() -> dict[str, bytes]:
    """Models of few bytes, by name."""
    made = {
        "stump": stump(),
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


def main() -> None:
    """Writes them, where they are small: the fuzzer changes every byte of a file."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in small_models().items():
        if len(data) < 1 << 14:
            (folder / f"onnx_{name.replace(' ', '_')}").write_bytes(data)


if __name__ == "__main__":
    main()
