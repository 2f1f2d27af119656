# SPDX-License-Identifier: Apache-2.0
"""Runs the programs of this folder on emulated cores, where kernels are assembly, and on others,
where they are portable loops over the same streams; and checks that damaged kernels are caught.

`make test` builds and runs the same programs on the host. MICA_SWEEP=1 takes every shape, MICA_ALL=1 every
seventh.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support import ALL, REPOSITORY, SWEEP, WARNINGS, need, run

HERE = Path(__file__).parent
# Programs by the names that tests and tables of damage have for them: a source and its flags.
PROGRAMS = {name: (name,) for name in ("add_linear", "blocks_f32", "bytes", "conv2d_winograd",
                                       "dense_pairs", "depthwise_column", "fours")}
PROGRAMS |= {"conv2d": ("shapes", "-DTEST_FAMILY=CONV2D"),
             "depthwise": ("shapes", "-DTEST_FAMILY=DEPTHWISE"),
             "depthwise3x3": ("shapes", "-DTEST_FAMILY=DEPTHWISE", '-DTEST_ROW="3x3"',
                              "-DTEST_FINER=50")}
THOROUGH = ("-DTEST_RANDOM=300",)
if ALL:
    THOROUGH = ("-DTEST_STRIDE=7", "-DTEST_RANDOM=3000")
if SWEEP:
    THOROUGH = ("-DTEST_STRIDE=1", "-DTEST_RANDOM=20000")
BRIEF = ("-DTEST_STRIDE=503", "-DTEST_RANDOM=400")
LEVELS = ("-O0", "-O1", "-O2", "-O3", "-Os")
MUTANTS = (
    ("add_linear", "add_linear_s8.h", "smlawt r12, r5, r8", "smlawb r12, r5, r8"),
    ("add_linear", "add_linear_s8.h", "ssat r11, #8, r11, asr #20", "ssat r11, #8, r11, asr #21"),
    ("add_linear", "add_linear_s8.h", "p->b_step == 1", "p->b_step < 2"),
    ("conv2d", "pairs.h", '"smlad lr, r6, " word ", lr', '"smlad lr, r5, " word ", lr'),
    ("conv2d", "pairs.h", "sub lr, lr, r7", "mov lr, lr"),
    ("conv2d", "pairs.h", '"lr", "r2", "asr #7"', '"lr", "r2", "asr #8"'),
    ("conv2d", "pairs.h", "STEP_BYTES = 64", "STEP_BYTES = 128"),
    ("conv2d", "pairs.h", "strb r2, [r4], #1", "strb r3, [r4], #1"),
    ("conv2d", "pairs.h", "cmp r9, #0", "cmp r9, #1"),
    ("conv2d", "pairs.h", "taps == 4 ? 4", "taps == 8 ? 4"),
    ("conv2d", "conv2d_patch_pairs_s8.h", "add r9, r9, r4", "add r9, r9, r7"),
    ("conv2d", "conv2d_patch_pairs_s8.h", "x + 3 < p->out_w", "x + 2 < p->out_w"),
    ("depthwise3x3", "depthwise3x3.h", "cmp r10, #0", "cmp r10, #1"),
    ("conv2d", "expand3.h", "sxtb16 r9, r6, ror #8", "sxtb16 r9, r6"),
    ("conv2d", "requantize_twice.h", "smmlar", "smmla"),
    ("conv2d", "requantize_twice.h", "asr #31", "lsr #31"),
    ("conv2d", "conv2d_pairs_s8.h", "at.x + 3 <", "at.x + 2 <"),
    ("conv2d", "conv2d_patch_pairs_s8.h", "left < 0 ||", "left < -1 ||"),
    ("conv2d_winograd", "winograd.h", '"smlad r8, r12, r11, r8', '"smlad r8, lr, r11, r8'),
    ("conv2d_winograd", "winograd.h", "STEP_BYTES 44", "STEP_BYTES 88"),
    ("conv2d_winograd", "winograd.h", "cmp r12, #240", "cmp r12, #224"),
    ("conv2d_winograd", "winograd.h", "add r9, r10, r9, asr #1", "add r9, r10, r9, lsr #1"),
    ("conv2d_winograd", "winograd.h", "lsls r12, r12, #31", "lsls r12, r12, #30"),
    ("conv2d_winograd", "winograd.h", "ssub16 r10, r8, r10", "ssub16 r10, r10, r8"),
    ("conv2d_winograd", "winograd.h", '"sxtb16 r9, r5, ror #8', '"sxtb16 r9, r5, ror #16'),
    ("conv2d_winograd", "conv2d_winograd_s8.h", "right && below ? at", "below ? at"),
    ("conv2d_winograd", "conv2d_winograd_s8.h", "x < p->in_w;", "x <= p->in_w;"),
    ("conv2d", "conv2d_window_pairs_s8.h", "left >= 0", "left >= -1"),
    ("conv2d", "conv2d_window_pairs_s8.h", "x < p->in_w", "x <= p->in_w"),
    ("dense_pairs", "dense_pairs_s8.h", "(taps / 8) & 3", "(taps / 8) & 1"),
    ("conv2d", "conv2d_window_fours_s8.h", "column < p->in_w", "column <= p->in_w"),
    ("dense_pairs", "dense_pairs_s8.h", "STEP_BYTES = 106", "STEP_BYTES = 212"),
    ("dense_pairs", "dense_pairs_s8.h", "sub r3, r3, r2", "mov r3, r3"),
    ("dense_pairs", "dense_pairs_s8.h", '"smlad " low', '"smladx " low'),
    ("dense_pairs", "dense_pairs_s8.h", "sub lr, lr, r12", "mov lr, lr"),
    ("dense_pairs", "dense_pairs_s8.h", "left < 3", "left < 4"),
    ("depthwise3x3", "depthwise3x3_s8.h", "smlabt r6, r11, lr, r6", "smlatt r6, r11, lr, r6"),
    ("depthwise3x3", "depthwise3x3_w5_s8.h", "smlad r5, r10, lr, r5", "smlad r5, r9, lr, r5"),
    ("depthwise3x3", "depthwise3x3_w3_s8.h", "strb r4, [r10], #1", "strb r3, [r10], #1"),
    ("depthwise3x3", "depthwise3x3_stride2_s8.h", "smlabt r4, r11", "smlabt r4, r10"),
    ("depthwise3x3", "depthwise3x3.h", "40 - 8 *", "32 - 8 *"),
    ("depthwise3x3", "depthwise3x3.h", "have > 2", "have > 1"),
    ("blocks_f32", "blocks_f32.h", "MICA_BLOCKS_ADD(d, 29)", "MICA_BLOCKS_ADD(d, 31)"),
    ("blocks_f32", "blocks_f32.h", "MICA_BLOCKS_BIAS(16, 17, 18, 19)", ""),
    ("blocks_f32", "blocks_f32.h", "MICA_BLOCKS_ADD(20, 16)", ""),
    ("blocks_f32", "blocks_f32.h", "orr r5, r4, r5", "mov r5, r4"),
    ("blocks_f32", "blocks_f32.h", "and r4, r4, #4", "and r4, r4, #8"),
    ("blocks_f32", "blocks_f32.h", "vmov.f32 s20, s0", "vmov.f32 s20, s25"),
    ("blocks_f32", "blocks_f32.h", "adds r1, r1, #20", "adds r1, r1, #16"),
    ("blocks_f32", "blocks_f32.h", '"vpop {s16-s31}', '"vpop {s16-s29}'),
    ("blocks_f32", "blocks_f32.h", "ubfx r5, r4, #28, #1", "ubfx r5, r4, #27, #1"),
    ("blocks_f32", "blocks_f32.h", "vstmia r9!, {s4-s7}", "vstmia r9!, {s5-s8}"),
    ("blocks_f32", "blocks_f32.h", "bic r6,r6,r6,asr #31", "bic r6,r6,r6,asr #30"),
    ("blocks_f32", "blocks_f32.h", '"ldr r12, [r7], #4', '"ldr r12, [r6], #4'),
    ("blocks_f32", "conv2d_blocks_f32.h", "rows[0] && rows[below]", "rows[0] && below >= 0"),
    ("blocks_f32", "conv2d_blocks_f32.h", "4 * p->stride_w + p->kernel_w", "p->kernel_w"),
    ("blocks_f32", "conv2d_blocks_f32.h", "(1 - taps) & 3", "(2 - taps) & 3"),
    ("blocks_f32", "conv2d_blocks_f32.h", "before < run ? before : run", "before"),
    ("blocks_f32", "depthwise_blocks_f32.h", '"stmia r12!, {r4-r7}', '"adds r12, #16'),
    ("blocks_f32", "depthwise_blocks_f32.h", "vmul.f32 s27, s19, s23", "vmul.f32 s27, s19, s22"),
    ("blocks_f32", "depthwise_blocks_f32.h", "4 - (p->in_c - whole)", "p->in_c - whole"),
    ("blocks_f32", "dense_blocks_f32.h", '"ands r12, r2, #3', '"ands r12, r2, #1'),
    ("blocks_f32", "dense_blocks_f32.h", "MICA_DENSE_MUL(22, 14, x)", "MICA_DENSE_MUL(22, 13, x)"),
    ("depthwise_column", "depthwise_column_s8.h", "smlatt r6", "smlabb r6"),
    ("depthwise_column", "depthwise_column_s8.h", "smultt r7", "smulbt r7"),
    ("depthwise_column", "depthwise_column_s8.h", '"ldr r9, [r9, r12]', '"ldr r9, [r9]'),
    ("depthwise_column", "depthwise_column_s8.h", '"ldr r8, [r8, r12]', '"ldr r8, [r8]'),
    ("depthwise", "depthwise_planar_s8.h", "smlad r5, r9, r7, r5", "smlad r5, r8, r7, r5"),
    ("depthwise", "depthwise_planar_stride_s8.h", "[r1, #8]", "[r1, #4]"),
    ("depthwise", "depthwise_planar.h", "mov lr, #0", "mov lr, lr"),
    ("depthwise", "depthwise_planar.h", "str r10, [r6, r11, lsl #1]", "str r10, [r6, r11]"),
    ("depthwise3x3", "planar.h", "str r10, [r6, #144]", "str r10, [r6, #96]"),
)
V6M_MUTANTS = (
    ("conv2d", "quads.h", '"adcs r3, r6', '"adds r3, r3, r6'),
    ("conv2d", "quads.h", '"add r9, r6', '"add r9, r5'),
    ("conv2d", "quads.h", 'OUT("4", "20")', 'OUT("4", "24")'),
    ("conv2d", "quads.h", '"asrs r5, r5, #15', '"asrs r5, r5, #14'),
    ("conv2d", "quads.h", '"eors r5, r4', '"orrs r5, r4'),
    ("conv2d", "requantize_twice.h", '"add r5, r11', '"add r5, r5'),
    ("conv2d", "requantize_twice.h", '"asrs r5, r4, #31', '"lsrs r5, r4, #31'),
    ("dense_pairs", "dense_fours_s8.h", '"ldrsb r7, [r3, r5]', '"ldrsb r7, [r2, r5]'),
    ("dense_pairs", "dense_fours_s8.h", "out_n - 4 : o", "out_n - 3 : o"),
    ("conv2d", "conv2d_quads_s8.h", "p->kernel_w <= p->in_w", "p->kernel_w <= p->in_w + 1"),
)


def facts(core: str) -> dict[str, str]:
    """What target/CORE.target says."""
    lines = (REPOSITORY / "target" / f"{core}.target").read_text().splitlines()
    return {key.strip(): value.strip() for key, value in (line.split("=", 1) for line in lines)}


def link_flags(core: str) -> list[str]:
    """What turns objects into a program for the emulator."""
    core_facts = facts(core)
    memory = []
    for name in ("flash", "ram"):
        start, size = core_facts[name].split()
        memory += [f"-Wl,--defsym=__{name}={start}", f"-Wl,--defsym=__{name}_size={size}"]
    return [*core_facts["link-flags"].split(), *memory, "-Wl,--defsym=__stack_size=0x4000"]


def emulate(
    tmp_path: Path,
    core: str,
    program: str,
    *flags: str,
    compiler: tuple[str, ...] = (),
    kernels: Path = REPOSITORY / "kernels",
    profile: str = "tflm",
    status: int | None = 0,
) -> str:
    """Build a program for a core, run it under the emulator, return what it printed."""
    core_facts = facts(core)
    need(core_facts["compiler"], core_facts["emulator"])
    source, *chosen = PROGRAMS.get(program, (program,))
    sources = [HERE / f"test_{source}.c", *sorted((REPOSITORY / "src/op").glob("pack_*.c"))]
    includes = [
        f"-I{path}"
        for path in (
            REPOSITORY / "src",
            kernels / "nn",
            kernels / "profile" / profile,
            HERE.parent,
        )
    ]
    cross = [core_facts["compiler"], *core_facts["compile-flags"].split()]
    objects = []
    for path in sources:
        objects.append(tmp_path / f"{path.stem}.o")
        run(*(compiler or cross), "-std=c11", *WARNINGS, *includes, *chosen, *flags, "-c", path,
            "-o", objects[-1])
    elf = tmp_path / "program.elf"
    run(*cross, *objects, *link_flags(core), "-o", elf)
    done = run(core_facts["emulator"], *core_facts["emulator-flags"].split(), elf, status=status)
    return done.stdout + done.stderr  # the emulator says what the program prints on either


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("core", ("cortex-m4f", "cortex-m7", "cortex-m33", "cortex-m0", "rv32imc"))
def test_cores(tmp_path: Path, core: str, program: str) -> None:
    thorough = THOROUGH if core == "cortex-m4f" else BRIEF
    assert "passed, 0 failed" in emulate(tmp_path, core, program, "-O2", *thorough)


@pytest.mark.parametrize("program", PROGRAMS)
def test_one_rounding(tmp_path: Path, program: str) -> None:
    out = emulate(tmp_path, "cortex-m4f", program, "-O2", "-DTEST_SINGLE=1", *THOROUGH,
                  profile="single")
    assert "passed, 0 failed" in out


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("level", LEVELS)
def test_gcc_levels(tmp_path: Path, program: str, level: str) -> None:
    out = emulate(tmp_path, "cortex-m4f", program, level, *BRIEF)
    assert "passed, 0 failed" in out


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("level", LEVELS)
def test_clang_levels(tmp_path: Path, program: str, level: str) -> None:
    need("clang", "arm-none-eabi-gcc")
    library = Path(run("arm-none-eabi-gcc", "--specs=picolibc.specs",
                       "-print-file-name=picolibc.specs").stdout.strip())
    assert library.is_absolute(), "picolibc is not where gcc looks for it"
    headers = "/usr/lib/picolibc/arm-none-eabi/include"
    clang = ("clang", "--target=arm-none-eabi", "-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard",
             "-mfpu=fpv4-sp-d16", "-isystem", headers)
    out = emulate(tmp_path, "cortex-m4f", program, level, *BRIEF, compiler=clang)
    assert "passed, 0 failed" in out


def mutate(kernels: Path, file: str, old: str, new: str) -> None:
    """A copy of the kernels with one of them changed."""
    for part in ("nn", "profile/tflm"):
        (kernels / part).mkdir(parents=True)
        for path in (REPOSITORY / "kernels" / part).glob("*.h"):
            text = path.read_text()
            if path.name == file:
                assert old in text, f"{file} has no '{old}'"
                text = text.replace(old, new)
            (kernels / part / path.name).write_text(text)


DAMAGE = [*(("cortex-m4f", *mutant) for mutant in MUTANTS),
          *(("cortex-m0", *mutant) for mutant in V6M_MUTANTS)]


@pytest.mark.parametrize("core, program, file, old, new", DAMAGE,
                         ids=[f"{case[2]}-{i}" for i, case in enumerate(DAMAGE)])
def test_mutants(tmp_path: Path, core: str, program: str, file: str, old: str, new: str) -> None:
    """A kernel with one instruction or constant wrong does not pass."""
    kernels = tmp_path / "kernels"
    mutate(kernels, file, old, new)
    out = emulate(tmp_path, core, program, "-O2", *BRIEF, kernels=kernels, status=None)
    assert "passed, 0 failed" not in out
