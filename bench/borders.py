#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What padding costs: layers that pad beside the same layers on inputs that already have a border.

The difference is all that a producer could save by writing its rows into a bordered tensor, before
the border's own memory and filling. Prints instructions on an emulated Cortex-M4 (DESIGN.md, Weight
streams).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench import MICA


@dataclass
class Layer:
    """A 3x3 layer whose output is as large as its input divided by the stride."""

    operator: str
    height: int
    width: int
    channels: int
    stride: int = 1

    def graph(self, bordered: bool) -> str:
        """The text form; bordered: the input has the zero points that the operator would add."""
        out = [-(-size // self.stride) for size in (self.height, self.width)]
        pads = [max((o - 1) * self.stride + 3 - size, 0) for o, size in zip(out, (self.height, self.width))]
        rows, columns = self.height + pads[0] * bordered, self.width + pads[1] * bordered
        c = self.channels
        shape = [1, 3, 3, c] if self.operator == "depthwise_conv2d" else [c, 3, 3, c]
        weights = np.random.default_rng(0).integers(-127, 128, np.prod(shape))
        sides = [(pad // 2, pad - pad // 2) for pad in pads]
        (top, bottom), (left, right) = sides if not bordered else [(0, 0), (0, 0)]
        return f"""mica-ir 1
graph "layer"
tensor %0 "x" int8 [1,{rows},{columns},{c}] scale=0.5 zero=-3
const %1 "weights" int8 {shape} scale=0.01 zero=0 = [{" ".join(map(str, weights))}]
tensor %2 "y" int8 [1,{out[0]},{out[1]},{c}] scale=0.9 zero=-128
input %0
node "y" {self.operator} stride_h={self.stride} stride_w={self.stride} dilation_h=1 dilation_w=1 \
pad_top={top} pad_bottom={bottom} pad_left={left} pad_right={right} : %0 %1 -> %2
output %2
"""


LAYERS = [
    Layer("conv2d", 32, 32, 16),
    Layer("conv2d", 16, 16, 32),
    Layer("conv2d", 8, 8, 64),
    Layer("depthwise_conv2d", 48, 48, 8),
    Layer("depthwise_conv2d", 48, 48, 16, stride=2),
    Layer("depthwise_conv2d", 25, 5, 64),
    Layer("depthwise_conv2d", 12, 12, 64),
    Layer("depthwise_conv2d", 6, 6, 106),
]


def instructions(text: str, core: str) -> int:
    """Of one run, as `mica cost` counts them."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "layer.ir").write_text(text)
        command = [MICA, "cost", "layer.ir", "--target", core, "--optimize", "speed", "--json"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return int(json.loads(done.stdout)[0]["total"]["instructions"])


def main() -> int:
    parser = argparse.ArgumentParser(description="What padding costs, layer by layer.")
    parser.add_argument("--target", default="cortex-m4")
    core = parser.parse_args().target
    print("| layer | padded | on a bordered input | difference |\n|---|--:|--:|--:|")
    for layer in LAYERS:
        padded, bordered = (instructions(layer.graph(b), core) for b in (False, True))
        print(
            f"| {layer.operator} {layer.height}x{layer.width}x{layer.channels}, stride {layer.stride} "
            f"| {padded:,} | {bordered:,} | {(padded - bordered) / padded:+.1%} |"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
