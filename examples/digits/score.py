# SPDX-License-Identifier: Apache-2.0
"""Score the answers of the digits network against the labels and against TensorFlow Lite Micro.

    python score.py OUT.npy

OUT.npy holds one int8 row of ten probabilities for each test image. Exit status: 0 when every row
equals the reference bit for bit, 1 when one does not or the file does not fit, 2 for wrong usage.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np


def main(arguments: list[str]) -> int:
    """Print accuracy and agreement as two lines."""
    if len(arguments) != 1:
        print("usage: score.py OUT.npy", file=sys.stderr)
        return 2
    here = Path(__file__).parent
    labels = np.load(here / "digits_test_labels.npy")
    reference = np.load(here / "digits_test_reference.npy")
    try:
        out = np.load(arguments[0])
    except (OSError, ValueError) as error:
        print(f"score.py: {arguments[0]}: {error}", file=sys.stderr)
        return 1
    if out.dtype != reference.dtype or out.size != reference.size:
        print(f"score.py: {arguments[0]} is {out.dtype} {out.shape}, "
              f"expected {reference.dtype} {reference.shape}", file=sys.stderr)
        return 1
    # The model's own leading 1 may still stand between the images and the ten numbers.
    out = out.reshape(reference.shape)
    n = len(labels)
    right = int((out.argmax(axis=1) == labels).sum())
    exact = int((out == reference).all(axis=1).sum())
    print(f"{'accuracy':<12}{right:>5} of {n} images  {right / n:7.2%}")
    print(f"{'bit-exact':<12}{exact:>5} of {n} images  {exact / n:7.2%}")
    return 0 if exact == n else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
