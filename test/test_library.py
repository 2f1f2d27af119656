# SPDX-License-Identifier: Apache-2.0
"""Several models with one library of kernels: the same bits as each by itself, less flash, and files
that go together or do not compile."""

from __future__ import annotations

import re
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tree_models as trees
from support import PORTABLE, WARNINGS, evaluate, inspect, mica, need, random_inputs, reference_model, run

BUILDS = {
    "gcc": (),
    "clang": (),
    "arm-none-eabi-gcc": ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=soft", "--specs=picolibc.specs"),
    "arm-none-eabi-gcc -mcpu=cortex-m0": ("-mthumb", "--specs=picolibc.specs"),
    "riscv64-unknown-elf-gcc": ("-march=rv32imc", "-mabi=ilp32", "--specs=picolibc.specs"),
    "avr-gcc": ("-mmcu=atmega2560",),
}
TARGETS = {"arm": "cortex-m4", "ris": "rv32imc", "avr": "avr"}
FORESTS = ("digits", "extra", "cancer", "hist", "path")


@lru_cache(maxsize=None)
def fitted(name: str) -> tuple[trees.Ensemble, np.ndarray]:
    """Ensembles of different shapes, and rows that are hard."""
    from sklearn import datasets, ensemble

    data = datasets.load_digits if name in ("digits", "extra", "hist") else datasets.load_breast_cancer
    x, y = data(return_X_y=True)
    few = {"n_estimators": 6, "max_depth": 8, "random_state": 0}
    estimator = {
        "digits": lambda: ensemble.RandomForestClassifier(**few),
        "extra": lambda: ensemble.ExtraTreesClassifier(**few),
        "cancer": lambda: ensemble.RandomForestClassifier(**few),
        "hist": lambda: ensemble.HistGradientBoostingClassifier(max_iter=4, random_state=0),
        "path": lambda: ensemble.IsolationForest(n_estimators=8, random_state=0),
    }[name]().fit(x.astype(np.float32), y)
    e = trees.from_sklearn(estimator)
    return e, trees.hostile_rows(e, x.astype(np.float32), 300)


def forests(folder: Path, *names: str) -> list[Path]:
    """Their graphs, as files called after them."""
    for name in names:
        (folder / f"{name}.ir").write_text(fitted(name)[0].text())
    return [folder / f"{name}.ir" for name in names]


def library(folder: Path, paths: list[Path], *words: Any) -> Path:
    """The folder with all of them and kernels.c."""
    out = folder / "shared"
    mica("compile", *paths, "--library", "kernels", "-o", out, *words)
    return out


def program(folder: Path, out: Path, names: tuple[str, ...], compiler: str = "gcc") -> dict[str, bytes]:
    """What the labels and scores of each model are, all of them in one program."""
    lines = ["#include <stdio.h>", *(f'#include "{name}.h"' for name in names),
             "int main(int n, char **argv)\n{\n    (void)n;"]
    for name in names:
        e = fitted(name)[0]
        scores = e.n_scores
        lines.append(
            f"    if (argv[1][0] == '{name[0]}') {{\n"
            f"        static float x[{name.upper()}_N_FEATURES];\n        static double y[{scores}];\n"
            f"        while (fread(x, sizeof x, 1, stdin) == 1) {{\n"
            f"            int32_t label = {name}_predict(x);\n"
            f"            fwrite(&label, 4, 1, stdout);\n"
            + (f"            {name}_decision_function(x, y);\n" if scores > 1 else
               f"            y[0] = {name}_decision_function(x);\n")
            + "            fwrite(y, sizeof y, 1, stdout);\n        }\n    }")
    lines.append("    return 0;\n}\n")
    (folder / "main.c").write_text("\n".join(lines))
    exe = folder / f"program-{out.name}"
    run(compiler, *PORTABLE, "-O1", "-I", out, folder / "main.c", *sorted(out.glob("*.c")), "-o", exe)
    got = {}
    for name in names:
        done = subprocess.run([exe, name[0]], input=fitted(name)[1].tobytes(), capture_output=True, check=True)
        assert done.stdout
        got[name] = done.stdout
    return got


