# SPDX-License-Identifier: Apache-2.0
"""Channels that change no output are taken out, and every bit of every output stays.

Random graphs with zero weights in every place, compared with `--keep-channels` and, for a share
of them, with the reference interpreters; the reference model that has most such channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from conformance.draw import ACTIVATIONS, Draw
from conformance.model import FILE_IDENTIFIER, Model, Quant, _AlignedBuilder
from conformance.oracle import Refused, run_litert, run_tflm
from support import ALL, evaluate, inspect, random_inputs, reference_model

GRAPHS = 6000 if ALL else 320
GRAPHS_A_TEST = 100 if ALL else 16
ORACLE_SHARE = 0.3
INPUT_SETS = 4
INT8_DEVIATION = 74.0
KEEP = ("eval", "--keep-channels")


@dataclass(frozen=True)
class Value:
    """A tensor of the graph that is being drawn."""

    index: int
    shape: tuple[int, ...]
    quant: Quant | None


class Net:
    """A random graph, layer by layer; the last value is the first output."""

    def __init__(self, seed: int) -> None:
        self.draw = Draw(seed)
        self.is_float = self.draw.chance(0.2)
        self.profile = self.draw.pick(["tflm", "tflm", "single", "litert"])
        self.dtype = np.float32 if self.is_float else np.int8
        self.model = Model("random channels")
        self.graph = self.model.main
        size = self.draw.integer(2, 7)
        self.shape = (1, size, self.draw.integer(2, 7), self.draw.integer(1, 5))
        quant = None if self.is_float else Quant(self.draw.power(-6, -3), self.draw.zero_point())
        index = self.graph.input("input", self.shape, self.dtype, quant)
        self.values = [Value(index, self.shape, quant)]
        self.count = 0

    # ---- parts ----

    def name(self, kind: str) -> str:
        """A name that no other tensor has."""
        self.count += 1
        return f"{kind}{self.count}"

    def result(self, shape: tuple[int, ...], quant: Quant | None) -> Value:
        """A new tensor for an operator to write."""
        index = self.graph.tensor(self.name("t"), shape, self.dtype, quant)
        return Value(index, shape, quant)

    def add(self, kind: str, inputs: list[int], output: Value, **options: Any) -> Value:
        """An operator, whose output later layers may read."""
        self.graph.op(kind, inputs, [output.index], **options)
        self.values.append(output)
        return output

    def whole(self, values: Any) -> int:
        """A constant of int32: a shape, axes, paddings."""
        return self.graph.const(self.name("c"), values, dtype=np.int32)

    def near_quant(self, scale: float) -> Quant | None:
        """An output's quantisation around a scale; the zero point is often the smallest number."""
        if self.is_float:
            return None
        zero = -128 if self.draw.chance(0.5) else self.draw.zero_point()
        return Quant(float(np.float32(scale * self.draw.power(-1, 1))), zero)

    def mask(self, count: int) -> np.ndarray:
        """Which channels have weights; now and then none has."""
        if self.draw.chance(0.05):
            return np.zeros(count, bool)
        return self.draw.rng.random(count) > self.draw.pick([0.0, 0.3, 0.3, 0.7])

    def weighted(
        self, x: Value, shape: tuple[int, ...], axis: int, inputs: int | None
    ) -> tuple[list[int], Quant | None]:
        """Weights with zero channels along `axis` and in `inputs` channels of the last axis."""
        rng, outs = self.draw.rng, shape[axis]
        values = rng.standard_normal(shape) if self.is_float else rng.integers(-127, 128, shape)
        along = [1] * len(shape)
        along[axis] = outs
        mask = self.mask(outs)
        values = values * mask.reshape(along)
        if inputs and self.draw.chance(0.4):
            values = values * np.resize(self.mask(inputs), shape[-1])
        if self.is_float:
            weights = self.graph.const(self.name("w"), values, dtype=np.float32)
            bias = rng.standard_normal(outs) * (mask | (rng.random(outs) < 0.3))
            return [weights, self.graph.const(self.name("b"), bias, dtype=np.float32)], None
        depth = max(1, values.size // outs)
        scales = np.float32(self.draw.power(-9, -6) * np.ones(outs))
        if self.draw.chance(0.7):
            scales = (scales * 2.0 ** rng.uniform(-1, 1, outs)).astype(np.float32)
            quant = Quant(scales, 0, axis)
        else:
            quant = Quant(float(scales[0]))
        assert x.quant is not None
        out = self.near_quant(
            float(x.quant.scale * np.median(scales) * np.sqrt(depth) * INT8_DEVIATION**2 / 40)
        )
        assert out is not None
        reach = 60 * out.scale / (x.quant.scale * scales)
        bias = np.where(rng.random(outs) < 0.3, 0, rng.uniform(-1, 1, outs) * reach)
        parts = [self.graph.const(self.name("w"), values, quant, np.int8)]
        if self.profile == "litert" or self.draw.chance(0.9):  # LiteRT wants a bias
            bias_quant = Quant(np.float32(x.quant.scale * scales), 0, 0)
            parts.append(self.graph.const(self.name("b"), bias, bias_quant, np.int32))
        return parts, out

    # ---- layers: each returns a new value, or None where the input has not the shape for it ----

    def window(self, x: Value) -> tuple[dict[str, Any], int, int, tuple[int, int]] | None:
        """Options, kernel and output size of something that moves over an image."""
        if len(x.shape) != 4:
            return None
        padding = self.draw.pick(["SAME", "VALID"])
        stride_h, stride_w = self.draw.pick([(1, 1), (1, 1), (2, 2), (1, 2)])
        kernel = [self.draw.pick([1, 2, 3]) for _ in range(2)]
        sizes = []
        for axis, stride in ((0, stride_h), (1, stride_w)):
            size = x.shape[1 + axis]
            kernel[axis] = min(kernel[axis], size)
            span = size if padding == "SAME" else size - kernel[axis] + 1
            sizes.append(-(-span // stride))
        options = {
            "padding": padding,
            "stride_h": stride_h,
            "stride_w": stride_w,
            "fused_activation_function": self.draw.pick(ACTIVATIONS),
        }
        return options, kernel[0], kernel[1], (sizes[0], sizes[1])

    def conv(self, x: Value) -> Value | None:
        """A convolution."""
        window = self.window(x)
        if not window:
            return None
        options, height, width, size = window
        outs = self.draw.integer(1, 9)
        parts, quant = self.weighted(x, (outs, height, width, x.shape[3]), 0, x.shape[3])
        return self.add(
            "CONV_2D",
            [x.index, *parts],
            self.result((1, *size, outs), quant),
            dilation_h_factor=1,
            dilation_w_factor=1,
            **options,
        )

    def depthwise(self, x: Value) -> Value | None:
        """A depthwise convolution."""
        window = self.window(x)
        if not window:
            return None
        options, height, width, size = window
        if options["stride_h"] != options["stride_w"]:
            return None
        multiplier = self.draw.pick([1, 1, 2])
        outs = x.shape[3] * multiplier
        parts, quant = self.weighted(x, (1, height, width, outs), 3, None)
        return self.add(
            "DEPTHWISE_CONV_2D",
            [x.index, *parts],
            self.result((1, *size, outs), quant),
            dilation_h_factor=1,
            dilation_w_factor=1,
            depth_multiplier=multiplier,
            **options,
        )

    def dense(self, x: Value) -> Value | None:
        """A fully connected layer over all of its input."""
        ins, outs = int(np.prod(x.shape)), self.draw.integer(1, 9)
        parts, quant = self.weighted(x, (outs, ins), 0, x.shape[-1])
        return self.add(
            "FULLY_CONNECTED",
            [x.index, *parts],
            self.result((1, outs), quant),
            fused_activation_function=self.draw.pick(ACTIVATIONS),
        )

    def pool(self, x: Value) -> Value | None:
        """An average or the largest of windows, sometimes of the whole image."""
        window = self.window(x)
        if not window:
            return None
        options, height, width, size = window
        if self.draw.chance(0.3):
            options |= {"padding": "VALID", "stride_h": 1, "stride_w": 1}
            height, width, size = x.shape[1], x.shape[2], (1, 1)
        return self.add(
            self.draw.pick(["AVERAGE_POOL_2D", "MAX_POOL_2D"]),
            [x.index],
            self.result((1, *size, x.shape[3]), x.quant),
            filter_height=height,
            filter_width=width,
            **options,
        )

    def mean(self, x: Value) -> Value | None:
        """The average over an image."""
        if len(x.shape) != 4:
            return None
        keep = self.draw.chance(0.5)
        shape = (1, 1, 1, x.shape[3]) if keep else (1, x.shape[3])
        quant = x.quant if self.draw.chance(0.5) else self.near_quant(self.scale_of(x))
        return self.add(
            "MEAN", [x.index, self.whole([1, 2])], self.result(shape, quant), keep_dims=keep
        )

    def scale_of(self, x: Value) -> float:
        """The scale of a value, 1 for floats."""
        return float(x.quant.scale) if x.quant else 1.0

    def binary(self, x: Value) -> Value | None:
        """A sum, difference or product with another value, itself, or constants a channel."""
        kind = self.draw.pick(["ADD", "ADD", "SUB", "MUL"])
        same = [value for value in self.values if value.shape == x.shape]
        other, quant = self.draw.pick(same), x.quant
        index = other.index
        if self.draw.chance(0.3):
            shape = self.draw.pick([(x.shape[-1],), (1,)])
            if self.is_float:
                values = np.round(self.draw.rng.standard_normal(shape))
                index = self.graph.const(self.name("k"), values, dtype=np.float32)
            else:
                quant = Quant(self.draw.power(-6, -3), self.draw.zero_point())
                index = self.graph.const(self.name("k"), self.draw.integers(shape), quant)
        else:
            quant = other.quant
        scale = 1.0
        if x.quant and quant:
            scale = float(max(x.quant.scale, quant.scale))
            scale = float(x.quant.scale * quant.scale * 64) if kind == "MUL" else scale
        return self.add(
            kind,
            [x.index, index],
            self.result(x.shape, self.near_quant(scale)),
            fused_activation_function=self.draw.pick(ACTIVATIONS),
        )

    def unary(self, x: Value) -> Value | None:
        """A function of one number."""
        kind = self.draw.pick(["RELU", "RELU6", "LOGISTIC", "TANH", "LEAKY_RELU", "QUANTIZE"])
        fixed = {"LOGISTIC": Quant(1 / 256, -128), "TANH": Quant(1 / 128, 0)}
        if self.is_float:
            kind = "RELU" if kind == "QUANTIZE" else kind
            quant = None
        else:
            quant = fixed.get(kind) or self.near_quant(self.scale_of(x))
            if kind == "RELU6":
                quant = x.quant
        options = {"alpha": 0.25} if kind == "LEAKY_RELU" else {}
        return self.add(kind, [x.index], self.result(x.shape, quant), **options)

    def concat(self, x: Value) -> Value | None:
        """Values of one scale side by side."""
        fits = [
            value
            for value in self.values
            if value.shape[:-1] == x.shape[:-1] and value.quant == x.quant
        ]
        chosen = [x, *(self.draw.pick(fits) for _ in range(self.draw.integer(1, 2)))]
        channels = sum(value.shape[-1] for value in chosen)
        return self.add(
            "CONCATENATION",
            [value.index for value in chosen],
            self.result((*x.shape[:-1], channels), x.quant),
            axis=len(x.shape) - 1,
        )

    def pad(self, x: Value) -> Value | None:
        """Zeros around an image."""
        if len(x.shape) != 4 or x.shape[1] > 8:
            return None
        before, after = self.draw.integer(0, 1), self.draw.integer(0, 2)
        shape = (1, x.shape[1] + before + after, x.shape[2] + after, x.shape[3])
        pads = [[0, 0], [before, after], [0, after], [0, 0]]
        return self.add("PAD", [x.index, self.whole(pads)], self.result(shape, x.quant))

    def flatten(self, x: Value) -> Value | None:
        """One vector of all elements."""
        shape = (1, int(np.prod(x.shape)))
        return self.add("RESHAPE", [x.index, self.whole(shape)], self.result(shape, x.quant))

    def softmax(self, x: Value) -> Value | None:
        """An operator that needs every channel."""
        quant = None if self.is_float else Quant(1 / 256, -128)
        return self.add("SOFTMAX", [x.index], self.result(x.shape, quant), beta=1.0)

    # ---- the whole ----

    def grow(self) -> None:
        """Layers, mostly on the last value; the last makes an output that is not cut."""
        heavy: list[Callable[[Value], Value | None]] = [self.conv, self.conv, self.depthwise]
        light = [self.binary, self.pool, self.unary, self.concat, self.pad, self.mean, self.dense]
        rare = [self.flatten, self.softmax, self.binary]
        for _ in range(self.draw.integer(3, 10)):
            layer = self.draw.pick(heavy * 6 + light * 2 + rare)
            x = self.values[-1] if self.draw.chance(0.8) else self.draw.pick(self.values)
            layer(x)
        self.dense(self.values[-1]) if self.draw.chance(0.5) else self.conv(self.values[-1])

    def pack(self) -> tuple[bytes, list[str]]:
        """The file and the names of its outputs."""
        self.grow()
        outputs = [self.values[-1].index]
        if self.draw.chance(0.2) and len(self.values) > 3:
            outputs.append(self.draw.pick(self.values[1:-1]).index)
        self.graph.packed.outputs = outputs
        return self.model.pack(), [self.graph.packed.tensors[index].name for index in outputs]


def bits(arrays: list[np.ndarray]) -> list[bytes]:
    """What must be equal: NaNs and the signs of zeros too."""
    return [array.tobytes() for array in arrays]


def check_graph(seed: int, folder: Path) -> bool:
    """Compare one graph; true where something was taken out of it."""
    net = Net(seed)
    data, names = net.pack()
    path = folder / f"graph{seed}.tflite"
    path.write_bytes(data)
    shape = net.values[0].shape
    inputs = random_inputs(shape, net.dtype, INPUT_SETS, seed)
    profile = net.profile
    cut = evaluate(path, folder, [inputs], names, profile)
    kept = evaluate(path, folder, [inputs], names, profile, KEEP)
    assert bits(cut) == bits(kept), f"graph {seed}, profile {profile}"
    figures = inspect(path, "--profile", profile)["total"]
    if profile != "single" and not net.is_float and net.draw.chance(ORACLE_SHARE):
        oracle = run_tflm if profile == "tflm" else run_litert
        try:
            want = oracle(data, {"input": inputs})
        except Refused as refused:
            pytest.fail(f"graph {seed}: {profile} says {refused}")
        assert np.array_equal(want.reshape(cut[0].shape), cut[0]), f"graph {seed}, {profile}"
    path.unlink()
    return figures["weights_removed"] > 0


@pytest.mark.parametrize("start", range(0, GRAPHS, GRAPHS_A_TEST))
def test_random_graphs(start: int, tmp_path: Path) -> None:
    """Every bit stays, and many of the graphs lose something."""
    removed = sum(check_graph(seed, tmp_path) for seed in range(start, start + GRAPHS_A_TEST))
    assert removed * 6 > GRAPHS_A_TEST


def with_logits(path: Path) -> bytes:
    """The model without the softmax at its end, which rounds most differences away."""
    model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    graph = model.subgraphs[0]
    graph.outputs = [graph.operators.pop().inputs[0]]
    model.signatureDefs = None
    builder = _AlignedBuilder(1 << 20)
    builder.Finish(model.Pack(builder), FILE_IDENTIFIER)
    return bytes(builder.Output())


def test_reference_model(tmp_path: Path) -> None:
    """Half of the work of the person detector is for nothing; its logits are the same without."""
    data = with_logits(reference_model("vww_mobilenet_int8"))
    path = tmp_path / "logits.tflite"
    path.write_bytes(data)
    facts = inspect(path)
    total = facts["total"]
    assert total["weights_read"] == 208112 and total["zero_weights"] == 172258
    assert total["weights_read"] - total["weights_removed"] == 29286
    assert total["macs"] == 3733073 and total["macs_removed"] == 7489664 - 3733073
    noise = random_inputs(facts["inputs"][0]["shape"], np.int8, 40 if ALL else 6)
    blocks = noise[:, :, ::16, ::16].repeat(16, 2).repeat(16, 3)
    inputs = np.concatenate([noise, blocks])
    cut = evaluate(path, tmp_path, [inputs])
    assert bits(cut) == bits(evaluate(path, tmp_path, [inputs], command=KEEP))
    assert len(np.unique(cut[0])) > len(inputs) // 2
