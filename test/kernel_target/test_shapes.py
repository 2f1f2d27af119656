# SPDX-License-Identifier: Apache-2.0
"""Every small shape of every kernel with a window, on the host and on emulated cores.

`make test` takes a sample. MICA_SWEEP=1 takes every width up to 9, kernel up to 5 by 5, stride up to
3, padding at both sides, input channels up to 17 and output channels up to 17, of depthwise layers
every channel multiplier and dilation, too, and thousands of larger shapes; MICA_ALL=1 a share of it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support import ALL, REPOSITORY, SWEEP, WARNINGS, need, run
from test_kernel_target import emulate

CORES = ("cortex-m4f", "cortex-m0", "rv32imc")
# How many runs share the shapes of a program's family, each of a minute or two.
SHARES = {("shapes", "CONV2D"): 32, ("shapes", "DEPTHWISE"): 8, ("shapes", "MAX_POOL"): 1,
          ("shapes", "AVERAGE_POOL"): 1, ("blocks_f32", "CONV2D"): 32,
          ("blocks_f32", "DEPTHWISE"): 4}
RUNS = [(*which, first) for which, share in SHARES.items() for first in range(share if SWEEP else 1)]
POOLS = ("-DTEST_STRIDE=1511", "-DTEST_RANDOM=100")


def flags(program: str, family: str, first: int) -> tuple[str, ...]:
    """Those of one run."""
    share = SHARES[program, family]
    return (f"-DTEST_FAMILY={family}", f"-DTEST_STRIDE={share}", f"-DTEST_FIRST={first}",
            "-DTEST_EVERY=1", f"-DTEST_RANDOM={20000 // share}")


@pytest.mark.parametrize("core", (*CORES, "cortex-m3", "cortex-m33"))
def test_sample(tmp_path: Path, core: str) -> None:
    """Some of all shapes."""
    out = emulate(tmp_path, core, "shapes", "-O2", "-DTEST_STRIDE=1511", "-DTEST_RANDOM=200")
    assert "passed, 0 failed" in out


@pytest.mark.parametrize("family", ("MAX_POOL", "AVERAGE_POOL"))
@pytest.mark.parametrize("level", ("-O0", "-O1", "-O3", "-Os"))
def test_levels(tmp_path: Path, level: str, family: str) -> None:
    """Kernels in C with instructions of their own do not depend on how they are compiled."""
    out = emulate(tmp_path, "cortex-m4f", "shapes", level, f"-DTEST_FAMILY={family}", *POOLS)
    assert "passed, 0 failed" in out


@pytest.mark.skipif(not (ALL or SWEEP), reason="MICA_SWEEP=1 takes every shape")
@pytest.mark.parametrize("program, family, first", RUNS)
@pytest.mark.parametrize("core", CORES)
def test_every_shape(tmp_path: Path, core: str, program: str, family: str, first: int) -> None:
    """All of them, on a core."""
    if program == "blocks_f32" and core != "cortex-m4f":
        pytest.skip("without an FPU blocks are the portable loops of the host")
    out = emulate(tmp_path, core, program, "-O2", *flags(program, family, first))
    assert "passed, 0 failed" in out


@pytest.mark.skipif(not (ALL or SWEEP), reason="MICA_SWEEP=1 takes every shape")
@pytest.mark.parametrize("program, family, first", RUNS)
def test_every_shape_on_the_host(tmp_path: Path, program: str, family: str, first: int) -> None:
    """The portable loops."""
    need("gcc")
    sources = [REPOSITORY / f"test/kernel_target/test_{program}.c",
               *sorted((REPOSITORY / "src/op").glob("pack_*.c"))]
    includes = [f"-I{REPOSITORY / part}"
                for part in ("src", "kernels/nn", "kernels/profile/tflm", "test")]
    run("gcc", "-std=c11", "-O2", *WARNINGS, *includes, *flags(program, family, first), *sources,
        "-o", tmp_path / "shapes", "-lm")
    assert "passed, 0 failed" in run(tmp_path / "shapes").stdout
