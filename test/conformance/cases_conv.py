# SPDX-License-Identifier: Apache-2.0
"""CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED, with every form of weights."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
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
    stored,
)
from .draw import ACTIVATIONS, Draw
from .model import Quant

# Random int8 values have a standard deviation of about 74 from their middle.
INT8_DEVIATION = 74.0
CHANNELS = (1, 2, 3, 4, 5, 7, 8, 9, 12, 16, 17, 24, 32)


@dataclass(frozen=True)
class Weights:
    """The weights and bias that the model holds, and what the oracle is given in their place."""

    operands: list[Operand]
    oracle_operands: list[Operand]
    form: str


def float_weights(draw: Draw, kind: str, shape: tuple[int, ...], axis: int, bias: int) -> Weights:
    """float32, float16 through DEQUANTIZE, or int8 used by a float operator ("dynamic").

    `bias` is the number of output channels, or 0 for a missing bias.
    """
    depth = int(np.prod(shape)) // shape[axis]
    values = draw.rng.standard_normal(shape) / np.sqrt(depth)
    rest = [constant("bias", draw.rng.standard_normal(bias), dtype=np.float32)] if bias else []
    if kind == "float32":
        operands = [constant("weights", values, dtype=np.float32), *rest]
        return Weights(operands, operands, "float32")
    if kind == "float16":
        half = stored(constant("weights", values, dtype=np.float16))
        if rest and draw.chance(0.5):
            rest = [stored(constant("bias", rest[0].values, dtype=np.float16))]
        return Weights([half, *rest], [half, *rest], "float16 through DEQUANTIZE")
    scales, form = 1.0 / (127 * np.sqrt(depth)), "int8 per tensor"
    if draw.chance(0.5):
        scales = scales * 2.0 ** draw.rng.uniform(-2, 2, shape[axis])
        form = "int8 per channel"
    quant = Quant(np.float32(scales), 0, axis)
    whole = constant("weights", draw.rng.integers(-127, 128, shape), quant, np.int8)
    oracle = [whole.as_float(), *rest]
    if form == "int8 per tensor" and draw.chance(0.3):
        return Weights([stored(whole), *rest], oracle, form + " through DEQUANTIZE")
    return Weights([whole, *rest], oracle, form)


def int8_weights(draw: Draw, shape: tuple[int, ...], axis: int, per_channel: bool) -> Operand:
    """int8 weights with a scale a tensor or a channel."""
    scales = np.float32(draw.power(-12, -3))
    if per_channel:
        spread = draw.pick([0.0, 1.0, 4.0])
        factors = 2.0 ** draw.rng.uniform(-spread, spread, shape[axis])
        scales = (scales * factors).astype(np.float32)
    low = -127 if draw.chance(0.8) else -128
    fill = draw.pick(["random"] * 6 + ["max", "min"])
    values = draw.rng.integers(low, 128, shape)
    if fill != "random":
        values = np.full(shape, 127 if fill == "max" else low)
    return constant("weights", values, Quant(scales, 0, axis), np.int8)


def int8_bias(draw: Draw, channels: int, scales: np.ndarray, depth: int) -> Operand:
    """A bias of the accumulator's scale; one in eight near the ends of int32."""
    reach = int(np.sqrt(depth) * INT8_DEVIATION**2)
    if draw.chance(0.125):
        # A sum of products stays below 2^15 a term, and the accumulator must not overflow.
        reach = 2**31 - 1 - depth * 2**15
    values = draw.rng.integers(-reach, reach, channels, endpoint=True)
    scale: Any = scales if scales.size > 1 else scales[0]
    return constant("bias", values, Quant(scale, 0, 0), np.int32)


def draw_quants(
    draw: Draw, weight_scale: np.ndarray, depth: int, activation: str
) -> tuple[Quant, Quant, str]:
    """Input and output: mostly a range that is used, also multipliers far above and below it.

    "inside" keeps the bounds of the activation within the range, as trained models do.
    """
    middle = float(np.median(weight_scale))
    mode = draw.pick(["inside"] * 7 + ["fit"] * 4 + ["large", "tiny", "tiny", "one", "huge"])
    factor = {
        "inside": np.sqrt(depth) * INT8_DEVIATION**2 / 40 * draw.power(-1, 1),
        "fit": np.sqrt(depth) * INT8_DEVIATION**2 / 40 * draw.power(-1, 1),
        "large": draw.power(-8, -0.1),
        "tiny": draw.power(14, 36),
        "one": 1.0,
        "huge": draw.power(-20, -8),
    }[mode]
    source = draw.quant()
    if mode == "inside":
        result = draw.activation_quant(activation)
        scale = np.float32(float(result.scale) / (middle * factor))
        return Quant(scale, source.zero_point), result, mode
    scale = np.float32(float(source.scale) * middle * factor)
    return source, Quant(scale, draw.zero_point()), mode


