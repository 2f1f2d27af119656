# SPDX-License-Identifier: Apache-2.0
"""The command `mica` that the package ships."""

from __future__ import annotations

import os
import sys

from ._library import COMMAND


def main() -> None:
    """Becomes the command, with the same arguments."""
    os.execv(COMMAND, [str(COMMAND), *sys.argv[1:]])


if __name__ == "__main__":
    main()
