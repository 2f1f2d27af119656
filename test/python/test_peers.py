# SPDX-License-Identifier: Apache-2.0
"""What other exporters of trees get wrong, one test each."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import mica
from cores import float_functions, needs_on_cortex_m0
from data import data

OBJECTIVES = ("size", "speed")
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror")


@pytest.mark.parametrize("optimize", OBJECTIVES)
@pytest.mark.parametrize("kind", ("float32", "int16"))
def test_a_threshold_between_integers(kind: str, optimize: str) -> None:
    """A stump at 3.5 sends 3 to the left: no truncation to 3 with "less than"."""
    stump = DecisionTreeClassifier(max_depth=1).fit([[3], [4]], [0, 1])
    assert stump.tree_.threshold[0] == 3.5
    model = mica.convert(stump, input_type=kind, optimize=optimize)
    assert model.predict([[2], [3], [4], [5]]).tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("optimize", OBJECTIVES)
def test_a_threshold_that_is_an_integer(optimize: str) -> None:
    """A value that equals its threshold goes to the left."""
    stump = DecisionTreeClassifier(max_depth=1).fit([[2], [4]], [0, 1])
    assert stump.tree_.threshold[0] == 3
    model = mica.convert(stump, optimize=optimize)
    beside = np.nextafter(np.float32(3), np.float32(4))
    assert model.predict([[3], [beside]]).tolist() == [0, 1]


@pytest.mark.parametrize("optimize", OBJECTIVES)
def test_features_of_zero_and_one(optimize: str) -> None:
    """Ten trees on twelve binary features: every one of the 4096 rows there are."""
    d = data("binary")
    forest = RandomForestClassifier(10, random_state=0).fit(d.x, d.y)
    every = (np.arange(4096)[:, None] >> np.arange(12) & 1).astype(np.float32)
    mica.convert(forest, optimize=optimize).check(forest, every)


@pytest.mark.parametrize("optimize", OBJECTIVES)
def test_raw_integers(optimize: str) -> None:
    """Digits as they are, 0 to 16: accuracy is the forest's."""
    d = data("digits")
    forest = RandomForestClassifier(10, random_state=0).fit(d.x, d.y)
    model = mica.convert(forest, optimize=optimize)
    assert np.mean(model.predict(d.x_test) == d.y_test) == forest.score(d.x_test, d.y_test)


@pytest.mark.parametrize("optimize", OBJECTIVES)
def test_unscaled_floats(optimize: str) -> None:
    """Breast cancer has features from 0.001 to 4000: nothing becomes an integer on the way."""
    d = data("cancer")
    forest = RandomForestClassifier(10, random_state=0).fit(d.x, d.y)
    model = mica.convert(forest, optimize=optimize)
    assert np.array_equal(model.predict(d.x_test), forest.predict(d.x_test))
    with pytest.raises(mica.Error, match="no int16"):
        mica.convert(forest, input_type="int16").predict(d.x_test)


@pytest.mark.parametrize("optimize", OBJECTIVES)
def test_tiny_thresholds(optimize: str) -> None:
    """Constants keep all their digits: 3e-7 is not 0, nor is 1e-25, nor the smallest float32."""
    for size in (3e-7, 1e-25, 1e-40):
        x = (np.arange(8) * size).reshape(-1, 1).astype(np.float32)
        y = np.arange(8)
        tree = DecisionTreeRegressor().fit(x, y * size)
        mica.convert(tree, optimize=optimize, output_type="float64").check(tree, x)
        tree = DecisionTreeClassifier().fit(x, y)
        mica.convert(tree, optimize=optimize).check(tree, x)


@pytest.mark.parametrize("optimize", OBJECTIVES)
def test_large_thresholds(optimize: str) -> None:
    """Values beyond any integer type."""
    x = np.array([[-1e30], [1e20], [3e38]], np.float32)
    tree = DecisionTreeClassifier().fit(x, ["low", "mid", "high"])
    model = mica.convert(tree, optimize=optimize)
    assert model.predict(x).tolist() == ["low", "mid", "high"]


@pytest.mark.parametrize("optimize", OBJECTIVES)
def test_votes_are_soft(optimize: str) -> None:
    """Two trees that are nearly sure against one that is sure: probabilities are averaged."""
    d = data("iris")
    forest = RandomForestClassifier(3, min_samples_leaf=20, random_state=5).fit(d.x, d.y)
    hard = np.array([tree.predict(d.x) for tree in forest.estimators_]).astype(int)
    votes = np.array([np.bincount(row, minlength=3).argmax() for row in hard.T])
    soft = forest.predict(d.x)
    assert np.any(votes != soft), "the case must tell the two apart"
    assert np.array_equal(mica.convert(forest, optimize=optimize).predict(d.x), soft)


def test_class_labels_survive() -> None:
    """10..12, strings, negative numbers: in Python and in the header."""
    d = data("iris")
    for labels in ([10, 11, 12], ["a", "b c", "c"], [-5, 7, 40], [2.0, 3.0, 5.0]):
        y = np.array(labels)[d.y]
        tree = DecisionTreeClassifier(max_depth=3, random_state=0).fit(d.x, y)
        model = mica.convert(tree, name="flower")
        assert np.array_equal(model.predict(d.x_test), tree.predict(d.x_test))
        assert model.predict(d.x_test).dtype == tree.predict(d.x_test).dtype
    assert "FLOWER_CLASS_2 = 2," in model.header and "FLOWER_CLASS_5 = 5," in model.header


