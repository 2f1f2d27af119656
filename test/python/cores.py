# SPDX-License-Identifier: Apache-2.0
"""Models compiled for a core: what their object files need from libraries."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

import mica


def needs_on_cortex_m0(model: mica.Model, folder: Path) -> set[str]:
    """The functions that a model calls and does not have; skips where there is no compiler."""
    if not shutil.which("arm-none-eabi-gcc"):
        pytest.skip("arm-none-eabi-gcc is not installed")
    model.save(folder)
    subprocess.run(
        ["arm-none-eabi-gcc", "--specs=picolibc.specs", "-mcpu=cortex-m0", "-mthumb", "-std=c99",
         "-Os", "-c", "model.c"],
        cwd=folder, check=True,
    )  # fmt: skip
    listed = subprocess.run(
        ["arm-none-eabi-nm", "-u", "model.o"], cwd=folder, capture_output=True, text=True,
        check=True,
    ).stdout  # fmt: skip
    return set(listed.split()) - {"U"}


def float_functions(names: set[str]) -> set[str]:
    """Those that do arithmetic of floats or doubles, or make them."""
    return {name for name in names if re.fullmatch(r"__aeabi_c?[fd].*|__aeabi_\w+2[fd]", name)}
