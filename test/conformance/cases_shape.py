# SPDX-License-Identifier: Apache-2.0
"""Operators that move values and compute nothing."""

from __future__ import annotations

from functools import partial
from itertools import permutations
from typing import Any, Sequence

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
from .draw import Draw

Shape = tuple[int, ...]


def operand(draw: Draw, kind: str, name: str, shape: Shape) -> Operand:
    """An operand of the family's type, quantised if it is an integer."""
    if kind == "float32":
        return Operand(name, shape, np.float32)
    return Operand(name, shape, np.int8, draw.quant())


def moved(
    draw: Draw,
    kind: str,
    operator: str,
    params: dict[str, Any],
    source: Operand,
    rest: Sequence[Operand],
    shape: Shape,
    **options: Any,
) -> Case:
    """A case with one input, constant operands, and an output of the input's quantisation."""
    output = Operand("output", tuple(shape), source.dtype, source.quant)
    return Case(
        {"shape": source.shape} | params,
        single(operator, [source, *rest], output, **options),
        {"input": draw.sets(source, 4)},
        Tolerance.EXACT,
        INTEGER_ORACLES if kind == "int8" else FLOAT_ORACLES,
    )


def pad(operator: str, kind: str, draw: Draw, index: int) -> Case:
    """Padding on any side of any axis; PADV2 brings its own value."""
    rank = 1 + index % 4
    source = operand(draw, kind, "input", draw.shape(rank, 200))
    amounts = draw.rng.integers(0, 4, (rank, 2)) * (draw.rng.random((rank, 2)) < 0.6)
    width = np.int64 if draw.chance(0.1) else np.int32
    rest = [constant("paddings", amounts, dtype=width)]
    params: dict[str, Any] = {"paddings": amounts.tolist()}
    if operator == "PADV2":
        value = draw.integers((1,), np.int8)
        if kind == "float32":
            value = draw.rng.standard_normal(1).astype(np.float32)
        rest.append(constant("value", value, source.quant))
        params["value"] = value.item()
    shape = tuple(size + before + after for size, (before, after) in zip(source.shape, amounts))
    return moved(draw, kind, operator, params, source, rest, tuple(map(int, shape)))


def regrouped(draw: Draw, size: int) -> Shape:
    """A random shape with `size` elements."""
    dims = [1] * draw.integer(1, 4)
    factor = 2
    while size > 1:
        if size % factor:
            factor += 1
            continue
        dims[draw.integer(0, len(dims) - 1)] *= factor
        size //= factor
    return tuple(dims)


def reshape(kind: str, draw: Draw, index: int) -> Case:
    """The new shape in a tensor, in the options, or in both; one dimension may be open."""
    source = operand(draw, kind, "input", draw.shape(draw.integer(1, 4), 300))
    shape = regrouped(draw, int(np.prod(source.shape)))
    asked = list(shape)
    if draw.chance(0.4):
        asked[draw.integer(0, len(asked) - 1)] = -1
    place = ("tensor", "options", "both")[index % 3]
    rest = [] if place == "options" else [constant("new_shape", asked, dtype=np.int32)]
    options = {} if place == "tensor" else {"new_shape": asked}
    params = {"new_shape": asked, "place": place}
    return moved(draw, kind, "RESHAPE", params, source, rest, shape, **options)


def squeeze(kind: str, draw: Draw, index: int) -> Case:
    """All ones, or those listed, with negative axes too."""
    rank = draw.integer(1, 5)
    shape = tuple(1 if draw.chance(0.5) else draw.integer(1, 5) for _ in range(rank))
    source = operand(draw, kind, "input", shape)
    ones = [axis for axis, size in enumerate(shape) if size == 1]
    dims: list[int] = []
    if ones and index % 2:
        chosen = [axis for axis in ones if draw.chance(0.6)] or ones[:1]
        dims = [axis - rank if draw.chance(0.3) else axis for axis in chosen]
    dropped = {axis % rank for axis in dims} if dims else set(ones)
    result = tuple(size for axis, size in enumerate(shape) if axis not in dropped)
    return moved(
        draw, kind, "SQUEEZE", {"dims": dims}, source, [], result, squeeze_dims=dims
    )


def expand_dims(kind: str, draw: Draw, index: int) -> Case:
    """Every place for the new axis, counted from either end."""
    rank = draw.integer(1, 4)
    source = operand(draw, kind, "input", draw.shape(rank, 200))
    axis = draw.integer(-rank - 1, rank)
    place = axis if axis >= 0 else axis + rank + 1
    shape = (*source.shape[:place], 1, *source.shape[place:])
    width = np.int64 if index % 8 == 7 else np.int32
    axes = constant("axis", axis if index % 3 else [axis], dtype=width)
    return moved(draw, kind, "EXPAND_DIMS", {"axis": axis}, source, [axes], shape)


# All permutations up to rank 4; rank 5 is drawn.
PERMUTATIONS = [order for rank in (2, 3, 4) for order in permutations(range(rank))]