def test_two_models_in_one_program(tmp_path: Path) -> None:
    """Two units that include the header link; two models do not clash; C++ takes the headers."""
    if not shutil.which("gcc"):
        pytest.skip("gcc is not installed")
    d = data("iris")
    for seed, name in enumerate(("first", "second")):
        forest = RandomForestClassifier(3, random_state=seed).fit(d.x, d.y)
        mica.convert(forest, name=name).save(tmp_path)
    (tmp_path / "unit.c").write_text(
        '#include "second.h"\n#include "first.h"\n#include "first.h"\nint both(const float *x);\n'
        "int both(const float *x)\n{\n    return first_predict(x) + second_predict(x);\n}\n"
    )
    (tmp_path / "main.c").write_text(
        '#include "first.h"\nint both(const float *x);\nint main(void)\n{\n'
        "    const float x[4] = {5.1f, 3.5f, 1.4f, 0.2f};\n"
        "    return both(x) + first_predict(x);\n}\n"
    )
    files = ["first.c", "second.c", "unit.c", "main.c"]
    subprocess.run(
        ["gcc", "-std=c99", *WARNINGS, *files, "-o", "program"], cwd=tmp_path, check=True
    )
    assert subprocess.run([tmp_path / "program"], check=False).returncode == 0
    symbols = subprocess.run(
        ["gcc", "-c", "-std=c99", "first.c", "-o", "first.o"], cwd=tmp_path, check=True
    )
    assert symbols.returncode == 0
    listed = subprocess.run(
        ["nm", "-g", "--defined-only", "first.o"], cwd=tmp_path, capture_output=True, text=True,
        check=True,
    ).stdout  # fmt: skip
    assert all(line.split()[-1].startswith("first_") for line in listed.splitlines())
    if shutil.which("g++"):
        (tmp_path / "plus.cpp").write_text('#include "first.h"\n#include "second.h"\n')
        subprocess.run(["g++", *WARNINGS, "-c", "plus.cpp"], cwd=tmp_path, check=True)


def test_no_floats_and_no_libraries_in_labels(tmp_path: Path) -> None:
    """On a core without an FPU a forest's label calls no function of floats or doubles, nor of a
    mathematical library."""
    d = data("digits")
    forest = RandomForestClassifier(5, random_state=0).fit(d.x, d.y)
    for optimize in OBJECTIVES:
        model = mica.convert(forest, functions=["predict"], optimize=optimize)
        assert "math.h" not in model.source
        needs = needs_on_cortex_m0(model, tmp_path)
        allowed = {"memcpy", "memset", "__aeabi_lmul", "__aeabi_llsl", "__aeabi_llsr",
                   "__aeabi_uidiv", "__aeabi_idiv", "__gnu_thumb1_case_uqi"}  # fmt: skip
        assert not float_functions(needs) and needs <= allowed, needs


def test_many_classes(tmp_path: Path) -> None:
    """No array of a fixed number of classes: forty of them, of three rows each."""
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(40), 3)
    x = rng.normal(size=(120, 5)) + y[:, None] * rng.normal(size=5)
    forest = RandomForestClassifier(4, random_state=0).fit(x, y)
    for optimize in OBJECTIVES:
        mica.convert(forest, optimize=optimize).check(forest, x)


def test_avr_tables_are_in_program_memory(tmp_path: Path) -> None:
    """No byte of .data or .bss: a table in RAM would be one."""
    if not shutil.which("avr-gcc"):
        pytest.skip("avr-gcc is not installed")
    d = data("digits")
    forest = RandomForestClassifier(5, random_state=0).fit(d.x, d.y)
    model = mica.convert(forest, target="avr", optimize="size", functions=["predict"])
    model.save(tmp_path)
    subprocess.run(
        ["avr-gcc", "-mmcu=atmega2560", "-std=c99", "-Os", *WARNINGS, "-c", "model.c"],
        cwd=tmp_path, check=True,
    )  # fmt: skip
    sizes = subprocess.run(
        ["avr-size", "-A", "model.o"], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    found = dict(re.findall(r"^\.(\S+)\s+(\d+)", sizes, re.M))
    ram = {name: int(size) for name, size in found.items() if name.split(".")[0] in
           ("data", "bss", "rodata")}  # fmt: skip
    assert not any(ram.values()), ram


@pytest.mark.skipif(os.environ.get("MICA_ALL") != "1", reason="the long sweep: MICA_ALL=1")
def test_a_large_forest() -> None:
    """Half a million nodes convert, and their C compiles."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20_000, 10))
    forest = RandomForestRegressor(20, random_state=0, n_jobs=2).fit(x, x @ rng.normal(size=10))
    assert sum(tree.tree_.node_count for tree in forest.estimators_) > 400_000
    model = mica.convert(forest, optimize="size")
    model.check(forest, x[:2000])
