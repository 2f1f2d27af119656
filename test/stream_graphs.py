# SPDX-License-Identifier: Apache-2.0
"""Random graphs that can be streamed along time, axis 1 of [1, time, width, channels].

Windows without padding of every kernel, dilation and stride; branches of equal length that are
added or joined; operators that need the whole window, alone and with more behind them; constants
that differ from row to row; views; outputs of one row and of many; int8, uint8 and float32.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance.draw import Draw
from conformance.model import Model, Quant
from rows_graphs import ELEMENTS_MAX, Grower, Shape, Value


@dataclass
class StreamGraph:
    """A model, its input and the names of its outputs."""

    name: str
    model: bytes
    shape: Shape
    dtype: Any
    outputs: list[str]

    def signal(self, frames: int, seed: int) -> np.ndarray:
        """Frames that wander over the whole range and jump now and then."""
        rng = np.random.default_rng(seed)
        shape = (frames, *self.shape[2:])
        steps = rng.normal(0, 0.3, shape) + (rng.random(shape) < 0.05) * rng.normal(0, 2, shape)
        walk = 1.5 * np.sin(np.cumsum(steps, 0)) + rng.normal(0, 0.3, shape)
        if self.dtype == np.float32:
            return walk.astype(np.float32)
        info = np.iinfo(self.dtype)
        middle = (info.min + info.max + 1) // 2
        return np.clip(np.round(walk * 80) + middle, info.min, info.max).astype(self.dtype)


class Streamable(Grower):
    """Grows graphs whose windows have no padding."""

    def quant(self) -> Quant | None:
        """Of an activation; zero points of uint8 lie around its own middle."""
        quant = super().quant()
        if quant is None or self.dtype == np.int8:
            return quant
        return Quant(quant.scale, quant.zero_point + 128)

    def kernel(self, x: Value) -> tuple[int, int]:
        """One to nine rows of time, as many as there are."""
        rows = min(self.draw.pick([1, 1, 2, 3, 3, 3, 4, 5, 7, 9]), x.shape[1])
        return rows, min(self.draw.pick([1, 1, 2, 3]), x.shape[2])

    def window(self, x: Value, kernel: tuple[int, int], fixed: dict[str, Any]) -> dict[str, Any]:
        """As of any graph, but for the padding, and dilated only where that fits."""
        options: dict[str, Any] = {"padding": "VALID"}
        options["stride_h"] = self.draw.pick([1, 1, 1, 1, 1, 2, 3])
        options["stride_w"] = self.draw.pick([1, 1, 2])
        for place, axis in enumerate("hw"):
            widest = (x.shape[1 + place] - 1) // max(1, kernel[place] - 1)
            options["dilation_" + axis] = self.draw.integer(1, max(1, min(3, widest)))
        options |= fixed
        out = []
        for place, axis in enumerate("hw"):
            wide = options.pop("dilation_" + axis)
            reach = (kernel[place] - 1) * wide + 1
            out.append((x.shape[1 + place] - reach) // options["stride_" + axis] + 1)
            if "pool" not in fixed:
                options[f"dilation_{axis}_factor"] = wide
        options.pop("pool", None)
        return {"out": tuple(out), "options": options}

    def with_earlier(self, x: Value) -> Value:
        """Another tensor of the graph that fits, or the same twice: a stream has one input."""
        fitting = [v for v in self.values if v.shape == x.shape and v.index != x.index]
        return self.binary(x, self.draw.pick(fitting) if fitting else x)

    def twins(self, x: Value) -> list[Value]:
        """Two ways from x of the same length: both slide, or are whole, alike."""
        size = min(self.draw.pick([2, 3, 5]), x.shape[1])
        wide = {"padding": "VALID", "stride_h": self.draw.pick([1, 1, 2]), "stride_w": 1}
        plain = {"dilation_h": 1, "dilation_w": 1}
        quant, channels = self.quant(), self.draw.integer(1, 6)
        first = self.conv(x, quant, channels, kernel=(size, 1), **wide, **plain)
        if self.draw.chance(0.4):
            return [first, self.conv(x, quant, channels, kernel=(size, 1), **wide, **plain)]
        once = {"padding": "VALID", "stride_h": 1, "stride_w": 1, **plain}
        middle = self.conv(x, kernel=(size, 1), **once)
        return [first, self.conv(middle, quant, channels, kernel=(1, 1), **wide, **plain)]

    def joined(self, x: Value) -> Value:
        """Two ways along the channels."""
        return self.concat(self.twins(x), 3)

    def added(self, x: Value) -> Value:
        """Two ways added."""
        return self.binary(*self.twins(x), kind="ADD")

    def by_time(self, x: Value) -> Value:
        """A constant that is another one for each row."""
        return self.binary(x, self.constant((1, x.shape[1], 1, 1)))

    def constant_beside(self, x: Value) -> Value:
        """A constant with rows of its own along the channels."""
        numbers = self.draw.rng.standard_normal(x.shape).astype(np.float32)
        values = self.draw.integers(x.shape) if x.quant else numbers
        beside = Value(self.model.main.const("c", values, x.quant), x.shape, x.quant)
        return self.concat([x, beside] if self.draw.chance(0.5) else [beside, x], 3)

    def softmax_over_time(self, x: Value) -> Value:
        """SOFTMAX along time, which comes last for it."""
        out = self.fresh(tuple(x.shape[i] for i in (0, 3, 2, 1)), x.quant)
        self.model.main.op("TRANSPOSE", [x.index, self.numbers([0, 3, 2, 1])], [out.index])
        out = self.softmax(out)
        back = self.fresh(x.shape, out.quant)
        self.model.main.op("TRANSPOSE", [out.index, self.numbers([0, 3, 2, 1])], [back.index])
        return back

    def padded(self, x: Value) -> Value:
        """PAD in time as an operator of its own: the whole window."""
        out = self.fresh((1, x.shape[1] + 3, *x.shape[2:]), x.quant)
        amounts = self.numbers([[0, 0], [1, 2], [0, 0], [0, 0]])
        self.model.main.op("PAD", [x.index, amounts], [out.index])
        return self.unary(out)

    def halves(self, x: Value) -> Value:
        """The two halves of the window as images of a batch."""
        if x.shape[1] % 2:
            return self.unary(x)
        return self.conv(self.reshape(x, (2, x.shape[1] // 2, *x.shape[2:])))

    def flat_dense(self, x: Value) -> Value:
        """A dense layer over all of it."""
        return self.dense(self.reshape(x, (1, int(np.prod(x.shape)))))


TIME = [Streamable.conv] * 6 + [Streamable.depthwise] * 4 + [Streamable.pool] * 2
TIME += [Streamable.unary, Streamable.with_constant, Streamable.with_earlier] * 2
TIME += [Streamable.joined, Streamable.added] * 2 + [Streamable.dense, Streamable.softmax]
WHOLE = [Streamable.by_time, Streamable.constant_beside, Streamable.softmax_over_time]
WHOLE += [Streamable.padded, Streamable.halves, Streamable.mean, Streamable.global_pool]
WHOLE += [Streamable.other_rows, Streamable.slice, Streamable.doubled, Streamable.transpose]
LAST = [Streamable.flat_dense, Streamable.global_pool, Streamable.mean, Streamable.softmax]


def first(grower: Streamable) -> Value:
    """The input: images of time, or a series of rank 3; uint8 turns into int8."""
    draw, dtype = grower.draw, grower.dtype
    frames = draw.pick([draw.integer(2, 12), draw.integer(10, 40), draw.integer(20, 40)])
    width = draw.pick([1, 1, 1, 2, 3, 5])
    channels = draw.integer(1, 8)
    if width == 1 and draw.chance(0.3):
        x = grower.source((1, frames, channels))
        return grower.reshape(x, (1, frames, 1, channels))
    if dtype == np.int8 and draw.chance(0.2):
        grower.dtype = np.dtype(np.uint8)
        x = grower.source((1, frames, width, channels))
        if draw.chance(0.5):
            x = grower.reshape(x, (1, frames, 1, width * channels))
        elif frames > 2:
            x = windowed_bytes(grower, x)
        grower.dtype = dtype
        grower.values.clear()
        return grower.requantise(x, grower.quant())
    return grower.source((1, frames, width, channels))


def windowed_bytes(grower: Streamable, x: Value) -> Value:
    """Every row beside the one two before it, both of uint8: time is cut, so this is whole."""
    graph = grower.model.main
    shape = (1, x.shape[1] - 2, *x.shape[2:])
    parts = []
    for begin in (0, 2):
        part = grower.fresh(shape, x.quant)
        corners = [[0, begin, 0, 0], [1, begin + shape[1], *x.shape[2:]], [1, 1, 1, 1]]
        graph.op("STRIDED_SLICE", [x.index, *map(grower.numbers, corners)], [part.index])
        parts.append(part)
    return grower.concat(parts, 3)


def stream_graph(seed: int) -> StreamGraph:
    """The graph of a seed."""
    draw = Draw(seed)
    grower = Streamable(draw, draw.pick([np.int8, np.int8, np.float32]))
    x = first(grower)
    given = next(iter(grower.inputs.values()))
    for _ in range(draw.integer(1, 6)):
        blocks = WHOLE if draw.chance(0.12) else TIME
        if len(x.shape) == 4 and x.shape[0] == 1 and np.prod(x.shape) < ELEMENTS_MAX:
            x = draw.pick(blocks)(grower, x)
    if len(x.shape) == 4 and x.shape[0] == 1 and draw.chance(0.6):
        x = draw.pick(LAST)(grower, x)
    packed = grower.model.main.packed
    computed = [v.index for v in grower.values if v.index not in packed.inputs]
    extra = [draw.pick(computed) for _ in range(draw.pick([0, 0, 0, 1, 2])) if computed]
    if not computed:
        x = grower.unary(x)
    packed.outputs = list(dict.fromkeys([x.index, *extra]))
    names = [packed.tensors[i].name for i in packed.outputs]
    return StreamGraph(f"s{seed}", grower.model.pack(), given.shape, given.dtype, names)


def same_padding() -> Model:
    """A convolution with padding in time, which no stream gives exactly."""
    grower = Grower(Draw(1), np.int8)
    x = grower.source((1, 20, 1, 4))
    sizes = {"kernel": (3, 1), "padding": "SAME", "stride_h": 1, "stride_w": 1}
    out = grower.conv(x, dilation_h=1, dilation_w=1, **sizes)
    grower.model.main.packed.outputs = [out.index]
    return grower.model
