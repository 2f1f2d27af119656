# SPDX-License-Identifier: Apache-2.0
"""Compiles generated C with this machine's compiler and calls it for many rows at once."""

from __future__ import annotations

import ctypes
import os
import shlex
import shutil
import subprocess
import tempfile
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Sequence

import numpy as np

from .errors import Error

C_TYPES = {
    "float32": "float",
    "float64": "double",
    "int32": "int32_t",
    "int16": "int16_t",
    "int8": "int8_t",
    "uint8": "uint8_t",
}
FLAGS = ("-std=c99", "-O1", "-fPIC", "-shared", "-ffp-contract=off")
MESSAGE_LINES = 20


@dataclass(frozen=True)
class Function:
    """One function of an estimator: NAME_<role>."""

    role: str
    input_type: str
    n_features: int
    output_type: str
    n_outputs: int


def _loop(name: str, f: Function) -> str:
    """A function that calls another one for each of n rows."""
    row = f"x + i * {f.n_features}"
    if f.n_outputs == 1:
        call = f"out[i] = {name}_{f.role}({row});"
    else:
        call = f"{name}_{f.role}({row}, out + i * {f.n_outputs});"
    kinds = C_TYPES[f.input_type], C_TYPES[f.output_type]
    return (
        f"void rows_{f.role}(const {kinds[0]} *x, {kinds[1]} *out, size_t n);\n"
        f"void rows_{f.role}(const {kinds[0]} *x, {kinds[1]} *out, size_t n)\n"
        "{\n"
        "    for (size_t i = 0; i < n; i++)\n"
        f"        {call}\n"
        "}\n"
    )


def _compiler() -> list[str]:
    chosen = os.environ.get("CC")
    if chosen:
        return shlex.split(chosen)
    for word in ("cc", "gcc", "clang"):
        if shutil.which(word):
            return [word]
    raise Error(
        "running a model needs a C compiler, and none of cc, gcc, clang is there: install one, or "
        "name it in the environment variable CC"
    )


class Compiled:
    """The functions of a model, loaded into this process from a temporary folder."""

    def __init__(self, name: str, header: str, source: str, functions: Sequence[Function]):
        folder = tempfile.mkdtemp(prefix="mica-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        path = Path(folder)
        (path / f"{name}.h").write_text(header)
        (path / f"{name}.c").write_text(source)
        loops = "\n".join(_loop(name, f) for f in functions)
        (path / "rows.c").write_text(f'#include <stddef.h>\n\n#include "{name}.h"\n\n{loops}')
        files = [f"{name}.c", "rows.c"]
        done = subprocess.run(
            [*_compiler(), *FLAGS, *files, "-o", "rows.so"],
            cwd=path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            said = "\n".join(done.stderr.splitlines()[:MESSAGE_LINES])
            raise Error(f"the C compiler refused the generated code:\n{said}")
        self._library = ctypes.CDLL(str(path / "rows.so"))
        self._functions = {f.role: f for f in functions}

    def run(self, role: str, x: np.ndarray) -> np.ndarray:
        """The results of a function for every row of x: [rows, outputs]."""
        f = self._functions[role]
        x = np.ascontiguousarray(x, f.input_type)
        out = np.empty((len(x), f.n_outputs), f.output_type)
        call = getattr(self._library, f"rows_{role}")
        call(
            ctypes.c_void_p(x.ctypes.data),
            ctypes.c_void_p(out.ctypes.data),
            ctypes.c_size_t(len(x)),
        )
        return out
