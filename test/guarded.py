# SPDX-License-Identifier: Apache-2.0
"""Programs that run generated models in memory with guard bytes around it (guarded.h)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterable

from support import REPOSITORY, run


def run_program(
    text: str, sources: Iterable[Path], folder: Path, given: bytes, *compiler: Any
) -> tuple[bytes, str]:
    """Build a program with its models' sources and feed it; what it writes, and what it says."""
    source, binary = folder / "program.c", folder / "program"
    source.write_text(text)
    run(*compiler, f"-I{REPOSITORY / 'test'}", source, *sources, "-o", binary)
    (folder / "in.bin").write_bytes(given)
    said = run("sh", "-c", f'"{binary}" <"{folder}/in.bin" >"{folder}/out.bin"').stderr
    return (folder / "out.bin").read_bytes(), said


def check_outputs(got: bytes, wanted: Iterable[tuple[str, bytes]]) -> None:
    """Every byte of every model, in the order in which the program has them, is what eval gives."""
    at = 0
    for name, want in wanted:
        end = at + len(want)
        assert got[at:end] == want, f"{name} differs from mica eval"
        at = end
    assert at == len(got)
