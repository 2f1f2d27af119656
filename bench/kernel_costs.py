#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures every kernel at many shapes and writes target/CLASS.kernels, which the compiler chooses by.

    kernel_costs.py [CLASS...]   measure under the emulators, fit, print the error, write the files

Models of made-up layers are compiled each way that their operators can go, for speed and for
size, and counted layer by layer by `mica cost`; on AVR, whose emulator counts cycles, these are
what is counted. A kernel's instructions are a sum of quantities that
the compiler knows of a call (src/choose/quantities.c), each times a number that is fitted here by
least squares of the relative error, none below zero. Bytes are those of the functions in the object
file, given to the file of kernels/ that has them.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterator

import numpy as np
from scipy.optimize import nnls

ROOT = Path(__file__).resolve().parents[1]
MICA = Path(os.environ.get("MICA", ROOT / "build" / "mica"))
LEVELS = {"O2": "speed", "Os": "size"}
# The first core is measured for all of its class.
CLASSES = {
    "dsp": ("cortex-m4",),
    "fpu": ("cortex-m4f", "cortex-m7", "cortex-m33", "cortex-m55"),
    "thumb1": ("cortex-m0", "cortex-m0plus"),
    "thumb2": ("cortex-m3",),
    "rv32": ("rv32imc",),
    "avr": ("avr",),
}
# Which ways are forced, one after the other: a kernel is measured where its way comes first.
WAYS = (
    "1x1_pairs,pairs,patch_pairs,quads,3x3_stride2,3x3_w5,3x3_w3,3x3,fours",
    "winograd,planar,planar_stride",
    "plain",
    "pairs,3x3",
    "patch_pairs",
    "window_pairs,window_fours,column",
)
OTHER_WAYS = ("fours,powers", "plain")
SMALL_WAYS = ("bytes,fours,powers", "plain")
# Of what a kernel's instructions are a sum; "*" serves the others.
TERMS = {
    "conv2d_1x1_pairs_s8": "call group3 group3.in_c group3.pair group3.pair.step4 "
    "group3.out_c.general",
    "conv2d_pairs_s8": "call pointer rim3 rim3.kernel_h rim3.kernel_h.kernel_w run3 "
    "run3.kernel_h group3.taps group3.pair group3.pair.step4 "
    "group3.out_c.general call.in_c",
    "conv2d_patch_pairs_s8": "call pointer call.taps rim3 rim3.kernel_h rim3.kernel_h.window_words "
    "border border.step4 run3 run3.kernel_h run3.kernel_h.window_words group3.step4 group3.pair "
    "group3.pair.step4 "
    "group3.out_c.general",
    "conv2d_quads_s8": "call call.taps pointer rim4 rim4.kernel_h rim4.kernel_h.kernel_w "
    "rim4.taps run4 run4.kernel_h run4.taps group4 group4.out_c group4.out_c.step4 "
    "group4.pair group4.pair.step4 group4.out_c.general",
    "conv2d_winograd_s8": "call call.in_c tiles4 tiles4.in_c tiles4.pair tiles4.pair.in_c",
    "conv2d_window_pairs_s8": "call pointer inner inner.kernel_h border border.kernel_h "
    "border.kernel_h.kernel_w pixel.taps pixel.pair pixel.pair.step8",
    "conv2d_window_fours_s8": "call pointer pixel.kernel_h.kernel_w pixel.taps pixel.out_c "
    "pixel.fours pixel.fours.taps",
    "conv2d_s8": "call pointer pixel out out.kernel_h inside_h.inside_w.out_c "
    "inside_h.inside_w.out_c.in_c out.general",
    "depthwise_conv2d_s8": "call pointer pixel pixel.kernel_h pixel.kernel_h.kernel_w out "
    "out.kernel_h out.kernel_h.kernel_w inside_h.inside_w.out_c out.general",
    "depthwise3x3_s8": "call pointer columns6 columns6.chunk columns6.out_c reads6.chunk "
    "reads6.out_c out.general pixel.chunk",
    "depthwise3x3_w5_s8": "call pointer columns5 columns5.chunk columns5.out_c reads5.chunk "
    "reads5.out_c out.general",
    "depthwise3x3_w3_s8": "call pointer columns3 columns3.chunk columns3.out_c reads3.chunk "
    "reads3.out_c out.general",
    "depthwise3x3_stride2_s8": "call pointer columns3 columns3.chunk columns3.out_c reads3.chunk "
    "reads3.out_c out.general",
    "depthwise_planar_s8": "call pointer blocks blocks.out_c blocks.out_c.kernel_h "
    "blocks.out_c.kernel_h.kernel_steps block_reads block_reads.block_words "
    "block_reads.block_words.in_c",
    "depthwise_planar_stride_s8": "call pointer blocks blocks.out_c blocks.out_c.kernel_h "
    "blocks.out_c.kernel_h.kernel_steps block_reads block_reads.block_words "
    "block_reads.block_words.in_c",
    "depthwise_column_s8": "call call.fours call.fours.kernel_h",
    "dense_pairs_s8": "call call.step8 call.ragged call.pair call.pair.step8 call.pair.ragged",
    "dense_fours_s8": "call call.out_c call.fours call.fours.taps call.taps",
    "dense_s8": "call call.out_c call.out_c.taps",
    "conv2d_blocks_f32": "call call.taps pointer run5 run5.kernel_h run5.taps rim5 "
    "rim5.kernel_h.kernel_w rim5.taps fives fives.fours fives.fours.taps alone alone.fours "
    "alone.fours.taps",
    "depthwise_blocks_f32": "call pointer group4 group4.taps group4.fours "
    "group4.fours.taps",
    "conv2d_bytes_s8": "call pointer group4 group4.taps group4.out_c group4.out_c.taps",
    "depthwise_bytes_s8": "call pointer pixel pixel.kernel_h.kernel_w out out.kernel_h.kernel_w",
    "dense_bytes_s8": "call call.taps call.out_c call.out_c.taps",
    "dense_blocks_f32": "call call.out_c call.out_c.taps",
    "conv2d_f32": "call pointer pixel out out.kernel_h inside_h.inside_w.out_c "
    "inside_h.inside_w.out_c.in_c",
    "depthwise_conv2d_f32": "call pointer pixel pixel.kernel_h pixel.kernel_h.kernel_w out "
    "out.kernel_h out.kernel_h.kernel_w inside_h.inside_w.out_c",
    "dense_f32": "call call.out_c call.out_c.taps",
    "average_pool_fours_s8": "call pointer pixel pixel.kernel_h.kernel_w out pixel.fours "
    "pixel.fours.kernel_h pixel.fours.kernel_h.kernel_w",
    "max_pool_fours_s8": "call pointer pixel pixel.kernel_h.kernel_w out pixel.fours "
    "pixel.fours.kernel_h pixel.fours.kernel_h.kernel_w",
    "average_pool_s8": "call pointer pixel out out.kernel_h out.kernel_h.kernel_w",
    "max_pool_s8": "call pointer pixel out out.kernel_h out.kernel_h.kernel_w",
    "softmax_s8": "call call.out_c",
    "softmax_table_s8": "call call.out_c",
    "sum_fours_s8": "call count in",
    "sum_fours_s8_s16": "call count in",
    "sum_s8": "call count in",
    "sum_s8_s16": "call count in",
    "*": "call count",
}
SCALE = 0.02


