# SPDX-License-Identifier: Apache-2.0
"""Streams over endless time: each output equals, bit for bit, that of the whole window."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from stream_graphs import stream_graph
from stream_program import Streamed, check_program, streamed
from support import ALL, PORTABLE

SANITIZED = ("gcc", *PORTABLE, "-O1", "-g", "-fsanitize=address,undefined")
SANITIZED += ("-fno-sanitize-recover=all",)
BATCH = 25
BATCHES = 16 if ALL else 1


def varies(model: Streamed) -> bool:
    """The outputs of a model are not always the same."""
    return len(set(model.want[0])) > 1


@pytest.mark.parametrize("batch", range(BATCHES))
def test_random_graphs(batch: int, tmp_path: Path) -> None:
    """What a stream gives is what mica eval makes of the sliding window."""
    seeds = range(batch * BATCH, (batch + 1) * BATCH)
    models = [streamed(stream_graph(seed), tmp_path) for seed in seeds]
    assert sum(map(varies, models)) > 0.8 * len(models)
    check_program(models, tmp_path, *SANITIZED)
    if shutil.which("clang"):
        check_program(models, tmp_path, "clang", *PORTABLE, "-O2")
