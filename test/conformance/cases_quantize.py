# SPDX-License-Identifier: Apache-2.0
"""QUANTIZE and DEQUANTIZE between all types that an oracle takes."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from .case import INTEGER_ORACLES, Case, Operand, Tolerance, constant, family, single
from .draw import Draw
from .model import Quant

DTYPES: dict[str, Any] = {
    "float32": np.float32,
    "float16": np.float16,
    "int8": np.int8,
    "int16": np.int16,
    "int32": np.int32,
    "uint8": np.uint8,
}


def type_quant(draw: Draw, dtype: Any) -> Quant:
    """A quantisation whose range stays near 1 for the wide types."""
    if np.iinfo(dtype).bits > 8:
        return Quant(draw.power(-18, -8), 0)
    return draw.quant(dtype)


def float_values(draw: Draw, shape: tuple[int, ...], quant: Quant, dtype: Any) -> np.ndarray:
    """Values around every step, on the ties between steps, and far outside the range."""
    scale = np.float32(quant.scale)
    info = np.iinfo(dtype)
    steps = draw.rng.integers(info.min - 2, info.max + 3, (2, *shape)) - quant.zero_point
    sets = [
        steps[0] * scale,
        (steps[1] + 0.5) * scale,
        draw.rng.uniform(-1.2, 1.2, shape) * scale * info.max,
        np.where(draw.rng.random(shape) < 0.5, 1e9, -1e9) * scale,
        draw.rng.uniform(-1, 1, shape) * scale,
    ]
    return np.stack(sets).astype(np.float32)


def quantize(source_type: str, result_type: str, draw: Draw, index: int) -> Case:
    """From float, or from one quantised type to another."""
    del index
    shape = draw.shape(draw.integer(1, 4), 300)
    result = DTYPES[result_type]
    quant = type_quant(draw, result)
    if source_type == "float32":
        source = Operand("input", shape, np.float32)
        sets = float_values(draw, shape, quant, result)
    else:
        source = Operand("input", shape, DTYPES[source_type], type_quant(draw, DTYPES[source_type]))
        reach = draw.pick([0.0, 1.0, 2.0, 6.0])
        span = np.iinfo(source.dtype).max / np.iinfo(result).max
        scale = np.float32(source.quant.scale * span * draw.power(-reach, reach))
        if reach == 0.0:
            scale = np.float32(source.quant.scale)
        quant = Quant(scale, quant.zero_point)
        sets = np.concatenate([draw.integer_sets(source, 4), draw.ramp_sets(source, 4)])
    output = Operand("output", shape, result, quant)
    return Case(
        {"shape": shape, "input": source.quant, "output": quant},
        single("QUANTIZE", [source], output),
        {"input": sets},
        Tolerance.EXACT,
        INTEGER_ORACLES,
    )


def dequantize(source_type: str, draw: Draw, index: int) -> Case:
    """A variable input; its whole range where the type has 8 bits."""
    del index
    shape = draw.shape(draw.integer(1, 4), 300)
    source = Operand("input", shape, DTYPES[source_type], type_quant(draw, DTYPES[source_type]))
    output = Operand("output", shape, np.float32)
    sets = np.concatenate([draw.integer_sets(source, 4), draw.ramp_sets(source, 4)])
    return Case(
        {"shape": shape, "quant": source.quant},
        single("DEQUANTIZE", [source], output),
        {"input": sets},
        Tolerance.EXACT,
        INTEGER_ORACLES,
    )


def dequantize_half(draw: Draw, index: int) -> Case:
    """A float16 constant, subnormals included, added to the input."""
    del index
    shape = draw.shape(draw.integer(1, 4), 200)
    values = draw.rng.uniform(-2, 2, shape) * draw.pick([1.0, 1e-3, 1e-6, 3e4])
    half = constant("half", values, dtype=np.float16)
    half = Operand(half.name, half.shape, half.dtype, None, half.values, dequantize=True)
    source = Operand("input", shape, np.float32)
    output = Operand("output", shape, np.float32)
    sets = np.concatenate([np.zeros((1, *shape), np.float32), draw.float_sets(source, 2)])
    return Case(
        {"shape": shape},
        single("ADD", [source, half], output, fused_activation_function="NONE"),
        {"input": sets},
        Tolerance.ULP,
        ("litert",),
    )


family("QUANTIZE", "float32-int8", 160, partial(quantize, "float32", "int8"))
family("QUANTIZE", "int8-int8", 260, partial(quantize, "int8", "int8"))
family("DEQUANTIZE", "int8-float32", 140, partial(dequantize, "int8"))
family("DEQUANTIZE", "float16-float32", 60, dequantize_half)

# Beyond what every model needs: Mica may refuse these, but must not get them wrong.
for _source, _result in (
    ("float32", "int16"),
    ("float32", "uint8"),
    ("int8", "int16"),
    ("int16", "int8"),
    ("int8", "int32"),
    ("int16", "int16"),
    ("int16", "int32"),
    ("int8", "uint8"),
    ("uint8", "int8"),
    ("uint8", "uint8"),
):
    family("QUANTIZE", f"{_source}-{_result}", 24, partial(quantize, _source, _result), False)
for _source in ("int16", "uint8"):
    family("DEQUANTIZE", f"{_source}-float32", 24, partial(dequantize, _source), False)
