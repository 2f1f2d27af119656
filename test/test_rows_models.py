# SPDX-License-Identifier: Apache-2.0
"""The row schedule's budgets on the reference models, and the memory that --max-ram allows.

The schedule is measured with the plain kernels in both orders. What the chosen kernels make of it is
bounded apart: their buffer, and their stack."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import numpy as np
import pytest

from support import evaluate, inspect, mica, need, random_inputs, reference_model, run

CORE = "cortex-m4"
COMPILER = ("arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", "--specs=picolibc.specs", "-std=c99")
STACK_MAX = 350
CHOSEN_STACK_MAX = 512
BUFFER_MAX = 1536
CODE_MAX = 1.15
# A kernel that one place calls, as the walk over rows does, is a part of that place at -Os, where
# registers are few.
INSTRUCTIONS_MAX = 1.07
SECONDS_MAX = 1.0

# Bytes of state on a Cortex-M4: with the input resident, and row by row (None: has no rows).
STATE_MAX = {
    "kws_dscnn_int8": (3900, 3550),
    "ic_resnet8_int8": (10500, 9400),
    "vww_mobilenet_int8": (30000, 11600),
    "ad_autoencoder_int8": (800, None),
}
FORMS = [
    (model, by_row)
    for model, limits in STATE_MAX.items()
    for by_row in (False, True)
    if limits[by_row] is not None
]


def options(by_row: bool, ways: str = "plain") -> list[str]:
    """Of the row schedule."""
    chosen = ["--ways", ways] if ways else []
    return ["--optimize", "ram", *["--by-row"] * by_row, *chosen]


def build(model: Path, folder: Path, name: str, *words: str) -> Path:
    """The object file of a model for a Cortex-M4, with one instance of its memory."""
    need(COMPILER[0])
    mica("compile", model, "-o", folder, "--name", name, "--target", CORE, *words)
    source, target = folder / f"{name}_memory.c", folder / f"{name}.o"
    kind = "struct" if f"struct {name}_state" in (folder / f"{name}.h").read_text() else "union"
    memory = "state" if kind == "struct" else "scratch"
    source.write_text(f'#include "{name}.c"\n{kind} {name}_{memory} memory;\n')
    run(*COMPILER, "-Os", "-c", source, "-o", target)
    return target


def symbol_bytes(target: Path, name: str) -> int:
    """The size of an object in a linkable file."""
    found = re.search(rf"^\w+ (\w+) . {name}$", run("arm-none-eabi-nm", "-S", target).stdout, re.M)
    assert found
    return int(found[1], 16)


def text_bytes(target: Path) -> int:
    """Code, without constants."""
    sections = run("arm-none-eabi-size", "-A", target).stdout
    return sum(int(size) for size in re.findall(r"^\.text\S*\s+(\d+)", sections, re.M))


@pytest.mark.parametrize("model,by_row", FORMS)
def test_state(tmp_path: Path, model: str, by_row: bool) -> None:
    """The linked state stays within its budget, and is what the header states."""
    target = build(reference_model(model), tmp_path, "m", *options(by_row))
    limit = STATE_MAX[model][by_row]
    stated = re.search(r"#define M_STATE_BYTES (\d+)", (tmp_path / "m.h").read_text())
    assert stated and limit and int(stated[1]) == symbol_bytes(target, "memory") <= limit


@pytest.mark.parametrize("model,by_row", FORMS)
def test_code(tmp_path: Path, model: str, by_row: bool) -> None:
    """Pushing rows costs little code."""
    path = reference_model(model)
    pushed = text_bytes(build(path, tmp_path, "m", *options(by_row)))
    whole = text_bytes(build(path, tmp_path, "w", "--optimize", "size", "--ways", "plain"))
    assert pushed <= CODE_MAX * whole, f"{pushed} bytes of code beside {whole}"


@pytest.mark.parametrize("model,by_row", FORMS)
def test_planning_time(model: str, by_row: bool) -> None:
    """The plan of a model is there within a second, of this process's own time."""
    path, seconds = reference_model(model), []
    for _ in range(3):
        start = time.perf_counter()
        mica("inspect", path, *options(by_row))
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < SECONDS_MAX


@pytest.mark.parametrize("model,by_row", FORMS)
def test_stack(tmp_path: Path, model: str, by_row: bool) -> None:
    """What an emulated core uses of its stack; its outputs are those of eval."""
    need("qemu-system-arm", COMPILER[0])
    path = reference_model(model)
    facts = inspect(path)["inputs"][0]
    values = random_inputs(facts["shape"], np.int8, 1)[0]
    np.save(tmp_path / "in.npy", values)
    words = ["--input", tmp_path / "in.npy", "--output", tmp_path / "out.npy"]
    said = mica("run", path, "--target", CORE, *options(by_row), *words).stdout
    found = re.search(r"^stack +(\d+) bytes", said, re.M)
    assert found and int(found[1]) <= STACK_MAX, said
    want = evaluate(path, tmp_path, [values], command=("eval", "--optimize", "size"))[0]
    assert np.load(tmp_path / "out.npy").tobytes() == want.tobytes()


