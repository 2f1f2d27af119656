# SPDX-License-Identifier: Apache-2.0
"""libmica through ctypes: the functions of include/mica.h that the package calls."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, Structure, c_char_p, c_double, c_float, c_int, c_int32, c_int64, c_size_t, c_void_p
from pathlib import Path
from typing import Any, Sequence

from .errors import Error

NATIVE = Path(__file__).absolute().parent / "native"
COMMAND = NATIVE / "mica"
PROFILES = ("tflm", "single", "litert")
OBJECTIVES = ("speed", "size", "ram", "balanced")
TEXTS = ("header", "source", "weights", "dump", "inspect", "json")


class Names(Structure):
    """struct mica_names"""

    _fields_ = [("n", c_int), ("name", POINTER(c_char_p)), ("value", POINTER(c_int32))]


class Options(Structure):
    """struct mica_options"""

    _fields_ = [
        ("name", c_char_p),
        ("target", c_char_p),
        ("profile", c_int),
        ("optimize", c_int),
        ("share_io", c_int),
        ("split_weights", c_int),
        ("library", c_char_p),
        ("keep_channels", c_int),
        ("mark_steps", c_int),
        ("by_row", c_int),
        ("keep_input", c_int),
        ("max_ram", c_int64),
        ("stream_axis", c_int),
        ("ways", c_char_p),
        ("functions", c_char_p),
        ("input_type", c_char_p),
        ("finite", c_int),
        ("leaf_bits", c_int),
        ("float64", c_int),
        ("features", Names),
        ("classes", Names),
    ]


class TensorInfo(Structure):
    """struct mica_tensor"""

    _fields_ = [
        ("name", c_char_p),
        ("c_name", c_char_p),
        ("type", c_char_p),
        ("rank", c_int),
        ("dim", c_int32 * 6),
        ("bytes", c_size_t),
        ("scale", c_float),
        ("zero", c_int32),
        ("role", c_char_p),
        ("error", c_double),
        ("relative_error", c_double),
    ]

    @property
    def shape(self) -> tuple[int, ...]:
        """Its dimensions."""
        return tuple(self.dim[: self.rank])


def names(words: Sequence[str], values: Sequence[int] | None = None) -> Names:
    """A list of names for the options; the result keeps its strings alive."""
    strings = (c_char_p * len(words))(*(word.encode() for word in words))
    numbers = (c_int32 * len(words))(*values) if values is not None else None
    made = Names(len(words), strings, numbers)
    made.kept = (strings, numbers)
    return made


def _load() -> ctypes.CDLL:
    suffixes = (".so", ".dylib")
    paths = [NATIVE / f"libmica{suffix}" for suffix in suffixes]
    found = next((path for path in paths if path.is_file()), None)
    if found is None:
        raise ImportError(f"{paths[0]} is missing: the package is not installed completely")
    library = ctypes.CDLL(str(found))
    handle = c_void_p
    for name, result, arguments in (
        ("mica_new", handle, []),
        ("mica_free", None, [handle]),
        ("mica_error", c_char_p, [handle]),
        ("mica_load", c_int, [handle, c_char_p, c_char_p, c_size_t]),
        ("mica_compile", c_int, [handle, POINTER(Options)]),
        ("mica_library", c_int, [handle, POINTER(handle), c_int]),
        ("mica_dump", c_int, [handle, c_char_p, POINTER(Options)]),
        ("mica_text", c_char_p, [handle, c_int]),
        ("mica_input", c_int, [handle, c_int, POINTER(TensorInfo)]),
        ("mica_output", c_int, [handle, c_int, POINTER(TensorInfo)]),
        ("mica_class", c_char_p, [handle, c_int, c_int, POINTER(c_int32)]),
        ("mica_feature", c_char_p, [handle, c_int]),
        ("mica_eval", c_int, [handle, POINTER(c_void_p), POINTER(c_void_p)]),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


LIBRARY = _load()


class Handle:
    """A struct mica: a model, loaded; or without a file, what link() makes."""

    def __init__(self, file: str | None = None, data: bytes = b""):
        self._handle = LIBRARY.mica_new()
        if not self._handle:
            raise MemoryError
        if file is not None:
            self._check(LIBRARY.mica_load(self._handle, file.encode(), data, len(data)))

    def __del__(self) -> None:
        LIBRARY.mica_free(getattr(self, "_handle", None))

    def _check(self, status: int) -> None:
        if status:
            raise Error(LIBRARY.mica_error(self._handle).decode(errors="replace"))

    def compile(self, options: Options) -> None:
        """Generates the texts."""
        self._check(LIBRARY.mica_compile(self._handle, ctypes.byref(options)))

    def link(self, models: Sequence[Handle]) -> None:
        """Generates the library of models that were compiled for it."""
        handles = (c_void_p * len(models))(*(model._handle for model in models))
        self._check(LIBRARY.mica_library(self._handle, handles, len(models)))

    def dump(self, name: str) -> str:
        """The text form of the graph after a pass."""
        self._check(LIBRARY.mica_dump(self._handle, name.encode(), None))
        return self.text("dump")

    def text(self, which: str) -> str:
        """One of TEXTS; "" where there is none."""
        found = LIBRARY.mica_text(self._handle, TEXTS.index(which))
        return found.decode(errors="replace") if found else ""

    def _tensors(self, ask: Any) -> list[TensorInfo]:
        found: list[TensorInfo] = []
        while True:
            info = TensorInfo()
            if ask(self._handle, len(found), ctypes.byref(info)):
                return found
            found.append(info)

    def inputs(self) -> list[TensorInfo]:
        """The inputs in their order."""
        return self._tensors(LIBRARY.mica_input)

    def outputs(self) -> list[TensorInfo]:
        """The outputs in their order."""
        return self._tensors(LIBRARY.mica_output)

    def classes(self, label: int) -> tuple[list[str], list[int]]:
        """Names and numbers of the classes of a label."""
        words, numbers = [], []
        value = c_int32()
        while word := LIBRARY.mica_class(self._handle, label, len(words), ctypes.byref(value)):
            words.append(word.decode(errors="replace"))
            numbers.append(value.value)
        return words, numbers

    def features(self, n: int) -> list[str] | None:
        """The names of the n features, where they have some."""
        found = [LIBRARY.mica_feature(self._handle, i) for i in range(n)]
        return None if None in found else [name.decode(errors="replace") for name in found]

    def eval(self, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        """Runs the compiled model once on contiguous arrays."""
        pointers = [(c_void_p * len(a))(*(x.ctypes.data for x in a)) for a in (inputs, outputs)]
        self._check(LIBRARY.mica_eval(self._handle, *pointers))
