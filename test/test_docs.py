# SPDX-License-Identifier: Apache-2.0
"""What the pages say is what there is: commands, make targets, cores, operators, links, code."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest

from support import MICA, PORTABLE, REPOSITORY, mica, need, run

PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "examples/**/*.md", "kernels/*.md", "target/*.md")
    for path in REPOSITORY.glob(pattern)
)
CORE = re.compile(r"\b(?:cortex-m\d+\w*|rv\d\d\w+)\b")


def page_id(path: Path) -> str:
    """The page's path in the repository."""
    return str(path.relative_to(REPOSITORY))


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.M | re.S)


def shell_lines(page: Path) -> list[str]:
    """The commands of a page, without prompts and comments; continued lines are one."""
    text = "".join(blocks(page, "sh")).replace("\\\n", " ")
    lines = [re.sub(r"\s+#.*", "", line).removeprefix("$ ").strip() for line in text.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def target_facts(core: str) -> dict[str, str]:
    """What target/CORE.target says."""
    lines = (REPOSITORY / "target" / f"{core}.target").read_text().splitlines()
    return {key.strip(): value.strip() for key, value in (line.split("=", 1) for line in lines)}


def listed_cores() -> list[str]:
    """The cores of `mica targets`."""
    head, *rows = mica("targets").stdout.split("\n\n")[0].splitlines()
    assert head.startswith("CORE ")
    return [row.split()[0] for row in rows]


def make_targets() -> set[str]:
    """The rules of the Makefile."""
    return set(re.findall(r"^([a-z][\w-]*):", (REPOSITORY / "Makefile").read_text(), re.M))


def check_command(line: str) -> None:
    """The program, target or subcommand exists, and its flags are on its help page."""
    words = [word for word in shlex.split(line) if "=" not in word or word.startswith("-")]
    if words[0] == "make":
        unknown = [word for word in words[1:] if word not in make_targets()]
        assert not unknown, f"no target {unknown} in the Makefile"
    elif words[0].endswith("mica"):
        page = mica(words[1], "--help").stdout if len(words) > 1 and words[1][0] != "-" else ""
        flags = [word.split("=")[0] for word in words[2:] if word.startswith("--")]
        missing = [flag for flag in flags if flag not in page and flag != "--help"]
        assert not missing, f"{missing} is not explained by mica {words[1]} --help"
    elif "/" in words[0] and not words[0].startswith((".venv/", "../.venv/")):
        assert (REPOSITORY / words[0]).exists(), f"{words[0]} does not exist"


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_commands_exist(page: Path) -> None:
    """Every command of a page names what is there."""
    for line in shell_lines(page):
        for command in re.split(r"\s(?:&&|\|\||\|)\s", line):
            check_command(command)


def test_readme_runs(tmp_path: Path) -> None:
    """The README's commands run as they stand, and its C compiles with what they made."""
    lines = [line for line in shell_lines(REPOSITORY / "README.md") if "mica " in line]
    assert len(lines) >= 4, "the README shows no use of the command"
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "mica").symlink_to(MICA)
    (tmp_path / "examples").symlink_to(REPOSITORY / "examples")
    need("gcc", "arm-none-eabi-gcc", "qemu-system-arm")
    for line in lines:
        run("sh", "-c", line, cwd=tmp_path)
    (source,) = blocks(REPOSITORY / "README.md", "c")
    (tmp_path / "example.c").write_text(source)
    files = ("example.c", *(tmp_path / "out").glob("*.c"))
    run("gcc", *PORTABLE, "-Iout", "-c", *files, cwd=tmp_path)


def test_generated_page(tmp_path: Path) -> None:
    """Each form of interface: its command runs, its C compiles with the header, all link as one."""
    page = REPOSITORY / "docs" / "generated.md"
    (tmp_path / "examples").symlink_to(REPOSITORY / "examples")
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "mica").symlink_to(MICA)
    for name, graph in zip(("listen", "alarm"), blocks(page, "mica-ir"), strict=True):
        (tmp_path / f"{name}.ir").write_text(graph)
    lines, sources = shell_lines(page), blocks(page, "c")
    assert len(lines) == len(sources) == 7
    for line in lines:
        run("sh", "-c", line, cwd=tmp_path)
    for place, source in enumerate(sources):
        (tmp_path / f"form{place}.c").write_text(source)
    (tmp_path / "main.c").write_text("int main(void)\n{\n    return 0;\n}\n")
    files = [*sorted(tmp_path.glob("*.c")), *sorted((tmp_path / "out").glob("*.c"))]
    for compiler in ("gcc", "clang"):
        need(compiler)
        run(compiler, *PORTABLE, "-Iout", *files, "-o", "all", cwd=tmp_path)