@dataclass
class Layers:
    """A model in the text form: layers beside each other, each with its own input and output."""

    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(1))
    tensors: list[str] = field(default_factory=list)
    nodes: list[str] = field(default_factory=list)
    inputs: list[int] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)

    is_float: bool = False

    def tensor(self, shape: tuple[int, ...], scale: float, zero: int) -> int:
        """A tensor that is computed or given."""
        dims = ",".join(map(str, shape))
        name = len(self.tensors)
        kind = "float32" if self.is_float else "int8"
        quant = "" if self.is_float else f" scale={scale} zero={zero}"
        self.tensors.append(f'tensor %{name} "t{name}" {kind} [{dims}]{quant}')
        return name

    def const(self, shape: tuple[int, ...], scale: float, low: int, high: int, kind: str) -> int:
        """A constant of random numbers."""
        dims, name = ",".join(map(str, shape)), len(self.tensors)
        numbers = " ".join(map(str, self.rng.integers(low, high, int(np.prod(shape)))))
        quant = "" if self.is_float else f" scale={scale:.8g} zero=0"
        kind = "float32" if self.is_float else kind
        self.tensors.append(f'const %{name} "c{name}" {kind} [{dims}]{quant} = [{numbers}]')
        return name

    def node(self, kind: str, attrs: str, shapes: list[tuple[int, ...]], out: tuple[int, ...],
             zero: int = -128, weights: tuple[int, ...] = (), scale: float = 0.5) -> None:
        """A layer, its inputs and its weights with a bias."""
        args = [self.tensor(shape, SCALE, -3) for shape in shapes]
        self.inputs += args
        if weights:
            channels = out[-1]
            args.append(self.const(weights, 0.01, -127, 128, "int8"))
            args.append(self.const((channels,), SCALE * 0.01, -999, 1000, "int32"))
        self.outputs.append(self.tensor(out, scale, zero))
        number = len(self.nodes)
        operands = " ".join(f"%{i}" for i in args)
        self.nodes.append(f'node "n{number}" {kind} {attrs} : {operands} -> %{self.outputs[-1]}')

    def clear(self) -> None:
        """Starts the next model."""
        for items in (self.tensors, self.nodes, self.inputs, self.outputs):
            items.clear()

    def text(self) -> str:
        """The model."""
        lines = ["mica-ir 1", 'graph "main"', *self.tensors]
        lines += [f"input %{i}" for i in self.inputs] + self.nodes
        return "\n".join(lines + [f"output %{i}" for i in self.outputs]) + "\n"


