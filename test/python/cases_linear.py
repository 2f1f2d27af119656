# SPDX-License-Identifier: Apache-2.0
"""Linear models: regressors, classifiers, one class against the rest."""

from __future__ import annotations

from typing import Any, Iterator

import numpy as np
from sklearn import linear_model, multiclass, svm

from case import MODERATE, NUMBERS, SMALL, Case, cases_on


def linear() -> Iterator[Case]:
    for make in (
        lambda: linear_model.LinearRegression(),
        lambda: linear_model.LinearRegression(fit_intercept=False),
        lambda: linear_model.Ridge(),
        lambda: linear_model.RidgeCV(),
        lambda: linear_model.Lasso(alpha=0.1),
        lambda: linear_model.LassoCV(),
        lambda: linear_model.ElasticNet(alpha=0.1),
        lambda: linear_model.ElasticNetCV(),
        lambda: linear_model.BayesianRidge(),
        lambda: linear_model.HuberRegressor(max_iter=1000),
        lambda: linear_model.SGDRegressor(random_state=0),
        lambda: linear_model.PoissonRegressor(),
        lambda: svm.LinearSVR(random_state=0),
    ):
        yield from cases_on(repr(make()), make, NUMBERS, extreme=MODERATE)
    for make in (
        lambda: linear_model.LinearRegression(),
        lambda: linear_model.Ridge(),
        lambda: linear_model.MultiTaskLasso(),
        lambda: linear_model.MultiTaskElasticNet(),
    ):
        yield from cases_on(f"{make()!r}, three targets", make, "exercise", extreme=MODERATE)
    for make in (
        lambda: linear_model.LogisticRegression(max_iter=400),
        lambda: linear_model.RidgeClassifier(),
        lambda: linear_model.RidgeClassifierCV(),
        lambda: linear_model.SGDClassifier(random_state=0),
        lambda: linear_model.SGDClassifier(loss="modified_huber", random_state=0),
        lambda: linear_model.Perceptron(random_state=0),
        lambda: svm.LinearSVC(random_state=0),
        lambda: multiclass.OneVsRestClassifier(linear_model.LogisticRegression(max_iter=300)),
        lambda: multiclass.OneVsRestClassifier(svm.LinearSVC(random_state=0)),
    ):
        yield from cases_on(
            _short(make()), make, "iris, strings; cancer", "digits; wine; iris, 10..12; binary",
            extreme=MODERATE,
        )
    # Where the logistic function of every score underflows, their shares are those of denormals.
    yield from cases_on(
        "SGDClassifier(loss='log_loss')",
        lambda: linear_model.SGDClassifier(loss="log_loss", random_state=0),
        "iris, strings; cancer", "digits; wine", extreme=SMALL,
    )
    yield from cases_on(
        "LogisticRegressionCV(3 values of C)",
        lambda: linear_model.LogisticRegressionCV(Cs=3, cv=3, max_iter=200), "", "iris; cancer",
        extreme=MODERATE,
    )
    yield from cases_on(
        "LogisticRegression, float32 throughout",
        lambda: linear_model.LogisticRegression(max_iter=400), "iris", "iris, strings",
        extreme=SMALL, dtype=np.float32,
    )
    yield from cases_on(
        "SGDOneClassSVM", lambda: linear_model.SGDOneClassSVM(random_state=0), "iris",
        extreme=MODERATE,
    )


def _short(estimator: Any) -> str:
    return " ".join(repr(estimator).split())