@pytest.mark.parametrize("words", [("--optimize", "size"), ("--optimize", "speed"), ("--target", "avr")],
                         ids=["size", "speed", "words"])
def test_forests_give_the_same_bits(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Labels and scores of five ensembles that share one walk, and of each alone."""
    need("gcc")
    paths = forests(tmp_path, *FORESTS)
    shared = library(tmp_path, paths, *words)
    for path in paths:
        mica("compile", path, "-o", tmp_path / "alone", *words)
    assert program(tmp_path, shared, FORESTS) == program(tmp_path, tmp_path / "alone", FORESTS)
    for path in paths:
        source = (shared / f"{path.stem}.c").read_text()
        assert "mica_trees_walk" not in source and '#include "kernels.h"' in source
    assert (shared / "kernels.c").read_text().count("uint32_t mica_trees_walk(") == 1


@pytest.mark.parametrize("names", [FORESTS[:1], FORESTS[:2], ("cancer", "path")])
def test_what_is_the_same_is_a_constant(tmp_path: Path, names: tuple[str, ...]) -> None:
    """The fewer the models differ, the more of their parameters are code."""
    need("gcc")
    paths = forests(tmp_path, *names)
    shared = library(tmp_path, paths, "--optimize", "size")
    for path in paths:
        mica("compile", path, "-o", tmp_path / "alone", "--optimize", "size")
    assert program(tmp_path, shared, names) == program(tmp_path, tmp_path / "alone", names)
    source = (shared / "kernels.c").read_text()
    folded = re.search(r"mica_same = {(.*?)};", source, re.S).group(1)
    assert (".n_trees" in folded) == (names != ("cancer", "path"))
    assert ".x_form = 0," in folded and "p->x_form" not in source


@pytest.mark.parametrize("compiler", BUILDS)
def test_code_is_clean(tmp_path: Path, compiler: str) -> None:
    """Networks with and without rows, and forests, on every compiler; the headers also as C++."""
    need(compiler.split()[0])
    target = TARGETS.get(compiler[:3], "host")
    digits = Path(__file__).resolve().parents[1] / "examples" / "digits" / "digits.tflite"
    paths = [*forests(tmp_path, *FORESTS), digits]
    names = ["digits_forest", *FORESTS[1:], "net"]
    for objective in ("size", "speed", "ram"):
        out = library(tmp_path, paths, "--optimize", objective, "--target", target, "--name", ",".join(names), "--split-weights")
        run(*compiler.split(), *BUILDS[compiler], *PORTABLE, "-Os", "-c", *sorted(out.glob("*.c")), cwd=out)
    if compiler == "gcc":
        (out / "all.cc").write_text("".join(f'#include "{name}.h"\n' for name in names))
        run("g++", "-std=c++11", *WARNINGS, "-fsyntax-only", out / "all.cc")
        (out / "kernels.cc").write_text('#include "kernels.h"\n')  # structs are called as functions are
        run("g++", "-std=c++11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", out / "kernels.cc")


NETWORKS = {"kws": "kws_dscnn_int8", "sww": "sww_dscnn1d_int8"}


@pytest.mark.parametrize("words", [(), ("--optimize", "ram"), ("--target", "cortex-m4"), ("--target", "cortex-m0")],
                         ids=["speed", "ram", "pairs", "quads"])
def test_networks_give_the_same_bits(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Two networks that share their kernels, in whole tensors and in rows."""
    need("gcc")
    check_networks(tmp_path, {name: reference_model(file) for name, file in NETWORKS.items()}, words)


def check_networks(folder: Path, models: dict[str, Path], words: tuple[str, ...]) -> None:
    """Each of them, with the library, and what `mica eval` says."""
    names = ",".join(models)
    mica("compile", *models.values(), "--name", names, "--library", "kernels", "-o", folder / "shared", *words, "--share-io")
    lines = ["#include <stdio.h>"] + [f'#include "{name}.h"' for name in models]
    lines.append("int main(int n, char **argv)\n{\n    (void)n;")
    for name in models:
        kind = "struct" if "ram" in words else "union"
        memory = "state" if "ram" in words else "scratch"
        lines.append(
            f"    if (argv[1][0] == '{name[0]}') {{\n        static {kind} {name}_{memory} m;\n"
            f"        while (fread({name}_input(&m), {name.upper()}_INPUT_LEN, 1, stdin) == 1) {{\n"
            f"            {name}_run(&m);\n"
            f"            fwrite({name}_output(&m), {name.upper()}_OUTPUT_LEN, 1, stdout);\n        }}\n    }}")
    (folder / "main.c").write_text("\n".join([*lines, "    return 0;\n}\n"]))
    run("gcc", *PORTABLE, "-O1", "-I", folder / "shared", folder / "main.c",
        *sorted((folder / "shared").glob("*.c")), "-o", folder / "program")
    for name, path in models.items():
        shape = inspect(path)["inputs"][0]["shape"]
        x = random_inputs(shape, np.int8, 5)
        (want,) = evaluate(path, folder, [x])
        got = subprocess.run([folder / "program", name[0]], input=x.tobytes(), capture_output=True, check=True)
        assert np.array_equal(np.frombuffer(got.stdout, np.int8), want.ravel())


def test_refusals(tmp_path: Path) -> None:
    """One message, and nothing is written where one model fails."""
    a, b = forests(tmp_path, "digits", "cancer")
    (tmp_path / "bad.ir").write_text("mica-ir 1\ngraph ?")
    out = ("-o", tmp_path / "none")
    for words, status, message in (
        ((a, b), 2, "several models share a --library NAME"),
        ((a, b, tmp_path / "bad.ir", "--library", "k"), 1, "bad.ir"),
        ((a, b, "--library", "k", "--name", "x"), 2, "1 names for 2 models"),
        ((a, b, "--library", "k", "--name", "x,X"), 1, "two models are called 'X'"),
        ((a, b, "--library", "k", "--name", "x,k"), 1, "a model has the library's name 'k'"),
        ((a, b, "--library", "2", "--name", "x,y"), 1, "no C identifier"),
        ((a, b, "--library", "k", "--name", "x,x_weights", "--split-weights"), 1, "two files would be called"),
        ((a, b, "--library", "k", "--max-flash", "9"), 2, "--max-flash"),
        (("--library", "k"), 2, "which model?"),
    ):
        done = mica("compile", *words, *out, status=status)
        assert message in done.stderr and not (tmp_path / "none").exists(), done.stderr


def test_files_of_two_runs_do_not_mix(tmp_path: Path) -> None:
    """A model that the library was not made for does not compile; the same model does."""
    need("gcc")
    a, b = forests(tmp_path, "digits", "cancer")
    first = library(tmp_path, [a, b], "--optimize", "size")
    run("gcc", *PORTABLE, "-c", first / "digits.c", "-o", tmp_path / "digits.o")
    kernels = (first / "kernels.h").read_text()
    mica("compile", a, "--library", "kernels", "-o", tmp_path / "second", "--optimize", "size", "--functions", "predict")
    (tmp_path / "second" / "kernels.h").write_text(kernels)
    done = run("gcc", "-c", tmp_path / "second" / "digits.c", "-o", tmp_path / "x.o", status=1)
    assert "take both from one run of mica" in done.stderr


def test_two_libraries_in_one_program(tmp_path: Path) -> None:
    """Their functions have their own names; the same run gives the same files."""
    need("gcc")
    a, b = forests(tmp_path, "digits", "cancer")
    for name, path in (("one", a), ("two", b)):
        for folder in ("out", "again"):
            mica("compile", path, "--library", name, "-o", tmp_path / folder, "--optimize", "size")
    program(tmp_path, tmp_path / "out", ("digits", "cancer"))
    for path in (tmp_path / "out").iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()
