# SPDX-License-Identifier: Apache-2.0
"""The package's own face: files, names, refusals, comparison, cost."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

import mica
from data import data
from mica import _library

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def tree() -> DecisionTreeClassifier:
    d = data("iris, strings")
    return DecisionTreeClassifier(max_depth=3, random_state=0).fit(d.x, d.y)


def test_structs_are_those_of_the_header() -> None:
    """ctypes does not see mica.h: fields, and their order, are compared with its text."""
    text = re.sub(r"/\*.*?\*/", "", (REPOSITORY / "include" / "mica.h").read_text(), flags=re.S)
    for name, struct in (
        ("mica_names", _library.Names),
        ("mica_options", _library.Options),
        ("mica_tensor", _library.TensorInfo),
    ):
        body = re.search(rf"struct {name} {{(.*?)}};", text, re.S)
        assert body is not None
        fields = [
            re.search(r"(\w+)\s*(\[\w+\])?\s*$", part).group(1)
            for line in body.group(1).split(";")
            if line.strip()
            for part in line.split(",")
        ]
        assert fields == [field[0] for field in struct._fields_]
    assert ctypes.sizeof(_library.Names) == 24


def test_files(tree: DecisionTreeClassifier, tmp_path: Path) -> None:
    model = mica.convert(tree, name="flower", feature_names=["a", "b", "c", "d"])
    written = model.save(tmp_path / "deep" / "folder")
    assert [path.name for path in written] == ["flower.h", "flower.c"]
    assert written[0].read_text() == model.header and written[1].read_text() == model.source
    assert "FLOWER_FEATURE_D = 3" in model.header and "FLOWER_CLASS_SETOSA = 0" in model.header
    assert model.functions == ["predict", "predict_proba"]
    assert mica.convert(tree, name="flower", feature_names=list("abcd")).source == model.source


def test_files_of_several_models(tree: DecisionTreeClassifier, tmp_path: Path) -> None:
    """Their kernels are in one file, which goes with them; what does not go together is refused."""
    d = data("iris")
    forest = RandomForestClassifier(5, random_state=0).fit(d.x, d.y)
    models = [mica.convert(forest, name="forest", optimize="size"), mica.convert(tree, name="tree")]
    paths = mica.save_all(models, tmp_path / "out", library="shared")
    names = ["forest.h", "forest.c", "tree.h", "tree.c", "shared.h", "shared.c"]
    assert [path.name for path in paths] == names
    sources = [path for path in paths if path.suffix == ".c"]
    subprocess.run(["cc", "-std=c99", "-Werror", "-c", *sources], cwd=tmp_path, check=True)
    assert models[0].source != (tmp_path / "out" / "forest.c").read_text()
    other = mica.convert(forest, name="other", profile="litert")
    for wrong, message in (([models[0], models[0]], "same name"), ([*models, other], "profiles")):
        with pytest.raises(mica.Error, match=message):
            mica.save_all(wrong, tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_file_that_the_package_wrote(tree: DecisionTreeClassifier, tmp_path: Path) -> None:
    path = tmp_path / "flower.onnx"
    model = mica.convert(tree)
    path.write_bytes(model.data)
    again = mica.convert(path)
    x = data("iris").x
    assert again.functions == model.functions
    assert np.array_equal(again.predict(x), model.predict(x))


def test_refusals(tree: DecisionTreeClassifier, tmp_path: Path) -> None:
    d = data("iris")
    for model, how, message in (
        (KNeighborsClassifier().fit(d.x, d.y), {}, "KNeighborsClassifier of sklearn is nothing"),
        (DecisionTreeClassifier(), {}, r"call fit\(\)"),
        (tree, {"name": "9"}, "no C identifier"),
        (tree, {"feature_names": ["a"]}, "1 feature names are given, but the model takes 4"),
        (tree, {"functions": ["transform"]}, "this model has predict, predict_proba"),
        (tree, {"input_type": "int32"}, "input_type is one of"),
        (tree, {"optimize": "fast"}, "optimize is one of speed, size, ram"),
        (tree, {"dtype": np.int8}, "dtype is numpy.float64 or numpy.float32"),
        (tmp_path / "none.onnx", {}, "none.onnx: No such file"),
    ):
        with pytest.raises(mica.Error, match=message):
            mica.convert(model, **how)
    init = GradientBoostingRegressor(init=LinearRegression(), n_estimators=2).fit(d.x, d.y)
    with pytest.raises(mica.Error, match="its init is a LinearRegression"):
        mica.convert(init)
    (tmp_path / "cut.onnx").write_bytes(mica.convert(tree).data[:100])
    with pytest.raises(mica.Error, match="cut.onnx"):
        mica.convert(tmp_path / "cut.onnx")


def test_inputs_are_checked(tree: DecisionTreeClassifier) -> None:
    model = mica.convert(tree)
    with pytest.raises(mica.Error, match=r"shape \(rows, 4\)"):
        model.predict([[1, 2, 3]])
    with pytest.raises(mica.Error, match="array of numbers"):
        model.predict([["a", "b", "c", "d"]])
    with pytest.raises(mica.Error, match="has no decision_function; it has predict"):
        model.decision_function([[1, 2, 3, 4]])
    assert model.predict(np.zeros((0, 4))).shape == (0,)


def test_check_finds_what_differs(
    tree: DecisionTreeClassifier, capsys: pytest.CaptureFixture[str]
) -> None:
    d = data("iris, strings")
    model = mica.convert(tree)
    agreement = model.check(tree, d.x)
    assert agreement.rows == len(d.x) and agreement.wrong == {"predict": 0, "predict_proba": 0}
    other = DecisionTreeClassifier(max_depth=1, random_state=0).fit(d.x, d.y)
    with pytest.raises(mica.Mismatch, match=r"predict, row \d+: C virginica, reference versi-color"):
        model.check(other, d.x)
    assert "rows differ" in capsys.readouterr().out


def test_forest_of_a_data_frame() -> None:
    """Names come from the frame that it was fitted with."""
    pandas = pytest.importorskip("pandas")
    d = data("iris")
    frame = pandas.DataFrame(d.x, columns=["sepal l", "sepal w", "petal l", "petal w"])
    forest = RandomForestClassifier(3, random_state=0).fit(frame, d.y)
    model = mica.convert(forest)
    assert model.feature_names == list(frame.columns)
    model.check(forest, frame)


def test_cost(tree: DecisionTreeClassifier) -> None:
    for tool in ("arm-none-eabi-gcc", "qemu-system-arm"):
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not installed")
    cost = mica.convert(tree, optimize="size").cost("cortex-m4", functions=["predict"])
    total = cost.total["predict"]
    assert 0 < total["flash_bytes"] < 2000 and total["instructions"] > 10
    assert f"{total['flash_bytes']:,}" in str(cost) and "<table>" in cost._repr_html_()
    with pytest.raises(mica.Error, match="cortex-m99"):
        mica.convert(tree).cost("cortex-m99")


def test_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mica", "targets"], capture_output=True, text=True, check=True
    )
    assert "cortex-m4" in done.stdout


def test_networks() -> None:
    folder = REPOSITORY / "examples" / "digits"
    model = mica.convert(folder / "digits.tflite", name="digits")
    images = np.load(folder / "digits_test_images.npy")
    scores = model.run(images[:1])
    assert scores.shape == (1, 10) and scores.dtype == np.int8
    with pytest.raises(mica.Error, match="is a network"):
        model.check(None, images)
    with pytest.raises(mica.Error, match="call run"):
        model.predict(images)
