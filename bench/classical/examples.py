# SPDX-License-Identifier: Apache-2.0
"""The tables in the pages of the examples are what the examples print."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ("digits-forest", "anomaly")
TABLE = re.compile(r"(<!-- table -->\n).*?(<!-- end -->)", re.S)


def run_example(name: str) -> str:
    """The lines of its table."""
    (script,) = (ROOT / "examples" / name).glob("*.py")
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "build" / "package")})
    return "".join(f"{line}\n" for line in done.stdout.splitlines() if line.startswith("|"))


def refresh_pages() -> None:
    """Runs every example and writes its table down."""
    for name in EXAMPLES:
        page = ROOT / "examples" / name / "README.md"
        table = run_example(name)
        page.write_text(TABLE.sub(lambda found, table=table: found[1] + table + found[2],
                                  page.read_text()))
        print(f"wrote examples/{name}/README.md")
