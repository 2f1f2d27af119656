# SPDX-License-Identifier: Apache-2.0
"""The row schedule on random graphs: the same bits as whole tensors, in every form and in C."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from conformance.draw import Draw
from conformance.model import Model, Quant
from rows_graphs import Grower, RowsGraph, random_graph
from rows_program import FORMS, Pushed, check_program, push
from support import ALL, PORTABLE, evaluate, mica, need

GRAPHS, CHUNK = (3000, 100) if ALL else (150, 50)
C_GRAPHS, C_CHUNK = (400, 8) if ALL else (24, 6)
CORES = ("cortex-m4", "rv32imc", "cortex-m0")
CORE_GRAPHS = 20 if ALL else 2
SANITIZED = ("-O1", "-g0", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")


def results(graph: RowsGraph, model: Path, folder: Path, *options: str) -> list[np.ndarray]:
    """What `mica eval` makes of a graph."""
    return evaluate(model, folder, graph.inputs, graph.outputs, command=("eval", *options))


def forms(graph: RowsGraph) -> list[str]:
    """The forms that a graph can have."""
    return [form for form in FORMS if form != "row" or graph.can_push]


def write(graph: RowsGraph, folder: Path) -> Path:
    """The graph as a file."""
    model = folder / f"{graph.name}.tflite"
    model.write_bytes(graph.model)
    return model


@pytest.mark.parametrize("first", range(0, GRAPHS, CHUNK))
def test_rows_equal_whole_tensors(tmp_path: Path, first: int) -> None:
    """Every form of the row schedule gives the bits of whole tensors."""
    for seed in range(first, first + CHUNK):
        graph = random_graph(seed)
        model = write(graph, tmp_path)
        want = results(graph, model, tmp_path, "--optimize", "size")
        for form in forms(graph):
            got = results(graph, model, tmp_path, "--optimize", "ram", *FORMS[form])
            for a, b in zip(got, want, strict=True):
                assert a.tobytes() == b.tobytes(), f"graph {seed}, form {form}"


@pytest.mark.parametrize("first", range(0, C_GRAPHS, C_CHUNK))
def test_generated_rows(tmp_path: Path, first: int) -> None:
    """The generated C gives the same bits, takes the planned turns, and stays in its state."""
    need("gcc")
    models: list[Pushed] = []
    for seed in range(first, first + C_CHUNK):
        graph = random_graph(10_000 + seed)
        model = write(graph, tmp_path)
        want = results(graph, model, tmp_path, "--optimize", "size")
        fitting = forms(graph)
        for form in fitting if ALL else [fitting[seed % len(fitting)]]:
            models.append(push(graph, model, form, want, tmp_path))
    check_program(models, tmp_path, "gcc", *PORTABLE, *SANITIZED)


@pytest.mark.parametrize("seed", range(CORE_GRAPHS))
def test_rows_on_cores(tmp_path: Path, seed: int) -> None:
    """An emulated core gives the bits of eval; `mica run` compares them."""
    need("qemu-system-arm", "qemu-system-riscv32", "arm-none-eabi-gcc", "riscv64-unknown-elf-gcc")
    graph = random_graph(20_000 + seed)
    form = forms(graph)[seed % len(forms(graph))]
    words = ("run", "--target", CORES[seed % len(CORES)], "--optimize", "ram", *FORMS[form])
    model = write(graph, tmp_path)
    got = evaluate(model, tmp_path, graph.inputs, graph.outputs, command=words)
    want = results(graph, model, tmp_path, "--optimize", "size")
    if all(tensor.dtype == np.int8 for tensor in want):
        assert [t.tobytes() for t in got] == [t.tobytes() for t in want]


# ---- what is refused


def chain(folder: Path, steps: int, rows: int = 4) -> Path:
    """A long chain of one operator."""
    grower = Grower(Draw(1), np.int8)
    x = grower.source((1, rows, 1, 1))
    for _ in range(steps):
        out = grower.fresh(x.shape, Quant(1 / 128, 0))
        grower.model.main.op("TANH", [x.index], [out.index])
        x = out
    grower.model.main.packed.outputs = [x.index]
    path = folder / "chain.tflite"
    path.write_bytes(grower.model.pack())
    return path


def refusal(model: Path, *options: str) -> str:
    """The message after the file's name."""
    said = mica("inspect", model, "--optimize", "ram", *options, status=1).stderr
    start = f"mica: {model}: "
    assert said.startswith(start)
    return said[len(start) :].rstrip("\n")


def test_too_many_steps(tmp_path: Path) -> None:
    """Operators and inputs are numbered by a byte on the device."""
    mica("inspect", chain(tmp_path, 254), "--optimize", "ram")
    assert refusal(chain(tmp_path, 255)) == (
        "256 steps and inputs; rows are pushed through at most 255: use --optimize size"
    )


def test_too_many_rows(tmp_path: Path) -> None:
    """Rows are numbered by 16 bits with a sign."""
    mica("inspect", chain(tmp_path, 1, 32767), "--optimize", "ram")
    assert refusal(chain(tmp_path, 1, 32768)) == (
        "node 't1' (tanh): 32768 rows, stride 1; rows are pushed up to 32767 of them and strides "
        "of 255: use --optimize size"
    )
    assert refusal(chain(tmp_path, 2, 32767)) == (
        "the tensors have 98301 rows together; at most 65535 are pushed: use --optimize size"
    )


def test_by_row_needs_one_input_of_rows(tmp_path: Path) -> None:
    """Nobody could say which input a row belongs to."""
    grower = Grower(Draw(1), np.int8)
    total = grower.binary(grower.source((1, 4, 1, 2)), grower.source((1, 4, 1, 2)))
    grower.model.main.packed.outputs = [total.index]
    path = tmp_path / "two.tflite"
    path.write_bytes(grower.model.pack())
    message = (
        "an input row by row needs a model with one input of several rows; this one has %s, "
        "the first int8 %s"
    )
    assert refusal(path, "--by-row") == message % ("2 inputs", "[1,4,1,2]")
    assert refusal(chain(tmp_path, 1, 1), "--by-row") == message % ("1 inputs", "[1,1,1,1]")


def test_rows_beyond_16_bits(tmp_path: Path) -> None:
    """A row's place is an element number of 16 bits."""
    model = Model()
    quant = Quant(0.1, 0)
    source = model.main.input("x", (1, 4, 200, 200), np.int8, quant)
    values = [source]
    for k in range(3):
        out = model.main.tensor(f"y{k}", (1, 4, 200, 200), np.int8, quant)
        weights = model.main.const("w", np.ones((1, 3, 3, 200)), Quant(0.01, 0, 3), np.int8)
        options = {"padding": "SAME", "stride_w": 1, "stride_h": 1, "depth_multiplier": 1}
        model.main.op("DEPTHWISE_CONV_2D", [values[-1], weights], [out], **options)
        values.append(out)
    model.main.packed.outputs = [values[-1]]
    path = tmp_path / "wide.tflite"
    path.write_bytes(model.pack())
    assert refusal(path) == "rows lie beyond element 65535 of the memory: use --optimize size"
