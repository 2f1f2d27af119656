# SPDX-License-Identifier: Apache-2.0
"""Quantise a trained network to int8 and write it as a .tflite file.

The rules are those of TensorFlow Lite: activations int8 with one scale and zero point, convolution
weights int8 with one scale an output channel and zero point 0, bias int32 with scale
input * weight. Fully connected weights keep a single scale, which every runtime understands.
"""

from __future__ import annotations

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from layers import Array, Dense, Depthwise, Flatten, Layer, Relu, Windows

BUFFER_ALIGNMENT_BYTES = 16
TYPES = {np.dtype(np.int8): schema.TensorType.INT8, np.dtype(np.int32): schema.TensorType.INT32}


class AlignedBuffer(schema.BufferT):
    """A buffer aligned as the schema demands, which the generated Python code forgets."""

    def Pack(self, builder: flatbuffers.Builder) -> int:
        """Write the bytes, last first as FlatBuffers are built, then the table."""
        builder.StartVector(1, len(self.data), BUFFER_ALIGNMENT_BYTES)
        for byte in self.data[::-1]:
            builder.PrependUint8(byte)
        data = builder.EndVector()
        schema.BufferStart(builder)
        schema.BufferAddData(builder, data)
        return schema.BufferEnd(builder)


def activation_range(low: float, high: float) -> tuple[np.float32, int]:
    """Scale and zero point of int8 values that reach from `low` to `high` and hold 0 exactly."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = np.float32((high - low) / 255)
    return scale, int(np.clip(np.rint(-128 - low / scale), -128, 127))


def quantise_input(images: Array) -> Array:
    """Pixels 0..1 as the int8 numbers that the model expects."""
    scale, zero = activation_range(0.0, 1.0)
    return np.clip(np.rint(images / scale) + zero, -128, 127).astype(np.int8)


class Writer:
    """Collects tensors and operators of one model."""

    def __init__(self) -> None:
        empty = schema.BufferT()
        self.model = schema.ModelT(version=3, description="handwritten digits, 8x8, int8",
                                   operatorCodes=[], buffers=[empty])
        self.graph = schema.SubGraphT(name="digits", tensors=[], operators=[])
        self.model.subgraphs = [self.graph]
        self.scales: list[Array] = []

    def tensor(self, name: str, shape: tuple[int, ...], dtype: type, data: Array | None = None,
               scale: Array | None = None, zero: int = 0, axis: int = 0) -> int:
        """Add a tensor, constant where it has data; return its index."""
        buffer = 0
        if data is not None:
            buffer = len(self.model.buffers)
            raw = np.ascontiguousarray(data, np.dtype(dtype).newbyteorder("<"))
            self.model.buffers.append(AlignedBuffer(raw.tobytes()))
        quantisation = None
        if scale is not None:
            scale = np.atleast_1d(scale).astype(np.float32)
            quantisation = schema.QuantizationParametersT(
                scale=scale, zeroPoint=np.full(scale.shape, zero, np.int64),
                quantizedDimension=axis)
        self.graph.tensors.append(schema.TensorT(
            name=name, shape=np.array(shape, np.int32), type=TYPES[np.dtype(dtype)],
            buffer=buffer, quantization=quantisation))
        self.scales.append(scale)
        return len(self.graph.tensors) - 1

    def activation(self, name: str, y: Array) -> int:
        """Add the tensor that takes values like those of `y`, a batch."""
        scale, zero = activation_range(float(y.min()), float(y.max()))
        return self.tensor(name, (1, *y.shape[1:]), np.int8, scale=scale, zero=zero)

    def same_scale(self, name: str, shape: tuple[int, ...], source: int) -> int:
        """Add an activation that shares the quantisation of tensor `source`."""
        zero = int(self.graph.tensors[source].quantization.zeroPoint[0])
        return self.tensor(name, (1, *shape), np.int8, scale=self.scales[source], zero=zero)

    def weights(self, base: str, values: Array, bias: Array, source: int,
                channel_axis: int | None) -> list[int]:
        """Add the weights and bias of an operator on tensor `source`; one scale if no axis."""
        others = tuple(a for a in range(values.ndim) if a != channel_axis)
        peak = np.abs(values).max(axis=None if channel_axis is None else others)
        # A channel of zeros has no scale of its own; any will do.
        scale = np.float32(np.where(peak > 0, peak, 1.0) / 127)
        along = np.ones(values.ndim, np.int64)
        if channel_axis is not None:
            along[channel_axis] = -1
        q = np.rint(values / scale.reshape(along)).astype(np.int8)
        bias_scale = np.float32(self.scales[source][0] * scale)
        q_bias = np.rint(bias / np.float64(bias_scale)).astype(np.int32)
        return [
            self.tensor(f"{base}/weights", q.shape, np.int8, q, scale, axis=channel_axis or 0),
            self.tensor(f"{base}/bias", q_bias.shape, np.int32, q_bias, bias_scale),
        ]

    def operator(self, name: str, version: int, inputs: list[int], output: int,
                 options: object) -> None:
        """Add one operator of the builtin `name`, each of which is used with one version."""
        code = getattr(schema.BuiltinOperator, name)
        codes = self.model.operatorCodes
        index = next((i for i, known in enumerate(codes) if known.builtinCode == code), len(codes))
        if index == len(codes):
            codes.append(schema.OperatorCodeT(builtinCode=code, deprecatedBuiltinCode=code,
                                              version=version))
        kind = type(options).__name__.removesuffix("T")
        self.graph.operators.append(schema.OperatorT(
            opcodeIndex=index, inputs=np.array(inputs, np.int32),
            outputs=np.array([output], np.int32),
            builtinOptionsType=getattr(schema.BuiltinOptions, kind), builtinOptions=options))

    def finish(self, source: int, output: int) -> bytes:
        """The file's bytes."""
        self.graph.inputs = np.array([source], np.int32)
        self.graph.outputs = np.array([output], np.int32)
        builder = flatbuffers.Builder(8192)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def write_layer(writer: Writer, layer: Layer, name: str, y: Array, source: int) -> int:
    """Add the operator of one layer with output like `y`; return the index of that output."""
    base = layer.name.rsplit("/", 1)[0]
    if isinstance(layer, Windows):
        relu = schema.ActivationFunctionType.RELU
        depthwise = isinstance(layer, Depthwise)
        inputs = [source] + writer.weights(base, layer.values[0], layer.bias, source,
                                           channel_axis=3 if depthwise else 0)
        output = writer.activation(name, y)
        common = dict(padding=schema.Padding.SAME, strideH=layer.stride, strideW=layer.stride,
                      dilationHFactor=1, dilationWFactor=1, fusedActivationFunction=relu)
        if depthwise:
            options = schema.DepthwiseConv2DOptionsT(depthMultiplier=1, **common)
            writer.operator("DEPTHWISE_CONV_2D", 3, inputs, output, options)
        else:
            writer.operator("CONV_2D", 3, inputs, output, schema.Conv2DOptionsT(**common))
    elif isinstance(layer, Flatten):
        shape = np.array([1, y.shape[1]], np.int32)
        inputs = [source, writer.tensor(f"{base}/shape", shape.shape, np.int32, shape)]
        output = writer.same_scale(name, y.shape[1:], source)
        writer.operator("RESHAPE", 1, inputs, output, schema.ReshapeOptionsT(newShape=shape))
    elif isinstance(layer, Dense):
        inputs = [source] + writer.weights(base, *layer.values, source, channel_axis=None)
        output = writer.activation(name, y)
        writer.operator("FULLY_CONNECTED", 4, inputs, output, schema.FullyConnectedOptionsT())
    else:
        raise TypeError(f"no operator for {type(layer).__name__} {layer.name}")
    return output


def write_model(network: list[Layer], images: Array) -> bytes:
    """The .tflite file of a network with folded norms; `images` show the range of each tensor."""
    writer = Writer()
    scale, zero = activation_range(0.0, 1.0)
    source = writer.tensor("digits/image", (1, *images.shape[1:]), np.int8, scale=scale, zero=zero)
    index, x = source, images
    steps = iter(network)
    for layer in steps:
        x, name = layer.forward(x), layer.name
        if isinstance(layer, Windows):
            # A convolution's ReLU is part of its operator, and gives the output its name.
            relu = next(steps)
            assert isinstance(relu, Relu)
            x, name = relu.forward(x), relu.name
        index = write_layer(writer, layer, name, x, index)
    # The output of softmax has a scale of its own by definition: 1/256 from -128 up.
    output = writer.tensor("digits/probabilities", (1, x.shape[1]), np.int8,
                           scale=np.float32(1 / 256), zero=-128)
    writer.operator("SOFTMAX", 2, [index], output, schema.SoftmaxOptionsT(beta=1.0))
    return writer.finish(source, output)
