# SPDX-License-Identifier: Apache-2.0
"""`mica run` notices a core that computes something else, and says what a run takes."""

import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from support import REPOSITORY, mica, need

DIGITS = REPOSITORY / "examples/digits/digits.tflite"
IMAGES = REPOSITORY / "examples/digits/digits_test_images.npy"

# A C compiler that stands for a broken core: bit 0 of an element of the second of three outputs.
WRONG_COMPILER = """#!/bin/sh
for word in "$@"; do
    case $word in */harness.c) sed -i 's/ put(out_0/ out_0[4] ^= n == 2; put(out_0/' "$word" ;; esac
done
exec {compiler} "$@"
"""


def images(folder: Path, n: int) -> Path:
    """The first n test images."""
    path = folder / "x.npy"
    np.save(path, np.load(IMAGES)[:n])
    return path


@pytest.mark.parametrize(
    ("core", "compiler", "emulator"),
    [("cortex-m4", "arm-none-eabi-gcc", "qemu-system-arm"), ("avr", "avr-gcc", "simavr")],
)
def test_report(core: str, compiler: str, emulator: str, tmp_path: Path) -> None:
    """The figures add up, and the outputs are those of eval."""
    need(compiler, emulator)
    source, y, z = images(tmp_path, 3), tmp_path / "y.npy", tmp_path / "z.npy"
    told = mica("run", DIGITS, "--target", core, "--input", source, "--output", y).stdout
    mica("eval", DIGITS, "--input", source, "--output", z)
    assert y.read_bytes() == z.read_bytes()
    assert "agreement  3 of 3 inferences equal mica eval bit for bit\n" in told
    parts_of = r"^flash +(\d+) bytes: code (\d+), constants (\d+), C library (\d+)$"
    flash = re.search(parts_of, told, re.M)
    assert flash
    total, *parts = map(int, flash.groups())
    assert total == sum(parts) and 2000 < total < 20000
    scratch = re.search(r"^RAM +(\d+) bytes: scratch (\d+); inputs 64 and outputs 10 ", told, re.M)
    assert scratch and scratch[1] == scratch[2]
    stack = re.search(r"^stack +(\d+) bytes$", told, re.M)
    assert stack and 50 < int(stack[1]) < 1000


def test_memory_of_the_model(tmp_path: Path) -> None:
    """Where inputs and outputs lie inside the memory, the report does not ask for more."""
    need("cc")
    source, y = images(tmp_path, 2), tmp_path / "y.npy"
    for options in (("--optimize", "ram"), ("--optimize", "ram", "--by-row")):
        told = mica("run", DIGITS, "--input", source, "--output", y, *options).stdout
        line = r"^RAM +(\d+) bytes: state (\d+); inputs and outputs included$"
        state = re.search(line, told, re.M)
        assert state and state[1] == state[2]


def test_mismatch(tmp_path: Path) -> None:
    """One wrong bit: status 3 and its place; the output is written as the core gave it."""
    need("cc")
    tools = tmp_path / "tools"
    tools.mkdir()
    wrong = tools / "cc"
    wrong.write_text(WRONG_COMPILER.format(compiler=shutil.which("cc")))
    wrong.chmod(0o755)
    env = dict(os.environ, PATH=f"{tools}:{os.environ['PATH']}")
    source, y, z = images(tmp_path, 3), tmp_path / "y.npy", tmp_path / "z.npy"
    done = mica("run", DIGITS, "--input", source, "--output", y, env=env, status=3)
    mica("eval", DIGITS, "--input", source, "--output", z)
    got, want = np.load(y).reshape(3, 10), np.load(z).reshape(3, 10)
    assert np.argwhere(got != want).tolist() == [[1, 4]]
    assert "agreement  2 of 3 inferences equal mica eval bit for bit\n" in done.stdout
    assert re.fullmatch(
        "mica: output '.+' differs from mica eval: first at inference 1, element 4: "
        f"{got[1, 4]}, eval gives {want[1, 4]}\n",
        done.stderr,
    )
