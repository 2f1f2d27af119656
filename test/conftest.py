# SPDX-License-Identifier: Apache-2.0
"""What every test needs: the command, once it is built."""

from __future__ import annotations

import pytest

from support import MICA


def pytest_configure(config: pytest.Config) -> None:
    """Stop at once where there is nothing to test; asking for help or a listing needs nothing."""
    if not MICA.is_file() and not config.option.collectonly:
        pytest.exit(f"{MICA} does not exist: run `make` first, or set MICA", returncode=1)
