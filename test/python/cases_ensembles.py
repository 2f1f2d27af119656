# SPDX-License-Identifier: Apache-2.0
"""AdaBoost, bagging, voting and stacking: ensembles of estimators of any kind."""

from __future__ import annotations

from typing import Any, Iterator

from sklearn import ensemble, linear_model, svm, tree
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from case import MODERATE, NUMBERS, Case, cases_on


def of_trees() -> Iterator[Case]:
    """AdaBoost and bagging, mostly of trees."""
    yield from cases_on(
        "AdaBoostClassifier(10)",
        lambda: ensemble.AdaBoostClassifier(n_estimators=10, random_state=0),
        "cancer; iris, strings", "digits; wine; binary; iris, 10..12",
    )
    yield from cases_on(
        "AdaBoostClassifier(6 trees of depth 3, learning_rate=0.5)",
        lambda: ensemble.AdaBoostClassifier(
            tree.DecisionTreeClassifier(max_depth=3), n_estimators=6, learning_rate=0.5,
            random_state=0,
        ), "wine; binary", "digits; cancer",
    )
    yield from cases_on(
        "AdaBoostRegressor(8)",
        lambda: ensemble.AdaBoostRegressor(n_estimators=8, random_state=0), NUMBERS,
    )
    yield from cases_on(
        "AdaBoostRegressor(5) of LinearRegression",
        lambda: ensemble.AdaBoostRegressor(
            linear_model.LinearRegression(), n_estimators=5, random_state=0
        ), NUMBERS, extreme=MODERATE,
    )
    yield from cases_on(
        "BaggingClassifier(6, max_features=0.6, max_samples=0.5)",
        lambda: ensemble.BaggingClassifier(
            tree.DecisionTreeClassifier(min_samples_leaf=2), 6, max_features=0.6, max_samples=0.5,
            random_state=0,
        ), "wine; iris, strings", "digits; cancer",
    )
    yield from cases_on(
        "BaggingClassifier(6, max_samples=4): members that saw some classes only",
        lambda: ensemble.BaggingClassifier(n_estimators=6, max_samples=4, random_state=2),
        "iris, 10..12", "digits",
    )
    yield from cases_on(
        "BaggingClassifier(4, bootstrap_features=True)",
        lambda: ensemble.BaggingClassifier(
            n_estimators=4, bootstrap_features=True, max_features=9, random_state=2
        ), "cancer",
    )
    yield from cases_on(
        "BaggingClassifier(4) of LogisticRegression",
        lambda: ensemble.BaggingClassifier(
            linear_model.LogisticRegression(max_iter=300), 4, max_features=0.5, random_state=0
        ), "iris", "cancer", extreme=MODERATE,
    )
    yield from cases_on(
        "BaggingRegressor(6)",
        lambda: ensemble.BaggingRegressor(
            tree.DecisionTreeRegressor(max_depth=5), 6, max_features=0.7, random_state=0
        ), "diabetes; exercise",
    )
    yield from cases_on(
        "BaggingRegressor(4) of Ridge",
        lambda: ensemble.BaggingRegressor(
            linear_model.Ridge(), 4, max_features=0.7, random_state=0
        ), NUMBERS, extreme=MODERATE,
    )


def of_others() -> Iterator[Case]:
    """AdaBoost and bagging of other models than single trees."""
    for name, make in (
        ("LogisticRegression", lambda: linear_model.LogisticRegression(max_iter=300)),
        ("Perceptron", lambda: linear_model.Perceptron(random_state=0)),
        ("StandardScaler, LinearSVC", lambda: make_pipeline(StandardScaler(), svm.LinearSVC())),
    ):
        yield from cases_on(
            f"BaggingClassifier(5) of {name}",
            lambda make=make: ensemble.BaggingClassifier(
                make(), 5, max_samples=0.5, max_features=0.6, random_state=0
            ), "iris, strings; cancer", "wine; digits", extreme=MODERATE,
        )
    yield from cases_on(
        "BaggingClassifier(6) of RandomForestClassifier",
        lambda: ensemble.BaggingClassifier(
            ensemble.RandomForestClassifier(3, max_depth=3, random_state=0), 6, random_state=0
        ), "iris", "digits; binary",
    )
    yield from cases_on(
        "BaggingClassifier(8, max_samples=4) of RidgeClassifier: some classes only",
        lambda: ensemble.BaggingClassifier(
            linear_model.RidgeClassifier(), 8, max_samples=4, random_state=3
        ), "iris, 10..12", "wine", extreme=MODERATE,
    )
    yield from cases_on(
        "BaggingClassifier(8, max_samples=5) of LogisticRegression: some classes only",
        lambda: ensemble.BaggingClassifier(
            linear_model.LogisticRegression(), 8, max_samples=5, random_state=3
        ), "iris, strings", "", extreme=MODERATE,
    )
    for name, make in (
        ("LogisticRegression", lambda: linear_model.LogisticRegression(max_iter=300)),
        ("RidgeClassifier", lambda: linear_model.RidgeClassifier()),
        ("SGDClassifier", lambda: linear_model.SGDClassifier(random_state=0)),
    ):
        yield from cases_on(
            f"AdaBoostClassifier(6) of {name}",
            lambda make=make: ensemble.AdaBoostClassifier(make(), n_estimators=6, random_state=0),
            "iris, strings; cancer", "wine; digits", extreme=MODERATE,
        )


