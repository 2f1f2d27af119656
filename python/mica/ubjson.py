# SPDX-License-Identifier: Apache-2.0
"""Universal Binary JSON, as XGBoost writes it, to JSON text."""

from __future__ import annotations

import json
import struct
from typing import Any

from .errors import Error

DEPTH_MAX = 64
NUMBERS = {
    b"i": "b", b"U": "B", b"I": "h", b"l": "i", b"L": "q", b"d": "f", b"D": "d",
}  # fmt: skip
INTEGERS = b"iUIlL"


class _Reader:
    """A position in the bytes; all that is read is checked to be there."""

    def __init__(self, data: bytes, file: str):
        self.data, self.file, self.at = data, file, 0

    def fail(self, what: str) -> Error:
        return Error(f"{self.file}: byte {self.at}: {what}")

    def take(self, n: int) -> bytes:
        if n < 0 or n > len(self.data) - self.at:
            raise self.fail("the file ends too early")
        self.at += n
        return self.data[self.at - n : self.at]

    def peek(self) -> bytes:
        return self.data[self.at : self.at + 1]

    def number(self, marker: bytes) -> Any:
        code = ">" + NUMBERS[marker]
        return struct.unpack(code, self.take(struct.calcsize(code)))[0]

    def length(self) -> int:
        marker = self.take(1)
        if marker not in NUMBERS or marker not in INTEGERS:
            raise self.fail(f"{marker!r} is no type of a length")
        return int(self.number(marker))

    def string(self) -> str:
        try:
            return self.take(self.length()).decode()
        except UnicodeDecodeError:
            raise self.fail("a string is no UTF-8") from None

    def container(self) -> tuple[bytes | None, int | None]:
        """The type and the count that a container may state."""
        kind = count = None
        if self.peek() == b"$":
            self.take(1)
            kind = self.take(1)
        if self.peek() == b"#":
            self.take(1)
            count = self.length()
            if not 0 <= count <= len(self.data):
                raise self.fail(f"{count} elements cannot be in this file")
        elif kind is not None:
            raise self.fail("a type without a count")
        return kind, count

    def more(self, done: int, count: int | None, end: bytes) -> bool:
        if count is not None:
            return done < count
        while self.peek() == b"N":
            self.take(1)
        if self.peek() != end:
            return True
        self.take(1)
        return False

    def array(self, depth: int) -> list[Any]:
        kind, count = self.container()
        if kind in NUMBERS and count is not None:
            code = NUMBERS[kind]
            return list(struct.unpack(f">{count}{code}", self.take(count * struct.calcsize(code))))
        values: list[Any] = []
        while self.more(len(values), count, b"]"):
            values.append(self.value(kind or self.take(1), depth))
        return values

    def mapping(self, depth: int) -> dict[str, Any]:
        kind, count = self.container()
        values: dict[str, Any] = {}
        done = 0
        while self.more(done, count, b"}"):
            name = self.string()
            values[name] = self.value(kind or self.take(1), depth)
            done += 1
        return values

    def value(self, marker: bytes, depth: int) -> Any:
        if depth > DEPTH_MAX:
            raise self.fail("it is nested too deeply")
        if marker in NUMBERS:
            return self.number(marker)
        if marker == b"{":
            return self.mapping(depth + 1)
        if marker == b"[":
            return self.array(depth + 1)
        if marker == b"S":
            return self.string()
        if marker == b"C":
            return self.take(1).decode("latin-1")
        if marker in (b"T", b"F", b"Z"):
            return {b"T": True, b"F": False, b"Z": None}[marker]
        raise self.fail(f"{marker!r} is no type of Universal Binary JSON")


def to_json(data: bytes, file: str) -> bytes:
    """The same document as JSON; float32 numbers keep their values, being written as doubles."""
    reader = _Reader(data, file)
    document = reader.value(reader.take(1), 0)
    if reader.at != len(data):
        raise reader.fail("something follows the document")
    return json.dumps(document).encode()
