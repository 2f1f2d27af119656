# SPDX-License-Identifier: Apache-2.0
"""Rounded leaves through the package: what check() finds and forgives, and what it does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn import ensemble

import mica
from data import data


def _gradient(**how: Any) -> Any:
    return ensemble.GradientBoostingClassifier(n_estimators=10, random_state=0, **how)


def _hist(**how: Any) -> Any:
    return ensemble.HistGradientBoostingClassifier(max_iter=10, random_state=0, **how)


def _xgboost(**how: Any) -> Any:
    return pytest.importorskip("xgboost").XGBClassifier(n_estimators=10, max_depth=3, **how)


def _lightgbm(**how: Any) -> Any:
    return pytest.importorskip("lightgbm").LGBMClassifier(n_estimators=10, verbose=-1, **how)


def hard(x: np.ndarray, n: int = 4000) -> np.ndarray:
    """Columns drawn one by one, some numbers rounded."""
    draw = np.random.default_rng(0)
    rows = x[draw.integers(0, len(x), (n, x.shape[1])), np.arange(x.shape[1])].astype(np.float32)
    rows[: n // 4] = np.rint(rows[: n // 4])
    return rows


@pytest.mark.parametrize("make", (_gradient, _hist, _xgboost, _lightgbm))
@pytest.mark.parametrize("name", ("cancer", "wine"))
def test_classifiers(make: Any, name: str) -> None:
    """Labels that are certain are equal, all functions keep their bounds, fewer bits decide less."""
    d = data(name)
    estimator = make().fit(d.x, d.y)
    rows, undecided = hard(d.x), []
    for bits in (4, 12, 24):
        model = mica.convert(estimator, leaf_bits=bits, optimize="size")
        assert model.functions[-1] == "predict_certain"
        found = model.check(estimator, rows)
        labels, certain = model.predict_certain(rows)
        same = np.ravel(labels) == np.ravel(estimator.predict(rows))
        assert found.undecided == (~certain).sum() and found.changed == (~same).sum()
        assert same[certain].all() and np.array_equal(labels, model.predict(rows))
        assert f"{found.undecided} rows undecided, {found.changed} label" in str(found)
        assert found.off["predict_proba"] > 0
        undecided.append(found.undecided)
    assert undecided[0] > undecided[1] >= undecided[2] and undecided[2] <= 4


def test_functions_are_not_needed_for_the_check() -> None:
    d = data("wine")
    estimator = _gradient().fit(d.x, d.y)
    full = mica.convert(estimator, leaf_bits=4)
    alone = mica.convert(estimator, leaf_bits=4, functions=["predict"])
    assert alone.functions == ["predict"] and "certain" not in alone.header
    found = alone.check(estimator, hard(d.x))
    assert found.undecided == full.check(estimator, hard(d.x)).undecided > 0


def test_wrong_answers_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A label that differs and is said to be certain; a number beyond its bound."""
    d = data("wine")
    estimator = _gradient().fit(d.x, d.y)
    rows = hard(d.x)
    model = mica.convert(estimator, leaf_bits=4, functions=["predict", "decision_function"])
    found = model.check(estimator, rows)
    assert found.changed and found.changed > 0
    monkeypatch.setattr(model, "_certain", lambda X: np.ones(len(X), bool))
    with pytest.raises(mica.Mismatch, match=f"predict: {found.changed} of 4000 rows differ"):
        model.check(estimator, rows)
    monkeypatch.undo()
    bound = model._errors["decision_function"][0]
    assert bound / 20 < found.off["decision_function"] <= bound * (1 + 1e-6)
    monkeypatch.setitem(model._errors, "decision_function", (found.off["decision_function"] / 2, 0.0))
    with pytest.raises(mica.Mismatch, match="decision_function"):
        model.check(estimator, rows)


@pytest.mark.parametrize(
    "make",
    (
        lambda: ensemble.GradientBoostingRegressor(n_estimators=20, random_state=0),
        lambda: ensemble.RandomForestRegressor(n_estimators=5, max_depth=6, random_state=0),
        lambda: ensemble.HistGradientBoostingRegressor(max_iter=20, loss="poisson"),
        lambda: ensemble.AdaBoostRegressor(n_estimators=5, random_state=0),
        lambda: ensemble.BaggingRegressor(ensemble.GradientBoostingRegressor(n_estimators=4), n_estimators=3),
    ),
    ids=("gradient", "forest", "poisson", "adaboost", "bagging"),
)  # fmt: skip
@pytest.mark.parametrize("optimize", ("speed", "size"))
def test_regressors(make: Any, optimize: str) -> None:
    """Values are within the error of the header, which falls with each bit."""
    d = data("diabetes")
    estimator = make().fit(d.x, d.y)
    off = []
    for bits in (6, 12, 24):
        model = mica.convert(estimator, leaf_bits=bits, optimize=optimize)
        assert "PREDICT_ERROR" in model.header or "PREDICT_RELATIVE_ERROR" in model.header
        found = model.check(estimator, hard(d.x))
        assert found.undecided is None and found.changed is None
        off.append(found.off["predict"])
    assert off[0] > 10 * off[1] > 0 and off[1] > 10 * off[2]


def test_refusals() -> None:
    d = data("wine")
    forest = ensemble.RandomForestClassifier(3, random_state=0).fit(d.x, d.y)
    outlier = ensemble.IsolationForest(n_estimators=3, random_state=0).fit(d.x)
    boosted = _gradient().fit(d.x, d.y)
    for estimator, how, message in (
        (forest, {"leaf_bits": 8}, "as votes for classes do"),
        (outlier, {"leaf_bits": 8}, "the depth of its leaves counts"),
        (boosted, {"leaf_bits": 0}, "a whole number from 4 to 24, not 0"),
        (boosted, {"leaf_bits": 8.5}, "a whole number from 4 to 24, not 8.5"),
        (boosted, {"leaf_bits": 8, "output_type": "float64"}, "choose one of the two"),
    ):
        with pytest.raises(mica.Error, match=message):
            mica.convert(estimator, **how)


def test_cost_is_that_of_rounded_leaves() -> None:
    d = data("wine")
    estimator = _gradient().fit(d.x, d.y)
    exact, rounded = (mica.convert(estimator, leaf_bits=bits, optimize="size") for bits in (None, 8))
    assert replace(rounded._source, leaf_bits=None) == exact._source
    flash = [m.cost("cortex-m4", functions=["predict"]).total["predict"]["flash_bytes"] for m in (exact, rounded)]
    assert flash[1] < flash[0] / 1.5
