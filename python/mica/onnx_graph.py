# SPDX-License-Identifier: Apache-2.0
"""The graph of an estimator while it is read, and how it becomes an ONNX file of ai.mica operators.

One node of the file is one operator of the compiler: inputs, attributes and types are those of
src/op/attr.h and src/tree/tree.h. Constants are initializers, which nodes may share.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from .errors import Error

DOMAIN = "ai.mica"
DOMAIN_VERSION = 1
OPSET_VERSION = 21
IR_VERSION = 10
INPUT = "x"

FLOAT32 = np.dtype(np.float32)
FLOAT64 = np.dtype(np.float64)
INT32 = np.dtype(np.int32)


@dataclass(frozen=True)
class Tensor:
    """A tensor of the graph by its name; shapes are static."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    @property
    def columns(self) -> int:
        """How many numbers a row has."""
        return self.shape[-1]


@dataclass
class Heads:
    """What an estimator computes: a tensor for each of its methods, and the classes of its labels."""

    outputs: dict[str, Tensor]
    classes: list[np.ndarray]


class Graph:
    """Nodes in the order in which they are computed; `x` is the one input, [1, features].

    `arithmetic` is the type of the array that the reference works on: the C always takes what
    `x` says, whose numbers it can hold exactly.
    """

    def __init__(self, n_features: int, input_type: np.dtype[Any], arithmetic: np.dtype[Any]):
        self.x = Tensor(INPUT, input_type, (1, n_features))
        self.arithmetic = arithmetic
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._constant_names: dict[tuple[str, str, tuple[int, ...], bytes], str] = {}
        self._values: list[onnx.ValueInfoProto] = []
        self._names: set[str] = {INPUT}

    def _unique(self, name: str) -> str:
        place, unique = 1, name
        while unique in self._names:
            place += 1
            unique = f"{name}_{place}"
        self._names.add(unique)
        return unique

    def constant(self, name: str, array: np.ndarray) -> str:
        """An initializer; equal contents under one name are stored once."""
        array = np.ascontiguousarray(array)
        key = (name, array.dtype.str, array.shape, array.tobytes())
        if key not in self._constant_names:
            unique = self._unique(name)
            self._constants.append(numpy_helper.from_array(array, unique))
            self._constant_names[key] = unique
        return self._constant_names[key]

    def node(
        self,
        op: str,
        inputs: Sequence[Tensor | str],
        dtype: Any,
        shape: tuple[int, ...],
        **attributes: str | int,
    ) -> Tensor:
        """A node of one output. Inputs are tensors or names of constants; "" is omitted."""
        out = Tensor(self._unique(op), np.dtype(dtype), shape)
        names = [tensor if isinstance(tensor, str) else tensor.name for tensor in inputs]
        self._nodes.append(
            helper.make_node(op, names, [out.name], name=out.name, domain=DOMAIN, **attributes)
        )
        self._values.append(_info(out))
        return out

    # ---- nodes that more than one family of estimators needs -----------------------------------

    def cast(self, x: Tensor, dtype: np.dtype[Any]) -> Tensor:
        """The numbers in another type; nothing where they have it."""
        return x if x.dtype == dtype else self.node("cast", [x], dtype, x.shape)

    def floats(self, x: Tensor) -> Tensor:
        """The columns as floats. A float32 stands for itself in either arithmetic, so it is left to
        the operators that take it to widen it; a float32 holds what integer inputs may be."""
        return x if x.dtype.kind == "f" else self.cast(x, FLOAT32)

    def array(self, x: Tensor) -> Tensor:
        """The columns as numbers of the very type of the reference's array."""
        return self.cast(x, self.arithmetic)

    def select(self, x: Tensor, columns: Sequence[int] | np.ndarray) -> Tensor:
        """Some columns, in the given order; nothing where that is all of them as they are."""
        index = np.asarray(columns, np.int32)
        if len(index) == 0:
            raise Error("no columns are left: a model needs one at least")
        if np.array_equal(index, np.arange(x.columns)):
            return x
        constant = self.constant("index", index)
        return self.node("select_features", [x, constant], x.dtype, (1, len(index)))

    def row(self, x: Tensor) -> Tensor:
        """A label [1] as a row [1, 1]."""
        return self.node("reshape", [x], x.dtype, (1, *x.shape))

    def concat(self, parts: Sequence[Tensor]) -> Tensor:
        """Columns side by side; types are widened to the widest."""
        if len(parts) == 1:
            return parts[0]
        dtype = np.result_type(*(part.dtype for part in parts))
        parts = [self.cast(part, dtype) for part in parts]
        columns = sum(part.columns for part in parts)
        return self.node("concat", parts, dtype, (1, columns), axis=1)

    def link(
        self, x: Tensor, kind: str, numbers: Sequence[float] = (), columns: int | None = None
    ) -> Tensor:
        """A function of the scores."""
        inputs: list[Tensor | str] = [x]
        if numbers:
            inputs.append(self.constant("numbers", np.array(numbers, np.float64)))
        return self.node("link", inputs, FLOAT64, (1, columns or x.columns), kind=kind)

    def booster(
        self, x: Tensor, file: bytes, kinds: dict[str, tuple[np.dtype[Any], tuple[int, ...]]]
    ) -> dict[str, Tensor]:
        """The functions of a booster's file, of which `kinds` says what they give."""
        outputs = {
            role: Tensor(self._unique(role), dtype, shape) for role, (dtype, shape) in kinds.items()
        }
        inputs = [x.name, self.constant("file", np.frombuffer(file, np.uint8))]
        names = [tensor.name for tensor in outputs.values()]
        self._nodes.append(
            helper.make_node("booster", inputs, names, name=names[0], domain=DOMAIN)
        )
        self._values += [_info(tensor) for tensor in outputs.values()]
        return outputs

    # ---- the file --------------------------------------------------------------------------------

    def model(
        self,
        name: str,
        heads: Heads,
        features: Sequence[str] | None,
    ) -> onnx.ModelProto:
        """The file: outputs in the order of the heads, each with its role."""
        graph = helper.make_graph(
            self._nodes,
            name,
            [_info(self.x)],
            [_info(tensor) for tensor in heads.outputs.values()],
            initializer=self._constants,
            value_info=self._values,
        )
        model = helper.make_model(
            graph,
            producer_name="mica",
            ir_version=IR_VERSION,
            opset_imports=[
                helper.make_opsetid("", OPSET_VERSION),
                helper.make_opsetid(DOMAIN, DOMAIN_VERSION),
            ],
        )
        meta = {"mica.roles": json.dumps(list(heads.outputs))}
        if features is not None:
            meta["mica.features"] = json.dumps(list(features))
        if heads.classes:
            meta["mica.classes"] = json.dumps([class_names(labels) for labels in heads.classes])
        helper.set_model_props(model, meta)
        return model


def _info(tensor: Tensor) -> onnx.ValueInfoProto:
    kind: TensorProto.DataType = helper.np_dtype_to_tensor_dtype(tensor.dtype)
    return helper.make_tensor_value_info(tensor.name, kind, tensor.shape)


def class_values(labels: np.ndarray) -> np.ndarray | None:
    """The integers that labels are, where they are integers other than 0, 1, 2, ...; else None."""
    if labels.dtype.kind not in "iuf":
        return None
    whole = labels.astype(np.int64, copy=False) if labels.dtype.kind != "f" else np.rint(labels)
    if not np.array_equal(whole, labels) or np.array_equal(whole, np.arange(len(labels))):
        return None
    if np.abs(whole).max() >= 2**31:
        return None  # no int32_t: the label is the number of the class
    return whole.astype(np.int32)


def class_names(labels: np.ndarray) -> dict[str, list[str] | list[int] | None]:
    """What the file says of the classes of one label."""
    values = class_values(labels)
    if labels.dtype.kind == "f" and np.array_equal(np.rint(labels), labels):
        labels = labels.astype(np.int64)
    return {
        "names": [str(label) for label in labels.tolist()],
        "values": None if values is None else values.tolist(),
    }
