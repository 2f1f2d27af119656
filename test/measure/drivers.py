# SPDX-License-Identifier: Apache-2.0
"""The programs through which tests call the sources of the command that measure."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BUILD = Path(os.environ.get("MICA_BUILD", ROOT / "build"))


def link_driver(name: str, folder: Path) -> Path:
    """NAME.c of this folder with those sources, under sanitizers."""
    path = folder / "driver"
    sources = [HERE / f"{name}.c", *sorted((ROOT / "src/measure").glob("*.c"))]
    sources += [BUILD / "gen" / made for made in ("targets.gen.c", "plugin.gen.c")]
    flags = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    folders = [f"-I{ROOT / 'src'}", f"-I{ROOT / 'include'}"]
    subprocess.run(["cc", "-std=c11", *flags, *folders, *sources, "-o", path], check=True)
    return path
