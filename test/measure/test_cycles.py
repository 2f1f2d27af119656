# SPDX-License-Identifier: Apache-2.0
"""Counts and cycles of assembly whose figures were worked out by hand from the cores' manuals."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from drivers import ROOT, link_driver

ALL = os.environ.get("MICA_ALL") == "1"
THUMB = "cortex-m0 cortex-m0plus cortex-m3 cortex-m4 cortex-m4f cortex-m7 cortex-m33 cortex-m55"
TOOLS = {"rv32imc": ("riscv64-unknown-elf-gcc", "qemu-system-riscv32"), "avr": ("avr-gcc", "simavr")}

HEADER = """
#include <stdint.h>
union loop_scratch { int8_t s8[64]; };
void loop_run(union loop_scratch *scratch, const int8_t in[64], int8_t out[64]);
"""
SOURCE = """
#include "loop.h"
#ifndef LOOP_MARK
#define LOOP_MARK(step)
#endif
__attribute__((naked)) void loop_run(union loop_scratch *scratch, const int8_t in[64],
                                     int8_t out[64])
{
    LOOP_MARK(0)
    __asm__ volatile(%s);
}
"""


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The test driver, linked with the sources of the command."""
    return link_driver("cost_driver", tmp_path_factory.mktemp("cost_driver"))


def need_tools(core: str) -> None:
    """Skips by name where the compiler or the emulator of a core is not installed."""
    for tool in TOOLS.get(core, ("arm-none-eabi-gcc", "qemu-system-arm")):
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not installed")