def window(size: int, kernel: int, stride: int, same: bool) -> tuple[int, int, int]:
    """Output size and the padding before and after."""
    if not same:
        return (size - kernel) // stride + 1, 0, 0
    out = -(-size // stride)
    pad = max((out - 1) * stride + kernel - size, 0)
    return out, pad // 2, pad - pad // 2


def add_window(layers: Layers, kind: str, h: int, w: int, c: int, out_c: int, kh: int, kw: int,
               stride: int, same: bool, zero: int) -> None:
    """A convolution, depthwise convolution or pool."""
    out_h, top, bottom = window(h, kh, stride, same)
    out_w, left, right = window(w, kw, stride, same)
    attrs = (f"stride_h={stride} stride_w={stride} pad_top={top} pad_bottom={bottom} "
             f"pad_left={left} pad_right={right}")
    if kind.endswith("pool"):
        attrs = f"kernel_h={kh} kernel_w={kw} " + attrs
        layers.node(kind, attrs, [(1, h, w, c)], (1, out_h, out_w, c), -3, scale=SCALE)
        return
    weights = (out_c, kh, kw, c) if kind == "conv2d" else (1, kh, kw, out_c)
    attrs += " dilation_h=1 dilation_w=1" + (" activation=relu" if zero == -128 else "")
    layers.node(kind, attrs, [(1, h, w, c)], (1, out_h, out_w, out_c), zero, weights)


CONVS = (
    "25 5 64 64 1 1 1, 6 6 64 128 1 1 1, 12 12 32 64 1 1 1, 48 4 8 16 1 1 1, 3 3 128 128 1 1 1, "
    "10 10 16 24 1 1 1, 1 1 256 64 1 1 1, 24 24 16 32 1 1 1, 8 8 64 10 1 1 1, 7 7 20 9 1 1 1, "
    "16 16 16 16 3 3 1, 8 8 32 32 3 3 1, 8 8 64 64 3 3 1, 10 7 8 12 3 3 1, 12 12 4 32 3 3 1, "
    "9 9 20 8 3 3 1, 16 16 16 32 3 3 2, 24 24 8 16 3 3 2, 8 8 32 64 1 1 2, 16 16 16 32 1 1 2, "
    "49 10 1 64 10 4 2, 32 32 3 16 3 3 1, 48 48 3 8 3 3 2, 12 12 6 10 5 5 1, 15 6 12 12 5 1 1, "
    "20 20 2 7 3 3 1, 6 40 12 24 1 3 1, 5 5 41 22 1 1 1, 6 6 31 31 1 1 1, 30 2 40 32 5 2 1, "
    "20 20 1 8 3 3 1, 13 13 5 16 4 4 2, 7 7 32 20 3 3 1, 20 13 12 7 3 3 1, 5 9 48 16 3 3 1"
)
DEPTHWISE = (
    "25 5 64 3 3 1, 12 12 64 3 3 1, 48 24 8 3 3 1, 6 6 128 3 3 1, 3 3 256 3 3 1, 24 24 16 3 3 2, "
    "12 12 64 3 3 2, 9 9 20 3 3 1, 10 2 32 3 3 1, 48 48 8 3 3 2, 6 6 128 3 3 2, 13 7 12 3 3 1, "
    "9 5 24 3 3 1, 20 3 16 3 3 1, 7 5 40 3 3 1, 30 5 9 3 3 1, 11 3 44 3 3 1, 16 16 33 3 3 2, 4 3 72 3 3 1, 40 2 8 3 3 1, 5 5 64 3 3 1, "
    "14 5 48 3 3 1, 3 5 100 3 3 1, 60 5 4 3 3 1, 6 6 64 3 3 2, 40 9 20 3 3 2, 7 7 96 3 3 2, "
    "30 30 12 3 3 2, 5 1 40 3 3 1, 17 3 20 3 3 1, "
    "8 8 24 5 5 1, 12 10 16 5 5 2, 30 1 32 9 1 1, 16 16 6 3 5 1, "
    "10 1 8 3 1 1, 20 1 40 5 1 1, 40 1 128 13 1 1, 12 1 20 4 1 1, 9 1 64 9 1 1, "
    "14 14 16 7 7 1, 16 16 12 7 7 2, 20 12 20 5 5 1, 24 10 8 5 5 2, 13 9 12 3 3 3, 15 15 8 5 5 3"
)
FLOAT_CONVS = (
    "25 5 32 32 1 1 1, 6 6 64 64 1 1 1, 12 12 16 32 1 1 1, 10 10 16 24 1 1 1, 7 7 20 9 1 1 1, "
    "8 8 16 16 3 3 1, 8 8 32 32 3 3 1, 10 7 8 12 3 3 1, 9 9 20 8 3 3 2, 24 5 1 16 10 4 2, "
    "16 16 3 16 3 3 1, 12 12 6 10 5 5 1, 1 1 128 64 1 1 1, 13 13 5 16 4 4 2, 20 20 2 4 3 3 1, "
    "14 14 32 16 1 1 1, 4 4 24 32 3 3 1, 7 6 12 8 3 3 1, 3 7 64 48 1 1 1, 24 24 8 16 1 1 1"
)
FLOAT_DEPTHWISE = (
    "25 5 32 3 3 1, 12 12 16 3 3 1, 6 6 64 3 3 1, 3 3 128 3 3 1, 16 16 16 3 3 2, 9 9 20 3 3 1, "
    "12 10 16 5 5 2, 8 8 24 5 5 1, 20 1 40 5 1 1, 13 7 12 3 3 1"
)
SUMS = "25 5 64, 8 8 64, 3 3 250, 7 9 21"
POOLS = (
    "12 12 16 2 2 2 0, 9 10 24 3 3 2 1, 16 6 9 3 3 1 1, 20 4 32 4 2 2 1, 16 16 32 2 2 2 0, "
    "10 10 12 5 5 1 1"
)
WIDTHS = "4, 10, 12, 35"
# What fits in the memory of AVR.
SMALL_CONVS = (
    "8 8 1 12 3 3 1, 6 6 12 12 1 1 1, 4 4 32 16 1 1 1, 8 8 8 8 3 3 1, 10 7 4 6 3 3 1, "
    "12 12 3 8 3 3 2, 7 7 6 9 5 5 1, 16 4 2 8 5 2 1, 1 1 64 20 1 1 1, 9 9 8 5 1 1 1"
)
SMALL_DEPTHWISE = (
    "8 8 12 3 3 2, 8 8 8 3 3 1, 5 5 24 3 3 1, 9 9 6 5 5 1, 16 1 20 5 1 1, 6 4 16 3 3 1"
)
SMALL_DENSE = "192 10, 64 32, 20 3, 128 16, 33 65, 500 4"
SMALL_SUMS = "8 8 12, 4 4 32, 7 9 5"
SMALL_POOLS = "8 8 12 2 2 2 0, 9 9 8 3 3 2 1, 6 6 9 3 3 1 1"
DENSE = "640 128, 128 128, 128 8, 64 12, 128 640, 20 3, 9 33, 256 16, 33 65, 1000 4"


def numbers(text: str) -> list[tuple[int, ...]]:
    """Rows of numbers, with commas between rows."""
    return [tuple(map(int, row.split())) for row in text.split(",")]


def add_convs(layers: Layers, shapes: str) -> Iterator[None]:
    """Convolutions, some of them without padding, some with a zero point of their own."""
    for i, (h, w, c, out_c, kh, kw, stride) in enumerate(numbers(shapes)):
        zero = 5 if i % 3 == 2 else -128
        add_window(layers, "conv2d", h, w, c, out_c, kh, kw, stride,
                   i % 5 != 4 or h < kh or w < kw, zero)
        yield


def add_depthwise(layers: Layers, shapes: str) -> Iterator[None]:
    """Depthwise convolutions, likewise."""
    for i, (h, w, c, kh, kw, stride) in enumerate(numbers(shapes)):
        zero = 5 if i % 3 == 2 else -128
        add_window(layers, "depthwise_conv2d", h, w, c, c, kh, kw, stride,
                   kw > 1 and (i % 5 != 4 or h < kh or w < kw), zero)
        yield


def add_dense(layers: Layers, shapes: str) -> Iterator[None]:
    """Dense layers."""
    for inputs, outputs in numbers(shapes):
        layers.node("dense", "", [(1, inputs)], (1, outputs), 5, (outputs, inputs))
        yield


def add_others(layers: Layers, shapes: str, pools: str, widths: str) -> Iterator[None]:
    """Means and sums, pools, tables."""
    for h, w, c in numbers(shapes):
        layers.node("average_pool", f"kernel_h={h} kernel_w={w} stride_h={h} stride_w={w}",
                    [(1, h, w, c)], (1, 1, 1, c), -3, scale=SCALE)
        yield
        layers.node("mean", "axes=[1,2]", [(1, h, w, c)], (1, c), 4, scale=0.01)
        yield
        for kind in ("add", "mul", "sub"):
            layers.node(kind, "", [(1, h, w, c), (1, h, w, c)], (1, h, w, c), 4, scale=0.05)
            yield
        layers.node("clamp", "activation=relu", [(1, h, w, c)], (1, h, w, c), -3, scale=SCALE)
        yield
    for h, w, c, kh, kw, stride, same in numbers(pools):
        for kind in ("average_pool", "max_pool"):
            add_window(layers, kind, h, w, c, c, kh, kw, stride, bool(same), -3)
            yield
    for (n,) in numbers(widths):
        layers.node("softmax", "beta=1", [(1, n)], (1, n), scale=1 / 256)
        yield
        layers.node("logistic", "", [(1, 10 * n, 8)], (1, 10 * n, 8), scale=1 / 256)
        yield


def models(name: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The models to measure for a class, and the ways to measure them."""
    if name == "avr":  # one layer at a time: no more fit in its memory
        for add, shapes in ((add_convs, (SMALL_CONVS,)), (add_depthwise, (SMALL_DEPTHWISE,)),
                            (add_dense, (SMALL_DENSE,)),
                            (add_others, (SMALL_SUMS, SMALL_POOLS, WIDTHS))):
            layers = Layers()
            for _ in add(layers, *shapes):
                yield layers.text(), SMALL_WAYS
                layers.clear()
        return
    layers = Layers()
    list(add_convs(layers, CONVS))
    yield layers.text(), WAYS
    layers = Layers()
    list(add_depthwise(layers, DEPTHWISE))
    list(add_dense(layers, DENSE))
    yield layers.text(), WAYS
    layers = Layers()
    list(add_others(layers, SUMS, POOLS, WIDTHS))
    yield layers.text(), OTHER_WAYS
    if name == "fpu":
        layers = Layers(is_float=True)
        list(add_convs(layers, FLOAT_CONVS))
        list(add_depthwise(layers, FLOAT_DEPTHWISE))
        list(add_dense(layers, DENSE))
        yield layers.text(), ("blocks", "plain")


@dataclass
class Sample:
    """One layer: what of each quantity its only call had, and what it took."""

    kernel: str
    quantities: dict[str, float]
    instructions: float


def run(command: list[Any]) -> str:
    """The output of a command that must succeed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}\n{done.stderr}")
    return done.stdout


def samples(model: Path, core: str, objective: str, ways: str) -> list[tuple[list[Any], float]]:
    """The calls of each layer, and its instructions."""
    command = [MICA, "cost", model, "--target", core, "--optimize", objective]
    done = json.loads(run([*command, "--json", "--explain", *(["--ways", ways] if ways else [])]))
    found = []
    for layer, ways_of in zip(done[0]["layers"], done[0]["ways"]):
        found.append((ways_of["calls"], layer["instructions"] or layer["cycles"]))
    return found


def measure(folder: Path, name: str, objective: str) -> list[tuple[list[Any], float]]:
    """All layers, each way once."""
    found: dict[str, tuple[list[Any], float]] = {}
    for i, (text, ways_of) in enumerate(models(name)):
        path = folder / f"model{i}.ir"
        path.write_text(text)
        for ways in ways_of:
            for calls, instructions in samples(path, CLASSES[name][0], objective, ways):
                found[json.dumps(calls)] = (calls, instructions)
    return list(found.values())


def terms_of(kernel: str) -> list[str]:
    """The products whose sum is a kernel's instructions."""
    return TERMS.get(kernel.removeprefix("mica_"), TERMS["*"]).split()


def value(call: dict[str, Any], term: str) -> float:
    """A product of quantities."""
    return float(np.prod([call[name] for name in term.split(".")]))


def fit(layers: list[tuple[list[Any], float]]) -> tuple[dict[str, dict[str, float]], dict[str, Any]]:
    """Numbers for the terms of each kernel; and by kernel the relative errors that are left."""
    columns = sorted({(c["kernel"], t) for calls, _ in layers for c in calls
                      for t in terms_of(c["kernel"])})
    at = {column: i for i, column in enumerate(columns)}
    a = np.zeros((len(layers), len(columns)))
    for row, (calls, instructions) in enumerate(layers):
        for call in calls:
            for term in terms_of(call["kernel"]):
                a[row, at[call["kernel"], term]] += value(call, term) / instructions
    size = np.maximum(a.max(axis=0), 1e-300)
    x = nnls(a / size, np.ones(len(layers)), maxiter=100 * len(columns))[0] / size
    prices: dict[str, dict[str, float]] = {}
    for (kernel, term), number in zip(columns, x):
        if number > 0:
            prices.setdefault(kernel, {})[term] = number
    for kernel, _ in columns:  # one that costs nothing beside those around it has a price, too
        prices.setdefault(kernel, {"call": 0})
    errors: dict[str, Any] = {}
    for row, (calls, _) in enumerate(layers):
        name = calls[-1]["kernel"] if len(calls) == 1 else "+".join(c["kernel"] for c in calls)
        errors.setdefault(name, []).append(float(a[row] @ x - 1))
    return prices, errors


def facts(core: str) -> dict[str, str]:
    """The keys of target/CORE.target."""
    text = (ROOT / "target" / f"{core}.target").read_text()
    return dict(re.findall(r"^([\w-]+)\s*= (.*?)\s*$", text, re.M))


def files_of_functions() -> dict[str, str]:
    """Which file of kernels/ has a function."""
    found = {}
    for path in sorted(ROOT.glob("kernels/*/*.h")) + sorted(ROOT.glob("kernels/profile/tflm/*.h")):
        code = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)
        for name in re.findall(r"\b(mica_\w+)\([^;{}]*\)\s*\n\{", code):
            found[name] = path.name
        found.setdefault("mica_" + path.stem, path.name)
    return found


