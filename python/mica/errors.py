# SPDX-License-Identifier: Apache-2.0
"""The exceptions of the package."""

from __future__ import annotations


class Error(Exception):
    """A model, an option or an input that was refused; the message says why and what to do."""


class Mismatch(Error):
    """The generated C and the reference disagree; the message lists rows."""
