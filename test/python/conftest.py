# SPDX-License-Identifier: Apache-2.0
"""These tests are of the installed package (scripts/test-python.sh installs it)."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


def pytest_configure(config: pytest.Config) -> None:
    """Stop where the package is not there, instead of at every import."""
    if importlib.util.find_spec("mica") is None:
        pytest.exit("the package mica is not installed: run scripts/test-python.sh", returncode=1)
