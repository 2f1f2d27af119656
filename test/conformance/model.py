# SPDX-License-Identifier: Apache-2.0
"""A small writer of .tflite files for tests.

    model = Model()
    graph = model.main
    x = graph.input("x", (1, 8), np.int8, Quant(0.5, 3))
    w = graph.const("w", weights, Quant(scales, axis=0))
    y = graph.output("y", (1, 4), np.int8, Quant(0.25, -7))
    graph.op("FULLY_CONNECTED", [x, w], [y], fused_activation_function="RELU")
    data = model.pack()

Options carry the schema's own names in snake_case; enumerations are given by name. Shapes are
written as given, so that a test can also describe a model that no tool would write.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Sequence

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

FILE_IDENTIFIER = b"TFL3"
BUFFER_ALIGNMENT = 16
NO_TENSOR = -1

_TYPE_OF_DTYPE = {
    "float32": "FLOAT32",
    "float16": "FLOAT16",
    "float64": "FLOAT64",
    "int8": "INT8",
    "int16": "INT16",
    "int32": "INT32",
    "int64": "INT64",
    "uint8": "UINT8",
    "uint16": "UINT16",
    "uint32": "UINT32",
    "uint64": "UINT64",
    "bool": "BOOL",
    "complex64": "COMPLEX64",
}

_OPTIONS_OF_OPERATOR = {
    "ADD": "AddOptions",
    "AVERAGE_POOL_2D": "Pool2DOptions",
    "CALL_ONCE": "CallOnceOptions",
    "CONCATENATION": "ConcatenationOptions",
    "CONV_2D": "Conv2DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "DEQUANTIZE": "DequantizeOptions",
    "EXPAND_DIMS": "ExpandDimsOptions",
    "FULLY_CONNECTED": "FullyConnectedOptions",
    "HARD_SWISH": "HardSwishOptions",
    "LEAKY_RELU": "LeakyReluOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "MEAN": "ReducerOptions",
    "MUL": "MulOptions",
    "PAD": "PadOptions",
    "PADV2": "PadV2Options",
    "QUANTIZE": "QuantizeOptions",
    "RESHAPE": "ReshapeOptions",
    "SOFTMAX": "SoftmaxOptions",
    "SQUEEZE": "SqueezeOptions",
    "STRIDED_SLICE": "StridedSliceOptions",
    "SUB": "SubOptions",
    "SVDF": "SVDFOptions",
    "TRANSPOSE": "TransposeOptions",
}

_ENUM_OF_OPTION = {
    "fusedActivationFunction": schema.ActivationFunctionType,
    "padding": schema.Padding,
    "weightsFormat": schema.FullyConnectedOptionsWeightsFormat,
    "quantizedBiasType": schema.TensorType,
}


@dataclass(frozen=True)
class Quant:
    """Affine quantisation: per tensor if `scale` is a number, per slice of `axis` if a sequence."""

    scale: float | Sequence[float]
    zero_point: int | Sequence[int] = 0
    axis: int = 0

    def pack(self) -> schema.QuantizationParametersT:
        """The schema's object; one zero point stands for all slices."""
        scales = np.atleast_1d(np.asarray(self.scale, dtype=np.float32))
        zeros = np.atleast_1d(np.asarray(self.zero_point, dtype=np.int64))
        if zeros.size == 1:
            zeros = np.repeat(zeros, scales.size)
        return schema.QuantizationParametersT(
            scale=scales, zeroPoint=zeros, quantizedDimension=self.axis
        )


class Graph:
    """One subgraph: tensors are named by the index that each method returns."""

    def __init__(self, model: "Model", name: str) -> None:
        self._model = model
        self.packed = schema.SubGraphT(
            tensors=[], inputs=[], outputs=[], operators=[], name=name
        )

    def tensor(
        self,
        name: str,
        shape: Sequence[int],
        dtype: Any,
        quant: Quant | None = None,
        *,
        buffer: int = 0,
        variable: bool = False,
        signature: Sequence[int] | None = None,
    ) -> int:
        """Add a tensor that an operator writes, or one backed by `buffer`."""
        packed = schema.TensorT(
            shape=list(shape),
            type=tensor_type(dtype),
            buffer=buffer,
            name=name,
            quantization=quant.pack() if quant else None,
            isVariable=variable,
            shapeSignature=list(signature) if signature is not None else None,
            hasRank=True,
        )
        self.packed.tensors.append(packed)
        return len(self.packed.tensors) - 1

    def input(self, name: str, shape: Sequence[int], dtype: Any, quant: Quant | None = None) -> int:
        """Add a tensor and make it the subgraph's next input."""
        index = self.tensor(name, shape, dtype, quant)
        self.packed.inputs.append(index)
        return index

    def output(
        self, name: str, shape: Sequence[int], dtype: Any, quant: Quant | None = None
    ) -> int:
        """Add a tensor and make it the subgraph's next output."""
        index = self.tensor(name, shape, dtype, quant)
        self.packed.outputs.append(index)
        return index

    def const(self, name: str, values: Any, quant: Quant | None = None, dtype: Any = None) -> int:
        """Add a constant tensor; `values` becomes an array of `dtype` if that is given."""
        array = np.asarray(values, dtype=dtype)
        buffer = self._model.buffer(array.tobytes())
        return self.tensor(name, array.shape, array.dtype, quant, buffer=buffer)

    def op(
        self,
        kind: str,
        inputs: Sequence[int],
        outputs: Sequence[int],
        *,
        version: int = 1,
        custom: bytes | None = None,
        **options: Any,
    ) -> None:
        """Add an operator; an absent optional input is NO_TENSOR, `custom` makes a custom one."""
        packed = schema.OperatorT(
            opcodeIndex=self._model.operator_code(kind, version, custom is not None),
            inputs=list(inputs),
            outputs=list(outputs),
        )
        if custom is not None:
            packed.customOptions = np.frombuffer(custom, dtype=np.uint8)
        else:
            table = _OPTIONS_OF_OPERATOR.get(kind)
            if table:
                packed.builtinOptionsType = getattr(schema.BuiltinOptions, table)
                packed.builtinOptions = _options(table, options)
            elif options:
                raise ValueError(f"{kind} takes no options")
        self.packed.operators.append(packed)


