# SPDX-License-Identifier: Apache-2.0
"""Seeds for fuzzing the reader: `python -m conformance.seeds DIR` writes about 80 small files.

One small case of each operator and type, and models that use what single operators do not:
buffers outside the table, variable tensors, several subgraphs, metadata, every tensor type.
All are well-formed FlatBuffers; what a compiler does not support, it has to refuse by name.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Callable

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from .cases import families
from .model import NO_TENSOR, Graph, Model, Quant

CANDIDATES = 12
IMAGE = Quant(0.5, -3)


def add_network(graph: Graph, seed: int) -> None:
    """CONV_2D, DEPTHWISE_CONV_2D, ADD, MEAN, FULLY_CONNECTED and SOFTMAX in int8."""
    rng = np.random.default_rng(seed)

    def weights(name: str, shape: tuple[int, ...], axis: int) -> int:
        scales = rng.uniform(0.01, 0.1, shape[axis])
        return graph.const(name, rng.integers(-127, 128, shape), Quant(scales, 0, axis), np.int8)

    def bias(name: str, size: int) -> int:
        return graph.const(name, rng.integers(-99, 99, size), Quant([0.01] * size), np.int32)

    image = graph.input("image", (1, 6, 5, 2), np.int8, IMAGE)
    conv = graph.tensor("conv", (1, 3, 3, 4), np.int8, Quant(0.25, 5))
    graph.op(
        "CONV_2D",
        [image, weights("conv/w", (4, 3, 3, 2), 0), bias("conv/b", 4)],
        [conv],
        padding="SAME",
        stride_w=2,
        stride_h=2,
        fused_activation_function="RELU",
    )
    depthwise = graph.tensor("depthwise", (1, 3, 3, 4), np.int8, Quant(0.5, 1))
    graph.op(
        "DEPTHWISE_CONV_2D",
        [conv, weights("depthwise/w", (1, 3, 3, 4), 3), bias("depthwise/b", 4)],
        [depthwise],
        padding="SAME",
        stride_w=1,
        stride_h=1,
        depth_multiplier=1,
    )
    total = graph.tensor("sum", (1, 3, 3, 4), np.int8, Quant(0.6, -1))
    graph.op("ADD", [conv, depthwise], [total])
    mean = graph.tensor("mean", (1, 4), np.int8, Quant(0.3, 0))
    graph.op("MEAN", [total, graph.const("axes", [1, 2], dtype=np.int32)], [mean])
    dense = graph.tensor("dense", (1, 3), np.int8, Quant(0.2, 4))
    graph.op("FULLY_CONNECTED", [mean, weights("dense/w", (3, 4), 0), NO_TENSOR], [dense])
    result = graph.output("probabilities", (1, 3), np.int8, Quant(1 / 256, -128))
    graph.op("SOFTMAX", [dense], [result], beta=1.0)


def network(outside: bool) -> bytes:
    """A small network, with its buffers in the table or after it."""
    model = Model()
    add_network(model.main, 1)
    return model.pack(outside)


def described(outside: bool) -> bytes:
    """Metadata of several sizes, one of them naming an empty buffer."""
    model = Model("a description that a reader may show")
    add_network(model.main, 2)
    model.metadata("min_runtime_version", b"1.14.0\0\0\0\0\0\0\0\0\0\0")
    model.metadata("CONVERSION_METADATA", bytes(range(97)))
    model.metadata("", b"")
    return model.pack(outside)


def subgraphs(outside: bool) -> bytes:
    """Three subgraphs; the first initialises the second, the third is never called."""
    model = Model()
    main = model.main
    setup = model.graph("setup")
    add_network(model.graph("spare"), 3)
    source = main.input("x", (1, 4), np.float32)
    result = main.output("y", (1, 4), np.float32)
    main.op("CALL_ONCE", [], [], init_subgraph_index=model.graphs.index(setup))
    main.op("RELU", [source], [result])
    constant = setup.const("c", [1.0, 2.0], dtype=np.float32)
    setup.op("TANH", [constant], [setup.tensor("d", (2,), np.float32)])
    return model.pack(outside)


def state(outside: bool) -> bytes:
    """SVDF with a variable tensor."""
    rng = np.random.default_rng(4)
    model = Model()
    graph = model.main
    source = graph.input("frame", (1, 6), np.float32)
    feature = graph.const("feature", rng.standard_normal((4, 6)), dtype=np.float32)
    time = graph.const("time", rng.standard_normal((4, 5)), dtype=np.float32)
    kept = graph.tensor("state", (1, 20), np.float32, variable=True)
    result = graph.output("out", (1, 2), np.float32)
    graph.op("SVDF", [source, feature, time, NO_TENSOR, kept], [result], rank=2)
    return model.pack(outside)


def every_type(outside: bool) -> bytes:
    """A constant of every tensor type, used by nobody."""
    model = Model()
    graph = model.main
    names = [name for name in vars(schema.TensorType) if name.isupper()]
    for name in names:
        buffer = model.buffer(bytes(range(64)))
        graph.tensor(f"of_{name.lower()}", (2, 2), name, buffer=buffer)
    source = graph.input("x", (1, 2), np.float32)
    graph.op("RELU6", [source], [graph.output("y", (1, 2), np.float32)])
    return model.pack(outside)


def open_shapes(outside: bool) -> bytes:
    """A batch left open by the shape's signature."""
    model = Model()
    graph = model.main
    source = graph.tensor("x", (1, 3), np.float32, signature=(-1, 3))
    result = graph.tensor("y", (1, 3), np.float32, signature=(-1, 3))
    graph.packed.inputs.append(source)
    graph.packed.outputs.append(result)
    graph.op("LOGISTIC", [source], [result])
    return model.pack(outside)