def transpose(kind: str, draw: Draw, index: int) -> Case:
    """Every permutation of 2 to 4 axes in turn, every fourth case one of 5."""
    order = list(PERMUTATIONS[index * 3 // 4 % len(PERMUTATIONS)])
    if index % 4 == 3:
        order = list(map(int, draw.rng.permutation(5)))
    source = operand(draw, kind, "input", draw.shape(len(order), 500))
    shape = tuple(source.shape[axis] for axis in order)
    rest = [constant("perm", order, dtype=np.int32)]
    return moved(draw, kind, "TRANSPOSE", {"perm": order}, source, rest, shape)


def concatenation(kind: str, draw: Draw, index: int) -> Case:
    """One to eight inputs along any axis; one of them may be constant."""
    rank = 1 + index % 4
    axis = draw.integer(0, rank - 1)
    first = operand(draw, kind, "input0", draw.shape(rank, 120))
    sources = []
    for place in range(draw.integer(1, 8) if draw.chance(0.3) else draw.integer(2, 3)):
        shape = list(first.shape)
        shape[axis] = draw.integer(1, 5)
        sources.append(Operand(f"input{place}", tuple(shape), first.dtype, first.quant))
    total = list(first.shape)
    total[axis] = sum(source.shape[axis] for source in sources)
    inputs = {source.name: draw.sets(source, 4) for source in sources}
    fixed = len(sources) > 1 and draw.chance(0.2)
    if fixed:
        last = sources[-1]
        values = inputs.pop(last.name)[0]
        sources[-1] = Operand(last.name, last.shape, last.dtype, last.quant, values)
    asked = axis - rank if draw.chance(0.4) else axis
    output = Operand("output", tuple(total), first.dtype, first.quant)
    options = {"axis": asked, "fused_activation_function": "NONE"}
    shapes = [source.shape for source in sources]
    return Case(
        {"shapes": shapes, "axis": asked, "constant": fixed},
        single("CONCATENATION", sources, output, **options),
        inputs,
        Tolerance.EXACT,
        INTEGER_ORACLES if kind == "int8" else FLOAT_ORACLES,
    )


def drawn_slice(draw: Draw, size: int) -> tuple[int, int, int]:
    """Begin, end and stride of one axis that leave something; bounds may lie outside."""
    while True:
        stride = draw.pick([1, 1, 1, 2, 3, -1, -1, -2])
        begin, end = draw.integer(-size - 2, size + 1), draw.integer(-size - 2, size + 1)
        if len(range(*slice(begin, end, stride).indices(size))) > 0:
            return begin, end, stride


def strided_slice(kind: str, draw: Draw, index: int) -> Case:
    """Negative strides, bounds outside, and the five masks."""
    rank = draw.integer(1, 4) if index % 16 else 5
    source = operand(draw, kind, "input", draw.shape(rank, 400))
    form = ("plain", "masks", "shrink", "masks", "plain", "shrink", "ellipsis", "new axis")[
        index // 2 % 8
    ]
    listed: list[tuple[int, int, int]] = []
    masks = dict.fromkeys(("begin", "end", "ellipsis", "new_axis", "shrink_axis"), 0)
    key: list[Any] = []
    axes = list(range(rank))
    if form == "ellipsis":
        start = draw.integer(0, rank - 1)
        del axes[start : start + draw.integer(0, rank - start)]
        axes.insert(start, -1)
    for place, axis in enumerate(axes):
        if axis < 0:
            masks["ellipsis"] |= 1 << place
            listed.append((0, 0, 1))
            key.append(Ellipsis)
            continue
        begin, end, stride = drawn_slice(draw, source.shape[axis])
        bounds: list[int | None] = [begin, end]
        if form == "shrink" and draw.chance(0.5):
            begin = draw.integer(-source.shape[axis], source.shape[axis] - 1)
            end, stride = begin + 1, 1
            masks["shrink_axis"] |= 1 << place
            key.append(begin)
        else:
            if form == "masks":
                for side, name in enumerate(("begin", "end")):
                    if draw.chance(0.5):
                        masks[name] |= 1 << place
                        bounds[side] = None
            key.append(slice(*bounds, stride))
        listed.append((begin, end, stride))
    if form == "new axis":
        place = draw.integer(0, len(key))
        masks["new_axis"] |= 1 << place
        listed.insert(place, (0, 1, 1))
        key.insert(place, None)
    if form == "ellipsis" and len(axes) > rank and key[-1] is not Ellipsis:
        # One that stands for no axis: LiteRT takes an axis whole and ignores the last entry,
        # whatever shape the file says. Draw again where that leaves nothing.
        place = key.index(Ellipsis)
        moved_on = (*key[:place], slice(None), *key[place + 1 : -1])
        if np.empty(source.shape)[moved_on].size == 0:
            return strided_slice(kind, draw, index)
    shape = np.empty(source.shape)[tuple(key)].shape
    names = ("begin", "end", "strides")
    rest = [constant(name, column, dtype=np.int32) for name, column in zip(names, zip(*listed))]
    options = {f"{name}_mask": bits for name, bits in masks.items()}
    params = {"slices": listed, "form": form} | options
    return moved(draw, kind, "STRIDED_SLICE", params, source, rest, shape, **options)


for _operator, _builder, _int8, _float in (
    ("PAD", partial(pad, "PAD"), 160, 80),
    ("PADV2", partial(pad, "PADV2"), 100, 50),
    ("RESHAPE", reshape, 80, 40),
    ("SQUEEZE", squeeze, 80, 40),
    ("EXPAND_DIMS", expand_dims, 80, 40),
    ("TRANSPOSE", transpose, 160, 90),
    ("CONCATENATION", concatenation, 180, 90),
    ("STRIDED_SLICE", strided_slice, 320, 160),
):
    family(_operator, "int8", _int8, partial(_builder, "int8"))
    family(_operator, "float32", _float, partial(_builder, "float32"))
