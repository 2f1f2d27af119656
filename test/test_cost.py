# SPDX-License-Identifier: Apache-2.0
"""mica cost: sums, repetition, bytes against the linked file, budgets, forms of output."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from support import ALL, REPOSITORY, mica, need, reference_model, run

DIGITS = REPOSITORY / "examples/digits/digits.tflite"
CLASSES = re.findall(
    r"^CLASS\((\w+)\)", (REPOSITORY / "src/measure/count/classes.def").read_text(), re.MULTILINE
)
TOTALS = (
    "instructions cycles macs code_bytes weight_bytes table_bytes scratch_bytes state_bytes "
    "io_bytes stack_bytes"
).split()
QUICK = ("cortex-m0", "cortex-m4", "rv32imc", "avr")
ARM = ("cortex-m0", "cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m4f", "cortex-m7",
       "cortex-m33", "cortex-m55")
CORES = (*ARM, "rv32imc", "avr") if ALL else QUICK
OBJECTIVES = ("speed", "size", "ram")
TOOLS = {
    "rv32imc": ("riscv64-unknown-elf-gcc", "qemu-system-riscv32"),
    "avr": ("avr-gcc", "simavr"),
    "host": ("cc",),
}


def need_core(*cores: str) -> None:
    """Skips by name where a compiler or emulator is not installed."""
    for core in cores:
        need(*TOOLS.get(core, ("arm-none-eabi-gcc", "qemu-system-arm")))


def cost(model: Path, core: str, objectives: str = "speed", *words: Any) -> list[dict[str, Any]]:
    """What `mica cost --json` says."""
    done = mica("cost", model, "--target", core, "--optimize", objectives, "--json", *words)
    return json.loads(done.stdout)


@pytest.mark.parametrize("core", CORES)
def test_layers_add_up(core: str) -> None:
    """Totals are sums, classes add up, marks cost nothing, the stack stays below its bound."""
    need_core(core)
    for entry in cost(DIGITS, core, ",".join(OBJECTIVES)):
        total, layers = entry["total"], entry["layers"]
        assert set(TOTALS) <= set(total)
        for key in ("cycles", "macs", "instructions"):
            assert total[key] == (
                None if core == "avr" and key == "instructions" else sum(x[key] for x in layers)
            )
        assert sum(x["weight_bytes"] for x in layers) == total["weight_bytes"]
        assert total["flash_bytes"] == (
            total["code_bytes"] + total["weight_bytes"] + total["table_bytes"]
        )
        assert 0 < total["stack_bytes"] <= total["stack_bound_bytes"]
        for part in (*layers, total) if core != "avr" else ():
            assert sum(part["counts"].get(name, 0) for name in CLASSES) == part["instructions"]
        if core != "avr":
            # Of rows each turn has a mark, and a mark may move a few instructions around a call.
            marks = sum(layer["out_shape"][1] for layer in layers)
            few = max(8 * len(layers), total["instructions"] // 500)
            assert abs(total["mark_overhead"]) <= (5 * marks if entry["optimize"] == "ram" else few)


@pytest.mark.parametrize("core", ["cortex-m4", "avr"])
def test_two_runs_agree(core: str) -> None:
    """The same command gives the same figures."""
    need_core(core)
    assert cost(DIGITS, core) == cost(DIGITS, core)


def linked_bytes(folder: Path, core: str, optimize: str) -> int:
    """Flash of the model and what it calls, linked by hand and weighed by `size`."""
    facts = dict(
        (part.strip() for part in line.split("=", 1))
        for line in (REPOSITORY / f"target/{core}.target").read_text().splitlines()
        if "=" in line
    )
    flags = facts["compile-flags"].split()
    level = "-O2" if optimize == "speed" else "-Os"
    compiler = facts["compiler"]
    mica("compile", DIGITS, "-o", folder, "--name", "model", "--target", core,
         "--optimize", optimize)
    source, program = folder / "model.c", folder / "model.elf"
    run(compiler, *flags, "-std=c99", level, "-c", source, "-o", folder / "model.o")
    memory = [f"-Wl,--defsym=__{name}={value}" for name, value in (
        ("flash", facts["flash"].split()[0]), ("flash_size", facts["flash"].split()[1]),
        ("ram", facts["ram"].split()[0]), ("ram_size", facts["ram"].split()[1]),
        ("stack_size", "4096"))]
    run(compiler, *flags, folder / "model.o", "-nostartfiles", "-Wl,--entry=model_run",
        "-Wl,--gc-sections", "-o", program, *memory, *facts["link-flags"].split())
    listed = run(compiler.replace("-gcc", "-size"), "-A", program).stdout
    wanted = (".init", ".text", ".rodata", ".data", ".preserve", ".copy_table")
    return sum(
        int(line.split()[1]) for line in listed.splitlines()
        if line.split() and line.split()[0] in wanted
    )


@pytest.mark.parametrize("core", [core for core in CORES if core != "avr"])
@pytest.mark.parametrize("optimize", ["speed", "size"])
def test_flash_is_what_is_linked(tmp_path: Path, core: str, optimize: str) -> None:
    """To the byte."""
    need_core(core)
    total = cost(DIGITS, core, optimize)[0]["total"]
    assert total["flash_bytes"] == linked_bytes(tmp_path, core, optimize)
    if optimize == "size":  # for speed, kernels of some cores keep weights in a form of their own
        assert total["weight_bytes"] == 108 + 48 + 108 + 48 + 144 + 48 + 1920 + 40


def test_forms(tmp_path: Path) -> None:
    """Text and Markdown name every layer and core; a clock adds milliseconds."""
    need_core("cortex-m0", "cortex-m4")
    words = ("cost", DIGITS, "--target", "cortex-m0,cortex-m4", "--optimize", "speed,size",
             "--mhz", "100")
    text = mica(*words).stdout
    markdown = mica(*words, "--markdown").stdout
    entries = cost(DIGITS, "cortex-m0,cortex-m4", "speed,size")
    assert [(e["target"], e["optimize"]) for e in entries] == [
        ("cortex-m0", "speed"), ("cortex-m0", "size"),
        ("cortex-m4", "speed"), ("cortex-m4", "size"),
    ]
    for entry in entries:
        cycles = entry["total"]["cycles"]
        for output in (text, markdown):
            assert str(cycles) in output
            assert f"{cycles / 100e3:.3f}" in output
            assert all(layer["name"][:60] in output for layer in entry["layers"])
    tables = [line for line in markdown.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in tables)
    heads = [line.count("|") for line in tables]
    assert set(heads) == {11, 15}


def test_host_gives_time() -> None:
    """No instructions and no cycles, but nanoseconds by layer."""
    need_core("host")
    entry = cost(DIGITS, "host")[0]
    assert entry["cycles_are"] == "time"
    assert entry["total"]["instructions"] is None and entry["total"]["cycles"] is None
    assert entry["total"]["nanoseconds"] == sum(x["nanoseconds"] for x in entry["layers"]) > 0


@pytest.mark.parametrize(
    ("flag", "unit", "key"),
    [("--max-flash", "bytes of flash", "flash_bytes"), ("--max-cycles", "cycles", "cycles")],
)
def test_budget(tmp_path: Path, flag: str, unit: str, key: str) -> None:
    """What fits is written; one less than it takes is refused, and nothing is left behind."""
    need_core("cortex-m4")
    entry = cost(DIGITS, "cortex-m4")[0]
    takes = entry["total"][key]
    shares = [
        layer["cycles"] if key == "cycles" else layer["weight_bytes"] + layer["table_bytes"]
        for layer in entry["layers"]
    ]
    words = ("compile", DIGITS, "-o", tmp_path / "out", "--name", "model", "--target", "cortex-m4")
    done = mica(*words, flag, takes - 1, status=1)
    assert not (tmp_path / "out").exists()
    assert f"takes {takes} {unit}, {flag} allows {takes - 1}: 1 too many" in done.stderr
    shown = re.findall(r"^ +(\d+)  .* of step \d+, \w+ \"digits/", done.stderr, re.MULTILINE)
    assert [int(share) for share in shown] == sorted(filter(None, shares), reverse=True)
    mica(*words, flag, takes)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["model.c", "model.h"]


def test_budget_of_ram(tmp_path: Path) -> None:
    """RAM is scratch, inputs, outputs and the bound of the stack."""
    need_core("cortex-m4")
    total = cost(DIGITS, "cortex-m4")[0]["total"]
    takes = total["scratch_bytes"] + total["io_bytes"] + total["stack_bound_bytes"]
    words = ("compile", DIGITS, "-o", tmp_path / "out", "--target", "cortex-m4", "--max-ram")
    done = mica(*words, takes - 1, status=1)
    assert f"takes {takes} bytes of RAM" in done.stderr
    assert f"{total['scratch_bytes']}  scratch" in done.stderr
    mica(*words, takes)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("cost", DIGITS, "--target", "z80"), "unknown core: z80"),
        (("cost", DIGITS, "--target", ""), "which core?"),
        (("cost", DIGITS, "--target", "avr,,avr"), "cores with commas"),
        (("cost", DIGITS, "--optimize", "fast"), "--optimize: speed, balanced, size or ram"),
        (("cost", DIGITS, "--mhz", "fast"), "--mhz fast: a number of megahertz"),
        (("cost", DIGITS, "--wait-states", "-1"), "--wait-states -1: a number of cycles"),
        (("compile", DIGITS, "--max-flash", "1k"), "--max-flash 1k: a whole number above 0"),
        (("compile", DIGITS, "--max-cycles", "100"), "a budget needs a core"),
    ],
)
def test_wrong_use(words: tuple[Any, ...], said: str, tmp_path: Path) -> None:
    """Status 2 and one line that says what is wrong."""
    done = mica(*words, status=2, cwd=tmp_path)
    assert said in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["kws_dscnn_int8", "ad_autoencoder_int8"])
def test_reference_models(name: str) -> None:
    """The sums hold for real models, too, and all their weights are found."""
    need_core("cortex-m4")
    entry = cost(reference_model(name), "cortex-m4")[0]
    total = entry["total"]
    assert total["instructions"] == sum(x["instructions"] for x in entry["layers"])
    assert abs(total["mark_overhead"]) <= 16 * len(entry["layers"])
    assert total["weight_bytes"] == sum(x["weight_bytes"] for x in entry["layers"])
    assert total["weight_bytes"] >= {"kws_dscnn_int8": 22016, "ad_autoencoder_int8": 264192}[name]
