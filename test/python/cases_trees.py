# SPDX-License-Identifier: Apache-2.0
"""Decision trees and forests."""

from __future__ import annotations

from typing import Any, Iterator

from sklearn import ensemble, tree

from case import LABELS, MORE, NUMBERS, Case, cases_on
from data import Data


def trees() -> Iterator[Case]:
    yield from cases_on(
        "DecisionTreeClassifier(max_depth=8)",
        lambda: tree.DecisionTreeClassifier(max_depth=8, random_state=0), LABELS + ";binary", MORE,
    )
    yield from cases_on(
        "DecisionTreeClassifier(max_leaf_nodes=20, class_weight='balanced')",
        lambda: tree.DecisionTreeClassifier(
            max_leaf_nodes=20, class_weight="balanced", random_state=1
        ), "wine", "digits; cancer",
    )
    yield from cases_on(
        "DecisionTreeClassifier, sample_weight",
        lambda: tree.DecisionTreeClassifier(min_samples_leaf=5, random_state=1), "cancer", "digits",
        weight=True,
    )
    yield from cases_on(
        "DecisionTreeClassifier, missing values",
        lambda: tree.DecisionTreeClassifier(max_depth=6, random_state=1), "missing", nan=True,
    )
    yield from cases_on(
        "DecisionTreeClassifier, two labels",
        lambda: tree.DecisionTreeClassifier(min_samples_leaf=4, random_state=1), "two labels",
    )
    yield from cases_on(
        "DecisionTreeClassifier(ccp_alpha=0.01)",
        lambda: tree.DecisionTreeClassifier(ccp_alpha=0.01, random_state=1), "", "digits; cancer",
    )
    yield from cases_on(
        "ExtraTreeClassifier", lambda: tree.ExtraTreeClassifier(random_state=1), "wine", LABELS,
    )
    yield from cases_on(
        "DecisionTreeRegressor(max_depth=6)",
        lambda: tree.DecisionTreeRegressor(max_depth=6, random_state=1), NUMBERS,
    )
    yield from cases_on(
        "DecisionTreeRegressor, three targets",
        lambda: tree.DecisionTreeRegressor(max_depth=4, random_state=1), "exercise",
    )
    yield from cases_on(
        "ExtraTreeRegressor", lambda: tree.ExtraTreeRegressor(random_state=1), NUMBERS
    )


def forests() -> Iterator[Case]:
    yield from cases_on(
        "RandomForestClassifier(10)",
        lambda: ensemble.RandomForestClassifier(10, random_state=0), "digits; binary",
        "cancer; wine; iris, strings; iris, 10..12",
    )
    yield from cases_on(
        "RandomForestClassifier(100, max_depth=5)",
        lambda: ensemble.RandomForestClassifier(100, max_depth=5, random_state=0), "",
        "digits; wine",
    )
    yield from cases_on(
        "RandomForestClassifier(15, class_weight='balanced_subsample', max_depth=4)",
        lambda: ensemble.RandomForestClassifier(
            15, class_weight="balanced_subsample", max_depth=4, random_state=0
        ), "cancer", "digits",
    )
    yield from cases_on(
        "RandomForestClassifier(8), missing values",
        lambda: ensemble.RandomForestClassifier(8, random_state=0), "missing", nan=True,
    )
    yield from cases_on(
        "RandomForestClassifier(7, min_samples_leaf=3), two labels",
        lambda: ensemble.RandomForestClassifier(7, min_samples_leaf=3, random_state=0),
        "two labels",
    )
    yield from cases_on(
        "RandomForestClassifier, warm start",
        lambda: ensemble.RandomForestClassifier(4, warm_start=True, max_depth=4, random_state=0),
        "wine", fit=_warm,
    )
    yield from cases_on(
        "ExtraTreesClassifier(10)",
        lambda: ensemble.ExtraTreesClassifier(10, min_samples_leaf=2, random_state=0), "wine",
        LABELS,
    )
    yield from cases_on(
        "RandomForestRegressor(10)",
        lambda: ensemble.RandomForestRegressor(10, max_depth=6, random_state=0), NUMBERS,
    )
    yield from cases_on(
        "RandomForestRegressor(5), three targets",
        lambda: ensemble.RandomForestRegressor(5, random_state=0), "exercise",
    )
    yield from cases_on(
        "ExtraTreesRegressor(10)",
        lambda: ensemble.ExtraTreesRegressor(10, max_depth=7, random_state=0), NUMBERS,
    )
    yield from cases_on(
        "IsolationForest(30)",
        lambda: ensemble.IsolationForest(n_estimators=30, random_state=0), "cancer", "wine",
    )
    yield from cases_on(
        "IsolationForest(20, contamination=0.1, max_features=0.5, max_samples=60)",
        lambda: ensemble.IsolationForest(
            n_estimators=20, contamination=0.1, max_features=0.5, max_samples=60, random_state=0
        ), "wine", "cancer; digits",
    )
    yield from cases_on(
        "IsolationForest(10), missing values",
        lambda: ensemble.IsolationForest(n_estimators=10, random_state=0), "missing", nan=True,
    )


def _warm(estimator: Any, d: Data) -> Any:
    estimator.fit(d.x, d.y)
    return estimator.set_params(n_estimators=9).fit(d.x, d.y)
