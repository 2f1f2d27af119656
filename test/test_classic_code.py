# SPDX-License-Identifier: Apache-2.0
"""The C of linear models and of steps for features: without a warning, and on emulated cores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn")
from classic_models import fitted, load, parameters  # noqa: E402
from estimator_graphs import Graph  # noqa: E402
from support import COMPILERS, PORTABLE, evaluate, mica, need, run  # noqa: E402

FPU = ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16")
BUILDS = COMPILERS | {"arm-none-eabi-gcc": (*FPU, "--specs=picolibc.specs")}


def every_operator() -> dict[str, Graph]:
    """Graphs that have every kernel of this file in them."""
    rng = np.random.default_rng(17)
    coef, intercept, one = rng.standard_normal((3, 6)), rng.standard_normal(3), [0.3]
    numbers = np.arange(1, 7.0) / 3
    labels = Graph(6)
    labels.output(labels.linear(labels.x, coef, intercept, "label"))
    scores = labels.linear(labels.x, coef, intercept, "scores")
    for kind in ("softmax", "ovr"):
        labels.output(labels.cast(labels.link(scores, kind, 3), 3))
    wide = Graph(6)
    fill = wide.constant("fill", numbers)
    x = wide.node("impute_features", [wide.x, fill], "full", "float32", (1, 6), missing="nan")
    pair = [wide.constant("first", numbers), wide.constant("second", -numbers)]
    x = wide.node("scale_features", [x, *pair], "scaled", "float64", (1, 6), second_op="div")
    x = wide.normalizer(x, "l2", "float64")
    parts = [wide.select(x, [4, 0, 0], "float64"), x]
    x = wide.node("concat", parts, "x", "float64", (1, 9), axis=1)
    score = wide.linear(x, np.ones((1, 9)), one, "scores")
    wide.output(wide.linear(x, np.ones((1, 9)), one, "label", decide="cut"))
    wide.output(wide.linear(x, np.ones((2, 9)), one * 2, "label"))
    wide.output(wide.link(score, "logistic_pair", 2))
    wide.output(wide.link(wide.link(score, "path", 1, [3.0]), "affine", 1, [2.0, 1.0]))
    wide.output(wide.link(wide.link(score, "exp", 1), "complement", 2))
    inputs = [x, wide.constant("weight", np.arange(1, 10.0))]
    wide.output(wide.node("weighted_median", inputs, "median", "float64", (1, 1)))
    narrow = Graph(6)
    narrow.output(narrow.linear(narrow.x, coef[:1], one, "label", decide="cut"))
    narrow.output(narrow.linear(narrow.x, coef, intercept, "scores", dtype="float32"))
    for factor in (numbers, np.ones(6)):
        inputs = [narrow.x, narrow.constant("factor", factor)]
        narrow.output(
            narrow.node("scale_features", inputs, "scaled", "float32", (1, 6), first_op="mul")
        )
    narrow.output(narrow.normalizer(narrow.x, "max", "float32"))
    return {"labels": labels, "wide": wide, "narrow": narrow}


@pytest.mark.parametrize("compiler", BUILDS)
@pytest.mark.parametrize("target", ["cortex-m4f", "cortex-m0", "avr"])
def test_generated_code_is_clean(target: str, compiler: str, tmp_path: Path) -> None:
    """No warning of any compiler, whatever the core that the code was made for."""
    need(compiler)
    for name, graph in every_operator().items():
        for optimize in ("speed", "size"):
            model = graph.write(tmp_path / f"{name}.ir")
            words = ("-o", tmp_path, "--name", "m", "--target", target, "--optimize", optimize)
            mica("compile", model, *words)
            run(compiler, *BUILDS[compiler], *PORTABLE, "-Os", "-c", tmp_path / "m.c", "-o",
                tmp_path / "m.o")  # fmt: skip


def labels_on_core(
    graph: Graph, folder: Path, rows: np.ndarray, target: str, *options: str
) -> np.ndarray:
    """The label of each row under emulation, which `mica run` compares with eval."""
    need("simavr" if target == "avr" else "qemu-system-arm")
    command = ("run", "--target", target, *options)
    model = graph.write(folder / "graph.ir")
    return evaluate(model, folder, [rows[:, None, :]], command=command)[0].ravel()


@pytest.mark.parametrize("target", ["cortex-m4f", "cortex-m4", "cortex-m0", "avr"])
def test_labels_on_the_core(target: str, tmp_path: Path) -> None:
    """Digits under emulation: the labels are the library's."""
    x, _ = load("digits")
    model = fitted("linear_svc", "digits")
    coef, intercept = parameters(model)
    graph = Graph(64)
    graph.output(graph.linear(graph.x, coef, intercept, "label"))
    rows = np.concatenate([x[1257:1297], np.zeros((1, 64), np.float32), x[:3] * np.float32(1e-40)])
    label = labels_on_core(graph, tmp_path, rows, target)
    assert np.array_equal(model.classes_[label], model.predict(rows.astype(np.float64)))


@pytest.mark.parametrize("columns", [64, 61])
@pytest.mark.parametrize("kind", ["int16", "uint8"])
@pytest.mark.parametrize("target", ["cortex-m4f", "cortex-m0", "avr"])
def test_labels_of_integers_on_the_core(
    target: str, kind: str, columns: int, tmp_path: Path
) -> None:
    """Sums by 16-bit products, by SMLALD where there is one, and rows that are done again."""
    x, _ = load("digits")
    model = fitted("linear_svc", "digits")
    coef, intercept = parameters(model)
    graph = Graph(columns, kind)
    graph.output(graph.linear(graph.x, coef[:, :columns], intercept, "label"))
    rng = np.random.default_rng(0)
    limits = np.iinfo(kind)
    wild = rng.choice([limits.min, limits.max, 0, 7], (20, columns))
    rows = np.concatenate([x[1257:1297, :columns], np.zeros((1, columns)), wild]).astype(kind)
    label = labels_on_core(graph, tmp_path, rows, target, "--optimize", "speed")
    scores = rows.astype(np.float64) @ coef[:, :columns].T + intercept
    assert np.array_equal(label, scores.argmax(axis=1))
