# SPDX-License-Identifier: Apache-2.0
"""The command line: help, exit status, messages, arrays in and out, the text form."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.model import Model
from small_models import doubled, two_ends
from support import PORTABLE, REPOSITORY, evaluate, inspect, mica, need, reference_model, run

COMMANDS = ("compile", "inspect", "eval", "run", "dump", "targets", "operators")
COLUMNS_MAX = 100


def commands() -> list[str]:
    """The commands that the front page lists."""
    return re.findall(r"^  (\w+) {2,}\S", mica("--help").stdout, re.M)


def passes() -> list[str]:
    """The passes that `mica dump --help` lists."""
    page = mica("dump", "--help").stdout
    listed = re.search(r"--after PASS +(\w+) \(default\), then.*:\n((?: {8,}.*\n)+)", page)
    assert listed
    return [listed[1], *listed[2].split()]


def listing(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, with its contents."""
    return {str(path.relative_to(folder)): path.read_bytes()
            for path in folder.rglob("*") if path.is_file()}


def test_front_page() -> None:
    """Without a command: the page on stderr and status 2; asked for it: on stdout and 0."""
    page = mica("--help").stdout
    assert set(COMMANDS) <= set(commands())
    for asked in ("-h", "help"):
        assert mica(asked).stdout == page
    wrong = mica(status=2)
    assert (wrong.stdout, wrong.stderr) == ("", page)
    assert re.fullmatch(r"mica \d+\.\d+\.\d+\n", mica("--version").stdout)


def test_help() -> None:
    """Each page says how it is used and what the exit status means, on narrow terminals too."""
    for command in commands():
        done = mica(command, "--help")
        assert done.stdout.startswith(f"usage: mica {command}")
        assert "Exit status: 0" in done.stdout and done.stderr == ""
        assert max(map(len, done.stdout.splitlines())) <= COLUMNS_MAX
        assert mica(command, "-h").stdout == done.stdout
        assert mica(command, "--no-such-flag", "--help", status=2).stderr.endswith(
            f"there is no flag --no-such-flag\nTry: mica {command} --help\n"
        )


WRONG_USE = {
    "compile": "which model?",
    "compile one two": "'one' and 'two': several models share a --library NAME",
    "compile one --name": "--name needs a value",
    "compile one --share-io=1": "--share-io=1 takes no value",
    "compile one --frobnicate": "there is no flag --frobnicate",
    "compile one --profile exact": "--profile exact: choose tflm, single or litert",
    "inspect": "which model?",
    "inspect one --target avr": "there is no flag --target",
    "dump one --after lunch": "there is no pass 'lunch'",
    "eval one --input x.npy": "where to write? --output Y.npy",
    "targets one": "'one' is one word too many",
    "operators one": "'one' is one word too many",
}


@pytest.mark.parametrize("words", WRONG_USE)
def test_wrong_use(words: str, tmp_path: Path) -> None:
    """Wrong use is status 2, one line that says what, and where to read more."""
    command = words.split()[0]
    done = mica(*words.split(), status=2, cwd=tmp_path)
    want = f"mica {command}: {WRONG_USE[words]}\nTry: mica {command} --help\n"
    assert (done.stdout, done.stderr) == ("", want)
    assert listing(tmp_path) == {}


def test_unknown_command_and_core(tmp_path: Path) -> None:
    """What is not there, and for a core what is."""
    done = mica("frobnicate", status=2)
    assert done.stderr == "mica: there is no command 'frobnicate'\nTry: mica --help\n"
    model = doubled(tmp_path)
    cores = re.findall(r"^([a-z]\S+)", mica("targets").stdout, re.M)
    for command in ("compile", "run"):
        done = mica(command, model, "--target", "z80", status=2)
        told = f"mica {command}: unknown core: z80 (there are: {' '.join(cores)})\n"
        assert done.stderr == told + f"Try: mica {command} --help\n"


@pytest.mark.parametrize("value", ["fast", "", "SIZE"])
def test_unknown_optimization(value: str) -> None:
    """The choices are those of the help page."""
    done = mica("compile", "one", "--optimize", value, status=2)
    assert done.stderr.startswith(f"mica compile: --optimize {value}: choose speed")