@pytest.mark.parametrize("core", ("host", "cortex-m4", "cortex-m0"))
@pytest.mark.parametrize("name", ("gcc", "clang"))
def test_kernels_page(tmp_path: Path, name: str, core: str) -> None:
    """Kernels by hand: the page's program prints what the page says."""
    page = REPOSITORY / "kernels" / "README.md"
    (source,), (printed,) = blocks(page, "c"), blocks(page, "text")
    (flags,) = re.findall(r"^```\n(-I .*?)\n```", page.read_text(), re.M)
    (tmp_path / "by_hand.c").write_text(source)
    need(name)
    facts = target_facts(core)
    command = [name, *PORTABLE, "-O2", *shlex.split(flags.replace("-I ", f"-I{REPOSITORY}/"))]
    if core == "host":
        run(*command, "by_hand.c", "-o", "by_hand", cwd=tmp_path)
        assert run(tmp_path / "by_hand").stdout == printed
        return
    need(facts["compiler"], facts["emulator"])
    if name == "clang":
        cpu = [flag for flag in facts["compile-flags"].split() if flag.startswith("-m")]
        command += ["--target=arm-none-eabi", *cpu, "-isystem",
                    "/usr/lib/picolibc/arm-none-eabi/include"]
    else:
        command = [facts["compiler"], *facts["compile-flags"].split(), *command[1:]]
    run(*command, "-c", "by_hand.c", cwd=tmp_path)
    memory = [f"-Wl,--defsym=__{part}{suffix}={value}" for part in ("flash", "ram")
              for suffix, value in zip(("", "_size"), facts[part].split())]
    run(facts["compiler"], *facts["compile-flags"].split(), "by_hand.o",
        *facts["link-flags"].split(), *memory, "-Wl,--defsym=__stack_size=0x1000", "-o", "by_hand",
        cwd=tmp_path)
    done = run(facts["emulator"], *facts["emulator-flags"].split(), tmp_path / "by_hand")
    assert done.stdout + done.stderr == printed


def test_kernels_page_names_kernels() -> None:
    """What the page's table chooses among exists; abbreviations are of names before them."""
    page = REPOSITORY / "kernels" / "README.md"
    files = re.findall(r"`(\w+\.h)`", page.read_text())
    there = {path.name for path in (REPOSITORY / "kernels").glob("*/*.h")}
    there |= {path.name for path in (REPOSITORY / "src" / "op").glob("*.h")}
    assert len(files) > 20 and not set(files) - there
    ways = "pairs|quads|fours|planar|planar_stride|column|winograd|bytes|blocks|linear"
    chosen = {path.name for path in (REPOSITORY / "kernels" / "nn").glob("*.h")
              if re.search(rf"_({ways})_(s8|f32)\.h$", path.name)}
    assert len(chosen) > 20
    assert not chosen - set(files), "which kernels of a core does the page not name?"


def test_readme_memory() -> None:
    """The RAM in the README's table is that of the code."""
    done = run(sys.executable, REPOSITORY / "bench" / "ram.py", "--check", status=None)
    assert done.returncode == 0, done.stdout + done.stderr


def test_readme_names_the_tests() -> None:
    """Newcomers are shown the demo and the tests."""
    lines = shell_lines(REPOSITORY / "README.md")
    assert {"make demo", "make test"} <= set(lines)
    assert {"demo", "test", "test-all", "bench", "fuzz"} <= make_targets()


def test_operators_page() -> None:
    """docs/operators.md is what `mica operators` prints."""
    assert (REPOSITORY / "docs" / "operators.md").read_text() == mica("operators").stdout


def test_cores_of_the_pages() -> None:
    """docs/targets.md lists the cores of `mica targets` in its order; no page invents one."""
    cores = listed_cores()
    page = (REPOSITORY / "docs" / "targets.md").read_text()
    assert re.findall(r"^\| `([\w-]+)` \|", page, re.M)[: len(cores)] == cores
    for path in PAGES:
        text = path.read_text()
        invented = set(CORE.findall(text)) - set(cores)
        assert not invented, f"{page_id(path)} names {invented}"
    facts = sorted(path.stem for path in (REPOSITORY / "target").glob("*.target"))
    assert facts == sorted(cores)


def test_cores_are_taken(tmp_path: Path) -> None:
    """Every listed core compiles the example."""
    model = REPOSITORY / "examples" / "digits" / "digits.tflite"
    for core in listed_cores():
        mica("compile", model, "-o", tmp_path, "--name", core.replace("-", "_"), "--target", core)


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links(page: Path) -> None:
    """Links within the repository lead somewhere."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target) or target.startswith("#"):
            continue
        assert (page.parent / target.split("#")[0]).exists(), f"{target} does not exist"


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_text_forms_are_read(page: Path, tmp_path: Path) -> None:
    """Graphs in text form that a page shows are read back and print the same."""
    for text in blocks(page, "mica-ir"):
        (tmp_path / "shown.ir").write_text(text)
        shown = mica("dump", tmp_path / "shown.ir").stdout
        (tmp_path / "again.ir").write_text(shown)
        assert mica("dump", tmp_path / "again.ir").stdout == shown
