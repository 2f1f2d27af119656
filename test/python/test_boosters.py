# SPDX-License-Identifier: Apache-2.0
"""XGBoost, LightGBM and CatBoost through the package: their own file format, and the class labels."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import mica
from data import data
from mica import ubjson


def _xgboost(**how: Any) -> Any:
    return pytest.importorskip("xgboost").XGBClassifier(n_estimators=5, max_depth=3, **how)


def _lightgbm(**how: Any) -> Any:
    module = pytest.importorskip("lightgbm")
    return module.LGBMClassifier(n_estimators=5, verbose=-1, **how)


def _catboost(**how: Any) -> Any:
    module = pytest.importorskip("catboost")
    return module.CatBoostClassifier(
        iterations=6, depth=3, verbose=False, allow_writing_files=False, thread_count=1, **how
    )


@pytest.mark.parametrize("make", (_xgboost, _lightgbm, _catboost))
@pytest.mark.parametrize("name", ("cancer", "wine"))
def test_classifier(make: Any, name: str) -> None:
    d = data(name)
    estimator = make().fit(d.x, d.y)
    model = mica.convert(estimator)
    x = np.concatenate([d.x, d.x_test]).astype(np.float32)
    assert np.array_equal(model.predict(x), np.ravel(estimator.predict(x)))
    error = np.abs(model.predict_proba(x) / estimator.predict_proba(x) - 1)
    assert error.max() < 1e-5


@pytest.mark.parametrize("make", (_lightgbm, _catboost))
@pytest.mark.parametrize("name", ("iris, strings", "iris, 10..12"))
def test_labels(make: Any, name: str) -> None:
    """Labels are those of training, in Python and in the header."""
    d = data(name)
    estimator = make().fit(d.x, d.y)
    model = mica.convert(estimator, name="flower", feature_names=["a", "b", "c", "d"])
    assert np.array_equal(model.predict(d.x_test), np.ravel(estimator.predict(d.x_test)))
    last = "FLOWER_CLASS_VIRGINICA = 2" if "strings" in name else "FLOWER_CLASS_12 = 12"
    assert last in model.header and "FLOWER_FEATURE_D = 3" in model.header


def test_regressors() -> None:
    d = data("diabetes")
    x = d.x.astype(np.float32)
    for estimator in (
        pytest.importorskip("xgboost").XGBRegressor(n_estimators=8, max_depth=3),
        pytest.importorskip("lightgbm").LGBMRegressor(n_estimators=8, verbose=-1),
        pytest.importorskip("catboost").CatBoostRegressor(
            iterations=8, depth=3, verbose=False, allow_writing_files=False
        ),
    ):
        estimator.fit(d.x, d.y)
        got, want = mica.convert(estimator).predict(x), estimator.predict(x)
        assert np.abs(got / want - 1).max() < 1e-6


def test_early_stopping() -> None:
    """Only the best rounds count, as in the estimator's own predictions."""
    d = data("cancer")
    noisy = np.where(np.random.default_rng(0).random(len(d.y)) < 0.3, 1 - d.y, d.y)
    estimator = _xgboost(early_stopping_rounds=2, learning_rate=1.0)
    estimator.set_params(n_estimators=40).fit(
        d.x, noisy, eval_set=[(d.x_test, d.y_test)], verbose=False
    )
    assert estimator.best_iteration + 1 < estimator.get_booster().num_boosted_rounds()
    x = d.x_test.astype(np.float32)
    error = mica.convert(estimator).predict_proba(x) / estimator.predict_proba(x) - 1
    assert np.abs(error).max() < 1e-5


def test_files_of_xgboost(tmp_path: Path) -> None:
    """JSON, and UBJSON, which says the same."""
    d = data("wine")
    estimator = _xgboost().fit(d.x, d.y)
    sources = []
    for suffix in ("json", "ubj"):
        path = tmp_path / f"model.{suffix}"
        estimator.get_booster().save_model(path)
        sources.append(mica.convert(path).source.replace(path.name, "model"))
    assert sources[0] == sources[1]


def test_ubjson() -> None:
    """Every type, with and without stated types and counts."""
    text = (
        b"{i\x01a[$d#U\x02" + struct.pack(">2f", 0.1, -2.5) + b"U\x01b[iaTFZl\x00\x01\x00\x00]"
        b"i\x01cSi\x02ohi\x01d{#i\x01i\x01eL" + struct.pack(">q", -5) + b"}"
    )
    document = json.loads(ubjson.to_json(text, "f"))
    assert np.array_equal(np.float32(document["a"]), np.float32([0.1, -2.5]))
    assert document["b"] == [97, True, False, None, 65536]
    assert document["c"] == "oh" and document["d"] == {"e": -5}
    for end in range(len(text)):
        with pytest.raises(mica.Error, match="f: byte"):
            ubjson.to_json(text[:end], "f")
    with pytest.raises(mica.Error, match="nested too deeply"):
        ubjson.to_json(b"[" * 100, "f")
    with pytest.raises(mica.Error, match="cannot be in this file"):
        ubjson.to_json(b"[$Z#L\x7f\xff\xff\xff\xff\xff\xff\xff", "f")


def test_integer_inputs() -> None:
    """Trees compare integers as they are; symmetric trees and linear boosters get them as float32."""
    d = data("digits")
    x = np.concatenate([d.x, d.x_test])
    for estimator in (
        _xgboost(), _lightgbm(), _catboost(), _xgboost(booster="gblinear"),
        make_pipeline(StandardScaler(), _catboost()), make_pipeline(StandardScaler(), _lightgbm()),
    ):  # fmt: skip
        estimator.fit(d.x, d.y)
        model = mica.convert(estimator, input_type="uint8")
        assert "const uint8_t in[" in model.header
        assert np.array_equal(model.predict(x), np.ravel(estimator.predict(x)))
