# SPDX-License-Identifier: Apache-2.0
"""Runs a hand-written model on every core: outputs, sizes, stack, and what failures say."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from drivers import HERE, ROOT, link_driver

CORES = (
    "host cortex-m0 cortex-m0plus cortex-m3 cortex-m4 cortex-m4f cortex-m7 cortex-m33 cortex-m55 "
    "rv32imc avr"
).split()
BARE = [core for core in CORES if core != "host"]
LONG = "x" * 192
WEIGHTS = (np.arange(160) * 37 + 11) % 251 - 125


@dataclass
class Run:
    """What one call of the driver gave."""

    status: int
    message: str
    figures: dict[str, int]
    output: np.ndarray
    total: np.ndarray
    left_over: list[Path]


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The test driver, linked with the sources of the command."""
    return link_driver("driver", tmp_path_factory.mktemp("driver"))


def need_tools(driver: Path, core: str) -> None:
    """Skips by name where the compiler or the emulator of a core is not installed."""
    listed = subprocess.run([driver, "cores"], check=True, capture_output=True, text=True).stdout
    compiler, emulator = dict(
        (line.split()[0], line.split()[1:]) for line in listed.splitlines()
    )[core]
    if compiler != "1":
        pytest.skip(f"no compiler for {core}")
    if emulator != "1":
        pytest.skip(f"no emulator for {core}")


def run(
    driver: Path, core: str, path: Path, n: int = 3, seconds: int = 60, seed: int = 1, **probe: int
) -> Run:
    """Runs the probe with random inputs; keywords become its PROBE_* macros."""
    random = np.random.default_rng(seed)
    inputs = random.integers(-128, 128, (n, 64), dtype=np.int8)
    gains = np.exp2(random.integers(-3, 3, (n, 1))).astype("<f4")
    macros = "".join(f"#define PROBE_{key.upper()} {value}\n" for key, value in probe.items())
    weights = ", ".join(map(str, WEIGHTS))
    source = (HERE / "probe.c").read_text().replace("{WEIGHTS}", f"{{{weights}}}")
    (path / "probe.h").write_text(macros + (HERE / "probe.h").read_text())
    (path / "probe.c").write_text(source)
    (path / "in.bin").write_bytes(
        b"".join(inputs[k].tobytes() + gains[k].tobytes() for k in range(n))
    )
    temporary = path / "temporary"
    temporary.mkdir(exist_ok=True)
    done = subprocess.run(
        [driver, "run", core, path / "probe.h", path / "probe.c", "probe", str(seconds), str(n)]
        + ["int8:64,float32:4", "int8:10,int32:4", path / "in.bin", path / "out.bin"],
        capture_output=True,
        text=True,
        env=dict(os.environ, TMPDIR=str(temporary)),
    )
    figures = dict(line.split() for line in done.stdout.splitlines())
    out = np.frombuffer((path / "out.bin").read_bytes(), np.uint8).reshape(n, 14)
    return Run(
        done.returncode,
        done.stderr,
        {key: int(value) for key, value in figures.items()},
        out[:, :10].copy().view(np.int8),
        out[:, 10:].copy().view("<i4")[:, 0],
        list(temporary.iterdir()),
    )