def _members(*names: str) -> list[tuple[str, Any]]:
    made = {
        "logistic": linear_model.LogisticRegression(max_iter=300),
        "ridge classifier": linear_model.RidgeClassifier(),
        "tree": tree.DecisionTreeClassifier(max_depth=4, random_state=0),
        "forest": ensemble.RandomForestClassifier(5, max_depth=4, random_state=0),
        "pipeline": make_pipeline(StandardScaler(), svm.LinearSVC(random_state=0)),
        "ridge": linear_model.Ridge(),
        "lasso": linear_model.Lasso(alpha=0.1),
        "forest regressor": ensemble.RandomForestRegressor(5, max_depth=5, random_state=0),
    }
    return [(name, made[name]) for name in names]


def votes() -> Iterator[Case]:
    """Votes of models of different kinds, and models of their answers."""
    trees, linears = ("tree", "forest"), ("logistic", "ridge classifier", "pipeline")
    yield from cases_on(
        "VotingClassifier, hard",
        lambda: ensemble.VotingClassifier(_members(*trees, *linears)),
        "iris, strings; cancer", "wine; digits; iris, 10..12", extreme=MODERATE,
    )
    yield from cases_on(
        "VotingClassifier, hard, weights",
        lambda: ensemble.VotingClassifier(
            _members(*trees, *linears), weights=[0.3, 1, 2, 0.7, 0.3]
        ), "wine", "iris, strings; digits", extreme=MODERATE,
    )
    for weights in (None, [2, 1, 0.5]):
        yield from cases_on(
            f"VotingClassifier, soft, weights={weights}",
            lambda weights=weights: ensemble.VotingClassifier(
                _members(*trees, "logistic"), voting="soft", weights=weights
            ), "iris, strings; cancer", "wine; digits", extreme=MODERATE,
        )
        yield from cases_on(
            f"VotingRegressor, weights={weights}",
            lambda weights=weights: ensemble.VotingRegressor(
                _members("ridge", "lasso", "forest regressor"), weights=weights
            ), NUMBERS, extreme=MODERATE,
        )
    yield from cases_on(
        "VotingClassifier, soft, of trees",
        lambda: ensemble.VotingClassifier(_members(*trees), voting="soft"), "binary", "digits",
    )
    yield from cases_on(
        "StackingClassifier",
        lambda: ensemble.StackingClassifier(
            _members("tree", "logistic", "pipeline"), cv=3,
            final_estimator=linear_model.LogisticRegression(max_iter=400),
        ), "iris, strings; cancer", "wine; iris, 10..12", extreme=MODERATE,
    )
    yield from cases_on(
        "StackingClassifier(passthrough=True, stack_method='predict')",
        lambda: ensemble.StackingClassifier(
            _members("tree", "ridge classifier"), cv=3, passthrough=True, stack_method="predict",
            final_estimator=ensemble.RandomForestClassifier(4, max_depth=4, random_state=0),
        ), "iris", "wine", extreme=MODERATE,
    )
    yield from cases_on(
        "StackingRegressor",
        lambda: ensemble.StackingRegressor(
            _members("ridge", "forest regressor"), linear_model.Ridge(), cv=3
        ), NUMBERS, extreme=MODERATE,
    )
