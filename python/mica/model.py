# SPDX-License-Identifier: Apache-2.0
"""A converted model: its C, its answers, its cost."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Sequence

import numpy as np

from . import _library, cost
from .compile import Compiled, Function
from .errors import Error, Mismatch
from .onnx_graph import class_names

ROWS_SHOWN = 10
RELATIVE = 1e-6
ABSOLUTE = 1e-15  # 1 - p, where p is nearly 1, has the rounding of 1
SINGLE = 1e-5  # of the row's largest number, where the reference sums in float32, in BLAS's order


@dataclass(frozen=True)
class Source:
    """What a model is compiled from: the bytes of a file, and what the caller said about it."""

    file: str
    data: bytes
    name: str
    target: str
    optimize: str
    profile: str
    functions: tuple[str, ...] | None
    input_type: str | None
    finite: bool
    leaf_bits: int | None
    float64: bool
    feature_names: tuple[str, ...] | None
    classes: list[np.ndarray] = field(default_factory=list)
    name_classes: bool = False  # the file does not have them
    arithmetic: Any = np.float64

    def options(self) -> _library.Options:
        """For the library."""
        o = _library.Options(name=self.name.encode(), target=self.target.encode())
        o.profile = _word(self.profile, _library.PROFILES, "profile")
        o.optimize = _word(self.optimize, _library.OBJECTIVES, "optimize")
        if self.functions:
            o.functions = ",".join(self.functions).encode()
        if self.input_type:
            o.input_type = self.input_type.encode()
        o.finite = self.finite
        o.leaf_bits = self.leaf_bits or 0
        o.float64 = self.float64
        if self.feature_names:
            o.features = _library.names(self.feature_names)
        if self.name_classes and len(self.classes) == 1:
            described = class_names(self.classes[0])
            o.classes = _library.names(described["names"], described["values"])
        return o


def _word(word: str, words: Sequence[str], what: str) -> int:
    if word not in words:
        raise Error(f"{what} is one of {', '.join(words)}, not {word!r}")
    return words.index(word)


@dataclass(frozen=True)
class Agreement:
    """How the C and the reference compare: for each function the rows, how many are wrong, and for
    numbers the largest relative error.

    Where leaves are rounded (leaf_bits), a label that differs is wrong only in a row that is certain.
    `undecided` counts the other rows, `changed` those among them whose label differs; both are None
    where leaves are not rounded, or there are no labels. Numbers are wrong beyond the error that the
    header states; `off` is the largest that was found, absolute."""

    rows: int
    wrong: dict[str, int]
    error: dict[str, float]
    undecided: int | None = None
    changed: int | None = None
    off: dict[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        parts = [
            f"{name}: {wrong} of {self.rows} rows differ"
            + (f", largest error {self.error[name]:.1e}" if name in self.error else "")
            + (f" ({self.off[name]:.1e} absolute)" if name in self.off else "")
            for name, wrong in self.wrong.items()
        ]
        if self.undecided is not None:
            labels = "label differs" if self.changed == 1 else "labels differ"
            parts.append(f"{self.undecided} rows undecided, {self.changed} {labels} among them")
        return "; ".join(parts)


class Model:
    """Generated C and what may be asked of it. mica.convert() makes it."""

    def __init__(self, source: Source):
        self._source = source
        self._handle = _library.Handle(source.file, source.data)
        self._handle.compile(source.options())
        self._compiled: Compiled | None = None
        inputs, outputs = self._handle.inputs(), self._handle.outputs()
        self._inputs, self._outputs = inputs, outputs
        self._functions: dict[str, Function] = {}
        self._errors: dict[str, tuple[float, float]] = {}
        self._judge: Model | None = None
        self.feature_names: list[str] | None = None
        self.classes: list[np.ndarray] = []
        if outputs and outputs[0].role:
            self._describe_estimator()

    def _describe_estimator(self) -> None:
        x = self._inputs[0]
        n_features = int(np.prod(x.shape))
        for out in self._outputs:
            role = out.role.decode()
            self._functions[role] = Function(
                role, x.type.decode(), n_features, out.type.decode(), int(np.prod(out.shape))
            )
            self._errors[role] = out.error, out.relative_error
        self.feature_names = self._handle.features(n_features)
        numbered = []
        while (named := self._handle.classes(len(numbered)))[0]:
            numbered.append(named)
        self._numbers = [np.array(numbers) for _, numbers in numbered]
        given = self._source.classes
        self.classes = [
            given[i] if i < len(given) else _file_classes(*named) for i, named in enumerate(numbered)
        ]

    # ---- the C ---------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The prefix of all symbols, and the name of the files."""
        return self._source.name

    @property
    def header(self) -> str:
        """The text of NAME.h."""
        return self._handle.text("header")

    @property
    def source(self) -> str:
        """The text of NAME.c."""
        return self._handle.text("source")

    @property
    def functions(self) -> list[str]:
        """What an estimator's C offers: "predict", "predict_proba", ...; empty for a network."""
        return list(self._functions)

    @property
    def data(self) -> bytes:
        """The file that the C was made from: for an estimator ONNX with operators of ai.mica."""
        return self._source.data

    def save(self, folder: str | os.PathLike[str] = ".") -> list[Path]:
        """Writes NAME.c and NAME.h into a folder, which is made where it is missing."""
        return _write(folder, {self.name: self._handle})

    def for_library(self, library: str) -> _library.Handle:
        """The model compiled once more, to call its kernels in a library of that name."""
        handle = _library.Handle(self._source.file, self._source.data)
        options = self._source.options()
        options.library = library.encode()
        handle.compile(options)
        return handle

    def __repr__(self) -> str:
        what = ", ".join(self.functions) or "a network"
        return f"<mica.Model {self.name}: {what}>"

    # ---- answers -------------------------------------------------------------------------------

    def _rows(self, X: Any, function: Function) -> np.ndarray:
        x = np.asarray(X)
        if x.ndim != 2 or x.shape[1] != function.n_features:
            raise Error(f"X must be of shape (rows, {function.n_features}), not {x.shape}")
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                y = x.astype(function.input_type)
        except (TypeError, ValueError) as why:
            raise Error(f"X must be an array of numbers: {why}") from None
        if function.input_type != "float32" and not np.array_equal(x, y):
            raise Error(f"X has values that are no {function.input_type}, which the C takes")
        return y

    def _run(self, role: str, X: Any) -> np.ndarray:
        function = self._functions.get(role)
        if function is None:
            has = ", ".join(self._functions) or "the function of a network: call run()"
            raise Error(f"{self.name} has no {role}; it has {has}")
        if self._compiled is None:
            functions = list(self._functions.values())
            self._compiled = Compiled(self.name, self.header, self.source, functions)
        return self._compiled.run(role, self._rows(X, function))

    def _label(self, label: int, values: np.ndarray) -> np.ndarray:
        """Classes as they were in training, by the numbers that the C gives."""
        numbers = self._numbers[label]
        order = np.argsort(numbers)
        return self.classes[label].take(order[np.searchsorted(numbers[order], values)], axis=0)

    def predict(self, X: Any) -> np.ndarray:
        """Labels as they were in training, or values: (rows,), with several outputs (rows, n)."""
        out = self._run("predict", X)
        if out.dtype == np.int32 and self.classes:
            labels = [self._label(i, out[:, i]) for i in range(out.shape[1])]
            return labels[0] if len(labels) == 1 else np.stack(labels, axis=1)
        return out[:, 0] if out.shape[1] == 1 else out

    def predict_certain(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """Of a classifier whose leaves are rounded (leaf_bits): its labels, and for each row whether
        they are proven to be the library's. False: rounding may have decided."""
        out = self._run("predict_certain", X)
        labels = [self._label(i, out[:, i]) for i in range(out.shape[1] - 1)]
        return labels[0] if len(labels) == 1 else np.stack(labels, axis=1), out[:, -1] == 1

    def predict_proba(self, X: Any) -> np.ndarray | list[np.ndarray]:
        """Probabilities (rows, classes); with several labels a list of such arrays."""
        out = self._run("predict_proba", X)
        if len(self.classes) < 2:
            return out
        ends = np.cumsum([len(labels) for labels in self.classes])
        return np.split(out, ends[:-1], axis=1)

    def decision_function(self, X: Any) -> np.ndarray:
        """Scores: (rows,) of two classes, (rows, classes) of more."""
        out = self._run("decision_function", X)
        return out[:, 0] if out.shape[1] == 1 else out

    def score_samples(self, X: Any) -> np.ndarray:
        """How normal each row is: (rows,)."""
        return self._run("score_samples", X)[:, 0]

    def run(self, *inputs: Any) -> np.ndarray | list[np.ndarray]:
        """Runs a network once on arrays of its inputs' shapes and types, with the kernels that its C
        contains; returns its output, or the list of its outputs."""
        if self._functions:
            raise Error(f"{self.name} is an estimator: call {' or '.join(self._functions)}")
        if len(inputs) != len(self._inputs):
            raise Error(f"{self.name} has {len(self._inputs)} inputs, not {len(inputs)}")
        arrays = []
        for given, info in zip(inputs, self._inputs, strict=True):
            array = np.ascontiguousarray(given)
            if array.shape != info.shape or array.dtype != info.type.decode():
                want = f"{info.type.decode()} {list(info.shape)}"
                raise Error(f"an input must be {want}, not {array.dtype} {list(array.shape)}")
            arrays.append(array)
        outputs = [np.empty(info.shape, info.type.decode()) for info in self._outputs]
        self._handle.eval(arrays, outputs)
        return outputs[0] if len(outputs) == 1 else outputs

    # ---- comparison ----------------------------------------------------------------------------

    def check(
        self, estimator: Any, X: Any, rtol: float = RELATIVE, atol: float = ABSOLUTE
    ) -> Agreement:
        """Compares every function with the estimator's method of that name, row by row.

        The reference gets the numbers that the C gets: X as float32 (or as the integers of
        input_type), in an array of the type that convert() was told. Labels must be equal, numbers
        within `rtol` relative or `atol`; where that type is float32, 1e-5 of the largest number in
        the row is allowed. Prints what differs and raises mica.Mismatch.

        Where leaves are rounded (leaf_bits), labels must be equal in rows that are certain, numbers
        within the error that the header states; the result says how many rows are undecided, and how
        many of their labels differ.
        """
        lines: list[str] = []
        agreement = self.compare(estimator, X, rtol, atol, lines)
        if any(agreement.wrong.values()):
            message = "\n".join([f"{self.name}: {agreement}", *lines])
            print(message)
            raise Mismatch(message)
        return agreement

    def compare(
        self,
        estimator: Any,
        X: Any,
        rtol: float = RELATIVE,
        atol: float = ABSOLUTE,
        lines: list[str] | None = None,
    ) -> Agreement:
        """What check() finds, without raising; `lines` gets a line for each of the first rows that
        differ."""
        wrong: dict[str, int] = {}
        error: dict[str, float] = {}
        off: dict[str, float] = {}
        undecided = changed = None
        if not self._functions:
            raise Error(f"{self.name} is a network: compare what run() gives")
        reference = self._reference_rows(X)
        for role in self._functions:
            method = getattr(estimator, role, None)
            if method is None:
                continue
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message=".*feature names.*")
                want = _columns(method(reference))
            got = _columns(getattr(self, role)(X))
            absolute, relative = self._errors[role]
            bad, largest = _compare(
                got, want, rtol + relative, atol + absolute + self._rounding(want)
            )
            if role == "predict" and got.dtype.kind != "f" and self._source.leaf_bits:
                certain = self._certain(X)
                undecided, changed = int((~certain).sum()), int((bad & ~certain).sum())
                bad &= certain
            if absolute or relative:
                off[role] = float(np.abs(got - want).max(initial=0.0))
            wrong[role] = int(bad.sum())
            if largest is not None:
                error[role] = largest
            for row in np.flatnonzero(bad)[:ROWS_SHOWN] if lines is not None else ():
                lines.append(f"{role}, row {row}: C {_show(got[row])}, reference {_show(want[row])}")
        if not wrong:
            raise Error(f"{type(estimator).__name__} has none of {', '.join(self._functions)}")
        return Agreement(len(np.asarray(X)), wrong, error, undecided, changed, off)

    def _certain(self, X: Any) -> np.ndarray:
        """Which rows are certain, though the C may not have the function that says so."""
        if "predict_certain" in self._functions:
            return self.predict_certain(X)[1]
        if self._judge is None:
            self._judge = Model(replace(self._source, functions=("predict_certain",)))
        return self._judge.predict_certain(X)[1]

    def _rounding(self, want: np.ndarray) -> np.ndarray | float:
        """What sums in float32 may differ by, row by row: their order is not known."""
        if want.dtype.kind != "f" or self._source.arithmetic != np.float32:
            return 0.0
        return SINGLE * np.abs(want.astype(np.float64)).max(axis=1, keepdims=True)

    def _reference_rows(self, X: Any) -> Any:
        """The numbers of the C in the reference's type of array; a data frame stays one."""
        function = next(iter(self._functions.values()))
        rows = self._rows(X, function).astype(self._source.arithmetic)
        if hasattr(X, "columns"):
            return type(X)(rows, columns=X.columns, index=X.index)
        return rows

    # ---- cost ----------------------------------------------------------------------------------

    def cost(
        self, target: str, optimize: str | None = None, functions: Sequence[str] | None = None
    ) -> cost.Cost:
        """Measures flash, RAM, stack and instructions of each function on an emulated core; needs
        the core's compiler and emulator (docs/targets.md)."""
        options = []
        if self._source.input_type:
            options += ["--input-type", self._source.input_type]
        if self._source.finite:
            options += ["--finite"]
        if self._source.leaf_bits:
            options += ["--leaf-bits", str(self._source.leaf_bits)]
        if self._source.float64:
            options += ["--float64"]
        if not self._functions:
            options += ["--profile", self._source.profile]
        return cost.measure(
            self._source.file,
            self._source.data,
            self.name,
            list(functions or self._functions),
            target,
            optimize or self._source.optimize,
            options,
        )


