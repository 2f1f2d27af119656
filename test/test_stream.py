# SPDX-License-Identifier: Apache-2.0
"""Streams over endless time: each output equals, bit for bit, that of the whole window."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest

from conformance.draw import Draw
from rows_graphs import Value
from stream_graphs import Streamable, StreamGraph, same_padding, stream_graph
from stream_program import Streamed, check_program, number, streamed, windows
from support import ALL, PORTABLE, evaluate, inspect, mica, need, reference_model, run

SANITIZED = ("gcc", *PORTABLE, "-O1", "-g", "-fsanitize=address,undefined")
SANITIZED += ("-fno-sanitize-recover=all",)
CORES = [
    ("cortex-m4", "arm-none-eabi-gcc", "qemu-system-arm"),
    ("avr", "avr-gcc", "simavr"),
]
BATCH = 25
BATCHES = 16 if ALL else 1


def varies(model: Streamed) -> bool:
    """The outputs of a model are not always the same."""
    return len(set(model.want[0])) > 1


@pytest.mark.parametrize("batch", range(BATCHES))
def test_random_graphs(batch: int, tmp_path: Path) -> None:
    """What a stream gives is what mica eval makes of the sliding window."""
    seeds = range(batch * BATCH, (batch + 1) * BATCH)
    models = [streamed(stream_graph(seed), tmp_path) for seed in seeds]
    assert sum(map(varies, models)) > 0.8 * len(models)
    check_program(models, tmp_path, *SANITIZED)
    if shutil.which("clang"):
        check_program(models, tmp_path, "clang", *PORTABLE, "-O2")


def graph_of(grower: Streamable, last: Value, name: str) -> StreamGraph:
    """What was grown, with one output."""
    packed = grower.model.main.packed
    packed.outputs = [last.index]
    given = next(iter(grower.inputs.values()))
    outputs = [packed.tensors[last.index].name]
    return StreamGraph(name, grower.model.pack(), given.shape, given.dtype, outputs)


def facts(model: StreamGraph, folder: Path) -> dict[str, Any]:
    """What `mica inspect` says of it as a stream."""
    path = folder / f"{model.name}.tflite"
    path.write_bytes(model.model)
    return inspect(path, "--stream", 1)["stream"]


PLAIN = {"padding": "VALID", "stride_h": 1, "stride_w": 1, "dilation_h": 1, "dilation_w": 1}


def conv(grower: Streamable, x: Value, rows: int, **options: Any) -> Value:
    """A convolution over `rows` of time that keeps the channels."""
    return grower.conv(x, channels=x.shape[3], kernel=(rows, 1), **(PLAIN | options))


Block = Callable[[Streamable, Value], Value]


def grown(name: str, *blocks: Block, dtype: Any = np.int8) -> StreamGraph:
    """A chain of blocks on 24 rows of 4 channels."""
    grower = Streamable(Draw(7), dtype)
    x = grower.source((1, 24, 1, 4))
    for block in blocks:
        x = block(grower, x)
    return graph_of(grower, x, name)


def three(grower: Streamable, x: Value) -> Value:
    """A window of three rows."""
    return conv(grower, x, 3)


def second(grower: Streamable, x: Value) -> Value:
    """A window of three rows at every second one."""
    return conv(grower, x, 3, stride_h=2)


def mean_of_time(grower: Streamable, x: Value) -> Value:
    """The mean of all rows."""
    out = grower.fresh((1, 1, 1, x.shape[3]))
    axes = grower.numbers([1, 2])
    grower.model.main.op("MEAN", [x.index, axes], [out.index], keep_dims=True)
    return out


STRUCTURES = {
    "slides": ((three, three), [], 1),
    "strides": ((second, three, second), [], 4),
    "last_row": ((lambda g, x: conv(g, x, 24, stride_h=24),), [], 1),
    "softmax": ((three, Streamable.softmax_over_time), [1], 1),
    "by_time": ((three, Streamable.by_time, three), [1], 1),
    "joined_constant": ((Streamable.constant_beside, three), [0], 1),
    "mean": ((three, mean_of_time), [1], 1),
    "dense": ((second, Streamable.flat_dense), [1], 2),
    "padded": ((three, Streamable.padded), [1], 1),
    "halves": ((Streamable.halves,), [0], 1),
    "copied": ((lambda g, x: g.reshape(x, (1, 12, 2, 4)),), [0], 1),
}


def test_whole_windows(tmp_path: Path) -> None:
    """What needs the whole window is named, is computed anew, and gives the same bits."""
    models = []
    for dtype, ending in ((np.int8, ""), (np.float32, "_f32")):
        for name, (blocks, anew, hop) in STRUCTURES.items():
            graph = grown(name + ending, *blocks, dtype=dtype)
            told = facts(graph, tmp_path)
            assert (told["anew"], told["hop"]) == (anew, hop), graph.name
            models.append(streamed(graph, tmp_path))
            header = (tmp_path / f"{graph.name}.h").read_text()
            assert header.count(" needs the whole window: it and what follows") == len(anew)
    assert all(map(varies, models))
    check_program(models, tmp_path, *SANITIZED)


def test_work_of_a_hop(tmp_path: Path) -> None:
    """Only new rows are computed; the input's ring holds what the first window needs."""
    told = facts(grown("slides", three, three), tmp_path)
    assert told["macs"] == 2 * 3 * 4 * 4
    kept = [(t["step"], t["kind"], t["depth"]) for t in told["tensors"] if t["kind"] != "hop"]
    assert kept == [(-1, "ring", 3), (0, "ring", 3), (1, "buffer", 20)]
    told = facts(grown("strides", second, three, second), tmp_path)
    # Two rows of the first, two of the second, one of the third.
    assert told["macs"] == 5 * 3 * 4 * 4 and told["first"] == 24


