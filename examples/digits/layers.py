# SPDX-License-Identifier: Apache-2.0
"""The layers of a small convolutional network, forward and backward, in numpy.

Images are (batch, height, width, channel) and weights are stored as TFLite stores them, so that
nothing has to be transposed on the way into the model file.
"""

from __future__ import annotations

import numpy as np

Array = np.ndarray


class Layer:
    """One step of the network; `values` are what training changes."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.values: list[Array] = []
        self.gradients: list[Array] = []

    def forward(self, x: Array) -> Array:
        """Return the output and remember what `backward` needs."""
        raise NotImplementedError

    def backward(self, dy: Array) -> Array:
        """Set `gradients` and return the gradient of the input."""
        raise NotImplementedError


class Windows(Layer):
    """What convolutions share: SAME padding as TensorFlow does it, and one view per kernel tap.

    The bias stays zero until a normalisation is folded into it: during training the shift of the
    normalisation takes its place.
    """

    def __init__(self, name: str, weights: Array, n_out: int, stride: int) -> None:
        super().__init__(name)
        self.values = [weights.astype(np.float32)]
        self.bias = np.zeros(n_out, np.float32)
        self.kernel = weights.shape[1]
        self.stride = stride

    def pad(self, x: Array) -> Array:
        """Zero-pad so that the output has ceil(input / stride) rows; the odd zero goes last."""
        _, height, width, _ = x.shape
        pads = []
        for size in (height, width):
            out = -(-size // self.stride)
            total = max((out - 1) * self.stride + self.kernel - size, 0)
            pads.append((total // 2, total - total // 2))
        self.in_rows = slice(pads[0][0], pads[0][0] + height)
        self.in_cols = slice(pads[1][0], pads[1][0] + width)
        self.out_size = (-(-height // self.stride), -(-width // self.stride))
        return np.pad(x, ((0, 0), *pads, (0, 0)))

    def taps(self, padded: Array) -> list[tuple[int, int, Array]]:
        """For each kernel position, the view of the pixels that it meets."""
        out_h, out_w = self.out_size
        step = self.stride
        return [
            (i, j, padded[:, i : i + step * out_h : step, j : j + step * out_w : step])
            for i in range(self.kernel)
            for j in range(self.kernel)
        ]


class Conv(Windows):
    """Convolution; weights (out, kernel, kernel, in)."""

    def __init__(self, name: str, rng: np.random.Generator, n_in: int, n_out: int,
                 kernel: int, stride: int = 1) -> None:
        spread = np.sqrt(2.0 / (kernel * kernel * n_in))
        super().__init__(name, rng.normal(0.0, spread, (n_out, kernel, kernel, n_in)),
                         n_out, stride)

    def forward(self, x: Array) -> Array:
        weights = self.values[0]
        padded = self.pad(x)
        self.padded_shape = padded.shape
        patches = np.stack([tap for _, _, tap in self.taps(padded)], axis=3)
        self.columns = patches.reshape(-1, weights[0].size)
        y = self.columns @ weights.reshape(len(weights), -1).T + self.bias
        return y.reshape(len(x), *self.out_size, -1)

    def backward(self, dy: Array) -> Array:
        weights = self.values[0]
        dy = dy.reshape(-1, len(weights))
        self.gradients = [(dy.T @ self.columns).reshape(weights.shape)]
        patches = (dy @ weights.reshape(len(weights), -1)).reshape(
            -1, *self.out_size, self.kernel * self.kernel, weights.shape[3])
        d_padded = np.zeros(self.padded_shape, dy.dtype)
        for i, j, d_tap in self.taps(d_padded):
            d_tap += patches[:, :, :, i * self.kernel + j]
        return d_padded[:, self.in_rows, self.in_cols]


class Depthwise(Windows):
    """Depthwise convolution; weights (1, kernel, kernel, channel)."""

    def __init__(self, name: str, rng: np.random.Generator, channels: int,
                 kernel: int, stride: int = 1) -> None:
        spread = np.sqrt(2.0) / kernel
        super().__init__(name, rng.normal(0.0, spread, (1, kernel, kernel, channels)),
                         channels, stride)

    def forward(self, x: Array) -> Array:
        weights = self.values[0]
        self.padded = self.pad(x)
        return sum(tap * weights[0, i, j] for i, j, tap in self.taps(self.padded)) + self.bias

    def backward(self, dy: Array) -> Array:
        weights = self.values[0]
        d_weights = np.zeros_like(weights)
        d_padded = np.zeros_like(self.padded)
        for (i, j, tap), (_, _, d_tap) in zip(self.taps(self.padded), self.taps(d_padded)):
            d_weights[0, i, j] = (dy * tap).sum(axis=(0, 1, 2))
            d_tap += dy * weights[0, i, j]
        self.gradients = [d_weights]
        return d_padded[:, self.in_rows, self.in_cols]


class BatchNorm(Layer):
    """Batch normalisation as in training; `fold_norms` removes it afterwards."""

    EPSILON = 1e-3
    MEMORY = 0.98

    def __init__(self, name: str, channels: int) -> None:
        super().__init__(name)
        self.values = [np.ones(channels, np.float32), np.zeros(channels, np.float32)]
        self.mean = np.zeros(channels, np.float32)
        self.variance = np.ones(channels, np.float32)

    def forward(self, x: Array) -> Array:
        scale, shift = self.values
        mean, variance = x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2))
        self.mean = self.MEMORY * self.mean + (1 - self.MEMORY) * mean
        self.variance = self.MEMORY * self.variance + (1 - self.MEMORY) * variance
        self.inverse = 1 / np.sqrt(variance + self.EPSILON)
        self.normal = (x - mean) * self.inverse
        return self.normal * scale + shift

    def backward(self, dy: Array) -> Array:
        d_scale, d_shift = (dy * self.normal).sum(axis=(0, 1, 2)), dy.sum(axis=(0, 1, 2))
        self.gradients = [d_scale, d_shift]
        n = dy.size // dy.shape[-1]
        return self.values[0] * self.inverse * (dy - (self.normal * d_scale + d_shift) / n)


class Relu(Layer):
    """max(x, 0)."""

    def forward(self, x: Array) -> Array:
        self.y = np.maximum(x, 0)
        return self.y

    def backward(self, dy: Array) -> Array:
        return dy * (self.y > 0)


class Flatten(Layer):
    """One row of numbers an image."""

    def forward(self, x: Array) -> Array:
        self.shape = x.shape
        return x.reshape(len(x), -1)

    def backward(self, dy: Array) -> Array:
        return dy.reshape(self.shape)


class Dense(Layer):
    """Fully connected; weights (out, in) and bias (out)."""

    def __init__(self, name: str, rng: np.random.Generator, n_in: int, n_out: int) -> None:
        super().__init__(name)
        weights = rng.normal(0.0, np.sqrt(1.0 / n_in), (n_out, n_in))
        self.values = [weights.astype(np.float32), np.zeros(n_out, np.float32)]

    def forward(self, x: Array) -> Array:
        self.x = x
        return x @ self.values[0].T + self.values[1]

    def backward(self, dy: Array) -> Array:
        self.gradients = [dy.T @ self.x, dy.sum(axis=0)]
        return dy @ self.values[0]


def forward(network: list[Layer], x: Array) -> Array:
    """Logits of a batch of images."""
    for layer in network:
        x = layer.forward(x)
    return x


def backward(network: list[Layer], dy: Array) -> Array:
    """Set the gradients of every layer; return that of the images."""
    for layer in reversed(network):
        dy = layer.backward(dy)
    return dy


def softmax(logits: Array) -> Array:
    """Probabilities of each row of logits."""
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def fold_norms(network: list[Layer]) -> list[Layer]:
    """Move each batch normalisation into the weights and bias of the convolution before it."""
    folded: list[Layer] = []
    for layer in network:
        if not isinstance(layer, BatchNorm):
            folded.append(layer)
            continue
        conv = folded[-1]
        assert isinstance(conv, Windows)
        scale = layer.values[0] / np.sqrt(layer.variance + layer.EPSILON)
        # The output channel is the first axis of a convolution's weights, the last of a depthwise.
        along = scale if isinstance(conv, Depthwise) else scale[:, None, None, None]
        conv.values[0] = (conv.values[0] * along).astype(np.float32)
        conv.bias = ((conv.bias - layer.mean) * scale + layer.values[1]).astype(np.float32)
    return folded
