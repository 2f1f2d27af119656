# SPDX-License-Identifier: Apache-2.0
"""Scalers, imputers and choices of columns in front of trees and linear models."""

from __future__ import annotations

from typing import Iterator

import numpy as np
from sklearn import ensemble, linear_model, svm, tree
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import SelectFromModel, SelectKBest, VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    RobustScaler,
    StandardScaler,
)

from case import MODERATE, NUMBERS, Case, cases_on


def scalers() -> Iterator[Case]:
    """Scalers in front of trees and linear models, in float64 and in float32."""
    for scaler in (
        StandardScaler(), StandardScaler(with_mean=False), MinMaxScaler(), MaxAbsScaler(),
        RobustScaler(), RobustScaler(with_centering=False),
    ):  # fmt: skip
        yield from cases_on(
            f"{scaler!r}, RandomForestClassifier(5)",
            lambda scaler=scaler: make_pipeline(
                scaler, ensemble.RandomForestClassifier(5, max_depth=6, random_state=0)
            ), "wine", "digits; cancer; iris, strings",
        )
        yield from cases_on(
            f"{scaler!r}, LogisticRegression",
            lambda scaler=scaler: make_pipeline(
                scaler, linear_model.LogisticRegression(max_iter=300)
            ), "cancer", "digits; wine", extreme=MODERATE,
        )
    yield from cases_on(
        "StandardScaler, DecisionTreeClassifier, float32 throughout",
        lambda: make_pipeline(StandardScaler(), tree.DecisionTreeClassifier(random_state=0)),
        "wine", "cancer; digits", dtype=np.float32,
    )
    for scaler in (MinMaxScaler(), RobustScaler(), MaxAbsScaler()):
        yield from cases_on(
            f"{scaler!r}, RandomForestClassifier(5), float32 throughout",
            lambda scaler=scaler: make_pipeline(
                scaler, ensemble.RandomForestClassifier(5, random_state=0)
            ), "wine", "cancer", dtype=np.float32,
        )
    yield from cases_on(
        "StandardScaler, HistGradientBoostingClassifier",
        lambda: make_pipeline(
            StandardScaler(), ensemble.HistGradientBoostingClassifier(max_iter=4, random_state=0)
        ), "wine", "cancer", nan=True,
    )
    yield from cases_on(
        "StandardScaler, GradientBoostingRegressor",
        lambda: make_pipeline(
            StandardScaler(), ensemble.GradientBoostingRegressor(n_estimators=6, random_state=0)
        ), NUMBERS,
    )
    yield from cases_on(
        "MinMaxScaler(clip=True), DecisionTreeClassifier",
        lambda: make_pipeline(MinMaxScaler(clip=True), tree.DecisionTreeClassifier(random_state=0)),
        "wine", "digits",
    )


def imputers() -> Iterator[Case]:
    """Imputers and normalizers."""
    yield from cases_on(
        "SimpleImputer, StandardScaler, LogisticRegression",
        lambda: make_pipeline(
            SimpleImputer(), StandardScaler(), linear_model.LogisticRegression()
        ), "missing", nan=True, extreme=MODERATE,
    )
    yield from cases_on(
        "SimpleImputer(median), DecisionTreeClassifier",
        lambda: make_pipeline(
            SimpleImputer(strategy="median"), tree.DecisionTreeClassifier(random_state=0)
        ), "missing", nan=True,
    )
    yield from cases_on(
        "SimpleImputer(missing_values=0), RandomForestClassifier(5)",
        lambda: make_pipeline(
            SimpleImputer(missing_values=0, strategy="most_frequent"),
            ensemble.RandomForestClassifier(5, max_depth=5, random_state=0),
        ), "", "digits",
    )
    for norm in ("l1", "l2", "max"):
        yield from cases_on(
            f"Normalizer({norm}), LogisticRegression",
            lambda norm=norm: make_pipeline(
                Normalizer(norm), linear_model.LogisticRegression(max_iter=300)
            ), "iris", "digits", extreme=MODERATE,
        )


def columns() -> Iterator[Case]:
    """Choices of columns, and steps for some of them."""
    yield from cases_on(
        "SelectKBest(5), StandardScaler, LinearSVC",
        lambda: make_pipeline(SelectKBest(k=5), StandardScaler(), svm.LinearSVC(random_state=0)),
        "wine", "digits", extreme=MODERATE,
    )
    yield from cases_on(
        "VarianceThreshold, SelectFromModel, RandomForestClassifier(4)",
        lambda: make_pipeline(
            VarianceThreshold(0.01), SelectFromModel(tree.DecisionTreeClassifier(random_state=0)),
            ensemble.RandomForestClassifier(4, random_state=0),
        ), "digits",
    )
    yield from cases_on(
        "ColumnTransformer, DecisionTreeClassifier",
        lambda: make_pipeline(
            ColumnTransformer(
                [("s", StandardScaler(), [0, 2]), ("m", MinMaxScaler(), slice(4, 8)),
                 ("keep", "passthrough", [9, -1]), ("no", "drop", [1])],
                remainder=RobustScaler(),
            ), tree.DecisionTreeClassifier(max_depth=5, random_state=0),
        ), "wine", "digits",
    )  # fmt: skip
    yield from cases_on(
        "ColumnTransformer of a Pipeline, Ridge",
        lambda: make_pipeline(
            ColumnTransformer(
                [("p", make_pipeline(SimpleImputer(), StandardScaler()), [1, 3])],
                remainder="passthrough", transformer_weights={"p": 0.25},
            ), linear_model.Ridge(),
        ), NUMBERS, extreme=MODERATE,
    )
    yield from cases_on(
        "FeatureUnion, LogisticRegression",
        lambda: Pipeline(
            [("u", FeatureUnion([("s", StandardScaler()), ("m", MinMaxScaler())])),
             ("skip", "passthrough"), ("c", linear_model.LogisticRegression(max_iter=500))]
        ), "iris, strings", extreme=MODERATE,
    )  # fmt: skip
