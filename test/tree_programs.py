# SPDX-License-Identifier: Apache-2.0
"""Generated estimators as tests see them: several in one program, under sanitizers, each of which
reads rows from standard input and writes what its functions give."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Sequence

import numpy as np

from support import PORTABLE, need, run

CHECKED = (*PORTABLE, "-fsanitize=undefined", "-fno-sanitize-recover=all")
C_TYPES = {"int32": "int32_t", "float64": "double", "float32": "float"}

# A test may change a model's code so that it counts in `counted`; the program says the sum.
PROGRAM = """\
#include <stdio.h>
#include <stdlib.h>
{includes}
extern int counted;
int counted;
{functions}
int main(int argc, char **argv)
{{
    static void (*const all[])(void) = {{{names}}};
    if (argc != 2)
        return 2;
    all[atoi(argv[1])]();
    fprintf(stderr, "%d", counted);
    return 0;
}}
"""

# Each row in memory of its own size, so that reading beside it is found out.
FUNCTION = """\
static void run_{i}(void)
{{
    {type} *x = malloc({n} * sizeof *x);
    while (fread(x, sizeof *x, {n}, stdin) == {n}) {{
{calls}
    }}
    free(x);
}}
"""


@dataclass
class Wanted:
    """A function to call: NAME_<role>, of so many numbers of a type."""

    role: str
    type: str
    n: int

    def call(self, name: str) -> str:
        """The statements that call it and write its results."""
        how = f"out[0] = {name}_{self.role}(x);" if self.n == 1 else f"{name}_{self.role}(x, out);"
        kind = C_TYPES[self.type]
        return f"        {{ {kind} out[{self.n}]; {how} fwrite(out, sizeof out, 1, stdout); }}"


@dataclass
class Built:
    """Models in C, linked to one program that runs any of them."""

    folder: Path
    types: Sequence[str]
    wanted: Sequence[Sequence[Wanted]]

    def header(self, i: int) -> str:
        """The text of model i's header."""
        return (self.folder / f"m{i}.h").read_text()

    def run(self, i: int, x: np.ndarray) -> dict[str, np.ndarray]:
        """What the functions of model i give for each row."""
        return self.run_counted(i, x)[0]

    def run_counted(self, i: int, x: np.ndarray) -> tuple[dict[str, np.ndarray], int]:
        """The same, and what the model counted."""
        rows = np.ascontiguousarray(x, self.types[i]).tobytes()
        done = subprocess.run(
            [self.folder / "program", str(i)], input=rows, capture_output=True, check=False
        )
        assert done.returncode == 0, f"model {i}: {done.stderr.decode(errors='replace')[:2000]}"
        fields = [(w.role, np.dtype(w.type), (w.n,)) for w in self.wanted[i]]
        results = np.frombuffer(done.stdout, fields)
        return {w.role: results[w.role] for w in self.wanted[i]}, int(done.stderr)


def link(
    folder: Path, types: Sequence[str], features: Sequence[int], wanted: Sequence[Sequence[Wanted]]
) -> Built:
    """Links m0.c, m1.c, ... that take rows of so many features of a type."""
    need("gcc")
    functions = [
        FUNCTION.format(
            i=i, type={"float32": "float"}.get(kind, kind + "_t"), n=features[i],
            calls="\n".join(w.call(f"m{i}") for w in wanted[i]))
        for i, kind in enumerate(types)
    ]  # fmt: skip
    (folder / "program.c").write_text(
        PROGRAM.format(
            includes="\n".join(f'#include "m{i}.h"' for i in range(len(types))),
            functions="\n".join(functions),
            names=", ".join(f"run_{i}" for i in range(len(types))),
        )
    )
    files = [folder / f"m{i}.c" for i in range(len(types))]
    run("gcc", *CHECKED, *files, folder / "program.c", "-o", folder / "program")
    return Built(folder, types, wanted)
