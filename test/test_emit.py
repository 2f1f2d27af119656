# SPDX-License-Identifier: Apache-2.0
"""Generated C: clean under every compiler, exact on the host, and free of side effects."""

from __future__ import annotations

import json
import random
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from conformance.case import Tolerance, families
import conformance.cases  # noqa: F401 - declares the families
from conformance.compare import compare
from conformance.seeds import SPECIAL
from generated import VARIANTS, Generated, check_program, generate
from small_models import two_ends, unread
from support import ALL, PORTABLE, WARNINGS, evaluate, inspect, mica, need, random_inputs, run

# A family meets every variant in the long sweep.
CASES_A_FAMILY = 10 if ALL else 1
MODELS_A_PROGRAM = 30 if ALL else 15
SEED = 7

# What the compiler's own run-time provides and a model without floats may use.
INTEGER_HELPERS = re.compile(
    r"mem(cpy|set|move)|__aeabi_(mem\w+|u?idiv(mod)?|lmul|u?ldivmod|lasr|llsl|llsr|[u]?lcmp)"
    r"|__(gnu_thumb1_case_\w+|clzsi2|clzdi2|ashldi3|ashrdi3|lshrdi3|muldi3|divdi3|udivdi3)"
)
# A float model may compute in software, but takes nothing of a C library but memory functions.
FLOAT_HELPERS = re.compile(r"__aeabi_\w+|__\w+[sd]f\w*|__\w+[sd]i\d?\w*")
# Why a case may be refused for AVR: its arrays, or the 8 KB of the part.
TOO_LARGE = re.compile(r"on AVR, no array exceeds|does not fit|too large")


def chosen_names() -> list[str]:
    """Cases of every family that the reference and Mica take, always the same."""
    names = []
    for key, specs in families().items():
        if specs[0].required:
            count = min(CASES_A_FAMILY, len(specs))
            chosen = random.Random(f"{key} {SEED}").sample(specs, count)
            names += [spec.name for spec in chosen]
    return names


NAMES = chosen_names()
BATCHES = [NAMES[at : at + MODELS_A_PROGRAM] for at in range(0, len(NAMES), MODELS_A_PROGRAM)]


def write_cases(names: list[str], folder: Path) -> list[Path]:
    """Models, inputs and the oracle's answers, by a process of its own: an oracle may abort."""
    chosen = [word for name in names for word in ("--case", name)]
    here = Path(__file__).parent
    run(sys.executable, "-m", "conformance.run", "--emit", folder, len(names), *chosen, cwd=here)
    paths = sorted(folder.glob("*.tflite"))
    # What is refused by name is the business of the conformance tests.
    return [path for path in paths if mica("inspect", path, status=None).returncode != 1]


def generate_case(path: Path, folder: Path, variant: str) -> Generated:
    """A case in C, after checking that `mica eval` gives the oracle's answer."""
    facts = json.loads(path.with_suffix(".json").read_text())
    inputs = [np.load(path.with_suffix(f".in{place}.npy")) for place in range(len(facts["inputs"]))]
    model = generate(path, folder, variant, inputs, facts["profile"])
    result = compare(
        model.want[0], np.load(path.with_suffix(".want.npy")), Tolerance[facts["tolerance"]]
    )
    assert result.accepted, f"{path.stem}: {result.detail}"
    return model


def check_compilers(models: list[Generated], folder: Path) -> None:
    """Every cross compiler takes the files without a word; the headers are C++ as well."""
    sources = [file for model in models for file in model.sources]
    objects = folder / "arm"
    objects.mkdir()
    need("arm-none-eabi-gcc", "riscv64-unknown-elf-gcc", "avr-gcc", "g++")
    arm = ("arm-none-eabi-gcc", "-mcpu=cortex-m0", "-mthumb", "-mfloat-abi=soft")
    run(*arm, *PORTABLE, "-Os", "-c", *sources, cwd=objects)
    riscv = ("riscv64-unknown-elf-gcc", "-march=rv32imc", "-mabi=ilp32", "-ffreestanding")
    other = folder / "riscv"
    other.mkdir()
    run(*riscv, *PORTABLE, "-O2", "--specs=picolibc.specs", "-c", *sources, cwd=other)
    for model in models:
        compiled = [objects / file.with_suffix(".o").name for file in model.sources]
        check_symbols(model, compiled)
    lines = [f'#include "{model.header.name}"\n' for model in models]
    cpp = folder / "headers.cpp"
    cpp.write_text("".join(lines + lines))
    run("g++", "-std=c++11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", cpp)


