# SPDX-License-Identifier: Apache-2.0
"""Random graphs for the row schedule: a seed makes a model of every structure that rows meet.

Chains of convolutions, pools and pointwise operators, residuals with and without a stride,
branches that are joined again, broadcasting, sums, vectors, axes that move, several inputs and
outputs, batches and time series; int8 or float32.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable

import numpy as np

from conformance.case import Operand
from conformance.cases_conv import window_extent
from conformance.draw import ACTIVATIONS, Draw
from conformance.model import Model, Quant

ELEMENTS_MAX = 3000
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Value:
    """A tensor that is computed or given."""

    index: int
    shape: Shape
    quant: Quant | None


@dataclass
class RowsGraph:
    """A model, its inputs and the names of its outputs."""

    name: str
    model: bytes
    inputs: dict[str, np.ndarray]
    outputs: list[str]

    @property
    def can_push(self) -> bool:
        """It has one input of several rows, so that it may come row by row."""
        return len(self.inputs) == 1 and rows_of(next(iter(self.inputs.values())).shape[1:]) > 1


def rows_of(shape: Shape) -> int:
    """What is scheduled as rows: all leading axes down to height or time."""
    return int(np.prod(shape[:2])) if len(shape) > 2 else shape[0] if len(shape) == 2 else 1


@dataclass
class Grower:
    """A graph under construction."""

    draw: Draw
    dtype: Any
    model: Model = field(default_factory=Model)
    inputs: dict[str, Operand] = field(default_factory=dict)
    values: list[Value] = field(default_factory=list)

    # ---- tensors

    def quant(self) -> Quant | None:
        """Of an activation."""
        if self.dtype == np.float32:
            return None
        return Quant(self.draw.power(-5.5, -3.5), self.draw.integer(-30, 30))

    def fresh(self, shape: Shape, quant: Quant | None = None) -> Value:
        """A tensor that an operator writes."""
        quant = quant or self.quant()
        name = f"t{len(self.model.main.packed.tensors)}"
        value = Value(self.model.main.tensor(name, shape, self.dtype, quant), shape, quant)
        self.values.append(value)
        return value

    def source(self, shape: Shape) -> Value:
        """One more input."""
        quant, name = self.quant(), f"in{len(self.inputs)}"
        index = self.model.main.input(name, shape, self.dtype, quant)
        self.inputs[name] = Operand(name, shape, self.dtype, quant)
        self.values.append(Value(index, shape, quant))
        return self.values[-1]

    def constant(self, shape: Shape) -> Value:
        """Random numbers in flash."""
        quant = self.quant()
        numbers = self.draw.rng.standard_normal(shape).astype(np.float32)
        if quant:
            numbers = self.draw.integers(shape)
        return Value(self.model.main.const("c", numbers, quant), shape, quant)

    def numbers(self, values: Any) -> int:
        """A constant of int32: a shape, axes, amounts."""
        return self.model.main.const("n", values, dtype=np.int32)

    def weights(self, x: Value, shape: Shape, axis: int, out: Value) -> list[int]:
        """Weights and bias that use the output's range, per tensor or per channel."""
        rng, n = self.draw.rng, shape[axis]
        taps = int(np.prod(shape)) // n
        if self.dtype == np.float32:
            numbers = (rng.standard_normal(shape) / np.sqrt(taps)).astype(np.float32)
            bias = rng.standard_normal(n).astype(np.float32)
            return [self.model.main.const("w", numbers), self.model.main.const("b", bias)]
        assert x.quant and out.quant
        scale = np.float32(out.quant.scale / x.quant.scale / (np.sqrt(taps) * 140))
        scales = np.full(n, scale)
        if self.draw.chance(0.5):
            scales = (scale * 2 ** rng.uniform(-1, 1, n)).astype(np.float32)
        quant = Quant(scales if n > 1 else float(scales[0]), 0, axis)
        bias_quant = Quant((scales * np.float32(x.quant.scale)).astype(np.float32))
        reach = int(np.sqrt(taps) * 2000)
        graph = self.model.main
        return [
            graph.const("w", rng.integers(-127, 128, shape), quant, np.int8),
            graph.const("b", rng.integers(-reach, reach + 1, n), bias_quant, np.int32),
        ]

    # ---- windows

    def window(self, x: Value, kernel: tuple[int, int], fixed: dict[str, Any]) -> dict[str, Any]:
        """Options of a window over x, and its output's height and width under "out"."""
        options: dict[str, Any] = {"padding": self.draw.pick(["SAME", "VALID"])}
        for axis, size in zip("hw", kernel):
            options["stride_" + axis] = self.draw.pick([1, 1, 1, 2, 2, 3])
            options["dilation_" + axis] = self.draw.pick([1, 1, 1, 2, 3]) if size > 1 else 1
        options |= fixed
        out = []
        for place, axis in enumerate("hw"):
            name = f"dilation_{axis}"
            if x.shape[1 + place] < (kernel[place] - 1) * options[name] + 1:
                options["padding"] = "SAME"
        for place, axis in enumerate("hw"):
            step, wide = options["stride_" + axis], options.pop("dilation_" + axis)
            size, taps, padding = x.shape[1 + place], kernel[place], options["padding"]
            out.append(window_extent(size, taps, step, wide, padding))
            if "pool" not in fixed:
                options[f"dilation_{axis}_factor"] = wide
        options.pop("pool", None)
        return {"out": tuple(out), "options": options}

    def kernel(self, x: Value) -> tuple[int, int]:
        """Mostly 3x3 and 1x1; a dimension of one gets a window of one."""
        sizes = self.draw.pick([(1, 1), (3, 3), (3, 3), (3, 3), (2, 2), (5, 3), (1, 4), (4, 1)])
        return (sizes[0] if x.shape[1] > 1 else 1, sizes[1] if x.shape[2] > 1 else 1)

    def conv(self, x: Value, quant: Quant | None = None, channels: int = 0, **fixed: Any) -> Value:
        """CONV_2D."""
        kernel = fixed.pop("kernel", None) or self.kernel(x)
        window = self.window(x, kernel, fixed)
        channels = channels or self.draw.integer(1, 9)
        out = self.fresh((x.shape[0], *window["out"], channels), quant)
        weights = self.weights(x, (channels, *kernel, x.shape[3]), 0, out)
        options = window["options"] | {"fused_activation_function": self.draw.pick(ACTIVATIONS)}
        self.model.main.op("CONV_2D", [x.index, *weights], [out.index], **options)
        return out

    def depthwise(self, x: Value) -> Value:
        """DEPTHWISE_CONV_2D."""
        kernel, many = self.kernel(x), self.draw.pick([1, 1, 1, 2])
        window, channels = self.window(x, kernel, {}), x.shape[3] * many
        out = self.fresh((x.shape[0], *window["out"], channels))
        weights = self.weights(x, (1, *kernel, channels), 3, out)
        options = window["options"] | {"depth_multiplier": many}
        self.model.main.op("DEPTHWISE_CONV_2D", [x.index, *weights], [out.index], **options)
        return out

    def pool(self, x: Value, **fixed: Any) -> Value:
        """MAX_POOL_2D, AVERAGE_POOL_2D."""
        kernel = fixed.pop("kernel", None) or self.kernel(x)
        plain = {"dilation_h": 1, "dilation_w": 1, "pool": True}
        window = self.window(x, kernel, plain | fixed)
        out = self.fresh((x.shape[0], *window["out"], x.shape[3]), x.quant)
        kind = self.draw.pick(["MAX_POOL_2D", "AVERAGE_POOL_2D"])
        sizes = {"filter_height": kernel[0], "filter_width": kernel[1]}
        self.model.main.op(kind, [x.index], [out.index], **sizes, **window["options"])
        return out

    def global_pool(self, x: Value) -> Value:
        """A pool over all of an image."""
        return self.pool(x, kernel=x.shape[1:3], padding="VALID", stride_h=1, stride_w=1)

    def padded_conv(self, x: Value) -> Value:
        """PAD, mostly before a convolution that takes it in."""
        amounts = self.draw.rng.integers(0, 3, (4, 2)) * [[0], [1], [1], [0]]
        shape = tuple(int(v) for v in x.shape + amounts.sum(axis=1))
        out = self.fresh(shape, x.quant)
        self.model.main.op("PAD", [x.index, self.numbers(amounts)], [out.index])
        return self.conv(out, padding="VALID") if self.draw.chance(0.7) else out

    # ---- pointwise

    def unary(self, x: Value) -> Value:
        """A function of one value."""
        kind = self.draw.pick(["RELU", "RELU6", "LEAKY_RELU", "TANH", "LOGISTIC", "HARD_SWISH"])
        quant = {"TANH": Quant(1 / 128, 0), "LOGISTIC": Quant(1 / 256, -128)}.get(kind)
        out = self.fresh(x.shape, quant if self.dtype == np.int8 else None)
        options = {"alpha": 0.25} if kind == "LEAKY_RELU" else {}
        self.model.main.op(kind, [x.index], [out.index], **options)
        return out

    def requantise(self, x: Value, quant: Quant | None) -> Value:
        """The same numbers under another scale; float32 has none."""
        if x.quant == quant:
            return x
        out = self.fresh(x.shape, quant)
        self.model.main.op("QUANTIZE", [x.index], [out.index])
        return out

    def binary(self, x: Value, y: Value, kind: str = "") -> Value:
        """ADD, SUB or MUL; one of the two has the output's shape."""
        kind = kind or self.draw.pick(["ADD", "SUB", "MUL"])
        shape = tuple(int(v) for v in np.broadcast_shapes(x.shape, y.shape))
        out = self.fresh(shape)
        pair = [x.index, y.index] if self.draw.chance(0.7) else [y.index, x.index]
        options = {"fused_activation_function": self.draw.pick(ACTIVATIONS)}
        self.model.main.op(kind, pair, [out.index], **options)
        return out

    def with_constant(self, x: Value) -> Value:
        """A constant that is broadcast: scalar, by channel, by row, or of the same shape."""
        by_row = x.shape[:-1] + (1,)
        shape = self.draw.pick([(1,), x.shape[-1:], x.shape[-1:], x.shape, by_row, x.shape[2:]])
        return self.binary(x, self.constant(shape or (1,)))

    def with_earlier(self, x: Value) -> Value:
        """Another tensor of the graph that fits, or one more input."""
        fitting = [v for v in self.values if v.shape == x.shape and v.index != x.index]
        if not fitting and self.draw.chance(0.5):
            ones = tuple(1 if i < len(x.shape) - 1 else n for i, n in enumerate(x.shape))
            return self.binary(x, self.source(self.draw.pick([x.shape, x.shape, ones])))
        return self.binary(x, self.draw.pick(fitting) if fitting else x)

    # ---- branches

    def residual(self, x: Value) -> Value:
        """Two convolutions beside the identity or, with a stride, beside a convolution 1x1."""
        stride = self.draw.pick([1, 1, 2])
        step = {"stride_h": stride, "stride_w": stride, "padding": "SAME"}
        one = {"stride_h": 1, "stride_w": 1, "padding": "SAME"}
        channels = x.shape[3] if stride == 1 else self.draw.integer(2, 9)
        body = self.conv(x, kernel=(3, 3), dilation_h=1, dilation_w=1, **step)
        body = self.conv(body, channels=channels, kernel=(3, 3), **one)
        side = x if stride == 1 else self.conv(x, channels=channels, kernel=(1, 1), **step)
        return self.binary(body, side, "ADD")

    def branches(self, x: Value) -> Value:
        """Two to four ways of unlike depth, joined along the channels."""
        quant, one = self.quant(), {"stride_h": 1, "stride_w": 1, "padding": "SAME"}
        parts = []
        for _ in range(self.draw.integer(2, 4)):
            kind = self.draw.integer(0, 3)
            if kind == 0:
                parts.append(self.requantise(x, quant))
            elif kind == 1:
                pooled = self.pool(x, kernel=(3, 3), **one)
                parts.append(self.conv(pooled, quant, kernel=(1, 1), **one))
            else:
                middle = self.conv(x, kernel=(1, 1), **one) if kind == 2 else x
                size = self.draw.pick([1, 3, 5])
                parts.append(self.conv(middle, quant, kernel=(size, size), **one))
        return self.concat(parts, len(x.shape) - 1)

    def concat(self, parts: list[Value], axis: int) -> Value:
        """CONCATENATION."""
        shape = list(parts[0].shape)
        shape[axis] = sum(part.shape[axis] for part in parts)
        out = self.fresh(tuple(shape), parts[0].quant)
        self.model.main.op("CONCATENATION", [p.index for p in parts], [out.index], axis=axis)
        return out

    def doubled(self, x: Value) -> Value:
        """Joined with itself along any axis but the first."""
        return self.concat([x, x], self.draw.integer(1, len(x.shape) - 1))

    # ---- sums, vectors, shapes

    def mean(self, x: Value) -> Value:
        """MEAN over height, width or both, axes kept."""
        axes = self.draw.pick([[1, 2], [1, 2], [1], [2]])
        shape = tuple(1 if i in axes else n for i, n in enumerate(x.shape))
        out = self.fresh(shape)
        self.model.main.op("MEAN", [x.index, self.numbers(axes)], [out.index], keep_dims=True)
        return out

    def dense(self, x: Value, most: int = 10) -> Value:
        """FULLY_CONNECTED on the last axis, to at most so many outputs."""
        n = self.draw.integer(1, most)
        keep = len(x.shape) > 2
        shape = (*x.shape[:-1], n)
        out = self.fresh(shape)
        weights = self.weights(x, (n, x.shape[-1]), 0, out)
        options = {"fused_activation_function": self.draw.pick(ACTIVATIONS), "keep_num_dims": keep}
        self.model.main.op("FULLY_CONNECTED", [x.index, *weights], [out.index], **options)
        return out

    def softmax(self, x: Value) -> Value:
        """SOFTMAX."""
        quant = Quant(1 / 256, -128) if self.dtype == np.int8 else None
        out = self.fresh(x.shape, quant)
        self.model.main.op("SOFTMAX", [x.index], [out.index], beta=1.0)
        return out

    def reshape(self, x: Value, shape: Shape) -> Value:
        """RESHAPE."""
        out = self.fresh(shape, x.quant)
        self.model.main.op("RESHAPE", [x.index, self.numbers(shape)], [out.index])
        return out

    def other_rows(self, x: Value) -> Value:
        """The same elements as other rows, or as rows of other pixels."""
        n, h, w, c = x.shape
        shapes = [(n, h * w, 1, c), (n, 1, h * w, c), (n, h, w * c, 1), (n, w, h, c)]
        return self.reshape(x, self.draw.pick(shapes))

    def transpose(self, x: Value) -> Value:
        """The axes of an image in another order."""
        order = self.draw.pick([[0, 2, 1, 3], [0, 1, 3, 2], [0, 3, 1, 2]])
        out = self.fresh(tuple(x.shape[i] for i in order), x.quant)
        self.model.main.op("TRANSPOSE", [x.index, self.numbers(order)], [out.index])
        return out

    def slice(self, x: Value) -> Value:
        """STRIDED_SLICE: a part of the rows, the pixels or the channels."""
        axis, begin, end = self.draw.integer(1, 3), [0, 0, 0, 0], list(x.shape)
        begin[axis] = self.draw.integer(0, (x.shape[axis] - 1) // 2)
        step = [1, 1, 1, 1]
        step[axis] = self.draw.pick([1, 1, 2])
        shape = tuple(-(-(e - b) // s) for b, e, s in zip(begin, end, step))
        out = self.fresh(shape, x.quant)
        parts = [self.numbers(values) for values in (begin, end, step)]
        self.model.main.op("STRIDED_SLICE", [x.index, *parts], [out.index])
        return out


Block = Callable[[Grower, Value], Value]
ANY: list[Block] = [Grower.unary, Grower.with_constant, Grower.with_earlier, Grower.dense]
ANY += [Grower.softmax, Grower.doubled]
IMAGE: list[Block] = [Grower.conv] * 5 + [Grower.depthwise] * 3 + [Grower.pool] * 2
IMAGE += [Grower.residual] * 3 + [Grower.branches] * 3 + [Grower.padded_conv] * 2
IMAGE += [Grower.unary, Grower.unary, Grower.with_constant, Grower.with_earlier]
RARE: list[Block] = [Grower.mean, Grower.global_pool, Grower.other_rows, Grower.transpose]
RARE += [Grower.slice, Grower.doubled, Grower.dense, Grower.softmax]


def first_shape(draw: Draw) -> Shape:
    """Images, time series of rank 4 and 3, vectors."""
    kind, batch = draw.integer(0, 19), 2 if draw.chance(0.07) else 1
    if kind == 0:
        return (draw.pick([1, 1, 5]), draw.integer(1, 20))
    if kind == 1:
        return (batch, draw.integer(1, 20), draw.integer(1, 6))
    if kind in (2, 3):
        return (batch, draw.integer(2, 40), 1, draw.integer(1, 6))
    if kind == 4:
        return (batch, 1, draw.integer(2, 40), draw.integer(1, 6))
    return (batch, draw.integer(2, 17), draw.integer(1, 9), draw.integer(1, 8))


def random_graph(seed: int, runs: int = 3) -> RowsGraph:
    """The graph of a seed, with inputs for several runs."""
    draw = Draw(seed)
    grower = Grower(draw, draw.pick([np.int8, np.int8, np.float32]))
    x = grower.source(first_shape(draw))
    for _ in range(draw.integer(1, 8)):
        blocks = ANY if len(x.shape) != 4 else RARE if draw.chance(0.15) else IMAGE
        if len(x.shape) == 3 and draw.chance(0.3):
            x = grower.reshape(x, (x.shape[0], x.shape[1], 1, x.shape[2]))
        elif np.prod(x.shape) < ELEMENTS_MAX:
            x = draw.pick(blocks)(grower, x)
    if draw.chance(0.3):
        x = grower.dense(grower.reshape(x, (x.shape[0], int(np.prod(x.shape[1:])))))
        x = grower.softmax(x) if draw.chance(0.5) else x
    given = set(grower.model.main.packed.inputs)
    computed = [v.index for v in grower.values if v.index not in given]
    more = draw.pick([0, 0, 0, 1, 2]) if computed else 0
    outputs = [x.index] + [draw.pick(computed) for _ in range(more)]
    packed = grower.model.main.packed
    packed.outputs = list(dict.fromkeys(outputs))
    inputs = {name: draw.sets(operand, runs) for name, operand in grower.inputs.items()}
    names = [packed.tensors[i].name for i in packed.outputs]
    return RowsGraph(f"g{seed}", grower.model.pack(), inputs, names)