def save_all(
    models: Sequence[Model], folder: str | os.PathLike[str] = ".", library: str = "kernels"
) -> list[Path]:
    """Writes NAME.c and NAME.h of each model, and one LIBRARY.c and LIBRARY.h with the kernels that
    any of them uses: for models that share a firmware. All of them have the same profile."""
    handles = {model.name: model.for_library(library) for model in models}
    if len(handles) < len(models):
        raise Error("two models have the same name")
    shared = _library.Handle()
    shared.link(list(handles.values()))
    return _write(folder, {**handles, library: shared})


def _write(folder: str | os.PathLike[str], handles: dict[str, _library.Handle]) -> list[Path]:
    """NAME.h and NAME.c of each, into a folder that is made where it is missing."""
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    written = []
    for name, handle in handles.items():
        for suffix, text in ((".h", handle.text("header")), (".c", handle.text("source"))):
            path = place / (name + suffix)
            temporary = path.with_name(path.name + ".part")
            temporary.write_text(text)
            temporary.replace(path)
            written.append(path)
    return written


def _file_classes(words: list[str], numbers: list[int]) -> np.ndarray:
    """The classes that a file names: integers where the names are those of the numbers."""
    if words == [str(number) for number in numbers]:
        return np.array(numbers)
    return np.array(words)


