# SPDX-License-Identifier: Apache-2.0
"""What the tests of whole programs share: running the command, compilers, arrays, models.

Environment: MICA names the command to test (build/mica), MICA_ALL=1 asks for what CI runs in its
long part, MICA_SWEEP=1 for sweeps of hours, MICA_MODELS names the folder of reference models, whose
tests are skipped where it is absent.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Sequence

import numpy as np
import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
MICA = Path(os.environ.get("MICA", REPOSITORY / "build" / "mica")).resolve()
MODELS = Path(os.environ.get("MICA_MODELS", REPOSITORY.parent / "shared" / "models"))
MLPERF = MODELS / "mlperf-tiny"
ALL = os.environ.get("MICA_ALL") == "1"
SWEEP = os.environ.get("MICA_SWEEP") == "1"
SECONDS_MAX = 600
FAILURE_LINES = 30

WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror")
PORTABLE = ("-std=c99", *WARNINGS)
# Compilers that generated code has to be clean with, and what they need for a core.
COMPILERS: dict[str, tuple[str, ...]] = {
    "gcc": (),
    "clang": (),
    "arm-none-eabi-gcc": ("-mcpu=cortex-m0", "-mthumb", "--specs=picolibc.specs"),
    "riscv64-unknown-elf-gcc": ("-march=rv32imc", "-mabi=ilp32", "--specs=picolibc.specs"),
    "avr-gcc": ("-mmcu=atmega2560",),
}


def run(
    *command: Any,
    status: int | None = 0,
    cwd: Path | None = None,
    env: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program; fail the test with what it said unless it ends with `status`."""
    words = [str(word) for word in command]
    done = subprocess.run(
        words, capture_output=True, cwd=cwd, env=env, timeout=SECONDS_MAX, check=False
    )
    text = subprocess.CompletedProcess(
        words,
        done.returncode,
        done.stdout.decode(errors="surrogateescape"),
        done.stderr.decode(errors="surrogateescape"),
    )
    if status is not None and text.returncode != status:
        said = "\n".join((text.stdout + text.stderr).splitlines()[:FAILURE_LINES])
        pytest.fail(
            f"status {text.returncode} instead of {status}: {' '.join(words)}\n{said}",
            pytrace=False,
        )
    return text


def mica(*words: Any, **how: Any) -> subprocess.CompletedProcess[str]:
    """Run the command under test; keywords as for run()."""
    return run(MICA, *words, **how)


def need(*tools: str) -> None:
    """Skip the test by name where a program is not installed."""
    for tool in tools:
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not installed")


def need_version(compiler: str, installed: Any, saved: Any) -> None:
    """Skip a test of exact figures where they are those of another version of the compiler."""
    if installed != saved:
        pytest.skip(f"the budgets are those of {compiler} {saved}, not {installed}")


def reference_model(name: str) -> Path:
    """A file of the MLPerf Tiny models; skips where the folder is absent."""
    path = MLPERF / f"{name}.tflite"
    if not path.is_file():
        pytest.skip(f"reference model {name} is not here (MICA_MODELS={MODELS})")
    return path


def inspect(model: Path, *words: Any) -> dict[str, Any]:
    """What `mica inspect --json` says of a model."""
    return json.loads(mica("inspect", model, "--json", *words).stdout)


def evaluate(
    model: Path,
    folder: Path,
    inputs: Sequence[np.ndarray] | dict[str, np.ndarray],
    outputs: Sequence[str] = (),
    profile: str = "tflm",
    command: Sequence[Any] = ("eval",),
) -> list[np.ndarray]:
    """Run a model by `mica eval` (or `command`) and return its outputs in the order of `outputs`.

    Without names the model has one input or output.
    """
    words: list[Any] = [*command, model, "--profile", profile]
    named = inputs.items() if isinstance(inputs, dict) else [("", values) for values in inputs]
    for place, (name, values) in enumerate(named):
        path = folder / f"in{place}.npy"
        np.save(path, values)
        words += ["--input", f"{name}={path}" if name else path]
    files = [folder / f"out{place}.npy" for place in range(max(1, len(outputs)))]
    for place, file in enumerate(files):
        words += ["--output", f"{outputs[place]}={file}" if outputs else file]
    mica(*words)
    return [np.load(file) for file in files]


def random_inputs(shape: Sequence[int], dtype: Any, count: int, seed: int = 20) -> np.ndarray:
    """Arrays of uniform int8 or normal float32, stacked on a leading axis; always the same."""
    rng = np.random.default_rng(seed)
    if np.dtype(dtype) == np.int8:
        return rng.integers(-128, 128, (count, *shape), dtype=np.int8)
    return rng.standard_normal((count, *shape)).astype(np.float32)