def check_symbols(model: Generated, objects: list[Path]) -> None:
    """Only NAME_* is visible; nothing is asked of others but the compiler's helpers."""
    defined, undefined = set(), set()
    for line in run("arm-none-eabi-nm", "-g", *objects).stdout.splitlines():
        words = line.split()
        if len(words) >= 2 and words[-2] == "U":
            undefined.add(words[-1])
        elif len(words) == 3:
            defined.add(words[-1])
    assert f"{model.name}_run" in defined
    assert all(symbol.startswith(f"{model.name}_") for symbol in defined)
    if "--split-weights" not in VARIANTS[model.variant]:
        assert defined == {f"{model.name}_run"}
    foreign = [symbol for symbol in undefined - defined if not INTEGER_HELPERS.fullmatch(symbol)]
    if model.is_float:
        foreign = [symbol for symbol in foreign if not FLOAT_HELPERS.fullmatch(symbol)]
    assert not foreign, f"{model.name} uses {foreign}"
    text = "".join(file.read_text() for file in model.sources)
    assert not re.search(r"#include <(stdio|stdlib|math)\.h>", text)
    assert not re.search(r"\b(malloc|printf|alloca)\b", text)


def check_avr(paths: list[Path], folder: Path) -> None:
    """Compiled for AVR, and for another core, avr-gcc takes it without a word."""
    folder.mkdir()
    for place, path in enumerate(paths):
        name = re.sub(r"\W", "_", path.stem)
        words = ("compile", path, "-o", folder, "--name", name, "--target")
        done = mica(*words, "avr", status=None)
        too_large = done.returncode == 1 and TOO_LARGE.search(done.stderr)
        assert done.returncode == 0 or too_large, f"{path.stem}: {done.stderr}"
        if place % 4 == 0 and not too_large:
            mica(*words, "cortex-m4")
    sources = sorted(folder.glob("*.c"))
    assert len(sources) >= len(paths) * 3 // 4
    run("avr-gcc", "-mmcu=atmega2560", *PORTABLE, "-Os", "-c", *sources, cwd=folder)


def check_host(models: list[Generated], folder: Path) -> None:
    """All models in one program, with gcc and sanitizers, and with clang and guard bytes."""
    sanitizers = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    check_program(models, folder, "gcc", *PORTABLE, "-O1", *sanitizers)
    need("clang")
    check_program(models, folder, "clang", *PORTABLE, "-O2")


def variant_of(path: Path, place: int, folder: Path) -> str:
    """The variants in turn; `speed` in place of that for AVR where its arrays are too small."""
    variant = list(VARIANTS)[place % len(VARIANTS)]
    if "avr" in VARIANTS[variant]:
        words = ("compile", path, "-o", folder / "tried", "--name", "tried", *VARIANTS[variant])
        done = mica(*words, status=None)
        return "speed" if done.returncode and TOO_LARGE.search(done.stderr) else variant
    return variant


@pytest.mark.parametrize("batch", range(len(BATCHES)))
def test_cases(batch: int, tmp_path: Path) -> None:
    """Cases of every operator and type, with the variants in turn."""
    paths = write_cases(BATCHES[batch], tmp_path / "cases")
    assert len(paths) >= len(BATCHES[batch]) * 3 // 4, "too many are refused"
    models = []
    for place, path in enumerate(paths):
        models.append(generate_case(path, tmp_path, variant_of(path, place + batch, tmp_path)))
    check_host(models, tmp_path)
    check_compilers(models, tmp_path)
    check_avr(paths, tmp_path / "avr")


def test_several_inputs_and_outputs(tmp_path: Path) -> None:
    """Every variant of a model with strange names, several ends and shared tensors."""
    path, inputs = two_ends(tmp_path)
    models = [generate(path, tmp_path, variant, inputs, "tflm") for variant in VARIANTS]
    check_host(models, tmp_path)
    check_compilers(models, tmp_path)
    check_avr([path], tmp_path / "avr")


def special_models(folder: Path) -> list[tuple[Path, list[np.ndarray]]]:
    """Models with what single operators do not have; what no compiler supports is left out."""
    models = [unread(folder)]
    for build in SPECIAL:
        path = folder / f"{build.__name__}.tflite"
        path.write_bytes(build(False))
        if build.__name__ in ("subgraphs", "state", "custom"):
            continue
        ends = inspect(path)["inputs"]
        models.append((path, [random_inputs(end["shape"], end["type"], 3) for end in ends]))
    return models


def test_special_models(tmp_path: Path) -> None:
    """Inputs that are outputs or that nothing reads, constant outputs, folding, fusing."""
    chosen = special_models(tmp_path)
    variants = list(VARIANTS)
    models = [
        generate(path, tmp_path, variants[(place + turn) % len(variants)], inputs, "litert")
        for place, (path, inputs) in enumerate(chosen)
        for turn in (range(len(variants)) if ALL else (0, 2))
    ]
    check_host(models, tmp_path)
    check_compilers(models, tmp_path)
    check_avr([path for path, _ in chosen], tmp_path / "avr")


