# SPDX-License-Identifier: Apache-2.0
"""The reference interpreters, and what is known of them.

"tflm" is TensorFlow Lite Micro's reference kernels, "litert" LiteRT with its reference kernels
(BUILTIN_REF). A model that an oracle does not take raises Refused with the oracle's own words.
"""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import dataclass
from typing import Callable

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from tflite_micro import runtime

ARENA_BYTES = 1 << 19
MESSAGE_BYTES_MAX = 300


class Refused(Exception):
    """The oracle does not run this model; the text says why, in its words."""


class StderrTail:
    """Redirects the process's standard error to a file, to quote what an oracle printed there."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()
        os.dup2(self._file.fileno(), sys.stderr.fileno())
        self._place = 0

    def mark(self) -> None:
        """Forget what was printed so far."""
        self._place = os.lseek(self._file.fileno(), 0, os.SEEK_END)

    def since_mark(self) -> str:
        """What was printed since, on one line."""
        data = os.pread(self._file.fileno(), 4096, self._place)
        return " ".join(data.decode(errors="replace").split())[:MESSAGE_BYTES_MAX]


def run_tflm(model: bytes, inputs: dict[str, np.ndarray]) -> np.ndarray:
    """The output for every set of inputs, from TensorFlow Lite Micro."""
    try:
        interpreter = runtime.Interpreter.from_bytes(model, arena_size=ARENA_BYTES)
        results = []
        for values in zip(*inputs.values()):
            for place, value in enumerate(values):
                interpreter.set_input(value, place)
            interpreter.invoke()
            results.append(interpreter.get_output(0).copy())
        return np.stack(results)
    except (RuntimeError, ValueError) as error:
        raise Refused(str(error)) from None


def run_litert(model: bytes, inputs: dict[str, np.ndarray]) -> np.ndarray:
    """The output for every set of inputs, from LiteRT's reference kernels."""
    try:
        interpreter = Interpreter(
            model_content=model, experimental_op_resolver_type=OpResolverType.BUILTIN_REF
        )
        interpreter.allocate_tensors()
        places = [detail["index"] for detail in interpreter.get_input_details()]
        output = interpreter.get_output_details()[0]["index"]
        results = []
        for values in zip(*inputs.values()):
            for place, value in zip(places, values):
                interpreter.set_tensor(place, value)
            interpreter.invoke()
            results.append(interpreter.get_tensor(output))
        return np.stack(results)
    except (RuntimeError, ValueError) as error:
        raise Refused(str(error)) from None


ORACLES: dict[str, Callable[[bytes, dict[str, np.ndarray]], np.ndarray]] = {
    "tflm": run_tflm,
    "litert": run_litert,
}


@dataclass(frozen=True)
class Refusal:
    """A limit of an oracle that is known by name; `pattern` stands in the oracle's message."""

    name: str
    oracles: tuple[str, ...]
    operators: tuple[str, ...]
    pattern: str


BOTH = ("tflm", "litert")
REFUSALS = (
    Refusal(
        "the bounds of the fused activation, divided by the output scale, overflow int32",
        BOTH,
        ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "MUL"),
        "no_integer_overflow_from_quantization",
    ),
    Refusal(
        "TFLM reads the paddings as 32-bit whatever their type",
        ("tflm",),
        ("PAD", "PADV2"),
        "output_dim != expected_dim",
    ),
    Refusal(
        "TFLM takes no axis of 64 bits", ("tflm",), ("EXPAND_DIMS",), "Axis type INT64"
    ),
    Refusal(
        "TFLM takes at most four dimensions",
        ("tflm",),
        ("STRIDED_SLICE",),
        "input dim should not exceed 4",
    ),
    Refusal(
        "TFLM ignores the masks of ellipsis and new axis, and then misses the output's shape",
        ("tflm",),
        ("STRIDED_SLICE",),
        "output_shape->",
    ),
    Refusal(
        "the oracle has no kernel for these types",
        BOTH,
        ("QUANTIZE",),
        "not supported",
    ),
    Refusal(
        "the oracle has no kernel for these types",
        ("litert",),
        ("QUANTIZE",),
        "output->type == kTfLiteUInt8",
    ),
)


def refusal_name(oracle: str, operator: str, message: str) -> str | None:
    """The name of the limit that explains a refusal."""
    for known in REFUSALS:
        if oracle in known.oracles and operator in known.operators and known.pattern in message:
            return known.name
    return None
