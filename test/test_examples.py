# SPDX-License-Identifier: Apache-2.0
"""Examples of estimators run from fit() to an emulated core, and print what their pages show."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import pytest

from support import PORTABLE, REPOSITORY, need, run

pytest.importorskip("sklearn")
EXAMPLES = {"digits-forest": "digit", "anomaly": "tumour"}
PACKAGE = REPOSITORY / "build" / "package"
BUDGETS = json.loads((REPOSITORY / "bench" / "classical_budgets.json").read_text())
TABLE = re.compile(r"<!-- table -->\n(.*)\n<!-- end -->", re.S)


def script(name: str) -> Path:
    """The one program of an example."""
    (path,) = (REPOSITORY / "examples" / name).glob("*.py")
    return path


@pytest.fixture(scope="module")
def printed() -> dict[str, str]:
    """What was printed, by example; each runs once."""
    return {}


def output(name: str, printed: dict[str, str]) -> str:
    """Runs an example."""
    need("arm-none-eabi-gcc", "qemu-system-arm", "gcc")
    assert (PACKAGE / "mica").is_dir(), "build/package is missing: run `make package`"
    if name not in printed:
        env = {**os.environ, "PYTHONPATH": str(PACKAGE)}
        printed[name] = run(sys.executable, script(name), env=env).stdout
    return printed[name]


@pytest.mark.parametrize("name", EXAMPLES)
def test_answers_are_those_of_the_library(name: str, printed: dict[str, str]) -> None:
    """No label differs, here or on the core."""
    text = output(name, printed)
    assert re.search(r"^predict: 0 of \d+ rows differ", text, re.M)
    (labels,) = re.findall(r"^\| labels as scikit-learn's \|  \| (.*) \|$", text, re.M)
    for cell in labels.split(" | "):
        right, rows = cell.split(" of ")
        assert right == rows


@pytest.mark.parametrize("name", EXAMPLES)
def test_page_shows_what_is_printed(name: str, printed: dict[str, str]) -> None:
    """The table of the page, to the byte and the instruction."""
    compiler = "arm-none-eabi-gcc"
    installed = run(compiler, "-dumpfullversion").stdout.strip()
    if installed != BUDGETS["compilers"][compiler]:
        pytest.skip(f"the table is that of {compiler} {BUDGETS['compilers'][compiler]}")
    table = "".join(line + "\n" for line in output(name, printed).splitlines() if line[0] == "|")
    (shown,) = TABLE.findall((script(name).parent / "README.md").read_text())
    assert shown == table.rstrip()


@pytest.mark.parametrize("name", EXAMPLES)
def test_firmware_of_the_page(name: str, printed: dict[str, str], tmp_path: Path) -> None:
    """The C of the page compiles with what was saved, without a warning."""
    output(name, printed)
    folder = script(name).parent
    (source,) = re.findall(r"^```c\n(.*?)^```", (folder / "README.md").read_text(), re.M | re.S)
    first = source.index("\n\n") + 2
    declared = re.search(r"^(\w.*\))\n\{", source, re.M)
    assert declared
    (tmp_path / "use.c").write_text(f"{source[:first]}{declared[1]};\n\n{source[first:]}")
    for file in (tmp_path / "use.c", folder / "firmware" / f"{EXAMPLES[name]}.c"):
        run("arm-none-eabi-gcc", "-mcpu=cortex-m0", "-mthumb", "--specs=picolibc.specs", *PORTABLE,
            "-Os", f"-I{folder / 'firmware'}", "-c", file, "-o", tmp_path / "out.o")


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_is_short(name: str) -> None:
    """Something to read in a few minutes."""
    assert len(script(name).read_text().splitlines()) < 120


FIT = """
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
import mica

small = {"n_estimators": 3, "max_depth": 4, "random_state": 0}
cancer, digits = load_breast_cancer(), load_digits()
names = list(cancer.feature_names)
pipeline = make_pipeline(StandardScaler(), RandomForestClassifier(**small))
pipeline.fit(cancer.data, cancer.target)
words = "zero one two three four five six seven eight nine".split()
forest = RandomForestClassifier(**small).fit(digits.data, [words[i] for i in digits.target])
"""


def test_code_of_coming_from(tmp_path: Path) -> None:
    """What docs/coming-from.md shows of Mica runs, and its C compiles with what that wrote."""
    need("gcc")
    assert (PACKAGE / "mica").is_dir(), "build/package is missing: run `make package`"
    page = (REPOSITORY / "docs" / "coming-from.md").read_text()
    (pipeline,) = re.findall(r"^```python\n(.*?)^```", page, re.M | re.S)
    (line,) = re.findall(r"^\| \*\*Mica\*\* \| `(mica\.convert\(.*?)` \|", page, re.M)
    (tmp_path / "fit.py").write_text(f"{FIT}\n{pipeline}\n{line}\n")
    run(sys.executable, "fit.py", cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(PACKAGE)})
    (source,) = re.findall(r"^```c\n(.*?)^```", page, re.M | re.S)
    (tmp_path / "use.c").write_text(source)
    files = ("use.c", *(tmp_path / "firmware").glob("*.c"))
    assert len(files) == 3
    run("gcc", *PORTABLE, "-Ifirmware", "-c", *files, cwd=tmp_path)
