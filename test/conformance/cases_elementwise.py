# SPDX-License-Identifier: Apache-2.0
"""ADD, SUB, MUL with broadcasting, and the activations that stand alone."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from .case import FLOAT_ORACLES, INTEGER_ORACLES, Case, Operand, Tolerance, family, single
from .draw import ACTIVATIONS, Draw
from .model import Quant

INT8_STEPS = 256
GRID_EVERY = 9


def broadcast_shapes(draw: Draw, index: int) -> tuple[str, tuple[int, ...], tuple[int, ...]]:
    """Two shapes that broadcast; the form goes round with the case's index."""
    form = ("same", "scalar", "channel", "row", "both", "rank", "deep")[index % 7]
    rank = 5 if form == "deep" else draw.integer(1, 4)
    if form in ("channel", "row", "both"):
        rank = draw.integer(2, 4)
    full = draw.shape(rank, 600)
    first, second = full, full
    if form == "scalar":
        second = (1,) * draw.integer(0, rank)
    elif form == "channel":
        second = full[-1:]
    elif form == "row":
        second = (*full[:-1], 1)
    elif form in ("both", "deep"):
        mask = draw.rng.random(rank) < 0.5
        first = tuple(1 if m else d for m, d in zip(mask, full))
        second = tuple(d if m or draw.chance(0.3) else 1 for m, d in zip(mask, full))
    elif form == "rank":
        second = tuple(d if draw.chance(0.5) else 1 for d in full[draw.integer(0, rank - 1) :])
    if draw.chance(0.5):
        first, second = second, first
    return form, first, second


def binary_quants(draw: Draw, operator: str, activation: str) -> tuple[Quant, Quant, Quant]:
    """Scales of two inputs and the output, near each other or far apart.

    Half of the cases keep the bounds of the activation within the output's range.
    """
    first = draw.quant()
    reach = draw.pick([0.0, 1.0, 1.0, 4.0, 8.0])
    second = Quant(np.float32(first.scale * draw.power(-reach, reach)), draw.zero_point())
    if draw.chance(0.15):
        second = first
    if operator == "MUL":
        natural = float(first.scale) * float(second.scale) * INT8_STEPS / 2
    else:
        natural = 2.0 * max(float(first.scale), float(second.scale))
    reach = draw.pick([0.5, 1.0, 1.0, 4.0, 12.0])
    scale = np.float32(natural * draw.power(-reach, reach))
    if operator != "MUL" and draw.chance(0.1):
        scale = first.scale
    if draw.chance(0.5):
        inside = draw.activation_quant(activation)
        factor = float(inside.scale) / float(scale)
        first = Quant(np.float32(float(first.scale) * factor), first.zero_point)
        if operator != "MUL":
            second = Quant(np.float32(float(second.scale) * factor), second.zero_point)
        return first, second, inside
    return first, second, Quant(scale, draw.zero_point())


def binary_grid(operator: str, draw: Draw, index: int) -> Case:
    """Every pair of int8 values, by broadcasting a column and a row."""
    activation = ACTIVATIONS[index % 4]
    quants = binary_quants(draw, operator, activation)
    first = Operand("input0", (INT8_STEPS, 1), np.int8, quants[0])
    second = Operand("input1", (1, INT8_STEPS), np.int8, quants[1])
    output = Operand("output", (INT8_STEPS, INT8_STEPS), np.int8, quants[2])
    options = {"fused_activation_function": activation}
    return Case(
        {"form": "grid", "activation": activation, "quants": quants},
        single(operator, [first, second], output, **options),
        {source.name: draw.ramp_sets(source, 1) for source in (first, second)},
        Tolerance.EXACT,
        INTEGER_ORACLES,
    )


def binary(operator: str, kind: str, draw: Draw, index: int) -> Case:
    """Full broadcasting on both sides; one case of four has a constant operand."""
    if kind == "int8" and index % GRID_EVERY == GRID_EVERY - 1:
        return binary_grid(operator, draw, index)
    form, first_shape, second_shape = broadcast_shapes(draw, index)
    activation = ACTIVATIONS[draw.integer(0, 3)]
    dtype: Any = np.int8 if kind == "int8" else np.float32
    quants: tuple[Quant | None, ...] = (None, None, None)
    if kind == "int8":
        quants = binary_quants(draw, operator, activation)
    first = Operand("input0", first_shape, dtype, quants[0])
    second = Operand("input1", second_shape, dtype, quants[1])
    shape = np.broadcast_shapes(first_shape, second_shape)
    sources = [first, second]
    fixed = draw.pick(["none"] * 6 + ["first", "second", "second", "same tensor"])
    inputs = {source.name: draw.sets(source) for source in sources}
    if fixed == "same tensor" and first_shape == second_shape:
        sources = [first, first]
        del inputs["input1"]
    elif fixed in ("first", "second"):
        place = ("first", "second").index(fixed)
        chosen = sources[place]
        values = inputs.pop(chosen.name)[0]
        sources[place] = Operand(chosen.name, chosen.shape, dtype, chosen.quant, values)
    output = Operand("output", shape, dtype, quants[2])
    options = {"fused_activation_function": activation}
    params = {"form": form, "first": first_shape, "second": second_shape, "constant": fixed}
    params |= {"activation": activation, "quants": quants if kind == "int8" else ()}
    return Case(
        params,
        single(operator, sources, output, **options),
        inputs,
        Tolerance.EXACT if kind == "int8" else Tolerance.ULP,
        INTEGER_ORACLES if kind == "int8" else FLOAT_ORACLES,
    )


