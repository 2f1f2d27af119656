# SPDX-License-Identifier: Apache-2.0
"""What a case is, how a family of cases is declared, and the builder of one-operator models."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Callable, Sequence

import numpy as np

from .model import NO_TENSOR, Graph, Model, Quant

INTEGER_ORACLES = ("tflm", "litert")
FLOAT_ORACLES = ("litert",)


class Tolerance(Enum):
    """How close a result must come; the value is the sentence that the report prints."""

    EXACT = "equal bit for bit"
    ULP = "at most 4 ulp"
    ELEMENT = "1e-5 relative, element by element"
    TENSOR = "1e-5 relative to the largest magnitude of the output"


@dataclass(frozen=True)
class Operand:
    """One tensor of the operator: an input, or a constant if `values` is given.

    `dequantize` stores the constant as it is and feeds the operator through a DEQUANTIZE.
    """

    name: str
    shape: tuple[int, ...]
    dtype: Any
    quant: Quant | None = None
    values: np.ndarray | None = None
    dequantize: bool = False

    def as_float(self) -> "Operand":
        """The same constant in float32, dequantised if it is quantised."""
        assert self.values is not None
        values = self.values.astype(np.float32)
        if self.quant is not None:
            scale = np.asarray(self.quant.scale, dtype=np.float32)
            if scale.ndim:
                along = [1] * values.ndim
                along[self.quant.axis] = -1
                scale = scale.reshape(along)
            values = values * scale
        return constant(self.name, values.astype(np.float32))


@dataclass(frozen=True)
class Case:
    """A model with inputs: each array has one axis more than its tensor, one inference a slice."""

    params: dict[str, Any]
    model: bytes
    inputs: dict[str, np.ndarray]
    tolerance: Tolerance
    oracles: tuple[str, ...]
    oracle_models: dict[str, bytes] = field(default_factory=dict)

    def model_for(self, oracle: str) -> bytes:
        """What the oracle is given: the model itself, or the form of it that the oracle takes."""
        return self.oracle_models.get(oracle, self.model)


Builder = Callable[["Draw", int], Case]


@dataclass(frozen=True)
class Spec:
    """A case by name; building it is deterministic, because the name is its seed."""

    operator: str
    type: str
    index: int
    required: bool
    builder: Builder

    @property
    def name(self) -> str:
        """Unique, and fit to be a file name."""
        return f"{self.operator.lower()}-{self.type}-{self.index:04d}"

    def build(self) -> Case:
        """Draw the case's parameters and write its model."""
        from .draw import Draw

        return self.builder(Draw(zlib.crc32(self.name.encode())), self.index)


_families: dict[tuple[str, str], list[Spec]] = {}


def family(operator: str, type_name: str, count: int, builder: Builder, required: bool = True):
    """Declare `count` cases of an operator and type; what is not required may be refused."""
    key = (operator, type_name)
    assert key not in _families, key
    _families[key] = [
        Spec(operator, type_name, index, required, builder) for index in range(count)
    ]


def families() -> dict[tuple[str, str], list[Spec]]:
    """Every declared family, by operator and type."""
    return dict(sorted(_families.items()))


def constant(name: str, values: Any, quant: Quant | None = None, dtype: Any = None) -> Operand:
    """A constant operand."""
    array = np.asarray(values, dtype=dtype)
    return Operand(name, array.shape, array.dtype, quant, array)


def single(
    operator: str, operands: Sequence[Operand | None], output: Operand, **options: Any
) -> bytes:
    """A model of one operator; None is an absent optional input."""
    model = Model(f"one {operator}")
    graph = model.main
    known: dict[str, int] = {}
    indices = []
    for operand in operands:
        if operand is None:
            indices.append(NO_TENSOR)
            continue
        if operand.name not in known:
            known[operand.name] = _add_operand(graph, operand)
        indices.append(known[operand.name])
    result = graph.output(output.name, output.shape, output.dtype, output.quant)
    graph.op(operator, indices, [result], **options)
    return model.pack()


def _add_operand(graph: Graph, operand: Operand) -> int:
    if operand.values is None:
        return graph.input(operand.name, operand.shape, operand.dtype, operand.quant)
    index = graph.const(operand.name, operand.values, operand.quant)
    if not operand.dequantize:
        return index
    wide = graph.tensor(operand.name + "_dequantized", operand.shape, np.float32)
    graph.op("DEQUANTIZE", [index], [wide])
    return wide


def stored(operand: Operand) -> Operand:
    """The constant, fed to the operator through a DEQUANTIZE."""
    return replace(operand, dequantize=True)
