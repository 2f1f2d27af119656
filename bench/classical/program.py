# SPDX-License-Identifier: Apache-2.0
"""Builds a peer's code as `mica cost` builds ours, weighs it and runs it under the emulator."""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Sequence

import numpy as np

from converters import Converted
from models import Array

ROOT = Path(__file__).resolve().parents[2]
HARNESS = Path(__file__).resolve().parent / "harness"
COMPILE_SECONDS, RUN_SECONDS = 150, 150  # of a processor, so that a busy machine changes nothing
HANG_SECONDS = 7200
STACK_BYTES = 0x40000
NUMPY = {"float": np.float32, "double": np.float64, "int16_t": np.int16, "int32_t": np.int32}


class Failed(Exception):
    """A compiler, the linker or the run ended with a message."""


@dataclass(frozen=True)
class Core:
    """How to build for one core. `facts` are those of target/CORE.target."""

    name: str
    facts: dict[str, str]

    @property
    def prefix(self) -> str:
        """Of the tools: "arm-none-eabi-"."""
        return self.facts["compiler"].removesuffix("gcc")

    @property
    def link_flags(self) -> list[str]:
        """Those of the core; a larger data region on avr, so that RAM is known and not refused."""
        flags = self.facts["link-flags"].split()
        if self.name == "avr":
            return [*flags, "-Wl,--defsym=__DATA_REGION_LENGTH__=0xf000"]
        for memory in ("flash", "ram"):
            origin, size = self.facts[memory].split()
            flags += [f"-Wl,--defsym=__{memory}={origin}",
                      f"-Wl,--defsym=__{memory}_size={int(size):#x}"]
        return [*flags, f"-Wl,--defsym=__stack_size={STACK_BYTES:#x}"]


def core(name: str) -> Core:
    """The core of this name, as the repository describes it."""
    text = (ROOT / "target" / f"{name}.target").read_text()
    facts = (line.split("=", 1) for line in text.splitlines() if "=" in line)
    return Core(name, {key.strip(): value.strip() for key, value in facts})