def code_bytes(folder: Path, name: str, level: str) -> dict[str, int]:
    """Bytes by kernel file, and those around a call."""
    core = CLASSES[name][0]
    about, files = facts(core), files_of_functions()
    tool = about["compiler"].removesuffix("gcc")
    found: dict[str, int] = {}
    for i, (text, ways_of) in enumerate(models(name)):
        for ways in ways_of:
            path = folder / f"model{i}.ir"
            path.write_text(text)
            command = [MICA, "compile", path, "-o", folder, "--name", "model", "--target", core,
                       "--optimize", LEVELS[level]]
            run([*command, *(["--ways", ways] if ways else [])])
            flags = about["compile-flags"].split()
            run([about["compiler"], *flags, "-std=c99", f"-{level}", "-ffunction-sections", "-c",
                 folder / "model.c", "-o", folder / "model.o"])
            symbols = run([tool + "nm", "-S", folder / "model.o"])
            sizes: dict[str, int] = {}
            for bytes_of, symbol in re.findall(r"^\w+ (\w+) [tT] (\w+)", symbols, re.M):
                base = re.sub(r"\.(constprop|isra|part).*", "", symbol)
                sizes[base] = sizes.get(base, 0) + int(bytes_of, 16)
            steps = text.count("\nnode ")
            found["call"] = max(found.get("call", 0), 0) or sizes["model_run"] // steps
            per_file: dict[str, int] = {}
            for function, n in sizes.items():
                if function in files:
                    per_file[files[function]] = per_file.get(files[function], 0) + n
            for file, n in per_file.items():
                found[file] = max(found.get(file, 0), n)
    return found