def test_profiles_differ_where_they_should(tmp_path: Path) -> None:
    """The profile reaches the C file, which equals `mica eval` of that profile."""
    path, inputs = two_ends(tmp_path)
    texts: set[str] = set()
    for profile in ("tflm", "single", "litert"):
        folder = tmp_path / profile
        folder.mkdir()
        models = [generate(path, folder, "speed", inputs, profile)]
        check_program(models, folder, "gcc", *PORTABLE, "-O1")
        texts.add(models[0].sources[0].read_text())
    assert len(texts) == 3


@pytest.mark.parametrize("variant", VARIANTS)
def test_output_is_deterministic(variant: str, tmp_path: Path) -> None:
    """The same bytes from any folder and any path, and neither appears in them."""
    (path,) = write_cases(["conv_2d-int8-0001"], tmp_path / "cases")
    texts = []
    for place in ("here", "elsewhere/below"):
        folder = tmp_path / place
        folder.mkdir(parents=True)
        copy = shutil.copy(path, folder)
        mica("compile", copy, "-o", "out", "--name", "model", *VARIANTS[variant], cwd=folder)
        mica("compile", copy, "-o", "again", "--name", "model", *VARIANTS[variant], cwd=tmp_path)
        for out in (folder / "out", tmp_path / "again"):
            texts.append({file.name: file.read_bytes() for file in out.iterdir()})
        for data in texts[-1].values():
            assert str(tmp_path).encode() not in data and b"elsewhere" not in data
            assert data.endswith(b"\n") and b"\t" not in data and b"\r" not in data
    assert all(text == texts[0] for text in texts[1:])
    assert len(texts[0]) == (3 if "--split-weights" in VARIANTS[variant] else 2)


@pytest.mark.skipif(not ALL, reason="the long sweep (MICA_ALL=1)")
@pytest.mark.parametrize("core", ["cortex-m0", "cortex-m55", "rv32imc", "avr"])
@pytest.mark.parametrize("batch", range(4))
def test_cases_on_cores(core: str, batch: int, tmp_path: Path) -> None:
    """A case of every family has the bits of `mica eval` on emulated cores."""
    need("qemu-system-arm", "qemu-system-riscv32", "simavr")
    paths = write_cases(NAMES[::CASES_A_FAMILY][batch::4], tmp_path / "cases")
    ran = sum(runs_on_core(path, tmp_path, core) for path in paths)
    assert ran == len(paths) if core != "avr" else ran >= len(paths) * 2 // 3


def runs_on_core(path: Path, folder: Path, core: str) -> bool:
    """`mica run` writes the bytes of `mica eval`; False where the core is too small."""
    facts = json.loads(path.with_suffix(".json").read_text())
    arrays = [np.load(path.with_suffix(f".in{i}.npy"))[:2] for i in range(len(facts["inputs"]))]
    inputs = dict(zip(facts["inputs"], arrays)) if len(arrays) > 1 else arrays
    (want,) = evaluate(path, folder, inputs, (), facts["profile"])
    words = ["run", path, "--target", core, "--profile", facts["profile"]]
    for place, name in enumerate(facts["inputs"]):
        file = folder / f"in{place}.npy"
        words += ["--input", f"{name}={file}" if len(arrays) > 1 else file]
    done = mica(*words, "--output", folder / "core.npy", status=None)
    if core == "avr" and done.returncode == 1 and TOO_LARGE.search(done.stderr):
        return False
    assert done.returncode == 0, f"{path.stem} on {core}: {done.stdout + done.stderr}"
    assert np.load(folder / "core.npy").tobytes() == want.tobytes(), f"{path.stem} on {core}"
    return True


def test_warnings_are_the_projects() -> None:
    """The flags of this file are those that the project promises."""
    promised = "-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror".split()
    assert list(WARNINGS) == promised


@pytest.mark.parametrize("place", ["((volatile int8_t *)scratch)[-1]", "out_flat[LEN]"])
def test_the_program_notices(place: str, tmp_path: Path) -> None:
    """A byte written outside scratch, or behind an output, does not go unseen."""
    path, inputs = two_ends(tmp_path)
    model = generate(path, tmp_path, "speed", inputs, "tflm")
    source = model.sources[0]
    length = "TWO_ENDS_SPEED_OUTPUT_FLAT_LEN"
    wrong = f"\n{{\n    {place.replace('LEN', length)} = 1;\n"
    head, body = source.read_text().rsplit("\n{\n", 1)
    source.write_text(head + wrong + body)
    with pytest.raises(pytest.fail.Exception, match="wrote outside its memory"):
        check_program([model], tmp_path, "clang", "-std=c99", "-O1")
