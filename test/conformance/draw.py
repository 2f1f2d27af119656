# SPDX-License-Identifier: Apache-2.0
"""Random draws that lean towards the corners: tiny shapes, extreme scales, saturating inputs."""

from __future__ import annotations

from typing import Any, Sequence

import numpy as np

from .case import Operand
from .model import Quant

ACTIVATIONS = ("NONE", "RELU", "RELU6", "RELU_N1_TO_1")
DIMENSIONS = (1, 1, 2, 3, 3, 4, 5, 6, 7, 8, 9, 11, 13, 16, 17)


class Draw:
    """A seeded source of parameters for one case."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def pick(self, options: Sequence[Any]) -> Any:
        """One of the options, as it stands in the sequence."""
        return options[int(self.rng.integers(len(options)))]

    def integer(self, low: int, high: int) -> int:
        """An integer of [low, high]."""
        return int(self.rng.integers(low, high + 1))

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return bool(self.rng.random() < probability)

    def shape(self, rank: int, elements_max: int) -> tuple[int, ...]:
        """A shape of small dimensions, mostly odd, with at most `elements_max` elements."""
        shape = [int(self.pick(DIMENSIONS)) for _ in range(rank)]
        while np.prod(shape) > elements_max:
            largest = int(np.argmax(shape))
            shape[largest] = (shape[largest] + 1) // 2
        return tuple(shape)

    def power(self, low: float, high: float) -> float:
        """A number between 2^low and 2^high, uniform in the exponent, a float32."""
        return float(np.float32(2.0 ** self.rng.uniform(low, high)))

    def scale(self) -> float:
        """Mostly what converters write; one in eight extreme, one in eight a power of two."""
        kind = self.integer(0, 7)
        if kind == 0:
            return self.pick([self.power(-30, -14), self.power(8, 20)])
        if kind == 1:
            return 2.0 ** self.integer(-8, 2)
        return self.power(-10, 1)

    def zero_point(self, dtype: Any = np.int8) -> int:
        """The ends of the range and 0 as often as anything else."""
        info = np.iinfo(dtype)
        if info.bits > 8:
            return 0
        middle = (info.min + info.max + 1) // 2
        if self.chance(0.5):
            return int(self.pick([info.min, info.max, middle]))
        return self.integer(info.min, info.max)

    def activation_quant(self, activation: str) -> Quant:
        """A quantisation in which the bounds of the fused activation lie inside the range."""
        low = {"RELU": -128, "RELU6": -128}.get(activation, -100)
        zero = low if self.chance(0.4) else self.integer(low, -low // 2 - 40)
        return Quant(self.power(-5.5, -3.5), zero)

    def quant(self, dtype: Any = np.int8) -> Quant:
        """A per-tensor quantisation."""
        return Quant(self.scale(), self.zero_point(dtype))

    def integers(self, shape: Sequence[int], dtype: Any = np.int8) -> np.ndarray:
        """Uniform over the whole range of the type."""
        info = np.iinfo(dtype)
        return self.rng.integers(info.min, info.max, shape, dtype=dtype, endpoint=True)

    def integer_sets(self, operand: Operand, count: int = 6) -> np.ndarray:
        """Random, saturating and small inputs, stacked on a leading axis."""
        info = np.iinfo(operand.dtype)
        zero = int(operand.quant.zero_point) if operand.quant else 0
        shape, dtype = operand.shape, operand.dtype
        around = self.rng.integers(-3, 4, shape) + zero
        ends = np.where(self.rng.random(shape) < 0.5, info.min, info.max)
        sets = [
            self.integers(shape, dtype),
            np.full(shape, info.min),
            np.full(shape, info.max),
            np.clip(around, info.min, info.max),
            ends,
        ]
        sets += [self.integers(shape, dtype) for _ in range(len(sets), count)]
        return np.stack(sets[:count]).astype(dtype)

    def ramp_sets(self, operand: Operand, count: int = 4) -> np.ndarray:
        """Consecutive values from the smallest on, over all sets, then around again."""
        info = np.iinfo(operand.dtype)
        size = int(np.prod(operand.shape, dtype=np.int64))
        step = 1 if info.bits == 8 else 97
        values = np.arange(size * count, dtype=np.int64) * step % (info.max - info.min + 1)
        return (values + info.min).reshape((count, *operand.shape)).astype(operand.dtype)

    def float_sets(self, operand: Operand, count: int = 6, magnitude: float = 1.0) -> np.ndarray:
        """Normal, constant, tiny and large inputs, and signed zeros."""
        shape = operand.shape
        normal = self.rng.standard_normal(shape) * magnitude
        sets = [
            normal,
            np.full(shape, magnitude),
            np.full(shape, -magnitude),
            self.rng.uniform(-1e-3, 1e-3, shape) * magnitude,
            np.where(self.rng.random(shape) < 0.5, -0.0, 0.0) + np.round(normal),
            self.rng.uniform(-100, 100, shape) * magnitude,
        ]
        sets += [self.rng.standard_normal(shape) * magnitude for _ in range(len(sets), count)]
        return np.stack(sets[:count]).astype(np.float32)

    def sets(self, operand: Operand, count: int = 6) -> np.ndarray:
        """Inputs for the operand's type."""
        if np.issubdtype(operand.dtype, np.floating):
            return self.float_sets(operand, count)
        return self.integer_sets(operand, count)