def test_inspect(tmp_path: Path) -> None:
    """What people are told: work, memory, and what needs the whole window."""
    graph = grown("told", second, mean_of_time)
    path = tmp_path / "told.tflite"
    path.write_bytes(graph.model)
    told = mica("inspect", path, "--stream", 1).stdout
    said = told[told.index("stream: ") :]
    assert said == (
        "stream: an output with every 2 rows, the first with row 24\n"
        "work: 48 multiply-accumulates an output; a whole window takes 528\n"
        "state: 76 bytes; rows take 72 (at most 72 are alive at once), slots and counts the rest\n"
        "kept from hop to hop:\n"
        "        16  ring of 4 rows of 4, 2 new with each hop: input\n"
        "        44  ring of 11 rows of 4, 1 new with each hop: conv2d 0\n"
        "mean 1 needs the whole window: it and what follows are computed anew with each hop\n"
    )


def test_profiles(tmp_path: Path) -> None:
    """The arithmetic of each profile; weights in a file of their own make no difference."""
    for profile in ("single", "litert"):
        folder = tmp_path / profile
        folder.mkdir()
        models = [streamed(stream_graph(seed), folder, profile=profile) for seed in range(30, 34)]
        check_program(models, folder, "gcc", *PORTABLE, "-O2")


def two_inputs() -> bytes:
    """The sum of two signals."""
    grower = Streamable(Draw(3), np.int8)
    both = grower.source((1, 9, 1, 2)), grower.source((1, 9, 1, 2))
    grower.model.main.packed.outputs = [grower.binary(*both).index]
    return grower.model.pack()


def unary_on(shape: tuple[int, ...]) -> bytes:
    """A function of each value."""
    grower = Streamable(Draw(3), np.int8)
    grower.model.main.packed.outputs = [grower.unary(grower.source(shape)).index]
    return grower.model.pack()


REFUSED = [
    (same_padding().pack(), 1, "node 't1' (conv2d): pads in time: its first and last rows change "
     "with every frame, so a stream would not give the window's output; train the model with "
     "padding 'valid' along time"),
    (unary_on((1, 9, 1, 2)), 2, "axis 2 of input 'in0' (int8 [1,9,1,2]) cannot be streamed: time "
     "must be axis 1 of an input [1, time, ...]; transpose it in the model"),
    (unary_on((1, 9)), 1, "input 'in0' (int8 [1,9]) cannot be streamed: time must be axis 1 of an "
     "input [1, time, ...]; begin the model with one that has at least 3 axes"),
    (unary_on((2, 9, 1, 2)), 1, "input 'in0' (int8 [2,9,1,2]) is a batch of 2; a stream has one: "
     "convert the model with a batch of 1"),
    (two_inputs(), 1, "a stream needs one input; this model has 2"),
]


@pytest.mark.parametrize("case", range(len(REFUSED)))
def test_refused(case: int, tmp_path: Path) -> None:
    """What cannot be streamed exactly is refused, with the node and the reason; no file is left."""
    model, axis, message = REFUSED[case]
    path = tmp_path / "model.tflite"
    path.write_bytes(model)
    words = ("compile", path, "-o", tmp_path / "out", "--stream", axis)
    assert mica(*words, status=1).stderr == f"mica: {path}: {message}\n"
    assert not (tmp_path / "out").exists()