def count_source(
    driver: Path, folder: Path, core: str, source: str, layers: int = 1, waits: int = 0
) -> dict[str, int]:
    """The figures of a model in C."""
    need_tools(core)
    (folder / "loop.h").write_text(HEADER)
    (folder / "loop.c").write_text(source)
    done = subprocess.run(
        [driver, core, folder / "loop.h", folder / "loop.c", "loop", str(layers), str(waits)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {line.split()[0]: int(line.split()[1]) for line in done.stdout.splitlines()}


def count(driver: Path, folder: Path, core: str, lines: str, waits: int = 0) -> dict[str, int]:
    """The figures of a function in assembly; r0, r1, r2 (a0, a1, a2) are scratch, in and out."""
    text = lines if core in TOOLS else ".syntax unified;" + lines
    quoted = " ".join(f'"{line.strip()}\\n\\t"' for line in text.split(";"))
    return count_source(driver, folder, core, SOURCE % quoted, waits=waits)


# 100 turns of two instructions. Expected: first instruction + subtractions + branches (99 taken, 1
# not) + return.
DELAY = {
    **dict.fromkeys(THUMB.split(), "movs r2, #100; 1: subs r2, #1; bne 1b; bx lr"),
    "rv32imc": "li a2, 100; 1: addi a2, a2, -1; bnez a2, 1b; ret",
}
DELAY_CYCLES = {
    "cortex-m0": 1 + 100 + (99 * 3 + 1) + 3,
    "cortex-m0plus": 1 + 100 + (99 * 2 + 1) + 2,
    "cortex-m3": 1 + 100 + (99 * 2 + 1) + 3,
    "cortex-m4": 1 + 100 + (99 * 2 + 1) + 3,
    "cortex-m4f": 1 + 100 + (99 * 2 + 1) + 3,
    "cortex-m7": 1 + 100 + 100 + 3,
    "cortex-m33": 1 + 100 + (99 * 2 + 1) + 3,
    "cortex-m55": 1 + 100 + (99 * 2 + 1) + 3,
    "rv32imc": 1 + 100 + (99 * 3 + 1) + 2,
}

# 25 turns that move a word and step both pointers.
COPY = {
    **dict.fromkeys(
        THUMB.split(),
        "movs r3, #25; 1: ldr r0, [r1]; str r0, [r2]; adds r1, #4; adds r2, #4; subs r3, #1; "
        "bne 1b; bx lr",
    ),
    "rv32imc": "li a3, 25; 1: lw a0, 0(a1); sw a0, 0(a2); addi a1, a1, 4; addi a2, a2, 4; "
    "addi a3, a3, -1; bnez a3, 1b; ret",
}
COPY_CYCLES = {
    "cortex-m0": 1 + 25 * (2 + 2 + 3) + (24 * 3 + 1) + 3,
    "cortex-m0plus": 1 + 25 * (2 + 2 + 3) + (24 * 2 + 1) + 2,
    "cortex-m3": 1 + 25 * (2 + 1 + 3) + (24 * 2 + 1) + 3,
    "cortex-m4": 1 + 25 * (2 + 1 + 3) + (24 * 2 + 1) + 3,
    "rv32imc": 1 + 25 * (2 + 2 + 3) + (24 * 3 + 1) + 2,
}

# Loads that follow each other, products, registers to the stack and back through a call.
MIXED = {
    **dict.fromkeys(
        THUMB.split(),
        "push {r4, r5, lr}; ldr r3, [r1]; ldr r4, [r1, #4]; ldr r5, [r1, #8]; muls r3, r4; "
        "bl 1f; pop {r4, r5, pc}; 1: adds r3, r5; bx lr",
    ),
    "rv32imc": "lw a3, 0(a1); lw a4, 4(a1); mul a3, a3, a4; mulh a3, a3, a4; div a3, a3, a4; "
    "j 1f; 1: ret",
}
MIXED_CYCLES = {
    "cortex-m0": 4 + 3 * 2 + 1 + 4 + (1 + 3) + 6,
    "cortex-m0plus": 4 + 3 * 2 + 1 + 3 + (1 + 2) + 5,
    "cortex-m3": 4 + (2 + 1 + 1) + 1 + 2 + (1 + 3) + 6,
    "cortex-m4": 4 + (2 + 1 + 1) + 1 + 2 + (1 + 3) + 6,
    "rv32imc": 2 + 2 + 1 + 2 + 37 + 1 + 2,
}


@pytest.mark.parametrize("core", DELAY_CYCLES)
def test_delay_loop(driver: Path, tmp_path: Path, core: str) -> None:
    """A loop of two instructions, by the manual."""
    got = count(driver, tmp_path, core, DELAY[core])
    assert got["instructions"] == 202
    assert got["branch"] == 100
    assert got["taken"] == 99
    assert got["branch_register"] == got["taken_register"] == 1
    assert got["cycles"] == DELAY_CYCLES[core]


@pytest.mark.parametrize("core", COPY_CYCLES)
def test_copy_loop(driver: Path, tmp_path: Path, core: str) -> None:
    """Loads and stores, by the manual."""
    got = count(driver, tmp_path, core, COPY[core])
    assert got["instructions"] == 1 + 25 * 6 + 1
    assert got["load"] == got["store"] == 25
    assert got["cycles"] == COPY_CYCLES[core]


@pytest.mark.parametrize("core", MIXED_CYCLES)
def test_mixed(driver: Path, tmp_path: Path, core: str) -> None:
    """Multiples, products and calls, by the manual."""
    got = count(driver, tmp_path, core, MIXED[core])
    assert got["cycles"] == MIXED_CYCLES[core]


def test_avr(driver: Path, tmp_path: Path) -> None:
    """100 turns more are 300 cycles more: DEC takes 1 and BRNE, taken, 2."""
    turns = "ldi r24, {}; 1: dec r24; brne 1b; ret"
    first = count(driver, tmp_path, "avr", turns.format(100))["cycles"]
    second = count(driver, tmp_path, "avr", turns.format(200))["cycles"]
    assert second - first == 300


@pytest.mark.parametrize("core", ["cortex-m4", "rv32imc"])
def test_wait_states(driver: Path, tmp_path: Path, core: str) -> None:
    """Each branch that leaves the line waits, and so does a read of flash."""
    fast = count(driver, tmp_path, core, DELAY[core])["cycles"]
    slow = count(driver, tmp_path, core, DELAY[core], waits=5)["cycles"]
    assert slow - fast == 5 * (99 + 1)
    if core == "cortex-m4":
        literal = "ldr r3, 1f; ldr r2, [r1]; bx lr; .balign 4; 1: .word 7"
        got = count(driver, tmp_path, core, literal, waits=3)
        assert got["constant_read"] == 1
        assert got["cycles"] == 2 + 1 + 3 + 3 * 2


# Every class once or more: instruction(s) and the counts they must give.
CLASSES = {
    "cortex-m0": [
        ("muls r0, r1", {"multiply": 1}),
        ("push {r0-r3}; pop {r0-r3}", {"load_multiple": 1, "store_multiple": 1, "load_words": 4}),
        ("stmia r2!, {r0, r1}", {"store_multiple": 1, "store_words": 2}),
        ("mov r8, r8; add r8, r8; sxtb r0, r0; rev r0, r0; nop; tst r0, r1", {"other": 6}),
        ("b 2f; 2:", {"branch": 1}),
        ("dmb", {"system": 1}),
    ],
    "cortex-m4": [
        ("ldrb r0, [r1, r0]; ldrsh.w r0, [r1, #2]; ldrb.w r0, [r1], #1", {"load": 3}),
        ("strb r0, [r2]; strh.w r0, [r2, #2]; str.w r0, [r2, #-4]!", {"store": 3}),
        ("ldrd r0, r3, [r1]; ldm.w r1, {r0, r3, r12}", {"load_multiple": 2, "load_words": 5}),
        ("strd r0, r3, [r2]", {"store_multiple": 1, "store_words": 2}),
        ("mul r0, r3, r0; mla r0, r0, r3, r0; mls r0, r0, r3, r0", {"multiply": 1,
                                                                    "multiply_add": 2}),
        ("smull r0, r3, r0, r3; umlal r0, r3, r0, r1", {"multiply_long": 2}),
        ("sdiv r0, r0, r1; udiv r0, r0, r1", {"divide": 2}),
        ("smlad r0, r0, r3, r0; sxtb16 r0, r0; sadd16 r0, r0, r3; smlabb r0, r0, r3, r0; "
         "smmlar r0, r0, r3, r0; qadd r0, r0, r3; sel r0, r0, r3", {"simd": 7}),
        ("ssat r0, #8, r0; sxtb.w r0, r0; lsl.w r0, r0, r3; clz r0, r0; pkhbt r0, r0, r3; "
         "movw r0, #1; bfi r0, r3, #1, #2; cmp.w r0, r3; it eq; moveq r0, r3", {"other": 10}),
        ("cbz r1, 2f; nop; 2:", {"branch": 1, "other": 1}),
        ("b.w 2f; 2:; pld [r1]", {"branch": 1, "other": 1}),
        ("mrs r0, msp; dsb", {"system": 2}),
    ],
    "cortex-m4f": [
        ("vldr s0, [r1]; vstr s0, [r2]", {"load": 1, "store": 1}),
        ("vldmia r1, {s0-s3}; vpush {s0, s1}; vpop {s0, s1}",
         {"load_multiple": 2, "store_multiple": 1, "load_words": 6, "store_words": 2}),
        ("vmov s0, r0; vmov r0, s0; vmov.f32 s0, s1; vmov.f32 s0, #1.0; vmrs r0, fpscr",
         {"float_move": 5}),
        ("vadd.f32 s0, s0, s1; vmul.f32 s0, s0, s1; vcmp.f32 s0, s1; vcvt.f32.s32 s0, s0; "
         "vabs.f32 s0, s0; vneg.f32 s0, s0", {"float": 6}),
        ("vmla.f32 s0, s0, s1; vfma.f32 s0, s0, s1", {"float_multiply_add": 2}),
        ("vdiv.f32 s0, s0, s1; vsqrt.f32 s0, s0", {"float_divide": 2}),
    ],
    "cortex-m55": [
        ("vldrw.u32 q0, [r1]; vstrb.8 q0, [r2]", {"vector_load": 1, "vector_store": 1}),
        ("vadd.i32 q0, q0, q1; vmladav.s8 r0, q0, q1; vmul.i8 q0, q0, q1; vdup.8 q0, r0",
         {"vector": 4}),
        ("vldrw.u32 q0, [r1]; vmla.s32 q1, q0, r0; vldrw.u32 q0, [r1]", {"vector_overlap": 2}),
        ("mov r3, #3; dls lr, r3; 2: nop; le lr, 2b; mov lr, r12", {"loop": 4, "taken": 0}),
    ],
    "rv32imc": [
        ("lb t0, 0(a1); lhu t0, 2(a1); c.lw a0, 0(a1)", {"load": 3}),
        ("sb t0, 0(a2); c.sw a0, 0(a2)", {"store": 2}),
        ("mul t0, t0, t1; mulhsu t0, t0, t1; rem t0, t0, t1",
         {"multiply": 1, "multiply_long": 1, "divide": 1}),
        ("beqz t0, 2f; 2: c.j 3f; 3: j 4f; 4:", {"branch": 3}),
        ("fence; fence rw, rw", {"system": 2}),
        ("lui t0, 1; auipc t0, 0; c.mv a0, a1; c.add a0, a1; c.nop; slt t0, t0, t1", {"other": 6}),
    ],
}
RETURN = {"rv32imc": "ret"}


@pytest.mark.parametrize("core", CLASSES)
def test_classes(driver: Path, tmp_path: Path, core: str) -> None:
    """Each instruction is counted in its class, whatever stands around it."""
    save = "" if core in RETURN else "mov r12, lr; " if core == "cortex-m55" else ""
    back = RETURN.get(core, "bx lr")
    base = count(driver, tmp_path, core, f"{save}{back}")
    for lines, want in CLASSES[core]:
        got = count(driver, tmp_path, core, f"{save}{lines}; {back}")
        gained = {key: got.get(key, 0) - base.get(key, 0) for key in want}
        assert gained == want, lines
        number = sum(
            value for key, value in want.items()
            if not key.endswith("_words") and key not in ("vector_overlap", "taken")
        )
        known = got["instructions"] - base["instructions"]
        if core != "cortex-m55" and "movw" not in lines:
            assert known == number, lines


PARTS = """
#include "loop.h"
#ifndef LOOP_MARK
#define LOOP_MARK(step)
#endif
__attribute__((noinline)) static int work(const int8_t *in, int n)
{
    int sum = 0;
    for (int i = 0; i < n; i++)
        sum += in[i] * in[63 - i];
    return sum;
}
void loop_run(union loop_scratch *scratch, const int8_t in[64], int8_t out[64])
{
    LOOP_MARK(0)
    scratch->s8[0] = (int8_t)work(in, 10);
    LOOP_MARK(1)
    scratch->s8[1] = (int8_t)work(in, %d);
    LOOP_MARK(2)
    out[0] = (int8_t)work(scratch->s8, 2);
}
"""


@pytest.mark.parametrize("core", ["cortex-m0", "cortex-m4", "cortex-m55", "rv32imc", "avr"])
def test_layers(driver: Path, tmp_path: Path, core: str) -> None:
    """Layers add up, two runs agree, and only the layer that does more takes more."""
    short = count_source(driver, tmp_path, core, PARTS % 20, layers=3)
    again = count_source(driver, tmp_path, core, PARTS % 20, layers=3)
    longer = count_source(driver, tmp_path, core, PARTS % 40, layers=3)
    assert short == again
    figure = "cycles" if core == "avr" else "instructions"
    assert short[figure] == sum(short[f"{layer}.{figure}"] for layer in range(3))
    assert longer["0." + figure] == short["0." + figure]
    assert longer["2." + figure] == short["2." + figure]
    turns = {n: short[f"0.{figure}"] if n == 10 else short[f"1.{figure}"] for n in (10, 20)}
    ten = (longer["1." + figure] - short["1." + figure]) // 2
    assert abs(turns[20] - turns[10] - ten) < 12
    assert short["overhead"] == 0
    assert 0 < short["stack"] <= short["bound"]


@pytest.mark.parametrize("core", ["cortex-m0", "cortex-m4", "cortex-m55", "rv32imc"])
def test_a_layer_is_the_difference_of_two_programs(
    driver: Path, tmp_path: Path, core: str
) -> None:
    """A program without a layer takes what the others took, but for calling it.

    The layers are functions that the compiler must not merge: of a generated file it may inline
    other kernels when one more is called, and then other layers change, too.
    """
    whole = PARTS % 30
    step = next(line for line in whole.splitlines() if "30" in line)
    with_it = count_source(driver, tmp_path, core, whole, layers=3)
    without = count_source(driver, tmp_path, core, whole.replace(step, ""), layers=3)
    difference = with_it["instructions"] - without["instructions"]
    assert with_it["1.instructions"] > 100
    assert abs(difference - with_it["1.instructions"]) <= 8
    assert abs(with_it["0.instructions"] - without["0.instructions"]) <= 8


DEEP = """
#include "loop.h"
#ifndef LOOP_MARK
#define LOOP_MARK(step)
#endif
__attribute__((noinline)) static int inner(const int8_t *in, int at)
{
    volatile int8_t copy[%d];
    for (int i = 0; i < %d; i++)
        copy[i] = in[i %% 64];
    return copy[at];
}
__attribute__((noinline)) static int outer(const int8_t *in, int at)
{
    volatile int8_t copy[40];
    for (int i = 0; i < 40; i++)
        copy[i] = in[i];
    return copy[at] / (inner(in, at) | 1);
}
void loop_run(union loop_scratch *scratch, const int8_t in[64], int8_t out[64])
{
    LOOP_MARK(0)
    out[0] = (int8_t)(outer(in, 1) + scratch->s8[0]);
}
"""


@pytest.mark.parametrize(
    "core", [*(THUMB.split() if ALL else ("cortex-m0", "cortex-m55")), "rv32imc", "avr"]
)
def test_stack_bound(driver: Path, tmp_path: Path, core: str) -> None:
    """What was seen lies below the bound, and both grow with an array in the deepest function."""
    small = count_source(driver, tmp_path, core, DEEP % (100, 100))
    large = count_source(driver, tmp_path, core, DEEP % (500, 500))
    assert 400 <= large["stack"] - small["stack"] <= 408
    assert large["bound"] - small["bound"] == large["stack"] - small["stack"]
    assert 140 < small["stack"] <= small["bound"] < small["stack"] + 64


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("", "", "ok"),
        ("isa   = thumb", "isa   = z80", "some.cycles: isa is thumb or riscv"),
        ("load  = 2", "lod  = 2", "some.cycles:6: bad or repeated: lod"),
        ("load  = 2", "load  = two", "some.cycles:6: bad or repeated: load"),
        ("store = 1", "load = 1", "some.cycles:8: bad or repeated: load"),
        ("simd   = 1", "", "some.cycles: simd is missing"),
        ("simd   = 1", "simd", "some.cycles:17: expected `key = value`"),
    ],
)
def test_tables_are_checked(driver: Path, tmp_path: Path, old: str, new: str, message: str) -> None:
    """A broken table is refused by line."""
    text = (ROOT / "target/cortex-m4.cycles").read_text()
    assert old in text
    path = tmp_path / "some.cycles"
    path.write_text(text.replace(old, new, 1))
    done = subprocess.run([driver, "parse", path], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == message


def test_every_core_has_a_table() -> None:
    """All but the host, which is timed, and AVR, whose emulator counts."""
    cores = {path.stem for path in (ROOT / "target").glob("*.target")} - {"host", "avr"}
    assert {path.stem for path in (ROOT / "target").glob("*.cycles")} == cores
