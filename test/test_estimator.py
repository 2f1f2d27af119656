# SPDX-License-Identifier: Apache-2.0
"""Estimators: a function for each output, names in the header, labels as they were trained."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from support import COMPILERS, PORTABLE, REPOSITORY, evaluate, mica, need, run
from tree_models import Ensemble

GRAPH = REPOSITORY / "test" / "pass" / "estimator" / "names.ir"


def generate(folder: Path, *words: str) -> tuple[str, str]:
    """The header and the source of the graph."""
    mica("compile", GRAPH, "-o", folder, "--name", "gesture", *words)
    return (folder / "gesture.h").read_text(), (folder / "gesture.c").read_text()


def test_header_names_features_classes_and_functions(tmp_path: Path) -> None:
    header, _ = generate(tmp_path)
    for line in (
        "#define GESTURE_N_FEATURES 3",
        "GESTURE_FEATURE_ACC_X = 0,",
        "GESTURE_CLASS_WALK = 10,",
        "GESTURE_CLASS_REST = -1,",
        "void gesture_predict_proba(const float in[GESTURE_N_FEATURES], float out[3]);",
        "void gesture_decision_function(const float in[GESTURE_N_FEATURES], float out[3]);",
    ):
        assert line in header


@pytest.mark.parametrize("compiler", COMPILERS)
def test_generated_code_is_clean(tmp_path: Path, compiler: str) -> None:
    need(compiler)
    generate(tmp_path)
    run(compiler, *COMPILERS[compiler], *PORTABLE, "-Os", "-c", tmp_path / "gesture.c", "-o", tmp_path / "gesture.o")


def test_only_the_functions_asked_for_are_there(tmp_path: Path) -> None:
    header, source = generate(tmp_path, "--functions", "decision_function")
    assert "gesture_decision_function" in source and "predict_proba" not in header + source
    refused = mica("compile", GRAPH, "-o", tmp_path, "--functions", "transform", status=1)
    assert "this model has predict_proba, decision_function" in refused.stderr


def test_functions_give_what_eval_gives(tmp_path: Path) -> None:
    need("gcc")
    generate(tmp_path)
    x = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    want = evaluate(GRAPH, tmp_path, [x], ("predict_proba", "decision_function"))
    main = """
#include <stdio.h>
#include <string.h>
#include "gesture.h"
int main(void)
{
    float in[3], out[3];
    while (fread(in, sizeof in, 1, stdin) == 1) {
        gesture_predict_proba(in, out);
        fwrite(out, sizeof out, 1, stdout);
        gesture_decision_function(in, out);
        fwrite(out, sizeof out, 1, stdout);
    }
    return strcmp(gesture_class_name(GESTURE_CLASS_REST), "rest") ||
           strcmp(gesture_feature_name(2), "\\"z\\"") || *gesture_class_name(0);
}
"""
    (tmp_path / "main.c").write_text(main)
    program = tmp_path / "main"
    run("gcc", *PORTABLE, tmp_path / "main.c", tmp_path / "gesture.c", "-o", program)
    done = subprocess.run([program], input=x.tobytes(), capture_output=True, check=True)
    got = np.frombuffer(done.stdout, np.float32).reshape(20, 2, 3)
    assert np.array_equal(got[:, 0], want[0])
    assert np.array_equal(got[:, 1], want[1])


def three_classes(folder: Path, values: str) -> Path:
    """A tree of two tests whose classes have these numbers."""
    tree = Ensemble(1, 3, width=3)
    tree.start()
    first = tree.test(0, 0.0)
    tree.leaf([1, 0, 0])
    tree.right_of(first)
    second = tree.test(0, 1.0)
    tree.leaf([0, 1, 0])
    tree.right_of(second)
    tree.leaf([0, 0, 1])
    text = tree.text(("label",)).replace('graph "trees"\n', f'graph "trees"\nclasses ["a" "b" "c"]{values}\n')
    path = folder / "wide.ir"
    path.write_text(text)
    return path


WIDE_CLASSES = ["[-2000000000 0 2000000000]", "[-2147483648 5 6]", "[-2147483648 0 2147483647]", "[3 2 1]", "[7 100 9]"]


@pytest.mark.parametrize("values", WIDE_CLASSES)
@pytest.mark.parametrize("compiler", COMPILERS)
def test_class_numbers_of_any_width(tmp_path: Path, compiler: str, values: str) -> None:
    need(compiler)
    graph = three_classes(tmp_path, f" = {values}")
    mica("compile", graph, "-o", tmp_path, "--name", "wide", "--optimize", "size")
    run(compiler, *COMPILERS[compiler], *PORTABLE, "-Os", "-c", tmp_path / "wide.c", "-o", tmp_path / "wide.o")
    x = np.array([[-1], [0.5], [2]], np.float32)
    want = [int(v) for v in values.strip("[]").split()]
    assert evaluate(graph, tmp_path, [x], ("predict",))[0].ravel().tolist() == want
    if compiler != "gcc":
        return
    main = """
#include <stdio.h>
#include "wide.h"
int main(void)
{
    const float x[] = {-1, 0.5f, 2};
    for (int i = 0; i < 3; i++)
        printf("%ld %s\\n", (long)wide_predict(&x[i]), wide_class_name(wide_predict(&x[i])));
    return wide_predict(&x[0]) != WIDE_CLASS_A;
}
"""
    (tmp_path / "main.c").write_text(main)
    run("gcc", *PORTABLE, "-fsanitize=undefined", "-fno-sanitize-recover", tmp_path / "main.c", tmp_path / "wide.c",
        "-o", tmp_path / "main")
    done = subprocess.run([tmp_path / "main"], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:3] == [f"{value} {name}" for value, name in zip(want, "abc")]


def test_steps_of_a_function_have_the_numbers_of_their_constants(tmp_path: Path) -> None:
    digits = Ensemble(1, 3, width=3)
    digits.start()
    digits.leaf([0, 1, 0])
    (tmp_path / "two.ir").write_text(digits.text(("label", "scores")))
    mica("compile", tmp_path / "two.ir", "-o", tmp_path, "--name", "two", "--optimize", "size")
    source = (tmp_path / "two.c").read_text()
    comments = [line.split()[1] for line in source.splitlines() if "  trees  " in line]
    assert comments == ["0", "1"]