# What an activation's output is fixed to by the format, where it is.
FIXED_OUTPUT = {"LOGISTIC": Quant(1 / 256, -128), "TANH": Quant(1 / 128, 0)}
FLOAT_TOLERANCE = {
    "LOGISTIC": Tolerance.ELEMENT,
    "TANH": Tolerance.ELEMENT,
    "RELU": Tolerance.EXACT,
    "RELU6": Tolerance.EXACT,
    "LEAKY_RELU": Tolerance.ULP,
    "HARD_SWISH": Tolerance.ULP,
    "ABS": Tolerance.EXACT,
}


def activation_sets(draw: Draw, source: Operand) -> np.ndarray:
    """For floats, the neighbourhood of every knee and of saturation."""
    size = int(np.prod(source.shape))
    knees = np.array([-6, -3, -1, -0.0, 0.0, 1, 3, 6, -9, 16.6, 88, -88, 1e30, -1e30, 1e-30])
    near = knees[np.arange(size) % knees.size]
    sets = [
        draw.rng.uniform(-8, 8, size),
        draw.rng.uniform(-20, 20, size),
        draw.rng.uniform(-1e-3, 1e-3, size),
        near,
        np.nextafter(near.astype(np.float32), np.float32(np.inf)),
        draw.rng.uniform(-120, 120, size),
    ]
    return np.stack(sets).reshape((len(sets), *source.shape)).astype(np.float32)


def activation(operator: str, kind: str, draw: Draw, index: int) -> Case:
    """One input; for int8 the four sets together hold all 256 values where the shape allows."""
    options: dict[str, Any] = {}
    params: dict[str, Any] = {}
    if operator == "LEAKY_RELU":
        slope = draw.pick([0.0, 0.01, 0.1, 0.2, 0.3, 0.5, 1.0, draw.power(-6, 1)])
        slope = float(np.float32(slope))
        options = {"alpha": slope}
        params = {"alpha": slope}
    shape = draw.shape(draw.integer(1, 4), 400)
    if kind == "float32":
        source = Operand("input", shape, np.float32)
        output = Operand("output", shape, np.float32)
        return Case(
            params | {"shape": shape},
            single(operator, [source], output, **options),
            {"input": activation_sets(draw, source)},
            FLOAT_TOLERANCE[operator],
            FLOAT_ORACLES,
        )
    if index % 4:
        shape = (1, *draw.pick([(64,), (65,), (8, 8), (3, 22), (4, 4, 5), (256,)]))
    quant = draw.quant()
    fixed = FIXED_OUTPUT.get(operator)
    if draw.chance(0.7):
        quant = Quant(draw.power(-7, -3), quant.zero_point)
    elif fixed:
        # Below 2^-28 the oracles shift by a negative amount, which C++ leaves undefined.
        quant = Quant(max(quant.scale, 2.0**-27), quant.zero_point)
    reach = draw.pick([0.0, 0.5, 1.0, 2.0, 6.0])
    result = Quant(np.float32(quant.scale * draw.power(-reach, reach)), draw.zero_point())
    if reach == 0.0 or draw.chance(0.3):
        result = quant
    source = Operand("input", shape, np.int8, quant)
    output = Operand("output", shape, np.int8, fixed or result)
    sets = np.concatenate([draw.ramp_sets(source), draw.integer_sets(source, 3)])
    return Case(
        params | {"shape": shape, "quant": quant, "output": output.quant},
        single(operator, [source], output, **options),
        {"input": sets},
        Tolerance.EXACT,
        INTEGER_ORACLES,
    )


for _operator in ("ADD", "SUB", "MUL"):
    family(_operator, "int8", 340, partial(binary, _operator, "int8"))
    family(_operator, "float32", 140, partial(binary, _operator, "float32"))

for _operator, _int8, _float in (
    ("LOGISTIC", 180, 60),
    ("TANH", 180, 60),
    ("RELU", 140, 40),
    ("RELU6", 140, 40),
    ("LEAKY_RELU", 180, 60),
    ("HARD_SWISH", 220, 60),
    ("ABS", 140, 40),
):
    family(_operator, "int8", _int8, partial(activation, _operator, "int8"))
    family(_operator, "float32", _float, partial(activation, _operator, "float32"))