def window_extent(size: int, kernel: int, stride: int, dilation: int, padding: str) -> int:
    """How many outputs a window has along one axis."""
    if padding == "SAME":
        return -(-size // stride)
    return (size - (kernel - 1) * dilation - 1) // stride + 1


def draw_window(draw: Draw, kernel_max: int) -> dict[str, Any]:
    """Input size, kernel, strides, dilations and padding that leave at least one output."""
    padding = draw.pick(["SAME", "VALID"])
    window: dict[str, Any] = {"padding": padding}
    for axis in "hw":
        kernel = draw.integer(1, kernel_max)
        dilation = draw.integer(2, 3) if draw.chance(0.25) else 1
        size = draw.pick([1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13])
        if padding == "VALID":
            size = max(size, (kernel - 1) * dilation + 1)
        window |= {
            f"in_{axis}": size,
            f"kernel_{axis}": kernel,
            f"stride_{axis}": draw.pick([1, 1, 2, 2, 3]),
            f"dilation_{axis}": dilation,
        }
    if draw.chance(0.15):
        # Time series come as images of one row.
        window |= {"in_h": 1, "kernel_h": 1, "stride_h": 1, "dilation_h": 1}
    for axis in "hw":
        window[f"out_{axis}"] = window_extent(
            window[f"in_{axis}"],
            window[f"kernel_{axis}"],
            window[f"stride_{axis}"],
            window[f"dilation_{axis}"],
            padding,
        )
    return window


def conv_options(window: dict[str, Any], activation: str) -> dict[str, Any]:
    """The fields of Conv2DOptions that a window fixes."""
    return {
        "padding": window["padding"],
        "stride_w": window["stride_w"],
        "stride_h": window["stride_h"],
        "dilation_w_factor": window["dilation_w"],
        "dilation_h_factor": window["dilation_h"],
        "fused_activation_function": activation,
    }


def weighted_case(
    draw: Draw,
    kind: str,
    operator: str,
    shapes: dict[str, tuple[int, ...]],
    axis: int,
    params: dict[str, Any],
    options: dict[str, Any],
    per_channel_share: float,
) -> Case:
    """A case of an operator with weights and bias; `shapes` holds input, weights and output."""
    weight_shape = shapes["weights"]
    channels = weight_shape[axis]
    depth = int(np.prod(weight_shape)) // channels
    has_bias = draw.chance(0.85)
    # LiteRT's CONV_2D asks for a bias: without one, it is given a bias of zeros.
    needs_bias = operator == "CONV_2D" and not has_bias
    params = params | {"bias": has_bias, "weights": weight_shape}
    if kind != "int8":
        source = Operand("input", shapes["input"], np.float32)
        weights = float_weights(draw, kind, weight_shape, axis, channels if has_bias else 0)
        output = Operand("output", shapes["output"], np.float32)
        oracle = [source, *weights.oracle_operands]
        if needs_bias:
            oracle.append(constant("bias", np.zeros(channels), dtype=np.float32))
        return Case(
            params | {"form": weights.form},
            single(operator, [source, *weights.operands], output, **options),
            {"input": draw.float_sets(source, 4)},
            Tolerance.TENSOR,
            FLOAT_ORACLES,
            {"litert": single(operator, oracle, output, **options)},
        )
    per_channel = draw.chance(per_channel_share)
    weight = int8_weights(draw, weight_shape, axis, per_channel)
    activation = options["fused_activation_function"]
    in_quant, quant, mode = draw_quants(draw, weight.quant.scale, depth, activation)
    source = Operand("input", shapes["input"], np.int8, in_quant)
    scales = np.atleast_1d(np.float32(in_quant.scale) * weight.quant.scale)
    operands = [source, weight]
    if has_bias:
        operands.append(int8_bias(draw, channels, scales, depth))
    output = Operand("output", shapes["output"], np.int8, quant)
    params |= {"per_channel": per_channel, "multiplier": mode, "zero_point": quant.zero_point}
    oracle_models = {}
    if needs_bias:
        zeros = constant("bias", np.zeros(channels), Quant(scales), np.int32)
        oracle_models["litert"] = single(operator, [*operands, zeros], output, **options)
    return Case(
        params | {"input_zero_point": in_quant.zero_point},
        single(operator, operands, output, **options),
        {"input": draw.sets(source, 8)},
        Tolerance.EXACT,
        INTEGER_ORACLES,
        oracle_models,
    )


def conv_2d(kind: str, draw: Draw, index: int) -> Case:
    """Any window, channels around the widths of vector units, groups in one case of five."""
    window = draw_window(draw, 5)
    activation = ACTIVATIONS[index % 4]
    depth, channels, groups = draw.pick(CHANNELS), draw.pick(CHANNELS), 1
    if draw.chance(0.2):
        groups = draw.integer(2, 4)
        depth, channels = draw.integer(1, 6), groups * draw.integer(1, 5)
    batch = draw.pick([1] * 6 + [2, 3])
    shapes = {
        "input": (batch, window["in_h"], window["in_w"], depth * groups),
        "weights": (channels, window["kernel_h"], window["kernel_w"], depth),
        "output": (batch, window["out_h"], window["out_w"], channels),
    }
    params = window | {"activation": activation, "groups": groups, "batch": batch}
    options = conv_options(window, activation)
    return weighted_case(draw, kind, "CONV_2D", shapes, 0, params, options, 0.75)


def depthwise_conv_2d(kind: str, draw: Draw, index: int) -> Case:
    """Any window and any multiplier."""
    window = draw_window(draw, 5)
    activation = ACTIVATIONS[index % 4]
    depth = draw.pick(CHANNELS)
    multiplier = draw.pick([1, 1, 1, 2, 3, 4, 5, 8])
    batch = draw.pick([1] * 6 + [2, 3])
    channels = depth * multiplier
    shapes = {
        "input": (batch, window["in_h"], window["in_w"], depth),
        "weights": (1, window["kernel_h"], window["kernel_w"], channels),
        "output": (batch, window["out_h"], window["out_w"], channels),
    }
    params = window | {"activation": activation, "multiplier_depth": multiplier, "batch": batch}
    options = conv_options(window, activation) | {"depth_multiplier": multiplier}
    return weighted_case(draw, kind, "DEPTHWISE_CONV_2D", shapes, 3, params, options, 0.75)


def fully_connected(kind: str, draw: Draw, index: int) -> Case:
    """Inputs of rank 1 to 4; keep_num_dims keeps all dimensions but the last."""
    activation = ACTIVATIONS[index % 4]
    units = draw.pick(CHANNELS)
    keep = draw.chance(0.3)
    lead = draw.shape(draw.integer(0, 3), 12) if draw.chance(0.5) else (1,)
    depth = draw.pick(CHANNELS + (64, 65, 100))
    source = (*lead, depth)
    batch = int(np.prod(lead, dtype=np.int64))
    if not keep and draw.chance(0.3):
        # The rows of the weights may be longer than the input's last dimension.
        source = (1, draw.integer(1, 4), draw.integer(1, 4), draw.integer(1, 8))
        batch, depth = 1, int(np.prod(source))
    output = (*source[:-1], units) if keep else (batch, units)
    shapes = {"input": source, "weights": (units, depth), "output": output}
    params = {"activation": activation, "keep_num_dims": keep, "input": source}
    options = {"fused_activation_function": activation, "keep_num_dims": keep}
    return weighted_case(draw, kind, "FULLY_CONNECTED", shapes, 0, params, options, 0.4)


for _operator, _builder, _counts in (
    ("CONV_2D", conv_2d, (520, 280, 70, 80)),
    ("DEPTHWISE_CONV_2D", depthwise_conv_2d, (520, 280, 70, 80)),
    ("FULLY_CONNECTED", fully_connected, (440, 220, 60, 80)),
):
    for _kind, _count in zip(("int8", "float32", "float16", "dynamic"), _counts):
        family(_operator, _kind, _count, partial(_builder, _kind))