def test_refused_files(tmp_path: Path) -> None:
    """A file that is missing, empty, cut off or something else: status 1, nothing written."""
    whole = doubled(tmp_path).read_bytes()
    (tmp_path / "empty.tflite").write_bytes(b"")
    (tmp_path / "text.tflite").write_text("a letter to a friend, not a model")
    (tmp_path / "cut.tflite").write_bytes(whole[: len(whole) // 2])
    before = listing(tmp_path)
    wanted = {
        "gone.tflite": "No such file or directory",
        "empty.tflite": "this is no model that Mica reads",
        "text.tflite": "this is no model that Mica reads",
        "cut.tflite": "the file is damaged or cut off: ",
        ".": "Is a directory",
    }
    for command in ("compile", "inspect", "dump"):
        for name, message in wanted.items():
            out = ("-o", "out") if command == "compile" else ()
            done = mica(command, name, *out, status=1, cwd=tmp_path)
            assert done.stdout == "" and done.stderr.startswith(f"mica: {name}: {message}")
            assert len(done.stderr.splitlines()) == 1
    assert listing(tmp_path) == before and not (tmp_path / "out").exists()


def test_every_cut_of_a_file(tmp_path: Path) -> None:
    """Cut anywhere, a model is refused or, if nothing needed is lost, compiled; never a crash."""
    whole = doubled(tmp_path).read_bytes()
    for size in range(0, len(whole), 7):
        (tmp_path / "cut.tflite").write_bytes(whole[:size])
        done = mica("inspect", tmp_path / "cut.tflite", status=None)
        assert done.returncode in (0, 1), f"cut to {size} bytes: {done.returncode}"
        assert (done.returncode == 0) == (done.stderr == "")


@pytest.mark.parametrize("flag", ("--by-row", "--keep-input"))
def test_rows_where_there_are_none(flag: str, tmp_path: Path) -> None:
    """What only rows have is refused where tensors are whole, and nothing is written."""
    model = REPOSITORY / "examples" / "digits" / "digits.tflite"
    done = mica("compile", model, flag, "-o", tmp_path / "out", status=1)
    assert f"{flag} is a matter of rows" in done.stderr and "--optimize ram" in done.stderr
    assert not (tmp_path / "out").exists()


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    """The message names the place; nothing is left half written."""
    model = doubled(tmp_path).name
    np.save(tmp_path / "x.npy", np.zeros((1, 3), np.float32))
    (tmp_path / "file").write_text("in the way")
    before = listing(tmp_path)
    ask = ("eval", model, "--input", "x.npy", "--output")
    cases: dict[str, tuple[Any, ...]] = {
        "no/folder: No such file or directory": ("compile", model, "-o", "no/folder"),
        "file/m.h: Not a directory; nothing was written":
            ("compile", model, "-o", "file", "--name", "m"),
        "no/y.npy: No such file or directory": (*ask, "no/y.npy"),
    }
    for message, words in cases.items():
        assert mica(*words, status=1, cwd=tmp_path).stderr == f"mica: {message}\n"
    done = mica("compile", model, "--name", "9lives", status=1, cwd=tmp_path)
    assert done.stderr == (f"mica: {model}: the name '9lives' is no C identifier: use letters, "
                           "digits and _, and start with a letter\n")
    assert listing(tmp_path) == before


def test_names_of_files(tmp_path: Path) -> None:
    """Names come from the file's, as a C identifier; the folder is made."""
    model = doubled(tmp_path)
    odd = model.rename(tmp_path / "2-net.v1.tflite")
    mica("compile", odd, "-o", "out", cwd=tmp_path)
    assert sorted(listing(tmp_path / "out")) == ["m2_net_v1.c", "m2_net_v1.h"]
    mica("compile", odd, "--name", "net", "--split-weights", cwd=tmp_path)
    made = {path.name for path in tmp_path.iterdir() if path.suffix != ".tflite"}
    assert made == {"net.c", "net.h", "net_weights.c", "out"}


@pytest.mark.parametrize("dim, given, result", [
    ((1, 3), (1, 3), (1, 3)),
    ((1, 3), (5, 1, 3), (5, 1, 3)),
    ((1, 3), (5, 3), (5, 3)),
    ((1, 3), (1, 1, 3), (1, 1, 3)),
    ((2, 3), (2, 3), (2, 3)),
    ((2, 3), (4, 2, 3), (4, 2, 3)),
    ((3,), (3,), (3,)),
    ((3,), (1, 3), (1, 3)),
    ((), (), ()),
    ((), (7,), (7,)),
])
def test_axis_of_inferences(
    dim: tuple[int, ...], given: tuple[int, ...], result: tuple[int, ...], tmp_path: Path
) -> None:
    """(N, *shape) and, for a leading 1, (N, *rest) run N inferences."""
    model = doubled(tmp_path, dim)
    x = np.random.default_rng(1).standard_normal(given).astype(np.float32)
    (y,) = evaluate(model, tmp_path, [x])
    assert y.shape == result
    np.testing.assert_array_equal(y, (x + x).reshape(result))


@pytest.mark.parametrize("array, said", [
    (np.zeros((1, 4), np.float32), "float32 [1,4]"),
    (np.zeros(3, np.float32), "float32 [3]"),
    (np.zeros((2, 2, 1, 3), np.float32), "float32 [2,2,1,3]"),
    (np.zeros((1, 3), np.int8), "int8 [1,3]"),
    (np.zeros((1, 3), np.float16), "float16 [1,3]"),
])
def test_wrong_arrays(array: np.ndarray, said: str, tmp_path: Path) -> None:
    """Shape and type of the array, and what the input takes."""
    model = doubled(tmp_path).name
    np.save(tmp_path / "x.npy", array)
    before = listing(tmp_path)
    words = (model, "--input", "x.npy", "--output", "y.npy")
    want = (f"mica: x.npy: the array is {said}; 'x' takes float32 [1,3], or one more axis of N in "
            "front for N inferences\n")
    for command in ("eval", "run"):
        assert mica(command, *words, status=1, cwd=tmp_path).stderr == want
    np.save(tmp_path / "x.npy", np.zeros((0, 1, 3), np.float32))
    before["x.npy"] = (tmp_path / "x.npy").read_bytes()
    done = mica("eval", *words, status=1, cwd=tmp_path)
    assert done.stderr == "mica: x.npy: the array has no elements\n"
    assert listing(tmp_path) == before


def test_several_inputs_and_outputs(tmp_path: Path) -> None:
    """By the names of the model or of the C file, in any order, and what is said otherwise."""
    model, (first, second) = two_ends(tmp_path)
    inputs = {"first/image:0": first, "second*/": second}
    names = [tensor["name"] for tensor in inspect(model)["outputs"]]
    assert names == ["1 sum", "joined", "flat", "last/dense"]
    all_at_once = evaluate(model, tmp_path, inputs, names)
    backwards = evaluate(model, tmp_path, dict(reversed(inputs.items())), names[::-1])
    in_c = evaluate(model, tmp_path, {"in_image": first, "in_second__": second}, ["out_dense"])
    for one, other in zip(all_at_once, reversed(backwards)):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(in_c[0], all_at_once[3])
    one = [evaluate(model, tmp_path, {n: v[2] for n, v in inputs.items()}, [name])[0]
           for name in names]
    for single, many in zip(one, all_at_once):
        np.testing.assert_array_equal(single, many[2])
    check_messages(model, tmp_path)


def check_messages(model: Path, folder: Path) -> None:
    """What is said of inputs that are missing, unknown, given twice or of unequal number."""
    a, b, y = folder / "in0.npy", folder / "in1.npy", folder / "y.npy"
    np.save(a, np.zeros((2, 1, 6, 5, 4), np.int8))
    np.save(b, np.zeros((3, 1, 1, 1, 4), np.int8))
    both = (f"--input=first/image:0={a}", f"--input=second*/={b}")
    cases = [
        (2, (f"--input={a}",), f"mica eval: the model has 2 of them: --input NAME={a}"),
        (2, both[:1], "mica eval: input 'second*/' (int8) is not given: --input second*/=X.npy"),
        (2, both[:1] * 2, "mica eval: --input: 'first/image:0' is given twice"),
        (2, (*both, f"--input=third={a}"),
         f"mica eval: --input third={a}: the model has no 'third'; see mica inspect"),
        (1, both, f"mica: {b}: 3 inferences, but the inputs before it have 2"),
    ]
    for status, words, message in cases:
        done = mica("eval", model, *words, f"--output=flat={y}", status=status)
        assert done.stderr.splitlines()[0] == message
    done = mica("eval", model, *both, f"--output=flat2={y}", status=2)
    assert done.stderr.splitlines()[0] == (
        f"mica eval: --output flat2={y}: the model has no 'flat2'; see mica inspect")
    assert not y.exists()


def check_passes(model: Path, folder: Path, inputs: dict[str, np.ndarray], output: str) -> None:
    """After every pass, the text form reads back, prints the same and computes the same."""
    want = evaluate(model, folder, inputs, [output])[0]
    for name in passes():
        text = mica("dump", model, "--after", name).stdout
        assert text.startswith("mica-ir 1\n")
        file = folder / f"{name}.ir"
        file.write_text(text)
        assert mica("dump", file).stdout == text, name
        got = evaluate(file, folder, inputs, [output])[0]
        np.testing.assert_array_equal(got, want, name)


def test_dump_after_each_pass(tmp_path: Path) -> None:
    """A model with fusing and views, and the default is the first pass."""
    model, (first, second) = two_ends(tmp_path)
    check_passes(model, tmp_path, {"first/image:0": first, "second*/": second}, "joined")
    assert passes()[0] == "read"
    assert mica("dump", model).stdout == mica("dump", model, "--after", "read").stdout


def test_dump_of_a_reference_model(tmp_path: Path) -> None:
    """The same for a real model."""
    model = reference_model("kws_dscnn_int8")
    x = np.random.default_rng(2).integers(-128, 128, (3, 1, 49, 10, 1), dtype=np.int8)
    check_passes(model, tmp_path, {"input_1": x}, "Identity")


def test_no_colours_in_a_pipe(tmp_path: Path) -> None:
    """What is written to a pipe is plain text, whatever the terminal is said to be."""
    model = doubled(tmp_path)
    env = os.environ | {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    calls: list[tuple[Any, ...]] = [(command, "--help") for command in commands()]
    calls += [("inspect", model), ("dump", model), ("targets",), ("inspect", "gone"), ("frob",)]
    for words in calls:
        done = mica(*words, status=None, env=env)
        assert "\x1b" not in done.stdout + done.stderr
        assert (done.stdout + done.stderr).endswith("\n")


def test_inspect(tmp_path: Path) -> None:
    """The text has every layer and one peak; the JSON says the same."""
    model, _ = two_ends(tmp_path)
    text, facts = mica("inspect", model).stdout, inspect(model)
    for layer in facts["layers"]:
        row = rf"^ *{layer['step']} +{layer['operator']} .*  {layer['name']}$"
        assert re.search(row, text, re.M)
    assert text.count("<- peak") == 1
    total = facts["total"]
    assert total["macs"] == 6 * 5 * 3 * 9 * 4 + 90 * 5 == sum(l["macs"] for l in facts["layers"])
    assert max(layer["live_bytes"] for layer in facts["layers"]) == total["scratch_lower_bound"]
    apart = inspect(model, "--separate-io")["total"]
    assert apart["scratch_bytes"] < total["scratch_bytes"]


def test_names_in_json(tmp_path: Path) -> None:
    """Quotes, backslashes and letters of any script survive, and a comment does not end early."""
    name = 'a "quoted" \\ name with é and */ in it'
    model = Model()
    source = model.main.input(name, (1, 2), np.float32)
    model.main.op("RELU", [source], [model.main.output("y", (1, 2), np.float32)])
    path = tmp_path / "named.tflite"
    path.write_bytes(model.pack())
    assert inspect(path)["inputs"][0]["name"] == name
    mica("compile", path, "-o", tmp_path)
    need("gcc")
    run("gcc", *PORTABLE, "-c", tmp_path / "named.c", "-o", tmp_path / "named.o")


def test_run_on_this_machine(tmp_path: Path) -> None:
    """`mica run` agrees with eval, and says what the model takes."""
    need("cc")
    model, (first, second) = two_ends(tmp_path)
    inputs = {"first/image:0": first, "second*/": second}
    want = evaluate(model, tmp_path, inputs, ["joined"])
    got = evaluate(model, tmp_path, inputs, ["joined"], command=["run"])
    np.testing.assert_array_equal(got[0], want[0])
    words = [f"--input={name}={tmp_path}/in{k}.npy" for k, name in enumerate(inputs)]
    told = mica("run", model, *words).stdout
    assert "agreement  4 of 4 inferences equal mica eval bit for bit\n" in told
    assert told.startswith("core       host: ")
    for line in ("flash", "RAM", "stack"):
        assert re.search(rf"^{line} +\d+ bytes", told, re.M)


def test_run_without_a_compiler(tmp_path: Path) -> None:
    """A tool that is missing is named, with the package that has it; compiling needs none."""
    model = doubled(tmp_path)
    np.save(tmp_path / "x.npy", np.zeros((1, 3), np.float32))
    empty = {"PATH": str(tmp_path)}
    words = ("run", model, "--target", "cortex-m4", "--input", tmp_path / "x.npy")
    done = mica(*words, status=1, env=empty)
    assert "arm-none-eabi-gcc" in done.stderr and "gcc-arm-none-eabi" in done.stderr
    assert "arm-none-eabi-gcc (missing)" in mica("targets", env=empty).stdout
    mica("compile", model, "-o", tmp_path, "--target", "cortex-m4", env=empty)
