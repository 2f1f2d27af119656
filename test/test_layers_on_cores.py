# SPDX-License-Identifier: Apache-2.0
"""Layers whose kernels are assembly on a core: random chains of them there against `mica eval`, whose
kernels are plain loops, bit for bit."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from conformance.draw import Draw
from rows_graphs import Grower
from support import ALL, evaluate, mica, need

COUNT = 60 if ALL else 8
CORES = {
    "avr": (np.int8, "mica_%s_bytes_s8", "simavr"),
    "cortex-m4f": (np.float32, "mica_%s_blocks_f32", "qemu-system-arm"),
}


def chain(seed: int, dtype: type, path: Path) -> np.ndarray:
    """Convolutions, depthwise convolutions and a dense layer; returns inputs of two runs."""
    draw = Draw(seed)
    grower = Grower(draw, dtype)
    x = grower.source((1, draw.integer(3, 9), draw.integer(1, 9), draw.integer(1, 9)))
    x = grower.conv(x, channels=draw.integer(3, 14))
    x = grower.depthwise(x)
    x = grower.conv(x)
    x = grower.dense(grower.reshape(x, (1, int(np.prod(x.shape)))), most=24)
    grower.model.main.packed.outputs = [x.index]
    path.write_bytes(grower.model.pack())
    (operand,) = grower.inputs.values()
    return np.asarray(draw.sets(operand, 2))


@pytest.mark.parametrize("profile", ["tflm", "single"])
@pytest.mark.parametrize("core", CORES)
def test_chains(core: str, profile: str, tmp_path: Path) -> None:
    """The bits of `mica eval`, and every kernel meets some layers."""
    dtype, kernel, emulator = CORES[core]
    need(emulator)
    met: list[str] = []
    for seed in range(COUNT):
        path = tmp_path / f"m{seed}.tflite"
        inputs = chain(1000 * (profile == "single") + seed, dtype, path)
        (want,) = evaluate(path, tmp_path, [inputs], profile=profile)
        core_run = ("run", "--target", core)
        (got,) = evaluate(path, tmp_path, [inputs], profile=profile, command=core_run)
        assert got.tobytes() == want.tobytes(), f"seed {seed}"
        words = ("--target", core, "--optimize", "speed", "--profile", profile, "--name", "m")
        mica("compile", path, *words, "-o", tmp_path)
        met += re.findall(r"^ +(mica_\w+)\((?:&|MICA_ROM_COPY)", (tmp_path / "m.c").read_text(), re.MULTILINE)
    for layer in ("conv2d", "depthwise", "dense"):
        assert met.count(kernel % layer) >= COUNT // 6, f"{layer}: {sorted(met)}"
