# SPDX-License-Identifier: Apache-2.0
"""Train a small convolutional network on scikit-learn's handwritten digits and store it as int8.

    python train.py [--out DIR]

writes digits.tflite, digits_test_images.npy, digits_test_labels.npy and
digits_test_reference.npy (the answers of TensorFlow Lite Micro) and prints the accuracies.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import time
from pathlib import Path

# Sums of floats depend on how many threads share them, so numpy has to see this before it loads.
for _variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from layers import (Array, BatchNorm, Conv, Dense, Depthwise, Flatten, Layer, Relu,
                    backward, fold_norms, forward, softmax)
from quantise import quantise_input, write_model

SEED = 1
N_TEST = 360
EPOCHS = 300
BATCH = 64
LEARNING_RATE = 1e-2
WEIGHT_DECAY = 1e-3
SMOOTHING = 0.1


def load_split() -> tuple[Array, Array, Array, Array]:
    """Training and test images, pixels 0..1, each with labels: 1437 and 360, every digit alike."""
    data = load_digits()
    images = (data.images / 16.0).astype(np.float32)[..., np.newaxis]
    labels = data.target.astype(np.uint8)
    train_images, test_images, train_labels, test_labels = train_test_split(
        images, labels, test_size=N_TEST, random_state=0, stratify=labels)
    return train_images, train_labels, test_images, test_labels


def conv(name: str, rng: np.random.Generator, n_in: int, n_out: int, kernel: int,
         stride: int = 1) -> list[Layer]:
    """A convolution with its normalisation and ReLU."""
    return [Conv(f"{name}/Conv", rng, n_in, n_out, kernel, stride),
            BatchNorm(f"{name}/Norm", n_out), Relu(f"{name}/Relu")]


def depthwise(name: str, rng: np.random.Generator, channels: int, kernel: int,
              stride: int) -> list[Layer]:
    """A depthwise convolution with its normalisation and ReLU."""
    return [Depthwise(f"{name}/Depthwise", rng, channels, kernel, stride),
            BatchNorm(f"{name}/Norm", channels), Relu(f"{name}/Relu")]


def build(rng: np.random.Generator) -> list[Layer]:
    """The network: 8x8 pixels in, ten logits out."""
    return [
        *conv("digits/conv1", rng, 1, 12, kernel=3),
        *depthwise("digits/depthwise2", rng, 12, kernel=3, stride=2),
        *conv("digits/pointwise3", rng, 12, 12, kernel=1),
        Flatten("digits/flatten4/Reshape"),
        Dense("digits/dense5/BiasAdd", rng, 4 * 4 * 12, 10),
    ]


def augment(images: Array, rng: np.random.Generator) -> Array:
    """Turn, scale, slant and shift each image a little (bilinear, zeros outside)."""
    n, size = len(images), images.shape[1]
    angle = rng.uniform(-0.2, 0.2, n)
    slant = rng.uniform(-0.2, 0.2, n)
    scale = rng.uniform(0.88, 1.12, (2, n))
    shift = rng.uniform(-0.9, 0.9, (2, n))
    centre = (size - 1) / 2
    row, col = np.mgrid[:size, :size] - centre
    cos, sin = np.cos(angle)[:, None, None], np.sin(angle)[:, None, None]
    scale_r, scale_c = scale[:, :, None, None]
    shift_r, shift_c = shift[:, :, None, None]
    from_r = (cos * row - sin * col) * scale_r + shift_r + centre
    from_c = (sin * row + cos * col + slant[:, None, None] * row) * scale_c + shift_c + centre

    border = 4
    padded = np.pad(images[..., 0], ((0, 0), (border, border), (border, border)))
    top = np.clip(np.floor(from_r), -border, size + border - 2).astype(np.intp)
    left = np.clip(np.floor(from_c), -border, size + border - 2).astype(np.intp)
    down = np.clip(from_r - top, 0, 1)
    right = np.clip(from_c - left, 0, 1)
    which = np.arange(n)[:, None, None]
    at = [[padded[which, top + border + i, left + border + j] for j in (0, 1)] for i in (0, 1)]
    mixed = ((1 - down) * ((1 - right) * at[0][0] + right * at[0][1])
             + down * ((1 - right) * at[1][0] + right * at[1][1]))
    return mixed[..., np.newaxis].astype(np.float32)


class Adam:
    """Adam with decoupled weight decay on weights, not on biases and norms."""

    def __init__(self, network: list[Layer]) -> None:
        self.network = network
        self.moments = [[(np.zeros_like(v), np.zeros_like(v)) for v in layer.values]
                        for layer in network]
        self.n_steps = 0

    def step(self, rate: float) -> None:
        """Move every parameter against its gradient."""
        self.n_steps += 1
        fix_mean = 1 - 0.9**self.n_steps
        fix_square = 1 - 0.999**self.n_steps
        for layer, moments in zip(self.network, self.moments):
            for value, gradient, (mean, square) in zip(layer.values, layer.gradients, moments):
                mean += 0.1 * (gradient - mean)
                square += 0.001 * (gradient * gradient - square)
                value -= rate * (mean / fix_mean) / (np.sqrt(square / fix_square) + 1e-8)
                if value.ndim > 1:
                    value -= rate * WEIGHT_DECAY * value


def train(images: Array, labels: Array) -> list[Layer]:
    """Minimise the cross entropy with a cosine schedule; return the network, norms folded."""
    rng = np.random.default_rng(SEED)
    network = build(rng)
    optimiser = Adam(network)
    # Smoothed labels keep the probabilities away from 0 and 1, where int8 has no steps left.
    targets = (1 - SMOOTHING) * np.eye(10, dtype=np.float32) + np.float32(SMOOTHING / 10)
    n_batches = len(images) // BATCH
    n_steps = EPOCHS * n_batches
    for epoch in range(EPOCHS):
        order = rng.permutation(len(images))
        for batch in range(n_batches):
            pick = order[batch * BATCH : (batch + 1) * BATCH]
            dy = softmax(forward(network, augment(images[pick], rng)))
            dy -= targets[labels[pick]]
            backward(network, dy / BATCH)
            done = (epoch * n_batches + batch) / n_steps
            optimiser.step(LEARNING_RATE * 0.5 * (1 + np.cos(np.pi * done)))
    return fold_norms(network)


def run_tflm(model: bytes, images: Array) -> Array:
    """The outputs of TensorFlow Lite Micro, one row an image."""
    from tflite_micro import runtime

    interpreter = runtime.Interpreter.from_bytes(model)
    rows = []
    for image in images:
        interpreter.set_input(image[np.newaxis], 0)
        interpreter.invoke()
        rows.append(interpreter.get_output(0)[0].copy())
    return np.array(rows)


def run_litert(model: bytes, images: Array) -> Array:
    """The outputs of LiteRT's reference kernels, one row an image."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(model_content=model, num_threads=1,
                              experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    source = interpreter.get_input_details()[0]["index"]
    output = interpreter.get_output_details()[0]["index"]
    rows = []
    for image in images:
        interpreter.set_tensor(source, image[np.newaxis])
        interpreter.invoke()
        rows.append(interpreter.get_tensor(output)[0].copy())
    return np.array(rows)


