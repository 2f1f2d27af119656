# SPDX-License-Identifier: Apache-2.0
"""Ensembles that are larger than an array of avr-gcc and than what pointers of AVR reach: found by
functions, in pieces. The same files run here, and on an emulated ATmega2560."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import test_trees
import tree_models as trees
from support import PORTABLE, WARNINGS, evaluate, mica, need, run

PIECE = 16380
SIZE = ("--target", "avr", "--optimize", "size")
AVR = ("avr-gcc", "-mmcu=atmega2560")
CASES = ["forest", "large forest", "hist"]


@lru_cache(maxsize=None)
def fitted(name: str) -> tuple[Any, trees.Ensemble, np.ndarray]:
    """An estimator, its trees, and rows that are hard."""
    from sklearn import datasets, ensemble

    x, y = datasets.load_digits(return_X_y=True)
    x = x.astype(np.float32)
    estimator = {
        "forest": lambda: ensemble.RandomForestClassifier(100, max_depth=10, random_state=0),
        "large forest": lambda: ensemble.RandomForestClassifier(200, random_state=1),
        "hist": lambda: ensemble.HistGradientBoostingClassifier(
            max_iter=30, max_leaf_nodes=15, random_state=0),
    }[name]().fit(x, y)
    e = trees.from_sklearn(estimator)
    return estimator, e, np.concatenate([x[::9], trees.hostile_rows(e, x, 100)])


def parts(source: str) -> list[int]:
    """The words of each piece of the stream."""
    return [int(n) for n in re.findall(r"_nodes_part\d\[(\d+)\] MICA_ROM_FAR = ", source)]


@pytest.mark.parametrize("name", CASES)
def test_pieces_give_the_same_labels(tmp_path: Path, name: str) -> None:
    """The code for AVR, run here: pieces join where they should."""
    need("gcc")
    estimator, e, x = fitted(name)
    got = test_trees.generated(e, x, tmp_path, "label", *SIZE)[:, 0]
    assert np.array_equal(got, estimator.predict(x))
    sizes = parts((tmp_path / "trees.c").read_text())
    assert len(sizes) == {"forest": 2, "large forest": 4, "hist": 2}[name]
    assert set(sizes[:-1]) == {PIECE + 2} and sizes[-1] <= PIECE + 2


def test_scores_and_labels_share_pieces(tmp_path: Path) -> None:
    """Both functions of one file, and constants in a file of their own."""
    need("avr-gcc", "gcc")
    estimator, e, x = fitted("forest")
    (tmp_path / "m.ir").write_text(e.text())
    mica("compile", tmp_path / "m.ir", "-o", tmp_path, *SIZE, "--split-weights")
    (source, weights) = ((tmp_path / f).read_text() for f in ("m.c", "m_weights.c"))
    assert "extern const uint16_t m_trees_0_nodes_part2[" in source and not parts(source)
    assert len(parts(weights)) >= 2 and "m_trees_0_nodes_at" in source
    for compiler in (AVR, ("gcc",)):
        run(*compiler, *PORTABLE, "-Os", "-c", "m.c", "m_weights.c", cwd=tmp_path)


ARM = ("arm-none-eabi-gcc", "-mthumb", "-mcpu=cortex-m0", "--specs=picolibc.specs")
SMALLER = [("avr-gcc", f"-mmcu={part}") for part in ("atmega1284p", "atmega328p")]


@pytest.mark.parametrize("compiler", [("gcc",), ("clang",), AVR, *SMALLER, ARM])
def test_code_is_clean(tmp_path: Path, compiler: tuple[str, ...]) -> None:
    """On parts with addresses of 24 bits, on parts without, and elsewhere."""
    need(compiler[0])
    (tmp_path / "m.ir").write_text(fitted("forest")[1].text())
    mica("compile", tmp_path / "m.ir", "-o", tmp_path, *SIZE)
    run(*compiler, *PORTABLE, "-Os", "-c", "m.c", cwd=tmp_path)


@pytest.mark.parametrize("name", CASES)
def test_labels_on_the_core(tmp_path: Path, name: str) -> None:
    """On an ATmega2560; the large forest lies on both sides of 64 KB."""
    need("avr-gcc", "simavr")
    estimator, e, x = fitted(name)
    x = x[:: len(x) // 12]
    (tmp_path / "m.ir").write_text(e.text(("label",)))
    (got,) = evaluate(tmp_path / "m.ir", tmp_path, [x[:, None, :]], command=("run",))
    assert np.array_equal(got.ravel(), estimator.predict(x))


def test_the_emulator_reads_far(tmp_path: Path) -> None:
    """What the tests above rely on: bytes and words at, and across, 64 KB; avr-gcc's far addresses."""
    need("avr-gcc", "simavr")
    (tmp_path / "far.c").write_text(FAR)
    run(*AVR, "-std=c99", *WARNINGS, "-Os", "far.c", "-o", "far.elf", cwd=tmp_path)
    said = run("simavr", "-m", "atmega2560", "-f", "16000000", "far.elf", cwd=tmp_path)
    assert "Y" * 16 in said.stdout + said.stderr


# Four arrays of 16,384 bytes; what is around 64 KB is one of them, wherever the linker puts them.
FAR = """
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/pgmspace.h>
#include <avr/sleep.h>

#define FOUR(...) __VA_ARGS__, __VA_ARGS__, __VA_ARGS__, __VA_ARGS__
#define LINES   FOUR(FOUR(FOUR(FOUR(FOUR(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)))))
#define AT      __attribute__((section(".text.mica_far"), aligned(2)))
static const uint8_t a[16384] AT = {LINES};
static const uint8_t b[16384] AT = {LINES};
static const uint8_t c[16384] AT = {LINES};
static const uint8_t d[16384] AT = {LINES};

static void say(char letter)
{
    while (!(UCSR0A & (1 << UDRE0))) {
    }
    UDR0 = (uint8_t)letter;
}

/* Each byte is one more than that before, from 1 to 16. */
static char is_right(uint_farptr_t at)
{
    for (uint16_t i = 0; i < 16384; i++)
        if (pgm_read_byte_far(at + i) != (i & 15) + 1)
            return 'n';
    return pgm_read_dword_far(at + 16) == 0x04030201 ? 'Y' : 'n';
}

int main(void)
{
    UCSR0A = 1 << U2X0;
    UBRR0 = 0;
    UCSR0B = 1 << TXEN0;
    say(is_right(pgm_get_far_address(a)));
    say(is_right(pgm_get_far_address(b)));
    say(is_right(pgm_get_far_address(c)));
    say(is_right(pgm_get_far_address(d)));
    for (uint_farptr_t at = 0xfff8; at < 0x10004; at++) {
        uint32_t bytes = 0;
        for (uint8_t i = 4; i--;)
            bytes = bytes << 8 | pgm_read_byte_far(at + i);
        say(bytes && pgm_read_dword_far(at) == bytes ? 'Y' : 'n');
    }
    say('\\n');
    cli();
    sleep_enable();
    sleep_cpu();
    return 0;
}
"""