def several_ends(outside: bool) -> bytes:
    """Two inputs and three outputs, one of them an input, one a constant; a dead operator."""
    model = Model()
    graph = model.main
    first = graph.input("a", (2, 3), np.float32)
    second = graph.input("b", (3,), np.float32)
    fixed = graph.const("c", np.arange(3), dtype=np.float32)
    graph.op("MUL", [first, second], [graph.output("product", (2, 3), np.float32)])
    graph.op("SUB", [second, fixed], [graph.tensor("unused", (3,), np.float32)])
    graph.packed.outputs += [first, fixed]
    return model.pack(outside)


def custom(outside: bool) -> bytes:
    """A custom operator with options of its own."""
    model = Model()
    graph = model.main
    source = graph.input("x", (1, 8), np.int8, IMAGE)
    result = graph.output("y", (1, 8), np.int8, IMAGE)
    graph.op("Frontend", [source], [result], custom=b"\x01\x02options\x00")
    return model.pack(outside)


def chain(outside: bool) -> bytes:
    """Views, constants to fold, and a padding and activation to fuse."""
    model = Model()
    graph = model.main
    source = graph.input("x", (1, 4, 4, 1), np.float32)
    half = graph.const("half", np.arange(4).reshape(1, 2, 2, 1), dtype=np.float16)
    kernel = graph.tensor("kernel", (1, 2, 2, 1), np.float32)
    graph.op("DEQUANTIZE", [half], [kernel])
    padded = graph.tensor("padded", (1, 5, 5, 1), np.float32)
    amounts = graph.const("pads", [[0, 0], [0, 1], [1, 0], [0, 0]], dtype=np.int32)
    graph.op("PAD", [source, amounts], [padded])
    conv = graph.tensor("conv", (1, 4, 4, 1), np.float32)
    bias = graph.const("bias", [0.5], dtype=np.float32)
    options = {"padding": "VALID", "stride_w": 1, "stride_h": 1}
    graph.op("CONV_2D", [padded, kernel, bias], [conv], **options)
    active = graph.tensor("active", (1, 4, 4, 1), np.float32)
    graph.op("RELU", [conv], [active])
    flat = graph.tensor("flat", (16,), np.float32)
    graph.op("RESHAPE", [active, graph.const("to", [-1], dtype=np.int32)], [flat])
    graph.op("HARD_SWISH", [flat], [graph.output("y", (16,), np.float32)])
    return model.pack(outside)


def no_operators(outside: bool) -> bytes:
    """The input is the output."""
    model = Model()
    graph = model.main
    graph.packed.outputs.append(graph.input("x", (1,), np.int8, IMAGE))
    return model.pack(outside)


SPECIAL: tuple[Callable[[bool], bytes], ...] = (
    network,
    described,
    subgraphs,
    state,
    every_type,
    open_shapes,
    several_ends,
    custom,
    chain,
    no_operators,
)


def write_seeds(folder: Path) -> int:
    """Write all seeds; return their number."""
    folder.mkdir(parents=True, exist_ok=True)
    seeds: dict[str, bytes] = {}
    for build in SPECIAL:
        seeds[build.__name__] = build(False)
        seeds[build.__name__ + "-outside"] = build(True)
    for specs in families().values():
        if not specs[0].required:
            continue
        models = {spec.name: spec.build().model for spec in specs[:CANDIDATES]}
        smallest = min(models, key=lambda name: len(models[name]))
        seeds[smallest] = models[smallest]
    for name, data in seeds.items():
        (folder / f"{name}.tflite").write_bytes(data)
    return len(seeds)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m conformance.seeds DIR")
    print(f"{write_seeds(Path(sys.argv[1]))} seeds in {sys.argv[1]}")