class Model:
    """A .tflite file under construction; `main` is its first subgraph."""

    def __init__(self, description: str = "written by a test") -> None:
        self._buffers = [b""]
        self._codes: dict[tuple[str, int, bool], int] = {}
        self._metadata: list[schema.MetadataT] = []
        self._description = description
        self.graphs: list[Graph] = []
        self.main = self.graph("main")

    def graph(self, name: str) -> Graph:
        """Add a subgraph."""
        graph = Graph(self, name)
        self.graphs.append(graph)
        return graph

    def buffer(self, data: bytes) -> int:
        """Add a buffer and return its index; 0 is the empty one that every file begins with."""
        self._buffers.append(data)
        return len(self._buffers) - 1

    def metadata(self, name: str, data: bytes) -> None:
        """Add a named metadata buffer."""
        self._metadata.append(schema.MetadataT(name=name, buffer=self.buffer(data)))

    def operator_code(self, kind: str, version: int, custom: bool) -> int:
        """The index of an operator code, added if it is new."""
        return self._codes.setdefault((kind, version, custom), len(self._codes))

    def pack(self, outside: bool = False) -> bytes:
        """The file. `outside` writes the large-file form: buffers follow the FlatBuffer."""
        buffers = [self._packed_buffer(data, outside) for data in self._buffers]
        packed = schema.ModelT(
            version=3,
            operatorCodes=[_packed_code(*code) for code in self._codes],
            subgraphs=[graph.packed for graph in self.graphs],
            description=self._description,
            buffers=buffers,
            metadata=self._metadata or None,
        )
        builder = _AlignedBuilder(4096)
        builder.Finish(packed.Pack(builder), FILE_IDENTIFIER)
        table = bytearray(builder.Output())
        return self._append_buffers(table) if outside else bytes(table)

    @staticmethod
    def _packed_buffer(data: bytes, outside: bool) -> schema.BufferT:
        if not data:
            return schema.BufferT()
        if outside:
            # Any value but the default makes the writer reserve the field; the real one follows.
            return schema.BufferT(offset=1, size=len(data))
        return schema.BufferT(data=np.frombuffer(data, dtype=np.uint8))

    def _append_buffers(self, table: bytearray) -> bytes:
        places = {}
        for index, data in enumerate(self._buffers):
            if data:
                table += bytes(-len(table) % BUFFER_ALIGNMENT)
                places[index] = len(table)
                table += data
        root = schema.Model.GetRootAs(table, 0)
        for index, place in places.items():
            fields = root.Buffers(index)._tab
            position = fields.Pos + fields.Offset(6)
            table[position : position + 8] = place.to_bytes(8, "little")
        return bytes(table)


class _AlignedBuilder(flatbuffers.Builder):
    """Aligns byte vectors as the schema's force_align asks, which the Python writer ignores."""

    def CreateNumpyVector(self, x: np.ndarray) -> int:
        if x.dtype != np.uint8:
            return super().CreateNumpyVector(x)
        self.StartVector(1, x.size, BUFFER_ALIGNMENT)
        self.head = self.head - x.size
        self.Bytes[self.Head() : self.Head() + x.size] = x.tobytes()
        return self.EndVector()


def tensor_type(dtype: Any) -> int:
    """The schema's number of a type: a numpy dtype, or a name of the schema such as "INT4"."""
    if isinstance(dtype, str) and hasattr(schema.TensorType, dtype):
        return getattr(schema.TensorType, dtype)
    return getattr(schema.TensorType, _TYPE_OF_DTYPE[np.dtype(dtype).name])


def _packed_code(kind: str, version: int, custom: bool) -> schema.OperatorCodeT:
    code = schema.BuiltinOperator.CUSTOM if custom else getattr(schema.BuiltinOperator, kind)
    return schema.OperatorCodeT(
        # Codes above 127 live in the newer field only; the old one then holds its largest value.
        deprecatedBuiltinCode=min(code, 127),
        builtinCode=code,
        version=version,
        customCode=kind if custom else None,
    )


def _options(table: str, values: dict[str, Any]) -> Any:
    options = getattr(schema, table + "T")()
    for key, value in values.items():
        head, *rest = key.split("_")
        field = head + "".join(part.capitalize() for part in rest)
        if not hasattr(options, field):
            raise ValueError(f"{table} has no field {field}")
        if isinstance(value, str):
            value = getattr(_ENUM_OF_OPTION[field], value)
        setattr(options, field, value)
    return options
