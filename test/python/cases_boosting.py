# SPDX-License-Identifier: Apache-2.0
"""Gradient boosting: scikit-learn's own, and the boosting libraries within pipelines."""

from __future__ import annotations

from typing import Any, Iterator

import numpy as np
from sklearn import ensemble
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

from case import MODERATE, NUMBERS, Case, cases_on
from data import Data


def boosting() -> Iterator[Case]:
    yield from cases_on(
        "GradientBoostingClassifier(8)",
        lambda: ensemble.GradientBoostingClassifier(n_estimators=8, random_state=0),
        "wine; cancer; iris, strings", "digits; binary; iris, 10..12",
    )
    yield from cases_on(
        "GradientBoostingClassifier(6, learning_rate=0.3, subsample=0.7, max_leaf_nodes=9)",
        lambda: ensemble.GradientBoostingClassifier(
            n_estimators=6, learning_rate=0.3, subsample=0.7, max_leaf_nodes=9, random_state=0
        ), "binary", "digits",
    )
    yield from cases_on(
        "GradientBoostingClassifier(6, loss='exponential')",
        lambda: ensemble.GradientBoostingClassifier(
            n_estimators=6, loss="exponential", random_state=0
        ), "cancer", "binary",
    )
    yield from cases_on(
        "GradientBoostingClassifier(5, init='zero')",
        lambda: ensemble.GradientBoostingClassifier(n_estimators=5, init="zero", random_state=0),
        "iris", "cancer",
    )
    for loss in ("squared_error", "absolute_error", "huber", "quantile"):
        yield from cases_on(
            f"GradientBoostingRegressor(10, loss='{loss}')",
            lambda loss=loss: ensemble.GradientBoostingRegressor(
                n_estimators=10, loss=loss, random_state=0
            ), NUMBERS,
        )
    yield from cases_on(
        "HistGradientBoostingClassifier(max_iter=6)",
        lambda: ensemble.HistGradientBoostingClassifier(max_iter=6, random_state=0),
        "cancer; wine; iris, strings", "digits; binary; iris, 10..12", nan=True,
    )
    yield from cases_on(
        "HistGradientBoostingClassifier, missing values",
        lambda: ensemble.HistGradientBoostingClassifier(max_iter=5, random_state=0), "missing",
        nan=True,
    )
    yield from cases_on(
        "HistGradientBoostingClassifier(categorical_features=[1, 2])",
        lambda: ensemble.HistGradientBoostingClassifier(
            max_iter=5, categorical_features=[1, 2], random_state=0
        ), "categories", nan=True, whole=(1, 2),
    )
    for loss in ("squared_error", "absolute_error", "poisson", "gamma", "quantile"):
        yield from cases_on(
            f"HistGradientBoostingRegressor(max_iter=8, loss='{loss}')",
            lambda loss=loss: ensemble.HistGradientBoostingRegressor(
                max_iter=8, loss=loss, quantile=0.7 if loss == "quantile" else None, random_state=0
            ), NUMBERS, nan=True,
        )


def _xgboost(kind: str = "Classifier", **how: Any) -> Any:
    import xgboost

    return getattr(xgboost, f"XGB{kind}")(n_estimators=8, max_depth=4, **how)


def _lightgbm(kind: str = "Classifier", **how: Any) -> Any:
    import lightgbm

    return getattr(lightgbm, f"LGBM{kind}")(n_estimators=8, verbose=-1, n_jobs=1, **how)


def _catboost(kind: str = "Classifier", **how: Any) -> Any:
    import catboost

    return getattr(catboost, f"CatBoost{kind}")(
        iterations=8, depth=4, verbose=False, allow_writing_files=False, thread_count=1, **how
    )


def _with_categories(estimator: Any, d: Data) -> Any:
    """The columns of categories come last, as they are."""
    return estimator.fit(d.x, d.y, lgbmclassifier__categorical_feature=[2, 3])


def boosters() -> Iterator[Case]:
    """Behind scalers and the like, whose results XGBoost and CatBoost round to float32."""
    for name, make in (("XGB", _xgboost), ("LGBM", _lightgbm), ("CatBoost", _catboost)):
        labels = "digits" if name == "XGB" else "digits; iris, strings; iris, 10..12"
        yield from cases_on(
            f"StandardScaler, {name}Classifier",
            lambda make=make: make_pipeline(StandardScaler(), make()),
            "cancer; wine; missing", labels, nan=True,
        )
        yield from cases_on(
            f"SimpleImputer, MinMaxScaler, SelectKBest(6), {name}Classifier",
            lambda make=make: make_pipeline(
                SimpleImputer(strategy="median"), MinMaxScaler(), SelectKBest(k=6), make()
            ), "missing", "wine", nan=True,
        )
        yield from cases_on(
            f"ColumnTransformer, {name}Regressor",
            lambda make=make: make_pipeline(
                ColumnTransformer(
                    [("s", StandardScaler(), [0, 2]), ("r", RobustScaler(), slice(3, 7)),
                     ("keep", "passthrough", [8, -1])]
                ), make("Regressor"),
            ), NUMBERS, nan=True,
        )  # fmt: skip
        yield from cases_on(
            f"StandardScaler, {name}Classifier, float32 throughout",
            lambda make=make: make_pipeline(StandardScaler(), make()),
            "wine", "digits", nan=True, dtype=np.float32,
        )
        yield from cases_on(
            f"BaggingClassifier(3) of {name}Classifier",
            lambda make=make: ensemble.BaggingClassifier(make(), 3, random_state=0), "", "wine",
        )
    yield from cases_on(
        "MaxAbsScaler, XGBClassifier(booster='gblinear')",
        lambda: make_pipeline(MaxAbsScaler(), _xgboost(booster="gblinear")), "cancer", "wine",
        extreme=MODERATE,
    )
    yield from cases_on(
        "StandardScaler, LGBMClassifier(boosting_type='rf')",
        lambda: make_pipeline(
            StandardScaler(), _lightgbm(boosting_type="rf", subsample=0.6, subsample_freq=1)
        ), "wine", "cancer", nan=True,
    )
    yield from cases_on(
        "StandardScaler, CatBoostClassifier(grow_policy='Depthwise')",
        lambda: make_pipeline(StandardScaler(), _catboost(grow_policy="Depthwise")), "wine",
        "missing", nan=True,
    )
    yield from cases_on(
        "ColumnTransformer, LGBMClassifier with categories",
        lambda: make_pipeline(
            ColumnTransformer([("s", StandardScaler(), [0, 3]), ("keep", "passthrough", [1, 2])]),
            _lightgbm(),
        ), "categories", nan=True, whole=(1, 2), fit=_with_categories,
    )