def run(command: Sequence[Any], what: str, seconds: int, folder: Path) -> str:
    """Run a program for at most so much time of a processor; its output, or Failed."""
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))

    child = subprocess.Popen(
        [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors="replace", cwd=folder, preexec_fn=limit,
        start_new_session=True)
    try:
        said, _ = child.communicate(timeout=HANG_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
        raise Failed(f"{what}: hangs") from None
    if child.returncode == 0:
        return said
    if child.returncode in (-signal.SIGXCPU, -signal.SIGKILL) or "signal terminated" in said:
        raise Failed(f"{what}: more than {seconds} s")
    telling = r"rror:|undefined|overflow|will not fit|not within|truncated|too large|ockup"
    lines = [line for line in said.splitlines()
             if re.search(telling, line) and "collect2" not in line]
    first = (lines or said.splitlines() or [f"exit status {child.returncode}"])[0]
    raise Failed(f"{what}: {re.sub(r'(/[^ :]+/)+', '', first)[:160]}")


def assembly(rows: Array, folder: Path) -> str:
    """The rows as a symbol; a table of this size is slow to compile as C."""
    path = folder / "rows.bin"
    path.write_bytes(np.ascontiguousarray(rows).tobytes())
    return f'.section .rodata.rows,"a"\n.balign 8\n.global rows\nrows:\n.incbin "{path}"\n'


class Program:
    """One conversion, ready to be built for the cores."""

    def __init__(self, converted: Converted, rows: Array, folder: Path) -> None:
        self.converted = converted
        self.rows = rows.astype(NUMPY[converted.row_type])
        self.folder = folder
        self.suffix = "cc" if converted.language == "c++" else "c"
        outside = 'extern "C" ' if converted.language == "c++" else ""
        (folder / f"model.{self.suffix}").write_text(
            f'#include "io.h"\n{converted.source}\n'
            f"{outside}answer_type peer_predict(const row_type *x);\n"
            f"answer_type peer_predict(const row_type *x)\n{{\n    return {converted.call};\n}}\n")
        (folder / f"empty.{self.suffix}").write_text(
            f'#include "io.h"\n{outside}answer_type peer_predict(const row_type *x);\n'
            "answer_type peer_predict(const row_type *x)\n{\n    (void)x;\n    return 0;\n}\n")
        (folder / "io.h").write_text(
            f"#include <stdint.h>\n\ntypedef {converted.row_type} row_type;\n"
            f"typedef {converted.answer_type} answer_type;\n"
            f"enum {{ N_ROWS = {len(rows)}, N_FEATURES = {rows.shape[1]} }};\n")

    def compile(self, where: Core, level: str, source: Path) -> Path:
        """One file to an object, with the flags that keep unused functions apart."""
        made = self.folder / f"{source.name}.o"
        is_cxx = source.suffix == ".cc"
        words: list[Any] = [where.prefix + ("g++" if is_cxx else "gcc")]
        words += [*where.facts["compile-flags"].split(), level, "-w", f"-I{self.folder}",
                  "-ffunction-sections", "-fdata-sections"]
        if is_cxx:
            words += ["-std=gnu++11", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics",
                      f"-I{HARNESS}"]
        words += [f"-I{folder}" for folder in self.converted.include]
        run([*words, "-c", source, "-o", made], "compiler", COMPILE_SECONDS, self.folder)
        return made

    def link(self, where: Core, objects: Sequence[Path], name: str) -> Path:
        """What is reachable from main()."""
        made = self.folder / name
        run([where.facts["compiler"], *where.facts["compile-flags"].split(), *objects,
             "-Wl,--gc-sections", *where.link_flags, "-o", made], "linker", COMPILE_SECONDS,
            self.folder)
        return made

    def sizes(self, where: Core, file: Path) -> np.ndarray:
        """Flash and RAM."""
        said = run([where.prefix + "size", file], "size", 30, self.folder)
        text, data, bss = map(int, said.splitlines()[1].split()[:3])
        return np.array([text + data, data + bss])

    def weigh(self, where: Core, level: str, model: Path) -> tuple[int, int]:
        """Flash and RAM that the model adds to a program whose function is empty."""
        row = self.folder / "row.s"
        row.write_text(assembly(self.rows[:1], self.folder))
        around = [self.compile(where, level, HARNESS / "size.c"), self.compile(where, level, row)]
        empty = self.compile(where, level, self.folder / f"empty.{self.suffix}")
        whole = self.sizes(where, self.link(where, [*around, model], "size.elf"))
        flash, ram = whole - self.sizes(where, self.link(where, [*around, empty], "empty.elf"))
        return int(flash), int(ram)

    def build_and_weigh(self, where: Core, level: str) -> tuple[Path, dict[str, Any]]:
        """The object of the model, and what it adds."""
        model = self.compile(where, level, self.folder / f"model.{self.suffix}")
        flash, ram = self.weigh(where, level, model)
        return model, {"flash_bytes": flash, "ram_bytes": ram}

    def places(self, where: Core, file: Path) -> dict[str, tuple[int, int]]:
        """Address and size of the functions, without the bit that says Thumb."""
        said = run([where.prefix + "nm", "-S", file], "nm", 30, self.folder)
        found = re.findall(r"^([0-9a-f]+) ([0-9a-f]+) [tT] (ask|peer_predict)$", said, re.M)
        return {name: (int(at, 16) & ~1, int(size, 16)) for at, size, name in found}

    def execute(self, where: Core, level: str, model: Path) -> tuple[Array, dict[str, Any]]:
        """The answers to all rows; instructions a row, and the depth of the stack."""
        table = self.folder / "rows.s"
        table.write_text(assembly(self.rows, self.folder))
        around = [self.compile(where, level, HARNESS / "run.c"), self.compile(where, level, table)]
        program = self.link(where, [*around, model], "run.elf")
        place = self.places(where, program)
        caller, size = place["ask"]
        origin, flash = where.facts["flash"].split()
        (self.folder / "count.in").write_text(
            f"isa thumb\nsteps 1\nenter {place['peer_predict'][0]}\n"
            f"leave {caller} {caller + size}\n"
            f"flash {int(origin, 0)} {int(origin, 0) + int(flash)}\nwrites 0 0\n")
        for name in ("answers.bin", "count.out"):
            (self.folder / name).unlink(missing_ok=True)
        emulator = [where.facts["emulator"], "-plugin", ROOT / "build" / "count.so"]
        run([*emulator, *where.facts["emulator-flags"].split(), program], "run", RUN_SECONDS,
            self.folder)
        return self.read(len(self.rows))

    def read(self, n: int) -> tuple[Array, dict[str, Any]]:
        """What the run left behind."""
        raw = (self.folder / "answers.bin").read_bytes()
        kind = np.dtype(NUMPY[self.converted.answer_type])
        if len(raw) < 4 + n * kind.itemsize:
            raise Failed("run: the program ended early")
        answers = np.frombuffer(raw[-n * kind.itemsize :], kind)
        classes = (ROOT / "src" / "measure" / "count" / "classes.def").read_text()
        n_classes = len(re.findall(r"^CLASS\(", classes, re.M))
        counts = (self.folder / "count.out").read_text().split()[:n_classes]
        return answers, {"instructions": round(sum(map(int, counts)) / n),
                         "stack_bytes": int.from_bytes(raw[:4], "little")}