def write(name: str, lines: list[str]) -> None:
    """target/NAME.kernels."""
    head = f"""# Prices of kernels on {CLASSES[name][0]}, by bench/kernel_costs.py: measured, not to be edited.
#   code FILE LEVEL BYTES      of the functions of a file of kernels/
#   code call LEVEL BYTES      of a layer around its kernel
#   kernel NAME LEVEL N*QUANTITY.QUANTITY ...   its instructions (src/choose/quantities.c)
cores {" ".join(CLASSES[name])}
"""
    (ROOT / "target" / f"{name}.kernels").write_text(head + "\n".join(lines) + "\n")


def main() -> int:
    """Measures the classes that are named, or all."""
    for name in sys.argv[1:] or CLASSES:
        lines: list[str] = []
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            for level, objective in LEVELS.items():
                prices, errors = fit(measure(folder, name, objective))
                bytes_of = code_bytes(folder, name, level)
                lines += [f"code {file} {level} {n}" for file, n in sorted(bytes_of.items())]
                for kernel, numbers_of in sorted(prices.items()):
                    sums = " ".join(f"{n:.5g}*{term}" for term, n in numbers_of.items())
                    lines.append(f"kernel {kernel.removeprefix('mica_')} {level} {sums}")
                for kernel, left in sorted(errors.items()):
                    print(f"{name} {level} {kernel:50} {len(left):3} layers, error "
                          f"{100 * np.sqrt(np.mean(np.square(left))):5.1f} % rms, "
                          f"{100 * max(map(abs, left)):5.1f} % at most")
        write(name, lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
