# SPDX-License-Identifier: Apache-2.0
"""A headless browser for the tests of pages: what a page becomes, what it says, how it looks."""

from __future__ import annotations

import subprocess
import tempfile
from html.parser import HTMLParser
from pathlib import Path

from support import need

SECONDS_MAX = 120
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--enable-logging=stderr",
    "--v=0",
    "--run-all-compositor-stages-before-draw",
    "--virtual-time-budget=3000",
)
DARK = "--blink-settings=preferredColorScheme=0"
VOID = {"br", "col", "hr", "img", "input", "link", "meta", "wbr"}


def browse(page: Path, *flags: str, part: str = "") -> tuple[str, list[str]]:
    """Open a page, and what follows the '#' in `part`; its standard output and console lines."""
    need("chromium")
    with tempfile.TemporaryDirectory() as profile:
        done = subprocess.run(
            [
                "chromium",
                *FLAGS,
                f"--user-data-dir={profile}",
                *flags,
                page.resolve().as_uri() + (f"#{part}" if part else ""),
            ],
            capture_output=True,
            timeout=SECONDS_MAX,
            check=True,
        )
    said = done.stderr.decode(errors="replace").splitlines()
    return done.stdout.decode(), [line for line in said if ":CONSOLE" in line]


def screenshot(page: Path, picture: Path, width: int, height: int, *flags: str) -> list[str]:
    """Write a PNG of the page in a window of that size; the lines of its console."""
    size = f"--window-size={width},{height}"
    return browse(page, f"--screenshot={picture.resolve()}", size, *flags)[1]


class Element:
    """A node of a page: its tag, attributes, children and texts in order."""

    def __init__(self, tag: str, attributes: dict[str, str]) -> None:
        self.tag = tag
        self.attributes = attributes
        self.children: list[Element | str] = []

    def all(self, tag: str = "", **wanted: str) -> list[Element]:
        """The elements below with a tag, a class (`kind`) and attributes (data_x for data-x)."""
        kind = wanted.pop("kind", "")
        found = []
        for child in self.children:
            if isinstance(child, str):
                continue
            if (
                tag in ("", child.tag)
                and (not kind or kind in child.attributes.get("class", "").split())
                and all(child.attributes.get(k.replace("_", "-")) == v for k, v in wanted.items())
            ):
                found.append(child)
            found += child.all(tag, kind=kind, **wanted)
        return found

    def one(self, name: str) -> Element:
        """The element with that id."""
        (found,) = self.all(id=name)
        return found

    def text(self) -> str:
        """All text below, with no-break spaces as spaces."""
        texts = [child if isinstance(child, str) else child.text() for child in self.children]
        return "".join(texts).replace("\u00a0", " ")

    def rows(self) -> list[list[str]]:
        """The texts of the cells of a table's body, row by row."""
        (body,) = self.all("tbody")
        return [
            [cell.text() for cell in row.children if isinstance(cell, Element)]
            for row in body.children
            if isinstance(row, Element)
        ]


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = [Element("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {key: value or "" for key, value in attrs})
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, (self.open[-1].tag, tag)
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def parse(html: str) -> Element:
    """The tree of a page as the browser serialises it."""
    builder = _Builder()
    builder.feed(html)
    builder.close()
    return builder.open[0]
