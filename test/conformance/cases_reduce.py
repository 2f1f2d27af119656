# SPDX-License-Identifier: Apache-2.0
"""MAX_POOL_2D, AVERAGE_POOL_2D, MEAN and SOFTMAX."""

from __future__ import annotations

from functools import partial
from itertools import combinations
from typing import Any

import numpy as np

from .case import (
    FLOAT_ORACLES,
    INTEGER_ORACLES,
    Case,
    Operand,
    Tolerance,
    constant,
    family,
    single,
)
from .cases_conv import CHANNELS, window_extent
from .draw import ACTIVATIONS, Draw
from .model import Quant

SOFTMAX_OUTPUT = Quant(1 / 256, -128)


def oracles(kind: str) -> tuple[str, ...]:
    """The oracles that speak for a type."""
    return INTEGER_ORACLES if kind == "int8" else FLOAT_ORACLES


def pool(operator: str, kind: str, draw: Draw, index: int) -> Case:
    """Windows up to the whole input and, with SAME, beyond it."""
    padding = draw.pick(["SAME", "VALID"])
    activation = ACTIVATIONS[index % 4]
    options: dict[str, Any] = {"padding": padding, "fused_activation_function": activation}
    extents = []
    sizes = []
    for axis, word in (("h", "height"), ("w", "width")):
        size = draw.pick([1, 2, 3, 4, 5, 7, 8, 9, 12])
        window = draw.pick([1, 2, 2, 3, 3, 4, 5, size])
        if padding == "VALID":
            window = min(window, size)
        stride = draw.pick([1, 2, 2, 3, window])
        options |= {f"filter_{word}": window, f"stride_{axis}": stride}
        sizes.append(size)
        extents.append(window_extent(size, window, stride, 1, padding))
    batch, channels = draw.pick([1, 1, 1, 2]), draw.pick(CHANNELS)
    dtype: Any = np.int8 if kind == "int8" else np.float32
    quant = draw.quant() if kind == "int8" else None
    if quant and draw.chance(0.5):
        # Scales at which the bounds of the activations fall inside the range.
        quant = Quant(draw.power(-7, -3), quant.zero_point)
    source = Operand("input", (batch, *sizes, channels), dtype, quant)
    output = Operand("output", (batch, *extents, channels), dtype, quant)
    floats = Tolerance.EXACT if operator == "MAX_POOL_2D" else Tolerance.TENSOR
    return Case(
        options | {"shape": source.shape, "quant": quant},
        single(operator, [source], output, **options),
        {"input": draw.sets(source)},
        Tolerance.EXACT if kind == "int8" else floats,
        oracles(kind),
    )


# Every rank with every non-empty set of its axes, kept or dropped.
MEAN_FORMS = [
    (rank, axes, keep)
    for rank in (1, 2, 3, 4)
    for size in range(1, rank + 1)
    for axes in combinations(range(rank), size)
    for keep in (True, False)
]


def mean(kind: str, draw: Draw, index: int) -> Case:
    """All axis subsets in turn; axes may be negative and in any order."""
    rank, axes, keep = MEAN_FORMS[index % len(MEAN_FORMS)]
    shape = draw.shape(rank, 900)
    listed = [axis - rank if draw.chance(0.3) else axis for axis in axes]
    draw.rng.shuffle(listed)
    reduced = tuple(
        1 if axis in axes else size
        for axis, size in enumerate(shape)
        if keep or axis not in axes
    )
    dtype: Any = np.int8 if kind == "int8" else np.float32
    quant = draw.quant() if kind == "int8" else None
    result = quant
    if quant and draw.chance(0.7):
        reach = draw.pick([0.5, 1.0, 2.0, 6.0])
        result = Quant(np.float32(quant.scale * draw.power(-reach, reach)), draw.zero_point())
    source = Operand("input", shape, dtype, quant)
    output = Operand("output", reduced, dtype, result)
    axis = constant("axis", listed, dtype=np.int32)
    return Case(
        {"shape": shape, "axes": listed, "keep_dims": keep, "quant": quant, "output": result},
        single("MEAN", [source, axis], output, keep_dims=keep),
        {"input": draw.sets(source)},
        Tolerance.EXACT if kind == "int8" else Tolerance.TENSOR,
        oracles(kind),
    )


def softmax(kind: str, draw: Draw, index: int) -> Case:
    """Rows of 1 to 100 values, flat to peaked, beta beside 1."""
    rank = 1 + index % 4
    shape = (*draw.shape(rank - 1, 12), draw.pick([1, 2, 3, 4, 5, 7, 10, 12, 35, 100]))
    beta = float(np.float32(draw.pick([1.0, 1.0, 0.5, 2.0, draw.power(-4, 4)])))
    dtype: Any = np.int8 if kind == "int8" else np.float32
    # The oracles abort unless beta * scale * 2^26 is above 1.
    quant = Quant(draw.pick([draw.power(-21, 10), draw.power(-6, 0)]), draw.zero_point())
    source = Operand("input", shape, dtype, quant if kind == "int8" else None)
    output = Operand("output", shape, dtype, SOFTMAX_OUTPUT if kind == "int8" else None)
    sets = draw.sets(source)
    if kind == "int8":
        sets = np.concatenate([sets, draw.ramp_sets(source, 2)])
    return Case(
        {"shape": shape, "beta": beta, "quant": source.quant},
        single("SOFTMAX", [source], output, beta=beta),
        {"input": sets},
        Tolerance.EXACT if kind == "int8" else Tolerance.ELEMENT,
        oracles(kind),
    )


for _kind, _counts in (("int8", (180, 240, 312, 240)), ("float32", (100, 120, 156, 100))):
    family("MAX_POOL_2D", _kind, _counts[0], partial(pool, "MAX_POOL_2D", _kind))
    family("AVERAGE_POOL_2D", _kind, _counts[1], partial(pool, "AVERAGE_POOL_2D", _kind))
    family("MEAN", _kind, _counts[2], partial(mean, _kind))
    family("SOFTMAX", _kind, _counts[3], partial(softmax, _kind))
