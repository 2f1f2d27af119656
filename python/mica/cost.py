# SPDX-License-Identifier: Apache-2.0
"""What a model takes on a core: the command `mica cost`, which the package ships."""

from __future__ import annotations

import html
import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Sequence

from ._library import COMMAND
from .errors import Error

COLUMNS = ("flash, bytes", "RAM, bytes", "stack, bytes", "instructions", "cycles")


@dataclass(frozen=True)
class Cost:
    """What each function of a model takes on a core, linked alone; prints as a table.

    `total` maps the name of a function to the figures of `mica cost --json` (docs/cost.md).
    """

    target: str
    optimize: str
    total: dict[str, dict[str, Any]]

    def rows(self) -> list[tuple[str, ...]]:
        """The table: a name and its figures in each row; "-" was not measured."""
        table = []
        for name, t in self.total.items():
            ram = (t["static_bytes"] or 0) + (t["scratch_bytes"] or 0) + (t["state_bytes"] or 0)
            figures = (t["flash_bytes"], ram, t["stack_bytes"], t["instructions"], t["cycles"])
            table.append((name, *("-" if n is None else f"{round(n):,}" for n in figures)))
        return table

    def __str__(self) -> str:
        table = [(f"{self.target}, {self.optimize}", *COLUMNS), *self.rows()]
        widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
        lines = [
            "  ".join(
                cell.ljust(width) if i == 0 else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in table
        ]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        def cells(tag: str, row: Sequence[str]) -> str:
            return "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row)

        head = cells("th", (f"{self.target}, {self.optimize}", *COLUMNS))
        body = "".join(f"<tr>{cells('td', row)}</tr>" for row in self.rows())
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def measure(
    file: str,
    data: bytes,
    name: str,
    functions: Sequence[str],
    target: str,
    optimize: str,
    options: Sequence[str],
) -> Cost:
    """Runs the command on the model, for each of its functions."""
    total = {}
    with tempfile.TemporaryDirectory(prefix="mica-") as folder:
        path = Path(folder) / (Path(file).name or "model")
        path.write_bytes(data)
        for function in functions or [name]:
            words = [COMMAND, "cost", path, "--target", target, "--optimize", optimize, "--json"]
            words += options
            if functions:
                words += ["--functions", function]
            done = subprocess.run(words, capture_output=True, text=True, check=False)
            if done.returncode:
                raise Error(done.stderr.strip() or f"mica cost ended with {done.returncode}")
            total[function] = json.loads(done.stdout)[0]["total"]
    return Cost(target, optimize, total)