def main() -> None:
    """Train, quantise, compare and store."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, metavar="DIR",
                        help="where the four files go (default: beside this script)")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)

    images, labels, test_images, test_labels = load_split()
    start = time.process_time()
    network = train(images, labels)
    seconds = time.process_time() - start
    logits = forward(network, test_images)
    model = write_model(network, images)
    test_input = quantise_input(test_images)
    tflm = run_tflm(model, test_input)
    litert = run_litert(model, test_input)

    (out / "digits.tflite").write_bytes(model)
    np.save(out / "digits_test_images.npy", test_input)
    np.save(out / "digits_test_labels.npy", test_labels)
    np.save(out / "digits_test_reference.npy", tflm)

    def line(what: str, scores: Array) -> None:
        right = int((scores.argmax(axis=1) == test_labels).sum())
        print(f"{what:<24}{right:>4} of {len(test_labels)}  {right / len(test_labels):7.2%}")

    print(f"trained on {len(images)} images in {seconds:.0f} s of one core, "
          f"tested on {len(test_images)}")
    line("float32, numpy", logits)
    line("int8, TFLite Micro", tflm)
    line("int8, LiteRT reference", litert)
    same = int((tflm == litert).all(axis=1).sum())
    print(f"{'the two int8 equal':<24}{same:>4} of {len(test_labels)}")
    print(f"digits.tflite {len(model)} bytes, sha256 {hashlib.sha256(model).hexdigest()}")


if __name__ == "__main__":
    main()
