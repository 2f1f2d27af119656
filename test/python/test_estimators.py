# SPDX-License-Identifier: Apache-2.0
"""Every estimator: the generated C against the library, on all rows and on hostile ones; and the
file in between against both, by what its operators mean."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

import mica
from cases import CASES, Case
from cores import float_functions, needs_on_cortex_m0
from data import data, hostile
from reference import evaluate, meta

ALL = os.environ.get("MICA_ALL") == "1"
ROWS = 10_000 if ALL else 1_500


def rows_for(case: Case, model: mica.Model) -> np.ndarray:
    """All rows of the data set, then hostile ones, as float32."""
    d = data(case.set_name)
    file = onnx.load_from_string(model.data)
    worst = hostile(file, d.x, ROWS, case.nan, case.extreme, case.whole)
    x = np.concatenate([d.x, d.x_test]).astype(np.float32)
    return np.concatenate([x, worst])


@pytest.mark.parametrize("case", [c for c in CASES if c.quick or ALL], ids=str)
def test_answers(case: Case) -> None:
    """Labels are equal, scores are close, in C and by the meaning of the file."""
    estimator = case.fitted()
    model = mica.convert(estimator, dtype=case.dtype, optimize="size")
    x = rows_for(case, model)
    model.check(estimator, x)
    results = evaluate(onnx.load_from_string(model.data), x)
    assert list(results) == model.functions == meta(onnx.load_from_string(model.data), "mica.roles")
    if "predict" in results and results["predict"].dtype == np.int32:
        by_file = [
            labels[results["predict"][:, i]] for i, labels in enumerate(model.classes)
        ]
        by_c = model.predict(x).reshape(len(x), -1)
        assert all(np.array_equal(part, by_c[:, i]) for i, part in enumerate(by_file))


@pytest.mark.skipif(not ALL, reason="the long sweep: MICA_ALL=1")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_answers_of_fast_code(case: Case) -> None:
    """The other objective generates other code."""
    estimator = case.fitted()
    model = mica.convert(estimator, dtype=case.dtype, optimize="speed")
    model.check(estimator, rows_for(case, model))


def _of_integers() -> list[tuple[str, Any]]:
    """Estimators for rows of integers, and the data sets they are fitted on."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier, SGDClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    scaled = make_pipeline(StandardScaler(), LogisticRegression(max_iter=50, tol=0.01))
    return [
        ("digits", RandomForestClassifier(6, random_state=0)),
        ("digits", scaled),
        ("digits", RidgeClassifier()),
        ("digits", SGDClassifier(random_state=0)),
        ("binary", LogisticRegression()),
        ("binary", Ridge()),
        ("wine", SGDClassifier(random_state=0)),
    ]


@pytest.mark.parametrize("target", ("host", "cortex-m0"))
@pytest.mark.parametrize("kind", ("int16", "int8", "uint8"))
@pytest.mark.parametrize("optimize", ("size", "speed"))
def test_integer_inputs(kind: str, optimize: str, target: str) -> None:
    """The caller promises integers: forests and linear models take them as they are, scalers are in
    their numbers, the others widen them."""
    rng = np.random.default_rng(0)
    info = np.iinfo(kind)
    for name, estimator in _of_integers():
        d = data(name)
        fits = np.clip(np.rint(d.x), info.min, info.max)
        columns = d.x.shape[1]
        near = rng.integers(max(info.min, -300), min(info.max, 300), (500, columns))
        wild = rng.integers(info.min, info.max, (500, columns), endpoint=True)
        wild[rng.random(wild.shape) < 0.1] = info.min
        wild[rng.random(wild.shape) < 0.1] = info.max
        x = np.concatenate([fits, near, wild, np.zeros((1, columns))])
        estimator.fit(fits, d.y)
        model = mica.convert(estimator, input_type=kind, optimize=optimize, target=target)
        model.check(estimator, x)
        assert f"const {kind}_t in[" in model.header


@pytest.mark.parametrize("optimize", ("size", "speed"))
def test_linear_labels_of_integers_need_no_floats(tmp_path: Path, optimize: str) -> None:
    """Without a unit for floats, no function of floats or doubles is called."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    d = data("digits")
    estimator = make_pipeline(StandardScaler(), LogisticRegression(max_iter=50, tol=0.01))
    estimator.fit(d.x, d.y)
    model = mica.convert(
        estimator, functions=["predict"], optimize=optimize, input_type="uint8", target="cortex-m0"
    )
    assert not float_functions(needs_on_cortex_m0(model, tmp_path))


def test_double_results() -> None:
    """With output_type float64 values are the library's float64, bit for bit where it sums trees."""
    from sklearn.ensemble import RandomForestRegressor

    d = data("diabetes")
    estimator = RandomForestRegressor(9, max_depth=6, random_state=0).fit(d.x, d.y)
    model = mica.convert(estimator, output_type="float64")
    assert "double model_predict(" in model.header
    x = np.concatenate([d.x, d.x_test]).astype(np.float32)
    assert np.array_equal(model.predict(x), estimator.predict(x))