@pytest.mark.parametrize("model,by_row", FORMS)
def test_instructions(model: str, by_row: bool) -> None:
    """Pushing rows costs few instructions beside the same kernels on whole tensors."""
    need("qemu-system-arm", COMPILER[0])
    path = reference_model(model)
    counts = []
    for words in (options(by_row), ["--optimize", "size", "--ways", "plain"]):
        said = mica("cost", path, "--target", CORE, "--json", *words).stdout
        counts.append(json.loads(said)[0]["total"]["instructions"])
    assert counts[0] <= INSTRUCTIONS_MAX * counts[1], f"{counts[0]} beside {counts[1]}"


@pytest.mark.parametrize("model,by_row", FORMS)
def test_chosen_kernels(tmp_path: Path, model: str, by_row: bool) -> None:
    """Fast kernels take a buffer of bounded size, and half of the instructions at most."""
    need("qemu-system-arm", COMPILER[0])
    path, words = reference_model(model), options(by_row, "")
    limit = STATE_MAX[model][by_row]
    build(path, tmp_path, "m", *words)
    stated = re.search(r"#define M_STATE_BYTES (\d+)", (tmp_path / "m.h").read_text())
    assert stated and limit and int(stated[1]) <= limit + BUFFER_MAX
    totals = []
    for ways in (words, options(by_row)):
        said = mica("cost", path, "--target", CORE, "--json", *ways).stdout
        totals.append(json.loads(said)[0]["total"])
    assert totals[0]["instructions"] * 2 <= totals[1]["instructions"]
    assert totals[0]["stack_bytes"] <= CHOSEN_STACK_MAX
    values = random_inputs(inspect(path)["inputs"][0]["shape"], np.int8, 1)[0]
    np.save(tmp_path / "in.npy", values)
    mica("run", path, "--target", CORE, *words, "--input", tmp_path / "in.npy", "--output",
         tmp_path / "out.npy")
    want = evaluate(path, tmp_path, [values], command=("eval", "--optimize", "size"))[0]
    assert np.load(tmp_path / "out.npy").tobytes() == want.tobytes()


# ---- --max-ram


def compiled(model: Path, folder: Path, bytes_max: int, *words: str) -> str:
    """The header that --max-ram gives."""
    limit = ["--max-ram", str(bytes_max)]
    mica("compile", model, "-o", folder, "--name", "m", *limit, *words)
    return (folder / "m.h").read_text()


def test_max_ram_takes_the_fastest_that_fits(tmp_path: Path) -> None:
    """Less memory never means fewer turns, and what is taken fits."""
    path = reference_model("ic_resnet8_int8")
    smallest = inspect(path, "--optimize", "ram")["schedule"]["state_bytes"]
    turns, states = [], []
    for limit in (smallest, 12_000, 16_000, 24_000, 40_000):
        header = compiled(path, tmp_path, limit)
        state = re.search(r"#define M_STATE_BYTES (\d+)", header)
        taken = re.search(r"at the peak, turn \d+ of (\d+)", header)
        assert state and taken and int(state[1]) <= limit
        turns.append(int(taken[1]))
        states.append(int(state[1]))
    assert turns == sorted(turns, reverse=True) and turns[0] > turns[-1]
    assert states[0] == smallest
    assert "M_SCRATCH_BYTES" in compiled(path, tmp_path, 60_000)
    assert "M_STATE_BYTES" in compiled(path, tmp_path, 60_000, "--by-row")


def test_max_ram_counts_inputs_and_outputs(tmp_path: Path) -> None:
    """Whole tensors take scratch, and the caller's arrays unless they are shared."""
    path = reference_model("kws_dscnn_int8")
    facts = inspect(path, "--separate-io")
    scratch = facts["total"]["scratch_bytes"]
    arrays = sum(tensor["bytes"] for tensor in facts["inputs"] + facts["outputs"])
    assert "M_SCRATCH_BYTES" in compiled(path, tmp_path, scratch + arrays)
    assert "M_STATE_BYTES" in compiled(path, tmp_path, scratch + arrays - 1)
    shared = inspect(path)["total"]["scratch_bytes"]
    assert "M_SCRATCH_BYTES" in compiled(path, tmp_path, shared, "--share-io")


def test_max_ram_says_what_stands_in_the_way(tmp_path: Path) -> None:
    """The message has the smallest size, the node at its peak, and the bytes that are missing."""
    path = reference_model("ic_resnet8_int8")
    facts = inspect(path, "--optimize", "ram")
    smallest, peak = facts["schedule"]["state_bytes"], facts["schedule"]["peak_turn"]
    step, row, _ = facts["schedule"]["turns"][peak]
    layer = facts["layers"][facts["schedule"]["steps"][step]]
    words = ("compile", path, "-o", tmp_path, "--name", "m", "--max-ram", str(smallest - 7))
    said = mica(*words, status=1).stderr
    assert said == (
        f"mica: {path}: node '{layer['name']}' ({layer['operator']}): the smallest memory, with "
        f"the input, is {smallest} bytes, 7 more than --max-ram {smallest - 7}; the most is alive "
        f"here, at row {row}\n"
    )
    assert not (tmp_path / "m.h").exists()
