# SPDX-License-Identifier: Apache-2.0
"""Boosted models of XGBoost, LightGBM and CatBoost: what the readers make of their files, and what
the generated C answers, against the library that trained them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import graph_text
import numpy as np
import pytest
from booster_models import MODELS, ROWS, Model, hostile_rows
from graph_text import Graph
from support import COMPILERS, PORTABLE, mica, need, run

NAMES = [(library, name) for library, (models, _) in MODELS.items() for name in models()]
IDS = [f"{library}-{name}" for library, name in NAMES]


@lru_cache(maxsize=None)
def trained(library: str, name: str) -> Model:
    pytest.importorskip(library)
    return MODELS[library][0]()[name]()


def thresholds(graph: Graph) -> np.ndarray:
    if any(node.op == "dense" for node in graph.nodes):
        return np.linspace(-3, 3, ROWS)
    node = graph.node_of(graph.roles.get("decision_function", graph.roles["predict"]))
    while node.op not in ("trees", "oblivious"):
        node = graph.node_of(node.inputs[0])
    return graph.constants[node.inputs[4 if node.op == "trees" else 3]]


@pytest.fixture(params=NAMES, ids=IDS)
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Model, Path, Graph, np.ndarray]]:
    library, name = request.param
    model = trained(library, name)
    file = tmp_path / f"model.{MODELS[library][1]}"
    file.write_text(model.text)
    graph = graph_text.read(file)
    rows = hostile_rows(model.x, thresholds(graph), model.categories)
    if name.startswith("linear"):  # where a feature is missing, the sum is
        rows = np.where(np.isnan(rows), np.float32(0.25), rows)
    yield model, file, graph, rows


def label_names(graph: Graph, given: np.ndarray) -> np.ndarray:
    """Numbers of classes as the classes' names."""
    return np.array([[graph.classes[i][k] for i, k in enumerate(row)] for row in given])


# ---- what is read ------------------------------------------------------------------------------


def test_scores_are_the_librarys(case: tuple[Model, Path, Graph, np.ndarray]) -> None:
    """Bit for bit, computed literally from the text form."""
    model, _, graph, rows = case
    assert len(rows) == 3 * ROWS
    np.testing.assert_array_equal(graph_text.scores(graph, rows), model.scores(rows))


# ---- what is generated -------------------------------------------------------------------------

DRIVER = """
#include <stdio.h>
#include "model.h"
int main(void)
{{
    float x[MODEL_N_FEATURES];
    while (fread(x, sizeof x, 1, stdin) == 1) {{
{calls}
    }}
    return 0;
}}
"""


def c_call(graph: Graph, role: str) -> tuple[str, str, int]:
    """The statements that write a function's results, their type and how many they are."""
    number = graph.roles[role]
    shape, type_name = graph.shapes[number], graph.types[number]
    n, c_type = int(np.prod(shape)), {"int32": "int32_t", "float32": "float"}[type_name]
    call = f"out[0] = model_{role}(x);" if n == 1 else f"model_{role}(x, out);"
    return f"{{ {c_type} out[{n}]; {call} fwrite(out, sizeof out, 1, stdout); }}", type_name, n


def run_c(
    folder: Path, file: Path, graph: Graph, rows: np.ndarray, optimize: str
) -> dict[str, np.ndarray]:
    mica("compile", file, "-o", folder, "--name", "model", "--optimize", optimize)
    calls = [c_call(graph, role) for role in graph.roles]
    (folder / "main.c").write_text(DRIVER.format(calls="\n".join(c[0] for c in calls)))
    run("gcc", *PORTABLE, "-O1", "-fsanitize=undefined", "-fno-sanitize-recover=all", "-I", folder,
        folder / "main.c", folder / "model.c", "-o", folder / "main")  # fmt: skip
    done = subprocess.run([folder / "main"], input=rows.astype(np.float32).tobytes(), capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    fields = [(role, np.dtype(c[1]), (c[2],)) for role, c in zip(graph.roles, calls)]
    return {role: np.frombuffer(done.stdout, fields)[role] for role in graph.roles}


@pytest.mark.parametrize("optimize", ["speed", "size"])
def test_generated_code_answers_as_the_library(
    case: tuple[Model, Path, Graph, np.ndarray], tmp_path: Path, optimize: str
) -> None:
    need("gcc")
    model, file, graph, rows = case
    answers = run_c(tmp_path, file, graph, rows, optimize)
    if "decision_function" in answers:
        raw = (model.raw or model.scores)(rows)
        np.testing.assert_array_equal(answers["decision_function"], raw.astype(np.float32))
    if model.labels:
        given = answers["predict"]
        if graph.values[0]:  # a label that is an integer of the user's is given as it is
            given = np.array(graph.values[0]).searchsorted(given)
        names = label_names(graph, given)
        np.testing.assert_array_equal(names, model.labels(rows).astype(str))
    if model.results:
        given = answers["predict_proba" if model.labels else "predict"]
        wanted = model.results(rows)
        if wanted.dtype == np.float32 and model.labels:  # e^x is rounded right here, nearly so there
            assert (given != wanted).mean() < 0.02
            np.testing.assert_array_max_ulp(given[:, -1], wanted[:, -1], 2)
            np.testing.assert_allclose(given, wanted, rtol=1e-6, atol=6e-8)
        else:  # for speed, sums are integers: a float32 step of the largest numbers
            steps = np.abs(wanted).max() * 2.0**-23 if optimize == "speed" else 1e-12
            np.testing.assert_allclose(given, wanted, rtol=1e-6, atol=steps)


ARM = "arm-none-eabi-gcc"
CORES = {"clang": "clang", "arm": ARM, "riscv": "riscv64-unknown-elf-gcc", "avr": "avr-gcc"}


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize(
    "name", ["scale", "nan above", "multiclass scale", "multilabel", "deep", "RMSE"]
)
def test_symmetric_trees_compile_clean_everywhere(name: str, core: str, tmp_path: Path) -> None:
    compiler = CORES[core]
    need(compiler)
    (tmp_path / "model.json").write_text(trained("catboost", name).text)
    mica("compile", tmp_path / "model.json", "-o", tmp_path, "--name", "model")
    run(compiler, *COMPILERS[compiler], *PORTABLE, "-Os", "-c", tmp_path / "model.c", "-o", tmp_path / "model.o")


def test_symmetric_classifier_needs_no_library_for_floats(tmp_path: Path) -> None:
    need(ARM, "arm-none-eabi-nm")
    (tmp_path / "model.json").write_text(trained("catboost", "scale").text)
    mica("compile", tmp_path / "model.json", "-o", tmp_path, "--name", "model", "--functions", "predict")
    run(ARM, *COMPILERS[ARM], "-Os", "-c", tmp_path / "model.c", "-o", tmp_path / "model.o")
    undefined = run("arm-none-eabi-nm", "-u", tmp_path / "model.o").stdout.split()[1::2]
    assert not [name for name in undefined if "aeabi_d" in name or "aeabi_f" in name], undefined