def test_keywords_are_refused(tmp_path: Path) -> None:
    """The reference model that pads in time."""
    model = reference_model("kws_dscnn_int8")
    words = ("compile", model, "-o", tmp_path, "--stream", 1)
    assert "(conv2d): pads in time: its first and last rows" in mica(*words, status=1).stderr


# ---- the wake word ------------------------------------------------------------------------------


def wake_word() -> StreamGraph:
    """The reference model that was made for this."""
    model = reference_model("sww_dscnn1d_int8")
    return StreamGraph("sww", model.read_bytes(), (1, 30, 1, 40), np.int8, ["scores"])


def test_wake_word(tmp_path: Path) -> None:
    """Its bits, its memory, its work."""
    model = streamed(wake_word(), tmp_path)
    assert len(set(model.want[0])) > 10
    check_program([model], tmp_path, *SANITIZED)
    header = (tmp_path / "sww.h").read_text()
    assert number(header, "STATE_BYTES") <= 4100
    assert "   work       46040 multiply-accumulates a hop, in 10 steps\n" in header


@pytest.mark.parametrize(("core", "compiler", "emulator"), CORES)
def test_run(core: str, compiler: str, emulator: str, tmp_path: Path) -> None:
    """`mica run` pushes the frames on the core and compares with the windows."""
    need(compiler, emulator)
    graph = grown("cores", second, three, Streamable.by_time, Streamable.flat_dense)
    report_of(graph, core, tmp_path, 24 + 2 * 20, 21)


@pytest.mark.parametrize(("objective", "expanded"), [("size", 0), ("speed", 2 * 128)])
def test_budgets(objective: str, expanded: int, tmp_path: Path) -> None:
    """State and stack of the wake word on a small core. For speed, its widest vector is expanded
    to 16 bits."""
    need("arm-none-eabi-gcc", "qemu-system-arm")
    told = report_of(wake_word(), "cortex-m4", tmp_path, 60, 31, "--optimize", objective)
    state = re.search(r"^RAM +(\d+) bytes: state (\d+); inputs and outputs included$", told, re.M)
    assert state and state[1] == state[2] and int(state[2]) <= 4100 + expanded
    stack = re.search(r"^stack +(\d+) bytes$", told, re.M)
    assert stack and int(stack[1]) <= 350


def report_of(
    graph: StreamGraph, core: str, folder: Path, frames: int, outputs: int, *flags: str
) -> str:
    """What `mica run` says; what it writes are the outputs of eval and of eval --stream."""
    path, x = folder / f"{graph.name}.tflite", folder / "x.npy"
    path.write_bytes(graph.model)
    signal = graph.signal(frames, 5)
    np.save(x, signal)
    files = ("-i", x, "-o", folder / "y.npy")
    told = mica("run", path, "--stream", 1, "--target", core, *flags, *files).stdout
    hop = (frames - graph.shape[1]) // (outputs - 1)
    assert f"agreement  {outputs} of {outputs} outputs equal mica eval of their windows" in told
    stacked = windows(signal, graph.shape[1], hop)[:, None]
    want = evaluate(path, folder, [stacked])[0].reshape(outputs, -1)
    assert (np.load(folder / "y.npy").reshape(outputs, -1) == want).all()
    np.save(x, signal[None])
    mica("eval", path, "--stream", 1, "-i", x, "-o", folder / "z.npy")
    assert (np.load(folder / "z.npy").reshape(outputs, -1) == want).all()
    np.save(x, signal[: graph.shape[1] - 1])
    few = mica("eval", path, "--stream", 1, "-i", x, "-o", folder / "z.npy", status=1).stderr
    first = -(-graph.shape[1] // hop) * hop
    assert few == (
        f"mica: {x}: {graph.shape[1] - 1} frames; the first output comes with frame {first}\n"
    )
    return told


def test_no_division(tmp_path: Path) -> None:
    """Cores without a divider do not divide for the place of a row in a ring."""
    need("arm-none-eabi-gcc")
    graph = grown("rings", second, three, mean_of_time)
    streamed(graph, tmp_path, "--target", "cortex-m0")
    flags = ("-mcpu=cortex-m0", "-mthumb", "-Os", "-std=c99", "-S")
    run("arm-none-eabi-gcc", *flags, tmp_path / "rings.c", "-o", tmp_path / "rings.s")
    calls = re.findall(r"\tbl\t(\w+)", (tmp_path / "rings.s").read_text())
    assert "mica_conv2d_s8" in calls and not [name for name in calls if "mod" in name]
