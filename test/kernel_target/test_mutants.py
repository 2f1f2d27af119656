# SPDX-License-Identifier: Apache-2.0
"""The tests of kernels notice damage: a kernel with one token changed does not pass.

`make test` tries a few changes, MICA_ALL=1 some of every kernel's file. A change that does not compile is
none; one that a program survives must be listed as equivalent (mutants.py).
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from mutants import ALSO, EQUIVALENT, FILES, Mutant, mutants, spread
from support import ALL, REPOSITORY, need, run
from test_kernel_target import HERE, facts, link_flags

MUTANTS = 3 if ALL else 1  # of a file
CHOSEN = list(FILES) if ALL else list(FILES)[::5]
SECONDS = 20  # an endless loop is noticed, too
PACKERS = sorted((REPOSITORY / "src/op").glob("pack_*.c"))


def path_of(file: str) -> Path:
    """Where a kernel's file is."""
    (path,) = [path for part in ("nn", "profile/tflm")
               for path in (REPOSITORY / "kernels" / part).glob(file)]
    return path


def compiler(core: str) -> list[str]:
    """With the flags of the core; the host notices accesses outside of arrays, too."""
    if core == "host":
        return ["gcc", "-fsanitize=address"]
    told = facts(core)
    return [told["compiler"], *told["compile-flags"].split()]


def objects(folder: Path, core: str) -> list[Path]:
    """The packers, compiled once for each core."""
    made = [folder / f"{core}-{source.stem}.o" for source in PACKERS]
    for source, target in zip(PACKERS, made):
        if not target.is_file():
            run(*compiler(core), "-std=c11", "-O1", f"-I{REPOSITORY / 'src'}", "-c", source, "-o",
                target)
    return made


def is_caught(mutant: Mutant, folder: Path) -> bool | None:
    """Whether one of the file's programs fails with the change; None where that does not compile."""
    programs = [FILES[mutant.file], *([ALSO[mutant.file]] if mutant.file in ALSO else [])]
    results = (fails(mutant, folder, *program) for program in programs)
    return next((result for result in results if result is not False), False)


def fails(mutant: Mutant, folder: Path, program: str, *wanted: str) -> bool | None:
    """Whether a program does."""
    flags = list(wanted)
    if mutant.core == "host":  # is fast
        flags += ["-UTEST_STRIDE", "-DTEST_STRIDE=23"]
    original = path_of(mutant.file)
    parts = [folder / part for part in ("nn", "tflm")]
    if not parts[0].exists():
        shutil.copytree(REPOSITORY / "kernels/nn", parts[0])
        shutil.copytree(REPOSITORY / "kernels/profile/tflm", parts[1])
    (changed,) = [part / mutant.file for part in parts if (part / mutant.file).exists()]
    lines = original.read_text().splitlines()
    lines[mutant.number - 1] = mutant.line
    changed.write_text("\n".join(lines) + "\n")
    includes = [f"-I{path}" for path in (*parts, REPOSITORY / "src", HERE.parent)]
    elf = folder / "program"
    link = [] if mutant.core == "host" else link_flags(mutant.core)
    done = run(*compiler(mutant.core), "-std=c11", "-O1", "-w", *includes, *flags,
               HERE / f"test_{program}.c", *objects(folder, mutant.core), *link, "-o", elf,
               status=None)
    shutil.copy(original, changed)
    if done.returncode:
        return None
    told = None if mutant.core == "host" else facts(mutant.core)
    command = [told["emulator"], *told["emulator-flags"].split(), str(elf)] if told else [str(elf)]
    try:
        ran = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return True
    return b"passed, 0 failed" not in ran.stdout + ran.stderr


@pytest.mark.parametrize("file", CHOSEN)
def test_damage_is_caught(tmp_path: Path, file: str) -> None:
    """Changes of one file."""
    need("gcc", "arm-none-eabi-gcc", "qemu-system-arm")
    found, survived, tried = mutants(path_of(file)), [], 0
    for mutant in spread(found, MUTANTS):
        for chosen in found[found.index(mutant):]:  # the first from there on that compiles
            known = (file, chosen.line.strip()) in EQUIVALENT
            caught = True if known else is_caught(chosen, tmp_path)
            if caught is not None:
                break
        tried += caught is not None
        if caught is False:
            survived.append(chosen.name)
    assert tried, "no change compiles"
    assert not survived, "\n".join(survived)


def test_equivalents_exist() -> None:
    """Every change that is listed can be made, so the list does not outlive the code."""
    for file, line in EQUIVALENT:
        assert line in {mutant.line.strip() for mutant in mutants(path_of(file))}, f"{file}: {line}"