def expected(n: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """What the probe computes, by numpy."""
    random = np.random.default_rng(seed)
    inputs = random.integers(-128, 128, (n, 64), dtype=np.int8).astype(np.int64)
    gains = np.exp2(random.integers(-3, 3, (n, 1)))
    at = np.arange(640)
    products = inputs[:, at % 64] * WEIGHTS[at % 160]
    scratch = (np.sign(products) * (np.abs(products) // 128)).astype(np.int8).astype(np.int64)
    rows = scratch.reshape(n, 10, 64).sum(axis=2)
    return np.trunc(rows * gains).astype(np.int64).astype(np.int8), rows.sum(axis=1)


@pytest.mark.parametrize("core", CORES)
def test_runs(driver: Path, tmp_path: Path, core: str) -> None:
    """Every inference gives the right bits; nothing stays behind."""
    need_tools(driver, core)
    done = run(driver, core, tmp_path, n=50)
    assert done.status == 0, done.message
    output, total = expected(50)
    np.testing.assert_array_equal(done.output, output)
    np.testing.assert_array_equal(done.total, total)
    assert done.figures["scratch"] == 640
    assert done.figures["constants"] == 160
    assert done.figures["data"] == done.figures["bss"] == 0
    assert 60 < done.figures["code"] < 700
    assert done.left_over == []


@pytest.mark.parametrize("core", CORES)
def test_stack_is_what_the_model_takes(driver: Path, tmp_path: Path, core: str) -> None:
    """A local array of 400 bytes more shows as 400 bytes more."""
    need_tools(driver, core)
    small = run(driver, core, tmp_path, stack=304).figures["stack"]
    large = run(driver, core, tmp_path, stack=704).figures["stack"]
    assert large - small == 400
    assert 304 <= small < 304 + 200


@pytest.mark.parametrize("core", BARE)
def test_library_is_counted(driver: Path, tmp_path: Path, core: str) -> None:
    """Cores without floating point need its functions from the compiler's library."""
    need_tools(driver, core)
    has_fpu = core in ("cortex-m4f", "cortex-m7", "cortex-m33", "cortex-m55")
    library = run(driver, core, tmp_path).figures["library"]
    assert library == 0 if has_fpu else 300 < library < 3000


@pytest.mark.parametrize("core", BARE)
def test_constants_are_flash(driver: Path, tmp_path: Path, core: str) -> None:
    """5,000 bytes of constants more are 5,000 bytes more of flash and none of RAM."""
    need_tools(driver, core)
    done = run(driver, core, tmp_path, constants=5000)
    assert done.status == 0, done.message
    assert done.figures["constants"] == 5160
    assert done.figures["data"] == 0


def excess(message: str, what: str) -> int:
    """The number of bytes in the message that says that a model is too large."""
    found = re.match(
        rf"probe does not fit the {what} of \S+, which has \d+ bytes: (\d+) bytes too many$",
        message,
    )
    assert found, message
    return int(found[1])


@pytest.mark.parametrize("core", BARE)
def test_too_large_for_ram(driver: Path, tmp_path: Path, core: str) -> None:
    """The message counts the bytes: 64 more are 64 more too many."""
    need_tools(driver, core)
    scratch = 10000 if core == "avr" else 5000000
    first = run(driver, core, tmp_path, scratch=scratch)
    second = run(driver, core, tmp_path, scratch=scratch + 64)
    assert first.status == 1
    assert excess(second.message, "RAM") - excess(first.message, "RAM") == 64
    assert first.left_over == []


@pytest.mark.parametrize("core", [core for core in BARE if core != "avr"])
def test_too_large_for_flash(driver: Path, tmp_path: Path, core: str) -> None:
    """As for RAM."""
    need_tools(driver, core)
    first = run(driver, core, tmp_path, constants=5000000)
    second = run(driver, core, tmp_path, constants=5000064)
    assert first.status == 1
    assert excess(second.message, "flash") - excess(first.message, "flash") == 64


def test_avr_takes_more_inputs_than_its_flash(driver: Path, tmp_path: Path) -> None:
    """Inputs of 272,000 bytes, where the flash has 262,144 with the program in it."""
    need_tools(driver, "avr")
    done = run(driver, "avr", tmp_path, n=4000, seconds=300)
    assert done.status == 0, done.message
    assert done.figures["starts"] == 2
    output, total = expected(4000)
    np.testing.assert_array_equal(done.output, output)
    np.testing.assert_array_equal(done.total, total)


@pytest.mark.parametrize("core", ["host", "cortex-m4", "rv32imc", "avr"])
def test_time_limit(driver: Path, tmp_path: Path, core: str) -> None:
    """A program that never ends is stopped."""
    need_tools(driver, core)
    done = run(driver, core, tmp_path, seconds=1, loop=1)
    assert done.status == 1
    assert done.message == f"probe on {core}: stopped after the time limit of 1 s\n"
    assert done.left_over == []


@pytest.mark.parametrize("core", [core for core in CORES if core != "avr"])
def test_crash(driver: Path, tmp_path: Path, core: str) -> None:
    """A program that traps is not taken for one that ran."""
    need_tools(driver, core)
    done = run(driver, core, tmp_path, crash=1)
    assert done.status == 1
    assert re.match(rf"probe on {core}: .*(crashed|killed by signal)", done.message)
    assert done.left_over == []


def test_crash_on_avr(driver: Path, tmp_path: Path) -> None:
    """The emulator waits for a debugger then, and is told from a program that only takes long."""
    need_tools(driver, "avr")
    done = run(driver, "avr", tmp_path, crash=1, seconds=2)
    assert done.status == 1
    assert done.message == "probe on avr: the program crashed\n"


def test_stack_beyond_ram(driver: Path, tmp_path: Path) -> None:
    """Static memory fits, the stack above it does not: 64 bytes more are 64 bytes too many more."""
    need_tools(driver, "avr")
    first = run(driver, "avr", tmp_path, scratch=7700, stack=600)
    second = run(driver, "avr", tmp_path, scratch=7764, stack=600)
    assert 100 < excess(first.message, "RAM") < 300
    assert excess(second.message, "RAM") - excess(first.message, "RAM") == 64


@pytest.mark.parametrize(
    ("core", "hides", "message"),
    [
        ("cortex-m4", "arm-none-eabi-gcc", "gcc-arm-none-eabi picolibc-arm-none-eabi"),
        ("cortex-m4", "qemu-system-arm", "qemu-system-arm"),
        ("rv32imc", "qemu-system-riscv32", "qemu-system-misc"),
        ("avr", "avr-gcc", "gcc-avr avr-libc"),
        ("avr", "simavr", "simavr"),
    ],
)
def test_missing_tool(
    driver: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    core: str,
    hides: str,
    message: str,
) -> None:
    """The message names the program and the package."""
    need_tools(driver, core)
    tools = tmp_path / "tools"
    tools.mkdir()
    listed = ["arm-none-eabi-gcc", "qemu-system-arm", "qemu-system-riscv32", "avr-gcc", "simavr"]
    for name in listed + ["riscv64-unknown-elf-gcc", "cc"]:
        found = shutil.which(name)
        if found and name != hides:
            (tools / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(tools))
    done = run(driver, core, tmp_path)
    assert done.status == 1
    assert done.message == f"{core} needs {hides}, which is not installed: apt install {message}\n"


def test_broken_source(driver: Path, tmp_path: Path) -> None:
    """The compiler's own words reach the user."""
    done = run(driver, "host", tmp_path, scratch=-1)
    assert done.status == 1
    assert done.message.startswith("probe.c: cc failed:\n")
    assert "error:" in done.message


def test_unknown_core(driver: Path, tmp_path: Path) -> None:
    """The message lists the cores in their order."""
    done = subprocess.run(
        [driver, "run", "z80", "h", "c", "n", "1", "1", "i", "o", "x", "y"],
        capture_output=True,
        text=True,
    )
    assert done.stderr == f"unknown core: z80 (there are: {' '.join(CORES)})\n"


def test_every_core_has_facts(driver: Path) -> None:
    """The table of the build has the cores of the list and no others."""
    listed = subprocess.run([driver, "cores"], check=True, capture_output=True, text=True).stdout
    assert [line.split()[0] for line in listed.splitlines()] == CORES
    assert sorted(path.stem for path in (ROOT / "target").glob("*.target")) == sorted(CORES)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("", "", "ok"),
        ("about ", "abuot ", "some.target:1: unknown key: abuot"),
        ("flash  ", "flash =\nflash ", "some.target:10: bad value of flash: "),
        ("4194304", "4194304 1", "some.target:10: bad value of flash: 0x00000000 4194304 1"),
        ("4194304", "0", "some.target:10: bad value of flash: 0x00000000 0"),
        ("4194304", "-1", "some.target:10: bad value of flash: 0x00000000 -1"),
        ("4194304", "4294967296", "some.target:10: bad value of flash: 0x00000000 4294967296"),
        ("= single", "= half", "some.target:14: bad value of float: half"),
        ("= 4\n", "= 3\n", "some.target:13: bad value of pointer-bytes: 3"),
        ("stack ", "# stack ", "some.target: stack is missing"),
        ("machine", "dsp = yes\nmachine", "some.target:9: float is missing before dsp"),
        ("data   ", "dsp = no\ndata ", "some.target:17: dsp is given twice"),
        ("data   ", "data\ndata ", "some.target:17: expected `key = value`"),
        ("about ", f"about = {LONG}\nabout ", f"some.target:1: bad value of about: {LONG}"),
        ("about ", f"#{LONG}{LONG}\nabout ", "some.target:1: the line is too long"),
    ],
)
def test_facts_are_checked(driver: Path, tmp_path: Path, old: str, new: str, message: str) -> None:
    """A broken file of facts is refused by line."""
    text = (ROOT / "target/cortex-m4f.target").read_text()
    assert old in text
    path = tmp_path / "some.target"
    path.write_text(text.replace(old, new, 1))
    done = subprocess.run([driver, "parse", path], capture_output=True, text=True)
    assert done.stdout == message + "\n"
