# SPDX-License-Identifier: Apache-2.0
"""What the tests of linear models and of steps for features share: data, fitted models, answers."""

from __future__ import annotations

import functools
import re
import subprocess
import warnings
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest

import support
from estimator_graphs import Graph
from support import PORTABLE, mica, need, run

pytest.importorskip("sklearn")
from sklearn import datasets, linear_model, multiclass, preprocessing, svm  # noqa: E402

DATA: dict[str, Callable[..., Any]] = {
    "digits": datasets.load_digits,
    "cancer": datasets.load_breast_cancer,
    "wine": datasets.load_wine,
    "diabetes": datasets.load_diabetes,
}
EPSILON = 2.0**-53
WAYS = ["speed", "size", "cortex-m0"]  # float32 sums, integers, 16-bit parts


@functools.cache
def load(name: str) -> tuple[np.ndarray, np.ndarray]:
    """A data set; features are float32 numbers."""
    x, y = DATA[name](return_X_y=True)
    return x.astype(np.float32), y


def hostile(x: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Rows of the data, noise of its scale, of all scales, sparse, huge, tiny and constant ones."""
    rng = np.random.default_rng(seed)
    width = x.shape[1]
    centre, spread = x.mean(axis=0), x.std(axis=0) + 1e-3
    noise = centre + spread * rng.standard_normal((count, width))
    scales = rng.standard_normal((count, width)) * 10.0 ** rng.uniform(-20, 20, (count, width))
    sparse = noise * (rng.random((count, width)) < 0.05)
    whole = np.round(noise)
    rows = [x, noise, scales, sparse, whole, noise * 1e18, noise * 1e-25, noise * 1e-42]
    rows += [np.zeros((1, width)), np.full((1, width), 3.0e38), np.full((1, width), -1e-45)]
    return np.concatenate(rows).astype(np.float32)


def evaluate(
    graph: Graph, folder: Path, x: np.ndarray, outputs: int = 1, optimize: str = "speed"
) -> list[np.ndarray]:
    """All rows through `mica eval`; the outputs in the order of the graph."""
    model = graph.write(folder / "model.ir")
    names = [
        graph.tensors[int(line.split("%")[1])].split('"')[1] for line in graph.outputs[:outputs]
    ]
    results = support.evaluate(
        model, folder, [x[:, None, :]], names if outputs > 1 else (),
        command=("eval", "--optimize", optimize),
    )  # fmt: skip
    return [result.reshape(len(x), -1) for result in results]


PROGRAM = """
#include <stdio.h>
#include "m.h"
int main(void)
{
    static union m_scratch scratch;
    static float in[M_INPUT_LEN];
    static TYPE out[M_OUTPUT_LEN];
    while (fread(in, sizeof in, 1, stdin) == 1) {
        m_run(&scratch, in, out);
        fwrite(out, sizeof out, 1, stdout);
    }
    return 0;
}
"""


def run_c(
    graph: Graph, folder: Path, x: np.ndarray, target: str, optimize: str = "speed"
) -> np.ndarray:
    """All rows through the C code for a core, which this machine can run, too."""
    need("gcc")
    model = graph.write(folder / "model.ir")
    mica("compile", model, "-o", folder, "--name", "m", "--target", target, "--optimize", optimize)
    dtype = re.search(r"(\w+) out\[M_OUTPUT_LEN\]", (folder / "m.h").read_text())
    assert dtype
    (folder / "main.c").write_text(PROGRAM.replace("TYPE", dtype[1]))
    program = folder / "program"
    run("gcc", *PORTABLE, "-O2", "-fsanitize=undefined", "-fno-sanitize-recover", folder / "main.c",
        folder / "m.c", "-lm", "-o", program)  # fmt: skip
    done = subprocess.run([program], input=x.tobytes(), capture_output=True, check=True)
    assert not done.stderr
    types = {"int32_t": np.int32, "float": np.float32, "double": np.float64}
    return np.frombuffer(done.stdout, types[dtype[1]]).reshape(len(x), -1)


def answers(graph: Graph, folder: Path, x: np.ndarray, way: str) -> np.ndarray:
    """The only output by `mica eval` under an option, or by the C code for a core."""
    if way in ("speed", "size"):
        return evaluate(graph, folder, x, optimize=way)[0]
    return run_c(graph, folder, x, way)


# ---- linear models -----------------------------------------------------------------------------


def uncertainty(coef: np.ndarray, intercept: np.ndarray, x: np.ndarray) -> np.ndarray:
    """What a float64 sum in any order may be off by, for each row and score."""
    terms = np.abs(x.astype(np.float64)) @ np.abs(coef).T + np.abs(intercept)
    return (x.shape[1] + 2) * EPSILON * terms


def check_labels(
    label: np.ndarray, scores: np.ndarray, error: np.ndarray, want: np.ndarray
) -> int:
    """Labels are equal, or the two scores in question are closer than the library's own error.

    Returns how many differ.
    """
    rows = np.flatnonzero(label != want)
    ours, theirs = label[rows], want[rows]
    gap = np.abs(scores[rows, ours] - scores[rows, theirs])
    assert np.all(gap <= error[rows, ours] + error[rows, theirs])
    return len(rows)


CLASSIFIERS: dict[str, Callable[[], Any]] = {
    "logistic": lambda: linear_model.LogisticRegression(max_iter=300),
    "logistic_l1": lambda: linear_model.LogisticRegression(
        solver="liblinear", l1_ratio=1.0, max_iter=300
    ),
    "logistic_ovr": lambda: multiclass.OneVsRestClassifier(
        linear_model.LogisticRegression(max_iter=300)
    ),
    "ridge": linear_model.RidgeClassifier,
    "sgd": lambda: linear_model.SGDClassifier(random_state=0),
    "sgd_log": lambda: linear_model.SGDClassifier(loss="log_loss", random_state=0),
    "perceptron": lambda: linear_model.Perceptron(random_state=0),
    "linear_svc": lambda: svm.LinearSVC(random_state=0, max_iter=300),
}


def parameters(model: Any) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients [scores, features] and intercepts [scores]."""
    if hasattr(model, "estimators_"):
        parts = [parameters(one) for one in model.estimators_]
        return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])
    coef = np.atleast_2d(model.coef_).astype(np.float64)
    return coef, np.broadcast_to(np.asarray(model.intercept_, np.float64), len(coef)).copy()


@functools.cache
def fitted(kind: str, data: str, scaled: bool = False) -> Any:
    """A classifier that was trained far enough to have its usual coefficients."""
    x, y = load(data)
    if scaled:
        x = preprocessing.StandardScaler().fit_transform(x).astype(np.float32)
    if kind == "logistic_l1" and len(np.unique(y)) > 2:
        pytest.skip("liblinear is for two classes")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return CLASSIFIERS[kind]().fit(x, y)


# ---- scalers -----------------------------------------------------------------------------------

SCALERS: dict[str, Callable[[], Any]] = {
    "standard": preprocessing.StandardScaler,
    "standard_mean": lambda: preprocessing.StandardScaler(with_std=False),
    "standard_std": lambda: preprocessing.StandardScaler(with_mean=False),
    "minmax": preprocessing.MinMaxScaler,
    "maxabs": preprocessing.MaxAbsScaler,
    "robust": preprocessing.RobustScaler,
}