def _columns(result: Any) -> np.ndarray:
    """Any method's result as an array [rows, columns]."""
    if isinstance(result, list):
        result = np.concatenate([np.asarray(part) for part in result], axis=1)
    array = np.asarray(result)
    return array.reshape(len(array), -1)


def _compare(
    got: np.ndarray, want: np.ndarray, rtol: float, atol: np.ndarray | float
) -> tuple[np.ndarray, float | None]:
    """Which rows differ, and the largest relative error of numbers."""
    if got.shape != want.shape:
        raise Mismatch(f"the C gives the shape {got.shape}, the reference {want.shape}")
    if got.dtype.kind != "f":
        return np.any(got != want.astype(got.dtype, copy=False), axis=1), None
    want = want.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        narrow = want.astype(got.dtype).astype(np.float64)
        off = np.where(got == narrow, 0.0, np.abs(got - want))
        off[np.isnan(got) & np.isnan(want)] = 0.0
        size = np.maximum(np.abs(want), np.finfo(got.dtype).tiny)
        bad = ~((off <= rtol * size) | (off <= atol))
        relative = np.where(off <= ABSOLUTE, 0.0, off / size)
    return np.any(bad, axis=1), float(relative.max(initial=0.0))


def _show(row: np.ndarray) -> str:
    text = ", ".join(f"{x:.9g}" if isinstance(x, float) else str(x) for x in row.tolist())
    return text if len(row) == 1 else f"[{text}]"
