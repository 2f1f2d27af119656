# SPDX-License-Identifier: Apache-2.0
"""Small models that several tests use, and a short way to write those that must be refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Sequence

import numpy as np

from conformance.model import NO_TENSOR, Model, Quant
from support import random_inputs

QUANT = Quant(0.1, 0)


def two_ends(folder: Path) -> tuple[Path, list[np.ndarray]]:
    """Two inputs and four outputs, a tensor read thrice, outputs that are read again."""
    rng = np.random.default_rng(5)
    quant, narrow = Quant(0.05, -3), Quant(0.03, 5)
    model = Model()
    graph = model.main
    first = graph.input("first/image:0", (1, 6, 5, 4), np.int8, quant)
    second = graph.input("second*/", (1, 1, 1, 4), np.int8, narrow)
    total = graph.output("1 sum", (1, 6, 5, 4), np.int8, quant)
    graph.op("ADD", [first, second], [total])
    weights = graph.const("w", rng.integers(-127, 128, (3, 3, 3, 4)), Quant(0.01), np.int8)
    conv = graph.tensor("conv", (1, 6, 5, 3), np.int8, narrow)
    bias = graph.const("b", rng.integers(-99, 99, 3), Quant(0.0005), np.int32)
    graph.op("CONV_2D", [total, weights, bias], [conv], padding="SAME", stride_w=1, stride_h=1)
    joined = graph.output("joined", (1, 6, 5, 7), np.int8, narrow)
    requantised = graph.tensor("requantised", (1, 6, 5, 4), np.int8, narrow)
    graph.op("QUANTIZE", [total], [requantised])
    graph.op("CONCATENATION", [conv, requantised], [joined], axis=3)
    flat = graph.output("flat", (1, 90), np.int8, narrow)
    graph.op("RESHAPE", [conv, graph.const("shape", [1, -1], dtype=np.int32)], [flat])
    dense = graph.output("last/dense", (1, 5), np.int8, quant)
    last = graph.const("v", rng.integers(-127, 128, (5, 90)), Quant(0.01), np.int8)
    graph.op("FULLY_CONNECTED", [flat, last], [dense])
    path = folder / "two_ends.tflite"
    path.write_bytes(model.pack())
    shapes = ((1, 6, 5, 4), (1, 1, 1, 4))
    return path, [random_inputs(shape, np.int8, 4, seed) for seed, shape in enumerate(shapes)]


def unread(folder: Path) -> tuple[Path, list[np.ndarray]]:
    """An input that nothing reads: a shape that is fixed when the model is compiled."""
    model = Model()
    graph = model.main
    source = graph.input("x", (1, 4), np.int8, QUANT)
    shape = graph.input("shape", (2,), np.int32)
    graph.op("RESHAPE", [source, shape], [graph.output("y", (2, 2), np.int8, QUANT)])
    path = folder / "unread.tflite"
    path.write_bytes(model.pack())
    shapes = np.full((4, 2), 2, np.int32)
    return path, [random_inputs((1, 4), np.int8, 4), shapes]


def doubled(folder: Path, shape: Sequence[int] = (1, 3)) -> Path:
    """y = x + x in float32."""
    model = Model()
    source = model.main.input("x", shape, np.float32)
    model.main.op("ADD", [source, source], [model.main.output("y", shape, np.float32)])
    path = folder / "doubled.tflite"
    path.write_bytes(model.pack())
    return path


class Part:
    """A tensor of a model in one line: computed or given at run time, or with values a constant."""

    def __init__(
        self,
        name: str,
        shape: Sequence[int] = (),
        dtype: Any = np.int8,
        quant: Quant | None = QUANT,
        values: Any = None,
    ) -> None:
        self.name, self.shape, self.dtype, self.quant = name, shape, dtype, quant
        self.values = values


def fixed(name: str, values: Any, dtype: Any = np.int8, quant: Quant | None = QUANT) -> Part:
    """A constant."""
    return Part(name, (), dtype, quant, values)


def single(operator: str, parts: Sequence[Part | None], result: Part, **options: Any) -> bytes:
    """A model of one operator, which need not make sense."""
    model = Model()
    graph = model.main
    indices = []
    for part in parts:
        if part is None:
            indices.append(NO_TENSOR)
        elif part.values is not None:
            indices.append(graph.const(part.name, part.values, part.quant, part.dtype))
        else:
            indices.append(graph.input(part.name, part.shape, part.dtype, part.quant))
    output = graph.output(result.name, result.shape, result.dtype, result.quant)
    graph.op(operator, indices, [output], **options)
    return model.pack()
