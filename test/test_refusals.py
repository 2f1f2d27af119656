# SPDX-License-Identifier: Apache-2.0
"""Models that are refused: the whole message, which names the node and says what to do."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Callable

import numpy as np
import pytest

from conformance.model import Model, Quant
from conformance.seeds import custom, state, subgraphs
from small_models import Part, fixed, single
from support import mica

IMAGE = (1, 4, 4, 1)
CONV = {"padding": "SAME", "stride_w": 1, "stride_h": 1}
NO_OPERATOR = (
    "is not supported; docs/operators.md lists what is: build the model from those, or end it "
    "before this node and do the rest in your own code"
)
NO_TYPE = (
    "which conv2d does not take (it takes float32, int8): convert the model with one of these "
    "types, docs/operators.md lists them all"
)
Refused = tuple[bytes, str]


def operators() -> list[Refused]:
    """Operators that there are none of."""
    negative = single("NEG", [Part("x", (1, 4))], Part("y", (1, 4)))
    return [
        (negative, f"node 'y' (NEG) on int8 [1,4]: the operator NEG {NO_OPERATOR}"),
        (custom(False), "node 'y' (Frontend) on int8 [1,8]: the custom operator Frontend "
         + NO_OPERATOR),
        (state(False), "node 'out' (SVDF) on float32 [1,6], float32 [4,6], float32 [4,5], none, "
         f"float32 [1,20]: the operator SVDF {NO_OPERATOR}"),
        (subgraphs(False), "operator 0 (CALL_ONCE) on nothing: the operator CALL_ONCE "
         + NO_OPERATOR),
    ]


def weights() -> list[Refused]:
    """Weights that are computed, of another type, or not symmetric."""
    bias = fixed("b", [1], np.int32, Quant(0.01))
    computed = single("CONV_2D", [Part("x", IMAGE), Part("w", (1, 3, 3, 1)), bias],
                      Part("y", IMAGE), **CONV)
    uneven = fixed("w", np.ones((2, 4)), np.int8, Quant(0.1, 3))
    skewed = single("FULLY_CONNECTED", [Part("x", (1, 4)), uneven], Part("y", (1, 2)))
    model = Model()
    source = model.main.input("x", (1, 4), np.int8, Quant(0.1))
    halves = model.buffer(b"\x11\x22\x33\x44")
    four = model.main.tensor("w", (2, 4), "INT4", Quant(0.1), buffer=halves)
    result = model.main.output("y", (1, 2), np.int8, Quant(0.1))
    model.main.op("FULLY_CONNECTED", [source, four], [result])
    return [
        (computed, "node 'y' (conv2d): the weights 'w' (int8 [1,3,3,1]) are computed at run time; "
         "they must be constants in the file: freeze the model before converting it"),
        (skewed, "node 'y' (dense): the weights 'w' have the zero point 3; int8 weights are "
         "symmetric (zero point 0): quantise them so"),
        (model.pack(), "node 'y' (dense): input 'w' is int4 [2,4] where int8 is needed beside 'x' "
         "(int8 [1,4]): convert the model so that both agree"),
    ]


def types() -> list[Refused]:
    """Activations of types that an operator does not take, and missing scales."""
    refused = []
    for name in ("int16", "uint8"):
        wide = fixed("b", [1], np.int64 if name == "int16" else np.int32, Quant(0.01))
        kind = np.int8 if name == "int16" else np.uint8
        kernel = fixed("w", np.ones((1, 3, 3, 1)), kind)
        model = single("CONV_2D", [Part("x", IMAGE, name), kernel, wide], Part("y", IMAGE, name),
                       **CONV)
        refused.append((model, f"node 'y' (conv2d): input 'x' is {name} [1,4,4,1], {NO_TYPE}"))
    pair = [Part("a", (1, 4), np.int8, None), Part("b", (1, 4), np.int8, None)]
    mixed = [Part("a", (1, 4)), Part("b", (1, 4), np.float32, None)]
    return refused + [
        (single("ADD", pair, Part("y", (1, 4), np.int8, None)),
         "node 'y' (add): tensor 'a' (int8 [1,4]) has 0 scales; one scale for the whole tensor is "
         "needed: quantise activations per tensor"),
        (single("ADD", mixed, Part("y", (1, 4))),
         "node 'y' (add): input 'b' is float32 [1,4] where int8 is needed beside 'a' (int8 [1,4]): "
         "convert the model so that both agree"),
        (single("SOFTMAX", [Part("x", (1, 4))], Part("y", (1, 4), np.int8, Quant(0.5)), beta=1.0),
         "node 'y' (softmax): output 'y' has the scale 0.5 and the zero point 0; an int8 softmax "
         "gives 0.00390625 and -128: quantise the model again"),
        (single("RESHAPE", [Part("x", (2,), "STRING", None)], Part("y", (2,), "STRING", None)),
         "tensor 'x' is of string, which no supported operator takes: see docs/operators.md"),
        (single("ADD", [Part("a", (1, 4), np.int8, Quant(-1.0)), Part("b", (1, 4))],
                Part("y", (1, 4))),
         "tensor 'a' has the scale -1, which must be positive and finite"),
    ]


def shapes() -> list[Refused]:
    """Shapes that do not fit, are open, or too large."""

    def relu(*shape: int) -> bytes:
        ends = [Part(name, shape, np.float32, None) for name in "xy"]
        return single("RELU", ends[:1], ends[1])

    infinite = fixed("w", [[np.inf]], np.float32, None)
    return [
        (single("ADD", [Part("a", (1, 4)), Part("b", (1, 3))], Part("y", (1, 4))),
         "node 'y' (add): inputs 'a' (int8 [1,4]) and 'b' (int8 [1,3]) do not broadcast: counted "
         "from the last, dimensions must be equal or 1: reshape one of them in the model"),
        (single("ADD", [Part("a", (1, 4)), Part("b", (1, 4))], Part("y", (1, 5))),
         "node 'y' (add): output 'y' is int8 [1,5] in the file, but add of these inputs gives int8 "
         "[1,4]: the file is inconsistent; convert the model again"),
        (relu(0, 4), "tensor 'x' has size 0 in dimension 0: convert the model with fixed shapes"),
        (relu(*[1] * 7), "tensor 'x' has 7 dimensions, of which 6 are supported: reshape it"),
        (relu(70000, 70000), "tensor 'x' (float32 [70000,70000]) is larger than 256 MiB: no "
         "supported core has such memory"),
        (single("FULLY_CONNECTED", [Part("x", (1, 1), np.float32, None), infinite],
                Part("y", (1, 1), np.float32, None)),
         "node 'y' (dense): its weights hold a value that is not finite (inf at 0); train or "
         "convert the model again"),
    ]


def graphs() -> list[Refused]:
    """Graphs that no run could follow."""

    def chain(*steps: tuple[str, str, str], inputs: str = "", outputs: str = "") -> bytes:
        model = Model()
        places: dict[str, int] = {}
        for name in dict.fromkeys(inputs + outputs + "".join(a + b for _, a, b in steps)):
            places[name] = model.main.tensor(name, (1, 4), np.float32)
        model.main.packed.inputs = [places[name] for name in inputs]
        model.main.packed.outputs = [places[name] for name in outputs]
        for operator, source, result in steps:
            model.main.op(operator, [places[source]], [places[result]])
        return model.pack()

    return [
        (chain(("RELU", "a", "b"), ("TANH", "b", "a"), outputs="b"),
         "node 'b' (clamp): its inputs depend on its own output, so no order of the nodes works: "
         "unroll the loop in the model, or convert it again"),
        (chain(("RELU", "a", "b"), outputs="b"),
         "tensor 'a' is read, but it is no input, no constant, and no operator makes it: the file "
         "is damaged"),
        (chain(("RELU", "a", "b"), ("TANH", "a", "b"), inputs="a", outputs="b"),
         "tensor 'b' is made twice, by node 'b' (RELU) and by node 'b' (TANH): the file is "
         "damaged"),
        (chain(inputs="a"), "the graph has no outputs, so there is nothing to compute"),
    ]


@pytest.mark.parametrize("make", [operators, weights, types, shapes, graphs])
def test_refused(make: Callable[[], list[Refused]], tmp_path: Path) -> None:
    """Status 1, one line, no file and no folder; every command says the same."""
    for data, message in make():
        (tmp_path / "model.tflite").write_bytes(data)
        done = mica("compile", "model.tflite", "-o", "out", status=1, cwd=tmp_path)
        assert done.stdout == "" and done.stderr == f"mica: model.tflite: {message}\n"
        assert [path.name for path in tmp_path.iterdir()] == ["model.tflite"]
        other = mica("inspect", "model.tflite", status=1, cwd=tmp_path)
        assert other.stderr == done.stderr


def test_too_large_for_avr(tmp_path: Path) -> None:
    """What the pointers of AVR cannot reach; other cores take the model."""
    ones = fixed("w", np.ones((300, 300)), np.int8, Quant(0.1))
    long = fixed("w", np.ones((2, 17000)), np.int8, Quant(0.1))
    wide = (1, 300, 150, 1)
    cases = [
        (single("FULLY_CONNECTED", [Part("x", (1, 300)), ones], Part("y", (1, 300))),
         "the constants take 948", "bytes; on AVR, pointers to program memory reach 65535: "),
        (single("FULLY_CONNECTED", [Part("x", (1, 17000)), long], Part("y", (1, 2))),
         "an array takes 34000", "bytes; on AVR, no array exceeds 32767: "),
        (single("ADD", [Part("a", wide), Part("b", (1, 1, 1, 1))], Part("y", wide)),
         "an array takes 45000", "bytes; on AVR, no array exceeds 32767: "),
    ]
    for data, begin, end in cases:
        (tmp_path / "big.tflite").write_bytes(data)
        words = ("compile", "big.tflite", "-o", "out", "--target")
        done = mica(*words, "avr", status=1, cwd=tmp_path)
        assert done.stderr.startswith(f"mica: big.tflite: {begin}")
        assert done.stderr.endswith(f"{end}choose a smaller model or another core\n")
        assert not (tmp_path / "out").exists()
        mica(*words, "cortex-m0", cwd=tmp_path)
        shutil.rmtree(tmp_path / "out")
